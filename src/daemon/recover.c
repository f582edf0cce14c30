/* --recover: a backup becomes the store and catches up with the engagement log. Policy: nothing is lost by it. The backup is examined
 * first and copied, the store that stood there is renamed, its write-ahead log with it (SQLite would write that into the backup, whose
 * pages it does not fit), and each step is synced before the next; whatever happens in between, the store is there, or missing beside
 * its log, which no start takes for a new beginning. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/folder.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "abv/replay.h"
#include "daemon_int.h"

#define CHUNK 65536

static void finding(void *arg, const char *text)
{
	log_error("the backup: %s", text);
	++*(int *)arg;
}

/* The backup is whole, and nobody has the store. */
static int examine(const char *backup, const char *store)
{
	struct store_file *f = NULL;
	struct err e = { "" };
	enum store_status st = store_file_open(backup, false, &f, &e);
	int bad = 0;
	if (st == STORE_OK)
		store_file_check(f, false, finding, &bad);
	else
		log_error("the backup cannot be used: %s", e.text);
	store_file_close(&f);
	if (st != STORE_OK || bad > 0)
		return st == STORE_NEWER ? EXIT_CONFIG : EXIT_IO;
	st = store_file_open(store, true, &f, &e);
	store_file_close(&f);
	if (st == STORE_LOCKED)
		log_error("%s: another process holds the store: end it first", store);
	return st == STORE_LOCKED ? EXIT_TEMPFAIL : 0;
}

/* Root may do it; the file must be the service's all the same, whose folder it lies in. */
static int give_to_service(int fd, const char *path)
{
	char *dir = folder_of(path);
	struct stat st;
	int rc = geteuid() == 0 && stat(dir, &st) == 0 ? fchown(fd, st.st_uid, st.st_gid) : 0;
	free(dir);
	return rc;
}

static int copy_bytes(const char *from, const char *to, struct err *e)
{
	char *chunk = mem_alloc(CHUNK);
	int in = open(from, O_RDONLY | O_CLOEXEC), out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640), rc = 0;
	ssize_t n = 0, w;
	while (out >= 0 && rc == 0 && (n = read(in, chunk, CHUNK)) > 0)
		for (ssize_t done = 0; rc == 0 && done < n; done += w) {
			w = write(out, chunk + done, (size_t)(n - done));
			if (w < 0)
				rc = err_set(e, "%s: %s", to, strerror(errno));
		}
	if (in < 0 || n < 0)
		rc = err_set(e, "%s: %s", from, strerror(errno));
	else if (rc == 0 && (out < 0 || give_to_service(out, to) != 0 || fsync(out) != 0))
		rc = err_set(e, "%s: %s", to, strerror(errno));
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	free(chunk);
	return rc;
}

static int move(const char *from, const char *to, struct err *e)
{
	struct stat st;
	if (stat(from, &st) != 0)
		return errno == ENOENT ? 0 : err_set(e, "%s: %s", from, strerror(errno));
	if (rename(from, to) != 0)
		return err_set(e, "%s: %s", from, strerror(errno));
	log_info("kept aside %s as %s", from, to);
	return 0;
}

static int put_in_place(const char *backup, const char *store, struct err *e)
{
	struct clock real;
	clock_init_real(&real);
	long long stamp = (long long)(clock_now(&real) / CLOCK_SECOND);
	char *fresh = mem_printf("%s.recovering", store), *wal = mem_printf("%s-wal", store);
	char *old = mem_printf("%s.before-%lld", store, stamp), *old_wal = mem_printf("%s.before-%lld-wal", store, stamp);
	int rc = copy_bytes(backup, fresh, e);
	/* the store first: its log alone is refused, a store without its log would be an older one */
	if (rc == 0 && (move(store, old, e) != 0 || move(wal, old_wal, e) != 0 || folder_sync(store, e) != 0))
		rc = -1;
	if (rc == 0 && rename(fresh, store) != 0)
		rc = err_set(e, "%s: %s", store, strerror(errno));
	if (rc == 0)
		rc = folder_sync(store, e);
	if (rc != 0)
		(void)unlink(fresh);
	free(fresh);
	free(wal);
	free(old);
	free(old_wal);
	return rc;
}

int recover_file(struct daemon *d)
{
	const char *backup = d->options.recover, *store = d->plan->config->store_path;
	struct stat a, b;
	struct err e = { "" };
	bool there = stat(backup, &a) == 0 && stat(store, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino; /* already */
	int rc = examine(backup, store);
	if (rc == 0 && !there && put_in_place(backup, store, &e) != 0) {
		log_error("the backup cannot be put in the store's place: %s", e.text);
		rc = EXIT_IO;
	}
	if (rc == 0)
		damage_forget(store);
	return rc;
}

int recover_store(struct daemon *d)
{
	struct err e = { "" };
	struct replay_sum n;
	char at[CLOCK_TEXT_MAX];
	if (replay_log(d->store, d->plan, d->plan->config->log_path, &n, &e) != 0) {
		log_error("the store cannot catch up with the engagement log; it stands at seq=%lld: %s", (long long)store_event_last(d->store), e.text);
		return EXIT_IO;
	}
	if (store_adopt(d->store, &e) != 0) {
		log_error("the store has caught up with the engagement log and cannot be marked as the store: %s", e.text);
		return EXIT_IO;
	}
	if (n.to == 0)
		log_warning("the engagement log has nothing beyond the store: what was sent after the backup was made is not known here");
	else
		log_info("the store has caught up with the engagement log from=%lld to=%lld touches=%lld erased_again=%lld", (long long)n.from,
		         (long long)n.to, (long long)n.touches, (long long)n.forgotten);
	if (n.contacts > 0)
		log_warning("contacts were made again with nothing but address, account, time zone and consent: import their lists once more contacts=%lld",
		            (long long)n.contacts);
	log_warning("sending is paused: what left after %s does not stand in the log; compare with the relay's log and hold or suppress whom it names, "
	            "then start abvd and `abvctl resume`", clock_format(n.ends_at != 0 ? n.ends_at : store_newest(d->store), at));
	return 0;
}
