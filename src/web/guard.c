/* Who may hold what of the control socket, so that nobody of its group can shut out another or make the daemon grow. Policy:
 *
 * - No more than `limit` connections. A newcomer takes the place of the one that has been there longest without a byte (a second at
 *   least), then of the one that has been at its request longest, then of the one that has not taken its answer longest: whoever asks
 *   and reads at once is served, however many hold their connections. Only connections that a verb works for are left alone; where all
 *   are, the newcomer is refused.
 * - Together they hold at most HELD_MAX bytes of requests and answers. Beyond that whoever holds most is cut off.
 * - A request must be here, and its answer taken, within the deadline, however busily it drips. While a verb works no limit runs.
 *
 * evhttp tells nobody when a connection ends before it has a request. So each connection has a guard that holds a reference to its
 * bufferevent: evhttp takes its callbacks away when it lets go of one, and that is how the guard sees the end. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abv/clock.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "guard_int.h"

#define CONNECTIONS 256
/* A quarter of the limit: so many are accepted before the loop has looked at what they say, so that none is sent away by those that came
 * with it; and so many on top are cut and not gone yet. */
#define AT_ONCE     4
#define HELD_MAX    ((size_t)32 << 20)
#define MUCH        ((size_t)4 << 20)
#define DEADLINE_MS INT64_C(30000)
#define IDLE_MS     INT64_C(1000)
#define TICK_MS     INT64_C(500)

static bool guard_over(const struct guard *g)
{
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;
	void *arg;

	bufferevent_getcb(g->bev, &on_read, &on_write, &on_event, &arg);
	return !arg;
}

/* ---- what they hold ---- */

static void hold_less(struct guard *g, size_t n)
{
	g->held -= n;
	g->guards->held -= n;
}

static void event_in(struct event *ev, int64_t ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	event_add(ev, &tv);
}

static void cut(struct guard *g)
{
	if (g->state != GUARD_WAITING)
		(void)shutdown(bufferevent_getfd(g->bev), SHUT_RDWR); /* evhttp reads the end and lets go */
	g->cut = true;
	g->guards->cut_n++;
	hold_less(g, g->held);
	if (!event_pending(g->guards->settle, EV_TIMEOUT, NULL))
		event_in(g->guards->settle, 1); /* what it held is to be freed */
}

/* An answer, unless one is on its way; it may be lost where much is still being sent to us. */
static void refuse(struct guard *g, const char *why)
{
	char body[128], text[384];
	int m = snprintf(body, sizeof(body), "{\"error\":\"%s\"}", why);
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
			 "Connection: close\r\n\r\n%s",
			 m, body);

	if (g->state == GUARD_READING && !evbuffer_get_length(bufferevent_get_output(g->bev)))
		(void)send(bufferevent_getfd(g->bev), text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	cut(g);
	if (g->state == GUARD_WAITING) /* evhttp does not read meanwhile: it lets go when it has answered */
		g->guards->drop(g->waiting, why);
}

static void hold_more(struct guard *g, size_t n)
{
	struct guards *all = g->guards;
	struct guard *most = g, *o;

	g->held += n;
	all->held += n;
	all->much = all->much || all->held > MUCH;
	if (all->held <= HELD_MAX)
		return;
	TAILQ_FOREACH (o, &all->list, link)
		if (!o->cut && o->state != GUARD_WORKING && o->held > most->held)
			most = o;
	refuse(most, "too much is being asked at once");
}

static void on_input(struct evbuffer *b, const struct evbuffer_cb_info *info, void *arg)
{
	struct guard *g = arg;

	(void)b;
	if (!g->cut && info->n_added)
		hold_more(g, info->n_added);
}

static void on_output(struct evbuffer *b, const struct evbuffer_cb_info *info, void *arg)
{
	struct guard *g = arg;

	(void)b;
	if (g->cut)
		return;
	hold_less(g, info->n_deleted < g->held ? info->n_deleted : g->held);
	if (info->n_added)
		hold_more(g, info->n_added);
}

/* ---- coming and going ---- */

static void guard_free(struct guard *g)
{
	TAILQ_REMOVE(&g->guards->list, g, link);
	hold_less(g, g->held);
	g->guards->n--;
	g->guards->cut_n -= g->cut;
	evbuffer_remove_cb(bufferevent_get_input(g->bev), on_input, g);
	evbuffer_remove_cb(bufferevent_get_output(g->bev), on_output, g);
	bufferevent_decref(g->bev);
	free(g);
}

static void sweep(struct guards *all)
{
	struct guard *g = TAILQ_FIRST(&all->list), *next;

	for (; g; g = next) {
		next = TAILQ_NEXT(g, link);
		if (guard_over(g))
			guard_free(g);
	}
}

/* The list is in order of arrival. */
static struct guard *least_busy(const struct guards *all)
{
	struct guard *g, *asking = NULL, *answered = NULL;
	int64_t idle = clock_mono() - IDLE_MS; /* whoever has only just come is about to ask */

	TAILQ_FOREACH (g, &all->list, link) {
		if (g->cut || g->refused || g->state == GUARD_WORKING)
			continue;
		if (g->state == GUARD_READING && !g->held && g->came_at <= idle)
			return g;
		if (g->state != GUARD_ANSWERING && !asking)
			asking = g;
		if (g->state == GUARD_ANSWERING && !answered)
			answered = g;
	}
	return asking ? asking : answered;
}

static void tick_soon(struct guards *all)
{
	event_in(all->tick, all->deadline_ms / 4 < TICK_MS ? all->deadline_ms / 4 : TICK_MS);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct guards *all = arg;
	struct guard *g;
	int64_t now = clock_mono();

	(void)fd, (void)what;
	sweep(all);
	TAILQ_FOREACH (g, &all->list, link)
		if (!g->cut && g->state != GUARD_WORKING && now >= g->deadline)
			cut(g);
	if (all->n) {
		tick_soon(all);
	} else if (all->much) {
		(void)malloc_trim(0); /* what a crowd took goes back to the system */
		all->much = false;
	}
}

/* The places that were given to others are free as soon as evhttp has let go, which is in the next turn of the loop. */
static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct guards *all = arg;
	struct guard *g;

	(void)fd, (void)what;
	TAILQ_FOREACH (g, &all->list, link)
		if (g->refused && !g->cut)
			refuse(g, "too many connections");
	sweep(all);
	if (all->n >= all->limit + all->limit / AT_ONCE) {
		event_in(all->settle, 1);
		return;
	}
	all->fresh = 0;
	(void)evconnlistener_enable(all->listener);
}

/* evhttp asks for a connection's bufferevent before it gives it the descriptor: a refusal, which needs that, comes a moment later. */
struct bufferevent *guards_newcomer(struct event_base *base, void *arg)
{
	struct guards *all = arg;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	struct guard *g, *least;

	if (!bev)
		return NULL;
	if (all->n - all->cut_n >= all->limit)
		sweep(all);
	least = all->n - all->cut_n >= all->limit ? least_busy(all) : NULL;
	g = mem_alloc(sizeof(*g));
	g->guards = all;
	g->bev = bev;
	g->came_at = clock_mono();
	g->deadline = g->came_at + all->deadline_ms;
	g->refused = all->n - all->cut_n >= all->limit && !least;
	bufferevent_incref(bev);
	evbuffer_add_cb(bufferevent_get_input(bev), on_input, g);
	evbuffer_add_cb(bufferevent_get_output(bev), on_output, g);
	TAILQ_INSERT_TAIL(&all->list, g, link);
	all->n++;
	if (least)
		refuse(least, "too many connections");
	if (++all->fresh >= all->limit / AT_ONCE)
		(void)evconnlistener_disable(all->listener);
	if (g->refused || all->fresh >= all->limit / AT_ONCE)
		event_in(all->settle, 0);
	if (!event_pending(all->tick, EV_TIMEOUT, NULL))
		tick_soon(all);
	return bev;
}

struct guard *guards_find(struct guards *all, const struct bufferevent *bev)
{
	struct guard *g;

	TAILQ_FOREACH (g, &all->list, link)
		if (g->bev == bev)
			break;
	return g;
}

void guard_waits(struct guard *g, void *waiting)
{
	g->waiting = waiting;
	g->state = GUARD_WAITING;
	g->deadline = CLOCK_NEVER; /* ours, not its delay */
}

void guard_works(struct guard *g)
{
	g->state = GUARD_WORKING;
	hold_less(g, g->held);
}

void guard_gone(struct guard *g)
{
	g->state = GUARD_READING;
	g->waiting = NULL;
}

void guard_answers(struct guard *g)
{
	g->state = GUARD_ANSWERING;
	g->deadline = clock_mono() + g->guards->deadline_ms;
}

/* ---- the listener ---- */

/* No descriptor is left: asking again at once would be a busy loop, for the socket stays ready. Some are freed. */
static void on_no_accept(struct evconnlistener *l, void *arg)
{
	struct guards *all = arg;
	struct guard *least = least_busy(all);
	int64_t now = clock_mono();

	(void)evconnlistener_disable(l);
	if (!all->told_at || now - all->told_at > CLOCK_MINUTE) {
		all->told_at = now;
		log_error("control socket: a connection cannot be accepted: %s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
	}
	if (least)
		refuse(least, "too many connections");
	event_in(all->settle, TICK_MS);
}

void guards_listen(struct guards *all, struct evconnlistener *l)
{
	all->listener = l;
	evconnlistener_set_error_cb(l, on_no_accept);
}

/* A quarter of the descriptors, where that is less: the relay and the mailbox need theirs. */
static int limit_of_process(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur / 4 >= CONNECTIONS)
		return CONNECTIONS;
	return r.rlim_cur < 16 ? 4 : (int)(r.rlim_cur / 4);
}

int guards_open(struct guards *all, struct event_base *base, void (*drop)(void *waiting, const char *why))
{
	*all = (struct guards){ .drop = drop, .deadline_ms = DEADLINE_MS, .limit = limit_of_process() };
	TAILQ_INIT(&all->list);
	all->tick = event_new(base, -1, 0, on_tick, all);
	all->settle = event_new(base, -1, 0, on_settle, all);
	return all->tick && all->settle ? 0 : -1;
}

void guards_close(struct guards *all)
{
	struct guard *g, *next;

	for (g = TAILQ_FIRST(&all->list); g; g = next) {
		next = TAILQ_NEXT(g, link);
		guard_free(g);
	}
	if (all->tick)
		event_free(all->tick);
	if (all->settle)
		event_free(all->settle);
}
