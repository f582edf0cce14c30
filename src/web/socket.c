/* The socket's file. It appears under its name only when it listens, with the group's rights and nobody else's; a file
 * that a crash left is replaced, one that a living process listens on is not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "abv/mem.h"
#include "control_int.h"

#define BACKLOG     4096 /* a crowd waits here, in the kernel, instead of being turned away */
#define SOCKET_MASK 0117 /* rw-rw---- */

static int address_of(const char *path, struct sockaddr_un *out, struct err *e)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(out->sun_path))
		return err_set(e, "%s: longer than a socket's path may be (%zu bytes)", path,
			       sizeof(out->sun_path) - 1);
	memcpy(out->sun_path, path, strlen(path));
	return 0;
}

/* 0 when nobody listens there. */
static int check_free(const char *path, struct err *e)
{
	struct sockaddr_un at;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : err_set(e, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, "%s: something that is no socket stands there", path);
	if (address_of(path, &at, e))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, "socket: %s", strerror(errno));
	rc = connect(fd, (const struct sockaddr *)&at, sizeof(at));
	rc = !rc || errno == EAGAIN ? err_set(e, "%s: another process listens there", path) : 0;
	close(fd);
	return rc;
}

static int bind_masked(int fd, const struct sockaddr_un *at)
{
	mode_t was = umask(SOCKET_MASK);
	int rc = bind(fd, (const struct sockaddr *)at, sizeof(*at));

	umask(was);
	return rc;
}

int socket_listen(const char *path, struct err *e)
{
	char *fresh = mem_printf("%s.new", path);
	struct sockaddr_un at;
	int fd = -1;

	if (address_of(fresh, &at, e) || check_free(path, e))
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err_set(e, "socket: %s", strerror(errno));
		goto out;
	}
	(void)unlink(fresh);
	if (bind_masked(fd, &at) || listen(fd, BACKLOG) || rename(fresh, path)) {
		err_set(e, "%s: %s", path, strerror(errno));
		(void)unlink(fresh);
		close(fd);
		fd = -1;
	}
out:
	free(fresh);
	return fd;
}
