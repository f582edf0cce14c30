/* rooms: base model rules mime */
/* Any bytes: the parse ends, its tree is a tree, its strings are UTF-8, and classification gives a class with fields
 * that end; twice the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/classify.h"
#include "abv/mime.h"

#define MUST(x)                                                                                                        \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)

static size_t char_length(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] < 0xe0 && (s[1] & 0xc0) == 0x80)
		return 2;
	if (s[0] >= 0xe0 && s[0] < 0xf0 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80)
		return 3;
	if (s[0] >= 0xf0 && s[0] < 0xf5 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80)
		return 4;
	return 0;
}

static void must_be_text(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	MUST(s != NULL);
	while (*u != '\0') {
		size_t n = char_length(u);

		MUST(n > 0);
		u += n;
	}
}

static void check_parts(const struct mail *m)
{
	MUST(m->part_n >= 1 && m->part_n <= 200 && m->part[0].end == m->part_n && m->part[0].depth == 0);
	for (size_t i = 0; i < m->part_n; i++) {
		const struct mail_part *p = &m->part[i];

		MUST(p->end > i && p->end <= m->part_n && p->depth <= 20);
		MUST(p->header + p->header_n <= m->header_n);
		MUST(strlen(p->text) == p->text_len);
		must_be_text(p->type);
		must_be_text(p->report_type);
		must_be_text(p->name);
		must_be_text(p->text);
	}
}

static void check_mail(const struct mail *m)
{
	check_parts(m);
	MUST(m->header_n <= 2000);
	for (size_t i = 0; i < m->header_n; i++) {
		must_be_text(m->header[i].name);
		must_be_text(m->header[i].value);
		must_be_text(m->header[i].raw);
		MUST(strpbrk(m->header[i].value, "\r\n") == NULL);
	}
	for (size_t i = 0; i < m->recipient_n; i++)
		must_be_text(m->recipient[i]);
	for (size_t i = 0; i < m->reference_n; i++)
		must_be_text(m->reference[i]);
	must_be_text(m->from);
	must_be_text(m->from_name);
	must_be_text(m->return_path);
	must_be_text(m->message_id);
	must_be_text(m->in_reply_to);
	MUST(m->date >= 0);
}

static void check_class(const struct classified *c)
{
	MUST(c->class >= 0 && c->class < CLASS_COUNT && *c->by != '\0');
	MUST(c->bounce_n >= 0 && c->bounce_n <= BOUNCES_MAX);
	MUST(c->bounce_n == 0 || c->class == CLASS_BOUNCE || c->class == CLASS_NOTICE);
	for (int i = 0; i < c->bounce_n; i++)
		MUST(*c->bounce[i].action != '\0' &&
		     memchr(c->bounce[i].reason, '\0', sizeof c->bounce[i].reason) != NULL &&
		     memchr(c->bounce[i].status, '\0', sizeof c->bounce[i].status) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct classified a, b;
	struct mail *m = NULL;
	char *bytes = malloc(size + 1); /* exactly as long: a byte too far is seen */

	if (bytes == NULL)
		return 0;
	memcpy(bytes, data, size);
	bytes = realloc(bytes, size > 0 ? size : 1);
	mime_parse(bytes, size, &m);
	check_mail(m);
	classify_mail(m, "sender.example", &a);
	classify_mail(m, "sender.example", &b);
	check_class(&a);
	MUST(memcmp(&a, &b, sizeof a) == 0);
	mail_free(&m);
	free(bytes);
	return 0;
}
