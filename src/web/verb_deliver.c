/* Received mail that an MTA pipes in. The answer leaves when what follows from the message is durable; until then the MTA keeps it. */
#include "control_int.h"

int verb_deliver(struct call *c)
{
	if (c->ops->deliver(c->ops->arg, c->body, c->body_n, &c->out, &c->err))
		return call_failed(c);
	return 200;
}
