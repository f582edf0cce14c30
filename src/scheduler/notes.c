/* Notes to on_reply.notify: somebody answered. They go out by the same relay, outside cadence, pauses and history. Policy:
 *
 * - Durable with the reply they tell of, and tried until the relay accepts them, at most four days.
 * - Never twice: one whose final dot may have left is not sent again, whatever became of it. The reply stands in the engagement log.
 * - Never to a contact, nor to an address that is suppressed. Looked at when it leaves: people are imported meanwhile.
 * - Marked as automatic (RFC 3834) and sent from sender.return_path without a token, so that nothing that comes back for one is ever
 *   taken for an answer of a contact. */
#include <stdio.h>
#include <string.h>

#include "abv/log.h"
#include "abv/mem.h"
#include "abv/mime.h"
#include "scheduler_int.h"

#define NOTE_KEEP (4 * CLOCK_DAY)
#define NOTE_AGAIN CLOCK_MINUTE /* after a connection that was lost */
#define NOTES_AT_ONCE 8

int scheduler_note(struct scheduler *s, int64_t contact_id, const char *to, const char *subject, const char *text, struct err *e)
{
	struct note n = { .contact_id = contact_id, .recipient = to, .subject = subject, .text = text, .created_at = clock_now(s->clock) };
	if (store_note_add(s->store, &n, e) != 0)
		return -1;
	if (n.created_at < s->note_first)
		s->note_first = n.created_at;
	return 0;
}

void notes_load(struct scheduler *s)
{
	s->note_first = store_note_first(s->store);
}

/* The dot of a note that was handed over before a crash may have left. */
int notes_recover(struct scheduler *s, struct err *e)
{
	if (store_begin(s->store, e) != 0)
		return -1;
	int n = store_notes_recover(s->store, e);
	if (n < 0) {
		store_rollback(s->store);
		return -1;
	}
	if (n > 0)
		log_warning("abvd ended while notes to on_reply.notify were on their way; they are not sent again notes=%d", n);
	notes_load(s);
	return store_commit_now(s->store, e);
}

static int compose(struct scheduler *s, const struct note *n, struct job *j, struct err *e)
{
	const struct config_sender *from = &s->plan->config->sender;
	snprintf(j->message_id, sizeof j->message_id, "note-%lld-%lld@%s", (long long)n->created_at, (long long)n->id, mailaddr_domain(from->from_addr));
	snprintf(j->message.envelope_from, sizeof j->message.envelope_from, "%s", from->return_path);
	snprintf(j->message.envelope_to, sizeof j->message.envelope_to, "%s", n->recipient);
	struct mime_headers h = {
		.from_name = from->from_name, .from_addr = from->from_addr, .reply_to = "", .to_name = "", .to_addr = n->recipient,
		.subject = n->subject, .message_id = j->message_id, .date = clock_now(s->clock), .list_unsubscribe = "", .list_id = "",
		.feedback_id = "", .in_reply_to = "", .references = "", .automatic = true,
	};
	if (mime_compose(&h, n->text, strlen(n->text), NULL, 0, &j->data, e) != 0)
		return -1;
	j->message.data = j->data.data;
	j->message.size = j->data.len;
	j->message.smtputf8 = !mailaddr_is_ascii(n->recipient) || !mailaddr_is_ascii(from->return_path);
	return 0;
}

/* ---- leaving ---- */

static const struct job *on_its_way(const struct scheduler *s, int64_t id)
{
	const struct job *j;
	TAILQ_FOREACH (j, &s->jobs, link)
		if (j->note_id == id)
			return j;
	return NULL;
}

/* Why it must not go; NULL: it may. */
static const char *refused(struct scheduler *s, const struct note *n, int64_t now)
{
	struct contact *c = NULL;
	int known = store_contact_by_email(s->store, n->recipient, &c, NULL);
	contact_free(&c);
	if (known != 0)
		return "on_reply.notify is the address of a contact";
	if (store_suppressed(s->store, n->recipient) != REASON_NONE)
		return "on_reply.notify is suppressed";
	return now - n->created_at >= NOTE_KEEP ? "it was tried for four days" : NULL;
}

struct filling {
	struct scheduler *s;
	int64_t now;
	int64_t drop[NOTES_AT_ONCE];
	int drop_n;
};

static void drop(struct filling *f, int64_t id, const char *why)
{
	log_warning("a note to on_reply.notify is not sent note=%lld: %s", (long long)id, why);
	f->drop[f->drop_n++] = id;
}

static void fill_row(void *arg, const struct note *n)
{
	struct filling *f = arg;
	struct err e = { "" };
	const char *why = on_its_way(f->s, n->id) == NULL ? refused(f->s, n, f->now) : NULL;
	if (why != NULL) {
		drop(f, n->id, why);
		return;
	}
	if (on_its_way(f->s, n->id) != NULL)
		return;
	struct job *j = job_new(f->s);
	j->note_id = n->id;
	j->note_created = n->created_at;
	j->note_tries = n->tries;
	if (compose(f->s, n, j, &e) != 0) {
		drop(f, n->id, e.text);
		job_free(f->s, &j);
	} else if (!scheduler_place(f->s, j)) {
		f->s->notes_waiting++;
		job_free(f->s, &j);
	}
}

int notes_fill(struct scheduler *s, int64_t now, struct err *e)
{
	struct filling f = { .s = s, .now = now };
	if (s->note_first > now)
		return 0;
	if (store_notes_due(s->store, now, NOTES_AT_ONCE, fill_row, &f, e) < 0)
		return -1;
	for (int i = 0; i < f.drop_n; i++)
		if (store_note_remove(s->store, f.drop[i], e) < 0)
			return -1;
	notes_load(s);
	return 0;
}

/* Erased meanwhile with its contact: then its words must not leave. */
int note_hand(struct scheduler *s, const struct job *j, bool *yes, struct err *e)
{
	int there = store_note_hand(s->store, j->note_id, e);
	*yes = there > 0;
	return there < 0 ? -1 : 0;
}

/* ---- what became of it ---- */

static int again(struct scheduler *s, const struct job *j, int64_t at, struct err *e)
{
	return store_note_retry(s->store, j->note_id, at, e) < 0 ? -1 : 0;
}

static int end(struct scheduler *s, const struct job *j, const char *why, struct err *e)
{
	if (why != NULL)
		log_warning("a note to on_reply.notify %s note=%lld smtp_code=%d smtp_reply=%.200s", why, (long long)j->note_id, j->result.code, j->reply);
	else
		log_info("a note to on_reply.notify was sent note=%lld", (long long)j->note_id);
	return store_note_remove(s->store, j->note_id, e) < 0 ? -1 : 0;
}

int note_finished(struct scheduler *s, struct job *j, int64_t now, struct err *e)
{
	int rc = -1;
	switch (j->result.outcome) {
	case OUTCOME_ACCEPTED: rc = end(s, j, NULL, e); break;
	case OUTCOME_UNKNOWN: rc = end(s, j, "may or may not have been delivered; it is not sent again", e); break;
	case OUTCOME_BAD_ADDRESS:
	case OUTCOME_REFUSED_PERM:
	case OUTCOME_REFUSED_CONTENT: rc = end(s, j, "was refused", e); break;
	case OUTCOME_REFUSED_TEMP: rc = again(s, j, attempt_retry_at(now, j->note_tries + 1), e); break;
	case OUTCOME_NOT_SENT:
	case OUTCOME_COUNT: rc = again(s, j, j->result.local ? now : now + NOTE_AGAIN, e); break;
	}
	notes_load(s);
	if (rc == 0)
		j->state = JOB_RECORDED;
	return rc;
}
