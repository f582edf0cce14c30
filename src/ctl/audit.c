/* abvctl audit: reads the engagement log's files, the oldest first whatever order they are given in, and prints what
 * the audit finds. Compressed files are named, not read: what they hold is then not known, and never held against
 * anybody. */
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "abv/audit.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "ctl_int.h"

#define CHUNK     ((size_t)1 << 20)
#define BIG_BYTES (INT64_C(16) << 20) /* from here on a terminal shows how far it is */

struct log_file {
	char *path;    /* owned */
	int64_t first; /* seq of its first line; INT64_MAX: it has none */
	int64_t size;
};

struct auditing {
	const struct ctl *ctl;
	struct audit *audit;
	struct log_file *file;
	size_t n;
	int64_t bytes, done; /* of all files */
	int percent;         /* shown last; -1: nothing is shown */
	int rc;
	struct buf out;
};

/* ---- which files ---- */

static bool is_compressed(const char *path)
{
	static const char *const end[] = { ".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z" };
	size_t n = strlen(path);

	for (size_t i = 0; i < sizeof end / sizeof *end; i++)
		if (n > strlen(end[i]) && !strcmp(path + n - strlen(end[i]), end[i]))
			return true;
	return false;
}

static int64_t line_seq(const char *line, size_t n)
{
	json_t *json = json_loadb(line, n, 0, NULL);
	int64_t seq = json_integer_value(json_object_get(json, "seq"));

	json_decref(json);
	return seq;
}

/* seq of the first line that has one. */
static int64_t first_seq(FILE *f)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int64_t seq = 0;

	while (!seq && (n = getline(&line, &cap, f)) > 0)
		seq = line_seq(line, (size_t)n);
	free(line);
	return seq > 0 ? seq : INT64_MAX;
}

static void file_add(struct auditing *g, const char *path, bool asked)
{
	struct log_file f = { .path = NULL, .first = 0 };
	struct stat st = { 0 };
	FILE *in;

	if (is_compressed(path)) {
		/* What was named on the command line and is not read leaves the audit undone. */
		int rc = ctl_fail(asked ? CTL_FINDINGS : g->rc, "'%s' is compressed: it is not read", path);

		g->rc = rc;
		return;
	}
	in = fopen(path, "re");
	if (!in || fstat(fileno(in), &st) < 0 || S_ISDIR(st.st_mode)) {
		g->rc = ctl_fail(CTL_FINDINGS, "cannot read '%s': %s", path,
				 in && S_ISDIR(st.st_mode) ? strerror(EISDIR) : strerror(errno));
	} else {
		f.path = mem_strdup(path);
		f.size = st.st_size;
		f.first = S_ISREG(st.st_mode) ? first_seq(in) : INT64_MAX;
		g->bytes += f.size;
		g->file = mem_grow(g->file, g->n + 1, sizeof *g->file);
		g->file[g->n++] = f;
	}
	if (in)
		(void)fclose(in);
}

static int by_first(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* path.N and path-DATE, with what a compressor puts behind. */
static bool is_rotated(const char *name, const char *base)
{
	size_t n = strlen(base);
	const char *p = name + n;

	if (strncmp(name, base, n) != 0 || (*p != '.' && *p != '-') || p[1] < '0' || p[1] > '9')
		return false;
	p += 1 + strspn(p + 1, "0123456789-");
	return *p == '\0' || (*p == '.' && is_compressed(name));
}

/* The configuration's log with its rotated files. Between logrotate's rename and the daemon's reopening there may be
 * rotated files alone. */
static void files_of_config(struct auditing *g, const char *path)
{
	char *one = mem_strdup(path), *two = mem_strdup(path);
	const char *dir = dirname(one), *base = basename(two);
	DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		char *whole = mem_printf("%s/%s", dir, e->d_name);

		if (is_rotated(e->d_name, base))
			file_add(g, whole, false);
		free(whole);
	}
	if (d)
		(void)closedir(d);
	if (!g->n || access(path, F_OK) == 0)
		file_add(g, path, true);
	free(one);
	free(two);
}

/* ---- reading ---- */

static void progress(struct auditing *g, size_t more)
{
	int percent;

	g->done += (int64_t)more;
	if (g->percent < 0)
		return;
	percent = (int)(g->done * 100 / (g->bytes + 1));
	if (percent == g->percent)
		return;
	g->percent = percent;
	(void)fprintf(stderr, "\r[%-50.*s] %3d %%", percent / 2, "##################################################",
		      percent);
	(void)fflush(stderr);
}

static void progress_end(const struct auditing *g)
{
	if (g->percent >= 0)
		(void)fprintf(stderr, "\r%60s\r", "");
}

/* The newest file may end in a line that is being written. */
static void tail_take(struct auditing *g, const char *path, int64_t line, const struct buf *rest, bool newest)
{
	json_t *json = json_loadb(buf_text(rest), rest->len, 0, NULL);

	if (json || !newest)
		audit_line(g->audit, path, line, buf_text(rest), rest->len);
	json_decref(json);
}

static void file_read(struct auditing *g, const char *path, bool newest)
{
	FILE *f = fopen(path, "re");
	char *chunk = mem_alloc(CHUNK);
	struct buf rest = { 0 };
	int64_t line = 0;
	size_t n;

	while (f && (n = fread(chunk, 1, CHUNK, f)) > 0) {
		const char *p = chunk, *end = chunk + n, *lf;

		for (; (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1) {
			if (rest.len) {
				buf_add(&rest, p, (size_t)(lf - p));
				audit_line(g->audit, path, ++line, rest.data, rest.len);
				buf_clear(&rest);
			} else {
				audit_line(g->audit, path, ++line, p, (size_t)(lf - p));
			}
		}
		buf_add(&rest, p, (size_t)(end - p));
		progress(g, n);
	}
	if (rest.len)
		tail_take(g, path, line + 1, &rest, newest);
	if (!f || ferror(f))
		g->rc = ctl_fail(CTL_FINDINGS, "cannot read '%s': %s", path, strerror(errno));
	if (f)
		(void)fclose(f);
	buf_free(&rest);
	free(chunk);
}

/* ---- what is printed ---- */

static void violation(void *arg, const struct audit_violation *v)
{
	struct auditing *g = arg;
	struct buf *b = &g->out;

	if (g->ctl->json) {
		buf_char(b, '{');
		json_add_str(b, "file", v->file);
		json_add_int(b, "line", v->line);
		if (v->seq)
			json_add_int(b, "seq", v->seq);
		json_add_str(b, "rule", v->rule);
		json_add_str(b, "text", v->text);
		buf_str(b, "}\n");
	} else {
		out_clean(b, v->file);
		buf_printf(b, ":%lld: ", (long long)v->line);
		out_colour(b, g->ctl->colour, "31;1", v->rule);
		buf_str(b, ": ");
		out_clean(b, v->text);
		buf_char(b, '\n');
	}
	if (b->len < CHUNK)
		return;
	(void)fwrite(b->data, 1, b->len, stdout);
	buf_clear(b);
}

static void sum_json(const struct auditing *g, const struct audit_sum *s, struct buf *b)
{
	buf_char(b, '{');
	json_add_int(b, "files", (int64_t)g->n);
	json_add_int(b, "lines", s->lines);
	json_add_int(b, "first_seq", s->first_seq);
	json_add_int(b, "touches", s->touches);
	json_add_int(b, "contacts", s->contacts);
	json_add_int(b, "accounts", s->accounts);
	json_add_int(b, "unjudged", s->unjudged);
	json_add_int(b, "violations", s->violations);
	buf_str(b, "}\n");
}

static void count(struct buf *b, int64_t n, const char *one, const char *many)
{
	buf_printf(b, "%lld %s", (long long)n, n == 1 ? one : many);
}

static void sum_text(const struct auditing *g, const struct audit_sum *s, struct buf *b)
{
	if (s->violations > AUDIT_TOLD_MAX)
		buf_printf(b, "%lld more violations are not told\n", (long long)(s->violations - AUDIT_TOLD_MAX));
	if (s->first_seq > 1)
		buf_printf(b, "note: the log begins with seq %lld; what was before is not known\n",
			   (long long)s->first_seq);
	if (s->unjudged) {
		buf_str(b, "note: ");
		count(b, s->unjudged, "touch was", "touches were");
		buf_str(b,
			" made under another policy than this configuration's: caps, windows and order are not judged "
			"there\n");
	}
	if (s->violations)
		count(b, s->violations, "violation", "violations");
	else
		buf_str(b, g->rc != CTL_OK				      ? "no violation in what was read"
			   : s->unjudged || !s->touches || s->first_seq > 1 ? "no violation in what was judged"
									    : "OK: every rule held");
	buf_str(b, "; ");
	count(b, s->lines, "line", "lines");
	buf_str(b, ", ");
	count(b, s->touches, "touch", "touches");
	buf_str(b, " to ");
	count(b, s->contacts, "contact", "contacts");
	buf_str(b, " at ");
	count(b, s->accounts, "account\n", "accounts\n");
}

/* ---- the command ---- */

static struct config *config_of(const struct ctl *c)
{
	struct problems problems = { 0 };
	struct config *config = NULL;
	struct buf b = { 0 };

	if (config_load(ctl_config_path(c), &config, &problems) != 0) {
		for (size_t i = 0; i < problems.n; i++) {
			if (problems.row[i].severity != SEVERITY_ERROR)
				continue;
			buf_clear(&b);
			problem_format(&problems.row[i], &b);
			(void)fprintf(stderr, "%s\n", buf_text(&b));
		}
		(void)ctl_fail(CTL_FINDINGS, "the configuration has errors: nothing can be judged by it");
	}
	buf_free(&b);
	problems_free(&problems);
	return config;
}

static void judge(struct auditing *g, const struct config *config)
{
	struct audit_sum sum;

	g->audit = audit_new(config);
	for (size_t i = 0; i < g->n; i++)
		file_read(g, g->file[i].path, i + 1 == g->n);
	progress_end(g);
	audit_end(g->audit, violation, g, &sum);
	audit_free(&g->audit);
	if (g->ctl->json)
		sum_json(g, &sum, &g->out);
	else
		sum_text(g, &sum, &g->out);
	(void)fwrite(buf_text(&g->out), 1, g->out.len, stdout);
	if (sum.violations)
		g->rc = CTL_FINDINGS;
}

int cmd_audit(struct ctl *c)
{
	struct auditing g = { .ctl = c, .percent = -1, .rc = CTL_OK };
	struct config *config = config_of(c);

	if (!config)
		return CTL_FINDINGS;
	for (int i = 0; i < c->arg_n; i++)
		file_add(&g, c->arg[i], true);
	if (!c->arg_n)
		files_of_config(&g, config->log_path);
	if (g.n > 1)
		qsort(g.file, g.n, sizeof *g.file, by_first);
	if (g.bytes >= BIG_BYTES && isatty(STDERR_FILENO))
		g.percent = 0;
	if (g.n)
		judge(&g, config);
	for (size_t i = 0; i < g.n; i++)
		free(g.file[i].path);
	free(g.file);
	buf_free(&g.out);
	config_free(&config);
	return g.rc;
}
