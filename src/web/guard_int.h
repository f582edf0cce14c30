/* The connections of the control socket: how many there are, how long they may take, how much they hold (guard.c tells the policy). */
#ifndef GUARD_INT_H
#define GUARD_INT_H

#include <event2/listener.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct bufferevent;
struct event;
struct event_base;
struct guards;

enum guard_state {
	GUARD_READING,  /* its request is not here yet */
	GUARD_WAITING,  /* it is here, and waits for its turn */
	GUARD_WORKING,  /* a verb has it */
	GUARD_ANSWERING /* its answer is being taken */
};

struct guard {
	struct guards *guards;
	struct bufferevent *bev; /* a reference of its own */
	enum guard_state state;
	void *waiting; /* GUARD_WAITING: what drop is given */
	int64_t came_at, deadline; /* monotonic */
	size_t held;      /* bytes of its request that came, or of its answer that are left */
	bool refused;     /* came when every place was worked for */
	bool cut;         /* shut down: evhttp lets go of it in the next turn */
	TAILQ_ENTRY(guard) link;
};

struct guards {
	TAILQ_HEAD(guard_list, guard) list; /* in order of arrival */
	int n, cut_n, limit;
	int fresh; /* accepted since the loop looked at all that are there */
	size_t held;
	bool much; /* they held much since the last one left */
	int64_t deadline_ms;
	int64_t told_at; /* monotonic: a line about accept; 0 none */
	void (*drop)(void *waiting, const char *why); /* a request that waits gives way: it is refused, and forgotten */
	struct event *tick, *settle;
	struct evconnlistener *listener; /* borrowed */
};

int guards_open(struct guards *all, struct event_base *base,
		void (*drop)(void *waiting, const char *why)); /* -1: no events; guards_close all the same */
void guards_close(struct guards *all);
void guards_listen(struct guards *all, struct evconnlistener *l);
struct bufferevent *guards_newcomer(struct event_base *base, void *guards); /* for evhttp_set_bevcb */
struct guard *guards_find(struct guards *all, const struct bufferevent *bev);
void guard_waits(struct guard *g, void *waiting);
void guard_works(struct guard *g);   /* the request was taken out of its buffers */
void guard_gone(struct guard *g);    /* evhttp has let go of it: what waited is the owner's alone */
void guard_answers(struct guard *g); /* the answer comes next */

#endif
