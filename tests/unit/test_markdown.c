/* rooms: base model render */
/* How Markdown reads in the text part and in HTML, and that values stay values in each place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "template_dir.h"

#define LINE80 "Twelve words of a line that is longer than the seventy-two columns of a text part"

/* A letter's body as text, and as the HTML inside the layout, without styles. */
struct letter {
	char *text, *html;
};

static void style_strip(char *s)
{
	char *from;
	while ((from = strstr(s, " style=\"")) != NULL) {
		char *end = strchr(from + 8, '"') + 1;
		memmove(from, end, strlen(end) + 1);
	}
}

static struct letter letter_make(const char *body, const char *const *values)
{
	struct template_dir d;
	struct template *t;
	struct rendered out = { 0 };
	struct err e = { "" };
	struct render_values v = { row_get, (void *)(uintptr_t)values };
	struct buf file = { 0 }, problems = { 0 };
	struct letter l;

	dir_open(&d);
	buf_printf(&file, "Subject: s\n\n%s", body);
	dir_write(&d, "t.md", file.data);
	if (template_load(d.path, "t.md", d.layout, &t, &d.problems) != 0) {
		dir_problems(&d, &problems);
		fail_msg("%s", problems.data);
	}
	if (template_render(t, &v, &test_frame, &out, NULL, &e) != 0)
		fail_msg("%s", e.text);
	l.text = strndup(out.text.data, out.body_len);
	style_strip(out.html.data);
	char *from = strstr(out.html.data, "<tr><td align=\"left\">\n");
	from = from + strlen("<tr><td align=\"left\">\n");
	l.html = strndup(from, (size_t)(strstr(from, "\n</td></tr>\n<tr><td align=\"left\">") - from));
	template_free(&t);
	rendered_free(&out);
	buf_free(&file);
	dir_close(&d);
	return l;
}

static const char *const values[] = { "name",
				      " Zo\xc3\xab\n",
				      "evil",
				      "<script>alert(\"1\")</script> & 'x'",
				      "md",
				      "*a* _b_ [x](y) # `c` &amp; \\*",
				      "hash",
				      "# no heading",
				      "item",
				      "1. no item",
				      "lines",
				      "one\ntwo\r\n\r\n> three\x01\xe2\x80\xa8"
				      "four",
				      "url",
				      "https://e.example/a?b=c&d=\"e\"",
				      "js",
				      "javascript:alert(1)",
				      "query",
				      "a b&c=\xc3\xbc/?",
				      "bidi",
				      "a\xe2\x80\xae"
				      "b\xf4\x80\x80\x80",
				      "broken",
				      "a\xff"
				      "b",
				      "long",
				      "a company with a name of many words that makes the line too long for its column",
				      NULL,
				      NULL };

static void places(void **state)
{
	static const struct {
		const char *body, *text, *html;
	} row[] = {
		/* text */
		{ "Hello {{name}},\n", "Hello Zo\xc3\xab,\n", "<p>Hello Zo\xc3\xab,</p>\n" },
		{ "**{{name}}** _{{{name}}}_", "Zo\xc3\xab Zo\xc3\xab\n",
		  "<p><strong>Zo\xc3\xab</strong> <em>Zo\xc3\xab</em></p>\n" },
		{ "{{evil}}", "<script>alert(\"1\")</script> & 'x'\n",
		  "<p>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;</p>\n" },
		{ "{{{evil}}}", "<script>alert(\"1\")</script> & 'x'\n",
		  "<p>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;</p>\n" },
		{ "{{md}}", "*a* _b_ [x](y) # `c` &amp; \\*\n", "<p>*a* _b_ [x](y) # `c` &amp;amp; \\*</p>\n" },
		{ "{{hash}}\n\n{{item}}", "# no heading\n\n1. no item\n", "<p># no heading</p>\n<p>1. no item</p>\n" },
		{ "{{lines}}", "one two > three four\n", "<p>one two &gt; three four</p>\n" },
		{ "{{bidi}}|{{broken}}",
		  "ab|a\xef\xbf\xbd"
		  "b\n",
		  "<p>ab|a\xef\xbf\xbd"
		  "b</p>\n" },
		{ "`{{md}}`", "*a* _b_ [x](y) # `c` &amp; \\*\n",
		  "<p><code>*a* _b_ [x](y) # `c` &amp;amp; \\*</code></p>\n" },
		{ "```\n{{lines}}\n\nb\n```", "    one two > three four\n\n    b\n",
		  "<pre>one two &gt; three four\n\nb\n</pre>\n" },
		/* attributes and URLs */
		{ "![{{evil}}](https://e.example/{{query}}.png)", "[<script>alert(\"1\")</script> & 'x']\n",
		  "<p><img src=\"https://e.example/a%20b%26c%3D%C3%BC%2F%3F.png\" "
		  "alt=\"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; "
		  "&#39;x&#39;\"></p>\n" },
		{ "[a](https://e.example/?q={{query}}&r=1 \"{{evil}}\")",
		  "a (https://e.example/?q=a%20b%26c%3D%C3%BC%2F%3F&r=1)\n",
		  "<p><a href=\"https://e.example/?q=a%20b%26c%3D%C3%BC%2F%3F&amp;r=1\" "
		  "title=\"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;\">a</a></p>\n" },
		{ "[a]({{url}})", "a (https://e.example/a?b=c&d=%22e%22)\n",
		  "<p><a href=\"https://e.example/a?b=c&amp;d=%22e%22\">a</a></p>\n" },
		{ "[a]({{js}})", "a (javascript%3Aalert%281%29)\n",
		  "<p><a href=\"javascript%3Aalert%281%29\">a</a></p>\n" },
		{ "[a](https://e.example/{{js}})", "a (https://e.example/javascript%3Aalert%281%29)\n",
		  "<p><a href=\"https://e.example/javascript%3Aalert%281%29\">a</a></p>\n" },
		{ "{{#name}}[a](java{{/name}}script:x)", "a\n", "<p>a</p>\n" },
		{ "[a](<https://e.example/x y>)", "a (https://e.example/x%20y)\n",
		  "<p><a href=\"https://e.example/x%20y\">a</a></p>\n" },
		{ "<https://e.example/>", "<https://e.example/>\n",
		  "<p><a href=\"https://e.example/\">https://e.example/</a></p>\n" },
		{ "[d@e.example](mailto:d@e.example) [us](mailto:d@e.example)", "<d@e.example> us (d@e.example)\n",
		  "<p><a href=\"mailto:d@e.example\">d@e.example</a> <a href=\"mailto:d@e.example\">us</a></p>\n" },
		/* marks cannot be made by a template */
		{ "&#x100000; &#1048576; &#1;", "&#x100000; &#1048576; &#1;\n",
		  "<p>&amp;#x100000; &amp;#1048576; &amp;#1;</p>\n" },
		{ "&#x10{{! }}0000;{{name}}", "&#x100000;Zo\xc3\xab\n", "<p>&amp;#x100000;Zo\xc3\xab</p>\n" },
		{ "&auml;&#228;&amp;", "\xc3\xa4\xc3\xa4&\n", "<p>\xc3\xa4\xc3\xa4&amp;</p>\n" },
		/* HTML is text */
		{ "a <b>c</b> <!-- d -->", "a <b>c</b>\n", "<p>a &lt;b&gt;c&lt;/b&gt; </p>\n" },
		{ "<div>\nc\n</div>", "<div>\nc\n</div>\n", "<p>&lt;div&gt;\nc\n&lt;/div&gt;\n</p>\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct letter l = letter_make(row[i].body, values);
		assert_string_equal(l.text, row[i].text);
		assert_string_equal(l.html, row[i].html);
		free(l.text);
		free(l.html);
	}
}

static void text_part(void **state)
{
	static const struct {
		const char *body, *text;
	} row[] = {
		{ LINE80 ".", "Twelve words of a line that is longer than the seventy-two columns of a\ntext part.\n" },
		{ "- " LINE80,
		  "- Twelve words of a line that is longer than the seventy-two columns of\n  a text part\n" },
		{ "> " LINE80,
		  "> Twelve words of a line that is longer than the seventy-two columns of\n> a text part\n" },
		{ "- {{long}}",
		  "- a company with a name of many words that makes the line too long for\n  its column\n" },
		{ "see https://e.example/a/very/long/address/that/does/not/break/wherever/it/stands/in/the/line ok",
		  "see\nhttps://e.example/a/very/long/address/that/does/not/break/wherever/it/stands/in/the/"
		  "line\nok\n" },
		{ "# A {{name}}\n\n## B\n\n### C\n\nd", "A Zo\xc3\xab\n=====\n\nB\n---\n\nC\n\nd\n" },
		{ "a\\\nb\nc", "a\nb c\n" },
		{ "a\n\n* * *\n\nb", "a\n\n* * *\n\nb\n" },
		{ "a\n\n- b\n- c\n  - d\n    e\n- f\n\ng", "a\n\n- b\n- c\n  - d e\n- f\n\ng\n" },
		{ "- a\n\n- b\n\n  c", "- a\n\n- b\n\n  c\n" },
		{ "9. a\n10. b\n\nc\n\n3) d", "9. a\n10. b\n\nc\n\n3) d\n" },
		{ "- - a\n  - b", "- - a\n  - b\n" },
		{ "- > a\n  > b", "- > a b\n" },
		{ "> a\n>\n> - b\n> - c\n\nd", "> a\n>\n> - b\n> - c\n\nd\n" },
		{ "a\n\n    code  x\n\n    y\n\nb", "a\n\n    code  x\n\n    y\n\nb\n" },
		{ "- ```\n  x\n  ```", "-     x\n" },
		{ "<!-- a -->\n\nb", "b\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct letter l = letter_make(row[i].body, values);
		assert_string_equal(l.text, row[i].text);
		free(l.text);
		free(l.html);
	}
}

static void html_part(void **state)
{
	static const struct {
		const char *body, *html;
	} row[] = {
		{ "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n" },
		{ "3. a\n\n4. b", "<ol start=\"3\">\n<li><p>a</p>\n</li>\n<li><p>b</p>\n</li>\n</ol>\n" },
		{ "## a\n> b", "<h2>a</h2>\n<blockquote>\n<p>b</p>\n</blockquote>\n" },
		{ "a\\\nb\nc\n\n---", "<p>a<br>\nb\nc</p>\n<hr>\n" },
		{ "![a *b* `c` [d](https://e.example)](https://e.example/i)",
		  "<p><img src=\"https://e.example/i\" alt=\"a b c d\"></p>\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct letter l = letter_make(row[i].body, values);
		assert_string_equal(l.html, row[i].html);
		free(l.text);
		free(l.html);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(places), cmocka_unit_test(text_part),
					    cmocka_unit_test(html_part) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
