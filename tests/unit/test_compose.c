/* rooms: base model mime */
/* Composed messages are read back by GMime, which has not made them, and compared; then the bytes themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gmime/gmime.h>

#include "abv/mime.h"

#define UMLAUT "\xc3\xbc"
#define PARTY  "\xf0\x9f\x8e\x89"
#define TEN(x) x x x x x x x x x x

static const struct mime_headers plain = {
	.from_name = "Dana Reyes",
	.from_addr = "dana@example.com",
	.reply_to = "",
	.to_name = "",
	.to_addr = "ann@acme.example",
	.subject = "A checklist",
	.message_id = "m1-abc@example.com",
	.date = 1795512600000,
	.list_unsubscribe = "<mailto:u@example.com>",
	.list_id = "",
	.feedback_id = "",
	.in_reply_to = "",
	.references = "",
};

static struct buf compose(const struct mime_headers *h, const char *text, const char *html)
{
	struct buf out = { 0 };
	struct err e = { "" };
	if (mime_compose(h, text, strlen(text), html, strlen(html), &out, &e) != 0)
		fail_msg("%s", e.text);
	return out;
}

/* 7 bits, CRLF only, short lines; headers (up to the empty line) of at most 78 where `folded`. */
static void wire_check(const struct buf *b, bool folded)
{
	size_t line = 0;
	bool headers = true;

	assert_true(b->len > 2 && memcmp(b->data + b->len - 2, "\r\n", 2) == 0);
	for (size_t i = 0; i < b->len; i++) {
		char c = b->data[i];
		assert_in_range((unsigned char)c, 1, 0x7f);
		if (c == '\r') {
			assert_int_equal(b->data[i + 1], '\n');
			assert_true(i == 0 || b->data[i - 1] != ' ' || !headers);
			assert_true(line <= (headers ? folded ? 78 : 998 : 76));
			headers = headers && line > 0;
			line = 0;
			i++;
			continue;
		}
		assert_int_not_equal(c, '\n');
		line++;
	}
}

static GMimeMessage *read_back(const struct buf *b)
{
	GMimeStream *s = g_mime_stream_mem_new_with_buffer(b->data, b->len);
	GMimeParser *p = g_mime_parser_new_with_stream(s);
	GMimeMessage *m = g_mime_parser_construct_message(p, NULL);
	g_object_unref(p);
	g_object_unref(s);
	assert_non_null(m);
	return m;
}

/* A part's content after decoding, with LF. */
static char *part_text(GMimeMessage *m, int i)
{
	GMimeMultipart *parts = GMIME_MULTIPART(g_mime_message_get_mime_part(m));
	GMimeObject *part = g_mime_multipart_get_part(parts, i);
	GMimeStream *s = g_mime_stream_mem_new();
	struct buf b = { 0 };

	assert_int_equal(g_mime_multipart_get_count(parts), 2);
	g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(GMIME_PART(part)), s);
	GByteArray *a = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(s));
	for (guint k = 0; k < a->len; k++)
		if (a->data[k] != '\r' || k + 1 == a->len || a->data[k + 1] != '\n')
			buf_char(&b, (char)a->data[k]);
	g_object_unref(s);
	return buf_take(&b);
}

/* RFC 5322 2.2.3: GMime leaves it to its user where there are no encoded words. */
static void assert_unfolded(const char *folded, const char *expected)
{
	struct buf b = { 0 };
	for (; *folded != '\0'; folded++)
		if (*folded != '\r' && *folded != '\n')
			buf_char(&b, *folded);
	assert_string_equal(buf_text(&b), expected);
	buf_free(&b);
}

static void header_texts(void **state)
{
	static const char *const text[] = {
		"A checklist",
		"M" UMLAUT "ller",
		"Ein Betreff f" UMLAUT "r M" UMLAUT
		"ller & S\xc3\xb6hne: was in den ersten 30 Tagen zu tun ist, und was nicht",
		PARTY " party " PARTY,
		TEN(TEN(PARTY)),
		TEN("word and " PARTY " "),
		TEN("plain words of a very long subject that has to be folded "),
		TEN(TEN("unbroken")),
		"a =?utf-8?q?literal?= b",
		"two  spaces   three",
		"two  " UMLAUT "  spaces",
		"tab\there",
		"\"quoted\" \\ (comment) <angle> a, b; c: d@e",
		"O'Brien (Jr.)",
		"?= =",
		"broken \xff byte",
		".",
		"\xe2\x80\xaertl",
	};
	(void)state;
	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
		struct mime_headers h = plain;
		h.subject = h.to_name = h.from_name = text[i];
		struct buf b = compose(&h, "t", "h");
		GMimeMessage *m = read_back(&b);
		GString *expected = g_string_new(NULL);
		for (char *valid = g_utf8_make_valid(text[i], -1), *p = valid;; p++) {
			if (*p == '\0') {
				g_free(valid);
				break;
			}
			g_string_append_c(expected, *p == '\t' ? ' ' : *p);
		}
		g_strchomp(expected->str);
		wire_check(&b, true);
		assert_unfolded(g_mime_message_get_subject(m), expected->str);
		InternetAddress *to = internet_address_list_get_address(g_mime_message_get_to(m), 0);
		assert_unfolded(internet_address_get_name(to), expected->str);
		assert_string_equal(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(to)),
				    "ann@acme.example");
		assert_int_equal(internet_address_list_length(g_mime_message_get_to(m)), 1);
		assert_int_equal(internet_address_list_length(g_mime_message_get_from(m)), 1);
		g_string_free(expected, TRUE);
		g_object_unref(m);
		buf_free(&b);
	}
}

static void bodies(void **state)
{
	static const char *const text[] = {
		"",
		"a",
		"a\n",
		"\n",
		"\n\n",
		"a=b\n",
		"trailing \nspaces\t\n-- \nat the end ",
		".\n.dot\n..\nFrom me\n>From you\n",
		TEN(TEN("0123456789")) "\n",
		TEN(TEN("012345678 ")) "\n",
		TEN(TEN("=")) ".\n",
		TEN(TEN(UMLAUT)),
		TEN(TEN("a" PARTY UMLAUT "\n")),
		"75 columns 75 columns 75 columns 75 columns 75 columns 75 columns 75 columns 1234",
		"--=_boundary\n--\n",
		TEN(TEN("From ")),
		TEN(TEN(".......")),
		"\xff\xfe\n",
		"lone\rcr\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
		struct buf b = compose(&plain, text[i], text[(i + 1) % (sizeof text / sizeof text[0])]);
		GMimeMessage *m = read_back(&b);
		char *first = part_text(m, 0), *second = part_text(m, 1);
		wire_check(&b, true);
		assert_string_equal(first, text[i]);
		assert_string_equal(second, text[(i + 1) % (sizeof text / sizeof text[0])]);
		/* Nothing that a relay would want to touch. */
		assert_null(strstr(b.data, "\n."));
		assert_null(strstr(b.data, "\nFrom "));
		free(first);
		free(second);
		g_object_unref(m);
		buf_free(&b);
	}
}

static void whole_message(void **state)
{
	struct mime_headers h = plain;
	(void)state;
	h.reply_to = "desk@example.com";
	h.to_name = "Ann M" UMLAUT "ller";
	h.list_unsubscribe = "<mailto:u@example.com?subject=unsubscribe%20tok>, <https://example.com/u/tok>";
	h.one_click = true;
	h.list_id = "getting started.example.com";
	h.feedback_id = "check" UMLAUT "list:getting-started:abvd:example.com";
	h.in_reply_to = "<m0@example.com>";
	h.references = "<m9@example.com> <m0@example.com>";
	struct buf b = compose(&h, "Hello,\n" UMLAUT "\n-- \n", "<p>\xd0\x96\xd0\x96\xd0\x96\n</p>");
	wire_check(&b, true);
	for (char *at = b.data; (at = strstr(at, "=_dbe788a5a869f30223156bd0cbf652e8")) != NULL; at++) {
		memcpy(at + 2, "BOUNDARY", 8);
		memmove(at + 10, at + 34, strlen(at + 34) + 1);
	}
	assert_string_equal(
	    b.data,
	    "From: Dana Reyes <dana@example.com>\r\n"
	    "To: =?UTF-8?Q?Ann_M=C3=BCller?= <ann@acme.example>\r\n"
	    "Reply-To: desk@example.com\r\n"
	    "Subject: A checklist\r\n"
	    "Date: Tue, 24 Nov 2026 09:30:00 +0000\r\n"
	    "Message-ID: <m1-abc@example.com>\r\n"
	    "In-Reply-To: <m0@example.com>\r\n"
	    "References: <m9@example.com> <m0@example.com>\r\n"
	    "List-Unsubscribe: <mailto:u@example.com?subject=unsubscribe%20tok>,\r\n"
	    " <https://example.com/u/tok>\r\n"
	    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
	    "List-Id: <getting-started.example.com>\r\n"
	    "Feedback-ID: check-list:getting-started:abvd:example.com\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/alternative;\r\n boundary=\"=_BOUNDARY\"\r\n"
	    "\r\n"
	    "--=_BOUNDARY\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
	    "quoted-printable\r\n\r\n"
	    "Hello,\r\n=C3=BC\r\n--=20\r\n\r\n"
	    "--=_BOUNDARY\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	    "PHA+0JbQltCWDQo8L3A+\r\n\r\n"
	    "--=_BOUNDARY--\r\n");
	buf_free(&b);
}

static void same_bytes(void **state)
{
	struct mime_headers other = plain;
	(void)state;
	other.message_id = "m2-abc@example.com";
	struct buf a = compose(&plain, "t", "h"), b = compose(&plain, "t", "h"), c = compose(&other, "t", "h");
	assert_string_equal(a.data, b.data);
	const char *in_a = strstr(a.data, "boundary="), *in_c = strstr(c.data, "boundary=");
	assert_memory_not_equal(in_a, in_c, 40);
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
}

static void refused(void **state)
{
#define AT(field) offsetof(struct mime_headers, field)
	static const struct {
		size_t at;
		const char *value, *error;
	} row[] = {
		{ AT(from_name), "a\r\nBcc: x@e.example", "header From holds a line end" },
		{ AT(to_name), "a\nb", "header To holds a line end" },
		{ AT(subject), "a\rb", "header Subject holds a line end" },
		{ AT(subject), "", "header Subject is empty" },
		{ AT(subject), " \x01 ", "header Subject is empty" },
		{ AT(from_addr), "", "header From holds no address that a header can carry" },
		{ AT(from_addr), "dana", "header From holds no address that a header can carry" },
		{ AT(to_addr), "a@b.example\r\nBcc: c@d.example",
		  "header To holds no address that a header can carry" },
		{ AT(to_addr), "a@b.example, c@d.example", "header To holds no address that a header can carry" },
		{ AT(to_addr), "a@b.example>,<c@d.example", "header To holds no address that a header can carry" },
		{ AT(to_addr), "a@b.example>c.example", "header To holds no address that a header can carry" },
		{ AT(to_addr), "a@", "header To holds no address that a header can carry" },
		{ AT(reply_to), "a b@c.example", "header Reply-To holds no address that a header can carry" },
		{ AT(message_id), "", "header Message-ID is missing" },
		{ AT(message_id), "a b@c", "header Message-ID holds what it cannot carry" },
		{ AT(message_id), "a@b>\r\nX: y", "header Message-ID holds what it cannot carry" },
		{ AT(list_unsubscribe), "<mailto:a@b>\r\nX: y", "header List-Unsubscribe holds what it cannot carry" },
		{ AT(list_unsubscribe), "<mailto:\xc3\xbc@b>", "header List-Unsubscribe holds what it cannot carry" },
		{ AT(in_reply_to), "<a@b>\nX: y", "header In-Reply-To holds what it cannot carry" },
		{ AT(references), "<a@b>\x7f", "header References holds what it cannot carry" },
		{ AT(references), TEN(TEN("0123456789_")), "header References: a word is too long for a line" },
		{ AT(list_id), "a\nb", "header List-Id holds a line end" },
		{ AT(feedback_id), "a\rb", "header Feedback-ID holds a line end" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct mime_headers h = plain;
		struct buf out = { 0 };
		struct err e = { "" };
		*(const char **)(void *)((char *)&h + row[i].at) = row[i].value;
		buf_str(&out, "before");
		assert_int_equal(mime_compose(&h, "t", 1, "h", 1, &out, &e), -1);
		assert_string_equal(e.text, row[i].error);
		assert_string_equal(out.data, "before");
		buf_free(&out);
	}
}

/* RFC 8058: one click needs an https URL. */
static void one_click(void **state)
{
	struct mime_headers h = plain;
	(void)state;
	h.one_click = true;
	struct buf b = compose(&h, "t", "h");
	assert_null(strstr(b.data, "List-Unsubscribe-Post"));
	assert_null(strstr(b.data, "Auto-Submitted"));
	buf_free(&b);
}

/* An address of SMTPUTF8 is the one thing that is not 7-bit: there is no other way to write it (RFC 6532). */
static void smtputf8(void **state)
{
	struct mime_headers h = plain;
	(void)state;
	h.to_addr = "m" UMLAUT "ller@example.com";
	struct buf b = compose(&h, "t", "h");
	assert_non_null(strstr(b.data, "To: m" UMLAUT "ller@example.com\r\n"));
	buf_free(&b);
}

/* Quoted-printable as RFC 2045 6.7 says it, an octet at a time. */
static void quoted_line(struct buf *out, const char *s, size_t n)
{
	size_t column = 0;

	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i];
		bool blank = c == ' ' || c == '\t';
		bool kept = (blank && i + 1 < n) || (c > ' ' && c <= '~' && c != '=');
		if (column == 0 && (c == '.' || (n - i >= 5 && memcmp(s + i, "From ", 5) == 0)))
			kept = false;
		if (column + (kept ? 1 : 3) > 75) {
			buf_str(out, "=\r\n");
			column = 0;
			continue;
		}
		buf_printf(out, kept ? "%c" : "=%02X", c);
		column += kept ? 1 : 3;
		i++;
	}
}

static void quoted_text(struct buf *out, const char *s, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *lf = memchr(s + at, '\n', n - at);
		size_t end = lf != NULL ? (size_t)(lf - s) : n;
		quoted_line(out, s + at, lf != NULL && end > at && s[end - 1] == '\r' ? end - at - 1 : end - at);
		if (lf != NULL)
			buf_str(out, "\r\n");
		at = end + (lf != NULL);
	}
}

/* Texts of pieces that meet at every column, against the encoder above. */
static void quoted_printable(void **state)
{
	static const char *const piece[] = { "a", "=", " ", "\t", "\n", "\r\n", "\r", ".", "From ", "From", "\xc3\xbc", "\x7f", "\x01", "\n.", "\n\n",
		                             "word ", "seven77", "0123456789abcdef", TEN("abcdefg"), " \n", "\t\n", "=3D", "\n=", "~", "!" };
	uint64_t seed = 12345;
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct buf text = { 0 }, expected = { 0 }, out = { 0 };
		struct err e = { "" };
		for (int k = (int)(seed >> 40) % 40; k >= 0; k--) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			buf_str(&text, piece[(seed >> 33) % (sizeof piece / sizeof piece[0])]);
		}
		quoted_text(&expected, text.data, text.len);
		assert_int_equal(mime_compose(&plain, text.data, text.len, NULL, 0, &out, &e), 0);
		const char *body = strstr(out.data, "\r\n\r\n") + 4;
		if (strstr(out.data, "Transfer-Encoding: quoted-printable\r\n") != NULL) {
			buf_str(&expected, "\r\n");
			assert_string_equal(body, expected.data);
		}
		buf_free(&text);
		buf_free(&expected);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_texts), cmocka_unit_test(bodies),  cmocka_unit_test(whole_message),
		cmocka_unit_test(same_bytes),   cmocka_unit_test(refused), cmocka_unit_test(one_click),
		cmocka_unit_test(smtputf8),     cmocka_unit_test(quoted_printable),
	};
	g_mime_init();
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	g_mime_shutdown();
	return r;
}
