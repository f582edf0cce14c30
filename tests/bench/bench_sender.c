/* rooms: base model rules net sender */
/* bench_sender PORT MESSAGES CONNECTIONS: the sender alone, messages of 4 KB to a relay on loopback, handed over at
 * once; prints messages/s and the CPU time a message costs in this process. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "abv/clock.h"
#include "abv/mem.h"
#include "abv/sender.h"

struct job {
	struct delivery_job d; /* first */
	struct job *free;
	struct message m;
	bool ready, takes_next;
};

struct bench {
	struct event_base *base;
	struct event *turn;
	const struct delivery *d;
	struct job *job, *spare;
	struct delivery_slot **slot;
	int slots, jobs, left, open, bad;
	char data[4096];
	size_t size;
};

static struct delivery_job *next_job(struct bench *b)
{
	struct job *j = b->left > 0 ? b->spare : NULL;

	if (!j)
		return NULL;
	b->spare = j->free;
	b->left--;
	j->ready = false;
	j->d.message = &j->m;
	j->d.touch_id = b->left + 1;
	snprintf(j->m.envelope_to, sizeof j->m.envelope_to, "person%d@x.example", b->left);
	return &j->d;
}

/* As the scheduler does: everything that became ready since the last turn, then sleep. */
static void turn(evutil_socket_t fd, short what, void *arg)
{
	struct bench *b = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < b->jobs; i++)
		if (b->job[i].ready) {
			b->job[i].ready = false;
			b->d->hand(b->d->arg, &b->job[i].d, b->job[i].takes_next ? next_job(b) : NULL);
		}
	while (b->slots > 0) {
		struct delivery_job *j = next_job(b);

		b->slots--;
		if (j)
			b->d->start(b->d->arg, b->slot[b->slots], j);
		else
			b->d->give_back(b->d->arg, b->slot[b->slots]);
	}
	b->d->want(b->d->arg, b->left);
	if (!b->open)
		event_base_loopbreak(b->base);
}

static void on_slot(void *arg, struct delivery_slot *k)
{
	struct bench *b = arg;

	b->slot[b->slots++] = k;
	event_active(b->turn, EV_TIMEOUT, 0);
}

static void on_slot_gone(void *arg, struct delivery_slot *k)
{
	(void)arg;
	(void)k;
}

static void on_body(void *arg, struct delivery_job *d, bool takes_next)
{
	struct bench *b = arg;
	struct job *j = (struct job *)d;

	j->ready = true;
	j->takes_next = takes_next;
	event_active(b->turn, EV_TIMEOUT, 0);
}

static void on_outcome(void *arg, struct delivery_job *d, const struct delivery_result *r)
{
	struct bench *b = arg;
	struct job *j = (struct job *)d;

	b->bad += r->outcome != OUTCOME_ACCEPTED;
	b->open--;
	j->free = b->spare;
	b->spare = j;
	if (!b->open)
		event_active(b->turn, EV_TIMEOUT, 0);
}

static void on_relay(void *arg, bool usable, const char *why, int64_t ms)
{
	(void)arg;
	(void)ms;
	if (!usable)
		fprintf(stderr, "bench_sender: %s\n", why);
}

static void make_body(struct bench *b)
{
	b->size = (size_t)snprintf(b->data, sizeof b->data,
				   "From: a@example.com\r\nTo: b@example.com\r\nSubject: bench\r\n\r\n");
	while (b->size < 4000) {
		memset(b->data + b->size, 'x', 70);
		memcpy(b->data + b->size + 70, "\r\n", 2);
		b->size += 72;
	}
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	struct delivery_sink sink = { &b, on_slot, on_slot_gone, on_body, on_outcome, on_relay };
	struct config_smtp config = { .url = "",
				      .host = "127.0.0.1",
				      .tls = TLS_NONE,
				      .username = "",
				      .password = "",
				      .ca_file = "",
				      .helo = "bench",
				      .timeout_connect = 60000,
				      .timeout_command = 60000,
				      .timeout_data = 60000,
				      .timeout_dot = 60000 };
	struct rusage before, after;
	struct err e;
	int n = argc == 4 ? atoi(argv[2]) : 0;

	if (n < 1 || (config.connections = atoi(argv[3])) < 1)
		return 2;
	config.port = atoi(argv[1]);
	make_body(&b);
	b.left = b.open = n;
	b.jobs = config.connections * 2;
	b.job = mem_array((size_t)b.jobs, sizeof *b.job);
	b.slot = mem_array((size_t)b.jobs + 1, sizeof(struct delivery_slot *));
	for (int i = 0; i < b.jobs; i++) {
		struct job *j = &b.job[i];

		strcpy(j->m.envelope_from, "bounce+token@example.com");
		j->m.data = b.data;
		j->m.size = b.size;
		j->free = b.spare;
		b.spare = j;
	}
	b.base = event_base_new();
	struct netloop *net = netloop_new(b.base, &e);
	struct sender *s = sender_new(b.base, net, &config, &sink, &e);
	b.d = sender_delivery(s);
	b.turn = event_new(b.base, -1, 0, turn, &b);
	getrusage(RUSAGE_SELF, &before);
	int64_t t0 = clock_mono();
	event_active(b.turn, EV_TIMEOUT, 0);
	event_base_dispatch(b.base);
	double seconds = (double)(clock_mono() - t0) / 1000;
	getrusage(RUSAGE_SELF, &after);
	double cpu =
	    (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
		1e6 +
	    (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
		     before.ru_stime.tv_usec);
	printf("%.0f messages/s, %.1f us CPU a message, %d not accepted\n", n / seconds, cpu / n, b.bad);
	sender_free(&s);
	netloop_free(&net);
	event_free(b.turn);
	event_base_free(b.base);
	free(b.job);
	free(b.slot);
	return b.bad != 0;
}
