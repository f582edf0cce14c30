#!/usr/bin/env bash
# abvctl without a daemon: a table of commands, each with its exit status and what it must say. Usage: test_ctl_offline.sh BUILD
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${1:-build}")
ctl=$build/abvctl
home=$(mktemp -d /tmp/abv-ctl-XXXXXX)
trap 'rm -rf "$home"' EXIT
export TZ=UTC NO_COLOR=1 http_proxy=http://127.0.0.1:1
passed=0 failed=0

# STATUS, an extended regular expression that standard output must match ("" : nothing is printed there), one for standard error, the command.
t() {
	local want=$1 out=$2 err=$3 rc
	shift 3
	"$@" >"$home/out" 2>"$home/err" </dev/stdin
	rc=$?
	if [ $rc -eq "$want" ] && matches "$out" "$home/out" && matches "$err" "$home/err"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL: $* (status $rc, wanted $want; stdout /$out/, stderr /$err/)"
		head -c 1000 "$home/out" "$home/err"
	fi
}
matches() { if [ -z "$1" ]; then [ ! -s "$2" ]; else grep -Eqz -e "$1" "$2"; fi; }

mkdir -p "$home/sequences.d" "$home/templates"
cat >"$home/abvd.conf" <<'END'
sender = { from = "Dana Reyes <dana@example.com>"; postal_address = "Example Ltd, 1 Main St"; unsubscribe = "mailto:bye@example.com"; };
smtp = { url = "smtp://127.0.0.1:2525"; tls = "none"; };
store = { path = "abvd.db"; };  log = { path = "engagement.jsonl"; };  control = { socket = "control.sock"; };
END
sed 's/store =/bogus = 1; store =/' "$home/abvd.conf" >"$home/broken.conf"
cp etc/sequences.d/getting-started.conf "$home/sequences.d/"
cp templates/* "$home/templates/"
printf 'Subject: Hello\nKind: value\n\nHi,\n\njust checking in, any thoughts?\n' >"$home/empty.md"
printf 'Subject: For {{first_name}}\nKind: value\n\nHello {{first_name}},\n\nthis is **it**.\n' >"$home/short.md"
log() { printf '{"seq":%d,"ts":"%s","event":"%s","contact":"%s","sequence":"%s","step":"one"}\n' "$@"; }
{ log 1 2026-11-01T08:00:00.000Z enrolled ann@a.example course; log 2 2026-11-01T09:00:00.000Z sent ann@a.example course; } >"$home/engagement.jsonl.2"
{ log 3 2026-11-10T09:00:00.000Z sent ben@b.example course; } >"$home/engagement.jsonl.1"
{ log 4 2026-11-20T09:00:00.000Z sent cem@c.example other; log 5 2026-11-21T09:00:00.000Z waiting ann@a.example course; printf '{"seq":6,"ts'; } >"$home/engagement.jsonl"
conf=$home/abvd.conf

# ---- the command line
t 2 '' 'no command is given; try `abvctl --help`' $ctl
t 0 'Commands that work on files:.*check .*Commands that ask the daemon:.*import .*Exit status: 0 done' '' $ctl --help
t 0 '^usage: abvctl import FILE' '' $ctl import --help
t 0 '^usage: abvctl import FILE' '' $ctl --help import
t 0 '^abvctl [0-9]+\.[0-9]+' '' $ctl --version
t 0 '^abvctl [0-9]+\.[0-9]+' '' $ctl status --version
t 0 'Commands that work on files:' '' $ctl help
t 0 '^usage: abvctl import FILE' '' $ctl help import
t 2 '' "unknown command 'frob'" $ctl help frob
t 2 '' "unknown command 'frob'; try" $ctl frob
t 2 '' "unknown command 'statsu'; did you mean 'status'" $ctl statsu
t 2 '' "unknown command 'unsupres'; did you mean 'unsuppress'" $ctl unsupres x
t 2 '' "unknown command 'report'" $ctl report
# deliver speaks sysexits: an MTA calls it
t 64 '' "unexpected argument 'FILE'" $ctl deliver FILE
t 64 '' "unknown option" $ctl deliver --bogus
t 2 '' "unknown option '--frob' of status" $ctl status --frob
t 2 '' "unexpected argument 'x'" $ctl status x
t 2 '' 'too few arguments; usage: abvctl stop CONTACT' $ctl stop
t 2 '' '--socket needs PATH' $ctl status --socket
t 2 '' 'exactly one of' $ctl enroll course
t 2 '' 'exactly one of' $ctl enroll course --all --tag x
t 2 '' '--until TIME is missing' $ctl hold a@b.example
t 2 '' '--until: ' $ctl hold a@b.example --until whenever
t 2 '' '--reason TEXT is missing' $ctl unsuppress a@b.example
t 2 '' '--to ADDRESS is missing' $ctl test course one
t 2 '' "'frob' is none of list" $ctl unknown frob
t 2 '' 'one ID is needed' $ctl unknown accept
t 2 '' "'x' is no ID" $ctl unknown accept x
t 2 '' 'no number above 0' $ctl queue --limit 0

# ---- no daemon: 69, wherever the socket comes from
for c in status 'queue --limit 3' 'show a@b.example' 'explain a@b.example' 'export a@b.example' 'forget a@b.example' pause 'resume x' config unknown \
	'stop a@b.example' 'enroll x --all' 'suppress @b.example' 'unsuppress @b.example --reason r' 'hold a@b.example --until 2030-01-01' \
	'test a b --to a@b.example'; do
	t 69 '' 'abvd is not reachable: .*/none: No such file' $ctl --socket "$home/none" $c
done
t 69 '' 'not reachable: .*/control.sock: No such file' $ctl --config "$conf" status
t 69 '' 'not reachable: .*/control.sock: No such file' $ctl status --config "$home/broken.conf" --json
t 69 '' "cannot read '.*/none.conf'" $ctl --config "$home/none.conf" status
t 69 '' 'is no socket' $ctl --socket "$conf" status
t 69 '' 'too long for a Unix socket' $ctl --socket "/$(printf 'x%.0s' {1..200})" status
python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$home/stale"
t 69 '' 'nobody listens on' $ctl --socket "$home/stale" status
printf 'email\na@b.example\n' >"$home/one.csv"
t 69 '' 'not reachable.*no row is known to be imported' $ctl --socket "$home/none" import "$home/one.csv"
t 1 '' "cannot open '.*none.csv'" $ctl --socket "$home/none" import "$home/none.csv"
t 2 '' 'names the file that is imported' $ctl --socket "$home/none" import "$home/one.csv" --rejects "$home/one.csv"
printf 'name\nAnn\n' >"$home/bad.csv"
t 1 '' 'bad.csv:1: the header row has no column .email.' $ctl --socket "$home/none" import "$home/bad.csv"
# what stands in --rejects FILE stays when nothing is imported, and nothing is left beside it
echo precious >"$home/rej.csv"
t 69 '' 'no row is known to be imported' $ctl --socket "$home/none" import "$home/one.csv" --rejects "$home/rej.csv"
t 1 '' 'has no column' $ctl --socket "$home/none" import "$home/bad.csv" --rejects "$home/rej.csv"
t 0 '^precious.$' '' cat "$home/rej.csv"
t 0 '^[^ ]*/rej.csv.$' '' bash -c "echo $home/rej.csv*"
t 1 '' "cannot write '.*/none/rej.csv': No such file" $ctl --socket "$home/none" import "$home/one.csv" --rejects "$home/none/rej.csv"
printf 'email,consent_date\na@b.example,2026-01-02\n' >"$home/misspelt.csv"
t 69 '' "misspelt.csv:1: column 'consent_date' is kept as an attribute; did you mean 'consent_at'\?" $ctl --socket "$home/none" import "$home/misspelt.csv"

# ---- check
t 0 'OK: 1 sequence, 4 templates' '' $ctl check "$conf"
t 0 'OK: 1 sequence, 4 templates' '' $ctl check --config "$conf"
t 0 '"severity":"warning"' '' $ctl check "$conf" --json
t 1 'broken.conf:[0-9]+:[0-9]+: error: .*\[unknown-key\]' '' $ctl check "$home/broken.conf"
t 1 '"file":".*broken.conf","line":[0-9]+,"column":[0-9]+,"severity":"error","message":".*","rule":"unknown-key"' '' $ctl --json check "$home/broken.conf"
t 1 'error: ' '' $ctl check "$home/none.conf"
cp "$home/empty.md" "$home/templates/checklist.md"
t 1 'templates/checklist.md:[0-9]+:[0-9]+: error: .*\[filler-followup\]' '' $ctl check "$conf"
cp templates/checklist.md "$home/templates/"

# ---- gate
t 0 'checklist.md: pass: declared value, judged value' '' $ctl gate templates/checklist.md
t 0 'offer.md: pass: declared ask' '' $ctl gate templates/offer.md
t 1 'empty.md:6:[0-9]+: error: .*\[filler-followup\].*empty.md: refused: declared value, judged empty' '' $ctl gate "$home/empty.md"
t 1 '^\{"id":"[^"]*empty.md","verdict":"empty","score":[0-9.e-]+,"pass":false,"findings":\[\{"rule":"[a-z-]+","severity":"error","line":[0-9]+,"column":[0-9]+,"message":".*"\}.*\]\}.$' \
	'' $ctl gate --json "$home/empty.md"
t 1 'nothing.md:1:1: error: .*\[no-substance\]' '' $ctl gate tests/data/gate/no-substance.nothing.md
t 1 'cyrillic.md:6:6: error: .checking. holds a letter of another script .*\[hidden-text\].*refused: declared value, judged value' '' \
	$ctl gate tests/data/gate/hidden-text.cyrillic.md
t 1 '"verdict":"ask",.*"pass":false,"findings":\[\{"rule":"not-its-kind","severity":"error","line":10,' '' $ctl gate --json tests/data/gate/not-its-kind.md
sed '1a Vouched-By: Dana Reyes, knows them' tests/data/gate/not-its-kind.md >"$home/vouched.md"
t 0 'vouched.md:11:1: warning: .*\[not-its-kind\].*: pass: declared value, judged ask, score [0-9.]+, vouched for by Dana Reyes, knows them' '' $ctl gate "$home/vouched.md"
t 0 '"pass":true,"vouched":"Dana Reyes, knows them","findings":\[\{"rule":"not-its-kind","severity":"warning"' '' $ctl gate --json "$home/vouched.md"
sed '1a Vouched-By: Dana Reyes, knows them' tests/data/gate/filler-followup.checking-in.md >"$home/vouched.md"
t 1 'error: .*\[filler-followup\].*refused' '' $ctl gate "$home/vouched.md"
printf 'Hi {{a\377}},\n' >"$home/bytes"
t 1 '"rule":"not-text".*"rule":"undefined-placeholder"' '' $ctl gate --json "$home/bytes"
cp templates/checklist.md "$home/templates/benchmark.md"
t 1 'getting-started.conf:[0-9]+:[0-9]+: error: .*100 % of .benchmark.md. stands in .checklist.md.*\[repeat-content\]' '' $ctl check "$conf"
cp templates/benchmark.md "$home/templates/"
t 1 'checklist.md: pass' "cannot read '.*none.md'" $ctl gate "$home/none.md" templates/checklist.md
t 1 '^-:[0-9]+:[0-9]+: error' '' $ctl gate - <"$home/empty.md"
t 2 '' 'no FILE is given' $ctl gate
t 2 '' '--jsonl reads standard input' $ctl gate --jsonl x
t 1 '' '\(stdin\):1: duplicate object key near .*text' $ctl gate --jsonl <<<'{"id":1,"text":"a","text":"b"}'
python3 - templates/checklist.md >"$home/texts" <<'END'
import json, sys
body = open(sys.argv[1]).read().split("\n\n", 1)[1].replace("{{", "").replace("}}", "")
print(json.dumps({"id": "good", "text": body}))
print("no json")
print(json.dumps({"id": 7, "text": "just checking in", "subject": None, "kind": "ask"}))
print(json.dumps({"id": "x", "text": "t", "kind": "gift"}))
print(json.dumps({"id": "y"}))
END
t 1 '"id":"good".*"id":7,"verdict":"empty"' '\(stdin\):2: .*\(stdin\):4: "kind" is neither.*\(stdin\):5: "text" is missing' $ctl gate --jsonl <"$home/texts"
head -1 "$home/texts" >"$home/good"
t 0 '^\{"id":"good","verdict":"value".*"pass":true' '' $ctl gate --jsonl <"$home/good"
t 0 '' '' $ctl gate --jsonl </dev/null

# ---- classify
inbox=tests/data/inbox
t 0 'FILE +CLASS +RECIPIENT.*dsn-user-unknown.eml +bounce +bob@customer.example +5.1.1 +permanent +user_unknown' '' $ctl classify $inbox/dsn-user-unknown.eml
t 0 '^\{"file":".*dsn-user-unknown.eml","class":"bounce","bounces":\[\{"recipient":"bob@customer.example","action":"failed","status":"5.1.1","permanent":true,"reason":"user_unknown"\}\],"until":null,"text":"","message_id":"r1@mx.example.net","in_reply_to":""\}' \
	'' $ctl classify --jsonl $inbox/dsn-user-unknown.eml
t 0 '^\{"file":"-","class":"reply"' '' $ctl classify --json - <$inbox/reply.eml
t 0 '"class":"bounce".*"class":"reply"' '' $ctl classify --jsonl $inbox/qmail.eml $inbox/reply.eml
t 1 '"class":"reply"' "cannot read '.*none.eml'" $ctl classify --jsonl "$home/none.eml" $inbox/reply.eml
t 1 '' "cannot read '.*': Is a directory" $ctl classify "$home"
t 0 '"class":"reply"' '' $ctl classify --jsonl - </dev/null
t 2 '' 'no FILE is given' $ctl classify
t 0 '"class":"reply".*"message_id":""' '' $ctl classify --jsonl - < <(head -c 300000 /dev/zero)

# ---- render
t 0 '^Subject: For Ann.*Hello Ann,.*Example Ltd, 1 Main St' '' $ctl --config "$conf" render "$home/short.md" --set first_name=Ann
t 0 'Hello Ann,' '' $ctl render "$home/short.md" --text --set first_name=Ann
t 0 '<strong>it</strong>' '' $ctl render "$home/short.md" --html --set first_name=Ann --config "$conf"
t 0 'go-live checklist.*at acme.co.uk' '' $ctl --config "$conf" render checklist --set email=ann@mail.acme.co.uk
t 0 '^\{"subject":"For Ann","text":"' '' $ctl render "$home/short.md" --json --set first_name=Ben --set first_name=Ann
t 0 'From: Dana Reyes <dana@example.com>.*To: Ann <ann@acme.example>.*multipart/alternative' '' \
	$ctl --config "$conf" render "$home/short.md" --eml --set first_name=Ann --set email=ann@acme.example
t 1 '' "placeholder 'first_name' has no value" $ctl render "$home/short.md"
t 0 'Hello Ann,' "short.md: warning: there is no placeholder 'frist_name'" $ctl render "$home/short.md" --set first_name=Ann --set frist_name=Ben --set email=a@b.example
t 1 '' "has no value.*there is no placeholder 'frist_name'" $ctl render "$home/short.md" --set frist_name=Ann
t 1 '' "no template 'none'" $ctl --config "$conf" render none
t 1 '' "no template '../abvd.conf.md'" $ctl render ../abvd.conf.md
t 1 '' 'error: .*\[unknown-key\]' $ctl --config "$home/broken.conf" render "$home/short.md" --set first_name=Ann
t 2 '' '--set takes NAME=VALUE' $ctl render "$home/short.md" --set first_name
t 2 '' 'only one of' $ctl render "$home/short.md" --html --eml

# ---- log
t 0 '^2026-11-20 09:00:00  sent +cem@c.example  other/one.2026-11-21 09:00:00  waiting +ann@a.example  course/one.$' '' $ctl --config "$conf" log
t 0 '^\{"seq":4,.*\}.\{"seq":5,.*"step":"one"\}.$' '' $ctl --config "$conf" log --json
t 0 '^\{"seq":3,.*"seq":4,.*"seq":5,[^}]*..$' '' $ctl --config "$conf" log --json --since 2026-11-09
t 0 '^\{"seq":2,.*"seq":3,.*"seq":4' '' $ctl --config "$conf" log --json --since 2026-11-01T08:30:00Z --event sent
t 0 '^\{"seq":1,[^}]*..\{"seq":2,[^}]*..\{"seq":5,[^}]*..$' '' $ctl --config "$conf" log --json --since 2026-01-01 --contact ' ANN@a.example'
t 0 '^\{"seq":4,[^}]*..$' '' $ctl --config "$conf" log --json --sequence other
t 0 '^\{"seq":2,[^}]*..\{"seq":3,[^}]*..\{"seq":4,[^}]*..\{"seq":5,[^}]*..$' '' $ctl --config "$conf" log --json --event sent --event waiting
t 0 '^\{"seq":3,[^}]*..$' '' $ctl --config "$conf" log --json --contact ben@b.example
t 0 '^\{"seq":1,[^}]*..\{"seq":2,[^}]*..\{"seq":3,[^}]*..\{"seq":5,[^}]*..$' '' $ctl --config "$conf" log --json --sequence course
printf '{"seq":7,"ts":"2026-11-21T09:00:00.000Z","event":"held","contact":"a@b.example","until":"2026-11-21T09:00:00.000Z","reason":"manual"}\n' >"$home/lifted"
t 0 '  held +a@b.example  manual  lifted.$' '' $ctl log "$home/lifted"
t 0 '' '' $ctl --config "$conf" log --since 1s
t 0 '^\{"seq":3,[^}]*..$' '' $ctl log --json "$home/engagement.jsonl.1"
t 0 '^\{"seq":3,[^}]*..$' '' $ctl log --json - <"$home/engagement.jsonl.1"
t 1 '' "cannot open '.*none.jsonl'" $ctl log "$home/none.jsonl"
t 1 '"seq":3' '\(stdin\):1: this is no line' $ctl log --json - < <(echo torn; cat "$home/engagement.jsonl.1")
t 2 '' "there is no event 'frob'" $ctl log --event frob
t 2 '' '--since: ' $ctl log --since yesterday
t 2 '' '--contact: ' $ctl log --contact nobody
t 1 '' 'cannot write to standard output' bash -c "'$ctl' --help >/dev/full"

# --follow: new lines, a torn line that is completed, a rotation, a rewritten file: each line once.
cp "$home/engagement.jsonl" "$home/f.jsonl"
"$ctl" log --json --follow "$home/f.jsonl" >"$home/followed" 2>"$home/err" &
follower=$!
seqs() { sed 's/{"seq":\([0-9]*\).*/\1/' "$home/followed" | tr '\n' ' '; }
sees() { for _ in $(seq 200); do [ "$(seqs)" = "$1" ] && return; read -rt 0.05 <> <(:); done; echo "FAIL: --follow printed $(seqs), wanted $1"; failed=$((failed + 1)); }
sees '4 5 '
printf '":"2026-11-22T09:00:00.000Z","event":"sent"}\n' >>"$home/f.jsonl"
sees '4 5 6 '
mv "$home/f.jsonl" "$home/f.jsonl.1"
log 7 2026-11-23T09:00:00.000Z sent a@a.example course >>"$home/f.jsonl.1"
log 8 2026-11-23T09:00:01.000Z sent a@a.example course >"$home/f.jsonl"
sees '4 5 6 7 8 '
log 8 2026-11-23T09:00:01.000Z sent hash:0 course >"$home/f.new"
log 9 2026-11-23T09:00:02.000Z sent b@a.example course >>"$home/f.new"
mv "$home/f.new" "$home/f.jsonl"
sees '4 5 6 7 8 9 '
kill $follower
wait $follower 2>/dev/null

# ---- audit
mkdir -p "$home/audit/sequences.d"
sed 's/engagement.jsonl/log.jsonl/' "$home/abvd.conf" >"$home/audit/abvd.conf"
aconf=$home/audit/abvd.conf alog=$home/audit/log.jsonl
line() { printf '{"seq":%d,"ts":"2026-11-24T%sZ","event":"%s","contact":"ann@a.example","account":"a.example"%s}\n' "$@"; }
sent() { line "$1" "$2" sent ",\"sequence\":\"course\",\"step\":\"$3\",\"kind\":\"value\",\"touch\":$1,\"content\":\"$4\",\"handed_at\":\"2026-11-24T$2Z\""; }
{ line 1 09:00:00.000 contact_imported ',"consent":"opt_in"'; line 2 09:00:00.000 enrolled ',"sequence":"course"'; } >"$alog-20261110"
sent 3 09:30:00.000 one a >"$alog.1"
{ sent 4 09:31:00.000 two b; printf '{"seq":5,"t'; } >"$alog"
t 0 'note: 2 touches were made under another policy.*no violation in what was judged; 4 lines, 2 touches to 1 contact at 1 account' '' $ctl --config "$aconf" audit
t 0 'no violation in what was judged' '' $ctl audit "$alog" "$alog-20261110" "$alog.1" --config "$aconf"
t 0 '^\{"files":3,"lines":4,"first_seq":1,"touches":2,"contacts":1,"accounts":1,"unjudged":2,"violations":0\}' '' $ctl --config "$aconf" audit --json
t 0 'the log begins with seq 3' '' $ctl --config "$aconf" audit "$alog" "$alog.1"
t 1 ':1: seq: seq 4 comes behind 2: 1 line is missing.*1 violation; 3 lines' '' $ctl --config "$aconf" audit "$alog" "$alog-20261110"
t 1 ':1: seq: seq 4 comes behind 4: it was there already' '' $ctl --config "$aconf" audit "$alog" "$alog"
t 1 'no violation in what was read' "cannot read '/nowhere'" $ctl --config "$aconf" audit "$alog" /nowhere
t 1 '' 'Is a directory' $ctl --config "$aconf" audit "$home"
gzip -c "$alog.1" >"$alog.2.gz"
t 0 'no violation in what was judged' "log.jsonl.2.gz' is compressed: it is not read" $ctl --config "$aconf" audit
t 1 'no violation' "is compressed: it is not read" $ctl --config "$aconf" audit "$alog" "$alog.2.gz"
rm "$alog.2.gz"
sed -i '$d' "$alog" # a torn tail is cut at the next start
{ line 5 09:32:00.000 unsubscribed ''; sent 6 09:33:00.000 three b; } >"$alog.new"
t 1 'log.jsonl.new:2: after_unsubscribe: ann@a.example: touch 6 .*log.jsonl.new:2: content: .*2 violations; 6 lines' '' $ctl --config "$aconf" audit "$alog"*
t 1 '"line":2,"seq":6,"rule":"after_unsubscribe","text":"ann@a' '' $ctl --config "$aconf" audit --json "$alog"*
mv "$alog" "$alog.3"; mv "$alog.new" "$alog.0"
t 1 '2 violations; 6 lines' '' $ctl --config "$aconf" audit
rm "$alog"*
t 1 '' "cannot read '.*log.jsonl'" $ctl --config "$aconf" audit
t 1 '' 'bogus.*the configuration has errors' $ctl --config "$home/broken.conf" audit
t 2 '' "unknown option '--frob' of audit" $ctl audit --frob

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
