/* L2. The states of an attempt and what a reply or a loss means for it (3-sending's outcome table, 9-precisions). Pure. */
#ifndef ABV_ATTEMPT_H
#define ABV_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "abv/model.h"

/* Permitted edges only; any other is a programming error that the store refuses. */
bool attempt_edge(enum touch_state from, enum touch_state to);

/* Where in the dialogue a reply or a loss happened. */
enum attempt_phase {
	PHASE_CONNECT, PHASE_TLS, PHASE_AUTH, PHASE_GREETING, /* before any message */
	PHASE_MAIL, PHASE_RCPT, PHASE_DATA,
	PHASE_BODY,  /* 354 read; dot not written */
	PHASE_DOT    /* dot written */
};
const char *attempt_phase_name(enum attempt_phase p);

/* What the scheduler is told about one message. */
enum outcome {
	OUTCOME_ACCEPTED,      /* 2yz after the dot */
	OUTCOME_REFUSED_TEMP,  /* 4yz to RCPT or after the dot: same touch, later */
	OUTCOME_BAD_ADDRESS,   /* hard bounce: the address is bad, suppress */
	OUTCOME_REFUSED_PERM,  /* RCPT refused, not for the address: the enrollment stops */
	OUTCOME_REFUSED_CONTENT, /* 5yz after the dot, policy, size: the enrollment stops with its reason, no suppression */
	OUTCOME_NOT_SENT,      /* nothing was delivered: due again; the relay backs off, not the contact */
	OUTCOME_UNKNOWN,       /* dot written, no reply read */
	OUTCOME_COUNT
};
const char *outcome_name(enum outcome o);

/* code: SMTP reply code, 0 for a loss (close, RST, timeout). status: enhanced status code ("5.1.1"; "" none).
 * rcpt_accepted_before: this connection has accepted a RCPT (9-precisions: codes without enhanced status). */
enum outcome attempt_outcome(enum attempt_phase phase, int code, const char *status, bool rcpt_accepted_before);

/* The touch's next state for an outcome. NOT_SENT -> TOUCH_DUE. */
enum touch_state attempt_state(enum outcome o);

/* When a refused_temp touch is tried again: 5 min x 2^n, at most 4 h. attempts >= 1. */
int64_t attempt_retry_at(int64_t now, int attempts);
/* Given up: retry_for is over since the first attempt and at least three were made. */
bool attempt_retry_over(int64_t now, int64_t first_at, int attempts, int64_t retry_for);

/* An enhanced status code (RFC 3463) at the start of a reply's text: length, or 0. Copied to out (max 15 bytes). */
int attempt_status_parse(const char *text, char out[16]);

#endif
