/* The writer's own text. Every line is given a kind, from the outside in: what is marked as a quote; what a program
 * wrote above a quote; what follows an unmarked one, to the end; then, in each stretch that is left, the signature.
 * Answers between quotes stay. When nothing would be left of a mail in which something stands, less is taken away: a
 * signature stays, then what seemed to be another's unmarked mail. */
#include <string.h>

#include "abv/reply_text.h"
#include "reply_int.h"

#define JOINED_LINES  5   /* an attribution is wrapped over at most so many */
#define JOINED_MAX    600 /* bytes of it */
#define HEADER_LINES  14  /* of a header block */
#define SIGNED_LINES  14  /* of a signature below "--" without its space, or below a closing */
#define WRAPPED_WIDTH 60  /* a quoted line this long may have been wrapped by a program on the way */

enum kind {
	KIND_BLANK,
	KIND_OWN,
	KIND_QUOTE,
	KIND_PROGRAM,   /* attribution, header, ruler, "Sent from my ...", a list's footer: never shown */
	KIND_SIGNATURE, /* shown when nothing else is left */
	KIND_REST,      /* below an unmarked quote's header */
	KIND_FORWARDED,
};

struct line {
	uint32_t at, len;   /* in text */
	uint32_t fold, end; /* in fold: NUL-terminated */
	enum kind kind;
	bool marked;   /* as signature, by HTML */
	bool indented; /* in a blockquote of HTML that nothing calls a quote */
};

struct own {
	struct buf text, fold, memory;
	struct line *line;
	size_t n;
};

static const char *folded(const struct own *o, size_t i)
{
	return o->fold.data + o->line[i].fold;
}

static bool blank(const struct own *o, size_t i)
{
	return o->line[i].kind == KIND_BLANK;
}

static size_t next_solid(const struct own *o, size_t i)
{
	while (i < o->n && blank(o, i))
		i++;
	return i;
}

/* ---- lines ---- */

/* '>' in all its forms, also behind initials ("JD> "); not an arrow or a link in such brackets. */
static bool is_quoted(const char *s)
{
	const char *p = s + strspn(s, " \t");
	size_t initials = strspn(p, "abcdefghijklmnopqrstuvwxyz");
	if (initials >= 1 && initials <= 3 && p[initials] == '>')
		p += initials;
	if (*p != '>')
		return false;
	size_t n = strlen(p);
	while (n > 0 && p[n - 1] == ' ')
		n--;
	return !(n > 3 && memcmp(p + n - 3, "<<<", 3) == 0) && p[1] != '-' && p[1] != '=';
}

static void line_add(struct own *o, size_t at, size_t len)
{
	struct line l = { .at = (uint32_t)at, .len = (uint32_t)len };
	const char *s = o->text.data + at;
	while (l.len > 0 && (s[l.len - 1] == ' ' || s[l.len - 1] == '\t'))
		l.len--;
	if (l.len > 0 && (*s == MARK_SIGNATURE || *s == MARK_INDENTED)) {
		l.marked = *s == MARK_SIGNATURE;
		l.indented = *s == MARK_INDENTED;
		l.at++;
		l.len--;
	}
	l.fold = (uint32_t)o->fold.len;
	fold_text(o->text.data + l.at, l.len, &o->fold);
	l.end = (uint32_t)o->fold.len;
	buf_add(&o->fold, "", 1);
	const char *f = o->fold.data + l.fold;
	l.kind = f[strspn(f, " \t")] == '\0' ? KIND_BLANK
		 : is_quoted(f)              ? KIND_QUOTE
		 : l.marked                  ? KIND_SIGNATURE
					     : KIND_OWN;
	buf_add(&o->memory, &l, sizeof l);
}

/* Runs of blank lines become one. */
static void lines_split(struct own *o)
{
	bool was_blank = true;
	for (size_t at = 0; at < o->text.len;) {
		const char *nl = memchr(o->text.data + at, '\n', o->text.len - at);
		size_t len = (nl != NULL ? (size_t)(nl - o->text.data) : o->text.len) - at;
		bool is_blank = strspn(o->text.data + at, " \t") >= len;
		if (!is_blank || !was_blank)
			line_add(o, at, len);
		was_blank = is_blank;
		at += len + 1;
	}
	o->line = (struct line *)(void *)o->memory.data;
	o->n = o->memory.len / sizeof *o->line;
}

static void lines_mark(struct own *o, size_t from, size_t to, enum kind kind)
{
	for (size_t i = from; i < to && i < o->n; i++)
		if (o->line[i].kind == KIND_OWN || o->line[i].kind == KIND_SIGNATURE ||
		    (o->line[i].kind == KIND_QUOTE && kind == KIND_PROGRAM))
			o->line[i].kind = kind;
}

static bool is_cut(const struct own *o, size_t i)
{
	return o->line[i].len > 0 && o->text.data[o->line[i].at] == MARK_CUT;
}

/* Rulers and blank lines above belong to what they introduce; above a program's mark, a header does too. */
static void rulers_above(struct own *o, size_t i)
{
	bool cut = i < o->n && is_cut(o, i);
	while (i > 0 && (blank(o, i - 1) ||
			 (o->line[i - 1].kind == KIND_OWN &&
			  (line_is_ruler(folded(o, i - 1)) || (cut && line_label(folded(o, i - 1)) != LABEL_NONE)))))
		if (o->line[--i].kind == KIND_OWN)
			o->line[i].kind = KIND_PROGRAM;
}

/* ---- header blocks ---- */

static int bits(unsigned v)
{
	int n = 0;
	for (; v != 0; v &= v - 1)
		n++;
	return n;
}

/* Lines of the block of headers that begins here; 0 none. One or two lines between may continue a header. */
static size_t header_block(const struct own *o, size_t i)
{
	unsigned seen = 0;
	size_t last = i, address = 0;
	bool outlook = false; /* From, Sent with a time, To, in this order: names may stand without addresses */
	if (line_label(folded(o, i)) == LABEL_NONE)
		return 0;
	for (size_t k = i; k < o->n && k < i + HEADER_LINES && k <= last + 3; k++) {
		enum header_label label = line_label(folded(o, k));
		if (blank(o, k) && (k + 1 >= o->n || k > last + 1 || line_label(folded(o, k + 1)) == LABEL_NONE))
			break;
		if (label != LABEL_NONE) {
			outlook |= label == LABEL_DATE && seen == LABEL_FROM && line_has_time(folded(o, k));
			seen |= (unsigned)label;
			last = k;
		}
		address += strchr(folded(o, k), '@') != NULL;
	}
	bool from = (seen & LABEL_FROM) != 0, dated = (seen & LABEL_DATE) != 0, subject = (seen & LABEL_SUBJECT) != 0;
	bool enough =
	    (from && bits(seen & ~(unsigned)LABEL_OTHER) >= 2) || (dated && (subject || (seen & LABEL_TO) != 0));
	if (!enough || !(address > 0 || (subject && bits(seen) >= 3) || (outlook && (seen & LABEL_TO) != 0)))
		return 0;
	for (size_t k = last + 1; k < o->n && k <= last + 2 && !blank(o, k);
	     k++) /* the last header's continuation: an address alone */
		if (folded(o, k)[strspn(folded(o, k), " ")] == '<' && strchr(folded(o, k), '@') != NULL)
			last = k;
	return last + 1 - i;
}

/* ---- attributions ---- */

/* The folded lines [i, i + n) joined by spaces, quote marks of the later ones left out. False: too long. */
static bool lines_join(const struct own *o, size_t i, size_t n, char *out, size_t cap)
{
	size_t len = 0;
	for (size_t k = i; k < i + n; k++) {
		const char *s = folded(o, k) + strspn(folded(o, k), k > i ? " \t>" : " \t");
		size_t add = strlen(s);
		if (len + add + 2 > cap)
			return false;
		if (len > 0 && out[len - 1] != '<')
			out[len++] = ' ';
		memcpy(out + len, s, add);
		len += add;
	}
	out[len] = '\0';
	return true;
}

static bool quote_follows(const struct own *o, size_t i)
{
	i = next_solid(o, i);
	return i < o->n && (o->line[i].kind == KIND_QUOTE || o->line[i].indented);
}

static bool brackets_open(const char *s)
{
	int n = 0;
	for (; *s != '\0'; s++)
		n += *s == '<' ? 1 : *s == '>' ? -1 : 0;
	return n > 0;
}

/* Lines of the attribution that begins here; 0 none. An address in brackets may go over blank and marked lines. */
static size_t attribution(const struct own *o, size_t i)
{
	char joined[JOINED_MAX];
	if (!line_may_attribute(folded(o, i)))
		return 0;
	for (size_t n = 1, solid = 0; n <= JOINED_LINES * 2 && i + n <= o->n && solid < JOINED_LINES; n++) {
		const char *s = folded(o, i + n - 1);
		size_t len = strlen(s);
		solid += !blank(o, i + n - 1);
		if (!lines_join(o, i, n, joined, sizeof joined))
			return 0;
		if (!blank(o, i + n - 1) && line_is_attribution(joined, quote_follows(o, i + n)))
			return n;
		const char *next =
		    i + n < o->n ? folded(o, next_solid(o, i + n) < o->n ? next_solid(o, i + n) : i + n) : "";
		bool inside = brackets_open(joined) || (*next == '<' && line_starts_attribution(joined));
		if (len > 0 && (s[len - 1] == '?' || s[len - 1] == '!'))
			return 0;
		if (i + n < o->n && !inside && o->line[i + n].kind != KIND_OWN)
			return 0;
	}
	return 0;
}

/* ---- unmarked quotes ---- */

static bool is_bar(const char *s)
{
	size_t n = strlen(s);
	return s[0] == '|' && n > 1 && s[n - 1] != '|';
}

/* Below an attribution: a quote by bars or by indentation that ends before the mail does. Returns its end, 0: none. */
static size_t shaped_quote(struct own *o, size_t i)
{
	size_t k = next_solid(o, i), end = k;
	bool bars = k < o->n && is_bar(folded(o, k));
	for (; k < o->n && (blank(o, k) ||
			    (bars ? is_bar(folded(o, k)) : folded(o, k)[0] == '\t' || line_starts_with(folded(o, k), "  ")));
	     k++)
		if (!blank(o, k))
			end = k + 1;
	return end > i && end > next_solid(o, i) ? end : 0;
}

/* What stands above a quote at line i is its program's: marked. Returns where to go on. */
static size_t below_attribution(struct own *o, size_t i, size_t n)
{
	lines_mark(o, i, i + n, KIND_PROGRAM);
	rulers_above(o, i);
	size_t quote = next_solid(o, i + n);
	while (quote < o->n && (o->line[quote].indented || blank(o, quote)))
		if (o->line[quote++].indented)
			o->line[quote - 1].kind = blank(o, quote - 1) ? KIND_BLANK : KIND_QUOTE;
	if (quote_follows(o, i + n))
		return i + n;
	size_t end = shaped_quote(o, i + n);
	lines_mark(o, i + n, end > 0 ? end : o->n, end > 0 ? KIND_QUOTE : KIND_REST);
	return end > 0 ? end : o->n;
}

/* An attribution may stand behind the last words of the answer, on their line. */
static bool shared_line(struct own *o, size_t i)
{
	struct line *l = &o->line[i];
	size_t at = line_attribution_inside(folded(o, i), quote_follows(o, i + 1));
	if (at == 0)
		return false;
	const char *s = o->text.data + l->at;
	/* folding may change lengths: as many characters from the end */
	size_t keep = l->len - (strlen(folded(o, i)) - at);
	if (keep > l->len)
		return false;
	while (keep > 0 && strchr(" \t-_", s[keep - 1]) != NULL)
		keep--;
	l->len = (uint32_t)keep;
	return keep > 0;
}

/* Finds what programs wrote, from the top; stops where another's mail begins without marks. */
static void programs_find(struct own *o)
{
	for (size_t i = 0; i < o->n;) {
		size_t n = 0;
		if (o->line[i].kind != KIND_OWN && o->line[i].kind != KIND_SIGNATURE) {
			i++;
			continue;
		}
		enum opener opener = is_cut(o, i) ? OPENER_ORIGINAL : line_opener(folded(o, i));
		if (opener != OPENER_NONE || header_block(o, i) > 0) {
			size_t inside = opener != OPENER_NONE ? next_solid(o, i + 1) : i;
			n = inside < o->n ? inside + header_block(o, inside) - i : 1;
			lines_mark(o, i, i + (n > 0 ? n : 1), KIND_PROGRAM);
			rulers_above(o, i);
			if (quote_follows(o, i + n) && opener != OPENER_FORWARD) {
				i += n;
				continue;
			}
			lines_mark(o, i + 1, o->n, opener == OPENER_FORWARD ? KIND_FORWARDED : KIND_REST);
			return;
		}
		bool shared = !line_starts_attribution(folded(o, i)) && shared_line(o, i);
		n = shared ? 0 : attribution(o, i);
		i = n == 0 && !shared ? i + 1 : below_attribution(o, i + shared, n);
	}
}

/* A program that wraps long quoted lines leaves their ends without a mark: "> ... a long li" / "ne". */
static void wrapped_find(struct own *o)
{
	for (size_t i = 1; i + 1 < o->n; i++) {
		if (o->line[i].kind != KIND_OWN || o->line[i - 1].kind != KIND_QUOTE ||
		    o->line[i + 1].kind != KIND_QUOTE)
			continue;
		const char *s = folded(o, i) + strspn(folded(o, i), " ");
		size_t above = strlen(folded(o, i - 1)), word = strcspn(s, " ");
		bool token = s[word] == '\0' && strpbrk(s, "/=_&%<>@") != NULL;
		bool link = s[0] == '(' && strstr(s, "://") != NULL;
		if (token || link || (above >= WRAPPED_WIDTH && above + word + 1 >= 70 && above <= 100))
			o->line[i].kind = KIND_QUOTE;
	}
}

/* A blockquote that nothing calls a quote, behind all other text: no answer to a part of it follows, so it is the mail
 * answered. */
static void tail_find(struct own *o)
{
	size_t end = o->n;
	bool own = false;
	while (end > 0 && (o->line[end - 1].kind != KIND_OWN || o->line[end - 1].indented))
		end--;
	for (size_t i = 0; i < end; i++)
		own |= o->line[i].kind == KIND_OWN && !o->line[i].indented;
	for (size_t i = end; own && i < o->n; i++)
		if (o->line[i].kind == KIND_OWN)
			o->line[i].kind = KIND_QUOTE;
}

/* '|' before at least two lines that follow each other. */
static void bars_find(struct own *o)
{
	for (size_t i = 0; i + 1 < o->n; i++)
		if (o->line[i].kind == KIND_OWN && is_bar(folded(o, i)) && is_bar(folded(o, i + 1)))
			for (; i < o->n && o->line[i].kind == KIND_OWN && is_bar(folded(o, i)); i++)
				o->line[i].kind = KIND_QUOTE;
}

/* ---- signatures ---- */

/* "-- " (RFC 3676, 4.3); without its space only above few lines, because a person draws lines too. */
static bool is_separator(const struct own *o, size_t i, size_t end)
{
	const struct line *l = &o->line[i];
	const char *s = o->text.data + l->at;
	if (l->len != 2 || s[0] != s[1] || (s[0] != '-' && s[0] != '_'))
		return false;
	return s[2] == ' ' || end - i <= SIGNED_LINES;
}

/* A ruler of underscores, then a list's name and address. */
static bool is_list_footer(const struct own *o, size_t i, size_t end)
{
	const char *s = folded(o, i);
	if (!line_is_ruler(s) || s[strspn(s, " _")] != '\0' || end - i > 8)
		return false;
	for (size_t k = i + 1; k < end; k++)
		if (strstr(folded(o, k), "mailing list") != NULL || strstr(folded(o, k), "/listinfo") != NULL ||
		    strstr(folded(o, k), "mailman") != NULL)
			return true;
	return false;
}

/* A closing with a telephone number or link below, and short lines only. */
static bool is_signed(const struct own *o, size_t i, size_t end)
{
	int contacts = 0, solid = 0;
	if (!line_is_closing(folded(o, i)))
		return false;
	for (size_t k = i + 1; k < end; k++) {
		size_t len = o->line[k].len;
		const char *s = folded(o, k);
		bool contact = line_has_contact(s);
		if (blank(o, k))
			continue;
		if (line_is_mobile(s) || line_is_footer(s))
			break;
		contacts += contact;
		if (++solid > SIGNED_LINES ||
		    (!contact && (len > 70 || (len > 30 && strchr(".?!", s[strlen(s) - 1]) != NULL))))
			return false;
	}
	return contacts >= 2 || (contacts == 1 && solid >= 3);
}

/* In one stretch. something: own text stands above it. Returns whether own text stands above its end. */
static bool signature_find(struct own *o, size_t from, size_t to, bool something)
{
	size_t end = to;
	while (end > from && blank(o, end - 1))
		end--;
	for (size_t i = from; i < end; i++) {
		if (blank(o, i))
			continue;
		const char *s = folded(o, i);
		bool mobile = line_is_mobile(s), list = is_list_footer(o, i, end);
		if (mobile && !something) {
			o->line[i].kind = KIND_PROGRAM;
			continue;
		}
		if (mobile || list ||
		    (something && (is_separator(o, i, end) || line_is_footer(s) || is_signed(o, i, end)))) {
			rulers_above(o, i);
			lines_mark(o, i, end, mobile || list ? KIND_PROGRAM : KIND_SIGNATURE);
			return true;
		}
		something = true;
	}
	return something;
}

static void signatures_find(struct own *o)
{
	bool something = false;
	for (size_t i = 0; i < o->n;) {
		size_t end = i;
		while (end < o->n && (blank(o, end) || o->line[end].kind == KIND_OWN))
			end++;
		if (end > i)
			something = signature_find(o, i, end, something);
		i = end > i ? end : i + 1;
	}
}

/* ---- the result ---- */

static bool lines_show(const struct own *o, enum kind a, enum kind b, struct buf *out)
{
	size_t begin = out->len;
	bool gap = false;
	for (size_t i = 0; i < o->n; i++) {
		const struct line *l = &o->line[i];
		if ((l->kind != a && l->kind != b) || is_cut(o, i)) {
			gap = true;
			continue;
		}
		if (out->len > begin)
			buf_str(out, gap ? "\n\n" : "\n");
		gap = false;
		buf_add(out, o->text.data + l->at, l->len);
	}
	return out->len > begin;
}

void reply_own_text(const char *text, size_t n, struct buf *out)
{
	struct own o = { .n = 0 };
	buf_add(&o.text, text, n < REPLY_TEXT_MAX ? n : REPLY_TEXT_MAX);
	lines_split(&o);
	bars_find(&o);
	programs_find(&o);
	tail_find(&o);
	wrapped_find(&o);
	signatures_find(&o);
	if (!lines_show(&o, KIND_OWN, KIND_OWN, out) && !lines_show(&o, KIND_SIGNATURE, KIND_OWN, out))
		lines_show(&o, KIND_REST, KIND_OWN, out);
	buf_free(&o.text);
	buf_free(&o.fold);
	buf_free(&o.memory);
}

void reply_text_plain(const char *text, size_t n, struct buf *out)
{
	struct buf clean = { .data = NULL };
	clean_text(text, n < REPLY_TEXT_MAX ? n : REPLY_TEXT_MAX, &clean);
	reply_own_text(buf_text(&clean), clean.len, out);
	buf_free(&clean);
}
