/* The sources that the configuration names, each with a life of its own. A reload ends only those that changed. */
#include <event2/event.h>
#include <stdlib.h>

#include "abv/clock.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "source_int.h"

struct inbox {
	struct event_base *base; /* borrowed, as net */
	struct netloop *net;
	struct inbox_hooks hooks;
	struct inbox_pace pace;
	struct imap *imap;       /* owned; NULL: none is configured */
	struct maildir *maildir; /* the same */
};

void inbox_pace_default(struct inbox_pace *p)
{
	*p = (struct inbox_pace){
		.connect = CLOCK_MINUTE,
		.silence = CLOCK_MINUTE,
		.command = 10 * CLOCK_MINUTE,
		.idle = 9 * CLOCK_MINUTE,
		.poll = 30 * CLOCK_SECOND,
		.backoff_first = CLOCK_SECOND,
		.backoff_most = 5 * CLOCK_MINUTE,
		.backoff_auth = 5 * CLOCK_MINUTE,
		.settled = CLOCK_MINUTE,
		.retry_first = 5 * CLOCK_SECOND,
		.retry_most = 10 * CLOCK_MINUTE,
		.rescan = CLOCK_MINUTE,
		.absent = 5 * CLOCK_SECOND,
		.settle = 2 * CLOCK_SECOND,
	};
}

void source_timer_set(struct event *timer, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(timer, &tv);
}

int64_t source_backoff(int64_t ms, int times, int64_t most)
{
	for (int i = 0; i < times && ms < most; i++)
		ms *= 2;
	return ms < most ? ms : most;
}

static void arrange(struct inbox *i, const struct config_inbox *c)
{
	if (i->imap && !imap_is_configured_as(i->imap, c))
		imap_free(&i->imap);
	if (i->maildir && !maildir_is_at(i->maildir, c->maildir))
		maildir_free(&i->maildir);
	if (!i->imap && *c->imap_url)
		i->imap = imap_new(i->base, i->net, c, &i->hooks, &i->pace);
	if (!i->maildir && *c->maildir)
		i->maildir = maildir_new(i->base, c->maildir, &i->hooks, &i->pace);
}

int inbox_open(struct event_base *base, struct netloop *net, const struct config *config,
	       const struct inbox_hooks *hooks, struct inbox **out, struct err *e)
{
	struct inbox *i = mem_alloc(sizeof *i);

	(void)e;
	i->base = base;
	i->net = net;
	i->hooks = *hooks;
	inbox_pace_default(&i->pace);
	arrange(i, &config->inbox);
	*out = i;
	return 0;
}

void inbox_set_pace(struct inbox *i, const struct inbox_pace *p)
{
	i->pace = *p;
}

int inbox_reconfigure(struct inbox *i, const struct config *config, struct err *e)
{
	(void)e;
	arrange(i, &config->inbox);
	return 0;
}

void inbox_status(const struct inbox *i, struct buf *json)
{
	struct buf rows = { 0 };

	buf_char(&rows, '[');
	if (i->imap) {
		buf_char(&rows, '{');
		imap_status(i->imap, &rows);
		buf_char(&rows, '}');
	}
	if (i->maildir) {
		buf_str(&rows, i->imap ? ",{" : "{");
		maildir_status(i->maildir, &rows);
		buf_char(&rows, '}');
	}
	buf_char(&rows, ']');
	json_add_raw(json, "inbox", rows.data);
	buf_free(&rows);
}

void inbox_close(struct inbox **ip)
{
	struct inbox *i = *ip;

	*ip = NULL;
	if (!i)
		return;
	imap_free(&i->imap);
	maildir_free(&i->maildir);
	free(i);
}
