/* The work of a session: what is new is listed, fetched one by one, handed over, marked; then the server tells (IDLE)
 * or is asked. Policy:
 *
 * - A list is a window of UIDs, so that no answer is large; a window without messages makes the next one wider.
 * - A message that is too large is stepped over and logged; so is one that has gone.
 * - One that comes later, or that the server would not give, waits with a back-off of its own while those behind it go
 *   on; the cursor stays below it. When many in a row come later the store is in trouble: all wait.
 * - What the server never gives is given up after some tries, and logged. What we could not process never is.
 * - The mailbox is selected anew from time to time: Dovecot goes on showing one that was deleted and made again.
 * - Nothing is changed but what imap.after says, of a message that is done.
 */
#include <stdio.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/log.h"
#include "imap_int.h"

#define WINDOW_FIRST 1000U
#define LATER_ROW    8  /* messages in a row that come later */
#define REFUSED_MOST 10 /* tries to get one that the server does not give */
#define LOST_MOST    3  /* connections that broke while the same message was fetched */
#define FRUITLESS    20 /* then a server's news are no longer believed at once */
#define BODY_KEPT    ((size_t)262144)

/* ---- the cursor ---- */

static void cursor_text(const struct imap *s, uint32_t done, char out[IMAP_CURSOR_MAX])
{
	(void)snprintf(out, IMAP_CURSOR_MAX, "%u:%u", s->validity, imap_later_cursor(&s->later, s->last, done));
}

static void pass(struct imap *s, uint32_t uid)
{
	if (uid > s->last)
		s->last = uid;
}

/* Past a message that is not handed over. */
static void step_over(struct imap *s, uint32_t uid)
{
	char text[IMAP_CURSOR_MAX];

	imap_later_remove(&s->later, uid);
	pass(s, uid);
	cursor_text(s, uid, text);
	/* A failure is the store's, which says so itself; it only means that the step is made again after a start. */
	(void)s->hooks.cursor_put(s->hooks.arg, s->source, text);
}

static void start_over(struct imap *s, uint32_t validity)
{
	char text[IMAP_CURSOR_MAX];

	s->validity = validity;
	s->last = 0;
	s->mark = s->lost_at = 0;
	s->later.n = s->later_row = 0;
	s->list_n = s->list_at = 0;
	(void)snprintf(text, sizeof text, "%u:0", validity);
	(void)s->hooks.cursor_put(s->hooks.arg, s->source, text);
}

void imap_selected(struct imap *s)
{
	char text[IMAP_CURSOR_MAX] = "";
	uint32_t validity = s->validity, last = s->last;

	if (!validity) {
		s->hooks.cursor(s->hooks.arg, s->source, text, sizeof text);
		if (!imap_cursor_parse(text, &validity, &last))
			validity = last = 0;
	}
	if (validity != s->seen_validity) {
		if (validity)
			log_warning("inbox source=%s uidvalidity=%u was=%u: the mailbox is read from its begin",
				    s->source, s->seen_validity, validity);
		start_over(s, s->seen_validity);
	} else if (s->uidnext && last >= s->uidnext) {
		log_warning("inbox source=%s uidnext=%u last=%u: the mailbox went back, it is read from its begin",
			    s->source, s->uidnext, last);
		start_over(s, validity);
	} else {
		s->validity = validity;
		s->last = last;
	}
	if (!s->selected) {
		log_info("inbox source=%s open uidvalidity=%u last=%u tls=%s", s->source, s->validity, s->last,
			 netconn_is_encrypted(s->conn) ? "yes" : "no");
		s->mark_told = false;
	}
	s->selected = clock_mono();
	s->error[0] = '\0';
	s->news = true;
	s->window = WINDOW_FIRST;
	s->fruitless = 0;
	imap_next(s);
}

/* ---- the list: UIDs and sizes ---- */

static void ask_list(struct imap *s)
{
	uint32_t from = s->last + 1;

	s->news = s->list_cut = false;
	s->list_n = s->list_at = 0;
	s->list_to = s->uidnext > from && s->uidnext - from > s->window ? from + s->window - 1 : 0;
	if (s->list_to)
		imap_command(s, IMAP_CMD_LIST, "UID FETCH %u:%u (UID RFC822.SIZE)", from, s->list_to);
	else
		imap_command(s, IMAP_CMD_LIST, "UID FETCH %u:* (UID RFC822.SIZE)", from);
}

/* The lowest ones are kept, in order; the others are listed again. */
static void listed(struct imap *s, const struct imap_response *r)
{
	int at = s->list_n;

	if (!r->uid || r->uid <= s->last || (s->list_to && r->uid > s->list_to))
		return; /* a change of flags, or "n:*" of a mailbox without newer ones */
	while (at > 0 && s->list[at - 1].uid > r->uid)
		at--;
	if (at > 0 && s->list[at - 1].uid == r->uid)
		return;
	s->list_cut |= s->list_n == IMAP_LIST_MAX;
	if (at == IMAP_LIST_MAX)
		return;
	s->list_n += s->list_n < IMAP_LIST_MAX;
	memmove(s->list + at + 1, s->list + at, (size_t)(s->list_n - at - 1) * sizeof *s->list);
	s->list[at] = (struct imap_listed){ r->uid, r->size > IMAP_BODY_MAX };
}

static void list_done(struct imap *s, const struct imap_response *r)
{
	if (r->word != IMAP_OK) {
		imap_end(s, false, "the list of messages was refused: %s", r->text);
		return;
	}
	s->news |= s->list_to || s->list_cut;
	if (s->list_n) {
		s->window = WINDOW_FIRST;
	} else if (s->list_to) {
		s->last = s->list_to;
		s->window = s->window > UINT32_MAX / 4 ? UINT32_MAX : s->window * 4;
	} else {
		s->fruitless++;
	}
	imap_next(s);
}

/* ---- a message ---- */

static void fetch(struct imap *s, uint32_t uid)
{
	s->fetching = uid;
	s->body_is = IMAP_BODY_NONE;
	s->reader.want_body = true;
	imap_command(s, IMAP_CMD_FETCH, "UID FETCH %u (UID BODY.PEEK[])", uid);
}

static void too_large(struct imap *s, uint32_t uid)
{
	log_warning("inbox source=%s uid=%u is larger than %zu bytes: it stays where it is, unread", s->source, uid,
		    IMAP_BODY_MAX);
	step_over(s, uid);
}

static void come_later(struct imap *s, uint32_t uid, bool refused)
{
	if (refused && imap_later_refused(&s->later, uid) + 1 >= REFUSED_MOST) {
		log_error("inbox source=%s uid=%u: the server does not give this message; given up", s->source, uid);
		step_over(s, uid);
	} else if (imap_later_add(&s->later, uid, refused, clock_mono(), s->pace)) {
		pass(s, uid);
	} else {
		s->list_n = s->list_at = 0; /* no room: it is listed again when there is */
		s->news = true;
	}
}

static void hand_over(struct imap *s, uint32_t uid)
{
	char text[IMAP_CURSOR_MAX];

	cursor_text(s, uid, text);
	if (s->hooks.message(s->hooks.arg, s->source, buf_text(&s->body), s->body.len, text) == INBOX_LATER) {
		s->later_row++;
		come_later(s, uid, false);
		return;
	}
	s->later_row = s->lost_n = s->failures = s->fruitless = 0;
	s->messages++;
	imap_later_remove(&s->later, uid);
	pass(s, uid);
	if (s->after != IMAP_AFTER_NOTHING)
		s->mark = uid;
}

static void fetch_done(struct imap *s, const struct imap_response *r)
{
	uint32_t uid = s->fetching;

	s->fetching = 0;
	s->reader.want_body = false;
	if (s->body_is == IMAP_BODY_WHOLE && r->word == IMAP_OK) {
		hand_over(s, uid);
	} else if (r->word != IMAP_OK) {
		log_warning("inbox source=%s uid=%u cannot be fetched", s->source, uid);
		come_later(s, uid, true);
	} else if (s->body_is == IMAP_BODY_CUT) {
		too_large(s, uid);
	} else {
		log_info("inbox source=%s uid=%u has gone", s->source, uid);
		step_over(s, uid);
	}
	if (s->body.cap > BODY_KEPT)
		buf_free(&s->body);
	imap_next(s);
}

static void fetched(struct imap *s, struct imap_response *r)
{
	struct buf b = s->body;

	if (r->uid != s->fetching || r->body == IMAP_BODY_NONE || s->body_is != IMAP_BODY_NONE)
		return;
	s->body_is = r->body;
	s->body = s->reader.body;
	s->reader.body = b;
}

/* ---- what imap.after wants ---- */

static const char *folder(const struct imap *s)
{
	return s->after_text + strlen("move:");
}

static void move_or_copy(struct imap *s, enum imap_command c, const char *verb)
{
	struct buf text = { 0 };

	buf_printf(&text, "UID %s %u ", verb, s->mark);
	imap_mailbox_name(&text, folder(s));
	imap_send(s, c, &text);
}

static void mark(struct imap *s)
{
	if (s->after == IMAP_AFTER_SEEN)
		imap_command(s, IMAP_CMD_SEEN, "UID STORE %u +FLAGS.SILENT (\\Seen)", s->mark);
	else if (s->can.move)
		move_or_copy(s, IMAP_CMD_MOVE, "MOVE");
	else
		move_or_copy(s, IMAP_CMD_COPY, "COPY");
}

static void mark_done(struct imap *s, const struct imap_response *r, enum imap_command c)
{
	char why[128];

	if (r->word != IMAP_OK) {
		(void)snprintf(why, sizeof why, "%s", r->text);
		imap_clean(why);
		if (!s->mark_told)
			log_warning("inbox source=%s uid=%u is processed, but after=\"%s\" was refused: %s", s->source,
				    s->mark, s->after_text, why);
		s->mark_told = true;
	} else if (c == IMAP_CMD_COPY) {
		imap_command(s, IMAP_CMD_DELETED, "UID STORE %u +FLAGS.SILENT (\\Deleted)", s->mark);
		return;
	} else if (c == IMAP_CMD_DELETED && s->can.uidplus) {
		/* Without UIDPLUS an EXPUNGE would take what others have deleted: then it stays, flagged. */
		imap_command(s, IMAP_CMD_EXPUNGE, "UID EXPUNGE %u", s->mark);
		return;
	}
	s->mark = 0;
	imap_next(s);
}

/* ---- what now? ---- */

static bool is_stalled(const struct imap *s)
{
	return s->later_row >= LATER_ROW || s->later.n == IMAP_LATER_MAX;
}

static int64_t until(int64_t at, int64_t now, int64_t most)
{
	if (at == CLOCK_NEVER || at - now > most)
		return most;
	return at > now ? at - now : 0;
}

static void wait_for_news(struct imap *s)
{
	if (s->can.idle && s->fruitless < FRUITLESS) {
		s->idle_ending = false;
		imap_command(s, IMAP_CMD_IDLE, "IDLE");
		return;
	}
	s->fruitless = 0;
	imap_move(s, IMAP_WAITING);
	source_timer_set(s->wake, until(imap_later_next(&s->later), clock_mono(), s->pace->poll));
}

void imap_next(struct imap *s)
{
	uint32_t due = imap_later_due(&s->later, clock_mono());

	s->command = IMAP_CMD_NONE;
	while (!due && s->list_at < s->list_n && s->list[s->list_at].large && !is_stalled(s))
		too_large(s, s->list[s->list_at++].uid);
	if (s->mark)
		mark(s);
	else if (due)
		fetch(s, due);
	else if (!is_stalled(s) && s->list_at < s->list_n)
		fetch(s, s->list[s->list_at++].uid);
	else if (!is_stalled(s) && s->news && s->last < UINT32_MAX && s->fruitless < FRUITLESS)
		ask_list(s);
	else if (clock_mono() - s->selected >= s->pace->idle)
		imap_select(s);
	else
		wait_for_news(s);
}

static void end_idle(struct imap *s)
{
	if (s->state != IMAP_IDLING || s->idle_ending)
		return;
	s->idle_ending = true;
	imap_move(s, IMAP_BUSY);
	imap_limit(s, true);
	netconn_send(s->conn, "DONE\r\n", 6);
}

void imap_work_continue(struct imap *s)
{
	if (s->state != IMAP_BUSY || s->idle_ending)
		return;
	imap_move(s, IMAP_IDLING);
	imap_limit(s, false);
	s->idle_since = clock_mono();
	source_timer_set(s->wake, until(imap_later_next(&s->later), clock_mono(), s->pace->idle));
	if (s->news && !is_stalled(s))
		end_idle(s); /* it came before the server was ready to tell */
}

static void idle_done(struct imap *s, const struct imap_response *r)
{
	if (r->word != IMAP_OK && !s->idle_ending)
		s->can.idle = false; /* offered, and refused */
	else if (!s->idle_ending)
		s->fruitless++;
	if (clock_mono() - s->idle_since >= s->pace->poll)
		s->fruitless = 0;
	imap_next(s);
}

void imap_work_wake(struct imap *s)
{
	if (s->state == IMAP_IDLING)
		end_idle(s);
	else if (s->state == IMAP_WAITING && imap_later_due(&s->later, clock_mono()))
		imap_next(s);
	else if (s->state == IMAP_WAITING)
		imap_command(s, IMAP_CMD_NOOP, "NOOP");
}

/* ---- from the server ---- */

void imap_work_untagged(struct imap *s, const struct imap_response *r)
{
	uint32_t validity;

	if (s->command != IMAP_CMD_SELECT && s->validity && imap_code_number(r->code, "UIDVALIDITY", &validity) &&
	    validity != s->validity) {
		imap_end(s, false, "the mailbox was made anew");
	} else if (r->word == IMAP_EXISTS) {
		s->news = true;
		if (!is_stalled(s))
			end_idle(s);
	} else if (r->word == IMAP_FETCH && s->command == IMAP_CMD_LIST) {
		listed(s, r);
	} else if (r->word == IMAP_FETCH && s->command == IMAP_CMD_FETCH) {
		fetched(s, &s->reader.response);
	}
}

void imap_work_done(struct imap *s, const struct imap_response *r)
{
	switch (s->command) {
	case IMAP_CMD_LIST: list_done(s, r); break;
	case IMAP_CMD_FETCH: fetch_done(s, r); break;
	case IMAP_CMD_IDLE: idle_done(s, r); break;
	case IMAP_CMD_NOOP:
		s->news = true; /* whether the server told of it or not */
		imap_next(s);
		break;
	default: mark_done(s, r, s->command);
	}
}

void imap_work_lost(struct imap *s)
{
	uint32_t uid = s->command == IMAP_CMD_FETCH ? s->fetching : 0;

	s->fetching = 0;
	if (!uid)
		return;
	s->lost_n = uid == s->lost_at ? s->lost_n + 1 : 1;
	s->lost_at = uid;
	if (s->lost_n < LOST_MOST && !imap_later_refused(&s->later, uid))
		return;
	s->lost_n = 0;
	come_later(s, uid, true);
}
