/* Is a phrase hidden with letters that only look like ours, or with characters that nobody sees? Decided by the word:
 *
 * - A Latin word with a letter of another script that looks like one of ours is read as what it looks like, and told.
 *   Not told: a Greek letter in front ("νmax" is a formula's), and endings on a line that is written in the other
 * script.
 * - A word of such letters alone is read so as well where the line has no letter of that script that looks like none of
 *   ours; it may be a name, so that it isn't told. Words of the script itself stay.
 * - Styled letters are always read as ours; told when they make a word or part of one. Fullwidth letters among Chinese,
 *   Japanese or Korean are at home there.
 * - Invisible characters and overlays within a Latin word are told; the soft hyphen only where no printer would break
 * the word.
 */
#include <stdio.h>
#include <string.h>

#include "gate_int.h"

#define HYPHENATED_LEAST 10 /* letters: shorter words are broken by nobody */
#define STYLED_LEAST     3  /* one or two are a formula's */

void gate_hidden_note(struct gate_text *t, uint32_t pos, const char *word, size_t n, const char *what)
{
	size_t cut = n < sizeof t->hidden_word ? n : sizeof t->hidden_word - 1;
	if (t->hidden_n++ > 0)
		return;
	while (cut > 0 && cut < n && (word[cut] & 0xc0) == 0x80) /* not in the middle of a character */
		cut--;
	t->hidden_at = pos;
	snprintf(t->hidden_word, sizeof t->hidden_word, "%.*s", (int)cut, word);
	snprintf(t->hidden_what, sizeof t->hidden_what, "%s", what);
}

struct word {
	size_t from, to;
	int latin, other;                 /* letters: ours, of another script */
	int twin, loose, greek, greek_in; /* look-alikes; greek_in: not the word's first */
	int styled, wide;                 /* wide: the fullwidth ones of the styled */
	int overlay, invisible, hyphen;   /* between two letters */
	bool latin_last;                  /* a letter of ours stands behind the last look-alike */
};

static void count(const struct line *l, struct word *w)
{
	for (size_t i = w->from; i < w->to; i++) {
		unsigned char c = (unsigned char)l->text[i];
		w->overlay += l->gap[i] == CHAR_OVERLAY;
		w->invisible += l->gap[i] == CHAR_INVISIBLE;
		w->hyphen += l->gap[i] == CHAR_HYPHEN;
		if (gate_is_latin(l->text[i])) {
			w->latin++;
			w->latin_last = true;
		}
		if (c < 0xc0)
			continue;
		if (l->twin[i] == 0) {
			w->other++;
			continue;
		}
		if (l->kind[i] == CHAR_STYLED) {
			w->styled++;
			w->wide += c == 0xef;
			continue;
		}
		w->latin_last = false;
		w->twin += l->kind[i] == CHAR_TWIN;
		w->loose += l->kind[i] == CHAR_TWIN_LOOSELY;
		w->greek += l->kind[i] == CHAR_TWIN_GREEK;
		w->greek_in += l->kind[i] == CHAR_TWIN_GREEK && i > w->from;
	}
}

/* Are the look-alikes of this word read as ours? *told: is it a finding? */
static bool is_masked(const struct line *l, const struct word *w, bool *told)
{
	int twins = w->twin + w->loose + w->greek;
	*told = false;
	if (twins == 0 || w->other > 0)
		return false;
	if (w->latin + w->styled > 0) {
		bool ending = l->script && !w->latin_last;
		*told = !ending && w->twin + w->loose + w->greek_in > 0;
		return !ending;
	}
	return w->twin == twins && twins >= 3 && !l->script;
}

static const char *what_of(const struct line *l, const struct word *w, bool twins_told)
{
	bool at_home = w->styled == w->wide && l->wide;
	if (twins_told)
		return "a letter of another script that looks like one of ours";
	if (w->invisible > 0)
		return "an invisible character";
	if (w->overlay > 0)
		return "strokes through letters or rings round them";
	if (w->hyphen > 0 && w->latin < HYPHENATED_LEAST)
		return "a soft hyphen";
	if (w->styled > 0 && !at_home && (w->latin > 0 || w->styled >= STYLED_LEAST))
		return "styled letters that are no plain ones";
	return NULL;
}

/* Copies the word down to *k, look-alikes as what they look like. */
static void word_copy(struct line *l, const struct word *w, bool masked, size_t *k)
{
	for (size_t i = w->from; i < w->to;) {
		bool fold = l->twin[i] != 0 && (masked || l->kind[i] == CHAR_STYLED);
		l->text[*k] = fold ? l->twin[i] : l->text[i];
		l->pos[(*k)++] = l->pos[i];
		i++;
		while (fold && i < w->to && (l->text[i] & 0xc0) == 0x80)
			i++;
	}
}

void gate_line_fold(struct line *l, struct gate_text *t)
{
	size_t k = 0;
	for (size_t i = 0; i < l->n;) {
		struct word w = { .from = i, .to = i };
		bool told;
		while (w.to < l->n && gate_is_word_byte(l->text[w.to]))
			w.to++;
		if (w.to == i) {
			l->text[k] = l->text[i];
			l->pos[k++] = l->pos[i++];
			continue;
		}
		count(l, &w);
		bool masked = is_masked(l, &w, &told);
		const char *what = what_of(l, &w, told);
		size_t begin = k;
		i = w.to;
		word_copy(l, &w, masked, &k);
		if (what != NULL)
			gate_hidden_note(t, l->pos[begin], l->text + begin, k - begin, what);
	}
	l->n = k;
	l->odd = false;
}
