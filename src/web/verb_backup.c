/* backup: the store, copied while abvd works, and handed to whoever asks over the socket.
 *
 * Why the daemon does not write to a path that the client names: whoever may use the socket could then have files made with the daemon's
 * rights wherever those reach, over whatever lies there. So the copy is made beside the store, where only the daemon's user writes; its
 * name is removed as soon as it is whole, so that nothing stays behind whatever happens; and the client reads it piece by piece and
 * writes with its own rights. It learns nothing new by it: the socket's group may read the store's file (0640), and every contact by
 * `export`.
 *
 * start -> look until it is whole -> read from 0 to the end -> end. One at a time; one that nobody asks about for IDLE_MS is given up. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "abv/folder.h"
#include "abv/json.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "control_int.h"

#define COPY_MS   10 /* of a turn: sending goes on between two slices */
#define IDLE_MS   60000
#define PIECE     ((int64_t)720 * 1024) /* divisible by three: base64 without padding but at the end */
#define SPACE     ((int64_t)64 << 20)   /* must stay free beside the copy */
#define TAIL      ".copy"

struct backup {
	struct control *control;
	int64_t id, asked, size;
	struct store_copy *copy; /* NULL: whole */
	int64_t pages, done;
	int fd; /* -1: not whole yet */
	char *path; /* owned */
	char why[512]; /* it failed */
	struct event *timer;
};

void backup_free(struct backup **bp)
{
	struct backup *b = *bp;

	if (!b)
		return;
	*bp = NULL;
	store_copy_free(&b->copy);
	if (b->fd >= 0)
		close(b->fd);
	if (b->timer)
		event_free(b->timer);
	free(b->path);
	free(b);
}

/* ---- copying ---- */

static void whole(struct backup *b)
{
	struct stat st;

	store_copy_free(&b->copy);
	b->fd = open(b->path, O_RDONLY | O_CLOEXEC);
	if (b->fd < 0 || fstat(b->fd, &st))
		(void)snprintf(b->why, sizeof(b->why), "%s: %s", b->path, strerror(errno));
	else
		b->size = st.st_size;
	(void)unlink(b->path);
}

static void step(struct backup *b)
{
	struct err e = { "" };
	int rc;

	if (store_in_transaction(b->control->store))
		return;
	rc = store_copy_step(b->copy, COPY_MS, &e);
	store_copy_progress(b->copy, &b->done, &b->pages);
	if (rc < 0) {
		(void)snprintf(b->why, sizeof(b->why), "%s", e.text);
		store_copy_free(&b->copy);
	} else if (rc == 0) {
		whole(b);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct backup *b = arg;
	struct timeval tv = { 0, 1000 };

	(void)fd, (void)what;
	if (clock_mono() - b->asked > IDLE_MS) {
		struct control *control = b->control;

		log_warning("a backup was given up: nobody asks for it any more");
		backup_free(&control->backup);
		return;
	}
	if (b->copy)
		step(b);
	if (!b->copy)
		tv = (struct timeval){ 5, 0 };
	event_add(b->timer, &tv);
}

/* ---- the verb ---- */

static int enough_space(struct call *c, const char *path)
{
	char *dir = folder_of(path);
	struct statvfs v;
	struct stat st, wal;
	char *log = mem_printf("%s-wal", path);
	int64_t need = SPACE, have = 0;
	int status = 200;

	if (!stat(path, &st))
		need += st.st_size;
	if (!stat(log, &wal))
		need += wal.st_size;
	if (!statvfs(dir, &v) && v.f_blocks)
		have = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
	if (have < need)
		status = call_refuse(c, 409, "the copy is made beside the store first: %s has %lld MB free, %lld are needed", dir,
				     (long long)(have >> 20), (long long)(need >> 20));
	free(log);
	free(dir);
	return status;
}

static int start(struct call *c)
{
	const char *store = c->ops->plan(c->ops->arg)->config->store_path;
	struct control *control = c->control;
	struct backup *b;
	int status;

	if (!control->base)
		return call_refuse(c, 409, "a backup needs the loop");
	if (control->backup && !*control->backup->why)
		return call_refuse(c, 409, "another backup is under way");
	backup_free(&control->backup);
	status = enough_space(c, store);
	if (status != 200)
		return status;
	b = mem_alloc(sizeof(*b));
	b->control = control;
	b->id = ++control->backups;
	b->fd = -1;
	b->asked = clock_mono();
	b->path = mem_printf("%s" TAIL, store);
	(void)unlink(b->path); /* a crash left it */
	if (store_copy_begin(c->store, b->path, &b->copy, &c->err)) {
		backup_free(&b);
		return call_failed(c);
	}
	b->timer = event_new(control->base, -1, 0, on_timer, b);
	event_add(b->timer, &(struct timeval){ 0, 0 });
	control->backup = b;
	json_add_int(&c->out, "id", b->id);
	return 200;
}

static int look(struct call *c, struct backup *b)
{
	if (*b->why)
		return call_refuse(c, 500, "%s", b->why);
	json_add_bool(&c->out, "whole", b->fd >= 0);
	json_add_int(&c->out, "pages", b->pages);
	json_add_int(&c->out, "done", b->done);
	if (b->fd >= 0)
		json_add_int(&c->out, "bytes", b->size);
	return 200;
}

static void add_base64(struct buf *out, const unsigned char *p, size_t n)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char four[4];

	buf_reserve(out, n / 3 * 4 + 8);
	for (; n; p += n < 3 ? n : 3, n -= n < 3 ? n : 3) {
		unsigned v = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

		four[0] = digit[v >> 18];
		four[1] = digit[v >> 12 & 63];
		four[2] = '=';
		four[3] = '=';
		if (n > 1)
			four[2] = digit[v >> 6 & 63];
		if (n > 2)
			four[3] = digit[v & 63];
		buf_add(out, four, 4);
	}
}

static int piece(struct call *c, struct backup *b, int64_t offset)
{
	int64_t want = b->size - offset < PIECE ? b->size - offset : PIECE;
	struct buf text = { 0 };
	unsigned char *p;
	ssize_t n;

	if (b->fd < 0)
		return *b->why ? call_refuse(c, 500, "%s", b->why) : call_refuse(c, 409, "the copy is not whole yet");
	if (offset < 0 || offset > b->size)
		return call_refuse(c, 400, "offset: the copy has %lld bytes", (long long)b->size);
	p = mem_alloc((size_t)want + 1);
	n = pread(b->fd, p, (size_t)want, offset);
	if (n != want) {
		free(p);
		return call_refuse(c, 500, "the copy cannot be read: %s", n < 0 ? strerror(errno) : "it has become shorter");
	}
	add_base64(&text, p, (size_t)n);
	json_add_str(&c->out, "data", buf_text(&text));
	buf_free(&text);
	free(p);
	return 200;
}

int verb_backup(struct call *c)
{
	const char *action = call_text(c, "action");
	struct backup *b = c->control->backup;

	if (!strcmp(action, "start"))
		return start(c);
	if (strcmp(action, "look") != 0 && strcmp(action, "read") != 0 && strcmp(action, "end") != 0)
		return call_refuse(c, 400, "action: start, look, read or end");
	if (!b || b->id != call_integer(c, "id", 0))
		return call_refuse(c, 404, "id: there is no such backup (any more)");
	b->asked = clock_mono();
	if (!strcmp(action, "look"))
		return look(c, b);
	if (!strcmp(action, "read"))
		return piece(c, b, call_integer(c, "offset", 0));
	backup_free(&c->control->backup);
	return 200;
}
