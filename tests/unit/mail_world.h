/* For tests of received mail: the scheduler's world in which three people got the first of two steps, and messages that are written with
 * `$` and a token's kind and a person's number: "$b1" is the bounce token of Ann's letter, "$m2" the Message-ID's of Bob's; "$x" looks
 * like a token and is none, "$b0" is one of a touch that does not exist. */
#ifndef MAIL_WORLD_H
#define MAIL_WORLD_H

#include "abv/inbox.h"
#include "abv/token.h"
#include "scheduler_world.h"

#define ANN 0
#define BOB 1
#define EVE 2

struct mail_world {
	struct world w;
	int64_t who[3], touch[3];
	bool answer_fails;
	int answers, changed;
	struct buf told; /* notes: "to|subject|text" */
	struct inbox_report report;
	struct err err;
};

static inline void iw_touch_row(void *arg, const struct touch *t)
{
	*(int64_t *)arg = t->id;
}

static inline void iw_open(struct mail_world *iw, enum outcome outcome)
{
	static const char *const person[][2] = { { "ann@acme.example", "acme.example" }, { "bob@acme.example", "acme.example" }, { "eve@other.example", "other.example" } };
	*iw = (struct mail_world){ 0 };
	struct world *w = &iw->w;
	world_open(w, FREE, STEP("one", "0d") ", " STEP("two", "2d"));
	put_file(w, "abvd.conf",
	         "sender = { from = \"Dana <dana@example.com>\"; return_path = \"bounce@example.com\"; reply_to = \"dana.reyes@example.com\";\n"
	         "  postal_address = \"Example Ltd\"; unsubscribe = \"mailto:unsubscribe@example.com\"; };\n"
	         "smtp = { url = \"smtp://127.0.0.1:9\"; tls = \"none\"; connections = 2; };\n"
	         "cadence = { " FREE " };\non_reply = { notify = \"seller@example.com\"; };\n"
	         "store = { path = \"a.db\"; }; log = { path = \"a.log\"; }; control = { socket = \"a.sock\"; };\n");
	scheduler_free(&sched);
	plan_free(&w->plan);
	plan_open(w);
	scheduler_open(w);
	w->fake.outcome = outcome;
	for (int i = 0; i < 3; i++)
		iw->who[i] = put_contact(w, person[i][0], person[i][1]);
	settle();
	w->fake.outcome = OUTCOME_ACCEPTED;
	for (int i = 0; i < 3; i++)
		assert_int_equal(store_touches_of(w->store, iw->who[i], iw_touch_row, &iw->touch[i], NULL), 0);
	clock_set(&w->clock, START + CLOCK_HOUR);
}

static inline void iw_close(struct mail_world *iw)
{
	buf_free(&iw->told);
	world_close(&iw->w);
}

/* ---- messages ---- */

static inline void iw_expand(struct mail_world *iw, const char *s, struct buf *out)
{
	char token[TOKEN_MAX];
	buf_clear(out);
	for (; *s != '\0'; s++) {
		if (*s != '$') {
			buf_char(out, *s);
		} else if (s[1] == 'x') {
			buf_str(out, "a1-abcdefghijklmnop");
			s++;
		} else {
			token_make(store_key(iw->w.store), (enum token_kind)s[1], s[2] == '0' ? 99999 : iw->touch[s[2] - '1'], token);
			buf_str(out, token);
			s += 2;
		}
	}
}

static inline int64_t iw_now(void *arg)
{
	return clock_now(&((struct mail_world *)arg)->w.clock);
}

static inline const struct config *iw_config(void *arg)
{
	return ((struct mail_world *)arg)->w.plan->config;
}

static inline int iw_answer(void *arg, const struct answer *a, struct err *e)
{
	struct mail_world *iw = arg;
	assert_true(store_in_transaction(iw->w.store));
	iw->answers++;
	if (scheduler_answer(sched, a, e) != 0)
		return -1;
	return iw->answer_fails ? err_set(e, "disk full") : 0;
}

static inline int iw_notify(void *arg, int64_t contact_id, const char *to, const char *subject, const char *text, struct err *e)
{
	struct mail_world *iw = arg;
	buf_printf(&iw->told, "%s|%s|%s", to, subject, text);
	return scheduler_note(sched, contact_id, to, subject, text, e);
}

static inline void iw_changed(void *arg)
{
	struct mail_world *iw = arg;
	assert_false(store_in_transaction(iw->w.store));
	iw->changed++;
}

static inline enum inbox_result iw_put(struct mail_world *iw, const char *bytes, size_t n, const char *cursor)
{
	const struct inbox_ops ops = { iw, iw_now, iw_config, iw_answer, iw_notify, iw_changed };
	enum inbox_result r = inbox_process(iw->w.store, &ops, "test", bytes, n, cursor, &iw->report, &iw->err);
	assert_false(store_in_transaction(iw->w.store));
	scheduler_answered(sched);
	return r;
}

static inline enum inbox_result iw_mail(struct mail_world *iw, const char *text)
{
	struct buf b = { 0 };
	iw_expand(iw, text, &b);
	enum inbox_result r = iw_put(iw, b.data, b.len, "");
	settle();
	buf_free(&b);
	return r;
}

/* ---- kinds of messages ---- */

#define HEAD(from, to, subject) "From: " from "\nTo: " to "\nSubject: " subject "\nMessage-ID: <q1@else.example>\nMIME-Version: 1.0\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\n\n"
/* A report of RFC 3464; original: headers of the message that is returned. */
#define DSN(to, action, status, recipient, original)                                                                                                 \
	HEAD("MAILER-DAEMON@mx.example", to, "Undelivered Mail Returned to Sender")                                                                 \
	"Auto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"BB\"\n\n"                              \
	"--BB\nContent-Type: text/plain\n\nThis is the mail system.\n\n"                                                                            \
	"--BB\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"                                                          \
	"Final-Recipient: rfc822; " recipient "\nAction: " action "\nStatus: " status "\nDiagnostic-Code: smtp; 550 " status " no such user\n\n"      \
	"--BB\nContent-Type: text/rfc822-headers\n\nFrom: dana@example.com\nTo: " recipient "\nSubject: Worksheet one\n" original "\n--BB--\n"
#define ARF(to, original)                                                                                                                            \
	HEAD("fbl@provider.example", to, "complaint")                                                                                               \
	"Content-Type: multipart/report; report-type=feedback-report; boundary=\"BB\"\n\n--BB\nContent-Type: text/plain\n\nA complaint.\n\n"          \
	"--BB\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: P/1\nVersion: 1\nOriginal-Rcpt-To: ann@acme.example\n\n"     \
	"--BB\nContent-Type: message/rfc822\n\nFrom: dana@example.com\nTo: ann@acme.example\nSubject: Worksheet one\n" original "\nHello\n\n--BB--\n"
#define MDN(original)                                                                                                                                \
	HEAD("ann@acme.example", "dana@example.com", "Read: Worksheet one")                                                                         \
	"Content-Type: multipart/report; report-type=disposition-notification; boundary=\"BB\"\n\n--BB\nContent-Type: text/plain\n\nRead.\n\n"        \
	"--BB\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;ann@acme.example\n" original                               \
	"Disposition: manual-action/MDN-sent-manually; displayed\n\n--BB--\n"
#define OOO(subject, text) HEAD("ann@acme.example", "bounce+$b1@example.com", subject) "Auto-Submitted: auto-replied\n" TEXT text

#endif
