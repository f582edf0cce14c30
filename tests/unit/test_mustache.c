/* rooms: base model render */
/* The Mustache specification's own tests (tests/data/mustache), read with jansson, against the expander. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "abv/render.h"

struct world {
	json_t *stack[300];
	size_t depth;
	json_t *partials;
	char text[64];
};

static json_t *member(json_t *o, const char *name, size_t n)
{
	return json_is_object(o) ? json_object_getn(o, name, n) : NULL;
}

/* The first part of a dotted name is looked up through the contexts, the others only inside what was found. */
static json_t *look_up(struct world *w, const char *name)
{
	size_t n = strcspn(name, ".");
	json_t *found = NULL;

	if (strcmp(name, ".") == 0)
		return w->stack[w->depth - 1];
	for (size_t i = w->depth; i-- > 0 && found == NULL;)
		found = member(w->stack[i], name, n);
	while (found != NULL && name[n] == '.') {
		name += n + 1;
		n = strcspn(name, ".");
		found = member(found, name, n);
	}
	return found;
}

static enum mustache_type find(void *arg, const char *name, void **value)
{
	json_t *j = look_up(arg, name);

	*value = j;
	if (j == NULL)
		return MUSTACHE_MISSING;
	switch (json_typeof(j)) {
	case JSON_TRUE: return MUSTACHE_TRUE;
	case JSON_FALSE: return MUSTACHE_FALSE;
	case JSON_NULL: return MUSTACHE_MISSING;
	case JSON_ARRAY: return MUSTACHE_LIST;
	case JSON_OBJECT: return MUSTACHE_OBJECT;
	default: return MUSTACHE_TEXT;
	}
}

static const char *text(void *arg, void *value)
{
	struct world *w = arg;

	if (json_is_string((json_t *)value))
		return json_string_value(value);
	snprintf(w->text, sizeof w->text, "%.15g", json_number_value(value));
	return w->text;
}

static size_t length(void *arg, void *value)
{
	(void)arg;
	return json_array_size(value);
}

static void *item(void *arg, void *value, size_t i)
{
	(void)arg;
	return json_array_get(value, i);
}

static void push(void *arg, void *value)
{
	struct world *w = arg;
	assert_true(w->depth < sizeof w->stack / sizeof w->stack[0]);
	w->stack[w->depth++] = value;
}

static void pop(void *arg)
{
	struct world *w = arg;
	w->depth--;
}

static const char *partial(void *arg, const char *name)
{
	struct world *w = arg;
	return json_string_value(json_object_get(w->partials, name));
}

static const struct mustache_data callbacks = { find, text, length, item, push, pop, partial, NULL };

static int run_case(json_t *t)
{
	struct world w = { .stack = { json_object_get(t, "data") },
			   .depth = 1,
			   .partials = json_object_get(t, "partials") };
	struct mustache_data d = callbacks;
	struct buf out = { 0 };
	struct err e = { "" };
	const char *expected = json_string_value(json_object_get(t, "expected"));

	d.arg = &w;
	int r = mustache_expand(json_string_value(json_object_get(t, "template")), &d, &out, &e);
	int bad = r != 0 || strcmp(buf_text(&out), expected) != 0;
	if (bad)
		print_error("%s: expected [%s], got [%s] %s\n", json_string_value(json_object_get(t, "name")), expected,
			    buf_text(&out), e.text);
	buf_free(&out);
	return bad;
}

static void specification(void **state)
{
	static const struct {
		const char *file;
		size_t n;
	} row[] = {
		{ "interpolation", 42 }, { "sections", 34 }, { "inverted", 22 },
		{ "comments", 12 },      { "partials", 12 }, { "delimiters", 14 },
	};
	int bad = 0;
	(void)state;

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		char path[1024];
		snprintf(path, sizeof path, TEST_DATA "/mustache/%s.json", row[i].file);
		json_t *root = json_load_file(path, 0, NULL), *t;
		size_t k;
		assert_non_null(root);
		assert_int_equal(json_array_size(json_object_get(root, "tests")), row[i].n);
		json_array_foreach(json_object_get(root, "tests"), k, t) bad += run_case(t);
		json_decref(root);
	}
	assert_int_equal(bad, 0);
}

static void faults(void **state)
{
	static const struct {
		const char *text, *error;
	} row[] = {
		{ "a {{b", "line 1, column 3: this placeholder is not closed" },
		{ "a\n {{#b}} c", "line 2, column 2: section 'b' is not closed" },
		{ "{{#b}}\n{{/c}}", "line 2, column 1: this closes 'c', but the open section is 'b', 1 line above" },
		{ "{{/c}}", "line 1, column 1: this closes a section that is not open" },
		{ "{{ }}", "line 1, column 1: this placeholder has no name" },
		{ "{{{a}}", "line 1, column 1: this placeholder is not closed" },
		{ "{{a {{b}}",
		  "line 1, column 1: a placeholder's name cannot hold braces; is the one before it closed?" },
		{ "{{a\n}b}}", "line 1, column 1: a placeholder's name is one line of text; is it closed?" },
		{ "{{<a}}", "line 1, column 1: this kind of placeholder (inheritance) is not known here" },
		{ "\xc3\xbc{{=x=}}",
		  "line 1, column 2: a set-delimiter tag names two delimiters of at most 16 bytes, without '='" },
		{ "{{>self}}", "partial 'self' includes itself without end" },
		{ "{{>twice}}", "partial 'twice' includes itself without end" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct world w = { .stack = { json_object() }, .depth = 1 };
		struct mustache_data d = callbacks;
		struct buf out = { 0 };
		struct err e = { "" };
		w.partials = json_pack("{s:s,s:s}", "self", "x{{>self}}", "twice", "{{>twice}}{{>twice}}");
		d.arg = &w;
		assert_int_equal(mustache_expand(row[i].text, &d, &out, &e), -1);
		assert_string_equal(e.text, row[i].error);
		buf_free(&out);
		json_decref(w.partials);
		json_decref(w.stack[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(specification), cmocka_unit_test(faults) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
