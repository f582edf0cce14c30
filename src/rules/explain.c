/* What would have to change for a step to go earlier. A sentence a reason, in one table; what stands in braces is
 * filled from the facts.
 *
 * The instants are the governor's own: it is asked again without the rule. The window alone is not taken away, because
 * business days are counted on it: without it the step would go when the other rules of the evidence allow it. */
#include <stdio.h>
#include <string.h>

#include "abv/explain.h"
#include "rules_int.h"

/* clang-format off */
static const char *const sentence[REASON_COUNT] = {
	[REASON_UNSUBSCRIBED] = "the person unsubscribed; when they ask for mail again: `abvctl unsuppress {contact} --reason WHY --force`",
	[REASON_COMPLAINED] = "the person complained; when they ask for mail again: `abvctl unsuppress {contact} --reason WHY --force`",
	[REASON_HARD_BOUNCE] = "the address does not exist; import the right one, or when it works again: `abvctl unsuppress {contact} --reason WHY`",
	[REASON_ERASED] = "the person was erased; when they ask for mail again: `abvctl unsuppress {contact} --reason WHY --force`",
	[REASON_MANUAL] = "an operator ended it; if by a suppression: `abvctl unsuppress {contact} --reason WHY`",
	[REASON_REPLIED] = "the person answered: what comes next is a human's to write, or another sequence",
	[REASON_NO_CONSENT] = "import a consent basis that consent.accept lists{accept}",
	[REASON_CONSENT_EXPIRED] = "import a newer consent_at: consent.max_age is {max_age}",
	[REASON_NOT_QUALIFIED] = "the contact's columns must meet `qualify` of sequence {sequence}: import what is right",
	[REASON_SUNSET] = "nobody answered, and cadence.sunset ({sunset}) released the contact: an answer begins anew",
	[REASON_REFUSED] = "the relay refused the message for good{detail}: mend what it names; another sequence may begin",
	[REASON_RETRY_EXPIRED] = "the relay refused for now, longer than smtp.retry_for{retry_for}: a longer one tries longer",
	[REASON_NOT_DELIVERED] = "an operator dropped the message (`abvctl unknown drop`): another sequence may begin",
	[REASON_SEQUENCE_REMOVED] = "put sequence {sequence} back into sequences.d, or end it: `abvctl stop {contact} {sequence}`",
	[REASON_SUPPRESSED] = "the address or its domain is suppressed: `abvctl unsuppress {contact} --reason WHY`",
	[REASON_STEP_EXPIRED] = "a longer `expire` of step {step}{expire}, or none, keeps the step",
	[REASON_STEP_REMOVED] = "put step {step} back into sequence {sequence}; as it is, the enrollment goes on with the next",
	[REASON_REPEAT_CONTENT] = "the contact has had this content; another text in template {template} keeps the step",
	[REASON_AFTER] = "without `after`{after} of step {step} in sequence {sequence}",
	[REASON_CONTACT_HOLD] = "`abvctl hold {contact} --until 2000-01-01` lifts the contact's hold{detail}",
	[REASON_ACCOUNT_HOLD] = "without the account's hold{detail}: on_reply.account_hold{account_hold} sets it when a colleague answers",
	[REASON_SEQUENCE_PAUSED] = "`abvctl resume {sequence}`",
	[REASON_SENDING_PAUSED] = "`abvctl resume`{detail}",
	[REASON_SEQUENCE_NOT_STARTED] = "template {template} needs another text{detail}; then `abvctl check` and a reload",
	[REASON_GIFTS] = "{gifts} ({given} of cadence.gifts_per_ask {wanted} since the last ask); {gift}",
	[REASON_CONTACT_MIN_GAP] = "without cadence.contact.min_gap {contact_gap}{source}",
	[REASON_CONTACT_LIMIT] = "without cadence.contact.limits {limit}{source}",
	[REASON_ACCOUNT_MIN_GAP] = "without cadence.account.min_gap {account_gap}{source}",
	[REASON_ACCOUNT_LIMIT] = "without cadence.account.limits {limit}{source}",
	[REASON_PROVIDER_LIMIT] = "without cadence.provider.limits {limit}{source}, shared by all at the contact's domain",
	[REASON_SENDER_LIMIT] = "without cadence.sender.limits {limit}{source}, shared by all contacts",
	[REASON_WARMUP] = "without today's share of sender.warmup{share}; the next UTC day has its own",
	[REASON_RATE] = "without smtp.rate{rate}, shared by all contacts",
	[REASON_BACKOFF] = "without cadence.backoff (factor {factor}, at most {max_gap}), after {unanswered} without an answer; a reply resets it",
	[REASON_WINDOW] = "without cadence.window ({window}, {zone}){spread}",
	[REASON_IN_FLIGHT] = "a message to the contact is on its way: the relay's answer decides what comes next",
	[REASON_GATE_REFUSED] = "template {template} needs another text{detail}",
	[REASON_UNDEFINED_PLACEHOLDER] = "template {template} needs a value or a fallback{detail}; import the value",
	[REASON_PRIORITY] = "another enrollment of this contact that is due goes first: a priority above that one's turns it round",
	[REASON_RELAY] = "the relay must be reachable{detail}; abvd tries by itself, `abvctl status` tells",
	[REASON_RETRY] = "without the wait after the relay's refusal{detail}; the same message is tried again by itself",
};
/* clang-format on */

/* Hard bounces that stand in doubt (three refusals in a row may be the relay's fault). */
static const char withheld[] =
    "the relay refused the address among others in a row; the next outcome confirms or lifts that: "
    "`abvctl resume` if sending is paused";

/* ---- texts that stand in braces ---- */

struct text {
	char *out;
	size_t n;
};

static void add(struct text *t, const char *s)
{
	while (*s != '\0' && t->n + 1 < EXPLAIN_TEXT_MAX)
		t->out[t->n++] = *s++;
	t->out[t->n] = '\0';
}

static void add_int(struct text *t, int64_t n)
{
	char s[32];
	snprintf(s, sizeof s, "%lld", (long long)n);
	add(t, s);
}

static void add_duration(struct text *t, const struct duration *d)
{
	char s[64];
	if (d->ms > 0 && d->ms % CLOCK_DAY == 0) {
		add_int(t, d->ms / CLOCK_DAY); /* "7d", as it is mostly written, rather than "1w" */
		add(t, "d");
	} else {
		add(t, duration_format(d, s, sizeof s));
	}
}

static void add_ms(struct text *t, int64_t ms)
{
	add_duration(t, &(struct duration){ .ms = ms });
}

static void add_plural(struct text *t, int32_t n, const char *one, const char *many)
{
	add_int(t, n);
	add(t, n == 1 ? one : many);
}

static void add_parted(struct text *t, const char *before, const char *s, const char *behind)
{
	if (s == NULL || *s == '\0')
		return;
	add(t, before);
	add(t, s);
	add(t, behind);
}

static const char *text_or(const char *s, const char *other)
{
	return s != NULL && *s != '\0' ? s : other;
}

static void add_limit(struct text *t, const struct limit *l)
{
	add_int(t, l->n);
	add(t, " per ");
	add_ms(t, l->per_ms);
}

static void add_clock(struct text *t, int32_t seconds)
{
	char s[32];
	snprintf(s, sizeof s, "%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60));
	add(t, s);
}

/* "mon-fri", "mon,wed-fri" */
static void add_days(struct text *t, unsigned days)
{
	static const char *const name[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	bool first = true;
	for (int i = 0; i < 7; i++) {
		int last = i;
		if ((days >> i & 1) == 0)
			continue;
		while (last < 6 && (days >> (last + 1) & 1) != 0)
			last++;
		add(t, first ? "" : ",");
		add(t, name[i]);
		add_parted(t, "-", last > i ? name[last] : "", "");
		first = false;
		i = last;
	}
}

static bool same_duration(const struct duration *a, const struct duration *b)
{
	return a->ms == b->ms && a->business_days == b->business_days;
}

/* Is the rule the sequence's own, and not the installation's? */
static bool own(const struct explain_facts *f)
{
	const struct policy *b = f->base, *p = &f->plan->policy;
	const struct limits *l = f->reason == REASON_CONTACT_LIMIT    ? &b->contact
				 : f->reason == REASON_ACCOUNT_LIMIT  ? &b->account
				 : f->reason == REASON_PROVIDER_LIMIT ? &b->provider
				 : f->reason == REASON_SENDER_LIMIT   ? &b->sender
								      : NULL;
	if (f->reason == REASON_CONTACT_MIN_GAP)
		return !same_duration(&b->contact_min_gap, &p->contact_min_gap);
	if (f->reason == REASON_ACCOUNT_MIN_GAP)
		return !same_duration(&b->account_min_gap, &p->account_min_gap);
	if (l == NULL || f->rule == NULL)
		return false;
	for (int i = 0; i < l->n; i++)
		if (l->row[i].n == f->rule->limit_n && l->row[i].per_ms == f->rule->limit_ms)
			return false;
	return true;
}

/* " (abvd.conf:12)", " (default)", " (sequence course's own)" */
static void put_source(struct text *t, const struct explain_facts *f)
{
	if (f->plan != NULL && f->base != NULL && own(f))
		add_parted(t, " (sequence ", f->plan->name, "'s own)");
	else
		add_parted(t, " (", f->source, ")");
}

static void put_sunset(struct text *t, const struct policy *p)
{
	if (p->sunset_touches > 0)
		add_plural(t, p->sunset_touches, " touch", " touches");
	if (p->sunset_touches > 0 && p->sunset_silence > 0)
		add(t, " or ");
	if (p->sunset_silence > 0)
		add_ms(t, p->sunset_silence);
}

static void put_accept(struct text *t, const struct policy *p)
{
	for (size_t i = 0; i < p->consent_accept_n; i++) {
		add(t, i == 0 ? ": " : ", ");
		add(t, p->consent_accept[i]);
	}
}

static void put_gift(struct text *t, const struct explain_facts *f)
{
	if (text_or(f->gift_sequence, NULL) == NULL) {
		add(t, "no other active sequence of the contact has a value step next: enroll it in one that gives");
		return;
	}
	add(t, "the next value step is ");
	add(t, text_or(f->gift_step, ""));
	add(t, " in sequence ");
	add(t, f->gift_sequence);
}

static void put_window(struct text *t, const struct window *w)
{
	add_days(t, w->weekdays);
	add(t, " ");
	add_clock(t, w->hours.from);
	add(t, "-");
	add_clock(t, w->hours.to);
	add(t, w->holiday_n > 0 ? ", no holiday" : "");
}

static void put_spread(struct text *t, int64_t ms)
{
	if (ms < CLOCK_MINUTE)
		return;
	add(t, ", ");
	add_plural(t, (int32_t)(ms / CLOCK_MINUTE), " minute", " minutes");
	add(t, " of spread after its opening included");
}

static void put_factor(struct text *t, double factor)
{
	char s[32];
	snprintf(s, sizeof s, "%g", factor);
	add(t, s);
}

/* ---- one placeholder ---- */

/* clang-format off */
enum place {
	PLACE_CONTACT, PLACE_SEQUENCE, PLACE_STEP, PLACE_TEMPLATE, PLACE_DETAIL, PLACE_LIMIT, PLACE_SHARE, PLACE_GIFTS, PLACE_GIVEN,
	PLACE_UNANSWERED, PLACE_ZONE, PLACE_SPREAD, PLACE_SOURCE, PLACE_GIFT, PLACE_ACCOUNT_HOLD, PLACE_RETRY_FOR, PLACE_AFTER, PLACE_EXPIRE,
	PLACE_POLICY, /* those from here on need the sequence's policy */
	PLACE_ACCEPT = PLACE_POLICY, PLACE_MAX_AGE, PLACE_SUNSET, PLACE_CONTACT_GAP, PLACE_ACCOUNT_GAP, PLACE_RATE, PLACE_FACTOR, PLACE_MAX_GAP,
	PLACE_WANTED, PLACE_WINDOW, PLACE_COUNT
};

static const char *const place_name[PLACE_COUNT] = {
	[PLACE_CONTACT] = "contact", [PLACE_SEQUENCE] = "sequence", [PLACE_STEP] = "step", [PLACE_TEMPLATE] = "template",
	[PLACE_DETAIL] = "detail", [PLACE_LIMIT] = "limit", [PLACE_SHARE] = "share", [PLACE_GIFTS] = "gifts", [PLACE_GIVEN] = "given",
	[PLACE_UNANSWERED] = "unanswered", [PLACE_ZONE] = "zone", [PLACE_SPREAD] = "spread", [PLACE_SOURCE] = "source", [PLACE_GIFT] = "gift",
	[PLACE_ACCOUNT_HOLD] = "account_hold", [PLACE_RETRY_FOR] = "retry_for", [PLACE_AFTER] = "after", [PLACE_EXPIRE] = "expire",
	[PLACE_ACCEPT] = "accept", [PLACE_MAX_AGE] = "max_age", [PLACE_SUNSET] = "sunset", [PLACE_CONTACT_GAP] = "contact_gap",
	[PLACE_ACCOUNT_GAP] = "account_gap", [PLACE_RATE] = "rate", [PLACE_FACTOR] = "factor", [PLACE_MAX_GAP] = "max_gap",
	[PLACE_WANTED] = "wanted", [PLACE_WINDOW] = "window",
};
/* clang-format on */

static int32_t gifts_missing(const struct explain_facts *f)
{
	int32_t wanted = f->plan != NULL ? f->plan->policy.gifts_per_ask : 0;
	return wanted > f->given ? wanted - f->given : 0;
}

static void put_zone(struct text *t, const struct explain_facts *f)
{
	add(t, f->zone != NULL ? zone_name(f->zone) : "UTC");
	add(t, f->zone_unknown ? ", default_timezone: the contact's is unknown" : "");
}

static void put_rule(struct text *t, enum place p, const struct evidence *rule)
{
	if (rule == NULL || rule->limit_n == 0)
		return;
	if (p == PLACE_LIMIT) {
		add_limit(t, &(struct limit){ rule->limit_n, rule->limit_ms });
	} else {
		add(t, " (");
		add_plural(t, rule->limit_n, " touch)", " touches)");
	}
}

/* A length in parentheses; nothing for none. */
static void put_length(struct text *t, const struct duration *d)
{
	if (d->ms <= 0 && d->business_days <= 0)
		return;
	add(t, " (");
	add_duration(t, d);
	add(t, ")");
}

static void put_policy(struct text *t, enum place p, const struct policy *of)
{
	switch (p) {
	case PLACE_ACCEPT: put_accept(t, of); break;
	case PLACE_MAX_AGE: add_ms(t, of->consent_max_age); break;
	case PLACE_SUNSET: put_sunset(t, of); break;
	case PLACE_CONTACT_GAP: add_duration(t, &of->contact_min_gap); break;
	case PLACE_ACCOUNT_GAP: add_duration(t, &of->account_min_gap); break;
	case PLACE_FACTOR: put_factor(t, of->backoff_factor); break;
	case PLACE_MAX_GAP: add_duration(t, &of->backoff_max_gap); break;
	case PLACE_WANTED: add_int(t, of->gifts_per_ask); break;
	case PLACE_WINDOW: put_window(t, &of->window); break;
	case PLACE_RATE:
		if (of->rate.n > 0) {
			add(t, " ");
			add_limit(t, &of->rate);
		}
		break;
	default: break;
	}
}

static void put(struct text *t, enum place p, const struct explain_facts *f)
{
	const struct step *s = f->plan_step;
	switch (p) {
	case PLACE_CONTACT: add(t, text_or(f->contact, "CONTACT")); break;
	case PLACE_SEQUENCE: add(t, text_or(f->sequence, "SEQUENCE")); break;
	case PLACE_STEP: add(t, text_or(f->step, "STEP")); break;
	case PLACE_TEMPLATE: add(t, text_or(f->template_name, s != NULL ? s->template_name : "FILE")); break;
	case PLACE_DETAIL: add_parted(t, " (", f->detail, ")"); break;
	case PLACE_LIMIT:
	case PLACE_SHARE: put_rule(t, p, f->rule); break;
	case PLACE_GIFTS:
		add_plural(t, gifts_missing(f), " more accepted value touch", " more accepted value touches");
		break;
	case PLACE_GIVEN: add_int(t, f->given); break;
	case PLACE_UNANSWERED: add_plural(t, f->unanswered, " touch", " touches"); break;
	case PLACE_ZONE: put_zone(t, f); break;
	case PLACE_SPREAD: put_spread(t, f->spread); break;
	case PLACE_SOURCE: put_source(t, f); break;
	case PLACE_GIFT: put_gift(t, f); break;
	case PLACE_ACCOUNT_HOLD: put_length(t, &(struct duration){ .ms = f->account_hold }); break;
	case PLACE_RETRY_FOR: put_length(t, &(struct duration){ .ms = f->retry_for }); break;
	case PLACE_AFTER: put_length(t, s != NULL ? &s->after : &(struct duration){ 0 }); break;
	case PLACE_EXPIRE: put_length(t, &(struct duration){ .ms = s != NULL ? s->expire : 0 }); break;
	default:
		if (f->plan != NULL)
			put_policy(t, p, &f->plan->policy);
	}
}

char *explain_sentence(const struct explain_facts *f, char *out)
{
	struct text t = { .out = out };
	const char *s = (unsigned)f->reason < REASON_COUNT && sentence[f->reason] != NULL ? sentence[f->reason] : "";
	if (f->reason == REASON_HARD_BOUNCE && f->kind == VERDICT_WAIT)
		s = withheld;
	*out = '\0';
	while (*s != '\0') {
		size_t n = strcspn(s, "{");
		while (n-- > 0)
			add(&t, (char[2]){ *s++, '\0' });
		if (*s == '\0')
			break;
		n = strcspn(++s, "}");
		for (int p = 0; p < PLACE_COUNT; p++)
			if (strlen(place_name[p]) == n && strncmp(place_name[p], s, n) == 0)
				put(&t, (enum place)p, f);
		s += n + 1;
	}
	return out;
}
