/* What goes on the wire, and what must not: a message or an address that could be read as something else is refused
 * before the first byte of it leaves (CVE-2023-51764: a bare CR or LF ends a message for some servers and not for
 * others). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sender_int.h"

#define TEXT_LINE_MAX 998 /* RFC 5322 §2.1.1, without CRLF */

/* ---- EHLO (RFC 5321 §4.1.1.1) ---- */

static bool is_keyword(const char *line, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && strncasecmp(line, word, len) == 0 && (n == len || line[len] == ' ');
}

void wire_capabilities(const char *text, struct smtp_can *out)
{
	*out = (struct smtp_can){ 0 };
	for (size_t n; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		out->pipelining |= is_keyword(text, n, "PIPELINING");
		out->eightbit |= is_keyword(text, n, "8BITMIME");
		out->smtputf8 |= is_keyword(text, n, "SMTPUTF8");
		out->dsn |= is_keyword(text, n, "DSN");
		if (is_keyword(text, n, "SIZE")) {
			out->size = true;
			out->size_max = n > 5 ? strtoll(text + 5, NULL, 10) : 0;
		}
	}
}

/* ---- what may leave ---- */

static bool is_eight_bit(const char *p, size_t n)
{
	uint64_t all = 0, word;

	for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
		memcpy(&word, p, sizeof word);
		all |= word;
	}
	for (; n; n--)
		all |= (unsigned char)*p++;
	return (all & UINT64_C(0x8080808080808080)) != 0;
}

/* NULL, or what is wrong. Tells on the way whether a line begins with a dot. */
static const char *data_fault(const char *p, size_t n, bool *dotted)
{
	const char *end = p + n, *nl;

	*dotted = false;
	if (n < 2 || end[-1] != '\n')
		return "the message does not end with CRLF";
	if (memchr(p, '\0', n))
		return "the message contains a NUL";
	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == p || nl[-1] != '\r')
			return "the message contains a bare LF";
		if (memchr(p, '\r', (size_t)(nl - p) - 1))
			return "the message contains a bare CR";
		if (nl - p - 1 > TEXT_LINE_MAX)
			return "the message has a line of more than 998 bytes";
		*dotted |= *p == '.';
	}
	return NULL;
}

static const char *address_fault(const char *a, bool utf8)
{
	if (!*a)
		return "an envelope address is empty";
	if (!memchr(a, '\0', MAILADDR_MAX))
		return "an envelope address is too long";
	for (; *a; a++) {
		unsigned char c = (unsigned char)*a;

		if (c <= ' ' || c == '<' || c == '>' || c == 0x7f)
			return "an envelope address contains a space, a control character or an angle bracket";
		if (c >= 0x80 && !utf8)
			return "an envelope address is not ASCII, but the message does not ask for SMTPUTF8";
	}
	return NULL;
}

static bool refuse(struct wire_refusal *why, enum outcome o, const char *status, const char *text)
{
	why->outcome = o;
	why->status = status;
	snprintf(why->text, sizeof why->text, "not sent to the relay: %s", text);
	return false;
}

bool wire_may_leave(const struct message *m, const struct smtp_can *can, bool *dotted, struct wire_refusal *why)
{
	char text[128];
	const char *fault = address_fault(m->envelope_from, m->smtputf8);

	if (!fault)
		fault = address_fault(m->envelope_to, m->smtputf8);
	if (fault)
		return refuse(why, OUTCOME_REFUSED_PERM, "5.1.3", fault);
	if (m->smtputf8 && !can->smtputf8)
		return refuse(why, OUTCOME_REFUSED_PERM, "5.6.7",
			      "an address needs SMTPUTF8, which the relay does not offer");
	fault = data_fault(m->data, m->size, dotted);
	if (!fault && !m->smtputf8 && is_eight_bit(m->data, m->size))
		fault = "the message is not 7-bit";
	if (fault)
		return refuse(why, OUTCOME_REFUSED_CONTENT, "5.6.0", fault);
	if (can->size_max > 0 && m->size > (uint64_t)can->size_max) {
		snprintf(text, sizeof text, "the message has %zu bytes, the relay takes %lld", m->size,
			 (long long)can->size_max);
		return refuse(why, OUTCOME_REFUSED_CONTENT, "5.3.4", text);
	}
	return true;
}

/* ---- commands ---- */

static char *put(char *to, const char *text)
{
	return stpcpy(to, text);
}

/* MAIL with SIZE (RFC 1870), SMTPUTF8 (RFC 6531) and DSN (RFC 3461) where they are offered. */
size_t wire_mail(const struct delivery_job *job, const struct smtp_can *can, char out[WIRE_COMMAND_MAX])
{
	const struct message *m = job->message;
	char *p = put(put(put(out, "MAIL FROM:<"), m->envelope_from), ">");

	if (can->size)
		p += sprintf(p, " SIZE=%zu", m->size);
	if (m->smtputf8)
		p = put(p, can->eightbit ? " BODY=8BITMIME SMTPUTF8" : " SMTPUTF8");
	if (can->dsn)
		p = put(p, " RET=HDRS");
	if (can->dsn && job->touch_id > 0)
		p += sprintf(p, " ENVID=%lld", (long long)job->touch_id);
	return (size_t)(put(p, "\r\n") - out);
}

size_t wire_rcpt(const struct delivery_job *job, const struct smtp_can *can, char out[WIRE_COMMAND_MAX])
{
	char *p = put(put(put(out, "RCPT TO:<"), job->message->envelope_to), ">");

	if (can->dsn)
		p = put(p, " NOTIFY=FAILURE,DELAY");
	return (size_t)(put(p, "\r\n") - out);
}

/* The one copy of the body: into the connection's queue, with a dot more before each line that begins with one (RFC
 * 5321 §4.5.2). */
int64_t wire_body(struct netconn *c, const struct message *m, bool dotted)
{
	const char *p = m->data, *end = p + m->size, *from = p;

	for (; dotted && p < end; p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1) {
		if (*p != '.')
			continue;
		netconn_send(c, from, (size_t)(p - from));
		netconn_send(c, ".", 1);
		from = p;
	}
	return netconn_send(c, from, (size_t)(end - from));
}
