/* Bad rows are written beside the file that is to hold them, and take its place at the end, when there are any: an
 * import that fails early, or finds nothing wrong, leaves alone what stood there. What is no regular file (a terminal,
 * a pipe) is written as it is. */
#include "rejects_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/mem.h"

static int rejects_fail(const struct rejects *r, struct err *e)
{
	return err_set(e, "cannot write '%s': %s", r->path, strerror(errno));
}

static mode_t umask_get(void)
{
	mode_t mask = umask(077);

	(void)umask(mask);
	return mask;
}

/* The new file gets the owner and the mode of the one that it replaces. */
static int temporary_open(struct rejects *r, const struct stat *old, struct err *e)
{
	mode_t mode = old ? old->st_mode & 0777 : 0666 & ~umask_get();
	int fd;

	r->temporary = mem_printf("%s.XXXXXX", r->real);
	fd = mkostemp(r->temporary, O_CLOEXEC);
	if (fd < 0) {
		free(r->temporary);
		r->temporary = NULL;
		return rejects_fail(r, e);
	}
	if ((old && fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM) || fchmod(fd, mode) < 0 ||
	    !(r->f = fdopen(fd, "w"))) {
		int rc = rejects_fail(r, e);

		(void)close(fd);
		return rc;
	}
	return 0;
}

int rejects_open(struct rejects *r, struct err *e)
{
	struct stat st;
	bool there;

	if (!r->path || r->f)
		return 0;
	there = stat(r->path, &st) == 0;
	if (there && !S_ISREG(st.st_mode)) {
		r->f = fopen(r->path, "we");
		return r->f ? 0 : rejects_fail(r, e);
	}
	if (there && access(r->path, W_OK) < 0)
		return rejects_fail(r, e);
	r->real = there ? realpath(r->path, NULL) : mem_strdup(r->path); /* through a symbolic link */
	return r->real ? temporary_open(r, there ? &st : NULL, e) : rejects_fail(r, e);
}

int rejects_write(struct rejects *r, const char *p, size_t n, struct err *e)
{
	if (!r->f || !n)
		return 0;
	r->any = true;
	(void)fwrite(p, 1, n, r->f);
	if (p[n - 1] != '\n') /* a CR whose LF belongs to nobody, or the end of the file */
		(void)fputc('\n', r->f);
	return ferror(r->f) ? rejects_fail(r, e) : 0;
}

int rejects_close(struct rejects *r, struct err *e)
{
	int rc = 0;

	if (r->f && fclose(r->f) != 0)
		rc = rejects_fail(r, e);
	if (r->temporary && r->any && rc == 0 && rename(r->temporary, r->real) < 0)
		rc = rejects_fail(r, e);
	if (r->temporary && (!r->any || rc < 0))
		(void)unlink(r->temporary);
	r->f = NULL;
	free(r->temporary);
	free(r->real);
	r->temporary = r->real = NULL;
	return rc;
}
