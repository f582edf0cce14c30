/* A copy of the store while it is in use, by SQLite's backup: pages are read through our one connection, so nothing is locked and nobody
 * waits; what is committed meanwhile goes into the copy too, which so is the store as it was at the last step. After a transaction that
 * was rolled back SQLite begins the copy again, which is rare; a store that cannot commit is not copied for ever. The copy needs no undo
 * of its own: it is nothing before it is whole, and then it is synced. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abv/mem.h"
#include "store_int.h"

#define PAGES_AT_ONCE 32
#define BEGUN_MOST    50

struct store_copy {
	sqlite3 *db; /* NULL: whole */
	sqlite3_backup *backup;
	char *path; /* owned; NULL: whole, and not ours to remove any more */
	int64_t pages, left;
	int begun; /* again */
};

static int copy_error(struct store_copy *c, int rc, struct err *e)
{
	int no = (rc & 0xff) == SQLITE_FULL ? ENOSPC : sqlite3_system_errno(c->db);

	return err_set(e, "%s: %s%s%s", c->path, sqlite3_errstr(rc), no ? ": " : "", no ? strerror(no) : "");
}

int store_copy_begin(struct store *s, const char *path, struct store_copy **out, struct err *e)
{
	struct store_copy *c = mem_alloc(sizeof(*c));
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;

	*out = NULL;
	if (fd < 0) {
		free(c);
		return err_set(e, "%s: %s", path, strerror(errno));
	}
	close(fd);
	c->path = mem_strdup(path);
	rc = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c->db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -512",
				  NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		copy_error(c, rc, e);
		store_copy_free(&c);
		return -1;
	}
	c->backup = sqlite3_backup_init(c->db, "main", s->db, "main");
	if (!c->backup) {
		copy_error(c, sqlite3_errcode(c->db), e);
		store_copy_free(&c);
		return -1;
	}
	*out = c;
	return 0;
}

static int copy_end(struct store_copy *c, struct err *e)
{
	int rc = sqlite3_backup_finish(c->backup), fd, bad;

	c->backup = NULL;
	if (rc != SQLITE_OK)
		return copy_error(c, rc, e);
	sqlite3_close(c->db);
	c->db = NULL;
	fd = open(c->path, O_RDWR | O_CLOEXEC); /* marked, so that nobody starts on it by mistake */
	bad = fd < 0 || pwrite(fd, APPLICATION_BYTES, 4, APPLICATION_AT) != 4 || fsync(fd);
	if (bad)
		err_set(e, "%s: fsync: %s", c->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (bad)
		return -1;
	free(c->path);
	c->path = NULL;
	return 0;
}

int store_copy_step(struct store_copy *c, int64_t ms, struct err *e)
{
	int64_t until = clock_mono() + ms, before;
	int rc;

	do {
		before = c->pages - c->left;
		rc = sqlite3_backup_step(c->backup, PAGES_AT_ONCE);
		c->pages = sqlite3_backup_pagecount(c->backup);
		c->left = sqlite3_backup_remaining(c->backup);
		if (c->pages - c->left <= before && rc == SQLITE_OK && ++c->begun > BEGUN_MOST)
			return err_set(e, "%s: the copy had to begin again too often", c->path);
	} while (rc == SQLITE_OK && clock_mono() < until);
	if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return 1;
	return rc == SQLITE_DONE ? copy_end(c, e) : copy_error(c, rc, e);
}

void store_copy_progress(const struct store_copy *c, int64_t *done, int64_t *total)
{
	*total = c->pages;
	*done = c->pages - c->left;
}

void store_copy_free(struct store_copy **cp)
{
	struct store_copy *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	if (c->backup)
		(void)sqlite3_backup_finish(c->backup);
	if (c->db)
		sqlite3_close(c->db);
	if (c->path)
		(void)unlink(c->path);
	free(c->path);
	free(c);
}
