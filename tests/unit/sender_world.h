/* What the tests of the sender share: a relay in a process of its own, and a tiny scheduler that starts, hands and
 * notes. */
#ifndef TEST_SENDER_WORLD_H
#define TEST_SENDER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abv/buf.h"
#include "abv/clock.h"
#include "abv/mem.h"
#include "abv/sender.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define JOBS_MAX 4000
#define SLOW_MS  30000 /* a test that takes longer has failed */

/* ---- the relay ---- */

struct relay {
	pid_t pid;
	int port;
	char dir[64];
};

static inline char *relay_path(const struct relay *r, const char *name)
{
	return mem_printf("%s/%s", r->dir, name);
}

/* The program lies beside this test. args: up to 8 words, or NULL. */
static inline void relay_start(struct relay *r, const char *args)
{
	char self[512], copy[512] = "", *word[24], line[64], *save = NULL;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *maildir, *log;
	int out[2], w = 0;
	FILE *f;

	assert_true(n > 0);
	self[n] = '\0';
	strcpy(strrchr(self, '/') + 1, "fake_smtp");
	if (!r->dir[0]) {
		strcpy(r->dir, "/tmp/abv-sender-XXXXXX");
		assert_non_null(mkdtemp(r->dir));
	}
	maildir = relay_path(r, "Maildir");
	log = relay_path(r, "log");
	for (const char *const *a = (const char *const[]){ self, "--maildir", maildir, "--log", log, NULL }; *a; a++)
		word[w++] = (char *)(uintptr_t)*a;
	snprintf(copy, sizeof copy, "%s", args ? args : "");
	for (char *a = strtok_r(copy, " ", &save); a; a = strtok_r(NULL, " ", &save))
		word[w++] = a;
	word[w] = NULL;
	assert_int_equal(pipe(out), 0);
	r->pid = fork();
	if (r->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed leaves nothing behind */
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execv(self, word);
		_exit(127);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	assert_int_equal(sscanf(line, "listening %d", &r->port), 1);
	free(maildir);
	free(log);
}

static inline void relay_stop(struct relay *r)
{
	if (r->pid > 0) {
		kill(r->pid, SIGTERM);
		waitpid(r->pid, NULL, 0);
	}
	r->pid = 0;
}

static inline void relay_remove(struct relay *r)
{
	static const char *const sub[] = { "Maildir/new", "Maildir/tmp", "Maildir/cur", "Maildir", "" };

	relay_stop(r);
	for (size_t i = 0; i < COUNT(sub); i++) {
		char *dir = relay_path(r, sub[i]);
		DIR *d = opendir(dir);

		for (struct dirent *e; d && (e = readdir(d)) != NULL;)
			unlinkat(dirfd(d), e->d_name, 0);
		if (d)
			closedir(d);
		rmdir(dir);
		free(dir);
	}
	r->dir[0] = '\0';
}

/* How many lines of the relay's transcript contain both texts. */
static inline int relay_count(const struct relay *r, const char *one, const char *two)
{
	char *path = relay_path(r, "log"), *line, *save = NULL;
	struct buf b = { 0 };
	int n = 0;

	assert_int_equal(buf_read_file(&b, path, 1 << 24), 0);
	for (line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		n += strstr(line, one) && strstr(line, two);
	buf_free(&b);
	free(path);
	return n;
}

/* How many of the accepted messages are these very bytes; all: every one counts. */
static inline int relay_received(const struct relay *r, const struct message *m)
{
	char *dir = relay_path(r, "Maildir/new");
	DIR *d = opendir(dir);
	int n = 0;

	for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
		char *path = mem_printf("%s/%s", dir, e->d_name);
		struct buf b = { 0 };

		if (e->d_name[0] != '.' && !m)
			n++;
		else if (e->d_name[0] != '.' && buf_read_file(&b, path, 1 << 24) == 0)
			n += b.len == m->size && memcmp(b.data, m->data, b.len) == 0;
		buf_free(&b);
		free(path);
	}
	if (d)
		closedir(d);
	free(dir);
	return n;
}

/* ---- the scheduler ---- */

enum job_is { WAITS, STARTED, BODY, HANDED, DONE };

struct job {
	struct delivery_job d; /* first */
	struct message m;
	struct buf data;
	enum job_is is;
	bool takes_next, withdraw;
	bool again; /* not sent: once more, as the scheduler does */
	int outcomes;
	struct delivery_result result;
	char status[16], reply[600];
};

struct world {
	struct event_base *base;
	struct netloop *net;
	struct sender *sender;
	const struct delivery *d;
	struct config_smtp config;
	struct event *turn, *limit;
	struct job *job;
	int n, done, next, again;
	struct delivery_slot *slot[256];
	int slots;
	bool eager; /* acts inside the callbacks, which a scheduler must not, but a sender must bear */
	bool hold;  /* hands nothing */
	void (*before_hand)(void *arg);
	void *before_arg;
	bool stop_on_down, stop_on_body;
	int relay_down, relay_up, bodies, slots_gone, took_next;
	char down_why[600];
	int64_t down_ms;
	bool timed_out;
};

static inline struct delivery_job *world_next(struct world *w)
{
	for (int i = 0; w->again && i < w->next; i++)
		if (w->job[i].is == WAITS) {
			w->again--;
			w->job[i].is = STARTED;
			return &w->job[i].d;
		}
	if (w->next >= w->n)
		return NULL;
	w->job[w->next].is = STARTED;
	return &w->job[w->next++].d;
}

static inline void world_soon(struct world *w)
{
	event_active(w->turn, EV_TIMEOUT, 0);
}

static inline void world_hand(struct world *w, struct job *j)
{
	struct delivery_job *next;

	if (j->withdraw) {
		j->is = HANDED;
		w->d->withdraw(w->d->arg, &j->d);
		return;
	}
	if (w->before_hand)
		w->before_hand(w->before_arg);
	next = j->takes_next ? world_next(w) : NULL;
	w->took_next += next != NULL;
	j->is = HANDED;
	w->d->hand(w->d->arg, &j->d, next);
}

static inline void world_slot(struct world *w, struct delivery_slot *k)
{
	struct delivery_job *j = world_next(w);

	if (j)
		w->d->start(w->d->arg, k, j);
	else
		w->d->give_back(w->d->arg, k);
}

static inline void world_turn(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < w->n && !w->hold; i++)
		if (w->job[i].is == BODY)
			world_hand(w, &w->job[i]);
	while (w->slots)
		world_slot(w, w->slot[--w->slots]);
	w->d->want(w->d->arg, w->n - w->next + w->again);
	if (w->done == w->n)
		event_base_loopbreak(w->base);
}

static inline void world_on_slot(void *arg, struct delivery_slot *k)
{
	struct world *w = arg;

	if (w->eager) {
		world_slot(w, k);
		return;
	}
	assert_true(w->slots < (int)COUNT(w->slot));
	w->slot[w->slots++] = k;
	world_soon(w);
}

static inline void world_on_slot_gone(void *arg, struct delivery_slot *k)
{
	struct world *w = arg;

	w->slots_gone++;
	for (int i = 0; i < w->slots; i++)
		if (w->slot[i] == k)
			w->slot[i--] = w->slot[--w->slots];
	world_soon(w);
}

static inline void world_on_body(void *arg, struct delivery_job *d, bool takes_next)
{
	struct world *w = arg;
	struct job *j = (struct job *)d;

	assert_int_equal(j->is, STARTED);
	j->is = BODY;
	j->takes_next = takes_next;
	w->bodies++;
	if (w->eager && !w->hold)
		world_hand(w, j);
	else
		world_soon(w);
	if (w->stop_on_body)
		event_base_loopbreak(w->base);
}

static inline void world_on_outcome(void *arg, struct delivery_job *d, const struct delivery_result *r)
{
	struct world *w = arg;
	struct job *j = (struct job *)d;

	j->outcomes++;
	assert_int_equal(j->outcomes, 1);
	assert_null(d->link);
	assert_int_not_equal(j->is, WAITS);
	world_soon(w);
	if (r->outcome == OUTCOME_NOT_SENT && j->again) {
		j->is = WAITS;
		j->outcomes = 0;
		w->again++;
		return;
	}
	j->is = DONE;
	j->result = *r;
	snprintf(j->status, sizeof j->status, "%s", r->status);
	snprintf(j->reply, sizeof j->reply, "%s", r->reply);
	w->done++;
}

static inline void world_on_relay(void *arg, bool usable, const char *why, int64_t ms)
{
	struct world *w = arg;

	if (usable) {
		w->relay_up++;
		return;
	}
	w->relay_down++;
	w->down_ms = ms;
	snprintf(w->down_why, sizeof w->down_why, "%s", why);
	if (w->stop_on_down)
		event_base_loopbreak(w->base);
}

static inline void world_limit(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;

	(void)fd;
	(void)what;
	w->timed_out = true;
	event_base_loopbreak(w->base);
}

/* Before world_open: change w->config as the test needs it. */
static inline void world_init(struct world *w, int port)
{
	memset(w, 0, sizeof *w);
	w->config = (struct config_smtp){
		.url = "",
		.host = "127.0.0.1",
		.port = port,
		.loopback = true,
		.tls = TLS_NONE,
		.username = "",
		.password = "",
		.connections = 1,
		.timeout_connect = 20000,
		.timeout_command = 20000,
		.timeout_data = 20000,
		.timeout_dot = 20000,
		.ca_file = "",
		.helo = "test.example",
	};
	w->job = mem_array(JOBS_MAX, sizeof *w->job);
}

static inline void world_open(struct world *w)
{
	struct delivery_sink sink = {
		w, world_on_slot, world_on_slot_gone, world_on_body, world_on_outcome, world_on_relay
	};
	struct sender_pace pace = {
		.idle = 10000, .slow = 60000, .backoff_first = 5, .backoff_most = 40, .backoff_auth = 100000
	};
	struct timeval tv = { SLOW_MS / 1000, 0 };
	struct err e;

	w->base = event_base_new();
	w->net = netloop_new(w->base, &e);
	assert_non_null(w->net);
	w->sender = sender_new(w->base, w->net, &w->config, &sink, &e);
	assert_non_null(w->sender);
	sender_set_pace(w->sender, &pace);
	w->d = sender_delivery(w->sender);
	w->turn = event_new(w->base, -1, 0, world_turn, w);
	w->limit = event_new(w->base, -1, 0, world_limit, w);
	event_add(w->limit, &tv);
}

static inline void world_close(struct world *w)
{
	sender_free(&w->sender);
	netloop_free(&w->net);
	event_free(w->turn);
	event_free(w->limit);
	event_base_free(w->base);
	for (int i = 0; i < w->n; i++)
		buf_free(&w->job[i].data);
	free(w->job);
}

/* body NULL: one that needs all there is of dot-stuffing. */
static inline struct job *world_add(struct world *w, const char *local, const char *body)
{
	struct job *j = &w->job[w->n++];

	assert_true(w->n <= JOBS_MAX);
	j->d.touch_id = w->n;
	j->d.message = &j->m;
	snprintf(j->m.envelope_from, sizeof j->m.envelope_from, "bounce+%d@example.com", w->n);
	snprintf(j->m.envelope_to, sizeof j->m.envelope_to, "%s@x.example", local);
	buf_printf(&j->data, "From: a@example.com\r\nTo: %s\r\nSubject: %d\r\nMessage-ID: <%d.%s@example.com>\r\n\r\n",
		   j->m.envelope_to, w->n, w->n, local);
	buf_str(&j->data,
		body ? body
		     : ".\r\n..\r\n.dot\r\nno dot.\r\n\r\n.\r\nlong line that is long enough for a body of some "
		       "hundred bytes, so that "
		       "a relay can hang up in the middle of it, which is the reason for all these words\r\n.\r\n");
	j->m.data = j->data.data;
	j->m.size = j->data.len;
	return j;
}

static inline int free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static inline void world_add_many(struct world *w, int n)
{
	char local[32];

	for (int i = 0; i < n; i++) {
		snprintf(local, sizeof local, "good%d", i);
		world_add(w, local, "some text\r\n")->again = true;
	}
}

static inline void world_run(struct world *w)
{
	w->timed_out = false;
	world_soon(w);
	event_base_dispatch(w->base);
	assert_false(w->timed_out);
}

#endif
