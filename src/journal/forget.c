/* Taking a person out of the log's files. Kept is what the audit needs of anybody and nobody can be known by: ids,
 * times, figures, our own words, time zone and consent. Everything else in a line of that contact goes: members that
 * this version does not know are personal until somebody says otherwise.
 *
 * A file is replaced as a whole by a temporary one (fsync, rename): at any crash there is the old or the new. Lines
 * keep their number and their order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/folder.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "journal_int.h"

#define WRITE_AT (256 * 1024)

struct forgetting {
	struct journal *j;
	const char *address, *hash;
	struct buf needle; /* `"contact":"address"` as a line has it */
	struct buf *left;
};

/* ---- one line ---- */

static bool is_word(const char *s)
{
	return s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz_0123456789")] == '\0';
}

static bool may_stay(const char *key, const json_t *value)
{
	static const char *const always[] = { "seq",        "ts",      "event",     "account",   "sequence",
					      "step",       "kind",    "touch",     "until",     "permanent",
					      "status",     "content", "smtp_code", "handed_at", "message_id",
					      "consent_at", "timezone" };
	static const char *const words[] = { "reason", "via", "consent", "resolution" };

	if (json_is_object(value) || json_is_array(value))
		return false;
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		if (!strcmp(key, always[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(key, words[i]))
			return is_word(json_string_value(value));
	}
	return false;
}

static void add_member(struct buf *b, const char *key, json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	json_add_raw(b, key, text);
	free(text);
}

/* The line without its newline; it is added as it is when it is not the person's. */
static void line_forget(const struct forgetting *f, const char *line, size_t n, struct buf *out)
{
	json_t *root = json_loadb(line, n, 0, NULL), *value;
	const char *contact = json_string_value(json_object_get(root, "contact")), *key;

	if (!contact || strcmp(contact, f->address) != 0) {
		buf_add(out, line, n);
		json_decref(root);
		return;
	}
	buf_char(out, '{');
	json_object_foreach (root, key, value) {
		if (!strcmp(key, "contact"))
			json_add_str(out, key, f->hash);
		else if (may_stay(key, value))
			add_member(out, key, value);
	}
	buf_char(out, '}');
	json_decref(root);
}

static bool has_person(const struct forgetting *f, const char *line, size_t n)
{
	return memmem(line, n, f->needle.data, f->needle.len) != NULL;
}

/* ---- one file ---- */

static int write_all(int fd, struct buf *b)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->len) {
		n = write(fd, b->data + done, b->len - done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	buf_clear(b);
	return 0;
}

/* 1 the file has lines of the person, 0 not, -1 errno */
static int file_looks(const struct forgetting *f, FILE *in)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int found = 0;

	while (!found && (n = getline(&line, &cap, in)) > 0)
		found = has_person(f, line, (size_t)n);
	free(line);
	return ferror(in) ? -1 : found;
}

static int file_copy(const struct forgetting *f, FILE *in, int out)
{
	struct buf b = { 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	rewind(in);
	while (!rc && (n = getline(&line, &cap, in)) > 0) {
		if (line[n - 1] == '\n' && has_person(f, line, (size_t)n)) {
			line_forget(f, line, (size_t)n - 1, &b);
			buf_char(&b, '\n');
		} else {
			buf_add(&b, line, (size_t)n);
		}
		if (b.len >= WRITE_AT)
			rc = write_all(out, &b);
	}
	if (!rc)
		rc = ferror(in) ? -1 : write_all(out, &b);
	buf_free(&b);
	free(line);
	return rc;
}

/* The same rights as the file had; the owner as far as we may. */
static int temp_make(const char *temp, const struct stat *st)
{
	int fd;

	(void)unlink(temp);
	fd = open(temp, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 0777);
	if (fd >= 0 && fchown(fd, st->st_uid, st->st_gid) && fchown(fd, (uid_t)-1, st->st_gid))
		errno = 0; /* not root: it stays ours */
	return fd;
}

/* The new file is in place; when the old one was the one we write to, it takes over. */
static void take_over(struct journal *j, const struct stat *old, int *fd)
{
	struct stat ours, now;

	if (fstat(j->fd, &ours) || ours.st_dev != old->st_dev || ours.st_ino != old->st_ino)
		return;
	close(j->fd);
	j->fd = *fd;
	*fd = -1;
	if (!fstat(j->fd, &now)) {
		j->synced_size = now.st_size;
		j->synced = j->seq; /* it was written with an fsync as a whole */
	}
}

static int file_forget(struct forgetting *f, const char *path, const char *temp, struct err *e)
{
	FILE *in = fopen(path, "re");
	struct stat st;
	int fd = -1, rc = -1, found;

	if (!in || fstat(fileno(in), &st))
		goto failed;
	found = file_looks(f, in);
	if (found <= 0) {
		rc = found;
		goto failed;
	}
	fd = temp_make(temp, &st);
	if (fd < 0 || file_copy(f, in, fd) || fsync(fd) || rename(temp, path))
		goto failed;
	rc = 0;
	take_over(f->j, &st, &fd);
failed:
	if (rc) {
		err_set(e, "%s: cannot take the person out of it: %s", path, strerror(errno));
		(void)unlink(temp);
	}
	if (fd >= 0)
		close(fd);
	if (in)
		(void)fclose(in);
	return rc;
}

/* ---- all files ---- */

/* logrotate's names: base, base.N, base-DATE; with anything more (.gz, .xz, .zst ...) it is compressed or a copy. */
enum file_kind journal_file_kind(const char *dir, const char *name, const char *base)
{
	size_t n = strlen(base);
	struct stat st;
	char *path;
	bool file;

	if (strncmp(name, base, n) != 0)
		return FILE_NONE;
	path = mem_printf("%s/%s", dir, name); /* a pipe or a folder with such a name is none of the log's, and opening a pipe would wait */
	file = !stat(path, &st) && S_ISREG(st.st_mode);
	free(path);
	if (!file)
		return FILE_NONE;
	name += n;
	if (!*name)
		return FILE_PLAIN;
	if ((*name != '.' && *name != '-') || !strcmp(name, TEMP_SUFFIX))
		return FILE_NONE;
	return name[1] && name[1 + strspn(name + 1, "0123456789")] == '\0' ? FILE_PLAIN : FILE_LEFT;
}

static int forget_in(struct forgetting *f, const char *dir, const char *name, const char *temp, struct err *e)
{
	const char *slash = strrchr(f->j->path, '/');
	char *path;
	int rc = 0;

	switch (journal_file_kind(dir, name, slash ? slash + 1 : f->j->path)) {
	case FILE_NONE: break;
	case FILE_LEFT:
		if (f->left->len)
			buf_char(f->left, '\n');
		buf_printf(f->left, "%s/%s", dir, name);
		break;
	case FILE_PLAIN:
		path = mem_printf("%s/%s", dir, name);
		rc = file_forget(f, path, temp, e);
		free(path);
		break;
	}
	return rc;
}

int journal_forget(struct journal *j, const char *address, const char *hash, struct buf *left, struct err *e)
{
	struct forgetting f = { .j = j, .address = address, .hash = hash, .left = left };
	char *dir = folder_of(j->path), *temp = mem_printf("%s" TEMP_SUFFIX, j->path);
	struct dirent **entry = NULL;
	int n, rc = 0;

	json_add_str(&f.needle, "contact", address);
	buf_consume(&f.needle, f.needle.data[0] == ',');
	n = journal_cut(j, e) ? 0 : scandir(dir, &entry, NULL, alphasort);
	if (!n)
		rc = -1; /* a directory is never empty: it has its dots */
	else if (n < 0)
		rc = err_set(e, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!rc)
			rc = forget_in(&f, dir, entry[i]->d_name, temp, e);
		free(entry[i]);
	}
	free(entry);
	if (!rc)
		rc = folder_sync(j->path, e);
	buf_free(&f.needle);
	free(temp);
	free(dir);
	return rc;
}
