/* Waiting lists. A cap that many share (a provider's, the sender's, warm-up) may hold up a hundred thousand enrollments at once, and each
 * place that becomes free lets one of them go. So whoever is held up by such a cap stands in a list, one for each sequence and provider
 * ("" : the sender), and only the list has an instant. When it comes, the head of the list is asked: those that go take the places, and
 * the first that is told to wait gives the list its next instant. So a place costs one look too many, not one for everybody who waits,
 * and nobody behind other providers is held up. Among all that are due then, priority and due time decide as ever.
 *
 * The rows are the store's (enrollment.slot); here is only when each list is to be asked. */
#include <stdlib.h>
#include <string.h>

#include "abv/hash.h"
#include "abv/mem.h"
#include "scheduler_int.h"

bool slot_of(const struct candidate *c, const struct verdict *v, const char **slot)
{
	if (v->kind != VERDICT_WAIT || v->until == CLOCK_NEVER)
		return false;
	*slot = v->reason == REASON_PROVIDER_LIMIT ? mailaddr_domain(c->row->contact->email) : "";
	return v->reason == REASON_PROVIDER_LIMIT || v->reason == REASON_SENDER_LIMIT || v->reason == REASON_WARMUP;
}

static size_t hash_of(const char *sequence, const char *slot)
{
	return (size_t)hash_text(hash_member(HASH_BEGIN, sequence), slot);
}

/* Its place in the table, or the empty one where it belongs. */
static size_t place_of(const struct slots *t, const char *sequence, const char *slot)
{
	size_t i = hash_of(sequence, slot) & (t->places - 1);
	while (t->place[i] != 0 && (strcmp(t->row[t->place[i] - 1].sequence, sequence) != 0 || strcmp(t->row[t->place[i] - 1].slot, slot) != 0))
		i = (i + 1) & (t->places - 1);
	return i;
}

static void grow(struct slots *t)
{
	if (t->n * 2 < t->places)
		return;
	free(t->place);
	t->places = t->places != 0 ? t->places * 2 : 64;
	t->place = mem_array(t->places, sizeof *t->place);
	for (size_t i = 0; i < t->n; i++)
		t->place[place_of(t, t->row[i].sequence, t->row[i].slot)] = (uint32_t)i + 1;
}

void slots_note(struct scheduler *s, const char *sequence, const char *slot, int64_t at, bool rests_on_flight)
{
	struct slots *t = &s->slots;
	grow(t);
	size_t i = place_of(t, sequence, slot);
	if (t->place[i] == 0) {
		t->row = mem_grow(t->row, t->n + 1, sizeof *t->row);
		t->row[t->n++] = (struct slot_list){ .sequence = mem_strdup(sequence), .slot = mem_strdup(slot) };
		t->place[i] = (uint32_t)t->n;
	}
	struct slot_list *l = &t->row[t->place[i] - 1];
	l->at = at; /* the last word counts: every member has the same */
	l->rests_on_flight = rests_on_flight;
	scheduler_note_due(s, at);
}

void slots_free(struct slots *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->row[i].sequence);
		free(t->row[i].slot);
	}
	free(t->row);
	free(t->place);
	*t = (struct slots){ 0 };
}

static void load_row(void *arg, const char *sequence, const char *slot, int64_t until)
{
	slots_note(arg, sequence, slot, until, false);
}

int slots_load(struct scheduler *s, struct err *e)
{
	slots_free(&s->slots);
	return store_slots(s->store, load_row, s, e);
}

void slots_ask_all(struct scheduler *s, int64_t now, bool resting_only)
{
	for (size_t i = 0; i < s->slots.n; i++) {
		struct slot_list *l = &s->slots.row[i];
		if ((resting_only && !l->rests_on_flight) || l->at == CLOCK_NEVER || l->at <= now)
			continue;
		l->at = now;
		scheduler_note_due(s, now);
	}
}

/* The heads of the lists whose instant has come join those that are due. */
void slots_due(struct scheduler *s, int64_t now)
{
	struct due_row row[SLOT_HEADS];
	for (size_t i = 0; i < s->slots.n && s->due_n < DUE_MAX; i++) {
		struct slot_list *l = &s->slots.row[i];
		const struct plan_sequence *q = plan_sequence(s->plan, l->sequence);
		if (l->at > now) {
			scheduler_note_due(s, l->at);
			continue;
		}
		if (q == NULL || pause_has(&s->paused, l->sequence))
			continue;
		int room = DUE_MAX - s->due_n < SLOT_HEADS ? (int)(DUE_MAX - s->due_n) : SLOT_HEADS;
		int n = store_slot_rows(s->store, l->sequence, l->slot, row, room, NULL);
		for (int k = 0; k < n; k++)
			s->due[s->due_n++] = (struct due_entry){ .enrollment_id = row[k].enrollment_id, .due_at = row[k].due_at,
				                                 .priority = q->sequence->priority, .list = (uint32_t)i + 1 };
		if (n == 0)
			l->at = CLOCK_NEVER; /* empty */
		s->due_cut |= n == room;
	}
}

bool slots_closed(const struct scheduler *s, uint32_t list, int64_t now)
{
	return list != 0 && s->slots.row[list - 1].at > now;
}
