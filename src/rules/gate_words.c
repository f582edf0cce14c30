/* The gate's word lists, and how phrases are found in a text. */
#include <string.h>

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
	size_t lo = 0, hi = gate_phrase_n;
	unsigned found = 0;
	*n = 0;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (first_word_cmp(t->word[i].text, gate_phrases[mid].text) > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < gate_phrase_n && first_word_cmp(t->word[i].text, gate_phrases[lo].text) == 0; lo++) {
		int len = 0;
		if (begins || (gate_phrases[lo].what & PHRASE_BEGIN) == 0)
			len = phrase_match(gate_phrases[lo].text, t, i, end);
		if (len > 0)
			found |= gate_phrases[lo].what & ~(unsigned)PHRASE_BEGIN;
		*n = len > *n ? len : *n;
	}
	return found;
}

static bool listed(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], s) == 0)
			return true;
	return false;
}

#define LISTED(list, s) listed(list, sizeof(list) / sizeof(list)[0], s)

bool gate_is_greeting(const char *word)
{
	static const char *const row[] = { "hi",   "hello", "hey",      "dear",      "good",   "greetings",
					   "hiya", "howdy", "esteemed", "respected", "morning" };
	return LISTED(row, word);
}

bool gate_is_closing(const char *line)
{
	static const char *const row[] = { "all best",
					   "all the best",
					   "best",
					   "best regards",
					   "best wishes",
					   "cheers",
					   "cordially",
					   "cordially yours",
					   "enjoy",
					   "have a great day",
					   "have a great week",
					   "kind regards",
					   "kindest regards",
					   "many thanks",
					   "regards",
					   "respectfully",
					   "sincerely",
					   "sincerely yours",
					   "take care",
					   "talk soon",
					   "thank you",
					   "thanks",
					   "thanks again",
					   "thanks so much",
					   "to your success",
					   "warm regards",
					   "warm wishes",
					   "warmest regards",
					   "warmly",
					   "with best regards",
					   "with gratitude",
					   "with kind regards",
					   "yours",
					   "yours faithfully",
					   "yours sincerely",
					   "yours truly",
					   "contritely",
					   "grüße",
					   "greetings" };
	return LISTED(row, line);
}

bool gate_is_footer(const char *line)
{
	static const char *const row[] = { "unsubscribe",
					   "all rights reserved",
					   "manage your preferences",
					   "manage preferences",
					   "update your preferences",
					   "view this email in",
					   "view in browser",
					   "view online",
					   "you are receiving this",
					   "you're receiving this",
					   "you received this",
					   "sent from my iphone",
					   "privacy policy",
					   "no longer wish to receive" };
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (strstr(line, row[i]) != NULL)
			return true;
	return false;
}

bool gate_is_errand_link(const char *url)
{
	static const char *const row[] = { "calendly", "cal.com",  "calendar",    "/meet",     "meetings.",
					   "/book",    "booking",  "/demo",       "/buy",      "/cart",
					   "checkout", "/pricing", "/order",      "/signup",   "/sign-up",
					   "/trial",   "unsub",    "preferences", "/schedule", "chilipiper" };
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (strstr(url, row[i]) != NULL)
			return true;
	return false;
}
