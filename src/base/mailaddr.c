/* Addresses. Whatever passes here is put into SMTP commands and headers as it is, so the grammar is the narrow one: a
 * dot-atom,
 * '@', host labels. Quoted local parts, literals, comments and routes are legal mail and no business address. */
#include "abv/mailaddr.h"

#include <libpsl.h>
#include <stdint.h>
#include <string.h>

#include "freemail_int.h"
#include "utf8_int.h"

#define LOCAL_MAX 64
#define LABEL_MAX 63

/* Controls, spaces and marks that cannot be seen or that turn the text round: two addresses must not look the same. */
static bool is_invisible(uint32_t c)
{
	return c < 0x21 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x1680 || (c >= 0x2000 && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0xfeff ||
	       (c >= 0xfff0 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe || c >= 0xe0000;
}

/* What IDNA reads as a dot (RFC 3490 §3.1) would split a label behind our back. */
static bool is_dot_alike(uint32_t c)
{
	return c == 0x3002 || c == 0xff0e || c == 0xff61;
}

/* Of ASCII; what lies beyond is looked at by is_invisible. */
enum { ATEXT = 1, LABEL = 2 }; /* RFC 5322 §3.2.3; letters, digits, hyphen */
#define BOTH (ATEXT | LABEL)
static const unsigned char ascii_is[128] = {
	['!'] = ATEXT, ['#'] = ATEXT, ['$'] = ATEXT, ['%'] = ATEXT, ['&'] = ATEXT, ['\''] = ATEXT, ['*'] = ATEXT, ['+'] = ATEXT,
	['-'] = BOTH,  ['/'] = ATEXT, ['='] = ATEXT, ['?'] = ATEXT, ['^'] = ATEXT, ['_'] = ATEXT,  ['`'] = ATEXT, ['{'] = ATEXT,
	['|'] = ATEXT, ['}'] = ATEXT, ['~'] = ATEXT, ['0'] = BOTH,  ['1'] = BOTH,  ['2'] = BOTH,   ['3'] = BOTH,  ['4'] = BOTH,
	['5'] = BOTH,  ['6'] = BOTH,  ['7'] = BOTH,  ['8'] = BOTH,  ['9'] = BOTH,  ['a'] = BOTH,   ['b'] = BOTH,  ['c'] = BOTH,
	['d'] = BOTH,  ['e'] = BOTH,  ['f'] = BOTH,  ['g'] = BOTH,  ['h'] = BOTH,  ['i'] = BOTH,   ['j'] = BOTH,  ['k'] = BOTH,
	['l'] = BOTH,  ['m'] = BOTH,  ['n'] = BOTH,  ['o'] = BOTH,  ['p'] = BOTH,  ['q'] = BOTH,   ['r'] = BOTH,  ['s'] = BOTH,
	['t'] = BOTH,  ['u'] = BOTH,  ['v'] = BOTH,  ['w'] = BOTH,  ['x'] = BOTH,  ['y'] = BOTH,   ['z'] = BOTH,  ['A'] = BOTH,
	['B'] = BOTH,  ['C'] = BOTH,  ['D'] = BOTH,  ['E'] = BOTH,  ['F'] = BOTH,  ['G'] = BOTH,   ['H'] = BOTH,  ['I'] = BOTH,
	['J'] = BOTH,  ['K'] = BOTH,  ['L'] = BOTH,  ['M'] = BOTH,  ['N'] = BOTH,  ['O'] = BOTH,   ['P'] = BOTH,  ['Q'] = BOTH,
	['R'] = BOTH,  ['S'] = BOTH,  ['T'] = BOTH,  ['U'] = BOTH,  ['V'] = BOTH,  ['W'] = BOTH,   ['X'] = BOTH,  ['Y'] = BOTH,
	['Z'] = BOTH,
};

/* The length of the character at s when it is such a one, 0 when it is not. RFC 6531 §3.3 admits the others. */
static size_t one_of(const char *s, size_t n, int kind)
{
	uint32_t c;
	size_t len;

	if ((unsigned char)*s < 0x80)
		return (ascii_is[(unsigned char)*s] & kind) != 0;
	len = utf8_next(s, n, &c, NULL);
	return len && !is_invisible(c) && !(kind == LABEL && is_dot_alike(c)) ? len : 0;
}

static bool dot_atom(const char *s, size_t n)
{
	bool dot = true; /* the last character was one */

	for (size_t i = 0, len; i < n; i += len) {
		len = s[i] == '.' ? !dot : one_of(s + i, n - i, ATEXT);
		if (!len)
			return false;
		dot = s[i] == '.';
	}
	return !dot;
}

static bool host_label(const char *s, size_t n)
{
	if (!n || n > LABEL_MAX || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0, len; i < n; i += len) {
		len = one_of(s + i, n - i, LABEL);
		if (!len)
			return false;
	}
	return true;
}

static bool host_name(const char *s, size_t n)
{
	size_t labels = 0, at = 0, len;

	for (;; at += len + 1, labels++) {
		const char *dot = memchr(s + at, '.', n - at);

		len = dot ? (size_t)(dot - s) - at : n - at;
		if (!host_label(s + at, len))
			return false;
		if (!dot)
			break;
	}
	/* A last label of digits is an IP address (RFC 3696 §2). */
	return labels >= 1 && strspn(s + at, "0123456789") < len;
}

static int check(const char *s, size_t n, struct err *e)
{
	const char *sign = memrchr(s, '@', n);
	size_t local;

	if (!n)
		return err_set(e, "the address is empty");
	if (!sign)
		return err_set(e, "'%.*s' has no '@'", (int)(n < 64 ? n : 64), s);
	local = (size_t)(sign - s);
	if (n >= MAILADDR_MAX)
		return err_set(e, "the address is longer than 254 bytes");
	if (local > LOCAL_MAX)
		return err_set(e, "'%.*s': more than 64 bytes before the '@'", (int)n, s);
	if (!dot_atom(s, local))
		return err_set(e, "'%.*s': what stands before the '@' is no dot-atom", (int)n, s);
	if (!host_name(sign + 1, n - local - 1))
		return err_set(e, "'%.*s': what stands behind the '@' is no domain name", (int)n, s);
	return 0;
}

static void trim(const char **s, size_t *n)
{
	for (; *n && (**s == ' ' || **s == '\t'); (*s)++)
		(*n)--;
	while (*n && ((*s)[*n - 1] == ' ' || (*s)[*n - 1] == '\t'))
		(*n)--;
}

int mailaddr_parse(const char *s, char out[MAILADDR_MAX], struct err *e)
{
	size_t n = strlen(s);

	trim(&s, &n);
	if (check(s, n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
	out[n] = '\0';
	return 0;
}

/* ---- mailboxes */

#define NAME_MAX_BYTES 255

/* Copies a phrase (RFC 5322 §3.2.5, with bare dots as everybody writes them) without its quotes. */
static int phrase(const char *s, size_t n, char *name, struct err *e)
{
	bool quoted = false, gap = false;
	size_t at = 0, len;
	uint32_t c;

	for (size_t i = 0; i < n; i += len) {
		len = utf8_next(s + i, n - i, &c, NULL);
		if (!len || ((c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0)))
			return err_set(e, "the name holds a control character or is no UTF-8");
		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (!quoted && strchr("()<>[]:;@\\,", s[i]))
			return err_set(e, "a name with '%c' must stand in double quotes", s[i]);
		if (!quoted && (c == ' ' || c == '\t')) {
			gap = at > 0;
			continue;
		}
		if (quoted && c == '\\') {
			if (++i >= n)
				break;
			len = utf8_next(s + i, n - i, &c, NULL);
			if (!len || c < 0x20 || (c >= 0x7f && c < 0xa0))
				return err_set(e, "the name holds a control character or is no UTF-8");
		}
		if (at + gap + len > NAME_MAX_BYTES)
			return err_set(e, "the name is longer than %d bytes", NAME_MAX_BYTES);
		if (gap)
			name[at++] = ' ';
		gap = false;
		if (c == '\t')
			name[at++] = ' ';
		else
			for (size_t j = 0; j < len; j++)
				name[at++] = s[i + j];
	}
	name[at] = '\0';
	return quoted ? err_set(e, "the name's double quote is not closed") : 0;
}

int mailaddr_parse_mailbox(const char *s, char name[256], char addr[MAILADDR_MAX], struct err *e)
{
	size_t n = strlen(s);
	const char *open;

	trim(&s, &n);
	name[0] = '\0';
	if (n && s[n - 1] == '>') {
		open = memrchr(s, '<', n);
		if (!open)
			return err_set(e, "'%.64s' has a '>' without a '<'", s);
		if (phrase(s, (size_t)(open - s), name, e) < 0)
			return -1;
		n -= (size_t)(open - s) + 2;
		s = open + 1;
	}
	if (check(s, n, e) < 0)
		return -1;
	memcpy(addr, s, n);
	addr[n] = '\0';
	return 0;
}

/* ---- what an address says of its owner */

const char *mailaddr_domain(const char *addr)
{
	const char *sign = strrchr(addr, '@');

	return sign ? sign + 1 : "";
}

bool mailaddr_is_ascii(const char *addr)
{
	for (; *addr; addr++)
		if ((unsigned char)*addr >= 0x80)
			return false;
	return true;
}

/* The part of a domain that someone registered; NULL when the domain is a public suffix. Points into domain. */
static const char *registrable(const char *domain)
{
	return psl_registrable_domain(psl_builtin(), domain);
}

bool mailaddr_is_freemail(const char *domain)
{
	char low[MAILADDR_MAX];
	const char *base;
	size_t n = strlen(domain);

	if (n >= sizeof(low))
		return false;
	for (size_t i = 0; i <= n; i++)
		low[i] = (char)(domain[i] >= 'A' && domain[i] <= 'Z' ? domain[i] + 32 : domain[i]);
	base = registrable(low);
	return freemail_has(low) || (base && freemail_has(base));
}

int mailaddr_account(const char *addr, char out[MAILADDR_MAX])
{
	const char *domain = mailaddr_domain(addr), *base = *domain ? registrable(domain) : NULL;

	out[0] = '\0';
	if (!base || strlen(base) >= MAILADDR_MAX || mailaddr_is_freemail(domain))
		return 1;
	memcpy(out, base, strlen(base) + 1);
	return 0;
}
