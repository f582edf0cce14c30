/* rooms: base model rules config net inbox */
/* An IMAP server's bytes, cut at arbitrary places, give the same responses as in one piece; what is kept of them is
 * bounded; and every response keeps its contract. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/inbox/imap_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct netlines lines;
	struct imap_reader reader;
	struct buf told;
};

static void check(const struct reading *d)
{
	const struct imap_response *r = &d->reader.response;
	size_t text = strlen(r->tag) + strlen(r->code) + strlen(r->text);

	assert(r->kind <= IMAP_CONTINUE && r->word <= IMAP_FETCH && r->body <= IMAP_BODY_CUT);
	assert(text <= IMAP_TEXT_MAX && !strpbrk(r->text, "\n") && !strchr(r->code, ']'));
	assert(r->kind == IMAP_TAGGED || !*r->tag);
	assert(r->body == IMAP_BODY_NONE || d->reader.want_body);
	assert(d->reader.body.len <= IMAP_BODY_MAX);
}

static int on_bytes(void *arg, const char *p, size_t n)
{
	imap_reader_bytes(&((struct reading *)arg)->reader, p, n);
	return 0;
}

static int on_line(void *arg, const char *line, size_t n)
{
	struct reading *d = arg;
	struct imap_response *r = &d->reader.response;
	uint32_t number;

	switch (imap_reader_line(&d->reader, line, n)) {
	case IMAP_READ_MORE:
		d->lines.bytes = d->reader.literal;
		d->lines.on_bytes = on_bytes;
		return 0;
	case IMAP_READ_BAD: assert(d->reader.fault); return 1;
	case IMAP_READ_RESPONSE: break;
	}
	check(d);
	buf_printf(&d->told, "%d %d %s|%s|%s|%u %u %llu %d %zu\n", (int)r->kind, (int)r->word, r->tag, r->code, r->text,
		   r->number, r->uid, (unsigned long long)(r->has_size ? r->size : 0), (int)r->body,
		   d->reader.body.len);
	if (r->body == IMAP_BODY_WHOLE && d->reader.body.len)
		buf_add(&d->told, d->reader.body.data, d->reader.body.len);
	(void)imap_code_number(r->code, "UIDNEXT", &number);
	imap_capabilities(r->text, &(struct imap_can){ 0 });
	imap_mailbox_name(&d->told, r->text);
	return 0;
}

/* The first byte of each piece's length comes from cuts; without cuts all is one piece. */
static void read_all(struct reading *d, bool want, const uint8_t *p, size_t n, const uint8_t *cuts, size_t cut_n)
{
	const char *fault = NULL;
	int rc = 0;

	d->lines.max = IMAP_TEXT_MAX;
	d->reader.want_body = want;
	for (size_t at = 0, i = 0; at < n && rc == 0; i++) {
		size_t len = cut_n ? (size_t)cuts[i % cut_n] + 1 : n;
		char *piece;

		len = len < n - at ? len : n - at;
		piece = malloc(len); /* so that a read behind it is seen */
		assert(piece);
		memcpy(piece, p + at, len);
		rc = netlines_feed(&d->lines, piece, len, on_line, d, &fault);
		free(piece);
		at += len;
	}
	buf_printf(&d->told, "%d %s", rc, fault ? fault : "");
	netlines_free(&d->lines);
	imap_reader_free(&d->reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut_n = size ? data[0] % 16 : 0;
	struct reading whole = { 0 }, cut = { 0 };

	if (size < cut_n + 1)
		return 0;
	read_all(&whole, data[0] & 0x80, data + 1 + cut_n, size - 1 - cut_n, NULL, 0);
	read_all(&cut, data[0] & 0x80, data + 1 + cut_n, size - 1 - cut_n, data + 1, cut_n);
	assert(whole.told.len == cut.told.len && memcmp(whole.told.data, cut.told.data, cut.told.len) == 0);
	buf_free(&whole.told);
	buf_free(&cut.told);
	return 0;
}
