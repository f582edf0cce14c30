/* The policy's hash: `audit` judges caps and windows only by the policy under which a log's lines were made. It covers
 * what caps, windows and order depend on, written in one canonical way; nothing of places, files' names, relay or
 * templates' text. */
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "config_int.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lists whose order means nothing are written sorted. Each word with its length: no two lists look alike. */
static void put_words(struct buf *b, const char *key, const char *const *word, size_t n)
{
	const char **sorted = mem_array(n + 1, sizeof *sorted);

	for (size_t i = 0; i < n; i++)
		sorted[i] = word[i];
	qsort(sorted, n, sizeof *sorted, by_text);
	buf_str(b, key);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, " %zu:%s", strlen(sorted[i]), sorted[i]);
	buf_char(b, '\n');
	free(sorted);
}

static int by_limit(const void *a, const void *b)
{
	const struct limit *x = a, *y = b;

	if (x->per_ms != y->per_ms)
		return x->per_ms < y->per_ms ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

static void put_limits(struct buf *b, const char *key, const struct limits *l)
{
	struct limits sorted = *l;

	qsort(sorted.row, (size_t)sorted.n, sizeof *sorted.row, by_limit);
	buf_str(b, key);
	for (int i = 0; i < sorted.n; i++)
		buf_printf(b, " %d/%lld", sorted.row[i].n, (long long)sorted.row[i].per_ms);
	buf_char(b, '\n');
}

static void put_duration(struct buf *b, const char *key, const struct duration *d)
{
	buf_printf(b, "%s %lld+%dbd\n", key, (long long)d->ms, d->business_days);
}

static void put_policy(struct buf *b, const struct policy *p)
{
	put_duration(b, "contact.min_gap", &p->contact_min_gap);
	put_limits(b, "contact.limits", &p->contact);
	put_duration(b, "account.min_gap", &p->account_min_gap);
	put_limits(b, "account.limits", &p->account);
	put_limits(b, "provider.limits", &p->provider);
	put_limits(b, "sender.limits", &p->sender);
	buf_printf(b, "warmup %d %.17g %d\n", p->warmup.start, p->warmup.growth, p->warmup.target);
	buf_printf(b, "window %x %d-%d %s %s\nholidays", p->window.weekdays, p->window.hours.from, p->window.hours.to,
		   p->window.fixed ? zone_name(p->window.fixed) : "contact", zone_name(p->window.fallback));
	for (size_t i = 0; i < p->window.holiday_n; i++)
		buf_printf(b, " %d", p->window.holidays[i]);
	buf_printf(b, "\nbackoff %.17g\n", p->backoff_factor);
	put_duration(b, "backoff.max_gap", &p->backoff_max_gap);
	buf_printf(b, "sunset %d %lld\ngifts %d\n", p->sunset_touches, (long long)p->sunset_silence, p->gifts_per_ask);
	put_words(b, "consent", p->consent_accept, p->consent_accept_n);
	buf_printf(b, "consent.max_age %lld\nrate %d/%lld\n", (long long)p->consent_max_age, p->rate.n,
		   (long long)p->rate.per_ms);
}

static void put_sequence(struct buf *b, const struct sequence *q)
{
	buf_printf(b, "sequence %s %d %d %s\n", q->name, q->priority, (int)q->enroll, q->enroll_tag);
	for (size_t i = 0; i < q->qualify_n; i++) {
		const struct qualify *c = &q->qualify[i];

		buf_printf(b, "qualify %zu:%s %d %.17g\n", strlen(c->field), c->field, (int)c->op, c->number);
		put_words(b, "values", c->value, c->value_n);
	}
	for (size_t i = 0; i < q->step_n; i++) {
		buf_printf(b, "step %s %s %lld\n", q->step[i].name, q->step[i].template_name,
			   (long long)q->step[i].expire);
		put_duration(b, "after", &q->step[i].after);
	}
	put_policy(b, &q->policy);
}

void hash_policy(struct config *c)
{
	struct buf b = { 0 };

	put_policy(&b, &c->policy);
	buf_printf(&b, "account_hold %lld\n", (long long)c->account_hold);
	for (size_t i = 0; i < c->alias_n; i++) {
		buf_printf(&b, "alias %s\n", c->alias[i].account);
		put_words(&b, "domains", c->alias[i].domain, c->alias[i].domain_n);
	}
	for (size_t i = 0; i < c->sequence_n; i++)
		put_sequence(&b, &c->sequence[i]);
	digest_hex(b.data, b.len, c->policy_hash);
	buf_free(&b);
}
