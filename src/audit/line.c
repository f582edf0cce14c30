/* A line's members. A member of a wrong type is told and taken as absent; members and events that are not known here
 * are skipped, since more may come (src/journal/FORMAT.md). */
#include <string.h>

#include "abv/model.h"
#include "audit_int.h"

enum member_type { MEMBER_TEXT, MEMBER_TIME, MEMBER_TOUCH, MEMBER_BOOL };

static const struct {
	const char *name;
	enum member_type type;
	size_t at;
} members[] = {
	{ "handed_at", MEMBER_TIME, offsetof(struct line, handed_at) },
	{ "until", MEMBER_TIME, offsetof(struct line, until) },
	{ "consent_at", MEMBER_TIME, offsetof(struct line, consent_at) },
	{ "touch", MEMBER_TOUCH, offsetof(struct line, touch) },
	{ "permanent", MEMBER_BOOL, offsetof(struct line, permanent) },
	{ "timezone", MEMBER_TEXT, offsetof(struct line, timezone) },
	{ "consent", MEMBER_TEXT, offsetof(struct line, consent) },
	{ "content", MEMBER_TEXT, offsetof(struct line, content) },
	{ "reason", MEMBER_TEXT, offsetof(struct line, reason) },
	{ "status", MEMBER_TEXT, offsetof(struct line, status) },
	{ "resolution", MEMBER_TEXT, offsetof(struct line, resolution) },
	{ "policy", MEMBER_TEXT, offsetof(struct line, policy) },
	{ "kind", MEMBER_TEXT, offsetof(struct line, kind) },
};

/* What must be there: without it the rules cannot be judged. */
static const struct {
	const char *event, *needs;
} needed[] = {
	{ "sent", "contact sequence step kind touch handed_at content" },
	{ "unknown", "contact sequence step kind touch handed_at content" },
	{ "refused", "contact sequence step touch permanent" },
	{ "resolved", "touch resolution" },
	{ "enrolled", "contact sequence" },
	{ "stopped", "contact sequence" },
	{ "completed", "contact sequence" },
	{ "skipped", "contact sequence step" },
	{ "contact_imported", "contact" },
	{ "replied", "contact" },
	{ "unsubscribed", "contact" },
	{ "complained", "contact" },
	{ "suppressed", "contact reason" },
	{ "unsuppressed", "contact" },
	{ "held", "until" },
	{ "forgotten", "contact" },
	{ "config_loaded", "policy" },
};

static bool member_take(const json_t *v, enum member_type type, void *out)
{
	int64_t n;

	switch (type) {
	case MEMBER_TEXT:
		if (!json_is_string(v))
			return false;
		*(const char **)out = json_string_value(v);
		return true;
	case MEMBER_TIME: return json_is_string(v) && clock_parse(json_string_value(v), out, NULL) == 0;
	case MEMBER_TOUCH:
		n = json_integer_value(v);
		*(int64_t *)out = n > 0 ? n : 0;
		return json_is_integer(v) && n > 0;
	case MEMBER_BOOL: *(bool *)out = json_is_true(v); return json_is_boolean(v);
	}
	return false;
}

/* A name's number; 0 when the member is absent. */
static uint32_t name_take(struct audit *a, const json_t *json, const char *member, struct names *names,
			  const struct line *l)
{
	const json_t *v = json_object_get(json, member);

	if (v && !json_is_string(v))
		tell(a, RULE_MEMBER, &l->place, "\"%s\" is no text", member);
	return json_is_string(v) ? names_put(names, json_string_value(v)) : 0;
}

/* "@domain" is a subject of its own, whose suppression is every address's there. */
static void domain_take(struct audit *a, uint32_t person)
{
	const char *address = names_text(&a->people, person), *at = strrchr(address, '@');

	if (!at || person_at(a, person)->domain)
		return;
	person_at(a, person)->domain = names_put(&a->words, at + 1);
	a->domains |= at == address;
}

static void needs_check(struct audit *a, const json_t *json, const struct line *l)
{
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		if (strcmp(needed[i].event, l->event) != 0)
			continue;
		for (const char *p = needed[i].needs; *p; p += strcspn(p, " "), p += *p == ' ') {
			char name[32];
			size_t n = strcspn(p, " ");

			memcpy(name, p, n);
			name[n] = '\0';
			if (!json_object_get(json, name))
				tell(a, RULE_MEMBER, &l->place, "%s without \"%s\"", l->event, name);
		}
	}
}

static void members_take(struct audit *a, const json_t *json, struct line *l)
{
	static const char *const word[] = { "no text", "no RFC 3339 time", "no number of a touch",
					    "neither true nor false" };

	l->timezone = l->consent = l->content = l->reason = l->status = l->resolution = l->policy = l->kind = "";
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const json_t *v = json_object_get(json, members[i].name);

		if (v && !member_take(v, members[i].type, (char *)l + members[i].at))
			tell(a, RULE_MEMBER, &l->place, "\"%s\" is %s", members[i].name, word[members[i].type]);
	}
	if (*l->kind && strcmp(l->kind, kind_name(KIND_VALUE)) != 0 && strcmp(l->kind, kind_name(KIND_ASK)) != 0)
		tell(a, RULE_MEMBER, &l->place, "\"kind\" is neither value nor ask");
	l->person = name_take(a, json, "contact", &a->people, l);
	if (l->person)
		domain_take(a, l->person);
	l->account = name_take(a, json, "account", &a->accounts, l);
	l->sequence = name_take(a, json, "sequence", &a->sequences, l);
	l->step = name_take(a, json, "step", &a->steps, l);
}

bool line_read(struct audit *a, const json_t *json, struct line *l)
{
	const json_t *ts = json_object_get(json, "ts"), *event = json_object_get(json, "event");

	if (!json_is_string(ts) || clock_parse(json_string_value(ts), &l->ts, NULL) != 0) {
		tell(a, RULE_MEMBER, &l->place, "\"ts\" is missing or no RFC 3339 time");
		return false;
	}
	if (!json_is_string(event)) {
		tell(a, RULE_MEMBER, &l->place, "\"event\" is missing or no text");
		return false;
	}
	l->event = json_string_value(event);
	members_take(a, json, l);
	needs_check(a, json, l);
	return true;
}
