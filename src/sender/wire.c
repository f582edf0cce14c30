/* What goes on the wire, and what must not: a message or an address that could be read as something else is refused
 * before the first byte of it leaves (CVE-2023-51764: a bare CR or LF ends a message for some servers and not for
 * others). */
#include <stdint.h>
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

#define BLOCK 16
typedef unsigned char block __attribute__((vector_size(BLOCK)));

static bool any(block b)
{
	uint64_t half[2];

	memcpy(half, &b, sizeof half);
	return (half[0] | half[1]) != 0;
}

/* A newline in each 1,000 bytes: the lines that end in them, and begin there, are as short. */
static bool lines_are_short(const char *p, const char *end)
{
	while (p < end) {
		const char *nl = memrchr(p, '\n', end - p < TEXT_LINE_MAX + 2 ? (size_t)(end - p) : TEXT_LINE_MAX + 2);

		if (!nl)
			return false;
		p = nl + 1;
	}
	return true;
}

/* All is well with the data: a CR before each LF and nowhere else, no NUL, no line too long. Sixteen bytes and their successors at a time,
 * because every message passes here; what is wrong with one is data_fault's to say. */
static bool data_is_fit(const char *p, size_t n, bool *dotted, bool *eight_bit)
{
	block bad = { 0 }, dot = { 0 }, high = { 0 };
	bool odd, dots;
	size_t i = 0;

	if (n < 2 || p[0] == '\n' || p[n - 1] != '\n')
		return false;
	odd = false;
	dots = p[0] == '.';
	for (; i + BLOCK < n; i += BLOCK) {
		block b, next;

		memcpy(&b, p + i, sizeof b);
		memcpy(&next, p + i + 1, sizeof next);
		bad |= (block)(b == 0) | (block)((b == '\r') ^ (next == '\n'));
		dot |= (block)((b == '\n') & (next == '.'));
		high |= b & 0x80;
	}
	*eight_bit = any(high);
	for (; i + 1 < n; i++) {
		odd |= p[i] == '\0' || (p[i] == '\r') != (p[i + 1] == '\n');
		dots |= p[i] == '\n' && p[i + 1] == '.';
		*eight_bit |= (unsigned char)p[i] >= 0x80;
	}
	*dotted = dots || any(dot);
	return !odd && !any(bad) && lines_are_short(p, p + n);
}

/* What is wrong. */
static const char *data_fault(const char *p, size_t n)
{
	const char *end = p + n, *nl;

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
			break;
	}
	return "the message has a line of more than 998 bytes";
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
	bool eight_bit = false;
	const char *fault = address_fault(m->envelope_from, m->smtputf8);

	if (!fault)
		fault = address_fault(m->envelope_to, m->smtputf8);
	if (fault)
		return refuse(why, OUTCOME_REFUSED_PERM, "5.1.3", fault);
	if (m->smtputf8 && !can->smtputf8)
		return refuse(why, OUTCOME_REFUSED_PERM, "5.6.7",
			      "an address needs SMTPUTF8, which the relay does not offer");
	if (!data_is_fit(m->data, m->size, dotted, &eight_bit))
		fault = data_fault(m->data, m->size);
	else if (!m->smtputf8 && eight_bit)
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
