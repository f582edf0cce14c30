/* abvctl, private: asking the daemon (src/web/PROTOCOL.md). */
#ifndef CTL_CLIENT_INT_H
#define CTL_CLIENT_INT_H

#include <jansson.h>

#include "ctl_int.h"

struct client;

/* Finds the socket; nothing is connected yet. -1: it is not known. */
int client_open(const struct ctl *c, struct client **out, struct err *e);
void client_close(struct client **cl);
void client_message(struct client *cl); /* what is posted from now on is a message, no JSON, and is answered within 2 minutes */

/* POST /v1/VERB. The HTTP status and *answer (an object, owned by the caller); -1 with err when there is no answer. */
int client_call(struct client *cl, const char *verb, const char *body, size_t n, json_t **answer, struct err *e);

/* The same in two halves, so that the caller may work while the daemon does. client_begin returns when the request has
 * left (or cannot leave: client_end tells); body must live until client_end. */
void client_begin(struct client *cl, const char *verb, const char *body, size_t n);
int client_end(struct client *cl, json_t **answer, struct err *e);
/* Waits until fd can be read; true: what was begun ended before that (client_end does not wait then). */
bool client_wait(struct client *cl, int fd);

/* A whole verb for a command. body is the request, "" for {}. CTL_OK and *answer (caller: json_decref); else the exit
 * status, the failure is told, and *answer is NULL. A refusal is printed with --json too, because it may carry more
 * than its text. */
int client_ask(struct ctl *c, const char *verb, const struct buf *body, json_t **answer);

/* Members of answers, forgiving: a newer daemon may say more, an older one less. */
const char *json_text(const json_t *object, const char *name); /* "" when absent */
long long json_number(const json_t *object, const char *name); /* 0 when absent */

/* With --json: the members of `rows` a line each, or the answer. True when it has printed. */
bool client_print_json(const struct ctl *c, const json_t *answer);
/* `refused` of an answer: "; not enrolled: 3 no_consent, 1 suppressed (manual)", nothing when it is empty. */
void refused_add(struct buf *out, json_t *refused);
/* A value as people read it: text, or JSON. */
void json_plain(struct buf *b, const json_t *value);

/* ---- explain.c: what comes next, in words ---- */
/* The whole answer of `explain`, 80 columns wide. */
void explain_text(const json_t *answer, const char *contact, bool colour, struct buf *b);
/* A *next*: "waits until Tue 2026-11-24 09:00 Europe/Paris: contact_limit", "goes now". */
void explain_verdict(const json_t *next, bool colour, struct buf *b);
/* What forbids, in red: suppression and holds, a line each. */
void explain_standing(const json_t *answer, bool colour, struct buf *b);

#endif
