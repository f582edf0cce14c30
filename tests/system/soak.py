#!/usr/bin/env python3
"""`make soak`: a simulated year of abvd at --time-scale 20000 (26 minutes), with everything happening at random that happens in a year: faults of
the relay, answers, bounces, complaints, imports, edits, good and broken reloads, rotations, holds, erasures, clients that come and go, restarts
and kills. Then it judges:

  memory    one process lives on from the first half of the first month: its resident memory in the last week is at most 1.1 x that of the
            last week of the first month; not judged under ASan, where freed memory is kept back: there LeakSanitizer judges
  files     with sending paused, as many descriptors are open at the end as after the first month, and as many threads
  sink      every message that the log tells as sent was taken by the relay, each once, and none that the log does not tell
  pace      every step waits with a reason, and none whose time is past is left behind
  people    every enrollment is completed, stopped, or under way, in the log as in the store, and nobody sleeps for ever
  log       seq has no gap; `abvctl audit` finds nothing, and each touch is judged under the policy that was in force
  ends      abvd ended with 0 whenever it was asked to; no sanitizer said anything

SOAK_DAYS=365 SOAK_SCALE=20000 SOAK_SEED=1 choose others. Prints a table, and writes it with plots and all samples to build/soak/."""
import collections, contextlib, json, os, re, shutil, sqlite3, subprocess, sys, time
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "bench")]
import abv, plot, proc
from abv import BUILD, wait_for
from soak_world import CADENCE, CONNECTIONS, DAY, World, parse_time

DAYS = int(os.environ.get("SOAK_DAYS", "365"))
SCALE = int(os.environ.get("SOAK_SCALE", "20000"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
PEOPLE = int(os.environ.get("SOAK_PEOPLE", "2000"))  # at the beginning; some 35 a day come in besides
OUT = os.path.join(BUILD, "soak")
ASAN = "asan" in os.path.basename(BUILD)
MONTH = min(30, DAYS * 2 // 3)  # the end of the first month, or of so much of a shorter run
CALM = 3  # last days without faults, so that what is still on its way arrives
COLUMNS = (("day", "day", "{:.0f}"), ("rss", "RSS MB", "{:.1f}"), ("anon", "anonymous MB", "{:.1f}"), ("fds", "descriptors", "{:.0f}"), ("threads", "threads", "{:.0f}"),
           ("cpu", "CPU s a day", "{:.2f}"), ("sent", "sent a day", "{:.0f}"), ("active", "in sequences", "{:,.0f}"), ("contacts", "contacts", "{:,.0f}"),
           ("store", "store MB", "{:.1f}"), ("log", "log MB", "{:.1f}"))


def sample(w, day, status):
    pid, home = w.a.p.pid, w.a.home
    s = proc.status(pid)
    size = lambda pattern: sum(os.path.getsize(os.path.join(home, f)) for f in os.listdir(home) if re.match(pattern, f)) / 1e6
    return {"day": day, "pid": pid, "rss": s["VmRSS"] / 1024, "anon": s["RssAnon"] / 1024, "threads": s["Threads"], "fds": proc.fds(pid), "cpu_all": proc.cpu(pid),
            "store": size(r"abvd\.db"), "log": size(r"engagement\.jsonl"), "active": status["counts"]["active"], "contacts": status["counts"]["contacts"],
            "sent_all": sum(w.relay.took.values()), "cpu": 0, "sent": 0}


def differences(rows):
    for a, b in zip(rows, rows[1:]):
        days = b["day"] - a["day"]
        b["sent"] = (b["sent_all"] - a["sent_all"]) / days
        b["cpu"] = (b["cpu_all"] - a["cpu_all"] if a["pid"] == b["pid"] else b["cpu_all"]) / days


def settled(look, still=10):
    """The lowest that look() gives, as soon as so many looks in a row found nothing lower: abvd sees the end of a client's connection twice a second."""
    low, same = look(), 0

    def calm():
        nonlocal low, same
        n = look()
        low, same = (n, 0) if n < low else (low, same + 1)
        return same >= still * abv.SLOW
    wait_for(calm, 60, 0.1)
    return low


def quiet(w):
    """Descriptors and threads when there is nothing to have them for: sending paused, no client, no connection to the relay (idle ones end after 10 s)."""
    calm, w.calm = w.calm, True
    if w.paused is None:
        w.ctl("pause")

    def nothing_open():
        w.turn()
        w.dismiss_clients()
        return not w.relay_down and w.status()["connections_open"] == 0
    wait_for(nothing_open, 120, 0.2)
    out = {"fds": settled(lambda: proc.fds(w.a.p.pid)), "threads": proc.status(w.a.p.pid)["Threads"]}
    if w.paused is None:
        w.ctl("resume")
    w.calm = calm
    return out


def progress(day, rows, t0):
    done = day / DAYS
    said = "day %d of %d, %d sent, RSS %.1f MB, %d s" % (day, DAYS, rows[-1]["sent_all"], rows[-1]["rss"], time.monotonic() - t0)
    if sys.stderr.isatty():
        print("\r[%-40s] %s " % ("#" * int(done * 40), said), end="\n" if day >= DAYS else "", file=sys.stderr, flush=True)
    elif day >= DAYS or len(rows) > 1 and day // 30 > rows[-2]["day"] // 30:
        print(said, file=sys.stderr, flush=True)


def live(w):
    """Lives through the days; returns a sample of each, and the quiet measures."""
    rows, calm, t0 = [], [], time.monotonic()
    w.start()
    begin = w.now()
    w.take_in(PEOPLE)
    for sequence in ("getting-started",):
        w.ctl("enroll", sequence, "--all")
    restarts = sorted(w.rnd.uniform(0.5, MONTH / 2) for _ in range(max(2, MONTH // 4)))
    day = 0
    while day < DAYS:
        if day >= DAYS - CALM and not w.calm:
            w.calm_down()
        w.day()
        day += 1
        while w.now() < begin + day * DAY:
            w.turn()
            if restarts and w.now() > begin + restarts[0] * DAY:
                restarts.pop(0)
                if day <= MONTH / 2:  # on a slow machine days may have been skipped
                    w.restart(kill=len(restarts) % 3 != 0)
            time.sleep(0.03)
        status = w.status()
        w.operate(status)
        rows.append(sample(w, day, status))
        progress(day, rows, t0)
        if day >= MONTH and not calm:
            calm.append(quiet(w))
        day = min(DAYS - 1, max(day, int((w.now() - begin) / DAY))) if day < DAYS else day  # what took longer than a day has taken days
    differences(rows)
    return rows, calm


class Judge:
    def __init__(self):
        self.failed = []

    def check(self, what, good, told=""):
        print("%s %-8s %s" % ("ok  " if good else "FAIL", what, told), flush=True)
        if not good:
            self.failed.append(what)


def judge_memory(j, rows, calm):
    life = [r for r in rows if r["pid"] == rows[-1]["pid"]]
    month = [r for r in life if MONTH - 7 < r["day"] <= MONTH] or [r for r in life if r["day"] > MONTH][:3]
    end = [r for r in life if r["day"] > DAYS - 7]
    top = lambda rs, k: max(r[k] for r in rs)
    told = "; ".join("%s %.1f MB in the week to day %d, %.1f MB in the last: x %.3f" % (n, top(month, k), month[-1]["day"], top(end, k), top(end, k) / top(month, k))
                     for k, n in (("rss", "resident"), ("anon", "anonymous")))
    j.check("memory", ASAN or top(end, "rss") <= 1.1 * top(month, "rss"), told + (" (ASan: not judged)" if ASAN else ""))
    j.check("files", calm[1]["fds"] <= calm[0]["fds"] and calm[1]["threads"] <= calm[0]["threads"], "descriptors %d, then %d; threads %d, then %d" % (
        calm[0]["fds"], calm[1]["fds"], calm[0]["threads"], calm[1]["threads"]))


NO_TIME = {"gifts", "gate_refused", "undefined_placeholder", "sequence_removed", "sequence_not_started", "sequence_paused", "sending_paused"}  # only a change ends them


def late(w):
    """Steps whose time is past by more than two days; and those that have none although their reason has one."""
    rows, now = w.a.json("queue", "--limit", "10000"), w.now()
    return [r for r in rows if (parse_time(r["next"]) < now - 2 * DAY if r.get("next") else r.get("reason") not in NO_TIME)]


def judge_pace(j, w):
    """What is late when the faults are over is caught up with, on a clock that leaves 4 seconds of real time for a day."""
    end = time.monotonic() + 60 * DAY / SCALE
    while (behind := late(w)) and time.monotonic() < end:
        wait = w.now() + DAY / 2
        while w.now() < wait:
            w.turn()
            time.sleep(0.03)
        w.operate(w.status())
    j.check("pace", not behind, "%d steps are late or tell no reason %s" % (len(behind), behind[:3] or ""))


class Told:
    """The engagement log with its rotated files, read once: a year of it does not fit into memory as objects."""

    def __init__(self, w):
        self.lines, self.gaps, self.state = 0, [], {}
        self.sent, self.unknown = set(), set()
        for name in ["%s.%d" % (w.a.logfile, k) for k in range(w.rotations, 0, -1)] + [w.a.logfile]:
            with open(name) as f:
                for line in f:
                    self.take(line)

    def take(self, line):
        m = re.match(r'\{"seq":(\d+),"ts":"[^"]*","event":"(\w+)".*\}\n$', line)
        self.lines += 1
        if not m or int(m.group(1)) != self.lines:
            self.gaps.append((self.lines, line[:80]))
            return
        event = m.group(2)
        if event in ("sent", "unknown"):
            (self.sent if event == "sent" else self.unknown).add(json.loads(line)["message_id"])
        elif event in ("enrolled", "completed", "stopped", "resolved"):
            e = json.loads(line)
            if event != "resolved":
                self.state[e["contact"], e["sequence"]] = event
            elif e["resolution"] == "resend":  # of a last step that completed it
                self.state[e["contact"], e["sequence"]] = "enrolled"


def judge_people(j, w, told, counts):
    """By the log and the store alike; and in the store nobody waits for ever for what is a matter of time."""
    with contextlib.closing(sqlite3.connect(os.path.join(w.a.home, "abvd.db"))) as db:
        asleep = dict(db.execute("SELECT coalesce(n.text, 'no reason'), count(*) FROM enrollment e LEFT JOIN name n ON n.id = e.wait "
                                 "WHERE e.state = 0 AND e.slot IS NULL AND e.next_at = ? GROUP BY 1", (2 ** 63 - 1,)))
    stuck = {k: v for k, v in asleep.items() if k not in NO_TIME}
    n = collections.Counter(told.state.values())
    same = (n["enrolled"], n["completed"], n["stopped"]) == (counts["active"], counts["completed"], counts["stopped"])
    j.check("people", same and not stuck, "%d enrollments: %d completed, %d stopped, %d under way%s%s" % (
        len(told.state), n["completed"], n["stopped"], n["enrolled"], "" if same else "; the store has %s" % counts, "; asleep for ever: %s" % stuck if stuck else ""))


def judge_sink(j, w, told):
    took = w.relay.took
    twice = [m for m, n in took.items() if n > 1]
    lost = [m for m in told.sent if m not in took]
    strange = [m for m in took if m not in told.sent and m not in told.unknown]
    j.check("sink", told.sent and not twice and not lost and not strange, "%d taken by the relay, %d told as sent, %d were in doubt; %d twice, %d told but not taken, %d taken but not told %s" % (
        len(took), len(told.sent), len(told.unknown), len(twice), len(lost), len(strange), (twice + lost + strange)[:3] or ""))


def judge_log(j, w, told):
    j.check("seq", not told.gaps, "%d lines in %d files %s" % (told.lines, w.rotations + 1, told.gaps[:3] or ""))
    judged, touches = 0, 0
    for n, conf in enumerate(w.policy_files()):
        r = subprocess.run([os.path.join(BUILD, "abvctl"), "--config", conf, "--json", "audit"], capture_output=True, text=True)
        found = [json.loads(l) for l in r.stdout.splitlines()]
        total = found.pop() if found else {}
        judged, touches = judged + total.get("touches", 0) - total.get("unjudged", 0), total.get("touches", 0)
        j.check("audit %d" % n, r.returncode == 0 and total.get("violations") == 0, "%s %s %s" % (total, found[:3] or "", r.stderr[:500]))
    j.check("judged", judged >= touches > 0, "%d of %d touches, under one of %d policies" % (judged, touches, len(CADENCE)))


def write(rows):
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "samples.jsonl"), "w") as f:
        f.writelines(json.dumps(r) + "\n" for r in rows)
    some = [r for r in rows if r["day"] % 30 == 0 or r["day"] in (1, DAYS)]
    lines = ["| " + " | ".join(c[1] for c in COLUMNS) + " |", "|" + "---:|" * len(COLUMNS)]
    lines += ["| " + " | ".join(c[2].format(r[c[0]]) for c in COLUMNS) + " |" for r in some]
    print("\n".join(lines))
    with open(os.path.join(OUT, "soak.md"), "w") as f:
        f.write("\n".join(lines) + "\n")
    xs, ticks = [r["day"] for r in rows], [(d, str(d)) for d in range(0, DAYS + 1, max(1, DAYS // 12)) if d >= rows[0]["day"]]
    one = lambda title, *keys, **more: plot.panel(title, xs, [([r[k] for r in rows], c, {"line"}) for k, c in zip(keys, ("#06c", "#c60"))], ticks, height=220, **more)
    plot.write(os.path.join(OUT, "soak.svg"), [one("Memory, MB, over simulated days: resident (blue), anonymous (orange)", "rss", "anon"), one("Open descriptors", "fds"),
                                              one("Messages a day", "sent"), one("CPU, s a day (%.2f s of real time)" % (DAY / SCALE), "cpu", format="%.2f"), one("Store (blue) and log (orange), MB", "store", "log")])
    print("plots: %s" % os.path.join(OUT, "soak.svg"))


def main():
    w, j = World(SCALE, SEED), Judge()
    try:
        rows, calm = live(w)
        write(rows)
        calm.append(quiet(w))
        judge_memory(j, rows, calm)
        w.ctl("resume")
        judge_pace(j, w)
        w.restart(kill=False)  # the long life ends in order: only then can LeakSanitizer tell what it lost
        w.restart(kill=True)
        w.ctl("pause")
        w.restart(kill=False)
        counts = w.status()["counts"]
        w.a.stop()
        w.relay.end()
        w.listen()
        told = Told(w)
        judge_people(j, w, told, counts)
        judge_sink(j, w, told)
        judge_log(j, w, told)
        said = re.findall(r"(?m)^.*(?:Sanitizer|runtime error|Assertion).*$", w.a.errors())
        j.check("ends", not said, "%d starts, %d of them after kill -9 %s" % (w.did["kill -9"] + w.did["restart"] + 1, w.did["kill -9"], said[:3] or ""))
        print("happened: " + ", ".join("%s %d" % (k.replace("_", " "), n) for k, n in sorted(w.did.items())))
    except BaseException:
        j.failed.append("the run")
        print(w.a.errors()[-5000:])
        raise
    finally:
        if j.failed:
            if w.a.p and w.a.p.poll() is None:
                w.a.kill()
            print("what is left of it: %s" % w.a.home)
        else:
            w.a.remove()
        if w.relay.log:
            w.relay.end()
        shutil.rmtree(w.relay.home)
    print("soak: %d days, seed %d: %s" % (DAYS, SEED, "FAILED: " + ", ".join(j.failed) if j.failed else "passed"))
    sys.exit(1 if j.failed else 0)


main()
