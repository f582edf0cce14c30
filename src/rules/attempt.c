/* Policy: what a reply or a loss means (3-sending's outcome table; 9-precisions, Hard bounce).
 *
 * - Only replies that speak of the address make a hard bounce. Everything else that is refused for good stops the
 * enrollment and says nothing about the person: relays also refuse for policy, for the sender, for size.
 * - Before the dot is written nothing was delivered, whatever happens to the connection. Once it is written, only a
 * reply tells.
 */
#include <string.h>

#include "abv/attempt.h"

#define BIT(s) (1u << (s))

/* from -> permitted next states */
static const unsigned edge[TOUCH_STATE_COUNT] = {
	[TOUCH_DUE] = BIT(TOUCH_RESERVED),
	/* refusals come at RCPT too, before anything was handed; a dot cannot leave from here */
	[TOUCH_RESERVED] = BIT(TOUCH_HANDED) | BIT(TOUCH_DUE) | BIT(TOUCH_REFUSED_TEMP) | BIT(TOUCH_REFUSED_PERM),
	[TOUCH_HANDED] = BIT(TOUCH_ACCEPTED) | BIT(TOUCH_REFUSED_TEMP) | BIT(TOUCH_REFUSED_PERM) | BIT(TOUCH_UNKNOWN) |
			 BIT(TOUCH_DUE),
	[TOUCH_REFUSED_TEMP] = BIT(TOUCH_DUE) | BIT(TOUCH_RESERVED),
	[TOUCH_UNKNOWN] = BIT(TOUCH_ACCEPTED) | BIT(TOUCH_DUE) | BIT(TOUCH_DROPPED),
};

bool attempt_edge(enum touch_state from, enum touch_state to)
{
	return (unsigned)from < TOUCH_STATE_COUNT && (unsigned)to < TOUCH_STATE_COUNT && (edge[from] & BIT(to)) != 0;
}

static const char *const phase_row[] = { "connect", "tls", "auth", "greeting", "mail", "rcpt", "data", "body", "dot" };
static const char *const outcome_row[] = { "accepted",        "refused_temp", "bad_address", "refused_perm",
					   "refused_content", "not_sent",     "unknown" };
_Static_assert(sizeof phase_row / sizeof phase_row[0] == PHASE_DOT + 1, "a phase lacks its name");
_Static_assert(sizeof outcome_row / sizeof outcome_row[0] == OUTCOME_COUNT, "an outcome lacks its name");

const char *attempt_phase_name(enum attempt_phase p)
{
	return (unsigned)p <= PHASE_DOT ? phase_row[p] : "";
}

const char *outcome_name(enum outcome o)
{
	return (unsigned)o < OUTCOME_COUNT ? outcome_row[o] : "";
}

/* The address itself is bad: unknown, no longer there, ambiguous, disabled. 5.1.7 and 5.1.8 speak of the sender. */
static bool is_bad_address(int code, const char *status, bool rcpt_accepted_before)
{
	static const char *const bad[] = { "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (strcmp(status, bad[i]) == 0)
			return true;
	/* Without an enhanced code the same replies also mean "not through me": they count only where the relay takes
	 * our mail. */
	return *status == '\0' && rcpt_accepted_before && (code == 550 || code == 551 || code == 553);
}

enum outcome attempt_outcome(enum attempt_phase phase, int code, const char *status, bool rcpt_accepted_before)
{
	int class = code / 100;
	switch (phase) {
	case PHASE_RCPT:
		if (code == 421 || class < 4 || class > 5)
			return OUTCOME_NOT_SENT;
		if (class == 4)
			return OUTCOME_REFUSED_TEMP;
		return is_bad_address(code, status, rcpt_accepted_before) ? OUTCOME_BAD_ADDRESS : OUTCOME_REFUSED_PERM;
	case PHASE_DOT:
		if (class == 2)
			return OUTCOME_ACCEPTED;
		if (class == 4)
			return OUTCOME_REFUSED_TEMP; /* 421 too: it answers the dot, so the message was not taken */
		return class == 5 ? OUTCOME_REFUSED_CONTENT : OUTCOME_UNKNOWN;
	case PHASE_DATA: return class == 5 ? OUTCOME_REFUSED_CONTENT : OUTCOME_NOT_SENT;
	case PHASE_MAIL: /* too large by its SIZE (RFC 1870): it will be too large next time; all else is the relay's or
			    the sender's */
		return code == 552 || strcmp(status, "5.3.4") == 0 ? OUTCOME_REFUSED_CONTENT : OUTCOME_NOT_SENT;
	case PHASE_CONNECT:
	case PHASE_TLS:
	case PHASE_AUTH:
	case PHASE_GREETING:
	case PHASE_BODY: break;
	}
	return OUTCOME_NOT_SENT;
}

enum touch_state attempt_state(enum outcome o)
{
	switch (o) {
	case OUTCOME_ACCEPTED: return TOUCH_ACCEPTED;
	case OUTCOME_REFUSED_TEMP: return TOUCH_REFUSED_TEMP;
	case OUTCOME_BAD_ADDRESS:
	case OUTCOME_REFUSED_PERM:
	case OUTCOME_REFUSED_CONTENT: return TOUCH_REFUSED_PERM;
	case OUTCOME_UNKNOWN: return TOUCH_UNKNOWN;
	case OUTCOME_NOT_SENT:
	case OUTCOME_COUNT: break;
	}
	return TOUCH_DUE;
}

int64_t attempt_retry_at(int64_t now, int attempts)
{
	int64_t wait = 5 * CLOCK_MINUTE;
	for (int i = 1; i < attempts && wait < 4 * CLOCK_HOUR; i++)
		wait *= 2;
	return now + (wait < 4 * CLOCK_HOUR ? wait : 4 * CLOCK_HOUR);
}

bool attempt_retry_over(int64_t now, int64_t first_at, int attempts, int64_t retry_for)
{
	return attempts >= 3 && now - first_at >= retry_for;
}

/* class "." subject "." detail; 1 to 3 digits each behind the class, then a space or the end (RFC 3463 §2) */
int attempt_status_parse(const char *text, char out[16])
{
	int n = 0;
	if (*text != '2' && *text != '4' && *text != '5')
		return 0;
	n = 1;
	for (int part = 0; part < 2; part++) {
		int digits = 0;
		if (text[n++] != '.')
			return 0;
		while (text[n] >= '0' && text[n] <= '9') {
			n++;
			if (++digits > 3)
				return 0;
		}
		if (digits == 0)
			return 0;
	}
	if (text[n] != '\0' && text[n] != ' ' && text[n] != '\t')
		return 0;
	memcpy(out, text, (size_t)n);
	out[n] = '\0';
	return n;
}
