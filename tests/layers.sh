#!/bin/sh
# Fails when a room includes a header of its own level or above, when another room's private header is included, or when a library's
# header stands outside its room. The permitted edges are the two tables below, and nothing else.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

# header: level (a room may include headers of lower levels, and its own)
level_of() {
	case $1 in
	err | mem | buf | folder | hash | json | log | problem | clock | mailaddr | token) echo 0 ;;
	model | verdict | mail) echo 1 ;;
	governor | classify | reply_text | explain | gate | attempt | config | render | mime | delivery | answer) echo 2 ;;
	store | check | audit) echo 3 ;;
	netloop) echo 4 ;;
	sender | inbox | journal | web) echo 5 ;;
	scheduler | replay) echo 6 ;;
	simulate) echo 7 ;;
	*) echo 99 ;;
	esac
}
# room: level and the headers that are its own
room_level() {
	case $1 in
	base) echo 0 ;; model) echo 1 ;; rules | config | mime | render) echo 2 ;; store | check | audit) echo 3 ;; net) echo 4 ;;
	sender | inbox | journal | web) echo 5 ;; scheduler | replay) echo 6 ;; daemon) echo 8 ;; simulate) echo 7 ;; ctl) echo 8 ;;
	*) echo -1 ;;
	esac
}
own() {
	case $1 in
	base) echo "err mem buf folder hash json log problem clock mailaddr token" ;;
	model) echo "model verdict mail" ;;
	rules) echo "governor classify reply_text explain gate attempt delivery answer" ;;
	net) echo "netloop" ;;
	*) echo "$1" ;;
	esac
}
complain() { echo "layers: $*"; bad=1; }

# What a file includes: of ours ("abv/x.h" or <abv/x.h>), private ("x.h").
contracts_of() { sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]abv\/\([a-z_]*\)\.h[">].*/\1/p' "$1"; }
privates_of() { sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$1" | grep -v '^abv/'; }

for dir in src/*/; do
	room=$(basename "$dir")
	level=$(room_level "$room")
	[ "$level" -ge 0 ] || { complain "$dir: no such room"; continue; }
	mine=" $(own "$room") "
	for file in "$dir"*.[ch]; do
		[ -e "$file" ] || continue
		for h in $(contracts_of "$file"); do
			case $mine in *" $h "*) continue ;; esac
			[ "$(level_of "$h")" -lt "$level" ] || complain "$file: abv/$h.h (L$(level_of "$h")) from $room (L$level)"
		done
		for h in $(privates_of "$file"); do
			case $h in */*) complain "$file: \"$h\" is another room's"; continue ;; esac
			[ -e "$dir$h" ] || complain "$file: \"$h\" is no private header of $room"
		done
	done
done

# A contract names contracts of its own level or below.
for file in include/abv/*.h; do
	name=$(basename "$file" .h)
	for h in $(contracts_of "$file"); do
		[ "$(level_of "$h")" -le "$(level_of "$name")" ] || complain "$file (L$(level_of "$name")): abv/$h.h (L$(level_of "$h"))"
	done
	[ "$(level_of "$name")" -lt 99 ] || complain "$file: no such contract"
	for h in $(privates_of "$file"); do complain "$file: \"$h\" is private"; done
done

# abvctl links rules and transforms, not the store or what sends; a simulation has its own, and what nobody holds may be examined.
for file in src/ctl/*.[ch]; do
	for h in $(contracts_of "$file"); do
		case $file:$h in
		*/simulate*:store | *:simulate | */doctor*:store | */backup*:store) ;; # files, never the service's own store while it runs
		*:store | *:netloop | *:sender | *:scheduler) complain "$file: abv/$h.h is the daemon's" ;;
		esac
	done
done
# Only `simulate` runs them, in memory, through the room that keeps them from network and files.
for file in $(grep -l '^#include "abv/simulate\.h"' src/*/*.[ch] 2>/dev/null); do
	case $file in src/simulate/* | src/ctl/simulate*) ;; *) complain "$file: abv/simulate.h is for src/ctl/simulate*" ;; esac
done

# library header -> rooms that may include it
lib() {
	pattern=$1
	shift
	for file in $(grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($pattern)" src/*/*.[ch] include/abv/*.h 2>/dev/null); do
		case $file in include/*) complain "$file: a contract names library <$pattern>"; continue ;; esac
		room=$(basename "$(dirname "$file")")
		case " $* " in *" $room "*) ;; *) complain "$file: library <$pattern> belongs to: $*" ;; esac
	done
}
lib 'event2/|event\.h' net web daemon sender inbox
lib 'curl/' net sender ctl daemon
lib 'libconfig' config
lib 'sqlite3' store
lib 'gmime/' mime
lib 'glib' mime base
lib 'cmark' render
lib 'jansson' journal web ctl audit simulate replay
lib 'libpsl' base
lib 'sodium' base
lib 'libical/' config
lib 'systemd/' daemon
lib 'csv\.h' ctl
lib 'cmocka' none

# rules/ is pure: no I/O, no clock, no allocation beyond libc's
grep -nE '\b(time|clock_now|clock_mono|clock_gettime|gettimeofday|fopen|f?printf|puts|fputs|malloc|calloc|realloc|strdup|mem_alloc|mem_array|mem_strdup|read|write|open)[[:space:]]*\(' src/rules/*.[ch] 2>/dev/null |
	grep -vE '^[^:]*:[0-9]*:[[:space:]]*(\*|/\*|//)' | grep -vE '/\*[^*]*\b(time|read|write|open)\(' && complain "src/rules: no I/O, clock or allocation"
# rooms never print or exit
grep -nE '\b(printf|puts|exit|abort|fputs)\(' src/model/*.c src/rules/*.c src/config/*.c src/mime/*.c src/render/*.c src/store/*.c src/check/*.c src/net/*.c src/sender/*.c src/inbox/*.c src/journal/*.c src/web/*.c src/scheduler/*.c src/audit/*.c src/simulate/*.c src/replay/*.c 2>/dev/null | grep -vE '^[^:]*:[0-9]*:[[:space:]]*(\*|/\*|//)' && complain "a room prints or exits"

[ $bad -eq 0 ] && echo "layers: every edge is permitted"
exit $bad
