/* A header block: as many fields as fit into the limits are kept, all of them are looked at for what they say about the
 * body. A line that is no field is passed over when fields go on behind it; else the body begins there. */
#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

#include "parse_int.h"

struct field {
	struct span name, value; /* value: folded still */
};

static size_t line_length(struct span s) /* with its line end */
{
	const char *lf = memchr(s.p, '\n', s.n);

	return lf ? (size_t)(lf - s.p) + 1 : s.n;
}

static struct span behind(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.n - n };
}

static bool is_blank_line(struct span s)
{
	return (s.n > 0 && s.p[0] == '\n') || (s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n') ||
	       (s.n == 1 && s.p[0] == '\r');
}

/* The length of a field's name at the beginning of s, 0: there is none. White space before the colon is obsolete, but
 * seen (RFC 5322 4.5). */
static size_t name_length(struct span s)
{
	size_t n = 0, gap;

	while (n < s.n && (unsigned char)s.p[n] > ' ' && s.p[n] != ':' && (unsigned char)s.p[n] < 0x7f)
		n++;
	gap = n;
	while (gap < s.n && (s.p[gap] == ' ' || s.p[gap] == '\t'))
		gap++;
	return n > 0 && n < 128 && gap < s.n && s.p[gap] == ':' ? n : 0;
}

static size_t field_read(struct span s, struct field *f)
{
	size_t n = name_length(s), at = n;

	f->name = (struct span){ s.p, n };
	while (s.p[at] != ':')
		at++;
	f->value = behind(s, at + 1);
	at = line_length(s);
	while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
		at += line_length(behind(s, at));
	f->value.n = (size_t)(s.p + at - f->value.p);
	return at;
}

static bool is_mbox_line(struct span s)
{
	return (s.n > 5 && !memcmp(s.p, "From ", 5)) || (s.n > 6 && !memcmp(s.p, ">From ", 6));
}

/* ---- what is kept ---- */

static bool name_is(struct span s, const char *name)
{
	return s.n == strlen(name) && !strncasecmp(s.p, name, s.n);
}

/* Without line ends and white space around; at most `most` bytes. */
static char *unfold(struct arena *a, struct span s, size_t most, size_t *len)
{
	char *out = arena_take(a, (s.n < most ? s.n : most) + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < most; i++) {
		bool blank = s.p[i] == ' ' || s.p[i] == '\t';

		if (s.p[i] != '\n' && s.p[i] != '\r' && !(blank && n == 0))
			out[n++] = s.p[i];
	}
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t'))
		n--;
	out[n] = '\0';
	*len = n;
	return out;
}

/* Of the bytes as they came: what stands raw inside of an encoded word is in that word's charset. Encoded words may
 * hold what no header may: line ends would make two of it. */
static const char *words_decode(struct arena *a, const char *raw)
{
	char *text = g_mime_utils_header_decode_text(NULL, raw), *copy;
	size_t len;

	copy = text_decode(a, (struct span){ text, strlen(text) }, "utf-8", &len);
	for (size_t i = 0; i < len; i++)
		if (copy[i] == '\n' || copy[i] == '\t')
			copy[i] = ' ';
	while (len > 0 && copy[len - 1] == ' ')
		copy[--len] = '\0';
	g_free(text);
	return copy + strspn(copy, " ");
}

static void header_keep(struct parser *p, const struct field *f)
{
	struct mail *m = p->mail;
	struct mail_header *h = &m->header[m->header_n];
	size_t room = HEADER_BYTES_MAX - p->header_bytes, len, raw_len;
	char *name, *raw;

	if (m->header_n == HEADERS_MAX || f->name.n >= room) {
		m->cut = true;
		return;
	}
	name = arena_copy(p->arena, f->name.p, f->name.n);
	for (char *c = name; *c != '\0'; c++)
		*c = g_ascii_tolower(*c);
	raw = unfold(p->arena, f->value, room - f->name.n, &raw_len);
	m->cut = m->cut || raw_len == room - f->name.n;
	p->header_bytes += f->name.n + raw_len;
	h->name = name;
	h->raw = text_decode(p->arena, (struct span){ raw, raw_len }, "", &len);
	if (len < WORDS_MAX && strstr(h->raw, "=?"))
		h->value = words_decode(p->arena, strlen(raw) == raw_len ? raw : h->raw);
	else
		h->value = h->raw;
	m->header_n++;
}

/* ---- what it says about the body ---- */

static char *text_copy(struct arena *a, const char *s)
{
	size_t len;

	return text_decode(a, (struct span){ s ? s : "", s ? strlen(s) : 0 }, "utf-8", &len);
}

static const char *lower_copy(struct arena *a, const char *s)
{
	char *copy = text_copy(a, s);

	for (char *c = copy; *c != '\0'; c++)
		*c = g_ascii_tolower(*c);
	return copy;
}

static void type_read(struct parser *p, struct span value, struct entity *e)
{
	size_t len;
	char *raw = unfold(p->arena, value, FIELD_MAX, &len), *slash = memchr(raw, '/', len);
	GMimeContentType *type;
	const char *boundary, *charset;
	char *name;

	if (!slash || slash == raw || slash[1] == '\0') /* "text" alone: as if it did not stand there (RFC 2045 5.2) */
		return;
	type = g_mime_content_type_parse(NULL, raw);
	name = g_mime_content_type_get_mime_type(type);
	e->type = lower_copy(p->arena, name);
	g_free(name);
	e->report_type = lower_copy(p->arena, g_mime_content_type_get_parameter(type, "report-type"));
	boundary = g_mime_content_type_get_parameter(type, "boundary");
	e->boundary = boundary ? arena_copy(p->arena, boundary, strlen(boundary)) : "";
	charset = g_mime_content_type_get_parameter(type, "charset");
	e->charset = charset ? arena_copy(p->arena, charset, strlen(charset)) : "";
	if (*e->name == '\0')
		e->name = text_copy(p->arena, g_mime_content_type_get_parameter(type, "name"));
	g_object_unref(type);
}

static void disposition_read(struct parser *p, struct span value, struct entity *e)
{
	size_t len;
	char *raw = unfold(p->arena, value, FIELD_MAX, &len);
	GMimeContentDisposition *d = g_mime_content_disposition_parse(NULL, raw);
	const char *name = d ? g_mime_content_disposition_get_parameter(d, "filename") : NULL;

	e->attachment = d && g_mime_content_disposition_is_attachment(d);
	if (name)
		e->name = text_copy(p->arena, name);
	if (d)
		g_object_unref(d);
}

static void encoding_read(struct parser *p, struct span value, struct entity *e)
{
	size_t len;

	e->encoding = (int)g_mime_content_encoding_from_string(unfold(p->arena, value, 64, &len));
}

/* The first of each counts; the others are kept as headers only. */
static void body_field(struct parser *p, const struct field *f, struct entity *e, unsigned *seen)
{
	static const struct {
		const char *name;
		void (*read)(struct parser *p, struct span value, struct entity *e);
	} row[] = { { "content-type", type_read },
		    { "content-disposition", disposition_read },
		    { "content-transfer-encoding", encoding_read } };

	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		if ((*seen & 1U << i) != 0 || !name_is(f->name, row[i].name))
			continue;
		*seen |= 1U << i;
		row[i].read(p, f->value, e);
	}
}

/* Do fields go on behind the line of junk at the beginning of s? */
static bool goes_on(struct span s)
{
	struct span next = behind(s, line_length(s));

	return next.n > 0 && name_length(next) > 0;
}

void head_parse(struct parser *p, struct span s, const char *type_default, struct entity *e)
{
	bool first = true;
	unsigned seen = 0;

	*e = (struct entity){ .type = type_default,
			      .boundary = "",
			      .charset = "",
			      .name = "",
			      .report_type = "",
			      .encoding = GMIME_CONTENT_ENCODING_DEFAULT };
	while (s.n > 0 && !is_blank_line(s)) {
		struct field f;
		size_t n;

		if (name_length(s) > 0 && !(first && is_mbox_line(s))) {
			n = field_read(s, &f);
			header_keep(p, &f);
			body_field(p, &f, e, &seen);
		} else if ((first && is_mbox_line(s)) || (!first && goes_on(s))) {
			n = line_length(s);
		} else {
			e->body = s;
			return;
		}
		s = behind(s, n);
		first = false;
	}
	e->body = s.n > 0 ? behind(s, line_length(s)) : s;
}
