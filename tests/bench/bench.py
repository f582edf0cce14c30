#!/usr/bin/env python3
"""`make bench`: ratios from one run on one `smtp-sink -c` (BENCH_SINK=quiet: without -c), so that a shared and noisy machine does not lie much. Bounded in count.

  governor  nanoseconds and instructions a decision at a history of 32 touches; not one allocation
  gate      microseconds a letter of 300 words; 10 MB of hostile text
  sending   governed, personalised, durable sends a second at 100k contacts, against smtp-source -d, libcurl's own upload and nodemailer's pool
  import    rows a second against `sqlite3 .import` into a table with a unique index, each into an empty store
  memory    resident memory of abvd at 100k contacts
  stages    instructions a message by stage (callgrind; BENCH_CALLGRIND=0 leaves it out)

Goals: 2 us, 200 us and 1 s, 1.0, 2, 10, 0.5, 32 MB. A miss is printed as a miss. BENCH_ONLY="governor gate import sending stages" chooses parts."""
import os, re, resource, shutil, socket, subprocess, sys, tempfile, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from abv import BUILD, Abvd, free_port, wait_for
from proc import cpu, rss

CONTACTS = int(os.environ.get("BENCH_CONTACTS", "100000"))
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "20000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
COUNTING = os.environ.get("BENCH_SINK") != "quiet"  # -c, as in the figures the goals come from; "quiet": a sink that costs less
CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "20"))
OPEN = 'window = { days = "mon-sun"; hours = "00:00-24:00"; };'
results = []


def verdict(name, value, goal, unit="", most=False):
    ok = value <= goal if most else value >= goal
    results.append("%-58s %8.2f%s  goal %s %g  %s" % (name, value, unit, "at most" if most else "at least", goal, "reached" if ok else "MISSED"))


def sink(*options):
    port = free_port()
    p = subprocess.Popen(["smtp-sink", *options, "-u", "nobody", "127.0.0.1:%d" % port, "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def up():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False
    wait_for(up)
    return p, port


def smtp_source(port):
    t0 = time.monotonic()
    subprocess.run(["smtp-source", "-d", "-s", str(CONNECTIONS), "-m", str(MESSAGES), "-l", "4000", "127.0.0.1:%d" % port], check=True)
    return MESSAGES / (time.monotonic() - t0)


def curl_upload(port):
    n = MESSAGES // 4
    out = subprocess.run([os.path.join(BUILD, "tests/bench_curl_upload"), str(n), str(CONNECTIONS), "smtp://127.0.0.1:%d" % port], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"([\d.]+) messages/s", out).group(1))


def nodemailer(port):
    """Messages a second and microseconds of CPU each; None where there is no Node.js, or no nodemailer."""
    env = dict(os.environ, NODE_PATH=os.environ.get("NODE_PATH", "/usr/share/nodejs"))  # where Debian has it; a Node.js of another origin does not look there
    if not shutil.which("node") or subprocess.run(["node", "-e", "require('nodemailer')"], env=env, capture_output=True).returncode != 0:
        return None
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench_nodemailer.js")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(["node", script, str(MESSAGES // 4), str(CONNECTIONS), str(port)], env=env, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    us = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e6 / (MESSAGES // 4)
    return float(re.search(r"([\d.]+) messages/s", out).group(1)), us


def bench_governor():
    exe = os.path.join(BUILD, "tests/bench_governor")
    out = subprocess.run([exe], capture_output=True, text=True)
    print(out.stdout + out.stderr, end="", flush=True)
    m = re.search(r"the slowest (\d+) ns", out.stdout)
    verdict("slowest kind of decision at 32 touches", float(m.group(1)) if m else float("inf"), 2000, " ns", most=True)
    verdict("allocations of all decisions", sum(int(n) for n in re.findall(r"(\d+) allocations", out.stdout)), 0, most=True)
    if os.environ.get("BENCH_CALLGRIND") == "0" or not shutil.which("valgrind"):
        return
    n, rounds, kinds = 100, 9, len(re.findall(r"allocations$", out.stdout, re.M))
    with tempfile.TemporaryDirectory() as d:
        p = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=governor_decide", "--callgrind-out-file=" + os.path.join(d, "out"), exe, str(n)],
                           capture_output=True, text=True)
    m = re.search(r"Collected : (\d+)", p.stderr)
    if m and kinds:
        results.append("%-58s %8d" % ("instructions a decision (callgrind, mean of the kinds)", int(m.group(1)) // (kinds * (n * rounds + 1))))


def bench_gate_text():
    out = subprocess.run([os.path.join(BUILD, "tests/bench_gate_text")], capture_output=True, text=True)
    print(out.stdout + out.stderr, end="", flush=True)
    m = re.findall(r"([\d.]+) us ", out.stdout)
    verdict("gate, a letter of 300 words", max(map(float, m)) if m else float("inf"), 200, " us", most=True)
    m = re.search(r"(\d+) ms ", out.stdout)
    verdict("gate, 10 MB of hostile text, the worst kind", float(m.group(1)) if m else float("inf"), 1000, " ms", most=True)


def make_csv(a):
    path = os.path.join(a.home, "contacts.csv")
    with open(path, "w") as f:
        f.write("email,first_name,last_name,account,timezone,consent,consent_source,consent_at,industry,employees,tags\n")
        for i in range(CONTACTS):
            f.write("person%d@company%d.example,First%d,Last%d,Company %d,Europe/Paris,opt_in,web form,2026-05-01,logistics,%d,round%d\n" % (
                i, i, i, i, i, 20 + i % 500, i // MESSAGES))
    return path


def sent_count(a):
    return subprocess.run(["grep", "-c", '"event":"sent"', a.logfile], capture_output=True, text=True).stdout


def abvd_round(a, k):
    """Enrolls the k-th slice; time from the first to the last acceptance, which the log tells to the millisecond."""
    before, c0 = os.path.getsize(a.logfile), cpu(a.p.pid)
    a.ctl("pause")
    a.ctl("enroll", "course", "--tag", "round%d" % k)
    a.ctl("resume")
    c1 = cpu(a.p.pid)

    def through():
        with open(a.logfile, "rb") as f:
            f.seek(before)
            return f.read().count(b'"event":"sent"') >= MESSAGES
    wait_for(through, 120, 0.1)
    used = cpu(a.p.pid) - c1
    import datetime, json
    first = last = None
    with open(a.logfile) as f:
        f.seek(before)
        for line in f:
            if '"event":"sent"' in line:
                t = json.loads(line)["ts"]
                first, last = first or t, t
    p = lambda t: datetime.datetime.fromisoformat(t.replace("Z", "+00:00")).timestamp()
    return MESSAGES / max(p(last) - p(first), 1e-3), used * 1e6 / MESSAGES


def import_round():
    """A new abvd, a new database, the same file; seconds of each."""
    a = Abvd(free_port(), steps=1)
    try:
        a.start()
        path, db = make_csv(a), os.path.join(a.home, "plain.db")
        t0 = time.monotonic()
        a.ctl("import", path)
        t1 = time.monotonic()
        subprocess.run(["sqlite3", db, "create table c(email text unique, first_name, last_name, account, timezone, consent, consent_source, consent_at, industry, employees, tags)",
                        ".mode csv", ".import --skip 1 %s c" % path], check=True)
        t2 = time.monotonic()
        a.stop()
    finally:
        a.remove()
    print("import: %.0f rows/s; sqlite3 .import: %.0f rows/s" % (CONTACTS / (t1 - t0), CONTACTS / (t2 - t1)), flush=True)
    return (t2 - t1) / (t1 - t0)


def bench_import():
    verdict("import rows/s / sqlite3 .import (median of rounds)", sorted(import_round() for _ in range(ROUNDS))[ROUNDS // 2], 0.5)


def bench_sending():
    s, port = sink("-c") if COUNTING else sink()
    a = Abvd(port, smtp="connections = %d;" % CONNECTIONS, cadence=OPEN, steps=1)
    try:
        a.start()
        path = make_csv(a)
        a.ctl("import", path)
        resident = rss(a.p.pid)
        source, upload, pool, ours, used = [], [], [], [], []
        for k in range(min(ROUNDS, CONTACTS // MESSAGES)):
            source.append(smtp_source(port))
            rate, us = abvd_round(a, k)
            ours.append(rate)
            used.append(us)
            upload.append(curl_upload(port))
            pool.append(nodemailer(port))
            print("round %d: smtp-source -d %.0f/s, abvd %.0f/s (%.0f us CPU a message), libcurl upload %.0f/s, nodemailer %s" % (
                k, source[-1], rate, us, upload[-1], "%.0f/s (%.0f us)" % pool[-1] if pool[-1] else "not measured"), flush=True)
        mid = lambda v: sorted(v)[len(v) // 2]
        verdict("abvd messages/s / smtp-source -d (median of rounds)", mid([x / y for x, y in zip(ours, source)]), 1.0)
        verdict("abvd messages/s / libcurl upload (median of rounds)", mid([x / y for x, y in zip(ours, upload)]), 2.0)
        if None in pool:
            results.append("%-58s NOT MEASURED: no Node.js with nodemailer (make deps-bench)" % "abvd messages/s / nodemailer's pool")
        else:
            verdict("abvd messages/s / nodemailer's pool (median of rounds)", mid([x / rate for x, (rate, _) in zip(ours, pool)]), 10)
            results.append("%-58s %8.1f us" % ("CPU of nodemailer a message (median)", mid([us for _, us in pool])))
        verdict("resident memory at %d contacts, after import" % CONTACTS, resident, 32, " MB", most=True)
        results.append("%-58s %8.2f MB" % ("resident memory at the end", rss(a.p.pid)))
        results.append("%-58s %8.1f us" % ("CPU of abvd a message (median)", mid(used)))
        a.stop()
    finally:
        a.remove()
        s.terminate()
        s.wait()


STAGES = [("read and decide", "scheduler_decide"), ("render", "template_render"), ("gate", "gate_judge"), ("digest", "render_content_digest"), ("repeat check", "store_content_seen"),
          ("MIME", "mime_compose"), ("reserve", "store_touch_reserve"), ("hand", "store_touch_hand"), ("re-check before the dot", "scheduler_may_hand"),
          ("record results", "record_finished"), ("commit", "store_commit"), ("engagement log", "journal_flush"), ("all", "event_base_loop")]


def bench_stages(n=1000):
    """Instructions by stage: repeatable, whatever else the machine does."""
    if os.environ.get("BENCH_CALLGRIND") == "0" or not shutil.which("valgrind"):
        results.append("stages: left out")
        return
    s, port = sink()
    a = Abvd(port, smtp="connections = %d;" % CONNECTIONS, cadence=OPEN, steps=1)
    try:
        out = os.path.join(a.home, "callgrind.out")
        a.p = subprocess.Popen(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, os.path.join(BUILD, "abvd"), "-c", a.conf],
                               stdout=subprocess.DEVNULL, stderr=open(a.stderr, "wb"))
        wait_for(a.answers, 60)
        with open(os.path.join(a.home, "c.csv"), "w") as f:
            f.write("email,first_name,consent,consent_source,consent_at\n" + "".join("p%d@c%d.example,First%d,opt_in,web,2026-05-01\n" % (i, i, i) for i in range(n)))
        a.ctl("import", os.path.join(a.home, "c.csv"))
        a.ctl("pause")
        a.ctl("enroll", "course", "--all")
        subprocess.run(["callgrind_control", "-z", str(a.p.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        a.ctl("resume")
        wait_for(lambda: len(a.log("sent")) == n, 120, 0.5)
        a.stop()
        text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out], capture_output=True, text=True).stdout
        results.append("instructions a message by stage (callgrind, %d messages):" % n)
        for name, function in STAGES:
            m = re.search(r"^\s*([\d,]+).*:%s \[" % function, text, re.M) or re.search(r"^\s*([\d,]+).*:%s$" % function, text, re.M) or re.search(r"^\s*([\d,]+) .*\b%s\b" % function, text, re.M)
            results.append("  %-56s %10s" % (name, "%d" % (int(m.group(1).replace(",", "")) // n) if m else "inlined"))
    finally:
        a.remove()
        s.terminate()
        s.wait()


PARTS = {"governor": bench_governor, "gate": bench_gate_text, "import": bench_import, "sending": bench_sending, "stages": bench_stages}
if __name__ == "__main__":
    for part in os.environ.get("BENCH_ONLY", " ".join(PARTS)).split():
        PARTS[part]()
    print("\n" + "\n".join(results))
