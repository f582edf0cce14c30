/* rooms: base model mime */
/* Any header values and bodies. What is composed is 7-bit, CRLF only, with lines of at most 998 (76 in the body), has
 * exactly the headers that were asked for, is the same twice, and GMime reads the same bodies out of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gmime/gmime.h>

#include "abv/mime.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* Returns the number of header fields. */
static int wire_check(const struct buf *b)
{
	bool headers = true;
	size_t line = 0;
	int fields = 0;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];
		check(c != 0 && c < 0x80, "7 bits");
		if (c == '\r') {
			check(i + 1 < b->len && b->data[i + 1] == '\n', "a lone CR");
			check(line <= (headers ? 998u : 76u), "a long line");
			headers = headers && line > 0;
			line = 0;
			i++;
			continue;
		}
		check(c != '\n', "a lone LF");
		fields += headers && line == 0 && c != ' ';
		line++;
	}
	check(line == 0, "an end without CRLF");
	return fields;
}

/* Line ends are what may differ: CRLF and LF are one. */
static void same_text(const char *a, size_t an, const char *b, size_t bn)
{
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		i += i + 1 < an && a[i] == '\r' && a[i + 1] == '\n';
		k += k + 1 < bn && b[k] == '\r' && b[k + 1] == '\n';
		if (i == an || k == bn)
			break;
		check(a[i] == b[k], "the body read back");
	}
	check(i == an && k == bn, "the body read back, its length");
}

static void part_check(GMimeMultipart *parts, int i, const char *expected)
{
	GMimeStream *s = g_mime_stream_mem_new();
	g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(GMIME_PART(g_mime_multipart_get_part(parts, i))),
					    s);
	GByteArray *a = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(s));
	same_text((const char *)a->data, a->len, expected, strlen(expected));
	g_object_unref(s);
}

static void read_back(const struct buf *b, const char *text, const char *html)
{
	GMimeStream *s = g_mime_stream_mem_new_with_buffer(b->data, b->len);
	GMimeParser *p = g_mime_parser_new_with_stream(s);
	GMimeMessage *m = g_mime_parser_construct_message(p, NULL);

	check(m != NULL && GMIME_IS_MULTIPART(g_mime_message_get_mime_part(m)), "a message");
	GMimeMultipart *parts = GMIME_MULTIPART(g_mime_message_get_mime_part(m));
	check(g_mime_multipart_get_count(parts) == 2, "two parts");
	part_check(parts, 0, text);
	part_check(parts, 1, html);
	g_object_unref(m);
	g_object_unref(p);
	g_object_unref(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	const char *part[10] = { "", "", "", "", "", "", "", "", "", "" };
	struct buf a = { 0 }, b = { 0 };
	struct err e = { "" };
	size_t count = 0;
	char *s;

	if (!ready)
		g_mime_init();
	ready = true;
	if (n > 16384)
		return 0;
	s = malloc(n + 1);
	memcpy(s, data, n);
	s[n] = '\0';
	for (size_t at = 0; at <= n && count < 10; at += strlen(s + at) + 1)
		part[count++] = s + at;
	struct mime_headers h = {
		.from_name = part[2],
		.from_addr = "dana@example.com",
		.reply_to = "",
		.to_name = part[3],
		.to_addr = "ann@example.org",
		.subject = part[4],
		.message_id = "m@example.com",
		.date = 1795512600000,
		.list_unsubscribe = part[5],
		.one_click = true,
		.list_id = part[6],
		.feedback_id = part[7],
		.in_reply_to = part[8],
		.references = part[9],
	};
	int r = mime_compose(&h, part[0], strlen(part[0]), part[1], strlen(part[1]), &a, &e);
	check(r == mime_compose(&h, part[0], strlen(part[0]), part[1], strlen(part[1]), &b, &e),
	      "the same answer twice");
	check(a.len == b.len && strcmp(buf_text(&a), buf_text(&b)) == 0, "the same bytes twice");
	if (r == 0) {
		int fields = 7 + (*part[5] != '\0') + (strstr(part[5], "<https:") != NULL) + (*part[6] != '\0') +
			     (*part[7] != '\0') + (*part[8] != '\0') + (*part[9] != '\0');
		check(wire_check(&a) == fields, "the headers that were asked for");
		read_back(&a, part[0], part[1]);
	} else {
		check(a.len == 0 && *e.text != '\0', "a reason, and nothing written");
	}
	buf_free(&a);
	buf_free(&b);
	free(s);
	return 0;
}
