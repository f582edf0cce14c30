/* The control room's door: opened and closed by the daemon, and the way in for tests and fuzzing. */
#include <stdlib.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "control_int.h"

int control_open(struct event_base *base, const char *path, struct store *store, const struct control_ops *ops,
		 struct control **out, struct err *e)
{
	struct control *c = mem_alloc(sizeof(*c));

	c->store = store;
	c->ops = *ops;
	c->base = base;
	TAILQ_INIT(&c->parked);
	*out = c;
	if (!base)
		return 0;
	forget_resume(c);
	if (!server_open(c, path, &c->server, e))
		return 0;
	control_close(out);
	return -1;
}

void control_close(struct control **cp)
{
	struct control *c = *cp;
	struct call *call;

	if (!c)
		return;
	while ((call = TAILQ_FIRST(&c->parked)) != NULL)
		call_close(call);
	backup_free(&c->backup);
	server_close(&c->server);
	free(c);
	*cp = NULL;
}

void control_set_deadline(struct control *c, int64_t ms)
{
	server_set_deadline(c->server, ms);
}

/* ---- without a socket ---- */

struct direct {
	int status; /* 0: not answered yet */
	struct buf *answer;
};

static void direct_reply(void *arg, int status, const struct buf *body)
{
	struct direct *d = arg;

	d->status = status;
	buf_add(d->answer, body->data, body->len);
}

int control_handle(struct control *c, const char *verb, const char *body, size_t n, struct buf *answer)
{
	struct direct d = { .answer = answer };
	struct event_base *base = c->base;
	struct call *parked;

	buf_clear(answer);
	c->base = NULL; /* slices run to their end */
	call_begin(c, verb, body, n, direct_reply, &d, &parked);
	c->base = base;
	if (d.status)
		return d.status;
	call_drop(parked);
	buf_char(answer, '{');
	json_add_str(answer, "error", "the answer comes later, which only the socket can wait for");
	buf_char(answer, '}');
	return 409;
}
