/* deliver: an MTA pipes a message in. The exit status speaks the MTA's language (sysexits.h) and decides over a person's mail, so: 0 only
 * when abvd has said that the message took effect; EX_TEMPFAIL, with which the MTA keeps it, for everything that may be otherwise later;
 * and never a status with which it would be returned to its sender, but for a command line that can never be right. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "abv/mem.h"
#include "client_int.h"

#define MESSAGE_MAX ((size_t)10 << 20)
#define CHUNK 65536

/* A longer message is read to its end, so that the MTA sees no broken pipe, and its beginning is delivered: what a person wrote stands
 * before what they attached. */
static int read_message(struct buf *message, struct err *e)
{
	char *chunk = mem_alloc(CHUNK);
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, CHUNK)) != 0) {
		size_t room = MESSAGE_MAX - message->len;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		buf_add(message, chunk, (size_t)n < room ? (size_t)n : room);
	}
	free(chunk);
	return n < 0 ? err_set(e, "standard input: %s", strerror(errno)) : 0;
}

static int tempfail(const char *what)
{
	struct buf why = { 0 };

	out_clean(&why, what);
	(void)ctl_fail(EX_TEMPFAIL, "deliver: %s; try again later", buf_text(&why));
	buf_free(&why);
	return EX_TEMPFAIL;
}

static int post(struct ctl *c, const struct buf *message)
{
	struct client *cl = NULL;
	struct err e = { "" };
	json_t *answer = NULL;
	int status = -1, rc = EX_OK;

	if (client_open(c, &cl, &e) == 0) {
		client_message(cl);
		status = client_call(cl, "deliver", buf_text(message), message->len, &answer, &e);
	}
	client_close(&cl);
	if (status != 200)
		rc = tempfail(status < 0 ? e.text : json_text(answer, "error"));
	else if (c->json) /* not by stdio: when it cannot be written, the message is delivered all the same */
		(void)(json_dumpfd(answer, STDOUT_FILENO, JSON_COMPACT) == 0 && write(STDOUT_FILENO, "\n", 1) == 1);
	json_decref(answer);
	return rc;
}

int cmd_deliver(struct ctl *c)
{
	struct buf message = { 0 };
	struct err e = { "" };
	int rc;

	if (isatty(STDIN_FILENO))
		return ctl_fail(EX_USAGE, "deliver: a message is expected on standard input");
	if (read_message(&message, &e) < 0)
		rc = tempfail(e.text);
	else if (message.len == 0)
		rc = ctl_fail(EX_DATAERR, "deliver: standard input is empty");
	else
		rc = post(c, &message);
	buf_free(&message);
	return rc;
}
