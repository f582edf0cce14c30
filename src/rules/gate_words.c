/* How phrases and words of the language data are found in a text. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gate_int.h"

/* One element of a phrase against a word; the element ends at a space or the NUL. */
static bool element_is(const char *e, size_t len, const char *word)
{
	size_t n = strlen(word);
	while (len > 0) {
		size_t alt = 0;
		while (alt < len && e[alt] != '|')
			alt++;
		if (alt == 1 && *e == '*')
			return true;
		if (alt > 0 && e[alt - 1] == '~' ? n >= alt - 1 && memcmp(e, word, alt - 1) == 0
						 : n == alt && memcmp(e, word, alt) == 0)
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

/* Words matched, or 0. */
static int phrase_match(const char *p, const struct gate_text *t, int i, int end)
{
	int n = 0;
	for (;; p++) {
		size_t len = strcspn(p, " ");
		if (i + n >= end || !element_is(p, len, t->word[i + n].text))
			return 0;
		n++;
		p += len;
		if (*p == '\0')
			return n;
	}
}

static int first_word_cmp(const char *word, const char *phrase)
{
	size_t len = strcspn(phrase, " ");
	int c = strncmp(word, phrase, len);
	return c != 0 ? c : word[len] != '\0';
}

unsigned gate_phrase_at(const struct gate_text *t, int i, int end, bool begins, int *n)
{
	const struct gate_phrase *row = t->language->phrase;
	size_t lo = 0, n_all = t->language->phrase_n, hi = n_all;
	unsigned found = 0;
	*n = 0;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (first_word_cmp(t->word[i].text, row[mid].text) > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n_all && first_word_cmp(t->word[i].text, row[lo].text) == 0; lo++) {
		int len = 0;
		if (begins || (row[lo].what & PHRASE_BEGIN) == 0)
			len = phrase_match(row[lo].text, t, i, end);
		if (len > 0)
			found |= row[lo].what & ~(unsigned)PHRASE_BEGIN;
		*n = len > *n ? len : *n;
	}
	return found;
}

static int row_cmp(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

bool gate_list_has(const struct gate_language *l, enum gate_list list, const char *s)
{
	size_t n = 0;
	while (l->list[list][n] != NULL)
		n++;
	return bsearch(s, l->list[list], n, sizeof l->list[list][0], row_cmp) != NULL;
}

bool gate_list_in(const struct gate_language *l, enum gate_list list, const char *s)
{
	for (const char *const *row = l->list[list]; *row != NULL; row++)
		if (strstr(s, *row) != NULL)
			return true;
	return false;
}

size_t gate_list_prefix(const struct gate_language *l, enum gate_list list, const char *s, size_t n)
{
	size_t longest = 0;
	for (const char *const *row = l->list[list]; *row != NULL; row++) {
		if (n < 2 || (*row)[0] != gate_lower(s[0]) ||
		    (*row)[1] != gate_lower(s[1])) /* quick: asked at each bracket */
			continue;
		size_t len = strlen(*row);
		if (len <= n && len > longest && strncasecmp(s, *row, len) == 0)
			longest = len;
	}
	return longest;
}
