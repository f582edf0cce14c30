/* A received message, whatever its bytes are. A multipart without its boundary, or whose boundary never comes, is read
 * as the text that it looks like; parts end where the enclosing one ends. What is beyond the limits is not read and
 * `cut` is set: such a message is nobody's answer. */
#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

#include "abv/mailaddr.h"
#include "abv/mime.h"
#include "parse_int.h"

/* ---- structure ---- */

static void entity_parse(struct parser *p, struct span s, const char *type_default, int depth);

static bool type_begins(const char *type, const char *with)
{
	return !strncmp(type, with, strlen(with));
}

static bool is_message(const char *type)
{
	return !strcmp(type, "message/rfc822") || !strcmp(type, "message/global") || !strcmp(type, "message/news");
}

/* Reports may be called anything below message/; whole messages are parts of their own. */
static bool has_text(const char *type)
{
	return type_begins(type, "text/") || (type_begins(type, "message/") && strcmp(type, "message/partial") != 0);
}

static bool ends_line(struct span s)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r'))
		i++;
	return i == s.n || s.p[i] == '\n';
}

/* A line that parts: where the part before it ends, and where the next one begins. */
struct divider {
	const char *at, *behind;
	bool last;
};

static bool divider_here(const char *at, const char *end, size_t mark_n, struct divider *d)
{
	struct span rest = { at + mark_n, (size_t)(end - at) - mark_n };
	const char *lf;

	d->last = rest.n >= 2 && rest.p[0] == '-' && rest.p[1] == '-';
	if (!ends_line(rest) && !(d->last && ends_line((struct span){ rest.p + 2, rest.n - 2 })))
		return false;
	lf = memchr(rest.p, '\n', rest.n);
	d->at = at;
	d->behind = lf ? lf + 1 : end;
	return true;
}

/* mark: "--" and the boundary. */
static bool divider_find(struct parser *p, const char *from, struct span whole, struct span mark, struct divider *d)
{
	const char *end = whole.p + whole.n;

	while (from < end && p->strays < STRAY_LINES_MAX) {
		const char *at = memmem(from, (size_t)(end - from), mark.p, mark.n);

		if (!at)
			return false;
		if ((at == whole.p || at[-1] == '\n') && divider_here(at, end, mark.n, d))
			return true;
		p->strays++;
		from = memchr(at, '\n', (size_t)(end - at));
		if (!from)
			return false;
	}
	p->mail->cut = p->mail->cut || p->strays >= STRAY_LINES_MAX;
	return false;
}

/* The boundary that is not told: the first line that begins with "--" in front of a field of a part. */
static const char *boundary_guess(struct parser *p, struct span s)
{
	const char *end = s.p + s.n, *at = s.p, *next;

	for (int lines = 0; at < end && lines < 200; lines++, at = next) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		size_t n;

		next = lf ? lf + 1 : end;
		if (next - at < 4 || at[0] != '-' || at[1] != '-' || end - next < 8 ||
		    strncasecmp(next, "Content-", 8) != 0)
			continue;
		for (n = (size_t)(next - at); n > 0 && strchr(" \t\r\n", at[n - 1]); n--)
			;
		return arena_copy(p->arena, at + 2, n - 2);
	}
	return "";
}

/* The line end in front of a divider belongs to it (RFC 2046 5.1.1). */
static struct span part_span(const char *from, const char *to)
{
	if (to > from && to[-1] == '\n')
		to--;
	if (to > from && to[-1] == '\r')
		to--;
	return (struct span){ from, (size_t)(to - from) };
}

static struct span rest_span(const char *from, struct span whole)
{
	return (struct span){ from, (size_t)(whole.p + whole.n - from) };
}

/* A multipart that cannot be parted: all of it is one text. */
static void text_instead(struct parser *p, struct span s, int depth)
{
	struct mail *m = p->mail;
	struct mail_part *part = &m->part[m->part_n];

	if (m->part_n == PARTS_MAX) {
		m->cut = true;
		return;
	}
	*part = (struct mail_part){ .type = "text/plain", .report_type = "", .name = "", .depth = depth };
	part->text = text_decode(p->arena, s, "", &part->text_len);
	part->header = m->header_n;
	part->end = ++m->part_n;
}

static void multipart_parse(struct parser *p, const struct entity *e, int depth)
{
	const char *inner = !strcmp(e->type, "multipart/digest") ? "message/rfc822" : "text/plain";
	const char *boundary = *e->boundary != '\0' ? e->boundary : boundary_guess(p, e->body);
	size_t n = strlen(boundary);
	char *mark = arena_take(p->arena, n + 3);
	struct divider d, next = { .last = true };
	bool more = true;

	mark[0] = mark[1] = '-';
	memcpy(mark + 2, boundary, n + 1);
	if (n == 0 || !divider_find(p, e->body.p, e->body, (struct span){ mark, n + 2 }, &d)) {
		text_instead(p, e->body, depth);
		return;
	}
	for (; more && !d.last && p->mail->part_n < PARTS_MAX; d = next) {
		more = divider_find(p, d.behind, e->body, (struct span){ mark, n + 2 }, &next);
		entity_parse(p, more ? part_span(d.behind, next.at) : rest_span(d.behind, e->body), inner, depth);
	}
	p->mail->cut = p->mail->cut || (more && !d.last);
}

static void part_text(struct parser *p, struct mail_part *part, const struct entity *e)
{
	struct span s = body_decode(p->arena, e->body, e->encoding);

	part->text = text_decode(p->arena, s, e->charset, &part->text_len);
}

/* The headers of a message inside are what the reader of message/rfc822 wants, not its own MIME ones. */
static void message_parse(struct parser *p, size_t index, const struct entity *e, int depth)
{
	struct mail *m = p->mail;

	m->part[index].header_n = 0;
	entity_parse(p, body_decode(p->arena, e->body, e->encoding), "text/plain", depth + 1);
	if (m->part_n == index + 1)
		return;
	m->part[index].header = m->part[index + 1].header;
	m->part[index].header_n = m->part[index + 1].header_n;
}

static void body_parse(struct parser *p, size_t index, const struct entity *e, int depth)
{
	if (type_begins(e->type, "multipart/"))
		multipart_parse(p, e, depth + 1);
	else if (is_message(e->type))
		message_parse(p, index, e, depth);
	else if (has_text(e->type))
		part_text(p, &p->mail->part[index], e);
}

/* The part's own row comes first, then what is inside. */
static void entity_parse(struct parser *p, struct span s, const char *type_default, int depth)
{
	struct mail *m = p->mail;
	struct mail_part *part = &m->part[m->part_n];
	size_t index = m->part_n;
	struct entity e;

	if (m->part_n == PARTS_MAX || depth > DEPTH_MAX) {
		m->cut = true;
		return;
	}
	m->part_n++;
	*part = (struct mail_part){ .depth = depth, .text = "", .header = m->header_n };
	head_parse(p, s, type_default, &e);
	part->header_n = m->header_n - part->header;
	part->type = e.type;
	part->report_type = e.report_type;
	part->name = e.name;
	part->attachment = e.attachment;
	body_parse(p, index, &e, depth);
	m->part[index].end = m->part_n;
}

/* ---- what stands in the headers ---- */

static const char *header_raw(const struct mail *m, const char *name)
{
	for (size_t i = 0; i < m->part[0].header_n; i++)
		if (!strcmp(m->header[i].name, name))
			return m->header[i].raw;
	return "";
}

static const char *header_value(const struct mail *m, const char *name)
{
	const char *value = mail_get(m, name);

	return value ? value : "";
}

/* Addresses that we would never write to (quoted local parts) are known all the same: somebody uses them. */
static const char *address_fold(struct parser *p, const char *addr)
{
	char folded[MAILADDR_MAX];
	size_t len;
	char *copy;

	if (!addr || mailaddr_parse(addr, folded, NULL) == 0)
		return addr ? arena_copy(p->arena, folded, strlen(folded)) : "";
	if (!strchr(addr, '@') || strlen(addr) >= MAILADDR_MAX)
		return "";
	for (const char *c = addr; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "";
	copy = text_decode(p->arena, (struct span){ addr, strlen(addr) }, "utf-8", &len);
	for (char *c = copy; *c != '\0'; c++)
		*c = g_ascii_tolower(*c);
	return copy;
}

/* Mailboxes in order, those of groups too. */
static void mailboxes_each(struct parser *p, InternetAddressList *list,
			   void (*take)(struct parser *, InternetAddressMailbox *))
{
	int n = internet_address_list_length(list);

	for (int i = 0; i < n; i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_MAILBOX(a))
			take(p, INTERNET_ADDRESS_MAILBOX(a));
		else if (INTERNET_ADDRESS_IS_GROUP(a))
			mailboxes_each(p, internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)), take);
	}
}

/* GMime 3.2.13 loses the memory of an address whose domain is a literal when the comment behind it does not end
 * (`a@[192.0.2.1] (`), which anybody could send us again and again: such comments are closed before it sees them. A
 * closing parenthesis for every opening one is enough wherever quotes and escapes make a comment begin. */
static const char *comments_closed(struct parser *p, const char *raw)
{
	size_t len = strlen(raw), opened = 0;
	long depth = 0;
	bool open = false;
	char *closed;

	for (const char *c = raw; *c != '\0'; c++) {
		opened += *c == '(';
		depth += (*c == '(') - (*c == ')');
		open |= depth < 0 || *c == '\\';
	}
	if (opened == 0 || (depth == 0 && !open) || !strchr(raw, ']'))
		return raw;
	closed = arena_take(p->arena, len + 1 + opened + 1);
	memcpy(closed, raw, len);
	closed[len] = ' '; /* a backslash at the end takes this one */
	memset(closed + len + 1, ')', opened);
	closed[len + 1 + opened] = '\0';
	return closed;
}

static void addresses_read(struct parser *p, const char *raw, void (*take)(struct parser *, InternetAddressMailbox *))
{
	size_t n = strlen(raw), room = ADDRESSES_MAX - p->address_bytes;
	InternetAddressList *list;

	if (n > room) {
		raw = arena_copy(p->arena, raw, room);
		n = room;
	}
	p->address_bytes += n;
	list = n > 0 ? internet_address_list_parse(NULL, comments_closed(p, raw)) : NULL;
	if (!list)
		return;
	mailboxes_each(p, list, take);
	g_object_unref(list);
}

static void take_from(struct parser *p, InternetAddressMailbox *a)
{
	const char *name = internet_address_get_name(INTERNET_ADDRESS(a));
	size_t len;

	if (*p->mail->from != '\0')
		return;
	p->mail->from = address_fold(p, internet_address_mailbox_get_addr(a));
	if (name)
		p->mail->from_name = text_decode(p->arena, (struct span){ name, strlen(name) }, "utf-8", &len);
}

static void take_return_path(struct parser *p, InternetAddressMailbox *a)
{
	if (*p->mail->return_path == '\0')
		p->mail->return_path = address_fold(p, internet_address_mailbox_get_addr(a));
}

static void take_recipient(struct parser *p, InternetAddressMailbox *a)
{
	const char *addr = address_fold(p, internet_address_mailbox_get_addr(a));

	if (*addr != '\0' && p->mail->recipient_n < RECIPIENTS_MAX)
		p->mail->recipient[p->mail->recipient_n++] = addr;
}

static bool names_recipient(const char *name)
{
	static const char *const names[] = { "to",
					     "cc",
					     "delivered-to",
					     "x-original-to",
					     "envelope-to",
					     "apparently-to",
					     "x-envelope-to",
					     "x-delivered-to",
					     "x-rcpt-to",
					     "original-recipient" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void recipients_read(struct parser *p)
{
	struct mail *m = p->mail;

	m->recipient = arena_take(p->arena, RECIPIENTS_MAX * sizeof *m->recipient);
	for (size_t i = 0; i < m->part[0].header_n && m->recipient_n < RECIPIENTS_MAX; i++) {
		const char *raw = m->header[i].raw;

		if (!names_recipient(m->header[i].name))
			continue;
		if (!strcmp(m->header[i].name, "original-recipient") && !strncasecmp(raw, "rfc822;", 7))
			raw += 7;
		addresses_read(p, raw, take_recipient);
	}
}

/* The ids of a header in order; a bare word is an id only where it is alone. */
static size_t ids_read(struct parser *p, const char *raw, const char **id, size_t most)
{
	size_t n = 0;

	while (n < most && (raw = strchr(raw, '<')) != NULL) {
		size_t len = strcspn(++raw, ">");

		if (raw[len] == '\0')
			break;
		if (len > 0)
			id[n++] = arena_copy(p->arena, raw, len);
		raw += len;
	}
	return n;
}

static const char *id_read(struct parser *p, const char *raw)
{
	const char *id;

	if (ids_read(p, raw, &id, 1) > 0)
		return id;
	return strpbrk(raw, " \t<>") ? "" : raw;
}

static void references_read(struct parser *p)
{
	struct mail *m = p->mail;

	m->reference = arena_take(p->arena, REFERENCES_MAX * sizeof *m->reference);
	m->reference_n = ids_read(p, header_raw(m, "references"), m->reference, REFERENCES_MAX);
}

static int64_t date_read(const char *raw)
{
	GDateTime *t = *raw != '\0' ? g_mime_utils_header_decode_date(raw) : NULL;
	int64_t s = t ? g_date_time_to_unix(t) : 0;

	if (t)
		g_date_time_unref(t);
	return s > 0 ? s * 1000 : 0;
}

static void headers_read(struct parser *p)
{
	struct mail *m = p->mail;
	const char *path = header_raw(m, "return-path");

	addresses_read(p, header_raw(m, "from"), take_from);
	m->has_return_path = *path != '\0';
	if (m->has_return_path && strcmp(path, "<>") != 0)
		addresses_read(p, path, take_return_path);
	m->subject = header_value(m, "subject");
	m->message_id = id_read(p, header_raw(m, "message-id"));
	m->in_reply_to = id_read(p, header_raw(m, "in-reply-to"));
	m->date = date_read(header_raw(m, "date"));
	recipients_read(p);
	references_read(p);
}

/* ---- the message ---- */

static bool lines_begin_with_field(struct span s)
{
	size_t n = 0;

	while (n < s.n && (unsigned char)s.p[n] > ' ' && s.p[n] != ':')
		n++;
	return n > 0 && n < s.n && s.p[n] == ':';
}

/* Some things in front of the first field are nobody's words: a byte order mark, empty lines. */
static struct span front_skip(struct span s)
{
	struct span t = s;

	if (t.n >= 3 && !memcmp(t.p, "\xef\xbb\xbf", 3))
		t = (struct span){ t.p + 3, t.n - 3 };
	s = t;
	while (t.n > 0 && (*t.p == '\n' || *t.p == '\r'))
		t = (struct span){ t.p + 1, t.n - 1 };
	return lines_begin_with_field(t) ? t : s;
}

/* A file of a very old Mac has no LF at all. */
static struct span lines_repair(struct arena *a, struct span s)
{
	char *copy;

	if (s.n == 0 || memchr(s.p, '\n', s.n) || !memchr(s.p, '\r', s.n))
		return s;
	copy = arena_copy(a, s.p, s.n);
	for (size_t i = 0; i < s.n; i++)
		if (copy[i] == '\r')
			copy[i] = '\n';
	return (struct span){ copy, s.n };
}

static void gmime_start(void)
{
	static bool started;

	if (!started)
		g_mime_init();
	started = true;
}

void mime_parse(const char *bytes, size_t n, struct mail **out)
{
	struct arena *a = arena_new();
	struct mail *m = arena_take(a, sizeof *m);
	struct parser p = { .mail = m, .arena = a };
	struct span s = lines_repair(a, (struct span){ n > 0 ? bytes : "", n });

	gmime_start();
	*m = (struct mail){ .from = "",
			    .from_name = "",
			    .return_path = "",
			    .subject = "",
			    .message_id = "",
			    .in_reply_to = "",
			    .owned = a };
	m->header = arena_take(a, HEADERS_MAX * sizeof *m->header);
	m->part = arena_take(a, PARTS_MAX * sizeof *m->part);
	entity_parse(&p, front_skip(s), "text/plain", 0);
	headers_read(&p);
	*out = m;
}

void mail_free(struct mail **m)
{
	if (*m)
		arena_free((*m)->owned);
	*m = NULL;
}
