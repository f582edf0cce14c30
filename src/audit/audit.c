/* Reading, telling, the sum. What is told while reading and what is told at the end are put into the log's order. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "abv/model.h"
#include "audit_int.h"

static const char *const rule_row[] = {
	[RULE_SYNTAX] = "syntax",
	[RULE_MEMBER] = "member",
	[RULE_SEQ] = "seq",
	[RULE_DOUBLE] = "double",
	[RULE_RESOLVED] = "resolved",
	[RULE_ENROLLMENT] = "enrollment",
	[RULE_AFTER_REPLY] = "after_reply",
	[RULE_AFTER_UNSUBSCRIBE] = "after_unsubscribe",
	[RULE_AFTER_COMPLAINT] = "after_complaint",
	[RULE_AFTER_HARD_BOUNCE] = "after_hard_bounce",
	[RULE_SUPPRESSED] = "suppressed",
	[RULE_FORGOTTEN] = "forgotten",
	[RULE_AFTER_STOP] = "after_stop",
	[RULE_AFTER_COMPLETION] = "after_completion",
	[RULE_AFTER_REFUSAL] = "after_refusal",
	[RULE_CONTACT_HOLD] = "contact_hold",
	[RULE_ACCOUNT_HOLD] = "account_hold",
	[RULE_PAUSED] = "paused",
	[RULE_CONSENT] = "consent",
	[RULE_GIFTS] = "gifts",
	[RULE_CONTENT] = "content",
	[RULE_ORDER] = "order",
	[RULE_AFTER] = "after",
	[RULE_EXPIRE] = "expire",
	[RULE_WINDOW] = "window",
	[RULE_SUNSET] = "sunset",
	[RULE_CONTACT_LIMIT] = "contact_limit",
	[RULE_CONTACT_MIN_GAP] = "contact_min_gap",
	[RULE_BACKOFF] = "backoff",
	[RULE_ACCOUNT_LIMIT] = "account_limit",
	[RULE_ACCOUNT_MIN_GAP] = "account_min_gap",
	[RULE_PROVIDER_LIMIT] = "provider_limit",
	[RULE_SENDER_LIMIT] = "sender_limit",
	[RULE_WARMUP] = "warmup",
	[RULE_RATE] = "rate",
};
_Static_assert(sizeof rule_row / sizeof *rule_row == RULE_COUNT, "a rule lacks its name");

const char *audit_rule_at(int i)
{
	return i >= 0 && i < RULE_COUNT ? rule_row[i] : NULL;
}

struct audit *audit_new(const struct config *c)
{
	struct audit *a = mem_alloc(sizeof *a);

	a->config = c;
	return a;
}

void audit_free(struct audit **a)
{
	struct audit *x = *a;

	if (!x)
		return;
	for (uint32_t i = 0; i < x->told_n; i++)
		free(x->told[i].text);
	names_free(&x->files);
	names_free(&x->people);
	names_free(&x->accounts);
	names_free(&x->sequences);
	names_free(&x->steps);
	names_free(&x->words);
	names_free(&x->zone_names);
	free(x->zone);
	free(x->person);
	free(x->account_spans);
	free(x->pauses);
	free(x->span);
	free(x->enrolled);
	free(x->enrolled_slot);
	free(x->touch);
	free(x->touch_slot);
	free(x->reply);
	free(x->load);
	free(x->told);
	free(x);
	*a = NULL;
}

void *room_for_one(void *row, uint32_t n, uint32_t *cap, size_t size)
{
	if (n < *cap)
		return row;
	*cap = *cap ? *cap * 2 : 64;
	return mem_grow(row, *cap, size);
}

void tell(struct audit *a, enum rule rule, const struct place *at, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	a->sum.violations++;
	if (a->told_n == AUDIT_TOLD_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	GROW(a->told, a->told_n, a->told_cap);
	a->told[a->told_n] = (struct told){ .place = *at, .rule = rule, .order = a->told_n, .text = mem_strdup(text) };
	a->told_n++;
}

/* ---- what the configuration says ---- */

const struct sequence *sequence_of(const struct audit *a, uint32_t sequence)
{
	return sequence ? config_sequence(a->config, names_text(&a->sequences, sequence)) : NULL;
}

const struct policy *policy_of(const struct audit *a, uint32_t sequence)
{
	const struct sequence *q = sequence_of(a, sequence);

	return q ? &q->policy : &a->config->policy;
}

/* Of a zone that does not exist nothing is known, as of none. */
static const struct zone *zone_named(struct audit *a, uint32_t name)
{
	if (name >= a->zone_n) {
		a->zone = mem_grow(a->zone, name + 1,
				   sizeof *a->zone); /* pointers are meant: NOLINT(bugprone-sizeof-expression) */
		for (; a->zone_n <= name; a->zone_n++)
			a->zone[a->zone_n] = a->zone_n ? zone_find(names_text(&a->zone_names, a->zone_n)) : NULL;
	}
	return a->zone[name];
}

const struct zone *zone_at(struct audit *a, const struct policy *p, uint32_t person, int64_t t)
{
	const struct zone *z = p->window.fixed;

	if (!z)
		z = zone_named(a, person_facts(person_at(a, person), t)->zone);
	if (!z)
		z = p->window.fallback;
	return z ? z : zone_utc();
}

/* ---- a line ---- */

/* Lines that could not be read had their numbers, too. */
static bool seq_take(struct audit *a, const json_t *json, struct place *at)
{
	const json_t *v = json_object_get(json, "seq");
	int64_t seq = json_integer_value(v), missing;

	if (!json_is_integer(v) || seq < 1) {
		tell(a, RULE_MEMBER, at, "\"seq\" is missing or no number of a line");
		a->damaged++;
		return true;
	}
	at->seq = seq;
	if (!a->last_seq) {
		a->first_seq = seq > a->damaged ? seq - a->damaged : 1;
		a->partial = a->first_seq > 1;
	} else if (seq <= a->last_seq) {
		tell(a, RULE_SEQ, at, "seq %lld comes behind %lld: it was there already", (long long)seq,
		     (long long)a->last_seq);
		return false;
	} else {
		missing = seq - a->last_seq - 1 - a->damaged;
		if (missing > 0)
			tell(a, RULE_SEQ, at, "seq %lld comes behind %lld: %lld line%s missing", (long long)seq,
			     (long long)a->last_seq, (long long)missing, missing == 1 ? " is" : "s are");
		a->partial |= missing > 0;
	}
	a->partial |= a->damaged > 0;
	a->damaged = 0;
	a->last_seq = seq;
	return true;
}

static void line_take(struct audit *a, const struct line *l)
{
	if (!strcmp(l->event, event_type_name(EVENT_SENT)))
		follow_touch(a, l, DELIVERY_SENT);
	else if (!strcmp(l->event, event_type_name(EVENT_UNKNOWN)))
		follow_touch(a, l, DELIVERY_UNKNOWN);
	else if (!strcmp(l->event, event_type_name(EVENT_REFUSED)))
		follow_touch(a, l, DELIVERY_REFUSED);
	else if (!strcmp(l->event, event_type_name(EVENT_RESOLVED)))
		follow_resolved(a, l);
	else
		people_take(a, l);
}

void audit_line(struct audit *a, const char *file, int64_t line, const char *text, size_t n)
{
	struct line l = { .place = { .at = ++a->at,
				     .file = names_put(&a->files, file),
				     .line = line > 0 && line < UINT32_MAX ? (uint32_t)line : 0 } };
	json_error_t why;
	json_t *json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);

	a->sum.lines++;
	if (!json_is_object(json)) {
		tell(a, RULE_SYNTAX, &l.place, "this is no JSON object%s%s", json ? "" : ": ", json ? "" : why.text);
		a->damaged++;
	} else if (seq_take(a, json, &l.place) && line_read(a, json, &l)) {
		line_take(a, &l);
	}
	json_decref(json);
}

/* ---- the end ---- */

static int in_order(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	if (x->place.at != y->place.at)
		return x->place.at < y->place.at ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static int by_person(const void *a, const void *b)
{
	const struct reply *x = a, *y = b;

	if (x->person != y->person)
		return x->person < y->person ? -1 : 1;
	return (x->ts > y->ts) - (x->ts < y->ts);
}

void audit_end(struct audit *a, void (*violation)(void *arg, const struct audit_violation *v), void *arg,
	       struct audit_sum *sum)
{
	for (uint32_t i = 0; i < a->touch_n; i++) {
		a->sum.touches += a->touch[i].gone == 0;
		a->sum.unjudged += a->touch[i].gone == 0 && !a->touch[i].judged;
	}
	if (a->reply_n > 1)
		qsort(a->reply, a->reply_n, sizeof *a->reply, by_person);
	content_judge(a);
	caps_judge(a);
	if (a->told_n > 1)
		qsort(a->told, a->told_n, sizeof *a->told, in_order);
	for (uint32_t i = 0; i < a->told_n; i++) {
		const struct told *t = &a->told[i];

		violation(arg, &(struct audit_violation){ .file = names_text(&a->files, t->place.file),
							  .line = t->place.line,
							  .seq = t->place.seq,
							  .rule = rule_row[t->rule],
							  .text = t->text });
	}
	a->sum.first_seq = a->first_seq;
	*sum = a->sum;
}

/* ---- words ---- */

void when_text(struct buf *b, int64_t t)
{
	char text[CLOCK_TEXT_MAX];

	buf_str(b, clock_format(t, text));
}

void touch_text(struct buf *b, const struct arrival *t)
{
	buf_printf(b, "touch %lld (", (long long)t->id);
	when_text(b, t->ts);
	buf_char(b, ')');
}
