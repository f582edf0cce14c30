/* From a decided enrollment to the bytes of its message: render, judge as rendered, look for repeats, build. */
#include <stdio.h>
#include <string.h>

#include "abv/gate.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "abv/mime.h"
#include "scheduler_int.h"

static const char *value_get(void *arg, const char *name)
{
	return contact_field(arg, name);
}

/* The texts up to a NULL, one behind the other, as far as they fit; their length if they had fitted. A message has a dozen of these, and
 * snprintf took as long for them as its body takes. */
static size_t join(char *out, size_t cap, const char *const part[])
{
	size_t all = 0, at = 0;
	for (; *part != NULL; part++) {
		size_t n = strlen(*part), fits = n < cap - 1 - at ? n : cap - 1 - at;
		memcpy(out + at, *part, fits);
		at += fits;
		all += n;
	}
	out[at] = '\0';
	return all;
}
#define JOIN(out, ...) join(out, sizeof(out), (const char *const[]){ __VA_ARGS__, NULL }) /* out: an array */

/* Why this person gets the letter: the recorded basis in words, as the footer says it. */
static void reason_why(const struct contact *c, const char *sender, char *out, size_t cap)
{
	static const struct {
		const char *basis, *words;
	} row[] = {
		{ "opt_in", "you asked for e-mails from us" },
		{ "customer", "you are a customer of ours" },
		{ "inquiry", "you sent us an inquiry" },
	};
	const char *words = NULL;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (strcmp(row[i].basis, c->consent) == 0)
			words = row[i].words;
	char when[24] = "";
	if (c->consent_at != 0) {
		char day_text[CLOCK_TEXT_MAX];
		clock_format(c->consent_at, day_text)[10] = '\0'; /* without the time */
		JOIN(when, *c->consent_source != '\0' ? ", " : "", day_text);
	}
	bool known = *c->consent_source != '\0' || *when != '\0';
	const char *const part[] = {
		"You receive this e-mail from ", sender, " because ", words != NULL ? words : "your consent is recorded with us: ",
		words != NULL ? "" : c->consent, known ? " (" : "", c->consent_source, when, known ? ")." : ".", NULL,
	};
	join(out, cap, part);
}

/* bounce@example.com -> bounce+TOKEN@example.com */
static int verp(const char *addr, const char *token, char out[MAILADDR_MAX], struct err *e)
{
	const char *at = strrchr(addr, '@');
	char name[MAILADDR_MAX];
	snprintf(name, sizeof name, "%.*s", (int)(at - addr), addr);
	const char *const part[] = { name, "+", token, at, NULL };
	return join(out, MAILADDR_MAX, part) < MAILADDR_MAX ? 0 : err_set(e, "sender.return_path: '%s' is too long for a token", addr);
}

struct links {
	char footer[512];           /* what the letter's footer links to */
	char list_unsubscribe[600];
	bool one_click;
};

static void unsubscribe_links(const char *base, const char *token, struct links *l)
{
	bool query = strchr(base, '?') != NULL;
	bool mail = strncmp(base, "mailto:", 7) == 0;
	JOIN(l->footer, base, query ? "&" : "?", mail ? "subject=unsubscribe%20" : "t=", token);
	JOIN(l->list_unsubscribe, "<", l->footer, ">");
	/* One-click needs a page of ours behind an https URL that answers POST (RFC 8058 3.1); a mailto has none. */
	l->one_click = false;
}

struct letter {
	const struct plan_sequence *sequence;
	int step;
	const struct contact *contact;
	int64_t id;              /* touch; what the tokens carry */
	int64_t now;
	const char *message_id;
};

static void links_for(struct scheduler *s, int64_t id, struct links *l)
{
	char token[TOKEN_MAX];
	token_make(store_key(s->store), TOKEN_UNSUBSCRIBE, id, token);
	unsubscribe_links(s->plan->config->sender.unsubscribe, token, l);
}

/* 0, 1 when a placeholder has no value (*missing), -1. */
static int render(struct scheduler *s, const struct letter *l, const struct links *links, const char **missing, struct err *e)
{
	const struct config_sender *from = &s->plan->config->sender;
	char why[512];
	reason_why(l->contact, *from->from_name != '\0' ? from->from_name : from->from_addr, why, sizeof why);
	struct render_frame frame = { from->postal_address, why, links->footer };
	struct render_values values = { value_get, (void *)l->contact };
	rendered_clear(&s->rendered);
	*missing = NULL;
	if (template_render(l->sequence->step[l->step].template, &values, &frame, &s->rendered, missing, e) == 0)
		return 0;
	return *missing != NULL ? 1 : -1;
}

static int build(struct scheduler *s, const struct letter *l, const struct links *links, struct job *j, struct err *e)
{
	const struct config_sender *from = &s->plan->config->sender;
	const char *domain = mailaddr_domain(from->from_addr);
	const struct sequence *q = l->sequence->sequence;
	const struct contact *c = l->contact;
	char token[TOKEN_MAX], list_id[512], feedback_id[512], to_name[512];
	token_make(store_key(s->store), TOKEN_BOUNCE, l->id, token);
	if (verp(from->return_path, token, j->message.envelope_from, e) != 0)
		return -1;
	JOIN(j->message.envelope_to, c->email);
	JOIN(list_id, q->name, ".", domain);
	JOIN(feedback_id, q->step[l->step].name, ":", q->name, ":abvd:", domain);
	JOIN(to_name, c->first_name, *c->first_name != '\0' && *c->last_name != '\0' ? " " : "", c->last_name);
	struct mime_headers h = {
		.from_name = from->from_name, .from_addr = from->from_addr, .reply_to = from->reply_to,
		.to_name = to_name, .to_addr = c->email,
		.subject = buf_text(&s->rendered.subject),
		.message_id = l->message_id,
		.date = l->now,
		.list_unsubscribe = links->list_unsubscribe, .one_click = links->one_click,
		.list_id = list_id, .feedback_id = feedback_id,
		.in_reply_to = "", .references = "",
	};
	buf_clear(&s->composed);
	if (mime_compose(&h, buf_text(&s->rendered.text), s->rendered.text.len, buf_text(&s->rendered.html), s->rendered.html.len, &s->composed, e) != 0)
		return -1;
	buf_clear(&j->data);
	buf_add(&j->data, s->composed.data, s->composed.len); /* one piece of memory, of the message's size */
	j->message.data = j->data.data;
	j->message.size = j->data.len;
	j->message.smtputf8 = !mailaddr_is_ascii(c->email) || !mailaddr_is_ascii(j->message.envelope_from);
	return 0;
}

static void finding_json(struct buf *b, const char *rule, const char *severity, int line, int column, const char *message)
{
	buf_str(b, b->len > 1 ? ",{" : "{");
	json_add_str(b, "rule", rule);
	json_add_str(b, "severity", severity);
	json_add_int(b, "line", line);
	json_add_int(b, "column", column);
	json_add_str(b, "message", message);
	buf_char(b, '}');
}

/* ---- the gate's word on the letter as this contact would read it ---- */

/* A combination of sections is judged once, as long as the contact's own values are a small part of it and don't begin the subject:
 * such values cannot empty a letter that was full, nor make its subject a false "Re:". */
static struct judged *judged_find(struct scheduler *s, const struct template *t)
{
	const struct rendered *r = &s->rendered;
	if (r->value_bytes > 256 || r->value_bytes * 4 > r->body_len || template_subject(t)[0] == '{' || s->judged_n > JUDGED_MAX / 2)
		return NULL;
	size_t i = ((uintptr_t)t / 16 * 31 + (size_t)r->variant * 7) % JUDGED_MAX;
	while (s->judged[i].template != NULL && (s->judged[i].template != t || s->judged[i].variant != r->variant))
		i = (i + 1) % JUDGED_MAX;
	return &s->judged[i];
}

void scheduler_judge(const struct scheduler *s, const struct template *t, struct gate_result *out)
{
	struct gate_input in = {
		.subject = buf_text(&s->rendered.subject),
		.text = buf_text(&s->rendered.text),
		.text_len = s->rendered.body_len,
		.kind = template_kind(t),
		.first_line = 1,
		.rendered = true,
		.vouched_by = template_vouched_by(t),
	};
	gate_judge(&in, out);
}

static bool judge(const struct scheduler *s, const struct template *t, bool *vouched, struct buf *findings)
{
	struct gate_result r;
	scheduler_judge(s, t, &r);
	*vouched = r.vouched;
	if (r.pass)
		return true;
	buf_char(findings, '[');
	for (int i = 0; i < r.finding_n; i++)
		finding_json(findings, r.finding[i].rule, severity_name(r.finding[i].severity), r.finding[i].line, r.finding[i].column, r.finding[i].message);
	buf_char(findings, ']');
	return false;
}

/* *vouched: only because somebody vouches for the template. */
static bool passes(struct scheduler *s, const struct template *t, bool *vouched, struct buf *findings)
{
	struct judged *known = judged_find(s, t);
	if (known != NULL && known->template != NULL) {
		*vouched = known->vouched;
		return true;
	}
	bool pass = judge(s, t, vouched, findings);
	if (known != NULL && pass) {
		*known = (struct judged){ t, s->rendered.variant, *vouched };
		s->judged_n++;
	}
	return pass;
}

/* One letter that cannot be made is one contact's wait, never the group's failure. */
static enum composed refused(struct buf *findings, const char *rule, const struct err *e, enum reason *why, enum reason is)
{
	buf_char(findings, '[');
	finding_json(findings, rule, "error", 0, 0, e->text);
	buf_char(findings, ']');
	*why = is;
	return COMPOSED_REFUSED;
}

/* A touch that is tried again keeps its own, whatever the sender's address is now. */
static void message_id(struct scheduler *s, int64_t id, const struct touch *t, struct job *j)
{
	char token[TOKEN_MAX];
	token_make(store_key(s->store), TOKEN_MESSAGE, id, token);
	if (t != NULL && *t->message_id != '\0')
		JOIN(j->message_id, t->message_id);
	else
		JOIN(j->message_id, token, "@", mailaddr_domain(s->plan->config->sender.from_addr));
}

enum composed scheduler_compose(struct scheduler *s, const struct candidate *c, int64_t now, struct job *j, enum reason *why, struct buf *findings, struct err *e)
{
	const struct sequence *q = c->sequence->sequence;
	int64_t id = c->touch != NULL ? c->touch->id : store_touch_new_id(s->store);
	message_id(s, id, c->touch, j);
	struct letter l = { c->sequence, c->step, c->row->contact, id, now, j->message_id };
	struct links links;
	const char *missing;
	links_for(s, id, &links);
	int r = render(s, &l, &links, &missing, e);
	if (r > 0) {
		err_set(e, "%s: placeholder '%s' has no value for this contact, and no fallback", q->step[c->step].template_name, missing);
		return refused(findings, "undefined-placeholder", e, why, REASON_UNDEFINED_PLACEHOLDER);
	}
	if (r < 0)
		return refused(findings, "unrenderable", e, why, REASON_GATE_REFUSED);
	const struct template *template = c->sequence->step[c->step].template;
	bool vouched;
	j->kind = template_kind(template);
	if (!passes(s, template, &vouched, findings)) {
		*why = REASON_GATE_REFUSED;
		return COMPOSED_REFUSED;
	}
	JOIN(j->vouched, vouched ? template_vouched_by(template) : "");
	render_content_digest(buf_text(&s->rendered.text), s->rendered.body_len, j->content);
	int seen = store_content_seen(s->store, c->row->contact->id, j->content, c->touch != NULL ? c->touch->id : 0);
	if (seen != 0) {
		*why = REASON_REPEAT_CONTENT;
		return seen > 0 ? COMPOSED_REPEAT : COMPOSED_ERROR;
	}
	if (build(s, &l, &links, j, e) != 0)
		return refused(findings, "unfit-header", e, why, REASON_GATE_REFUSED);
	j->delivery.touch_id = id;
	return COMPOSED;
}

/* For a person: the first finding that refuses, and where to read the others. */
static int refused_in_words(const struct scheduler *s, const struct template *t, struct err *e)
{
	struct gate_result r;
	int i = 0;
	scheduler_judge(s, t, &r);
	while (i < r.finding_n && r.finding[i].severity != SEVERITY_ERROR)
		i++;
	if (i == r.finding_n) /* every refusal has its finding */
		return err_set(e, "the gate refuses the message; see `abvctl check`");
	return err_set(e, "the gate refuses the message: %s [%s]; see `abvctl check`", r.finding[i].message, r.finding[i].rule);
}

enum composed scheduler_compose_test(struct scheduler *s, const struct plan_sequence *q, int step, const struct contact *c, int64_t now, struct job *j, struct err *e)
{
	snprintf(j->message_id, sizeof j->message_id, "test-%lld-%lld@%s", (long long)now, (long long)++s->tests,
	         mailaddr_domain(s->plan->config->sender.from_addr));
	struct letter l = { q, step, c, 0, now, j->message_id }; /* 0: no touch has this number, so its tokens reach nobody */
	struct links links;
	const char *missing;
	links_for(s, 0, &links);
	if (render(s, &l, &links, &missing, e) != 0)
		return COMPOSED_ERROR;
	j->kind = template_kind(q->step[step].template);
	struct buf findings = { 0 };
	bool vouched, ok = passes(s, q->step[step].template, &vouched, &findings);
	if (!ok)
		refused_in_words(s, q->step[step].template, e);
	buf_free(&findings);
	return ok && build(s, &l, &links, j, e) == 0 ? COMPOSED : COMPOSED_ERROR;
}
