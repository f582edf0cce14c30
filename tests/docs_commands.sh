#!/bin/sh
# Every command and option of the programs' own help stands in the manual pages and in both completions, an option in the part of its
# command; nothing stands there that the programs do not know. Usage: tests/docs_commands.sh BUILD-DIRECTORY
set -u
build=${1:-build}
ctl=$build/abvctl
page=src/ctl/abvctl.1 bash=etc/completion/abvctl.bash zsh=etc/completion/_abvctl
fail=0
complain() { echo "$*" >&2; fail=1; }

options_in() { sed -n '/^Options/,$s/^ *\(-., \)*--\([a-z-]*\).*/\2/p' | sort -u; }
# What the page says about a command: from its .It to the next command's.
part() { awk -v c="$1" '/^\.It Ic /{in_it = ($3 == c)} /^\.Sh /{in_it = 0} in_it' "$page"; }
described() { sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' | sort -u; }
compare() { # WHERE, WHAT, then two lists
	for o in $3; do echo "$4" | grep -qx -e "$o" || complain "$1: $2--$o is not described"; done
	for o in $4; do echo "$3" | grep -qx -e "$o" || complain "$1: $2--$o does not exist"; done
}

globals=$("$ctl" --help | options_in)
commands=$("$ctl" --help | sed -n '/^Commands/,/^Options/s/^  \([a-z]*\) .*/\1/p')
[ -n "$globals" ] && [ -n "$commands" ] || { complain "$ctl --help lists nothing"; exit 1; }
compare "$page" "" "$globals" "$(sed -n '/^\.Sh DESCRIPTION/,/^\.Sh COMMANDS/p' "$page" | described)"

for c in $commands; do
	own=$("$ctl" "$c" --help | options_in)
	[ -n "$(part "$c")" ] || complain "$page: command '$c' is not described"
	compare "$page" "$c " "$own" "$(part "$c" | described)"
	sed -n '/local commands=/,/"$/p' "$bash" | grep -qw -e "$c" || complain "$bash: command '$c' is missing"
	compare "$bash" "$c " "$own" "$(sed -n "s/^	$c) echo \"\(.*\)\" ;;/\1/p" "$bash" | tr ' ' '\n' | sed 's/^--//' | sort)"
	grep -q "^		'$c:" "$zsh" || complain "$zsh: command '$c' is missing"
	compare "$zsh" "$c " "$own" "$(awk -v c="$c)" '$1 == c {on = 1} on {print} /;;/ {on = 0}' "$zsh" | grep -o "'[*]*--[a-z-]*" | sed "s/.*--//" | sort)"
done
for c in $(sed -n 's/^\.It Ic \([a-z]*\).*/\1/p' "$page" | sort -u); do
	echo "$commands" | grep -qx -e "$c" || complain "$page: command '$c' does not exist"
done
for g in $globals; do
	grep -q "local globals=.*--$g[ \"]" "$bash" || complain "$bash: --$g is missing"
	grep -q "^		'--$g\[" "$zsh" || complain "$zsh: --$g is missing"
done

daemon=$("$build/abvd" --help | sed -n 's/^  \(-., \)* *--\([a-z-]*\).*/\2/p' | sort -u)
[ -n "$daemon" ] || complain "$build/abvd --help lists no option"
compare src/daemon/abvd.8 "" "$daemon" "$(sed -n 's/^\.It Fl .*Fl -\([a-z-]*\).*/\1/p; s/^\.It Fl -\([a-z-]*\).*/\1/p' src/daemon/abvd.8 | sort -u)"

if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning "$page" src/daemon/abvd.8 || fail=1
else
	echo "docs_commands: SKIPPED mandoc: not installed" >&2
fi
bash -n "$bash" 2>/dev/null || complain "$bash: syntax"
[ $fail -eq 0 ] && echo "docs_commands: every command and option is described"
exit $fail
