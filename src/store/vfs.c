/* SQLite's way to the files: the system's own, but for the write-ahead log, whose writes are gathered.
 *
 * SQLite writes a frame of the log as 24 bytes and a page, each with a system call: 3.3 a message, a tenth of its time. The frames of
 * a commit lie one behind another, so they are kept here and written as one piece when the log is synced, or read, or the room is full.
 * Nothing is lost by that: before xSync returns, SQLite takes nothing for written that a crash could not take away. A failing write is
 * told where it happens, in xSync at the latest: then the commit fails, and SQLite writes the same frames again. */
#include <string.h>

#include "store_int.h"

#define GATHER_MAX (128 << 10)

struct gather {
	sqlite3_file base; /* first: SQLite's view of it */
	unsigned char *room;
	sqlite3_int64 at; /* in the file, of the first byte gathered */
	int n;
	/* behind it: the system's own file */
};

static sqlite3_file *under(sqlite3_file *f)
{
	return (sqlite3_file *)((struct gather *)f + 1);
}

static int flush(sqlite3_file *f)
{
	struct gather *g = (struct gather *)f;
	int n = g->n;

	g->n = 0; /* also when it fails: the frames belong to a commit that fails, too */
	return n ? under(f)->pMethods->xWrite(under(f), g->room, n, g->at) : SQLITE_OK;
}

static int gather_close(sqlite3_file *f)
{
	int rc = flush(f), rc_close = under(f)->pMethods->xClose(under(f));

	sqlite3_free(((struct gather *)f)->room);
	return rc ? rc : rc_close;
}

static int gather_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at)
{
	const struct gather *g = (struct gather *)f;
	int rc = at < g->at + g->n && at + n > g->at ? flush(f) : SQLITE_OK;

	return rc ? rc : under(f)->pMethods->xRead(under(f), out, n, at);
}

static int gather_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	struct gather *g = (struct gather *)f;

	if (g->n && (at != g->at + g->n || n > GATHER_MAX - g->n)) {
		int rc = flush(f);

		if (rc)
			return rc;
	}
	if (n > GATHER_MAX)
		return under(f)->pMethods->xWrite(under(f), from, n, at);
	if (!g->n)
		g->at = at;
	memcpy(g->room + g->n, from, (size_t)n);
	g->n += n;
	return SQLITE_OK;
}

static int gather_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = flush(f);

	return rc ? rc : under(f)->pMethods->xTruncate(under(f), size);
}

static int gather_sync(sqlite3_file *f, int flags)
{
	int rc = flush(f);

	return rc ? rc : under(f)->pMethods->xSync(under(f), flags);
}

static int gather_size(sqlite3_file *f, sqlite3_int64 *out)
{
	int rc = flush(f);

	return rc ? rc : under(f)->pMethods->xFileSize(under(f), out);
}

static int gather_lock(sqlite3_file *f, int level)
{
	return under(f)->pMethods->xLock(under(f), level);
}

static int gather_unlock(sqlite3_file *f, int level)
{
	return under(f)->pMethods->xUnlock(under(f), level);
}

static int gather_reserved(sqlite3_file *f, int *out)
{
	return under(f)->pMethods->xCheckReservedLock(under(f), out);
}

static int gather_control(sqlite3_file *f, int op, void *arg)
{
	return under(f)->pMethods->xFileControl(under(f), op, arg);
}

static int gather_sector(sqlite3_file *f)
{
	return under(f)->pMethods->xSectorSize(under(f));
}

static int gather_characteristics(sqlite3_file *f)
{
	return under(f)->pMethods->xDeviceCharacteristics(under(f));
}

static const sqlite3_io_methods gather_methods = {
	.iVersion = 1, /* no shared memory, no mapping: those are the database file's */
	.xClose = gather_close,
	.xRead = gather_read,
	.xWrite = gather_write,
	.xTruncate = gather_truncate,
	.xSync = gather_sync,
	.xFileSize = gather_size,
	.xLock = gather_lock,
	.xUnlock = gather_unlock,
	.xCheckReservedLock = gather_reserved,
	.xFileControl = gather_control,
	.xSectorSize = gather_sector,
	.xDeviceCharacteristics = gather_characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	sqlite3_vfs *system = vfs->pAppData;
	struct gather *g = (struct gather *)f;
	int rc;

	if (!(flags & SQLITE_OPEN_WAL))
		return system->xOpen(system, name, f, flags, out_flags);
	*g = (struct gather){ .room = sqlite3_malloc(GATHER_MAX) };
	if (!g->room)
		return SQLITE_NOMEM;
	rc = system->xOpen(system, name, under(f), flags, out_flags);
	if (rc)
		sqlite3_free(g->room);
	else
		g->base.pMethods = &gather_methods;
	return rc;
}

const char *store_vfs(void)
{
	static sqlite3_vfs vfs;
	sqlite3_vfs *system = sqlite3_vfs_find(NULL);

	if (vfs.zName || !system)
		return vfs.zName;
	vfs = *system;
	vfs.pNext = NULL;
	vfs.zName = "abvd";
	vfs.pAppData = system;
	vfs.szOsFile = system->szOsFile + (int)sizeof(struct gather);
	vfs.xOpen = vfs_open;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		vfs.zName = NULL;
	return vfs.zName;
}
