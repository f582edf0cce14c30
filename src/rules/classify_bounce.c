/* Bounces in the mail systems' own forms. A person's message is never one: the null return path or the sender's name
 * must be a mail system's, and the text must be in a family's form, or say in words or by an SMTP reply that something
 * failed, of an address that is neither the report's sender nor its reader. */
#include <string.h>
#include <strings.h>

#include "classify_int.h"

/* ---- patterns ---- */

static const char *spaces(const char *s, const char *end)
{
	while (s < end && *s == ' ')
		s++;
	return s;
}

struct match {
	const char *begin, *end; /* of the line */
	char *address;
};

static bool match_from(const struct match *m, const char *p, const char *s);

/* Within a word that an address could have begun with there is none. */
static bool is_within_word(const struct match *m, const char *s)
{
	return s > m->begin && (unsigned char)s[-1] > ' ' && !strchr("<>()[],;:\"=/'", s[-1]) &&
	       text_wide_mark_before(m->begin, s) == 0;
}

static bool match_address(const struct match *m, const char *p, const char *s)
{
	const char *behind;

	return !is_within_word(m, s) && address_at(s, (size_t)(m->end - s), m->address, &behind) &&
	       match_from(m, p, behind);
}

static bool match_anything(const struct match *m, const char *p, const char *s)
{
	if (*p == '\0')
		return true;
	for (; s <= m->end; s++) {
		if (*p != '%' && *p != ' ' && *p != '$' && (s == m->end || *s != *p))
			continue;
		if (p[0] == '%' && p[1] == 'a' && is_within_word(m, s))
			continue;
		if (match_from(m, p, s))
			return true;
	}
	return false;
}

static bool match_from(const struct match *m, const char *p, const char *s)
{
	for (; *p != '\0'; p++) {
		if (p[0] == '%' && p[1] == 'a')
			return match_address(m, p + 2, s);
		if (p[0] == '%' && p[1] == '*')
			return match_anything(m, p + 2, s);
		if (*p == ' ')
			s = spaces(s, m->end);
		else if (*p == '$')
			return spaces(s, m->end) == m->end;
		else if (s == m->end || *s++ != *p)
			return false;
	}
	return true;
}

#define LINE_MOST 1000 /* several %* on a long line cost */

bool line_match(const char *pattern, const char *line, size_t n, char address[256])
{
	struct match m = { line, line + (n < LINE_MOST ? n : LINE_MOST), address };

	address[0] = '\0';
	return match_from(&m, pattern, line);
}

/* ---- recipients ---- */

struct found {
	char address[256];
	size_t at; /* of its line in the view; where its own text begins */
};

struct search {
	const struct view *v;
	struct found found[BOUNCES_MAX];
	int n;
	bool others_only; /* not the report's own sender and reader */
};

static bool is_known(const struct search *s, const char *address)
{
	for (int i = 0; i < s->n; i++)
		if (!strcmp(s->found[i].address, address))
			return true;
	if (!s->others_only)
		return false;
	for (size_t i = 0; i < s->v->m->recipient_n; i++)
		if (!strcmp(s->v->m->recipient[i], address))
			return true;
	return !strcmp(s->v->m->from, address) || !strncmp(address, "postmaster@", 11) ||
	       !strncmp(address, "mailer-daemon@", 14) || !strncmp(address, "abuse@", 6) ||
	       !strncmp(address, "support@", 8);
}

static void found_add(struct search *s, const char *address, size_t at)
{
	if (*address == '\0' || s->n == BOUNCES_MAX || is_known(s, address))
		return;
	text_put(s->found[s->n].address, sizeof s->found[s->n].address, address);
	s->found[s->n++].at = at;
}

static void lines_search(struct search *s, const char *pattern)
{
	const struct view *v = s->v;
	char address[256];

	for (size_t at = 0; at < v->own;) {
		const char *lf = memchr(v->text + at, '\n', v->own - at);
		size_t len = lf ? (size_t)(lf - v->text) - at : v->own - at;

		if (memchr(v->text + at, '@', len) && line_match(pattern, v->text + at, len, address))
			found_add(s, address, at);
		at += len + 1;
	}
}

static void patterns_search(struct search *s, const char *const *pattern)
{
	for (size_t i = 0; i < LIST_MAX && pattern[i] && s->n == 0; i++)
		lines_search(s, pattern[i]);
}

/* A header with the recipients: their own text begins where they are first named. */
static void field_search(struct search *s, const char *name)
{
	const struct mail *m = s->v->m;
	char address[256];

	for (size_t i = 0; i < m->part[0].header_n; i++) {
		const char *raw = m->header[i].raw, *end = raw + strlen(raw);

		if (strcmp(m->header[i].name, name) != 0)
			continue;
		while (address_find(raw, (size_t)(end - raw), address, &raw)) {
			const char *at = text_find(s->v->text, s->v->own, address);

			found_add(s, address, at ? (size_t)(at - s->v->text) : 0);
		}
	}
}

/* ---- diagnosis ---- */

struct diagnosis {
	char text[4096];
	size_t n;
};

static void diagnosis_add(struct diagnosis *d, const char *s, size_t n)
{
	size_t room = sizeof d->text - d->n;

	if (room < 2)
		return;
	n = n < room - 1 ? n : room - 1;
	memcpy(d->text + d->n, s, n);
	d->n += n;
	d->text[d->n++] = ' ';
}

/* What the other lines behind `from` say in which the address is named (a transcript behind the list). */
static void mentions_add(const struct view *v, size_t from, const char *address, struct diagnosis *d)
{
	while (from < v->own && d->n < sizeof d->text / 2) {
		const char *p = text_find(v->flat + from, v->own - from, address);
		const char *lf;

		if (!p)
			return;
		from = (size_t)(p - v->flat);
		lf = memchr(v->text + from, '\n', v->own - from);
		diagnosis_add(d, p, lf ? (size_t)(lf - v->text) - from : v->own - from);
		from += strlen(address);
	}
}

/* The recipient's own text: to where the next one is named; of the only one, everything. */
static void diagnosis_make(const struct search *s, int index, struct diagnosis *d)
{
	const struct view *v = s->v;
	size_t at = s->found[index].at, end = v->own;

	d->n = 0;
	if (s->n == 1) {
		diagnosis_add(d, v->flat + at, v->own - at);
		diagnosis_add(d, v->flat, at);
		return;
	}
	for (int i = 0; i < s->n; i++)
		if (s->found[i].at > at && s->found[i].at < end)
			end = s->found[i].at;
	mentions_add(v, at + 1, s->found[index].address, d);
	diagnosis_add(d, v->flat + at, end - at);
}

/* ---- what kind of notice ---- */

static bool is_warning(const struct view *v)
{
	/* clang-format off */
	static const char *const says[] = {
		"this is a warning message only", "this is a warning only", "has not yet been delivered",
		"delivery attempts will continue", "do not need to resend", "will be retried for",
		"will keep trying", "will continue to try", "delivery to the following recipient has been delayed",
		"delivery to the following recipients has been delayed",
		"attempts to deliver the message will continue", "this is only a warning", "still being retried",
		"not been delivered yet", "delivery is delayed to these", "there is no need to resend"
	};
	static const char *const subject[] = {
		"delayed", "(delay)", "warning: message", "warning: could not send", "delivery delay",
		"still being retried"
	};
	/* clang-format on */
	bool warned = false;

	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
		warned = warned || view_says(v, says[i]);
	for (size_t i = 0; i < sizeof subject / sizeof subject[0]; i++)
		warned = warned || strstr(v->subject, subject[i]);
	return warned && !strstr(v->subject, "fail") && !strstr(v->subject, "undeliver") &&
	       !strstr(v->subject, "returned");
}

static void bounces_fill(const struct search *s, const struct family *f, struct classified *out)
{
	bool warning = is_warning(s->v);

	for (int i = 0; i < s->n; i++) {
		struct bounce *b = &out->bounce[out->bounce_n++];
		struct diagnosis d;

		*b = (struct bounce){ 0 };
		text_put(b->recipient, sizeof b->recipient, s->found[i].address);
		text_put(b->action, sizeof b->action, warning ? "delayed" : "failed");
		diagnosis_make(s, i, &d);
		bounce_judge(b, d.text, d.n);
		if (*b->reason == '\0' && f->reason)
			text_put(b->reason, sizeof b->reason, f->reason);
		b->permanent = b->permanent && !warning;
	}
	out->class = warning ? CLASS_NOTICE : CLASS_BOUNCE;
	text_put(out->by, sizeof out->by, f->name);
	returned_find(s->v, out);
}

/* ---- recognition ---- */

static bool any_in(const char *s, const char *const *list)
{
	for (size_t i = 0; i < LIST_MAX && list[i]; i++)
		if (strstr(s, list[i]))
			return true;
	return list[0] == NULL;
}

static bool family_is(const struct family *f, const struct view *v)
{
	return any_in(v->from, f->from) && any_in(v->subject, f->subject) &&
	       (!f->header || mail_get(v->m, f->header)) && (!f->phrase[0] || view_says_any(v, f->phrase));
}

static bool is_answering(const struct view *v)
{
	return text_begins(v->subject, "re:") || text_begins(v->subject, "aw:") || text_begins(v->subject, "sv:");
}

/* Does it carry what it is about? */
static bool returns_message(const struct view *v)
{
	if (v->own < v->n)
		return true;
	for (size_t i = 1; i < v->m->part_n; i++)
		if (!strncmp(v->m->part[i].type, "message/", 8) || !strcmp(v->m->part[i].type, "text/rfc822-headers"))
			return true;
	return false;
}

static bool through_list(const struct mail *m)
{
	return mail_get(m, "list-id") || mail_get(m, "list-post") || mail_get(m, "mailing-list") ||
	       mail_get(m, "x-mailman-version");
}

static bool ends_so(const char *name, const char *const *end)
{
	size_t n = strlen(name);

	for (; *end; end++)
		if (n > strlen(*end) && !strcasecmp(name + n - strlen(*end), *end))
			return true;
	return false;
}

/* Worms and forms for passwords attach themselves; mail systems attach nothing but the message, which may be a page. */
static bool is_armed(const struct view *v)
{
	static const char *const program[] = { ".zip", ".exe", ".pif", ".scr", ".com", ".bat", ".cmd",
					       ".js",  ".vbs", ".iso", ".rar", ".lnk", NULL };
	static const char *const page[] = { ".html", ".htm", ".shtml", NULL };
	const struct mail *m = v->m;

	for (size_t i = 0; i < m->part_n; i++)
		if (!is_inside_message(m, i) &&
		    (ends_so(m->part[i].name, program) || (ends_so(m->part[i].name, page) && !returns_message(v))))
			return true;
	return false;
}

static bool has_link(const struct view *v)
{
	for (size_t i = 0; i < v->m->part_n; i++)
		if (!strcmp(v->m->part[i].type, "text/html") && text_contains(v->m->part[i].text, "href="))
			return true;
	return view_says(v, "http");
}

/* Bait: mail systems report, they do not offer to release messages or to keep an account alive. */
static bool is_bait(const struct view *v)
{
	/* clang-format off */
	static const char *const says[] = {
		"pending messages", "pending message", "messages pending", "release message",
		"release these messages", "release the message", "retrieve your message", "recover messages",
		"undelivered messages", "undelivered mails", "clustered mails", "your mailbox will",
		"verify your account", "validate your", "revalidate", "re-validate", "upgrade your mailbox",
		"upgrade your account", "confirm your account", "confirm your password", "keep your password",
		"keep same password", "password expir", "your password", "mails on hold", "messages on hold",
		"review messages", "allow messages"
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
		if (view_says(v, says[i]) || strstr(v->subject, says[i]))
			return has_link(v);
	return false;
}

/* Sent by a mail system, as far as can be seen: with the null return path; or, where that is not known or a system's
 * own address, by its name. */
static bool by_system(const struct view *v)
{
	const struct mail *m = v->m;

	if (v->null_path)
		return true;
	if (through_list(m) || (m->has_return_path && !returns_message(v)))
		return false;
	return v->daemon || mail_get(m, "x-failed-recipients") || !strcmp(m->part[0].type, "multipart/report");
}

static bool from_nobody(const struct view *v)
{
	return text_begins(v->m->from, "no-reply@") || text_begins(v->m->from, "noreply@") ||
	       text_begins(v->m->from, "donotreply@");
}

/* No family, but a mail system speaks of a failure. */
static const struct family unknown_family = {
	.name = "text",
	.recipient = { "%a: %*", "%*recipient%*: %a%*", "to: %a%*", "%a$", "%*deliver%* to %a%*", "%*mailbox%* %a%*",
		       "%*%a%*" },
};

static bool speaks_of_failure(const struct view *v)
{
	char status[16];

	return is_like_bounce(v) || status_find(v->flat, v->own, status) || reply_find(v->flat, v->own) > 0 ||
	       phrase_reason(v->flat, v->own) != NULL;
}

static bool recipients_find(struct search *s, const struct family *f)
{
	char address[256];

	if (f->field)
		field_search(s, f->field);
	patterns_search(s, f->recipient);
	if (s->n == 0 && f != &unknown_family) {
		s->others_only = true;
		patterns_search(s, unknown_family.recipient);
	}
	if (s->n == 0 && returned_recipient(s->v, address)) {
		s->others_only = false;
		found_add(s, address, 0);
	}
	return s->n > 0;
}

/* Absence notes have the null return path too (RFC 3834), name colleagues, and say "no longer with us": what has a
 * person's name and another subject is none of ours. */
static bool is_personal(const struct view *v)
{
	return !v->daemon && !is_like_bounce(v) && !from_nobody(v) && !mail_get(v->m, "x-failed-recipients");
}

/* What a scanner found in somebody's mail is no refusal of ours. */
static bool is_virus_alert(const struct view *v)
{
	return strstr(v->subject, "virus") || strstr(v->subject, "infected") || strstr(v->subject, "quarantine");
}

/* A bounce's subject or nobody's address, no answer and no list mail: then a family's own phrase decides. */
static bool by_look(const struct view *v)
{
	return (is_like_bounce(v) || from_nobody(v)) && !is_answering(v) && !through_list(v->m) &&
	       (!v->m->has_return_path || returns_message(v));
}

static bool is_ses_delivery(const struct view *v)
{
	return strstr(v->from, "amazonaws.com") && view_says(v, "notificationtype") && !view_says(v, "bouncetype");
}

/* Success without a report that says so in fields. */
static bool is_success(const struct view *v)
{
	/* clang-format off */
	static const char *const subject[] = {
		"successful mail delivery", "delivery has been successful", "successfully delivered",
		"successfully relayed", "mail delivery status report", "delivery report (success)",
		"delivery status notification (success)"
	};
	static const char *const says[] = {
		"was successfully delivered", "has been successfully delivered", "was successfully relayed",
		"successfully relayed to", "enclosed is the mail delivery report that you requested",
		"\"notificationtype\":\"delivery\"", "notificationtype\\\":\\\"delivery"
	};
	/* clang-format on */
	bool success = false;

	for (size_t i = 0; i < sizeof subject / sizeof subject[0]; i++)
		success = success || strstr(v->subject, subject[i]);
	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
		success = success || view_says(v, says[i]);
	return success;
}

bool bounce_other(const struct view *v, struct classified *out)
{
	struct search s = { .v = v };
	bool system = by_system(v), look = system || by_look(v);

	if (is_bait(v) || is_armed(v) || is_personal(v))
		return false;
	if ((system || is_ses_delivery(v)) && is_success(v)) {
		out->class = CLASS_NOTICE;
		text_put(out->by, sizeof out->by, "success");
		returned_find(v, out);
		return true;
	}
	for (size_t i = 0; i < families_n; i++) {
		const struct family *f = &families[i];

		if (!(f->any_path || system || (look && f->phrase[0])) || !family_is(f, v))
			continue;
		if (!recipients_find(&s, f))
			continue;
		bounces_fill(&s, f, out);
		return true;
	}
	if (!system || is_answering(v) || is_virus_alert(v) || !speaks_of_failure(v))
		return false;
	s.others_only = true;
	if (!recipients_find(&s, &unknown_family) && !is_like_bounce(v))
		return false;
	bounces_fill(&s, &unknown_family, out);
	return true;
}
