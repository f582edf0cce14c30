#!/usr/bin/env python3
"""`make bench-scale`: what abvd costs as its store grows. Makes stores of 10k, 100k, 1M and 10M contacts, each enrolled (SCALE_SIZES chooses others),
and measures the real daemon on each: start (clean, and after kill -9), memory, status, show, explain, CPU while idle, and the CPU of a send with
SCALE_SENDS due among all the others. Prints a table, and writes it with a plot of cost per send to build/scale/. Bounded in count; needs about 1 KB
of disk a contact (SCALE_DIR, default /var/tmp, because /tmp may be memory)."""
import json, math, os, re, signal, socket, sqlite3, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import abv, plot
from abv import BUILD, Abvd, free_port, wait_for
from proc import cpu, rss

SIZES = [int(x) for x in os.environ.get("SCALE_SIZES", "10000 100000 1000000 10000000").split()]
SENDS = int(os.environ.get("SCALE_SENDS", "10000"))
DIR = os.environ.get("SCALE_DIR", "/var/tmp")
OUT = os.path.join(BUILD, "scale")
OPEN = 'window = { days = "mon-sun"; hours = "00:00-24:00"; };'
PER_ACCOUNT = 5
GOALS = {"start_ms": 1000, "start_killed_ms": 1000, "rss_mb": 64, "status_ms": 50, "show_ms": 20, "explain_ms": 20, "idle_cpu": 0.1, "tick_ms": 1, "claim_ms": 5}


def fill(path, n, now):
    """Contacts, accounts and enrollments as an import and `enroll --all` leave them, written in bulk: what is measured is not the import."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -500000")
    db.execute("PRAGMA foreign_keys = OFF")
    indexes = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('contact', 'enrollment')").fetchall()
    for name, _ in indexes:
        db.execute("DROP INDEX " + name)
    db.execute("BEGIN")
    names = {}
    for text in ("course", "step1", "step2", "after"):
        db.execute("INSERT OR IGNORE INTO name (text) VALUES (?)", (text,))
        names[text] = db.execute("SELECT id FROM name WHERE text = ?", (text,)).fetchone()[0]
    count = "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d) "
    db.execute("INSERT INTO account (id, key) " + count % (n // PER_ACCOUNT + 1) + "SELECT i, 'company' || i || '.example' FROM k")
    db.execute("INSERT INTO contact (id, account_id, email, created_at, consent_at, first_name, account_name, timezone, consent, consent_source, attributes) "
               + count % n + "SELECT i, 1 + i / %d, 'u' || (i * 7919 %% 1000003) || '.' || i || '@company' || (1 + i / %d) || '.example', ?1, ?1, 'Ada' || i %% 97, "
               "'Company ' || i, 'Europe/Paris', 'opt_in', 'import', CAST('industry' || char(0) || 'logistics' || char(0) AS BLOB) FROM k" % (PER_ACCOUNT, PER_ACCOUNT), (now - 86400000,))
    # everybody waits for some instant of the coming year; a few are due (below)
    db.execute("INSERT INTO enrollment (id, contact_id, sequence, step, step_no, prev_at, due_at, next_at, created_at) " + count % n
               + "SELECT i, i, ?1, ?2, 0, ?3, ?3, ?3 + 172800000 + (i * 2654435761 %% 31536000) * 1000, ?3 FROM k".replace("%%", "%"),
               (names["course"], names["step1"], now - 86400000))
    # each of another company, spread over all
    stride = max(1, n // SENDS // PER_ACCOUNT * PER_ACCOUNT)
    db.execute("UPDATE enrollment SET next_at = ?1 WHERE id %% %d = 0" % stride, (now - 3600000,))
    due = db.execute("SELECT count(*) FROM enrollment WHERE next_at < ?", (now,)).fetchone()[0]
    db.execute("UPDATE figure SET contacts = ?1, accounts = ?2, enrollments_active = ?1", (n, n // PER_ACCOUNT + 1))
    db.execute("COMMIT")
    for _, sql in indexes:
        db.execute(sql)
    db.close()
    return due


def start_ms(a):
    t0 = time.monotonic()
    a.start()
    return (time.monotonic() - t0) * 1000


def asked_ms(a, verb, **members):
    """The daemon's answer; starting abvctl, which has nothing to do with the store's size, is left out."""
    body, best = json.dumps(members).encode(), 1e9
    for _ in range(5):  # the least: a shared machine only adds
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(a.sock)
            t0 = time.monotonic()
            s.sendall(b"POST /v1/%s HTTP/1.1\r\nHost: abvd\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (verb.encode(), len(body)) + body)
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
            best = min(best, (time.monotonic() - t0) * 1000)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
    return best


def measure(n):
    port = free_port()
    sink = subprocess.Popen(["smtp-sink", "-u", "nobody", "127.0.0.1:%d" % port, "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    a = Abvd(port, cadence=OPEN + ' account = { limits = ["1000 per 1d"]; };', steps=2, after="30d", smtp="connections = 20;")
    store = os.path.join(DIR, "abv-scale-%d.db" % os.getpid())
    row = {"contacts": n}
    try:
        with open(a.conf) as f:
            text = f.read()
        a.write("abvd.conf", re.sub(r"store = \{[^}]*\}", 'store = { path = "%s"; }' % store, text))
        a.start()
        a.stop()
        due = fill(store, n, int(time.time() * 1000))
        out = subprocess.run([os.path.join(BUILD, "tests/bench_scale"), store, "course"], capture_output=True, text=True, check=True).stdout
        row.update({k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", out)})
        t0, before = time.monotonic(), None
        row["start_ms"] = start_ms(a)
        pid = a.p.pid
        before = cpu(pid)
        wait_for(lambda: a.json("status")[0]["counts"]["touches"]["accepted"] >= due, 600)
        row["send_cpu_us"] = (cpu(pid) - before) / due * 1e6
        row["sends_s"] = due / (time.monotonic() - t0)
        row["sends"] = due
        row["rss_mb"] = rss(pid)
        who = "u%d.%d@company%d.example" % (n * 7919 % 1000003, n, 1 + n // PER_ACCOUNT)
        row["status_ms"], row["show_ms"], row["explain_ms"] = asked_ms(a, "status"), asked_ms(a, "show", contact=who), asked_ms(a, "explain", contact=who)
        before, t0 = cpu(pid), time.monotonic()
        time.sleep(20)  # what is measured is what it does in this time: nothing
        row["idle_cpu"] = (cpu(pid) - before) / (time.monotonic() - t0) * 100
        a.signal(signal.SIGKILL)
        a.p.wait()
        row["start_killed_ms"] = start_ms(a)
        row["store_mb"] = os.path.getsize(store) / 1e6
        a.stop()
    finally:
        a.remove()
        sink.kill()
        for end in ("", "-wal", "-shm"):
            if os.path.exists(store + end):
                os.unlink(store + end)
    return row


def draw(rows, path):
    """Cost per send over the logarithm of the contacts; the line of log n through the first point is what it must not leave upwards."""
    xs = [math.log10(r["contacts"]) for r in rows]
    plot.write(path, [plot.panel("CPU of a send (µs) over the contacts in the store; dashed: growth of log n", xs,
                                 [([rows[0]["send_cpu_us"] * v / xs[0] for v in xs], "#888", {"dashed"}), ([r["send_cpu_us"] for r in rows], "#06c", {"line", "dots"})],
                                 [(v, "{:,}".format(r["contacts"])) for r, v in zip(rows, xs)])])


COLUMNS = (("contacts", "contacts", "{:,.0f}"), ("store_mb", "store MB", "{:,.0f}"), ("send_cpu_us", "CPU a send, µs", "{:.0f}"), ("sends_s", "sends/s", "{:,.0f}"), ("rss_mb", "RSS MB", "{:.0f}"),
           ("start_ms", "start ms", "{:.0f}"), ("start_killed_ms", "after kill -9", "{:.0f}"), ("tick_ms", "idle tick ms", "{:.3f}"), ("claim_ms", "claim 256 ms", "{:.2f}"),
           ("status_ms", "status ms", "{:.0f}"), ("show_ms", "show ms", "{:.0f}"), ("explain_ms", "explain ms", "{:.0f}"), ("idle_cpu", "idle CPU %", "{:.2f}"))


def main():
    os.makedirs(OUT, exist_ok=True)
    rows = []
    for n in SIZES:
        print("%s contacts ..." % "{:,}".format(n), file=sys.stderr, flush=True)
        rows.append(measure(n))
    lines = ["| " + " | ".join(c[1] for c in COLUMNS) + " |", "|" + "---:|" * len(COLUMNS)]
    lines += ["| " + " | ".join(c[2].format(r.get(c[0], 0)) for c in COLUMNS) + " |" for r in rows]
    print("\n".join(lines))
    with open(os.path.join(OUT, "scale.md"), "w") as f:
        f.write("\n".join(lines) + "\n")
    draw(rows, os.path.join(OUT, "scale.svg"))
    last = rows[-1]
    print("\nat %s contacts:" % "{:,}".format(last["contacts"]))
    for key, goal in GOALS.items():
        print("  %-16s %10.3f  goal at most %g  %s" % (key, last[key], goal, "reached" if last[key] <= goal else "MISSED"))
    if len(rows) > 1:
        grown, log = last["send_cpu_us"] / rows[0]["send_cpu_us"], math.log(last["contacts"]) / math.log(rows[0]["contacts"])
        print("  cost of a send grew by %.2f from %s contacts; log n by %.2f  %s" % (grown, "{:,}".format(rows[0]["contacts"]), log, "reached" if grown <= log else "MISSED"))
    print("  plot: %s" % os.path.join(OUT, "scale.svg"))


main()
