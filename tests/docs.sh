#!/bin/sh
# Every option of the table stands in abvd.conf.5, every option there stands in the table, and the page is clean mdoc.
# Usage: tests/docs.sh BUILD-DIRECTORY
set -u
build=${1:-build}
page=src/daemon/abvd.conf.5
fail=0

"$build/tests/test_config" --options | sort >"$build/options.table" || exit 1
[ -s "$build/options.table" ] || { echo "docs: $build/tests/test_config printed no option" >&2; exit 1; }
sed -n 's/^\.It //p' "$page" | grep -o 'Ic [a-z][a-z_.]*' | sed 's/^Ic //' | sort >"$build/options.page"
for key in $(comm -23 "$build/options.table" "$build/options.page"); do
	echo "$page: option '$key' is not described" >&2
	fail=1
done
for key in $(comm -13 "$build/options.table" "$build/options.page"); do
	echo "$page: option '$key' does not exist" >&2
	fail=1
done
if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning "$page" || fail=1
else
	echo "docs: SKIPPED mandoc: not installed" >&2
fi
exit $fail
