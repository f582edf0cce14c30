/* rooms: base model rules net sender */
/* A server's bytes, cut at arbitrary places, give the same replies as in one piece; and every reply keeps its contract.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/buf.h"
#include "abv/sender.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct netlines lines;
	struct smtp_reply_parser parser;
	struct buf told;
};

static int on_line(void *arg, const char *line, size_t n)
{
	struct reading *r = arg;
	const struct smtp_reply *reply = &r->parser.reply;

	assert(n <= NETLINE_MAX && !memchr(line, '\n', n));
	switch (smtp_reply_line(&r->parser, line, n)) {
	case SMTP_PARSE_MORE: assert(r->parser.begun); return 0;
	case SMTP_PARSE_BAD: buf_str(&r->told, "bad\n"); return 1;
	case SMTP_PARSE_REPLY: break;
	}
	assert(reply->code >= 200 && reply->code <= 599 && reply->lines >= 1 && reply->lines <= 100);
	assert(strlen(reply->text) < sizeof reply->text && strlen(reply->status) < sizeof reply->status);
	for (const char *p = reply->text; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
	buf_printf(&r->told, "%d|%s|%d|%s\n", reply->code, reply->status, reply->lines, reply->text);
	return 0;
}

/* The first byte of each piece's length comes from cuts; without cuts all is one piece. */
static void read_all(struct reading *r, const uint8_t *p, size_t n, const uint8_t *cuts, size_t cut_n)
{
	const char *fault = NULL;
	int rc = 0;

	for (size_t at = 0, i = 0; at < n && rc == 0; i++) {
		size_t len = cut_n ? (size_t)cuts[i % cut_n] + 1 : n;
		char *piece;

		len = len < n - at ? len : n - at;
		piece = malloc(len); /* so that a read behind it is seen */
		assert(piece);
		memcpy(piece, p + at, len);
		rc = netlines_feed(&r->lines, piece, len, on_line, r, &fault);
		free(piece);
		at += len;
	}
	if (rc < 0) {
		assert(fault);
		buf_str(&r->told, "fault\n");
	}
	netlines_free(&r->lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut_n = size ? data[0] % 16 : 0;
	struct reading whole = { 0 }, cut = { 0 };

	if (size < cut_n + 1)
		return 0;
	read_all(&whole, data + 1 + cut_n, size - 1 - cut_n, NULL, 0);
	read_all(&cut, data + 1 + cut_n, size - 1 - cut_n, data + 1, cut_n);
	assert(strcmp(buf_text(&whole.told), buf_text(&cut.told)) == 0);
	buf_free(&whole.told);
	buf_free(&cut.told);
	return 0;
}
