/* rooms: base model rules */
/* What the gate reads of a text: characters as a reader sees them, what is hidden left out, places kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/rules/gate_int.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct gate_text text; /* large */

static void read_text(const char *s, size_t n, char *out, size_t cap)
{
	struct gate_input in = { .subject = "", .text = s, .text_len = n, .first_line = 1 };
	size_t k = 0;

	gate_text_read(&in, &text);
	*out = '\0';
	for (int i = 0; i < text.word_n && k < cap; i++)
		k += (size_t)snprintf(out + k, cap - k, "%s%s", i > 0 ? " " : "", text.word[i].text);
}

/* `words`: what the rules see. hidden: so many words hide something. */
static const struct row {
	const char *text, *words;
	int hidden;
} rows[] = {
	/* typography and accents, nothing odd */
	{ "x\n\nIt\xe2\x80\x99s a na\xc3\xafve r\xc3\xa9sum\xc3\xa9 \xe2\x80\x93 really\xe2\x80\xa6",
	  "x it's a naive resume really", 0 },
	{ "x\n\nre\xcc\x81sume\xcc\x81 and gro\xc3\x9f", "x resume and gross", 0 },
	{ "x\n\n5 \xc2\xb5m at 20\xc2\xb0", "x 5 \xc2\xb5m at 20\xc2\xb0", 0 },
	/* look-alikes in a Latin word */
	{ "x ch\xd0\xb5"
	  "cking y",
	  "x checking y", 1 },
	{ "x \xd1\x81h\xd0\xb5\xd1\x81king y", "x checking y", 1 },
	{ "x th\xce\xbfughts y", "x thoughts y", 1 },
	{ "x ch\xd0\xb5"
	  "cking in th\xce\xbfughts",
	  "x checking in thoughts", 2 },
	{ "x\xd0\xb0x \xd1\x81\xd0\xbe\xd1\x80\xd0\xb0 z", "xax copa z",
	  1 }, /* a word of look-alikes alone: read, not told */
	/* other scripts at home */
	{ "x\n\n\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd1\x81\xd0\xbe\xd1\x80\xd0\xb0",
	  "x \xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd1\x81\xd0\xbe\xd1\x80\xd0\xb0", 0 },
	{ "x\n\n\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 SMS\xd0\xba\xd0\xb0",
	  "x \xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 sms\xd0\xba\xd0\xb0", 0 },
	{ "Moscow is \xd0\x9c\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0",
	  "moscow is \xd0\x9c\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0", 0 },
	{ "the \xce\xb1-decay and \xce\xbdmax", "the \xce\xb1-decay and vmax", 0 },
	/* styled */
	{ "x \xf0\x9d\x97\x9d\xf0\x9d\x98\x82\xf0\x9d\x98\x80\xf0\x9d\x98\x81 y", "x just y", 1 },
	{ "x \xef\xbd\x8a\xef\xbd\x95\xef\xbd\x93\xef\xbd\x94 y", "x just y", 1 },
	{ "\xe6\xa0\xaa\xe5\xbc\x8f \xef\xbc\xa9\xef\xbc\xa2\xef\xbc\xad", "\xe6\xa0\xaa\xe5\xbc\x8f ibm", 0 },
	{ "a point of \xe2\x84\x9d and \xf0\x9d\x91\xa5", "a point of r and x", 0 },
	/* invisible */
	{ "x che\xe2\x80\x8b"
	  "cking y",
	  "x checking y", 1 },
	{ "\xef\xbb\xbfx \xe2\x80\x8b y", "x y", 0 },
	{ "x check\xc2\xading y", "x checking y", 1 },
	{ "x inter\xc2\xadnation\xc2\xad"
	  "alis\xc2\xad"
	  "ation y",
	  "x internationalisation y", 0 },
	{ "x \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb\xef\xb8\x8f y", "x y", 0 }, /* an emoji is joined so */
	{ "x c\xcc\xb6h\xcc\xb6"
	  "eck y",
	  "x check y", 1 },
	{ "x \xe2\x80\xaekcehc\xe2\x80\xac y", "x kcehc y", 1 },
	/* entities */
	{ "<p>x ch&#1077;cking y</p>", "x checking y", 1 },
	{ "<p>x che&#x200B;cking caf&eacute; y</p>", "x checking cafe y", 1 },
	{ "x AT&T; R&D & &amp; y", "x at t r d y", 0 },
	/* quoted mail, signatures, footers */
	{ "x\n\nOn Mon, 2 Nov 2026 at 10:00, Sam Ortiz <sam@example.com>\nwrote:\nold",
	  "x on mon 2 nov 2026 at 10:00 sam ortiz sam@example.com", 0 },
	{ "x\n\nOn Mon Sam wrote:\nold", "x", 0 },
	{ "x\n\n---------- Forwarded message ---------\nold", "x", 0 },
	{ "x\n\nShe wrote:\nnew", "x she wrote new", 0 },
	{ "x\n\nBest,\nSam\nP.S. y", "x p.s y", 0 },
	{ "<p>x</p><blockquote type=\"cite\">old</blockquote><blockquote>y</blockquote>", "x y", 0 },
	{ "<p>x</p><div class=\"gmail_quote\"><div>old</div>old</div><p>y</p>", "x y", 0 },
	/* what can't be seen */
	{ "<p>a</p><div style=\"display: none\">b <div>c</div> d</div><p>e</p>", "a e", 0 },
	{ "<p>a</p><p hidden>b<p>c", "a c", 0 },
	{ "<p>a <span style='font-size:0'>b <b style='font-size:12px'>c</b> d</span> e</p>", "a c e", 0 },
	{ "<p>a <font color=\"#fff\">b</font> c</p>", "a c", 0 },
	{ "<div style=\"background:#036\"><p style=\"color:#fff\">a</p></div>", "a", 0 },
	{ "<td bgcolor=#000000><font color=black>a</font> <font color=white>b</font></td>", "b", 0 },
	{ "<td class=dark><font color=white>a</font></td>", "a", 0 },
	{ "<p style=\"color:rgb(254,254,254)\">a</p><p>b</p>", "b", 0 },
	{ "<p>a<!-- b <p> -->c</p>", "ac", 0 },
	{ "<head><title>b</title></head><p>a</p><style>c</style>", "a", 0 },
	{ "a <span style=\"opacity:0\">b</span> c", "a c", 0 }, /* in Markdown */
	{ "x\n\n`<span hidden>` b", "x span hidden b", 0 },     /* code is text */
	{ "x < y and a <b", "x y and a b", 0 },
};

static void test_rows(void **state)
{
	char words[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		read_text(rows[i].text, strlen(rows[i].text), words, sizeof words);
		if (strcmp(words, rows[i].words) != 0 || text.hidden_n != rows[i].hidden)
			fail_msg("%zu: %s\nread as '%s' (%d hidden: %s)", i, rows[i].text, words, text.hidden_n,
				 text.hidden_word);
	}
}

/* A word's place is that of its first byte, whatever was left out before it. */
static void test_places(void **state)
{
	static const char s[] = "x\n\n<b>\xe2\x80\x8b</b> \xf0\x9d\x97\x9dust ch\xd0\xb5"
				"cking {{a}} in ![i](u) now";
	char words[128];

	(void)state;
	read_text(s, sizeof s - 1, words, sizeof words);
	assert_string_equal(words, "x just checking \x01 in now");
	for (int i = 0; i < text.word_n; i++) {
		static const char *const at[] = { "x\n", "\xf0\x9d\x97\x9dust", "ch\xd0", "{{a", "in !", "now" };
		assert_memory_equal(s + text.word[i].pos, at[i], strlen(at[i]));
	}
	assert_int_equal(text.images, 1);
	assert_string_equal(text.hidden_word, "Just");
	assert_int_equal(text.hidden_at, text.word[1].pos);
}

/* Every character is sorted, none out of range. */
static void test_characters(void **state)
{
	char to, bytes[8];
	size_t n;

	(void)state;
	for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
		enum char_kind k = gate_char_kind(c, &to);
		assert_true(k <= CHAR_TURN && (unsigned char)to < 0x80);
		if (k == CHAR_STYLED || k == CHAR_TWIN)
			assert_true(gate_is_latin(to) || (to >= '0' && to <= '9'));
	}
	assert_int_equal(gate_char_kind(0x1d41a, &to), CHAR_STYLED);
	assert_int_equal(to, 'a');
	assert_int_equal(gate_char_kind(0x1d7ce, &to), CHAR_STYLED);
	assert_int_equal(to, '0');
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
					   "\xf8", "\xe2\x82" };
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(bytes, sizeof bytes, "%s", bad[i]);
		assert_int_equal(gate_char_next(bytes, bytes + strlen(bytes), &n), GATE_CHAR_BAD);
		assert_int_equal(n, 1);
	}
	snprintf(bytes, sizeof bytes, "\xf0\x9d\x97\x9d");
	assert_int_equal(gate_char_next(bytes, bytes + 4, &n), 0x1d5dd);
}

static struct gate_result judge(const char *s, size_t n)
{
	struct gate_input in = { .subject = "", .text = s, .text_len = n, .first_line = 1 };
	struct gate_result r;

	gate_judge(&in, &r);
	return r;
}

/* A hidden phrase is found behind its disguise, and the disguise is told. */
static void test_hidden_phrase(void **state)
{
	static const char *const disguised[] = {
		"Just ch\xd0\xb5"
		"cking in",
		"Just che\xe2\x80\x8b"
		"cking in",
		"Just chec\xc2\xadking in",
		"\xf0\x9d\x97\x9d\xf0\x9d\x98\x82\xf0\x9d\x98\x80\xf0\x9d\x98\x81 checking in",
		"\xef\xbd\x8a\xef\xbd\x95\xef\xbd\x93\xef\xbd\x94 checking in",
		"Just c\xcc\xb6h\xcc\xb6"
		"ecking in",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(disguised); i++) {
		struct gate_result r = judge(disguised[i], strlen(disguised[i]));
		assert_int_equal(r.verdict, GATE_EMPTY);
		assert_string_equal(r.finding[0].rule, "filler-followup");
		assert_string_equal(r.finding[1].rule, "hidden-text");
	}
	/* what stands in a contact's own values refuses nobody a letter */
	struct gate_input in = {
		.subject = "", .text = disguised[0], .text_len = strlen(disguised[0]), .rendered = true
	};
	struct gate_result r;
	gate_judge(&in, &r);
	assert_int_equal(r.finding_n, 1);
}

/* An error is told even where sixteen warnings stand already. */
static void test_errors_first(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 40; i++)
		buf_str(&b, "Set [name] to 40 and restart the pool of workers.\n");
	buf_str(&b, "Set {{name}} to 40.\n");
	struct gate_result r = judge(buf_text(&b), b.len);
	bool told = false;
	for (int i = 0; i < r.finding_n; i++)
		told |= strcmp(r.finding[i].rule, "undefined-placeholder") == 0 && r.finding[i].line == 41;
	assert_int_equal(r.finding_n, GATE_FINDINGS_MAX);
	assert_true(told && !r.pass);
	buf_free(&b);
}

/* A megabyte of anything: an answer. */
static void test_bad_input(void **state)
{
	static const char *const unit[] = { "a ",
					    "[x](https://example.com/a) ",
					    "<div>",
					    "</div>",
					    "<div style=\"display:none\">",
					    "> ",
					    "- ",
					    "\xff",
					    "\xd0\xb5",
					    "a\xd0\xb5",
					    "e\xcc\xb6",
					    "\xe2\x80\x8b",
					    "&#1077;",
					    "<p a=\"",
					    "<!--",
					    "{{#a}}",
					    "`",
					    "\n",
					    "**",
					    "<style>" };
	size_t n = 1 << 20;
	char *s = malloc(n);

	(void)state;
	assert_non_null(s);
	memset(s, '\0', n);
	assert_false(judge(s, n).pass);
	for (size_t i = 0; i < COUNT(unit); i++) {
		for (size_t k = 0; k < n; k++)
			s[k] = unit[i][k % strlen(unit[i])];
		struct gate_result r = judge(s, n);
		assert_true(r.score >= 0 && r.score <= 1);
	}
	free(s);
	assert_int_equal(judge("", 0).verdict, GATE_EMPTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),         cmocka_unit_test(test_places),
		cmocka_unit_test(test_characters),   cmocka_unit_test(test_hidden_phrase),
		cmocka_unit_test(test_errors_first), cmocka_unit_test(test_bad_input),
	};
	return cmocka_run_group_tests_name("gate_text", tests, NULL, NULL);
}
