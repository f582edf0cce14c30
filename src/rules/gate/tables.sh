#!/bin/sh
# Turns the gate's language data into C tables. Usage: tables.sh DIRECTORY... (one for each language, named by its code)
# A line is a row; those that begin with "# " are comments. Phrases (phrases-CLASS.txt) are sorted by their first word, as
# their look-up needs; a "^" before one: it counts only where a sentence begins.
set -eu
LC_ALL=C
export LC_ALL
lists='abbreviations attribution-begins attribution-ends closings errand-links footers foreign-placeholders greetings joiners
	postscripts quote-heads reader-words reply-marks sender-words'

rows() { grep -v -e '^# ' -e '^#$' -e '^$' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g'; }
upper() { echo "$1" | tr 'a-z-' 'A-Z_'; }

echo '#include "src/rules/gate_int.h"'
for d in "$@"; do
	l=$(basename "$d")
	echo "static const struct gate_phrase ${l}_phrases[] = {"
	for f in "$d"/phrases-*.txt; do
		class=PHRASE_$(upper "$(basename "$f" .txt | sed 's/^phrases-//')")
		rows "$f" | sed -e "s/^^\(.*\)/\1	$class | PHRASE_BEGIN/; t" -e "s/\$/	$class/"
	done | sort | sed 's/\(.*\)	\(.*\)/{ "\1", \2 },/'
	echo '};'
	for n in $lists; do
		echo "static const char *const ${l}_$(echo "$n" | tr - _)[] = {"
		rows "$d/$n.txt" | sort | sed 's/.*/"&",/'
		echo '0 };'
	done
done
echo 'const struct gate_language gate_languages[] = {'
for d in "$@"; do
	l=$(basename "$d")
	echo "{ \"$l\", ${l}_phrases, sizeof ${l}_phrases / sizeof ${l}_phrases[0], {"
	for n in $lists; do echo "[LIST_$(upper "$n")] = ${l}_$(echo "$n" | tr - _),"; done
	echo '} },'
done
echo '{ 0, 0, 0, { 0 } } };'
