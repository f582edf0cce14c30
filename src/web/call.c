/* One call: the request is read and checked against the verb's table, the verb runs, what it changed is committed, and
 * only then the answer leaves. A refusal leaves nothing behind, unless the verb says that its record of it is to be
 * kept. */
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "control_int.h"

#define VALUES_MAX 262144
#define TEXT_MAX 4096 /* bytes of a text in a request */

/* ---- refusals ---- */

int call_refuse(struct call *c, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->err.text, sizeof(c->err.text), fmt, ap);
	va_end(ap);
	return status;
}

int call_failed(struct call *c)
{
	if (!*c->err.text)
		(void)snprintf(c->err.text, sizeof(c->err.text), "the store cannot be used");
	return 500;
}

/* ---- the request ---- */

bool text_is_clean(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	}
	return true;
}

static int member_check(struct call *c, const struct member *m, const json_t *value)
{
	switch (m->type) {
	case MEMBER_TEXT:
		if (!json_is_string(value))
			return call_refuse(c, 400, "%s: this must be a text", m->name);
		if (json_string_length(value) > TEXT_MAX)
			return call_refuse(c, 400, "%s: this is longer than %d bytes", m->name, TEXT_MAX);
		if (!text_is_clean(json_string_value(value)))
			return call_refuse(c, 400, "%s: this has a control character", m->name);
		if (m->required && !json_string_length(value))
			return call_refuse(c, 400, "%s: this must not be empty", m->name);
		break;
	case MEMBER_INTEGER:
		if (!json_is_integer(value))
			return call_refuse(c, 400, "%s: this must be an integer", m->name);
		break;
	case MEMBER_BOOL:
		if (!json_is_boolean(value))
			return call_refuse(c, 400, "%s: this must be true or false", m->name);
		break;
	case MEMBER_ROWS:
		if (!json_is_array(value))
			return call_refuse(c, 400, "%s: this must be an array", m->name);
		break;
	case MEMBER_MESSAGE: break; /* never in an object: request_read */
	}
	return 200;
}

static const struct member *member_find(const struct verb *v, const char *name)
{
	for (const struct member *m = v->member; m->name; m++) {
		if (!strcmp(m->name, name))
			return m;
	}
	return NULL;
}

static int members_check(struct call *c)
{
	const struct member *m;
	const char *name;
	json_t *value;
	int status;

	json_object_foreach (c->in, name, value) {
		m = member_find(c->verb, name);
		if (!m)
			return call_refuse(c, 400, "%.64s: '%s' has no such member", name, c->verb->name);
		status = json_is_null(value) ? 200 : member_check(c, m, value);
		if (status != 200)
			return status;
	}
	for (m = c->verb->member; m->name; m++) {
		value = json_object_get(c->in, m->name);
		if (m->required && (!value || json_is_null(value)))
			return call_refuse(c, 400, "%s: '%s' needs this member", m->name, c->verb->name);
	}
	return 200;
}

/* Each value costs up to 250 bytes of memory, however short it is: 4 MB of `{},` made 350 MB. Whoever imports sends no more than a
 * thousand rows. */
static bool values_fit(const char *body, size_t n)
{
	size_t values = 0;
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		if (quoted && body[i] == '\\')
			i++;
		else if (body[i] == '"')
			quoted = !quoted;
		else if (!quoted && (body[i] == ',' || body[i] == '{' || body[i] == '['))
			values++;
	}
	return values <= VALUES_MAX;
}

int call_object(struct call *c)
{
	json_error_t je;

	if (strspn(c->body, " \t\r\n") == c->body_n) {
		c->in = json_object();
		return members_check(c);
	}
	if (!values_fit(c->body, c->body_n))
		return call_refuse(c, 413, "the request has more than %d values", VALUES_MAX);
	c->in = json_loadb(c->body, c->body_n, JSON_REJECT_DUPLICATES, &je);
	if (!c->in)
		return call_refuse(c, 400, "the request is no JSON object: line %d, column %d: %s", je.line, je.column,
				   je.text);
	if (!json_is_object(c->in))
		return call_refuse(c, 400, "the request is no JSON object");
	return members_check(c);
}

static int request_read(struct call *c, const char *body, size_t n)
{
	const struct member *first = &c->verb->member[0];

	c->body = body;
	c->body_n = n;
	if (first->name && first->type == MEMBER_MESSAGE)
		return n ? 200 : call_refuse(c, 400, "message: the request is empty");
	return first->name && first->type == MEMBER_ROWS ? 200 : call_object(c);
}

const char *call_text(const struct call *c, const char *name)
{
	const char *s = json_string_value(json_object_get(c->in, name));

	return s ? s : "";
}

bool call_bool(const struct call *c, const char *name)
{
	return json_is_true(json_object_get(c->in, name));
}

int64_t call_integer(const struct call *c, const char *name, int64_t absent)
{
	const json_t *value = json_object_get(c->in, name);

	return json_is_integer(value) ? json_integer_value(value) : absent;
}

int call_contact(struct call *c, struct contact **out)
{
	const char *text = call_text(c, "contact");
	char email[MAILADDR_MAX];
	struct err why = { "" };
	int found;

	*out = NULL;
	if (!strncmp(text, "hash:", 5)) /* a forgotten one */
		(void)snprintf(email, sizeof(email), "%s", text);
	else if (mailaddr_parse(text, email, &why))
		return call_refuse(c, 400, "contact: %s", why.text);
	found = store_contact_by_email(c->store, email, out, &c->err);
	if (found < 0)
		return call_failed(c);
	return found ? 200 : call_refuse(c, 404, "contact: there is no '%s'", email);
}

int call_sequence(struct call *c, const struct plan_sequence **out)
{
	const char *name = call_text(c, "sequence");

	*out = plan_sequence(c->ops->plan(c->ops->arg), name);
	return *out ? 200 : call_refuse(c, 404, "sequence: there is no '%.128s' in the configuration", name);
}

/* ---- the answer ---- */

static void call_free(struct call *c)
{
	if (c->parked && c->control)
		TAILQ_REMOVE(&c->control->parked, c, link);
	if (c->timer)
		event_free(c->timer);
	bulk_free(&c->bulk);
	json_decref(c->in);
	buf_free(&c->out);
	free(c);
}

void call_finish(struct call *c, int status)
{
	struct buf body = { 0 };

	buf_char(&body, '{');
	if (status != 200)
		json_add_str(&body, "error", c->err.text);
	if (c->out.len && (status == 200 || c->keep)) {
		if (status != 200)
			buf_char(&body, ',');
		buf_add(&body, c->out.data, c->out.len);
	}
	buf_char(&body, '}');
	if (c->control && c->wrote)
		c->ops->changed(c->ops->arg);
	if (c->reply)
		c->reply(c->reply_arg, status, &body);
	buf_free(&body);
	call_free(c);
}

/* ---- running ---- */

int call_transaction(struct call *c, int (*run)(void *arg), void *arg)
{
	int status;

	if (store_begin(c->store, &c->err))
		return call_failed(c);
	status = run(arg);
	if (status != 200 && status != CALL_LATER && !c->keep) {
		store_rollback(c->store);
		return status;
	}
	if (store_commit_now(c->store, &c->err))
		return call_failed(c);
	c->wrote = true;
	return status;
}

static int run_verb(void *arg)
{
	struct call *c = arg;

	return c->verb->run(c);
}

static int run_in_transaction(struct call *c)
{
	int status = call_transaction(c, run_verb, c);

	return status == 200 && c->verb->after ? c->verb->after(c) : status;
}

static const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = control_verbs; v->name; v++) {
		if (!strcmp(v->name, name))
			return v;
	}
	return NULL;
}

size_t call_body_max(const char *verb)
{
	const struct verb *v = verb_find(verb);

	return v && v->member[0].name && v->member[0].type == MEMBER_MESSAGE ? MESSAGE_MAX : BODY_MAX;
}

static int run(struct call *c, const char *name, const char *body, size_t n)
{
	int status;

	c->verb = verb_find(name);
	if (!c->verb)
		return call_refuse(c, 404, "there is no verb '%.64s'", name);
	status = request_read(c, body, n);
	if (status != 200)
		return status;
	/* The loop may have turned inside somebody's transaction: then nothing of ours may get mixed up with it. */
	if (store_in_transaction(c->store))
		return call_refuse(c, 500, "the store is in use");
	return c->verb->writes ? run_in_transaction(c) : c->verb->run(c);
}

static void step_soon(struct call *c);

static void on_step(evutil_socket_t fd, short what, void *arg)
{
	struct call *c = arg;
	int status = c->step(c);

	(void)fd, (void)what;
	if (status == CALL_LATER)
		step_soon(c);
	else
		call_finish(c, status);
}

/* At once; where several work in slices, one by one, so that the loop has its turn between any two. */
static void step_soon(struct call *c)
{
	const struct call *o;
	struct timeval tv = { 0, 0 };

	TAILQ_FOREACH (o, &c->control->parked, link)
		if (o != c && o->step)
			tv.tv_usec += SLICE_MS * 1000;
	tv.tv_sec = tv.tv_usec / 1000000;
	tv.tv_usec %= 1000000;
	if (!c->timer)
		c->timer = event_new(c->control->base, -1, 0, on_step, c);
	event_add(c->timer, &tv);
}

void call_begin(struct control *control, const char *verb, const char *body, size_t n,
		void (*reply)(void *arg, int status, const struct buf *body), void *reply_arg, struct call **parked)
{
	struct call *c = mem_alloc(sizeof(*c));
	int status;

	*parked = NULL;
	c->control = control;
	c->store = control->store;
	c->ops = &control->ops;
	c->now = control->ops.now(control->ops.arg);
	c->reply = reply;
	c->reply_arg = reply_arg;
	status = run(c, verb, body, n);
	while (status == CALL_LATER && c->step && !control->base)
		status = c->step(c);
	if (status != CALL_LATER) {
		call_finish(c, status);
		return;
	}
	c->parked = true;
	TAILQ_INSERT_TAIL(&control->parked, c, link);
	*parked = c;
	if (c->step)
		step_soon(c);
}

void call_drop(struct call *c)
{
	c->reply = NULL;
	c->reply_arg = NULL;
}

void call_close(struct call *c)
{
	if (c->reply)
		c->reply(c->reply_arg, 0, NULL);
	if (!c->awaited) {
		call_free(c);
		return;
	}
	TAILQ_REMOVE(&c->control->parked, c, link);
	c->parked = false;
	c->control = NULL;
	call_drop(c);
}
