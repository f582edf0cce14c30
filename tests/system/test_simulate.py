#!/usr/bin/env python3
"""abvctl simulate: a year of 300 contacts at 60 companies in four zones, judged from its events alone by brute force that shares nothing
with the governor; then what the command prints, how it ends, and what it makes of bad input."""
import collections, datetime, fcntl, os, pty, random, re, struct, subprocess, sys, tempfile, termios, zoneinfo
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *

UTC = datetime.timezone.utc
MS = datetime.timedelta(milliseconds=1)
DAY = datetime.timedelta(days=1)
ZONES = ["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Sydney"]
FROM, DAYS = "2026-01-05T10:00:00Z", 365
RATES = ["--reply-rate", "0.03", "--ooo-rate", "0.05", "--bounce-rate", "0.003", "--unsubscribe-rate", "0.01"]
# name -> (how it enrolls, the least gap to any touch before, [(step, kind, after, expire)]); a number means days, "5bd" business days
SEQUENCES = {
    "course": ("on_import", 0, [("one", "value", 0, 0), ("two", "value", "5bd", 0), ("three", "value", "5bd", 0),
                                ("offer", "ask", "7bd", 20), ("five", "value", 10, 0)]),
    "data": ("tag:data", 0, [("one", "value", 2, 0), ("two", "value", 6, 0), ("three", "value", "3bd", 9), ("ask", "ask", 4, 0)]),
    "letters": ("on_import", 20, [(n, "value", 20 if n == "a" else 30, 0) for n in "abcdefg"]),
    "pitch": ("manual", 0, [("one", "value", 1, 0), ("two", "value", 1, 0), ("three", "value", 1, 0), ("pitch", "ask", 1, 0)]),
}
CADENCE = """
cadence = {
  contact = { min_gap = "3bd"; limits = ["1 per 7d", "4 per 30d"]; };
  account = { limits = ["2 per 7d", "5 per 30d"]; };
  provider = { limits = ["9 per 1d"]; };
  window = { days = "mon-fri"; hours = "08:30-17:30"; timezone = "contact"; };
  backoff = { factor = 1.5; max_gap = "30d"; };
  sunset = { touches = 8; silence = "120d"; };
  gifts_per_ask = 3;
};
"""
# A cadence that lets people meet the asks of several sequences, and holds bite before caps do.
LIVELY = """
cadence = {
  contact = { min_gap = "1d"; limits = ["2 per 7d"]; };
  account = { limits = ["20 per 1d"]; };
  sunset = { touches = 30; silence = "200d"; };
  backoff = { factor = 1.0; };
};
"""


class World:
    def __init__(self, cadence=CADENCE):
        self.home = tempfile.mkdtemp(prefix="abv-simulate-")
        for d in ("sequences.d", "templates"):
            os.mkdir(os.path.join(self.home, d))
        self.put("abvd.conf", 'sender = { from = "Dana <dana@example.com>"; postal_address = "1 Main St"; unsubscribe = "mailto:u@example.com"; };\n'
                 'smtp = { url = "smtp://192.0.2.1:25"; };\nstore = { path = "abvd.db"; };\nlog = { path = "engagement.jsonl"; };\n'
                 'control = { socket = "control.sock"; };\n' + cadence)
        for name, (enroll, gap, steps) in SEQUENCES.items():
            rows = []
            for i, (step, kind, after, expire) in enumerate(steps):
                template = "%s-%s.md" % (name, step)
                text = GATE_TEXT % {"n": i + 1} + "\nThis is %s of %s.\n" % (step, name)
                if kind == "ask":
                    text += "\nWould you like to see a demo next week? Book a call with us.\n"
                self.put("templates/" + template, "Subject: Worksheet %s of %s\nKind: %s\n\n%s" % (step, name, kind, text))
                rows.append('{ name = "%s"; after = "%s"; template = "%s"; %s}' % (
                    step, after if isinstance(after, str) else "%dd" % after, template, 'expire = "%dd"; ' % expire if expire else ""))
            self.put("sequences.d/%s.conf" % name, 'sequence = { name = "%s"; enroll = "%s"; priority = %d; %s steps = (%s); };\n' % (
                name, enroll, 3 if name == "data" else 10 if name == "course" else 0,
                'cadence = { contact = { limits = ["1 per %dd"]; }; };' % gap if gap else "", ", ".join(rows)))
        self.people = {}
        rows = ["email,first_name,account,timezone,tags,consent,consent_at"]
        for i in range(300):
            who = "p%d@mail%d.example" % (i, i % 40)
            consent_at = "2024-%02d-15" % (1 + i % 12)  # two years of consent: some run out in the year
            self.people[who] = {"account": "company %d" % (i % 60), "zone": zoneinfo.ZoneInfo(ZONES[i % 60 % 4]),
                                "consent": datetime.datetime.fromisoformat(consent_at + "T00:00:00+00:00"), "tags": "data" if i % 2 else ""}
            rows.append("%s,P%d,Company %d,%s,%s,opt_in,%s" % (who, i, i % 60, ZONES[i % 60 % 4], self.people[who]["tags"], consent_at))
        self.put("contacts.csv", "\n".join(rows) + "\n")

    def path(self, name):
        return os.path.join(self.home, name)

    def put(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def run(self, *args, contacts="contacts.csv", config="abvd.conf", stdin=None, env=None):
        argv = [os.path.join(BUILD, "abvctl"), "simulate", "--config", self.path(config)]
        argv += ["--contacts", contacts if contacts == "-" else self.path(contacts)] if contacts else []
        return subprocess.run(argv + list(args), capture_output=True, text=True, input=stdin, timeout=120 * SLOW, env=env)

    def events(self, *args, **more):
        r = self.run("--from", FROM, "--days", str(DAYS), "--json", *args, **more)
        assert r.returncode == 0, r.stderr
        return [json.loads(line) for line in r.stdout.splitlines()]

    def end(self):
        shutil.rmtree(self.home)


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def business_days(zone, t, n):
    """The same local time n weekdays later; one that does not exist moves forward."""
    local = t.astimezone(zone).replace(tzinfo=None)
    while n > 0:
        local += DAY
        n -= local.weekday() < 5
    out = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    back = out.astimezone(zone).replace(tzinfo=None)
    return out if back == local else local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def later(zone, t, after):
    return business_days(zone, t, int(after[:-2])) if isinstance(after, str) else t + after * DAY


def per_contact(events, name):
    out = collections.defaultdict(list)
    for e in events:
        if e["event"] == name and "contact" in e:
            out[e["contact"]].append(e)
    return out


def check_window_of(times, n, per, who):
    """No half-open interval of that length holds more than n."""
    for a, b in zip(times, times[n:]):
        assert b - a >= per, "%s: %d touches within %s, at %s" % (who, n + 1, per, b)


def check_caps(w, events):
    groups = {"contact": collections.defaultdict(list), "account": collections.defaultdict(list), "provider": collections.defaultdict(list)}
    for e in events:
        if e["event"] == "sent":
            groups["contact"][e["contact"]].append(when(e["ts"]))
            groups["account"][e["account"]].append(when(e["ts"]))
            groups["provider"][e["contact"].split("@")[1]].append(when(e["ts"]))
    for key, n, days in (("contact", 1, 7), ("contact", 4, 30), ("account", 2, 7), ("account", 5, 30), ("provider", 9, 1)):
        for who, times in groups[key].items():
            check_window_of(sorted(times), n, days * DAY, "%s %s" % (key, who))


def check_gaps(w, events):
    """min_gap in business days, stretched by back-off while nobody answers; a sequence's own tighter limit."""
    replies = {c: [when(e["ts"]) for e in es] for c, es in per_contact(events, "replied").items()}
    stretched = 0
    for who, sent in per_contact(events, "sent").items():
        zone, last, k = w.people[who]["zone"], None, 0
        for e in sent:
            t = when(e["ts"])
            if last is not None:
                assert t >= business_days(zone, last, 3), "%s at %s: too soon after %s" % (who, t, last)
                assert t >= last + SEQUENCES[e["sequence"]][1] * DAY, "%s at %s: its sequence is tighter" % (who, t)
                if any(r > last for r in replies.get(who, []) if r <= t):
                    k = 0
                if k >= 2:
                    gap = -int(-(3 * 1.5 ** (k - 1) - 1e-9) // 1)
                    assert t >= min(business_days(zone, last, gap), last + 30 * DAY), "%s at %s: touch %d in a row, after %s" % (who, t, k + 1, last)
                    stretched += 1
            last, k = t, k + 1
    assert stretched > 100, stretched


def check_windows(w, events):
    zones = set()
    for e in events:
        if e["event"] == "sent":
            t = when(e["handed_at"]).astimezone(w.people[e["contact"]]["zone"])
            assert t.weekday() < 5 and datetime.time(8, 30) <= t.time() < datetime.time(17, 30), "%s: handed at %s" % (e["contact"], t)
            zones.add(str(t.tzinfo))
    assert zones == set(ZONES), zones


def check_gifts_and_content(w, events):
    gifts, contents, asks = collections.Counter(), set(), 0
    for e in events:
        if e["event"] != "sent":
            continue
        if e["kind"] == "ask":
            assert gifts[e["contact"]] >= 3, "%s: an ask after %d gifts" % (e["contact"], gifts[e["contact"]])
            gifts[e["contact"]] = 0
            asks += 1
        else:
            gifts[e["contact"]] += 1
        key = (e["contact"], e["content"])
        assert key not in contents, "%s: the same content twice" % e["contact"]
        contents.add(key)
    assert asks > 50, asks


def check_ends(w, events, touches=8, silence=120):
    """Nothing after an end, nor during a hold, nor without consent, nor past the sunset."""
    ended, held, first, unanswered = {}, collections.defaultdict(list), {}, collections.Counter()
    for e in events:
        t, who = when(e["ts"]), e.get("contact")
        if e["event"] in ("replied", "unsubscribed", "suppressed"):
            ended.setdefault((who, None), e)
        elif e["event"] in ("stopped", "completed"):
            assert (who, e["sequence"]) not in ended, "%s: two ends in %s" % (who, e["sequence"])
            ended[who, e["sequence"]] = e
        elif e["event"] == "held":
            held[who or "account:" + e["account"]].append((t, when(e["until"])))
        if e["event"] == "replied":
            unanswered[who] = 0
        if e["event"] not in ("sent", "waiting", "skipped"):
            continue
        for key in ((who, None), (who, e["sequence"])):
            assert key not in ended, "%s in %s: %s at %s after %s" % (who, e["sequence"], e["event"], t, ended[key])
        if e["event"] != "sent":
            continue
        for a, b in held[who] + held["account:" + e["account"]]:
            assert not a <= t < b, "%s: sent at %s, held until %s" % (who, t, b)
        assert t < w.people[who]["consent"] + 730 * DAY, "%s: sent at %s without consent" % (who, t)
        unanswered[who] += 1
        assert unanswered[who] <= touches, "%s: touch %d in a row" % (who, unanswered[who])
        assert t < first.setdefault(who, t) + silence * DAY, "%s: sent at %s, silent since %s" % (who, t, first[who])
    return {e.get("reason") for e in ended.values() if e["event"] == "stopped"}


def check_steps(w, events):
    """In order, none twice, none left out; each no sooner than its `after`, a skipped one past its expiry."""
    ways = collections.defaultdict(list)
    for e in events:
        if e["event"] in ("enrolled", "sent", "skipped", "completed"):
            ways[e["contact"], e["sequence"]].append(e)
    skipped = 0
    for (who, name), story in ways.items():
        zone, steps = w.people[who]["zone"], SEQUENCES[name][2]
        assert story[0]["event"] == "enrolled"
        prev, todo = when(story[0]["ts"]), iter(steps)
        for e in story[1:]:
            t = when(e["ts"])
            step = next(todo, None)
            if e["event"] == "completed":
                assert step is None, "%s completed %s before %s" % (who, name, step)
                continue
            assert step is not None and e["step"] == step[0], "%s in %s: %s at %s" % (who, name, e, step)
            due = later(zone, prev, step[2])
            assert t >= due, "%s: %s/%s at %s, due %s" % (who, name, step[0], t, due)
            if e["event"] == "skipped":
                assert e["reason"] == "step_expired" and t >= due + step[3] * DAY and step[3], e
                skipped += 1
            else:
                assert not step[3] or t < due + step[3] * DAY, "%s: %s/%s went at %s, expired" % (who, name, step[0], t)
                assert e["kind"] == step[1]
                prev = t
    return skipped


def check_answers(events):
    """Each answers a touch of its own, an hour to three days after it."""
    sent = {e["touch"]: e for e in events if e["event"] == "sent"}
    n = 0
    for e in events:
        if e["event"] in ("replied", "auto_replied", "bounced", "unsubscribed"):
            s = sent[e["touch"]]
            assert s["contact"] == e["contact"]
            assert datetime.timedelta(hours=1) <= when(e["ts"]) - when(s["ts"]) <= 3 * DAY, e
            n += 1
    assert n > 50, n


def judge(w, events):
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert all(a["ts"] <= b["ts"] for a, b in zip(events, events[1:]))
    assert events[0]["event"] == "config_loaded" and events[0]["ts"] == "2026-01-05T10:00:00.000Z"
    check_caps(w, events)
    check_gaps(w, events)
    check_windows(w, events)
    check_gifts_and_content(w, events)
    assert {"replied", "hard_bounce", "unsubscribed", "consent_expired", "sunset"} <= check_ends(w, events)
    assert check_steps(w, events) > 0
    check_answers(events)


def test_a_year_by_brute_force():
    w = World()
    try:
        events = w.events("--seed", "11", "--enroll", "all", *RATES)
        judge(w, events)
        sent = sum(e["event"] == "sent" for e in events)
        assert sent > 1000, sent
        assert not [f for f in os.listdir(w.home) if f.startswith(("abvd.db", "engagement", "control"))]
        print("   %d touches judged" % sent)
    finally:
        w.end()


def test_asks_and_absences_by_brute_force():
    w = World(LIVELY)
    try:
        events = w.events("--seed", "12", "--enroll", "all", "--reply-rate", "0.01", "--ooo-rate", "0.3")
        assert any(e["event"] == "waiting" and e["reason"] == "gifts" for e in events)
        check_windows(w, events)
        check_gifts_and_content(w, events)
        check_ends(w, events, 30, 200)
        check_steps(w, events)
        check_answers(events)
    finally:
        w.end()


def test_the_judge_sees():
    """A judge that accepts everything would pass too: each of these breaks one rule."""
    w = World()
    try:
        good = w.events("--seed", "11", "--enroll", "all", *RATES)

        def changed(pick, change):
            events = [dict(e) for e in good]
            change(next(e for e in events if pick(e)), events)
            return events

        def at(e, t):
            e["ts"] = e["handed_at"] = t.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

        is_sent = lambda e: e["event"] == "sent"
        replied = next(e for e in good if e["event"] == "replied")
        second = next(e for e in good if is_sent(e) and e["sequence"] == "course" and e["step"] == "two")
        first = next(e for e in good if is_sent(e) and e["sequence"] == "course" and e["step"] == "one" and e["contact"] == second["contact"])
        cases = {
            check_caps: changed(lambda e: e["seq"] == second["seq"], lambda e, all: at(e, when(first["ts"]) + 7 * DAY - MS)),
            check_windows: changed(is_sent, lambda e, all: at(e, when("2026-03-07T12:00:00Z"))),
            check_gaps: changed(lambda e: e["seq"] == second["seq"], lambda e, all: at(e, when(first["ts"]) + 2 * DAY)),
            check_gifts_and_content: changed(is_sent, lambda e, all: e.update(kind="ask")),
            check_ends: changed(lambda e: is_sent(e) and e["contact"] == replied["contact"],
                                lambda e, all: all.append(dict(e, ts=replied["ts"], seq=0))),
            check_steps: changed(lambda e: e["seq"] == second["seq"], lambda e, all: e.update(step="three")),
        }
        for check, events in cases.items():
            try:
                check(w, events)
            except AssertionError:
                continue
            raise SystemExit("%s accepts a fault" % check.__name__)
    finally:
        w.end()


def test_same_seed_same_bytes():
    w = World()
    try:
        args = ["--from", FROM, "--days", "90", "--json"]
        a, b = w.run(*args, "--seed", "3", *RATES), w.run(*args, "--seed", "3", *RATES)
        assert a.stdout == b.stdout and a.returncode == 0
        assert a.stdout != w.run(*args, "--seed", "4", *RATES).stdout
        quiet = w.run(*args)
        assert not re.search('"event":"(replied|auto_replied|bounced|unsubscribed|suppressed|held)"', quiet.stdout)
        with open(w.path("contacts.csv")) as f:
            assert w.run(*args, "--seed", "3", *RATES, contacts="-", stdin=f.read()).stdout == a.stdout
        assert quiet.stderr == "", quiet.stderr
    finally:
        w.end()


def test_who_is_enrolled():
    w = World()
    try:
        def enrolled(*args):
            return collections.Counter(e["sequence"] for e in w.events(*args) if e["event"] == "enrolled")
        assert enrolled() == {"course": 300, "letters": 300, "data": 150}
        assert enrolled("--enroll", "pitch") == {"course": 300, "letters": 300, "data": 150, "pitch": 300}
        assert enrolled("--enroll", "all") == enrolled("--enroll", "pitch", "--enroll", "course")
    finally:
        w.end()


def test_summary():
    """Its figures against the events', under a cadence that lets people meet the asks of several sequences."""
    w = World(LIVELY)
    try:
        args = ["--seed", "11", "--enroll", "all"] + RATES
        events = w.events(*args)
        r = w.run("--from", FROM, "--days", str(DAYS), *args)
        assert r.returncode == 0 and r.stderr == "", r.stderr
        count = collections.Counter((e["event"], e.get("sequence"), e.get("kind") if e["event"] == "sent" else e.get("reason")) for e in events)
        of = lambda event, q, what=None: sum(n for (ev, s, x), n in count.items() if ev == event and s == q and what in (None, x))
        lines = r.stdout.splitlines()
        assert lines[0].startswith("300 contacts, %d touches, %d replies," % (sum(e["event"] == "sent" for e in events),
                                                                             sum(e["event"] == "replied" for e in events))), lines[0]
        released = {e["contact"] for e in events if e["event"] == "stopped" and e["reason"] == "sunset"}
        assert "%d people released" % len(released) in lines[0], lines[0]
        for q in SEQUENCES:
            row = next(line.split() for line in lines if line.startswith(q + " "))
            sunset, ends = of("stopped", q, "sunset"), of("stopped", q) + of("completed", q)
            expected = [of("enrolled", q), of("sent", q, "value"), of("sent", q, "ask"), of("completed", q), sunset,
                        of("stopped", q) - sunset, of("enrolled", q) - ends]
            assert row[1:8] == [str(n) for n in expected], (row, expected)
            start = {e["contact"]: when(e["ts"]) for e in events if e["event"] == "enrolled" and e["sequence"] == q}
            took = sorted(when(e["ts"]) - start[e["contact"]] for e in events if e["event"] == "completed" and e["sequence"] == q)
            for percent, cell in ((50, row[8]), (90, row[9])):
                days = took[max(0, -(-len(took) * percent // 100) - 1)] / DAY if took else None
                assert cell == ("-" if days is None else "%.1f" % days) or abs(float(cell) - days) < 0.051, (cell, days)
            waits = next((line for line in lines[lines.index(q):] if line.startswith("  waits:")), "")
            for why in {e["reason"] for e in events if e["event"] == "waiting" and e["sequence"] == q}:
                assert re.search(r"[ ,]%s %d(,|$)" % (why, of("waiting", q, why)), waits), (why, waits)
        held = {(e["contact"]) for e in events if e["event"] == "waiting" and e["sequence"] == "pitch" and e["reason"] == "gifts"}
        row = next(line.split() for line in lines if line.startswith("pitch "))
        assert row[10] == str(len(held)) and held, (row, len(held))
    finally:
        w.end()


def on_terminal(argv, columns, lines):
    """What the command writes to a terminal of this size."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm")
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            os.environ.pop(name, None)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.execv(argv[0], argv)
    out = b""
    try:
        while True:
            part = os.read(fd, 65536)
            if not part:
                break
            out += part
    except OSError:
        pass
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode().replace("\r\n", "\n")


def test_calendar():
    w = World()
    try:
        args = ["--from", FROM, "--days", str(DAYS), "--seed", "11", "--calendar"] + RATES
        r = w.run(*args, env=dict(os.environ, COLUMNS="80", LINES="24"))
        lines = r.stdout.splitlines()
        assert r.returncode == 0 and len(lines) < 24 and max(map(len, lines)) <= 80 and "\033" not in r.stdout, r.stdout
        assert re.match(r"365 days from 2026-01-05, \d+ a column; \d+ of 300 contacts, \d+ left out$", lines[0]), lines[0]
        shown, left = map(int, re.search(r"; (\d+) of 300 contacts, (\d+) left", lines[0]).groups())
        rows = [line for line in lines if re.match(r"p\d+@", line)]
        assert len(rows) == shown and shown + left == 300 and shown >= 15, lines[0]
        assert set("".join(row[28:] for row in rows)) <= set("vVARxch. "), rows
        for letter in "vARx":
            assert any(letter in row[28:] for row in rows), letter
        assert "R reply" in r.stdout and "h held" in r.stdout
        argv = [os.path.join(BUILD, "abvctl"), "simulate", "--config", w.path("abvd.conf"), "--contacts", w.path("contacts.csv")] + args
        status, out = on_terminal(argv, 120, 40)
        bar, screen = out.rsplit("\r\033[K", 1)
        assert status == 0 and re.search(r"\[=* *\] +\d+%  2026-\d\d-\d\d  \d+ touches", bar), bar
        assert "\033[" in screen
        plain = re.sub(r"\033\[[0-9;]*m", "", screen).splitlines()
        assert len(plain) < 40 and max(map(len, plain)) <= 120, screen
        wide = w.run(*args, env=dict(os.environ, COLUMNS="120", LINES="40"))
        assert wide.stdout.splitlines() == plain
    finally:
        w.end()


def test_bad_input():
    w = World()
    try:
        ok = ["--from", "2026-01-05", "--days", "9"]
        usage = [[], ["--days", "9"], ["--from", "2026-01-05"], ["--from", "soon", "--days", "9"], ["--from", "1960-01-01", "--days", "9"],
                 ["--from", "2026-01-05", "--days", "0"], ["--from", "2026-01-05", "--days", "1.5"], ["--from", "2026-01-05", "--days", "99999999999"],
                 ok + ["--reply-rate", "1.01"], ok + ["--reply-rate", "-0"], ok + ["--ooo-rate", "nan"], ok + ["--bounce-rate", "0,1"],
                 ok + ["--seed", "x"], ok + ["--seed", "-1"], ok + ["--seed", "99999999999999999999"], ok + ["--enroll", "nothing"],
                 ok + ["--json", "--calendar"], ok + ["more"], ok + ["--nonsense"]]
        for args in usage:
            r = w.run(*args)
            assert r.returncode == 2 and r.stdout == "" and "--help" in r.stderr, (args, r.returncode, r.stderr)
        assert w.run(*ok, contacts=None).returncode == 2
        for name, text, expect in (("none.csv", None, "cannot open"), ("empty.csv", "", "header"), ("other.csv", "a,b\n1,2\n", "no column 'email'")):
            if text is not None:
                w.put(name, text)
            r = w.run(*ok, contacts=name)
            assert r.returncode == 1 and expect in r.stderr and r.stdout == "", (name, r.returncode, r.stderr)
        w.put("some.csv", "email,timezone,consent,consent_at\nann@acme.example,Europe/Paris,opt_in,2025-05-01\nno-address,,opt_in,\n"
              "bob@acme.example,Mars/Base,opt_in,\neve@acme.example,,opt_in,2026-02-01\ndan@acme.example,,opt-in,2025-01-01\n")
        r = w.run(*ok, contacts="some.csv")
        assert r.returncode == 0, r.stderr
        for line, what in ((3, "email"), (4, "timezone"), (5, "consent_at: '2026-02-01' is in the future")):
            assert re.search(r"some\.csv:%d: %s" % (line, re.escape(what)), r.stderr), r.stderr
        assert "'opt-in' of 1 row is not in consent.accept" in r.stderr
        assert r.stdout.startswith("2 contacts, "), r.stdout
        w.put("refused.conf", open(w.path("abvd.conf")).read() + "nonsense = 1;\n")
        r = w.run(*ok, config="refused.conf")
        assert r.returncode == 1 and "nonsense" in r.stderr and r.stdout == "", r.stderr
        assert w.run(*ok, config="missing.conf").returncode == 1
    finally:
        w.end()


# People of three sequences, one hour a day, and a sender's limit whose end touches of others move into the opening.
CROWDED = """
cadence = {
  contact = { min_gap = "10m"; limits = ["9 per 1d"]; };
  account = { limits = ["99 per 1d"]; min_gap = "2h"; };
  sender = { limits = ["5 per 1d"]; };
  window = { days = "mon-sun"; hours = "01:30-02:30"; };
  backoff = { factor = 1.0; };
};
"""
CROWD = ["p0@m0.example,P0,co 0,Asia/Kathmandu", "p1@m1.example,P1,co 1,UTC", "p4@m4.example,P4,co 4,UTC", "p5@m0.example,P5,co 5,UTC",
         "p6@m1.example,P6,co 6,UTC", "p8@m3.example,P8,co 1,UTC"]
RANKS = {"s0": (10, [("s0-0", 5), ("s0-1", 2)]), "s1": (0, [("s1-0", 1), ("s1-2", 1)]), "s2": (5, [("s2-1", 5)])}


def test_the_higher_rank_goes_first():
    """Also where the jitter that the higher one was told of is one that touches made since would spare it."""
    w = World(CROWDED)
    try:
        for name in SEQUENCES:
            os.remove(w.path("sequences.d/%s.conf" % name))
        conf = open(w.path("abvd.conf")).read()
        w.put("abvd.conf", conf.replace("mailto:u@example.com\"; }", "mailto:u@example.com\"; warmup = { start = 1; growth = 1.2; target = 50; }; }"))
        letters = iter("abcdefg")
        for name, (priority, steps) in RANKS.items():
            w.put("sequences.d/%s.conf" % name, 'sequence = { name = "%s"; enroll = "on_import"; priority = %d; steps = (%s); };\n' % (name, priority, ", ".join(
                '{ name = "%s"; after = "%dd"; template = "letters-%s.md"; }' % (step, after, next(letters)) for step, after in steps)))
        w.put("contacts.csv", "email,first_name,account,timezone,consent,consent_at\n" + "".join("%s,opt_in,2025-12-01\n" % row for row in CROWD))
        r = w.run("--from", "2026-01-05", "--days", "40", "--json")
        assert r.returncode == 0, r.stderr
        last, done, sent = {}, collections.Counter(), 0
        for e in map(json.loads, r.stdout.splitlines()):
            key = e.get("contact"), e.get("sequence")
            if e["event"] == "sent":
                for name, (priority, steps) in RANKS.items():
                    if priority > RANKS[key[1]][0] and done[key[0], name] < len(steps):
                        due = last[key[0], name] + steps[done[key[0], name]][1] * DAY
                        assert due >= when(e["ts"]), "%s of %s went at %s, though %s was due %s" % (e["step"], key[0], e["ts"], name, due)
                done[key] += 1
                sent += 1
            if e["event"] in ("enrolled", "sent"):
                last[key] = when(e["ts"])
        assert sent == len(CROWD) * 5, sent
    finally:
        w.end()


def random_cadence(r):
    """Any policy that `check` accepts: loose and tight limits in any combination."""
    pick = lambda *rows: r.choice(rows)
    parts = ['contact = { min_gap = "%s"; limits = ["%d per %dd"%s]; };' % (pick("0s", "36h", "3bd", "5d", "1bd"), r.randint(1, 3), r.randint(2, 9), pick("", ', "4 per 30d"', ', "1 per 26h"')),
             'account = { %slimits = ["%d per %dd"]; };' % (pick("", 'min_gap = "%s"; ' % pick("5h", "1bd", "2d")), r.randint(1, 6), r.randint(1, 9)),
             'window = { days = "%s"; hours = "%s"; timezone = "%s"; default_timezone = "%s"; };' % (
                 pick("mon-fri", "mon-sun", "tue,thu", "sat-sun"), pick("08:30-17:30", "00:00-24:00", "22:00-24:00", "01:30-03:30", "12:00-12:30"),
                 pick("contact", "contact", "Australia/Lord_Howe", "America/St_Johns"), pick("UTC", "Europe/Paris", "Pacific/Apia")),
             'backoff = { factor = %s; max_gap = "%s"; };' % (pick("1.0", "1.5", "3.0"), pick("30d", "9bd", "60d")),
             'sunset = { touches = %d; silence = "%s"; };' % (pick(0, 3, 8, 20), pick("0d", "90d", "300d")), "gifts_per_ask = %d;" % pick(0, 1, 3)]
    if r.random() < 0.5:
        parts.append('provider = { limits = ["%d per %s"]; };' % (r.randint(1, 9), pick("1h", "1d", "7d")))
    if r.random() < 0.5:
        parts.append('sender = { limits = ["%d per %s"]; };' % (r.randint(5, 60), pick("1h", "1d", "7d")))
    text = "cadence = { %s };\n" % " ".join(parts)
    warmup = " warmup = { start = %d; growth = %s; target = %d; };" % (r.randint(2, 30), pick("1.1", "2.0"), r.randint(30, 200)) if r.random() < 0.4 else ""
    return text, warmup


def test_random_policies_pass_the_audit():
    seed = int(os.environ.get("SIMULATE_SEED", random.SystemRandom().randrange(1 << 32)))
    rounds, touches, refused = int(os.environ.get("SIMULATE_ROUNDS", "8")), 0, 0
    print("     seed %d (SIMULATE_SEED)" % seed, flush=True)
    r = random.Random(seed)
    for k in range(rounds):
        cadence, warmup = random_cadence(r)
        w = World(cadence)
        try:
            with open(w.path("abvd.conf")) as f:
                text = f.read()
            w.put("abvd.conf", text.replace('unsubscribe = "mailto:u@example.com"; };', 'unsubscribe = "mailto:u@example.com";%s };' % warmup))
            args = ["--from", FROM, "--days", "200", "--enroll", "all", "--seed", str(k)] + RATES
            out = w.run(*args)
            if out.returncode == 1 and "error:" in out.stderr:
                refused += 1  # a sequence loosens this one, or its asks cannot be earned under it
                continue
            assert out.returncode == 0, "round %d\n%s\n%s\n%s" % (k, cadence, warmup, out.stderr[-3000:])
            touches += int(re.search(r"(\d+) touches", out.stdout).group(1))
        finally:
            w.end()
    print("     %d rounds, %d refused by the configuration's check, %d touches judged" % (rounds, refused, touches), flush=True)
    assert touches > 100 * (rounds - refused) and refused < rounds


run([test_random_policies_pass_the_audit, test_the_higher_rank_goes_first, test_a_year_by_brute_force, test_asks_and_absences_by_brute_force, test_the_judge_sees, test_same_seed_same_bytes,
     test_who_is_enrolled, test_summary, test_calendar, test_bad_input])
