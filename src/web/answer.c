/* How contacts, enrollments, touches, events and verdicts look in answers. Members that are empty are left out. */
#include <stdio.h>
#include <string.h>

#include "abv/json.h"
#include "control_int.h"

void answer_open(struct buf *b, const char *name, char bracket)
{
	json_add_raw(b, name, (char[2]){ bracket, '\0' });
}

void answer_element(struct buf *b, char bracket)
{
	if (b->data[b->len - 1] != '[')
		buf_char(b, ',');
	buf_char(b, bracket);
}

void answer_text(struct buf *b, const char *name, const char *value)
{
	if (value && *value)
		json_add_str(b, name, value);
}

void answer_time(struct buf *b, const char *name, int64_t t)
{
	if (t != CLOCK_NEVER)
		json_add_time(b, name, t);
}

void answer_refused(struct buf *b, const int64_t refused[REASON_COUNT])
{
	answer_open(b, "refused", '{');
	for (int i = 0; i < REASON_COUNT; i++) {
		if (refused[i])
			json_add_int(b, reason_name((enum reason)i), refused[i]);
	}
	buf_char(b, '}');
}

static void answer_tags(struct buf *b, const char *tags)
{
	answer_open(b, "tags", '[');
	for (size_t n; *tags; tags += n + (tags[n] == ';')) {
		n = strcspn(tags, ";");
		if (!n)
			continue;
		if (b->data[b->len - 1] != '[')
			buf_char(b, ',');
		json_quote(b, tags, n);
	}
	buf_char(b, ']');
}

void answer_contact(struct buf *b, const struct contact *c)
{
	const char *name, *value;

	json_add_str(b, "email", c->email);
	answer_text(b, "account", c->account);
	answer_text(b, "account_name", c->account_name);
	answer_text(b, "first_name", c->first_name);
	answer_text(b, "last_name", c->last_name);
	answer_text(b, "title", c->title);
	answer_text(b, "timezone", c->timezone);
	answer_text(b, "owner", c->owner);
	answer_tags(b, c->tags);
	answer_text(b, "consent", c->consent);
	answer_text(b, "consent_source", c->consent_source);
	answer_time(b, "consent_at", c->consent_at);
	answer_open(b, "attributes", '{');
	for (size_t at = 0; fields_next(&c->attributes, &at, &name, &value);)
		json_add_str(b, name, value);
	buf_char(b, '}');
	answer_time(b, "engaged_at", c->engaged_at);
	answer_time(b, "created_at", c->created_at);
	if (c->forgotten)
		json_add_bool(b, "forgotten", true);
}

void answer_enrollment(struct buf *b, const struct enrollment *en)
{
	json_add_int(b, "id", en->id);
	json_add_str(b, "sequence", en->sequence);
	json_add_str(b, "state", enrollment_state_name(en->state));
	answer_time(b, "created_at", en->created_at);
	if (en->state == ENROLLMENT_STOPPED)
		json_add_str(b, "reason", reason_name(en->ended));
	if (en->state != ENROLLMENT_COMPLETED) /* where it was stopped is part of why */
		json_add_str(b, "step", en->step);
	if (en->state != ENROLLMENT_ACTIVE)
		return;
	answer_time(b, "due_at", en->due_at);
	answer_time(b, "next_at", en->next_at);
	if (en->touch_id)
		json_add_int(b, "touch", en->touch_id);
}

void answer_touch(struct buf *b, const struct touch *t)
{
	json_add_int(b, "id", t->id);
	json_add_str(b, "sequence", t->sequence);
	json_add_str(b, "step", t->step);
	json_add_str(b, "kind", kind_name(t->kind));
	json_add_str(b, "state", touch_state_name(t->state));
	answer_time(b, "at", t->at);
	answer_time(b, "handed_at", t->handed_at);
	json_add_int(b, "attempts", t->attempts);
	answer_text(b, "content", t->content);
	answer_text(b, "message_id", t->message_id);
	if (t->smtp_code)
		json_add_int(b, "smtp_code", t->smtp_code);
	answer_text(b, "smtp_reply", t->smtp_reply);
}

void answer_event(struct buf *b, const struct event *ev)
{
	json_add_int(b, "seq", ev->seq);
	json_add_time(b, "ts", ev->ts);
	json_add_str(b, "event", event_type_name(ev->type));
	answer_text(b, "contact", ev->address);
	answer_text(b, "account", ev->account);
	answer_text(b, "sequence", ev->sequence);
	answer_text(b, "step", ev->step);
	if (ev->kind >= 0)
		json_add_str(b, "kind", kind_name((enum kind)ev->kind));
	if (ev->touch_id)
		json_add_int(b, "touch", ev->touch_id);
	if (*ev->detail) {
		buf_char(b, ',');
		buf_str(b, ev->detail);
	}
}

void answer_evidence(struct buf *b, const struct evidence *ev)
{
	struct duration d = { .ms = ev->limit_ms };
	char per[64], limit[96];

	/* days as far as they go: limits are written "2 per 7d" */
	if (ev->limit_ms % CLOCK_DAY == 0)
		(void)snprintf(per, sizeof(per), "%lldd", (long long)(ev->limit_ms / CLOCK_DAY));
	else
		(void)duration_format(&d, per, sizeof(per));
	json_add_str(b, "reason", reason_name(ev->reason));
	answer_time(b, "until", ev->until);
	if (ev->limit_n) {
		(void)snprintf(limit, sizeof(limit), "%d per %s", (int)ev->limit_n, per);
		json_add_str(b, "limit", limit);
	}
	answer_time(b, "touch_at", ev->touch_at);
}

void answer_next(struct buf *b, const struct next_step *next)
{
	const struct verdict *v = &next->verdict;

	json_add_str(b, "verdict", verdict_kind_name(v->kind));
	answer_text(b, "reason", reason_name(v->reason));
	if (v->kind == VERDICT_WAIT)
		answer_time(b, "until", v->until);
	answer_text(b, "note", next->note);
}
