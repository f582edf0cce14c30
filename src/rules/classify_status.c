/* What a refusal means. The status code is believed where it says something: the address's and the domain's own codes
 * (9-precisions) make it permanent, unless the text beside it speaks of a full mailbox or of too much mail. Codes that
 * say nothing (x.0.0, 5.3.0, 5.5.0, none) leave it to the text. What only the text tells is permanent for unknown users
 * and hosts, moved and disabled mailboxes, and never for a code of class 4. */
#include <stdio.h>
#include <string.h>

#include "classify_int.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits(const char *s, const char *end)
{
	size_t n = 0;

	while (s + n < end && n < 4 && is_digit(s[n]))
		n++;
	return n;
}

/* The length of an enhanced code at s, 0: none. An address of four numbers is none. */
static size_t code_length(const char *s, const char *end)
{
	size_t subject, detail, n;

	if (end - s < 5 || !strchr("245", *s) || s[1] != '.')
		return 0;
	subject = digits(s + 2, end);
	if (subject < 1 || subject > 3 || s + 2 + subject >= end || s[2 + subject] != '.')
		return 0;
	detail = digits(s + 3 + subject, end);
	n = 3 + subject + detail;
	if (detail < 1 || detail > 3)
		return 0;
	if (s + n < end && (is_digit(s[n]) || (s[n] == '.' && s + n + 1 < end && is_digit(s[n + 1]))))
		return 0;
	return n;
}

/* x.0.0 and the catch-alls of old systems: the text knows better. */
static bool is_vague(const char *status)
{
	/* clang-format off */
	static const char *const vague[] = {
		".0.0", ".1.0", ".2.0", ".3.0", ".5.0", ".5.1", ".5.2", ".5.4", ".4.0", ".6.0"
	};
	/* clang-format on */

	if (*status == '\0')
		return true;
	for (size_t i = 0; i < sizeof vague / sizeof vague[0]; i++)
		if (!strcmp(status + 1, vague[i]))
			return true;
	return false;
}

bool status_find(const char *s, size_t n, char out[16])
{
	const char *end = s + n;

	out[0] = '\0';
	for (const char *p = s; p < end; p++) {
		size_t len;

		if (!strchr("45", *p) || (p > s && (is_digit(p[-1]) || p[-1] == '.' || (p[-1] >= 'a' && p[-1] <= 'z'))))
			continue;
		len = code_length(p, end);
		if (len == 0 || (*out != '\0' && strncmp(p + 1, ".0.0", 4) == 0))
			continue;
		text_set(out, 16, p, len);
		if (!is_vague(out))
			return true;
		p += len - 1;
	}
	return *out != '\0';
}

int reply_find(const char *s, size_t n)
{
	const char *end = s + n;

	for (const char *p = s; p + 3 <= end; p++) {
		bool before = p == s || strchr(" \n:(<[\"'-#,=", p[-1]);
		bool behind = p + 3 == end || strchr(" \n-:)>]\"',.#", p[3]);

		if (!before || !behind || !strchr("45", *p) || !is_digit(p[1]) || !is_digit(p[2]) || p[1] > '7')
			continue;
		if (p + 4 < end && (p[3] == '.' || p[3] == ',' || p[3] == ':') && is_digit(p[4]))
			continue;
		if (p > s + 1 && p[-1] == '-' && is_digit(p[-2]))
			continue;
		return (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
	}
	return 0;
}

static bool is_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(s, list[i]))
			return true;
	return false;
}

static bool is_hard(const char *status)
{
	static const char *const hard[] = { "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1" };

	return is_one_of(status, hard, sizeof hard / sizeof hard[0]);
}

/* inner: the code in the text beside, "" none. Sendmail calls every refused RCPT 5.1.1 and quotes "550 5.7.1 blocked"
 * below: nobody is suppressed on such a word. */
static bool is_permanent(const char *status, const char *inner, const char *reason, int code)
{
	static const char *const bad[] = { "user_unknown", "host_unknown", "no_mail", "disabled", "moved" };
	static const char *const against[] = { "mailbox_full", "rate", "blocked", "spam", "auth" };

	if (is_hard(status))
		return !is_one_of(reason, against, sizeof against / sizeof against[0]) &&
		       (is_vague(inner) || is_hard(inner));
	if (*status == '4' || (code >= 400 && code < 500 && *status != '5'))
		return false;
	if (!strncmp(status, "5.4.4", 5)) /* "unable to route": of a name that does not exist it is for ever */
		return !strcmp(reason, "host_unknown") || !strcmp(reason, "no_mail");
	return is_vague(status) && is_one_of(reason, bad, sizeof bad / sizeof bad[0]);
}

/* Refused before a recipient was named: the words are about the sender or the connection. */
static bool is_about_sender(const char *s, size_t n)
{
	static const char *const phase[] = { "after mail from", "reply to mail from", "after initial connection",
					     "after helo",      "after ehlo",         "reply to helo",
					     "reply to ehlo",   "our mail from" };

	for (size_t i = 0; i < sizeof phase / sizeof phase[0]; i++)
		if (text_find(s, n, phase[i]))
			return true;
	return false;
}

/* Codes say what was refused, the text rather why: the text's word stands, but not against a code of the address. */
static const char *reason_choose(const char *status, const char *said)
{
	const char *coded = status_reason(status);

	if (!said)
		return coded ? coded : "";
	if (coded && (!strncmp(status, "5.1.", 4) || !strncmp(status, "5.2.", 4)) &&
	    strcmp(said, "mailbox_full") != 0 && strcmp(said, "rate") != 0 && strcmp(said, "disabled") != 0 &&
	    strcmp(said, "moved") != 0)
		return coded;
	return said;
}

void bounce_judge(struct bounce *b, const char *diagnosis, size_t n)
{
	char found[16] = "";
	const char *said = phrase_reason(diagnosis, n), *reason;
	bool sender = is_about_sender(diagnosis, n);
	int code = reply_find(diagnosis, n);

	(void)status_find(diagnosis, n, found);
	if (is_vague(b->status) && *found != '\0' && (*b->status == '\0' || !is_vague(found)))
		text_put(b->status, sizeof b->status, found);
	if (sender && said && (!strcmp(said, "user_unknown") || !strcmp(said, "host_unknown")))
		said = "rejected";
	reason = reason_choose(b->status, said);
	if (*b->status == '\0' && code == 0)
		text_put(b->status, sizeof b->status, reason_status(reason));
	if (*b->status == '\0' && code >= 500 && *reason_status(reason) == '5')
		text_put(b->status, sizeof b->status, reason_status(reason));
	if (*b->status == '\0' && code > 0)
		text_put(b->status, sizeof b->status, code < 500 ? "4.0.0" : "5.0.0");
	b->permanent = is_permanent(b->status, found, reason, code) && !sender;
	if (*reason != '\0' || *b->reason == '\0')
		text_put(b->reason, sizeof b->reason, reason);
}
