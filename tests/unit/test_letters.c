/* rooms: base model mime render */
/* Whole letters, from template to the bytes that go to the relay, against the bytes that are kept in tests/data/compose: what makes
 * composing faster must not change a byte of a letter, nor the digest of its content, which stores and logs have kept for years.
 * ABV_LETTERS_WRITE=1 writes them anew; a change of theirs is to be wanted, and read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abv/mime.h"
#include "abv/token.h"
#include "template_dir.h"

#define TEN(x) x x x x x x x x x x

static const char *const person[][15] = {
	{ "first_name", "Ann", "last_name", "Miller", "account", "Acme", "industry", "logistics", "email", "ann@acme.example", "site",
	  "https://acme.example/", NULL },
	{ "first_name", "  \xc3\x84nne\tMarie ", "last_name", "O'Hara & \"Sons\" <x>", "account",
	  "M\xc3\xbcller. S\xc3\xb6hne\xe2\x80\xaf=?x?= {{first_name}} &amp; *Co*  GmbH", "industry",
	  "\xd0\x9b\xd0\xbe\xd0\xb3\xd0\xb8\xd1\x81\xd1\x82\xd0\xb8\xd0\xba\xd0\xb0\xe2\x80\xae\x01 \xff\xfe \xf4\x80\x80\x80x", "email",
	  "a=nne+x@m\xc3\xbcller.example", "site", "javascript:alert(1)", NULL },
	{ "first_name", "From", "last_name", ".", "account", TEN(TEN("wide")), "industry", TEN("two words "), "email", "f@x.example", "site",
	  "mailto:f@x.example?subject=a b&c", NULL },
	/* what a section may do without is missing */
	{ "first_name", "I", "account", "=", "last_name", "..", "email", "i@x.example", "site", "http://i.example", NULL },
};
#define PEOPLE (sizeof person / sizeof person[0])

static const struct render_frame frame = {
	"Example Ltd, Stra\xc3\x9f" "e 1, Springfield = 12345", "You receive this e-mail from Dana Reyes because you asked for e-mails from us (web form, 2026-05-01).",
	"mailto:unsubscribe@example.com?subject=unsubscribe%20abc-defghijklmnop",
};

static void letter_add(struct buf *out, struct template *t, size_t who)
{
	const struct render_values values = { row_get, (void *)person[who] };
	char digest[DIGEST_HEX];
	struct rendered r = { 0 };
	struct err e = { "" };

	if (template_render(t, &values, &frame, &r, NULL, &e) != 0) {
		buf_printf(out, "==== person %zu: %s\n", who, e.text);
		rendered_free(&r);
		return;
	}
	struct mime_headers h = {
		.from_name = "Dana Reyes", .from_addr = "dana@example.com", .reply_to = "", .to_name = row_get((void *)person[who], "first_name"),
		.to_addr = row_get((void *)person[who], "email"), .subject = buf_text(&r.subject), .message_id = "1z-abcdefghijklmnop@example.com",
		.date = 1795512600000 + (int64_t)who * 86400000, .list_unsubscribe = "<mailto:unsubscribe@example.com?subject=unsubscribe%20x>",
		.list_id = "getting started.example.com", .feedback_id = "step 1:getting started:abvd:example.com", .in_reply_to = "",
		.references = "",
	};
	render_content_digest(buf_text(&r.text), r.body_len, digest);
	buf_printf(out, "==== person %zu: content %s, %zu bytes of body, %zu of values\n", who, digest, r.body_len, r.value_bytes);
	if (mime_compose(&h, buf_text(&r.text), r.text.len, buf_text(&r.html), r.html.len, out, &e) != 0)
		buf_printf(out, "%s\n", e.text);
	rendered_free(&r);
}

static void letters_make(const char *name, struct buf *out)
{
	struct problems problems = { 0 };
	struct template_layout *layout;
	struct template *t;
	struct buf again[PEOPLE] = { 0 };

	assert_int_equal(template_layout_load(TEST_DATA "/compose", &layout, &problems), 0);
	if (template_load(TEST_DATA "/compose", name, layout, &t, &problems) != 0)
		fail_msg("%s: %s", name, problems.row[0].message);
	for (size_t i = 0; i < PEOPLE; i++)
		letter_add(out, t, i);
	for (size_t i = PEOPLE; i-- > 0;) /* and in the other order: what is kept from a letter to the next changes nothing */
		letter_add(&again[i], t, i);
	for (size_t i = 0, at = 0; i < PEOPLE; i++) {
		assert_memory_equal(out->data + at, again[i].data, again[i].len);
		at += again[i].len;
		buf_free(&again[i]);
	}
	template_free(&t);
	template_layout_free(&layout);
	problems_free(&problems);
}

static void file_write(const char *path, const struct buf *b)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
	assert_int_equal(fclose(f), 0);
}

static void same_as_kept(void **state)
{
	static const char *const name[] = { "plain", "umlauts", "japanese", "dots", "long", "sections", "values" };
	(void)state;
	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
		struct buf made = { 0 }, kept = { 0 };
		char template[64], path[512];
		size_t at = 0;

		snprintf(template, sizeof template, "%s.md", name[i]);
		snprintf(path, sizeof path, TEST_DATA "/compose/%s.out", name[i]);
		letters_make(template, &made);
		if (getenv("ABV_LETTERS_WRITE") != NULL)
			file_write(path, &made);
		assert_int_equal(buf_read_file(&kept, path, 1 << 20), 0);
		while (at < made.len && at < kept.len && made.data[at] == kept.data[at])
			at++;
		if (at < made.len || at < kept.len)
			fail_msg("%s.out differs from byte %zu on: %.60s", name[i], at, made.data + at);
		buf_free(&made);
		buf_free(&kept);
	}
}

/* The digest's rule, a character at a time, over pieces that meet at every distance: what is visible is folded, runs of white space between
 * are one space, and what is not seen is not there. */
static void digests_of_pieces(void **state)
{
	static const struct {
		const char *piece, *becomes; /* " ": white space */
	} row[] = {
		{ "a", "a" }, { "Z", "z" }, { "[", "[" }, { "@", "@" }, { "`{", "`{" }, { "~!", "~!" }, { " ", " " }, { "  ", " " }, { "\n", " " },
		{ "\t ", " " }, { "\x01", "" }, { "\x7f", "" }, { "\xff", "" }, { "\xc2\xa0", " " }, { "\xe2\x80\xae", "" },
		{ "\xe2\x82\xac", "\xe2\x82\xac" }, { "\xc3\x84", "\xc3\xa4" }, { "Word", "word" }, { "SIXTEENlettersOF", "sixteenlettersof" },
		{ "0123456789ABCDE", "0123456789abcde" }, { "\xe2\x80\xa8", " " },
	};
	uint64_t seed = 4711;
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct buf text = { 0 }, expected = { 0 };
		char made[DIGEST_HEX], wanted[DIGEST_HEX];
		bool gap = false;
		for (int k = (int)(seed >> 40) % 30; k >= 0; k--) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			size_t i = (seed >> 33) % (sizeof row / sizeof row[0]);
			buf_str(&text, row[i].piece);
			gap = gap || *row[i].becomes == ' ';
			if (*row[i].becomes == ' ' || *row[i].becomes == '\0')
				continue;
			buf_str(&expected, gap && expected.len > 0 ? " " : "");
			buf_str(&expected, row[i].becomes);
			gap = false;
		}
		render_content_digest(text.data, text.len, made);
		digest_hex(buf_text(&expected), expected.len, wanted);
		assert_string_equal(made, wanted);
		buf_free(&text);
		buf_free(&expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(same_as_kept), cmocka_unit_test(digests_of_pieces) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
