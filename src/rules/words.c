/* Words and phrases; bounded by the caller's array, so that long texts cost no more. */
#include <string.h>

#include "reply_int.h"
#include "words_int.h"

#define GAP_MAX 3

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of the word at s, which begins with a word byte. */
static size_t word_length(const char *s)
{
	size_t n = 0;
	if (is_digit(*s))
		return strspn(s, "0123456789");
	if (line_starts_with(s, "e-mail"))
		n = 6;
	while (is_word_byte(s[n]) && !is_digit(s[n]))
		n++;
	return n < UINT16_MAX ? n : UINT16_MAX;
}

static int32_t number_of(const char *s, size_t n)
{
	int32_t v = 0;
	if (!is_digit(*s) || n > 4)
		return -1;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (s[i] - '0');
	return v;
}

/* Does a sentence end between two words? */
static bool sentence_ends(const char *s, size_t from, size_t to, bool number)
{
	for (size_t i = from; i < to; i++) {
		if (s[i] == '!' || s[i] == '?' || s[i] == ';')
			return true;
		if (s[i] == '.' && !number && (s[i + 1] == ' ' || s[i + 1] == '\n'))
			return true;
		if (s[i] == '.' && number && s[i + 1] == '\n')
			return true;
		if (s[i] == '\n' && i + 1 < to && s[i + 1] == '\n')
			return true;
	}
	return false;
}

size_t words_split(const char *s, struct word *w, size_t max)
{
	size_t n = 0, end = 0;
	for (size_t i = 0; s[i] != '\0' && n < max;) {
		if (!is_word_byte(s[i])) {
			i++;
			continue;
		}
		size_t len = word_length(s + i);
		bool number = n > 0 && w[n - 1].number >= 0;
		w[n] = (struct word){ .at = (uint32_t)i,
				      .len = (uint16_t)len,
				      .sentence =
					  (uint16_t)(n == 0 ? 0 : w[n - 1].sentence + sentence_ends(s, end, i, number)),
				      .after = s[i + len],
				      .before = i > 0 ? s[i - 1] : ' ',
				      .number = number_of(s + i, len) };
		n++;
		i += len;
		end = i;
	}
	return n;
}

/* A gap holds none of these: "bitte nicht abmelden" is not "bitte * abmelden". */
static bool is_negation(const char *s, size_t n)
{
	static const char *const words[] = { "nicht", "niet", "not", "never", "pas", "nao", "non" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == n && memcmp(words[i], s, n) == 0)
			return true;
	return false;
}

/* One element, which ends at a space or the NUL, against a word. */
static bool element_is(const char *e, size_t len, const char *s, size_t n)
{
	while (len > 0) {
		size_t alt = 0;
		while (alt < len && e[alt] != '|')
			alt++;
		if (alt > 0 && e[alt - 1] == '~' ? n >= alt - 1 && memcmp(e, s, alt - 1) == 0
						 : n == alt && memcmp(e, s, alt) == 0)
			return true;
		e += alt;
		len -= alt;
		if (len > 0) {
			e++;
			len--;
		}
	}
	return false;
}

size_t words_match(const char *folded, const struct word *w, size_t i, size_t end, const char *phrase)
{
	size_t k = i;
	for (const char *p = phrase;;) {
		size_t len = strcspn(p, " ");
		if (len == 1 && *p == '*') { /* the rest, behind each number of words */
			for (size_t gap = 0; p[1] == ' ' && gap <= GAP_MAX; gap++) {
				if (gap > 0 &&
				    (k + gap > end || is_negation(folded + w[k + gap - 1].at, w[k + gap - 1].len)))
					break;
				size_t more = words_match(folded, w, k + gap, end, p + 2);
				if (more > 0)
					return k + gap + more - i;
			}
			return 0;
		}
		if (k >= end)
			return 0;
		size_t n = w[k].len;
		const char *s = folded + w[k].at;
		char email[16] = "e";
		if (n > 2 && n < sizeof email && s[1] == '-') { /* tables have "email" */
			memcpy(email + 1, s + 2, n - 2);
			s = email;
			n--;
		}
		if (!element_is(p, len, s, n))
			return 0;
		k++;
		p += len;
		if (*p == '\0')
			return k - i;
		p++;
	}
}

size_t words_match_any(const char *folded, const struct word *w, size_t i, size_t end, const char *const *phrases)
{
	for (; *phrases != NULL; phrases++) {
		size_t n = words_match(folded, w, i, end, *phrases);
		if (n > 0)
			return n;
	}
	return 0;
}
