/* abvctl backup: fetches a copy of the store from the daemon, piece by piece (src/web/verb_backup.c tells why), into FILE.part; that is
 * synced, examined, and only then gets its name. What stands at FILE stays until then, and altogether without --force. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "abv/folder.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "abv/store.h"
#include "client_int.h"

#define LOOK_MS 50
#define BAR     30

struct backup {
	struct ctl *ctl;
	struct client *client;
	const char *path;
	char *part; /* owned */
	int fd;
	long long id, bytes;
	bool bar;
	int bad; /* findings */
	int rc;  /* of a failure */
};

static void bar_draw(const struct backup *b, const char *what, long long done, long long of)
{
	int full = of > 0 ? (int)(done * BAR / of) : 0;

	if (b->bar)
		(void)fprintf(stderr, "\r[%.*s%*s] %3d%%  %s", full, "==============================", BAR - full, "",
			      of > 0 ? (int)(done * 100 / of) : 0, what);
}

static void bar_end(const struct backup *b)
{
	if (b->bar)
		(void)fprintf(stderr, "\r%60s\r", "");
}

/* The daemon's answer; NULL: told. */
static json_t *ask(struct backup *b, const char *action, long long offset)
{
	struct buf q = { 0 };
	struct err e = { "" };
	json_t *answer = NULL;
	int status;

	buf_char(&q, '{');
	json_add_str(&q, "action", action);
	if (b->id)
		json_add_int(&q, "id", b->id);
	if (offset >= 0)
		json_add_int(&q, "offset", offset);
	buf_char(&q, '}');
	status = client_call(b->client, "backup", buf_text(&q), q.len, &answer, &e);
	buf_free(&q);
	if (status == 200)
		return answer;
	bar_end(b);
	b->rc = ctl_fail(status < 0 ? CTL_UNREACHABLE : CTL_FINDINGS, "%s", status < 0 ? e.text : json_text(answer, "error"));
	json_decref(answer);
	return NULL;
}

/* ---- the pieces ---- */

static int digit_of(char c)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digit, c) : NULL;

	return p ? (int)(p - digit) : -1;
}

/* Decoded in place; the number of bytes, -1: it is no base64. */
static ssize_t base64(const char *text, struct buf *out)
{
	buf_clear(out);
	for (; *text; text += 4) {
		int a = digit_of(text[0]), b = a < 0 ? -1 : digit_of(text[1]), c = b < 0 ? -1 : digit_of(text[2]);
		int d = b < 0 || !text[2] ? -1 : digit_of(text[3]);
		unsigned v;

		if (b < 0 || (c < 0 && text[2] != '=') || (d < 0 && text[3] != '='))
			return -1;
		v = (unsigned)a << 18 | (unsigned)b << 12 | (unsigned)(c < 0 ? 0 : c) << 6 | (unsigned)(d < 0 ? 0 : d);
		buf_char(out, (char)(v >> 16));
		if (c >= 0)
			buf_char(out, (char)(v >> 8));
		if (d >= 0)
			buf_char(out, (char)v);
	}
	return (ssize_t)out->len;
}

static int put(const struct backup *b, const struct buf *p)
{
	size_t done = 0;
	ssize_t n;

	while (done < p->len) {
		n = write(b->fd, p->data + done, p->len - done);
		if (n < 0 && errno != EINTR)
			return ctl_fail(-1, "cannot write '%s': %s", b->part, strerror(errno));
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int fetch(struct backup *b)
{
	struct buf bytes = { 0 };
	long long at = 0;
	int rc = 0;

	while (rc == 0 && at < b->bytes) {
		json_t *answer = ask(b, "read", at);
		ssize_t n = answer ? base64(json_text(answer, "data"), &bytes) : -1;

		if (n <= 0)
			rc = answer ? ctl_fail(-1, "abvd sent what is no piece of a store") : -1;
		else
			rc = put(b, &bytes);
		at += n > 0 ? n : 0;
		bar_draw(b, "fetching", at, b->bytes);
		json_decref(answer);
	}
	buf_free(&bytes);
	return rc;
}

static int copy(struct backup *b)
{
	json_t *answer = ask(b, "start", -1);

	if (!answer)
		return -1;
	b->id = json_number(answer, "id");
	json_decref(answer);
	while (!b->bytes) {
		(void)nanosleep(&(struct timespec){ 0, LOOK_MS * 1000000L }, NULL);
		answer = ask(b, "look", -1);
		if (!answer)
			return -1;
		bar_draw(b, "copying", json_number(answer, "done"), json_number(answer, "pages"));
		b->bytes = json_number(answer, "bytes");
		json_decref(answer);
	}
	if (fetch(b))
		return -1;
	json_decref(ask(b, "end", -1));
	return 0;
}

/* ---- the file ---- */

static void finding(void *arg, const char *text)
{
	struct backup *b = arg;

	b->bad++;
	(void)ctl_fail(0, "%s: %s", b->path, text);
}

static int examine(struct backup *b, struct store_facts *facts)
{
	struct store_file *f = NULL;
	struct err e = { "" };

	bar_draw(b, "checking", 0, 0);
	if (store_file_open(b->part, false, &f, &e) != STORE_OK || store_file_facts(f, facts, &e)) {
		store_file_close(&f);
		return ctl_fail(-1, "the copy cannot be used: %s", e.text);
	}
	store_file_check(f, false, finding, b);
	store_file_close(&f);
	bar_end(b);
	return b->bad ? ctl_fail(-1, "the copy is as damaged as the store it is of; see `abvctl doctor`. It was not kept") : 0;
}

static int name_it(const struct backup *b, bool force)
{
	struct err e = { "" };
	int rc;

	/* link, not rename: a file that came to stand there meanwhile stays */
	rc = force ? rename(b->part, b->path) : link(b->part, b->path);
	if (rc)
		rc = ctl_fail(-1, "cannot make '%s': %s", b->path, strerror(errno));
	else if (!force)
		(void)unlink(b->part);
	if (!rc && folder_sync(b->path, &e))
		rc = ctl_fail(-1, "cannot sync the folder of '%s': %s", b->path, e.text);
	return rc;
}

static void tell(const struct backup *b, const struct store_facts *facts)
{
	struct buf out = { 0 };

	if (b->ctl->json) {
		buf_char(&out, '{');
		json_add_str(&out, "file", b->path);
		json_add_int(&out, "bytes", b->bytes);
		json_add_int(&out, "contacts", facts->contacts);
		json_add_int(&out, "events", facts->event_last);
		buf_char(&out, '}');
	} else {
		out_clean(&out, b->path);
		buf_printf(&out, ": %lld.%lld MB, %lld contacts, up to seq %lld of the engagement log; checked", b->bytes / 1000000,
			   b->bytes / 100000 % 10, (long long)facts->contacts, (long long)facts->event_last);
	}
	(void)puts(buf_text(&out));
	buf_free(&out);
}

int cmd_backup(struct ctl *c)
{
	struct backup b = { .ctl = c, .path = c->arg[0], .fd = -1, .bar = isatty(STDERR_FILENO) == 1, .rc = CTL_FINDINGS };
	struct store_facts facts;
	struct err e = { "" };
	bool force = ctl_flag(c, "force");
	bool done = false;

	if (!force && access(b.path, F_OK) == 0)
		return ctl_fail(CTL_FINDINGS, "'%s' is there already; --force replaces it", b.path);
	if (client_open(c, &b.client, &e) < 0)
		return ctl_fail(CTL_UNREACHABLE, "%s", e.text);
	b.part = mem_printf("%s.part", b.path);
	(void)unlink(b.part); /* what an earlier try left */
	b.fd = open(b.part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (b.fd < 0)
		(void)ctl_fail(0, "cannot make '%s': %s", b.part, strerror(errno));
	else if (copy(&b) == 0 && (fsync(b.fd) == 0 || ctl_fail(-1, "cannot sync '%s': %s", b.part, strerror(errno)) == 0) &&
		 examine(&b, &facts) == 0 && name_it(&b, force) == 0)
		done = true;
	if (b.fd >= 0) {
		(void)close(b.fd);
		if (!done)
			(void)unlink(b.part);
	}
	if (done)
		tell(&b, &facts);
	client_close(&b.client);
	free(b.part);
	return done ? CTL_OK : b.rc;
}
