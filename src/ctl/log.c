/* abvctl log: reads the engagement log itself, so it works without the daemon. Older files (path.1, path.2 ... as long
 * as they are not compressed) are read first when --since reaches back behind the current one, all of them when
 * somebody or something is looked for without --since: a rotation must not make an answer of nothing. --follow goes on
 * by sequence number: whether the file was rotated or rewritten (forget), no line is shown twice. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "abv/clock.h"
#include "abv/mailaddr.h"
#include "abv/mem.h"
#include "abv/model.h"
#include "ctl_int.h"
#include "logline_int.h"

#define CHUNK       ((size_t)256 << 10)
#define FOLLOW_MS   100
#define OLDER_MAX   1000
#define LOG_DEFAULT "/var/log/abvd/engagement.jsonl"

struct reading {
	const struct ctl *ctl;
	struct log_filter filter;
	char contact[MAILADDR_MAX];
	const char **event; /* owned array */
	const char *name;   /* of the file that is read */
	long line;
	int64_t seq;     /* the last one seen */
	int64_t again;   /* after a switch to another file: what it repeats ends with this one; 0 nothing */
	bool bad;        /* a line that is none */
	struct buf rest; /* the beginning of a line whose end was not written yet */
	struct buf out;
};

static void take_line(struct reading *r, const char *line, size_t n)
{
	struct log_seen seen;
	enum log_take take;
	size_t before = r->out.len;

	r->line++;
	/* Reading JSON costs more than looking for the address. */
	if (r->filter.contact && !memmem(line, n, r->filter.contact, strlen(r->filter.contact)))
		return;
	take = log_line(&r->filter, line, n, &seen, r->ctl->colour, r->ctl->json ? NULL : &r->out);
	if (take == LOG_BAD) {
		r->bad = true;
		(void)ctl_fail(CTL_FINDINGS, "%s:%ld: this is no line of the engagement log", r->name, r->line);
		return;
	}
	if (r->again && seen.seq && seen.seq <= r->again) {
		r->out.len = before;
		return;
	}
	if (seen.seq) {
		r->seq = seen.seq;
		r->again = 0;
	}
	if (take == LOG_TAKE && r->ctl->json) {
		buf_add(&r->out, line, n);
		buf_char(&r->out, '\n');
	}
	if (r->out.len > CHUNK) {
		(void)fwrite(r->out.data, 1, r->out.len, stdout);
		buf_clear(&r->out);
	}
}

static void take_bytes(struct reading *r, const char *p, size_t n)
{
	const char *end = p + n, *lf;

	if (r->rest.len) {
		lf = memchr(p, '\n', n);
		buf_add(&r->rest, p, lf ? (size_t)(lf - p) : n);
		if (!lf)
			return;
		take_line(r, r->rest.data, r->rest.len);
		buf_clear(&r->rest);
		p = lf + 1;
	}
	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p)))) {
		take_line(r, p, (size_t)(lf - p));
		p = lf + 1;
	}
	buf_add(&r->rest, p, (size_t)(end - p));
}

/* To the end as it is now. */
static int drain(struct reading *r, int fd)
{
	char *chunk = mem_alloc(CHUNK);
	ssize_t n;

	while ((n = read(fd, chunk, CHUNK)) != 0) {
		if (n > 0)
			take_bytes(r, chunk, (size_t)n);
		else if (errno != EINTR)
			break;
	}
	free(chunk);
	(void)fwrite(buf_text(&r->out), 1, r->out.len, stdout);
	buf_clear(&r->out);
	(void)fflush(stdout);
	return n < 0 ? ctl_fail(CTL_FINDINGS, "cannot read '%s': %s", r->name, strerror(errno)) : CTL_OK;
}

/* ---- older files ---- */

/* The time of the first line; INT64_MAX when there is none. */
static int64_t first_ts(const char *path)
{
	static const struct log_filter all = { 0 };
	FILE *f = fopen(path, "re");
	struct log_seen seen;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = f ? getline(&line, &cap, f) : -1;
	int64_t ts = INT64_MAX;

	if (n > 0 && log_line(&all, line, (size_t)n, &seen, false, NULL) != LOG_BAD)
		ts = seen.ts;
	free(line);
	if (f)
		(void)fclose(f);
	return ts;
}

/* How many of path.1, path.2 ... are to be read before path: while the younger one begins behind `since` (without it:
 * behind the beginning of time, when something is looked for), or is empty: just rotated. */
static int older_count(const struct reading *r, const char *path)
{
	const struct log_filter *f = &r->filter;
	bool looks = f->contact || f->sequence || f->event_n;
	int k = 0;

	for (int64_t first = first_ts(path); k < OLDER_MAX; k++) {
		char *older = mem_printf("%s.%d", path, k + 1);
		bool needed = first == INT64_MAX || (f->since ? first > f->since : looks);
		bool there = needed && access(older, R_OK) == 0;

		if (there)
			first = first_ts(older);
		free(older);
		if (!there)
			break;
	}
	return k;
}

static int read_older(struct reading *r, const char *path)
{
	int rc = CTL_OK;

	for (int k = older_count(r, path); k > 0; k--) {
		char *older = mem_printf("%s.%d", path, k);
		int fd = open(older, O_RDONLY | O_CLOEXEC);

		r->name = older;
		r->line = 0;
		if (fd >= 0) {
			if (drain(r, fd) != CTL_OK)
				rc = CTL_FINDINGS;
			(void)close(fd);
		}
		buf_clear(&r->rest); /* a torn tail */
		free(older);
	}
	r->name = path;
	r->line = 0;
	return rc;
}

/* ---- follow ---- */

static void anew(struct reading *r)
{
	buf_clear(&r->rest);
	r->line = 0;
	r->again = r->seq;
}

/* Another file stands under the name: the old one is read to its end first, since the daemon wrote there until the new
 * one was. */
static int follow_switch(struct reading *r, const char *path, int fd)
{
	struct stat old, now;
	int next;

	if (fstat(fd, &old) < 0 || stat(path, &now) < 0)
		return fd;
	if (old.st_ino == now.st_ino && old.st_dev == now.st_dev) {
		if (lseek(fd, 0, SEEK_CUR) > now.st_size) { /* cut: a torn tail, or copytruncate */
			(void)lseek(fd, 0, SEEK_SET);
			anew(r);
		}
		return fd;
	}
	(void)drain(r, fd);
	next = open(path, O_RDONLY | O_CLOEXEC);
	if (next < 0)
		return fd;
	(void)close(fd);
	anew(r);
	return next;
}

static bool reader_gone(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	return poll(&p, 1, FOLLOW_MS) > 0 && (p.revents & (POLLERR | POLLNVAL));
}

/* Until a signal, or until nobody reads what is printed. */
static int follow(struct reading *r, const char *path, int fd)
{
	int rc = CTL_OK;

	while (rc == CTL_OK && !ferror(stdout) && !reader_gone()) {
		fd = follow_switch(r, path, fd);
		rc = drain(r, fd);
	}
	(void)close(fd);
	return rc;
}

/* ---- the command ---- */

/* An instant, a date, or a duration back from now. */
static int since_parse(const char *s, int64_t *out, struct err *e)
{
	struct duration d;
	struct clock now;

	if (clock_parse(s, out, e) == 0)
		return 0;
	if (duration_parse(s, &d, NULL) < 0 || d.business_days)
		return -1;
	clock_init_real(&now);
	*out = clock_now(&now) - d.ms;
	return 0;
}

static int filter_take(struct reading *r)
{
	const struct ctl *c = r->ctl;
	const char *since = ctl_value(c, "since"), *contact = ctl_value(c, "contact");
	struct err e = { "" };

	if (since && since_parse(since, &r->filter.since, &e) < 0)
		return ctl_usage(c, "log: --since: %s; or a duration back from now, such as 36h", e.text);
	if (contact && !strncmp(contact, "hash:", 5))
		r->filter.contact = contact;
	else if (contact && mailaddr_parse(contact, r->contact, &e) < 0)
		return ctl_usage(c, "log: --contact: %s", e.text);
	else if (contact)
		r->filter.contact = r->contact;
	r->filter.sequence = ctl_value(c, "sequence");
	r->event = mem_array((size_t)c->given_n + 1, sizeof *r->event);
	for (int i = 0; i < c->given_n; i++) {
		if (strcmp(c->given[i].option->name, "event") != 0)
			continue;
		if (event_type_find(c->given[i].value) == EVENT_TYPE_COUNT)
			return ctl_usage(c, "log: --event: there is no event '%s'", c->given[i].value);
		r->event[r->filter.event_n++] = c->given[i].value;
	}
	r->filter.event = r->event;
	return CTL_OK;
}

static int read_log(struct reading *r, const char *path)
{
	bool following = ctl_flag(r->ctl, "follow"), in = !strcmp(path, "-");
	int rc = in ? CTL_OK : read_older(r, path);
	int fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char *rotated = mem_printf("%s.1", path);

	r->name = in ? "(stdin)" : path;
	while (fd < 0 && errno == ENOENT && following && access(rotated, F_OK) == 0 && !reader_gone())
		fd = open(path, O_RDONLY | O_CLOEXEC); /* rotated, and not reopened yet */
	if (fd < 0) {
		/* Between logrotate's rename and the daemon's reopening there is only path.1. */
		if (errno != ENOENT || access(rotated, R_OK) < 0)
			rc = ctl_fail(CTL_FINDINGS, "cannot open '%s': %s", path, strerror(errno));
	} else {
		int got = drain(r, fd);

		rc = got != CTL_OK ? got : rc;
		if (following && !in && got == CTL_OK)
			rc = follow(r, path, fd);
		else
			(void)close(fd);
	}
	free(rotated);
	return r->bad ? CTL_FINDINGS : rc;
}

int cmd_log(struct ctl *c)
{
	struct reading r = { .ctl = c };
	struct buf path = { 0 };
	struct err e = { "" };
	int rc = filter_take(&r);

	if (rc != CTL_OK)
		goto out;
	if (c->arg_n)
		buf_str(&path, c->arg[0]);
	else if (setting_find(c, "log", "path", LOG_DEFAULT, &path, &e) < 0) {
		rc = ctl_fail(CTL_FINDINGS, "%s", e.text);
		goto out;
	}
	rc = read_log(&r, buf_text(&path));
out:
	buf_free(&path);
	buf_free(&r.rest);
	buf_free(&r.out);
	free(r.event);
	return rc;
}
