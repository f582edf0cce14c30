/* 5yz in a row (9-precisions, Hard bounce). A relay that refuses everybody says what it would say of a bad address, so:
 *
 * - What the relay said is recorded at once. But a hard bounce's consequence, the suppression and the end of the contact's enrollments,
 *   is withheld while it may turn out to be the relay's fault; nothing more goes to that contact meanwhile.
 * - An acceptance shows that the relay takes mail, and everything withheld is carried out. So it is when nothing can go that would tell.
 * - The third 5yz in a row, at any command, pauses sending. An operator looks and resumes; the first outcome after that carries out what
 *   was withheld, whatever it is.
 *
 * What is withheld is durable (settings "withheld:TOUCH"), so neither a crash nor a restart forgets a hard bounce.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "scheduler_int.h"

#define STREAK_PAUSES 3
#define PREFIX "withheld:"

static void withheld_add(struct scheduler *s, int64_t touch_id, int64_t contact_id)
{
	s->withheld = mem_grow(s->withheld, s->withheld_n + 1, sizeof *s->withheld);
	s->withheld[s->withheld_n++] = (struct withheld){ touch_id, contact_id };
}

static void withheld_row(void *arg, const char *name, const char *value)
{
	withheld_add(arg, strtoll(strchr(name, ':') + 1, NULL, 10), strtoll(value, NULL, 10));
}

void streak_load(struct scheduler *s)
{
	s->withheld_n = 0;
	store_settings(s->store, PREFIX, withheld_row, s, NULL);
}

bool streak_withholds(const struct scheduler *s, int64_t contact_id)
{
	for (size_t i = 0; i < s->withheld_n; i++)
		if (s->withheld[i].contact_id == contact_id)
			return true;
	return false;
}

static int setting(struct scheduler *s, int64_t touch_id, const char *value, struct err *e)
{
	char name[48];
	snprintf(name, sizeof name, PREFIX "%" PRId64, touch_id);
	return store_setting_put(s->store, name, value, e);
}

int streak_withhold(struct scheduler *s, const struct job *j, const struct enrollment_row *row, struct err *e)
{
	char contact[24];
	snprintf(contact, sizeof contact, "%" PRId64, j->contact_id);
	if (setting(s, j->delivery.touch_id, contact, e) != 0)
		return -1;
	withheld_add(s, j->delivery.touch_id, j->contact_id);
	if (row->enrollment.state != ENROLLMENT_ACTIVE)
		return 0;
	return store_enrollment_wait(s->store, row->enrollment.id, REASON_HARD_BOUNCE, CLOCK_NEVER, CLOCK_NEVER, false, e);
}

static int carry_out(struct scheduler *s, const struct withheld *w, int64_t now, struct err *e)
{
	struct touch *t = NULL;
	struct contact *c = NULL;
	int rc = -1;
	if (setting(s, w->touch_id, "", e) != 0 || store_touch(s->store, w->touch_id, &t, e) < 0 || store_contact_by_id(s->store, w->contact_id, &c, e) < 0)
		goto out;
	rc = 0;
	if (t == NULL || c == NULL || c->forgotten)
		goto out; /* an erased person stays suppressed by the keyed hash, and has no enrollment left */
	int fresh = store_suppress(s->store, c->email, REASON_HARD_BOUNCE, t->smtp_reply, now, e);
	if (fresh > 0) {
		struct buf d = { 0 };
		struct enrollment en = { .contact_id = c->id, .sequence = "", .step = "" };
		json_add_str(&d, "reason", reason_name(REASON_HARD_BOUNCE));
		rc = record_event(s, EVENT_SUPPRESSED, &en, whose(c), -1, t->id, now, &d, e);
	}
	rc = fresh < 0 || rc != 0 ? -1 : record_stop_all(s, c->id, REASON_HARD_BOUNCE, now, e);
	if (rc == 0) /* the relay took it for no touch, but it was sent */
		rc = store_hour_count(s->store, now, STORE_HOUR_SENDS, 1, e) == 0 ? breaker_count(s, STORE_HOUR_BOUNCES, now, now, e) : -1;
out:
	touch_free(&t);
	contact_free(&c);
	return rc;
}

static int carry_out_all(struct scheduler *s, int64_t now, struct err *e)
{
	for (size_t i = 0; i < s->withheld_n; i++)
		if (carry_out(s, &s->withheld[i], now, e) != 0)
			return -1;
	s->withheld_n = 0;
	return 0;
}

int streak_before(struct scheduler *s, int64_t now, struct err *e)
{
	if (!s->confirm)
		return 0;
	s->confirm = false;
	return carry_out_all(s, now, e);
}

/* The event is nobody's, so that nobody's forgetting would find an address in it. */
static void without_addresses(struct buf *to, const char *text)
{
	while (*text != '\0') {
		size_t gap = strspn(text, " "), word = strcspn(text + gap, " ");
		buf_add(to, text, gap);
		if (memchr(text + gap, '@', word) != NULL)
			buf_str(to, "...");
		else
			buf_add(to, text + gap, word);
		text += gap + word;
	}
}

static int pause_sending(struct scheduler *s, const struct job *j, int64_t now, struct err *e)
{
	log_error("sending paused: the relay refused %d messages in a row reply=\"%s\"; see `abvctl status`, then `abvctl resume`", s->streak, j->reply);
	if (store_setting_put(s->store, "paused", PAUSED_BY_REFUSALS, e) != 0)
		return -1;
	s->paused.all = s->paused.refusals = true; /* for the rest of this turn too; a commit that fails reads it anew */
	struct buf d = { 0 }, reply = { 0 };
	without_addresses(&reply, j->reply);
	json_add_str(&d, "reason", PAUSED_BY_REFUSALS);
	json_add_str(&d, "smtp_reply", buf_text(&reply));
	buf_free(&reply);
	struct enrollment none = { .sequence = "", .step = "" };
	return record_event(s, EVENT_PAUSED, &none, whose(NULL), -1, 0, now, &d, e);
}

int streak_after(struct scheduler *s, const struct job *j, int64_t now, struct err *e)
{
	if (!j->result.local && j->result.code >= 500 && j->result.code <= 599)
		return ++s->streak == STREAK_PAUSES && !s->paused.all ? pause_sending(s, j, now, e) : 0;
	if (j->result.outcome != OUTCOME_ACCEPTED)
		return 0;
	s->streak = 0;
	return carry_out_all(s, now, e);
}

bool streak_rests(const struct scheduler *s)
{
	if (s->withheld_n == 0 || s->paused.refusals || s->confirm || s->streak >= STREAK_PAUSES || job_in_flight(s) > 0)
		return false;
	return s->finishing || s->paused.all || !s->relay_usable || (s->ready_n == 0 && s->due_next >= s->due_n);
}

int streak_rest(struct scheduler *s, int64_t now, struct err *e)
{
	return streak_rests(s) ? carry_out_all(s, now, e) : 0;
}
