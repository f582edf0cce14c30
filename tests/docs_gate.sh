#!/bin/sh
# Every rule of the gate has its section in abvd-gate.7, with an example before and after, and every section there is a rule; each has a
# letter in tests/data/gate. Usage: docs_gate.sh BUILD
set -u
page=src/rules/abvd-gate.7
fail=0
complain() { echo "$*" >&2; fail=1; }

rules=$("${1:-build}/tests/test_gate" --rules)
sections=$(sed -n '/^\.Sh RULES/,/^\.Sh FILES/s/^\.Ss //p' "$page")
[ "$(echo "$rules" | wc -l)" -ge 10 ] || complain "test_gate --rules printed no rules"
for r in $rules; do
	part=$(awk -v r="$r" '/^\.S[sh] /{on = ($2 == r)} on' "$page")
	[ -n "$part" ] || { complain "$page: rule '$r' is not described"; continue; }
	echo "$part" | grep -q '^Before:' && echo "$part" | grep -q '^After:' || complain "$page: rule '$r' has no example before and after"
	ls tests/data/gate/"$r".* >/dev/null 2>&1 || complain "tests/data/gate: rule '$r' has no letter"
done
for s in $sections; do
	echo "$rules" | grep -qx -e "$s" || complain "$page: rule '$s' does not exist"
done
if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning "$page" || fail=1
else
	echo "docs_gate: SKIPPED mandoc: not installed" >&2
fi
[ $fail -eq 0 ] && echo "docs_gate: every rule is described"
exit $fail
