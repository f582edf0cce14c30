#!/bin/sh
# The examples of "CHOOSING A CADENCE" in abvd.conf.5 pass `abvctl check`: each installation's, with the outreach sequence beside it.
# Usage: tests/docs_cadence.sh BUILD-DIRECTORY
set -u
build=${1:-build}
page=src/daemon/abvd.conf.5
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail=0

# The page's literal blocks of the section, each into a file: 1, 2 ...
awk -v dir="$dir" '/^\.Sh /{on = /CHOOSING A CADENCE/} !on {next}
	/^\.Bd -literal/{file = dir "/" ++n; next} /^\.Ed/{file = ""} file {print > file}' "$page"
mkdir "$dir/sequences.d"
cp -R templates "$dir/templates"
sed 's/^Subject: .*/Subject: Lessons of 40 teams/' "$dir/templates/playbook.md" >"$dir/templates/lessons.md"
echo 'Of these 40 teams, 31 began with the second step and lost two weeks by it.' >>"$dir/templates/lessons.md"
for n in 1 2 3; do
	[ -s "$dir/$n" ] || { echo "$page: CHOOSING A CADENCE has no example $n" >&2; exit 1; }
done
cp "$dir/3" "$dir/sequences.d/outreach.conf"
for n in 1 2; do
	{
		echo 'sender = { from = "Dana <dana@example.com>"; postal_address = "1 Main St"; unsubscribe = "mailto:u@example.com"; };'
		echo 'smtp = { url = "smtp://127.0.0.1"; }; store = { path = "a.db"; }; log = { path = "a.log"; }; control = { socket = "a.sock"; };'
		cat "$dir/$n"
	} >"$dir/abvd.conf"
	"$build/abvctl" check "$dir/abvd.conf" >"$dir/said" || { echo "$page: example $n of CHOOSING A CADENCE:" >&2; cat "$dir/said" >&2; fail=1; }
done
exit $fail
