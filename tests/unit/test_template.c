/* rooms: base model render */
/* Templates: what is refused and where, missing values and fallbacks, variants, the frame around a letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abv/token.h"
#include "template_dir.h"

static void findings(void **state)
{
	static const struct {
		const char *file, *problems;
	} row[] = {
		{ "Subject: a\nKind: ask\nVouched-By: Dana\nPreheader: {{b}}\n\nc", "" },
		{ "\xef\xbb\xbfSUBJECT: a\r\nkind: Value\r\n\r\nc\r\n", "" },
		{ "Kind: value\n\nc", "t.md:1:1: error: the header 'Subject:' is missing [missing-subject]" },
		{ "\nc", "t.md:1:1: error: the header 'Subject:' is missing [missing-subject]" },
		{ "Subject:  \n\nc", "t.md:1:11: error: the subject is empty [missing-subject]" },
		{ "Subject: a\n\n\n",
		  "t.md:1: error: there is no letter behind the headers (an empty line parts them) [missing-body]" },
		{ "Subject: a\n b\n\nc",
		  "t.md:2:1: error: a header is one line; the body begins behind an empty line [header-fold]" },
		{ "Subject: a\nHello\n\nc",
		  "t.md:2:1: error: this is no 'Name: value'; the body begins behind an empty line [header-syntax]" },
		{ "Subject: a\nTo: b\nKind: gift\n\nc",
		  "t.md:2:1: error: header 'To' is not known (Subject, Kind, Vouched-By, Preheader) [unknown-header]\n"
		  "t.md:3:7: error: Kind is 'value' or 'ask' [unknown-kind]" },
		{ "Subject: a\nSubject: b\n\nc",
		  "t.md:2:1: error: header 'Subject' stands in line 1 already [repeated-header]" },
		{ "Subject: a {{b\n\nc", "t.md:1:12: error: this placeholder is not closed [placeholder-syntax]" },
		{ "Subject: a\nPreheader: {{}}\n\nc\n\n  {{#d}}\n",
		  "t.md:2:12: error: this placeholder has no name [placeholder-syntax]\n"
		  "t.md:6:3: error: section 'd' is not closed [placeholder-syntax]" },
		{ "Subject: a\n\n{{#c}}\n{{/d}}",
		  "t.md:4:1: error: this closes 'd', but the open section is 'c', 1 line above [placeholder-syntax]" },
		{ "Subject: a\n\n{{>none}}",
		  "t.md:3:1: error: partial 'none' cannot be read: No such file or directory [missing-partial]" },
		{ "Subject: a\n\nb {{>../t.md}}",
		  "t.md:3:3: error: partial '../t.md' leaves the directory of the templates [missing-partial]" },
		{ "Subject: a\n\n{{>/etc/passwd}}",
		  "t.md:3:1: error: partial '/etc/passwd' leaves the directory of the templates [missing-partial]" },
		{ "Subject: a\n\n{{>out}}",
		  "t.md:3:1: error: partial 'out' leaves the directory of the templates [missing-partial]" },
		{ "Subject: a\n\n{{>sub}}", "t.md:3:1: error: partial 'sub' is no regular file [missing-partial]" },
		{ "Subject: a\n\n{{>self}}", "self.md:1:3: error: partial 'self' includes itself [partial-recursion]" },
		{ "Subject: a\n\n {{>broken}}",
		  "broken.md:2:2: error: this placeholder is not closed [placeholder-syntax]" },
		{ "Subject: a\n\n{{.}}",
		  "t.md:3:1: error: {{.}} stands for nothing outside of a section [placeholder-syntax]" },
		{ "Subject: a\n\nb\n\xc3\xbc\x01",
		  "t.md:4:2: error: this control character has no place in a letter [not-text]" },
		{ "Subject: a\n\nb\xff", "t.md:3:2: error: this is not UTF-8 [not-text]" },
		{ "Subject: a\n\nb\xac\xac\xac\xac\xac\xac\xac\xac\xac\xac\xac\xac",
		  "t.md:3:2: error: this is not UTF-8 [not-text]" },
		{ "Subject: a\n\nb\xf4\x80\x80\x80",
		  "t.md:3:2: error: private-use characters of plane 16 have no place in a letter [not-text]" },
		{ "Subject: a\n\n[b](c)\n\n[b](JavaScript:c)", "t.md:5: error: a letter links with http, https, mailto "
							       "or tel, not with 'JavaScript:c' [unsafe-link]" },
		{ "Subject: {{acount}}\n\nb {{industry}} {{frist_name}} {{first_name}}{{#lastname}}c{{/lastname}} {{city}}",
		  "t.md:1:10: warning: 'acount' is no field of a contact; did you mean 'account'? [strange-placeholder]\n"
		  "t.md:3:16: warning: 'frist_name' is no field of a contact; did you mean 'first_name'? [strange-placeholder]\n"
		  "t.md:3:45: warning: 'lastname' is no field of a contact; did you mean 'last_name'? [strange-placeholder]" },
		{ "Subject: a\n\nb\n\n<i>\n",
		  "t.md:5: warning: HTML is shown as text in a letter; write Markdown [raw-html]" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct template_dir d;
		struct template *t;
		struct buf text = { 0 };
		char sub[512];

		dir_open(&d);
		dir_write(&d, "t.md", row[i].file);
		dir_write(&d, "self.md", "x {{>self}}");
		dir_write(&d, "broken.md", "x\n {{y");
		snprintf(sub, sizeof sub, "%s/out", d.path);
		assert_int_equal(symlink("/etc/passwd", sub), 0);
		snprintf(sub, sizeof sub, "%s/sub", d.path);
		assert_int_equal(mkdir(sub, 0700), 0);
		int r = template_load(d.path, "t.md", d.layout, &t, &d.problems);
		dir_problems(&d, &text);
		assert_string_equal(buf_text(&text), row[i].problems);
		assert_int_equal(r, d.problems.errors > 0 ? -1 : 0);
		assert_true((t != NULL) == (r == 0));
		template_free(&t);
		buf_free(&text);
		dir_close(&d);
	}
}

static void names_refused(void **state)
{
	static const char *const name[] = { "", "/etc/passwd", "..", "../t.md", "a/../../t.md", "out", "none.md", "." };
	(void)state;
	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
		struct template_dir d;
		struct template *t;
		char path[512];
		dir_open(&d);
		snprintf(path, sizeof path, "%s/out", d.path);
		assert_int_equal(symlink("/etc/passwd", path), 0);
		assert_int_equal(template_load(d.path, name[i], d.layout, &t, &d.problems), -1);
		assert_null(t);
		assert_int_equal(d.problems.errors, 1);
		dir_close(&d);
	}
}

/* Nested partials double what they include; a size limit must end it, not memory. */
static void size_limits(void **state)
{
	struct template_dir d;
	struct template *t;
	struct buf text = { 0 };
	char name[16], next[64];
	(void)state;

	dir_open(&d);
	dir_write(&d, "t.md", "Subject: a\n\n{{>p0}}");
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof name, "p%d", i);
		snprintf(next, sizeof next, "{{>p%d}}{{>p%d}}{{>p%d}}{{>p%d}}", i + 1, i + 1, i + 1, i + 1);
		dir_write(&d, name, next);
	}
	dir_write(&d, "p12", "x");
	assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), -1);
	assert_int_equal(d.problems.errors, 1);
	assert_string_equal(d.problems.row[0].rule, "template-size");
	buf_str(&text, "Subject: a\n\n");
	while (text.len <= 1024 * 1024)
		buf_str(&text, "a line of text\n");
	dir_write(&d, "t.md", text.data);
	assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), -1);
	assert_string_equal(d.problems.row[1].message, "is larger than 1 MB");
	for (int i = 12; i < 20; i++) {
		snprintf(name, sizeof name, "p%d", i);
		snprintf(next, sizeof next, "{{>p%d}}", i + 1);
		dir_write(&d, name, next);
	}
	dir_write(&d, "t.md", "Subject: a\n\n{{>p1}}");
	assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), -1);
	assert_int_equal(d.problems.errors, 3);
	assert_string_equal(d.problems.row[2].message, "partial 'p16' is nested too deeply");
	buf_free(&text);
	dir_close(&d);
}

/* What costs more than its bytes: partials of nothing, and an indentation before each of many lines. */
static void partial_limits(void **state)
{
	struct template_dir d;
	struct template *t;
	struct buf wide = { 0 }, empty = { 0 };
	char name[16], next[128];
	(void)state;

	dir_open(&d);
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "p%d", i);
		snprintf(next, sizeof next, "{{>p%d}}{{>p%d}}{{>p%d}}{{>p%d}}{{>p%d}}{{>p%d}}", i + 1, i + 1, i + 1,
			 i + 1, i + 1, i + 1);
		dir_write(&d, name, i < 7 ? next : "");
	}
	dir_write(&d, "t.md", "Subject: a\n\nb {{>p0}}");
	assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), -1);
	assert_int_equal(d.problems.errors, 1);
	assert_string_equal(d.problems.row[0].message, "partial 'p7' is one of more than 1000 partials");
	buf_str(&wide, "Subject: a\n\nb\n");
	for (int i = 0; i < 2000; i++) {
		buf_char(&wide, ' ');
		buf_str(&empty, "\n");
	}
	dir_write(&d, "lines", empty.data);
	buf_str(&wide, "{{>lines}}\n");
	dir_write(&d, "t.md", wide.data);
	assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), -1);
	assert_int_equal(d.problems.errors, 2);
	assert_string_equal(d.problems.row[1].message, "partial 'lines' makes the template larger than 1 MB");
	buf_free(&wide);
	buf_free(&empty);
	dir_close(&d);
}

static void letters(void **state)
{
	static const char *const ann[] = { "name", "Ann", "company", "Acme", "x", "{{name}}", NULL };
	static const char *const nobody[] = { "name", "", "company", " \t\n", NULL };
	static const struct {
		const char *subject, *body;
		const char *const *values;
		const char *subject_out, *text; /* NULL: refused, for want of `missing` */
		const char *missing;
		size_t value_bytes;
	} row[] = {
		{ "Hi {{name}}", "b", ann, "Hi Ann", "b\n", NULL, 0 },
		{ "s", "Hello {{name}} at {{ company }}", ann, "s", "Hello Ann at Acme\n", NULL, 7 },
		{ "s", "Hello {{#name}}{{name}}{{/name}}{{^name}}there{{/name}},", ann, "s", "Hello Ann,\n", NULL, 3 },
		{ "s", "Hello {{#name}}{{name}}{{/name}}{{^name}}there{{/name}},", nobody, "s", "Hello there,\n", NULL,
		  0 },
		{ "s", "Hello {{#name}}{{.}}{{/name}}{{^name}}there{{/name}},", ann, "s", "Hello Ann,\n", NULL, 3 },
		{ "s", "Hello {{name}}", nobody, NULL, NULL, "name", 0 },
		{ "s", "{{#name}}{{other}}{{/name}}b", nobody, "s", "b\n", NULL, 0 },
		{ "s", "{{#name}}{{other}}{{/name}}b", ann, NULL, NULL, "other", 0 },
		{ "s {{company}}", "b", nobody, NULL, NULL, "company", 0 },
		{ "s", "a\n\n{{#name}}\n- {{name}}\n{{/name}}\n- b", ann, "s", "a\n\n- Ann\n- b\n", NULL, 3 },
		{ "s", "a\n\n{{#name}}\n- {{name}}\n{{/name}}\n- b", nobody, "s", "a\n\n- b\n", NULL, 0 },
		{ "s", "{{#name}}**{{/name}}b{{#name}}**{{/name}}", ann, "s", "b\n", NULL, 0 },
		{ "s", "{{x}}", ann, "s", "{{name}}\n", NULL, 8 },
		{ "s", "{{=<% %>=}}<%name%> {{name}}", ann, "s", "Ann {{name}}\n", NULL, 3 },
		{ "A {{#none}}{{none}} {{/none}} list *b* &amp; <c>", "b", ann, "A list *b* &amp; <c>", "b\n", NULL,
		  0 },
		{ "{{>p}} for {{name}}", "  {{>p}}\n{{>q.md}}", ann, "From p Ann for Ann", "From p Ann From q\n", NULL,
		  3 },
		{ "{{#none}}x{{/none}}", "b", ann, NULL, NULL, NULL, 0 },
		{ "s", "{{#none}}x{{/none}}", ann, "s", "", NULL, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct template_dir d;
		struct template *t;
		struct rendered out = { 0 };
		struct err e = { "" };
		struct buf file = { 0 };
		const char *missing;
		struct render_values v = { row_get, (void *)(uintptr_t)row[i].values };

		dir_open(&d);
		buf_printf(&file, "Subject: %s\n\n%s", row[i].subject, row[i].body);
		dir_write(&d, "t.md", file.data);
		dir_write(&d, "p.md", "From p\n{{name}}\n");
		dir_write(&d, "q.md", "From q");
		assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), 0);
		int r = template_render(t, &v, &test_frame, &out, &missing, &e);
		if (row[i].text == NULL) {
			char expected[64] = "the subject is empty";
			if (row[i].missing != NULL)
				snprintf(expected, sizeof expected, "placeholder '%s' has no value", row[i].missing);
			assert_int_equal(r, -1);
			assert_string_equal(e.text, expected);
			assert_string_equal(missing != NULL ? missing : "-",
					    row[i].missing != NULL ? row[i].missing : "-");
		} else {
			assert_int_equal(r, 0);
			assert_null(missing);
			assert_string_equal(out.subject.data, row[i].subject_out);
			assert_int_equal(out.body_len, strlen(row[i].text));
			assert_memory_equal(out.text.data, row[i].text, out.body_len);
			assert_int_equal(out.value_bytes, row[i].value_bytes);
		}
		template_free(&t);
		rendered_free(&out);
		buf_free(&file);
		dir_close(&d);
	}
}

static void subject_is_one_line(void **state)
{
	static const char *const v1[] = { "v", " a\r\nBcc: x@e.example\x01\x7f\tb  c\xe2\x80\xa9", NULL };
	struct template_dir d;
	struct template *t;
	struct rendered out = { 0 };
	struct render_values v = { row_get, (void *)(uintptr_t)v1 };
	(void)state;

	dir_open(&d);
	dir_write(&d, "t.md", "Subject: ({{v}}) {{{v}}}\n\n{{v}}");
	assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), 0);
	assert_int_equal(template_render(t, &v, &test_frame, &out, NULL, NULL), 0);
	assert_string_equal(out.subject.data, "(a Bcc: x@e.example b c) a Bcc: x@e.example b c");
	template_free(&t);
	rendered_free(&out);
	dir_close(&d);
}

static void variants(void **state)
{
	static const char *const both[] = { "a", "1", "b", "2", NULL }, *const one[] = { "a", "3", NULL },
				 *const other[] = { "a", "4", "b", "5", NULL };
	static const struct {
		const char *const *values;
		int variant;
		const char *text;
	} row[] = { { both, 0, "1 2\n" }, { one, 1, "3\n" }, { other, 0, "4 5\n" }, { one, 1, "3\n" } };
	struct template_dir d;
	struct template *t;
	struct rendered out = { 0 };
	(void)state;

	dir_open(&d);
	dir_write(&d, "t.md", "Subject: s\n\n{{a}}{{#b}} {{b}}{{/b}}");
	assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), 0);
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct render_values v = { row_get, (void *)(uintptr_t)row[i].values };
		assert_int_equal(template_render(t, &v, &test_frame, &out, NULL, NULL), 0);
		assert_int_equal(out.variant, row[i].variant);
		assert_memory_equal(out.text.data, row[i].text, out.body_len);
	}
	template_free(&t);
	rendered_free(&out);
	dir_close(&d);
}

/* More combinations than are kept: numbers are never given to another letter. */
static const char *bits_get(void *arg, const char *name)
{
	unsigned bits = *(unsigned *)arg;
	return bits >> (name[0] - 'a') & 1 ? name : NULL;
}

static void many_variants(void **state)
{
	struct template_dir d;
	struct template *t;
	struct rendered out = { 0 };
	struct buf file = { 0 };
	unsigned bits;
	struct render_values v = { bits_get, &bits };
	(void)state;

	dir_open(&d);
	buf_str(&file, "Subject: s\n\nx");
	for (char c = 'a'; c < 'k'; c++)
		buf_printf(&file, "{{#%c}}{{.}}{{/%c}}", c, c);
	dir_write(&d, "t.md", file.data);
	assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), 0);
	for (unsigned i = 0; i < 2048; i++) {
		char expected[16] = "x";
		size_t n = 1;
		bits = i % 1024;
		for (char c = 'a'; c < 'k'; c++)
			if (bits >> (c - 'a') & 1)
				expected[n++] = c;
		expected[n++] = '\n';
		assert_int_equal(template_render(t, &v, &test_frame, &out, NULL, NULL), 0);
		assert_int_equal(out.variant, i);
		assert_int_equal(out.body_len, n);
		assert_memory_equal(out.text.data, expected, n);
	}
	template_free(&t);
	rendered_free(&out);
	buf_free(&file);
	dir_close(&d);
}

static void frame(void **state)
{
	static const char *const none[] = { "v", "<V>", NULL };
	static const struct render_frame f = { "A & B Ltd,\n1 Main St",
					       "You <get> this because you asked for it, on the page about "
					       "onboarding, in March, and said so twice.",
					       "mailto:u@example.com?subject=unsubscribe%20t&x=\"1\"" };
	static const char *const html[] = {
		"<title>s &lt;V&gt;</title>",
		"overflow:hidden\">pre &lt;V&gt; &amp;</div>",
		">A &amp; B Ltd, 1 Main St</p>",
		"You &lt;get&gt; this",
		"<a href=\"mailto:u@example.com?subject=unsubscribe%20t&amp;x=%221%22\">Unsubscribe</a>",
		"<meta name=\"color-scheme\" content=\"light dark\">",
		"max-width:600px",
	};
	struct template_dir d;
	struct template *t;
	struct rendered out = { 0 };
	struct render_values v = { row_get, (void *)(uintptr_t)none };
	(void)state;

	dir_open(&d);
	dir_write(&d, "t.md", "Subject: s {{v}}\nPreheader: pre {{v}} &\nKind: ask\nVouched-By: Dana, why\n\nb\n");
	assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), 0);
	assert_int_equal(template_render(t, &v, &f, &out, NULL, NULL), 0);
	assert_string_equal(out.text.data,
			    "b\n\n-- \nYou <get> this because you asked for it, on the page about onboarding,\n"
			    "in March, and said so twice.\nA & B Ltd, 1 Main St\n"
			    "Unsubscribe: mailto:u@example.com?subject=unsubscribe%20t&x=%221%22\n");
	for (size_t i = 0; i < sizeof html / sizeof html[0]; i++)
		if (strstr(out.html.data, html[i]) == NULL)
			fail_msg("'%s' is not in the HTML:\n%s", html[i], out.html.data);
	assert_string_equal(template_name(t), "t.md");
	assert_int_equal(template_kind(t), KIND_ASK);
	assert_string_equal(template_vouched_by(t), "Dana, why");
	assert_string_equal(template_subject(t), "s {{v}}");
	assert_string_equal(template_body(t), "b\n");
	assert_int_equal(template_body_line(t), 6);
	template_free(&t);
	rendered_free(&out);
	dir_close(&d);
}

static void layouts(void **state)
{
	static const struct {
		const char *layout, *problems;
	} row[] = {
		{ "{{{body}}}{{reason_why}}{{postal_address}}{{unsubscribe_url}}", "" },
		{ "{{{body}}}{{reason_why}}{{unsubscribe_url}}",
		  "layout.html: error: the placeholder {{postal_address}} is missing [layout]" },
		{ "{{{body}}}{{reason_why}}{{postal_address}}\n{{unsubscribe_url}}{{name}}",
		  "layout.html:2:20: error: 'name': a layout knows no placeholder of this name [layout]" },
		{ "{{{body}}}{{reason_why}}{{postal_address}}{{unsubscribe_url}}{{>p}}",
		  "layout.html:1:62: error: 'p': a layout has no partials [layout]" },
		{ "{{{body", "layout.html:1:1: error: this placeholder is not closed [placeholder-syntax]" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct template_dir d;
		struct buf text = { 0 };
		dir_open(&d);
		template_layout_free(&d.layout);
		dir_write(&d, "layout.html", row[i].layout);
		assert_int_equal(template_layout_load(d.path, &d.layout, &d.problems),
				 *row[i].problems != '\0' ? -1 : 0);
		dir_problems(&d, &text);
		assert_string_equal(buf_text(&text), row[i].problems);
		buf_free(&text);
		dir_close(&d);
	}
}

/* The layout that is compiled in is the one in templates/: the same letter comes out. */
static void built_in_layout(void **state)
{
	static const char *const none[] = { NULL };
	struct template_dir d;
	struct template *t;
	struct rendered out[2] = { 0 };
	struct render_values v = { row_get, (void *)(uintptr_t)none };
	struct buf file = { 0 };
	(void)state;

	assert_int_equal(buf_read_file(&file, TEST_DATA "/../../templates/layout.html", 100000), 0);
	dir_open(&d);
	for (int i = 0; i < 2; i++) {
		dir_write(&d, "t.md", "Subject: s\nPreheader: p\n\nb\n");
		assert_int_equal(template_load(d.path, "t.md", d.layout, &t, &d.problems), 0);
		assert_int_equal(template_render(t, &v, &test_frame, &out[i], NULL, NULL), 0);
		template_free(&t);
		template_layout_free(&d.layout);
		dir_write(&d, "layout.html", file.data);
		assert_int_equal(template_layout_load(d.path, &d.layout, &d.problems), 0);
	}
	assert_string_equal(out[0].html.data, out[1].html.data);
	rendered_free(&out[0]);
	rendered_free(&out[1]);
	buf_free(&file);
	dir_close(&d);
}

static void digests(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} row[] = {
		{ "Hello Ann,\n\nread this.\n", "  hello  ANN, read\xc2\xa0this.", true },
		{ "\xc3\x84rger \xce\xa9\xd0\x96\xd0\x81\xc4\x80 \xc3\x97",
		  "\xc3\xa4rger \xcf\x89\xd0\xb6\xd1\x91\xc4\x81 \xc3\x97", true },
		{ "a b", "ab", false },
		{ "a", "b", false },
		{ "\xc3\x97", "\xc3\xb7", false },
		{ "", " \n", true },
		{ "a\x01", "A", true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		char a[DIGEST_HEX], b[DIGEST_HEX];
		render_content_digest(row[i].a, strlen(row[i].a), a);
		render_content_digest(row[i].b, strlen(row[i].b), b);
		assert_int_equal(strlen(a), DIGEST_HEX - 1);
		assert_int_equal(strcmp(a, b) == 0, row[i].same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings),        cmocka_unit_test(names_refused),
		cmocka_unit_test(size_limits),     cmocka_unit_test(partial_limits),
		cmocka_unit_test(letters),         cmocka_unit_test(subject_is_one_line),
		cmocka_unit_test(variants),        cmocka_unit_test(many_variants),
		cmocka_unit_test(frame),           cmocka_unit_test(layouts),
		cmocka_unit_test(built_in_layout), cmocka_unit_test(digests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
