/* From the bytes of a message to its effects. Policy:
 *
 * - One transaction holds the record that the message was processed, its effects with their events, the note to on_reply.notify and the
 *   source's cursor: a message takes effect exactly once, whatever is killed when. What fails is rolled back as a whole and tried again.
 * - A message is the same when its Message-ID, From, Date, Subject and body are: the copies that come by two ways differ in trace headers
 *   and line ends. The Message-ID alone would do for honest programs, but one that repeats it must not make a person unheard.
 * - An unsubscribe token decides, whatever the message says besides. A person who asks to stop in a few words has unsubscribed.
 * - A person who answers for a colleague ends both persons' sequences; an absence is of whoever wrote.
 * - What is nobody's answer (own, other) is counted and left alone: no event, no line but for debugging. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "abv/governor.h"
#include "abv/log.h"
#include "abv/mailaddr.h"
#include "abv/mime.h"
#include "abv/reply_text.h"
#include "abv/token.h"
#include "inbox_int.h"

#define UNTIL_MOST (180 * CLOCK_DAY)
#define DATE_LEAST INT64_C(946684800000) /* 2000: an earlier Date is a clock that was never set */

struct processing {
	struct store *s;
	const struct inbox_ops *ops;
	const struct config *config;
	const char *source, *cursor;
	struct mail *m;          /* owned */
	struct classified k;
	struct match match;
	struct buf own, text, subject; /* the own text as it stands; cleaned; cleaned */
	const char *via;
	int64_t now, written;
	struct inbox_report *report;
	struct err *e;
};

/* ---- reading ---- */

/* What tells it from any other message. */
static void digest(const struct mail *m, const char *bytes, size_t n, char out[DIGEST_HEX])
{
	static const char *const name[] = { "message-id", "from", "date", "subject" };
	struct buf b = { 0 };
	size_t body = 0;
	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
		const char *value = mail_get(m, name[i]);
		buf_printf(&b, "%s\n", value != NULL ? value : "");
	}
	while (body < n && !(bytes[body] == '\n' && (body + 1 == n || bytes[body + 1] == '\n' || (bytes[body + 1] == '\r' && body + 2 < n && bytes[body + 2] == '\n'))))
		body++;
	buf_reserve(&b, n - body);
	while (body < n) {
		const char *cr = memchr(bytes + body, '\r', n - body);
		size_t part = cr != NULL ? (size_t)(cr - bytes) - body : n - body;
		buf_add(&b, bytes + body, part);
		body += part + 1;
	}
	while (b.len > 0 && strchr(" \t\n", b.data[b.len - 1]) != NULL)
		b.len--;
	digest_hex(buf_text(&b), b.len, out);
	buf_free(&b);
}

/* The age is measured by the real clock, as the sender's was: abvd's may be scaled. */
static int64_t written_at(const struct mail *m, int64_t now)
{
	struct clock real;
	clock_init_real(&real);
	if (m->date < DATE_LEAST)
		return 0;
	int64_t age = clock_now(&real) - m->date;
	return age > 0 ? now - age : now;
}

static bool is_one_of(const char *addr, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (*addr != '\0' && *list[i] != '\0' && strcasecmp(addr, list[i]) == 0)
			return true;
	return false;
}

/* Mail of the people and programs on our side, whatever it looks like: copies of what was sent, notes and what answers them. */
static bool is_own(const struct processing *p)
{
	const struct config_sender *f = &p->config->sender;
	const char *const own[] = { f->from_addr, f->reply_to, f->return_path, p->config->notify };
	bool report = p->k.class == CLASS_BOUNCE || p->k.class == CLASS_NOTICE || p->k.class == CLASS_COMPLAINT;
	return !report && is_one_of(p->m->from, own, sizeof own / sizeof own[0]);
}

/* A colleague of the sender's, who is no contact: what they write in a thread is no answer to it. */
static bool is_house(const struct processing *p)
{
	const char *domain = mailaddr_domain(p->config->sender.from_addr);
	return !p->match.from_fits && p->match.writer_id == 0 && !mailaddr_is_freemail(domain) && strcasecmp(mailaddr_domain(p->m->from), domain) == 0;
}

/* Was it written to the address that is there for unsubscribing and for nothing else? */
static bool to_unsubscribe(const struct processing *p)
{
	const struct config_sender *f = &p->config->sender;
	const char *const other[] = { f->from_addr, f->reply_to, f->return_path };
	const char *u = f->unsubscribe;
	char addr[MAILADDR_MAX];
	if (strncasecmp(u, "mailto:", 7) != 0)
		return false;
	u += 7;
	size_t n = strcspn(u, "?");
	if (n == 0 || n >= sizeof addr)
		return false;
	memcpy(addr, u, n);
	addr[n] = '\0';
	return !is_one_of(addr, other, sizeof other / sizeof other[0]) && p->m->recipient_n > 0 && is_one_of(addr, p->m->recipient, p->m->recipient_n);
}

static bool asks_to_stop(struct processing *p)
{
	const struct buf *t = &p->own;
	if (p->match.unsubscribe || ((p->k.class == CLASS_REPLY || p->k.class == CLASS_UNSUBSCRIBE) && to_unsubscribe(p))) {
		p->via = "mailto";
		return true;
	}
	p->via = "reply";
	if (p->k.class != CLASS_REPLY)
		return p->k.class == CLASS_UNSUBSCRIBE;
	if (t->len > 0 && reply_text_unsubscribes(t->data, t->len))
		return true;
	return (t->len == 0 || *p->m->in_reply_to == '\0') && reply_text_unsubscribes(p->m->subject, strlen(p->m->subject));
}

static void read_message(struct processing *p, const char *bytes, size_t n)
{
	mime_parse(bytes, n, &p->m);
	classify_mail(p->m, p->config->sender.from_addr, &p->k);
	if (is_own(p))
		p->k.class = CLASS_OWN;
	reply_text_mail(p->m, &p->own);
	said_clean(&p->text, buf_text(&p->own), p->own.len, TEXT_BYTES, true);
	said_clean(&p->subject, p->m->subject, strlen(p->m->subject), SUBJECT_BYTES, false);
	p->written = written_at(p->m, p->now);
}

/* ---- effects ---- */

/* Of a report's recipients the one that it is about: the contact's own address, else the first that failed. */
static const struct bounce *bounce_of(const struct processing *p, const char *email)
{
	const struct bounce *first = NULL;
	for (int i = 0; i < p->k.bounce_n; i++) {
		const struct bounce *b = &p->k.bounce[i];
		if (strcmp(b->recipient, email) == 0)
			return b;
		if (first == NULL || (strcmp(first->action, "failed") != 0 && strcmp(b->action, "failed") == 0))
			first = b;
	}
	return first;
}

/* One of several addresses behind the contact's (a list, a forward) may be bad while others got the letter. */
static bool reached_others(const struct processing *p)
{
	for (int i = 0; i < p->k.bounce_n; i++) {
		const char *a = p->k.bounce[i].action;
		if (strcmp(a, "delivered") == 0 || strcmp(a, "relayed") == 0 || strcmp(a, "expanded") == 0)
			return true;
	}
	return false;
}

static int64_t until_of(const struct processing *p, const struct contact *c)
{
	const struct zone *z = *c->timezone != '\0' ? zone_find(c->timezone) : NULL;
	int64_t sent = p->m->date >= DATE_LEAST ? p->m->date : p->now;
	if (z == NULL)
		z = governor_zone(&p->config->policy, c);
	int64_t until = return_date_find(buf_text(&p->own), p->own.len, sent, z);
	if (until == 0)
		until = return_date_find(p->m->subject, strlen(p->m->subject), sent, z);
	bool fresh = p->written == 0 || p->now - p->written < CLOCK_DAY;
	return until > p->now + UNTIL_MOST || (until <= p->now && fresh) ? 0 : until;
}

static const enum answer_kind answer_kinds[CLASS_COUNT] = {
	[CLASS_BOUNCE] = ANSWER_BOUNCE, [CLASS_NOTICE] = ANSWER_NOTICE, [CLASS_COMPLAINT] = ANSWER_COMPLAINT, [CLASS_RECEIPT] = ANSWER_RECEIPT,
	[CLASS_AUTO_REPLY] = ANSWER_AUTO_REPLY, [CLASS_CHALLENGE] = ANSWER_CHALLENGE, [CLASS_UNSUBSCRIBE] = ANSWER_UNSUBSCRIBE,
	[CLASS_REPLY] = ANSWER_REPLY, [CLASS_OWN] = ANSWER_KIND_COUNT, [CLASS_OTHER] = ANSWER_KIND_COUNT,
};

/* Without a token of ours, whoever asks to get no more mail asks for themselves: of the letter's contact it is an answer, which ends
 * their sequences, but suppresses nobody for good. */
static bool speaks_for_another(const struct processing *p, const struct contact *c)
{
	return p->k.class == CLASS_UNSUBSCRIBE && !p->match.unsubscribe && !p->match.from_fits && c->id != p->match.writer_id;
}

static int answer(struct processing *p, const struct contact *c, int64_t touch_id)
{
	const struct bounce *b = bounce_of(p, c->email);
	struct answer a = {
		.kind = speaks_for_another(p, c) ? ANSWER_REPLY : answer_kinds[p->k.class], .contact_id = c->id, .touch_id = touch_id, .status = b != NULL ? b->status : "",
		.subject = buf_text(&p->subject), .text = buf_text(&p->text), .via = p->via,
	};
	if (b != NULL)
		a.permanent = b->permanent && (strcmp(b->recipient, c->email) == 0 || !reached_others(p));
	if (a.kind == ANSWER_AUTO_REPLY)
		a.until = until_of(p, c);
	return p->ops->answer(p->ops->arg, &a, p->e);
}

static int answer_of(struct processing *p, int64_t contact_id, int64_t touch_id)
{
	struct contact *c = NULL;
	int rc = store_contact_by_id(p->s, contact_id, &c, p->e) < 0 ? -1 : 0;
	if (c != NULL)
		rc = answer(p, c, touch_id);
	contact_free(&c);
	return rc;
}

static int notify(struct processing *p)
{
	struct contact *c = NULL;
	struct touch *t = NULL;
	struct buf subject = { 0 }, text = { 0 };
	int rc = -1;
	if (store_contact_by_id(p->s, p->match.contact_id, &c, p->e) <= 0 || (p->match.touch_id != 0 && store_touch(p->s, p->match.touch_id, &t, p->e) < 0))
		goto out;
	said_note(&subject, &text, c, t, p->match.from_fits ? "" : p->m->from, buf_text(&p->subject), buf_text(&p->text));
	rc = c->forgotten ? 0 : p->ops->notify(p->ops->arg, c->id, p->config->notify, buf_text(&subject), buf_text(&text), p->e);
out:
	buf_free(&subject);
	buf_free(&text);
	touch_free(&t);
	contact_free(&c);
	return rc;
}

static int effects(struct processing *p)
{
	const struct match *x = &p->match;
	bool person = p->k.class == CLASS_REPLY || p->k.class == CLASS_UNSUBSCRIBE;
	if (p->k.class == CLASS_AUTO_REPLY && x->writer_id != 0)
		return answer_of(p, x->writer_id, 0);
	if (answer_of(p, x->contact_id, x->touch_id) != 0)
		return -1;
	if (person && x->writer_id != 0 && answer_of(p, x->writer_id, 0) != 0)
		return -1;
	/* a person's words may be read wrongly: whoever is told of answers is told of these too */
	bool told = p->k.class == CLASS_REPLY || (p->k.class == CLASS_UNSUBSCRIBE && strcmp(p->via, "reply") == 0);
	return told && *p->config->notify != '\0' ? notify(p) : 0;
}

/* Somebody wants no more mail, and we do not know under which address they get it: a person has to look. */
static void unheard(const struct processing *p)
{
	struct buf from = { 0 };
	said_clean(&from, p->m->from, strlen(p->m->from), MAILADDR_MAX, false);
	log_warning("mail source=%s: %s asks to get no more mail, but is no contact; see `abvctl suppress`", p->source, buf_text(&from));
	buf_free(&from);
}

/* Whom does it concern, and what is it then? */
static int judge(struct processing *p)
{
	if (p->k.class == CLASS_OWN) {
		p->match = (struct match){ .how = "", .refused = "" };
		return 0;
	}
	if (match_mail(p->s, p->config, p->m, &p->k, p->now, p->written, &p->match, p->e) != 0)
		return -1;
	bool report = p->k.class == CLASS_BOUNCE || p->k.class == CLASS_NOTICE || p->k.class == CLASS_COMPLAINT || p->k.class == CLASS_RECEIPT;
	if (!report && !p->match.unsubscribe && is_house(p)) {
		p->k.class = CLASS_OWN;
		return 0;
	}
	if (!report && asks_to_stop(p))
		p->k.class = CLASS_UNSUBSCRIBE;
	if (p->match.contact_id == 0 && p->k.class == CLASS_UNSUBSCRIBE)
		unheard(p);
	if (p->match.contact_id == 0 && (p->k.class == CLASS_REPLY || p->k.class == CLASS_UNSUBSCRIBE))
		p->k.class = CLASS_OTHER;
	return 0;
}

static int transact(struct processing *p, const char *hash)
{
	struct inbox_report *r = p->report;
	int fresh = store_seen_put(p->s, hash, p->now, p->e);
	if (fresh < 0)
		return -1;
	r->repeated = fresh == 0;
	if (fresh > 0) {
		if (judge(p) != 0 || store_mail_count(p->s, mail_class_name(p->k.class), p->e) != 0)
			return -1;
		r->matched = p->match.contact_id != 0 && answer_kinds[p->k.class] != ANSWER_KIND_COUNT;
		if (r->matched && effects(p) != 0)
			return -1;
	}
	return *p->cursor != '\0' ? store_cursor_put(p->s, p->source, p->cursor, p->e) : 0;
}

/* ---- telling ---- */

static void tell(const struct processing *p)
{
	struct inbox_report *r = p->report;
	const char *refused = p->match.refused != NULL ? p->match.refused : "";
	r->class = p->k.class;
	if (r->repeated) {
		snprintf(r->why, sizeof r->why, "repeated");
		log_info("mail source=%s class=%s: it was processed before", p->source, mail_class_name(r->class));
		return;
	}
	if (r->matched) {
		r->contact_id = p->match.contact_id;
		r->touch_id = p->match.touch_id;
		snprintf(r->why, sizeof r->why, "%s", p->match.how);
	} else {
		snprintf(r->why, sizeof r->why, "%s", *refused != '\0' ? refused : "no match");
	}
	if (*refused != '\0')
		log_warning("mail source=%s class=%s carries what is not believed: %s", p->source, mail_class_name(r->class), refused);
	if (r->matched)
		log_info("mail source=%s class=%s by=%s match=%s contact=%lld touch=%lld", p->source, mail_class_name(r->class), p->k.by, r->why,
		         (long long)r->contact_id, (long long)r->touch_id);
	else if (r->class == CLASS_OWN || r->class == CLASS_OTHER)
		log_debug("mail source=%s class=%s by=%s", p->source, mail_class_name(r->class), p->k.by);
	else
		log_info("mail source=%s class=%s by=%s: it matches nobody, so nothing follows", p->source, mail_class_name(r->class), p->k.by);
}

static int in_transaction(struct processing *p, const char *hash)
{
	if (store_begin(p->s, p->e) != 0)
		return -1;
	if ((hash == NULL ? store_cursor_put(p->s, p->source, p->cursor, p->e) : transact(p, hash)) != 0) {
		store_rollback(p->s);
		return -1;
	}
	return store_commit_now(p->s, p->e);
}

static enum inbox_result too_large(struct processing *p, size_t n)
{
	p->report->class = CLASS_OTHER;
	snprintf(p->report->why, sizeof p->report->why, "too large");
	log_warning("mail source=%s: a message of %zu bytes is not read; it stays where it is", p->source, n);
	return *p->cursor == '\0' || in_transaction(p, NULL) == 0 ? INBOX_DONE : INBOX_LATER;
}

enum inbox_result inbox_process(struct store *s, const struct inbox_ops *ops, const char *source, const char *bytes, size_t n, const char *cursor,
                                struct inbox_report *report, struct err *e)
{
	struct processing p = { .s = s, .ops = ops, .config = ops->config(ops->arg), .source = source, .cursor = cursor, .via = "",
		                .now = ops->now(ops->arg), .report = report, .e = e };
	char hash[DIGEST_HEX];
	*report = (struct inbox_report){ .class = CLASS_OTHER };
	if (n > INBOX_SIZE_MAX)
		return too_large(&p, n);
	read_message(&p, bytes, n);
	digest(p.m, bytes, n, hash);
	int rc = in_transaction(&p, hash);
	if (rc == 0) {
		tell(&p);
		ops->changed(ops->arg);
	} else {
		log_error("mail source=%s: it could not be processed and is tried again: %s", source, e->text);
		*report = (struct inbox_report){ .class = p.k.class };
	}
	buf_free(&p.own);
	buf_free(&p.text);
	buf_free(&p.subject);
	mail_free(&p.m);
	return rc == 0 ? INBOX_DONE : INBOX_LATER;
}
