#!/bin/sh
# The programs look where SYSCONFDIR says, also when it changes between `make` and `make install`. Usage: docs_paths.sh BUILD
set -u
cd "$(dirname "$0")/.." || exit 1
copy=$(mktemp -d /tmp/abv-paths-XXXXXX)
trap 'rm -rf "$copy"' EXIT
unset MAKEFLAGS MFLAGS
cp -a "$1" "$copy/build"
for dir in /elsewhere /etc; do
	make --no-print-directory BUILD="$copy/build" SYSCONFDIR=$dir all >/dev/null || exit 1
	if ! "$copy/build/abvctl" --help | grep -q "$dir/abvd/abvd.conf" || ! "$copy/build/abvd" --help | grep -q "$dir/abvd/abvd.conf"; then
		echo "FAIL: after SYSCONFDIR=$dir the programs look elsewhere"
		exit 1
	fi
done
echo "the programs follow SYSCONFDIR"
