/* rooms: base model render */
/* Any template text with any values. What loads renders to the same bytes twice, holds no mark and no control
 * character, and values add no tag, no attribute and no line to the subject: with every value replaced by "x" the HTML
 * has as many '<', '>' and '"'. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abv/render.h"

static char dir[] = "/tmp/abv-fuzz-XXXXXX";
static struct template_layout *layout;

static void clean_up(void)
{
	char path[64];
	snprintf(path, sizeof path, "%s/t.md", dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/p.md", dir);
	unlink(path);
	rmdir(dir);
	template_layout_free(&layout);
}

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

struct input {
	const char *part[8]; /* template, partial, six values */
	bool plain;          /* "x" for every value */
};

static const char *get(void *arg, const char *name)
{
	const struct input *in = arg;
	unsigned h = 0;
	for (const char *p = name; *p != '\0'; p++)
		h = h * 31 + (unsigned char)*p;
	const char *s = in->part[2 + h % 6];
	bool blank = true;
	/* Which values count as missing must not change with `plain`; control characters alone are for the unit tests.
	 */
	for (const char *p = s; *p != '\0'; p++)
		blank = blank && (unsigned char)*p <= '@';
	return blank ? NULL : in->plain ? "x" : s;
}

static void write_file(const char *name, const char *text, size_t n)
{
	char path[64];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	check(f != NULL && fwrite(text, 1, n, f) == n && fclose(f) == 0, "the temporary directory");
}

static void text_check(const struct buf *b, bool one_line)
{
	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];
		check(c >= ' ' || (!one_line && (c == '\n' || c == '\t')), "a control character");
		check(c != 0x7f && (c != 0xc2 || (unsigned char)b->data[i + 1] >= 0xa0), "a control character");
		check(c != 0xf4, "a mark");
	}
}

static size_t count(const struct buf *b, char c)
{
	size_t n = 0;
	for (size_t i = 0; i < b->len; i++)
		n += b->data[i] == c;
	return n;
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(buf_text(a), buf_text(b), a->len) == 0;
}

static void letter_check(struct template *t, struct input *in)
{
	static const struct render_frame f = { "Postal & address", "Why <you>", "mailto:u@example.com?subject=a&b=c" };
	struct render_values v = { get, in };
	struct rendered a = { 0 }, b = { 0 };
	const char *missing;
	struct err e = { "" };
	int r = template_render(t, &v, &f, &a, &missing, &e);

	check(r == template_render(t, &v, &f, &b, &missing, &e), "the same answer twice");
	if (r == 0) {
		check(same(&a.subject, &b.subject) && same(&a.text, &b.text) && same(&a.html, &b.html) &&
			  a.variant == b.variant,
		      "the same bytes twice");
		check(a.body_len <= a.text.len && a.value_bytes <= a.body_len, "the lengths");
		text_check(&a.subject, true);
		text_check(&a.text, false);
		text_check(&a.html, false);
		in->plain = true;
		if (template_render(t, &v, &f, &b, &missing, &e) == 0) {
			check(a.variant == b.variant, "the same variant");
			check(count(&a.html, '<') == count(&b.html, '<') &&
				  count(&a.html, '>') == count(&b.html, '>') &&
				  count(&a.html, '"') == count(&b.html, '"'),
			      "values stay values");
		}
		in->plain = false;
	} else {
		check(*e.text != '\0', "a reason");
	}
	rendered_free(&a);
	rendered_free(&b);
}

static enum mustache_type find(void *arg, const char *name, void **value)
{
	*value = (void *)(uintptr_t)get(arg, name);
	return *value == NULL ? MUSTACHE_MISSING : strlen(*value) % 3 == 2 ? MUSTACHE_LIST : MUSTACHE_TEXT;
}

static const char *text_of(void *arg, void *value)
{
	(void)arg;
	return value;
}

static size_t length_of(void *arg, void *value)
{
	(void)arg;
	return strlen(value) % 4;
}

static void *item_of(void *arg, void *value, size_t i)
{
	(void)arg;
	return (char *)value + i;
}

static void push(void *arg, void *value)
{
	(void)arg;
	(void)value;
}

static void pop(void *arg)
{
	(void)arg;
}

static const char *partial_of(void *arg, const char *name)
{
	const struct input *in = arg;
	return *name == 'p' ? in->part[1] : NULL;
}

static void mustache_check(struct input *in)
{
	struct mustache_data d = { find, text_of, length_of, item_of, push, pop, partial_of, in };
	struct buf a = { 0 }, b = { 0 };
	struct err e = { "" };
	int r;

	/* A partial that includes itself many times is refused in the end, but only after much work. */
	if (strstr(in->part[1], ">") != NULL || strlen(in->part[0]) > 2000 || strlen(in->part[1]) > 500)
		return;
	r = mustache_expand(in->part[0], &d, &a, &e);
	check(r == mustache_expand(in->part[0], &d, &b, &e) && same(&a, &b), "the same expansion twice");
	buf_free(&a);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct problems problems = { 0 };
	struct template *t;
	struct input in = { .part = { "", "", "", "", "", "", "", "" } };
	char *s;

	if (layout == NULL) {
		check(mkdtemp(dir) != NULL && template_layout_load(dir, &layout, &problems) == 0, "the layout");
		atexit(clean_up);
	}
	if (n > 8192)
		return 0;
	s = malloc(n + 1);
	memcpy(s, data, n);
	s[n] = '\0';
	size_t part = 0;
	for (size_t at = 0; at <= n && part < 8; at += strlen(s + at) + 1)
		in.part[part++] = s + at;
	write_file("t.md", in.part[0], strlen(in.part[0]));
	write_file("p.md", in.part[1], strlen(in.part[1]));
	int r = template_load(dir, "t.md", layout, &t, &problems);
	check((r == 0) == (problems.errors == 0) && (r == 0) == (t != NULL), "what a load says");
	if (t != NULL)
		letter_check(t, &in);
	mustache_check(&in);
	template_free(&t);
	problems_free(&problems);
	free(s);
	return 0;
}
