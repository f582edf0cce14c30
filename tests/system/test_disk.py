#!/usr/bin/env python3
"""Disks that fail under sending: full, read-only, EIO on write and on fsync, writes that are cut short, a real full file system. abvd stops
handing over before it can't record, says so, and goes on by itself; every message reaches the relay once."""
import collections, os, shutil, sqlite3, subprocess, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *
import abv

OPEN = ('contact = { min_gap = "0s"; limits = ["9 per 1h"]; }; account = { limits = ["99 per 1d"]; };'
        ' window = { days = "mon-sun"; hours = "00:00-24:00"; }; backoff = { factor = 1.0; };')
CONNECTIONS = 4
PEOPLE = 120


class World:
    """An abvd on a disk that fails on demand, a relay that counts, and people who get two letters each."""

    def __init__(self, preload=True, people=PEOPLE, latency=3, store=None, log=None):
        self.fake = tempfile.mkdtemp(prefix="abv-smtp-")
        self.smtp = FakeSmtp(self.fake, "--latency", str(latency))
        self.a = a = Abvd(self.smtp.port, smtp="connections = %d;" % CONNECTIONS, cadence=OPEN, steps=2, after="0d")
        self.db = os.path.join(a.home, "abvd.db")
        if store:  # on another file system
            with open(a.conf) as f:
                text = f.read()
            self.db = os.path.join(store, "abvd.db")
            a.write("abvd.conf", text.replace(a.home + "/abvd.db", self.db))
        self.control, self.seen = os.path.join(self.fake, "disk"), os.path.join(self.fake, "seen")
        self.preload, self.people = preload, people

    def start(self, **how):
        """abvd alone gets the library: what it is loaded into must not be the test."""
        more = {"LD_PRELOAD": stand_in("disk.so"), "ABV_DISK": self.control, "ABV_DISK_SEEN": self.seen,
                "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")} if self.preload else {}
        self.a.start(env=dict(os.environ, **more), **how)
        return self

    def begin(self):
        self.start()
        self.a.ctl("import", self.a.contacts(self.people))
        self.a.ctl("enroll", "course", "--all")
        return self

    def fault(self, text):
        with open(self.control + ".new", "w") as f:
            f.write(text + "\n" if text else "")
        os.rename(self.control + ".new", self.control)

    def hits(self):
        try:
            with open(self.seen) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def received(self):
        new = os.path.join(self.smtp.maildir, "new")
        return len(os.listdir(new)) if os.path.isdir(new) else 0

    def hung_up(self):
        """The relay saw every connection end: what it was still to take stands in its Maildir."""
        with open(self.smtp.log) as f:
            events = [json.loads(l)["event"] for l in f if l.endswith("\n")]
        return events.count("connect") == events.count("close")

    def status(self):
        return self.a.json("status")[0]

    def cpu(self):
        with open("/proc/%d/stat" % self.a.p.pid) as f:
            t = f.read().rsplit(")", 1)[1].split()
        return (int(t[11]) + int(t[12])) / os.sysconf("SC_CLK_TCK")

    def finish(self, unknown=0):
        """Everything went out, once, and store, log and relay agree on it."""
        wait_for(lambda: self.status()["counts"]["completed"] == self.people, 90)
        self.a.stop()
        self.check(unknown)

    def check(self, unknown=0):
        a, messages = self.a, self.smtp.messages()
        events = a.log()
        log_has_no_gap(events)
        a.audit()
        ids = collections.Counter(m["Message-ID"].strip("<>") for m in messages)
        assert max(ids.values()) == 1, "doubled: %s" % [i for i, n in ids.items() if n > 1][:3]
        told = collections.Counter(e["message_id"] for e in events if e["event"] in ("sent", "unknown"))
        assert max(told.values()) == 1
        assert set(ids) <= set(told), "received, but not in the log: %s" % list(set(ids) - set(told))[:3]
        sent = {e["message_id"] for e in events if e["event"] == "sent"}
        assert sent <= set(ids), "told as sent, but never received"
        doubt = [e for e in events if e["event"] == "unknown"]
        assert len(doubt) <= unknown, "%d unknown" % len(doubt)
        per = collections.Counter((e["contact"], e["step"]) for e in events if e["event"] in ("sent", "unknown"))
        assert len(per) == 2 * self.people and max(per.values()) == 1, "%d of %d steps" % (len(per), 2 * self.people)
        db = sqlite3.connect(self.db)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counted = db.execute("SELECT count(*) FROM touch WHERE state IN (3, 6)").fetchone()[0]
        assert counted == len(told), (counted, len(told))
        db.close()

    def remove(self):
        self.smtp.end()
        self.a.remove()
        shutil.rmtree(self.fake)


def lines(w, text):
    return [l for l in w.a.errors().splitlines() if text in l]


STOPPED = {"store": "the store could not commit", "log": "the engagement log cannot be written"}
AGAIN = {"store": "the store commits again", "log": "the engagement log is complete again"}


def held_up(w, flag, seconds=3):
    """While it lasts: nothing leaves, hardly any CPU, no storm of lines, and whoever asks is told."""
    time.sleep(0.5 * abv.SLOW)  # answers that are under way
    before, cpu, t0 = w.received(), w.cpu(), time.monotonic()
    assert before < 2 * w.people, "nothing was left to be held up"
    s = w.status()
    assert s[flag + "_failing"] and s[flag + "_error"], s
    human = w.a.ctl("status").stdout
    assert "SENDING IS HELD" in human and s[flag + "_error"][:40] in human, human
    if flag == "store":
        r = w.a.ctl("pause", "course", status=1)
        assert "store" in r.stderr and w.db in r.stderr, r.stderr
        w.a.ctl("deliver", status=75, input="From: a@b.example\nSubject: x\n\nhello\n")
    time.sleep(seconds)
    spent = (w.cpu() - cpu) / (time.monotonic() - t0)
    assert w.received() == before, "%d messages left while nothing could be recorded" % (w.received() - before)
    assert spent < 0.15 * abv.SLOW, "%.0f %% CPU while it waits" % (spent * 100)
    n = len(lines(w, " error "))
    assert n <= 6, "a storm: %d lines\n%s" % (n, w.a.errors())
    return before, spent


def trouble(fault, target, people=PEOPLE, latency=3):
    """The fault comes while messages flow, and goes: see the module's words."""
    w = World(people=people, latency=latency)
    try:
        w.begin()
        wait_for(lambda: w.received() >= 30)
        assert w.received() < 2 * w.people
        w.fault("%s %s" % (fault, target))
        flag = "log" if target == "log" else "store"
        wait_for(lambda: lines(w, STOPPED[flag]))
        before, spent = held_up(w, flag)
        assert w.hits(), "the fault was never met"
        w.fault("")
        wait_for(lambda: lines(w, AGAIN[flag]), 30)
        w.finish()
        print("     %s %s: %d left before, %.1f %% CPU, %d calls failed" % (fault, target, before, spent * 100, len(w.hits())), flush=True)
    finally:
        w.remove()


def together(*jobs):
    """They mostly wait: at once. Each job is a function with its arguments."""
    failed = []

    def one(job):
        try:
            job[0](*job[1:])
        except Exception as e:
            import traceback
            traceback.print_exc()
            failed.append("%s: %s" % (job[1:], e))
    threads = [threading.Thread(target=one, args=(j,)) for j in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed, "; ".join(failed)


def test_store_fails():
    """Full, read-only, broken, a commit that is torn; fsyncs that fail, once with what was written staying readable and once with it gone."""
    together(*[(trouble, f, "wal") for f in ("enospc", "erofs", "eio-write", "eio-fsync", "drop-fsync", "torn")])


def test_log_fails():
    """The log is synced every 5 s: until then messages flow."""
    together((trouble, "enospc", "log"), (trouble, "eio-write", "log"), (trouble, "torn", "log"), (trouble, "eio-fsync", "log", 400, 40),
             (trouble, "drop-fsync", "log", 400, 40))


def test_both():
    together((trouble, "erofs", "all"), (trouble, "enospc", "all"))


def test_short_writes_are_no_trouble():
    w = World(people=60)
    try:
        w.begin()
        w.fault("short all")
        w.finish()
        assert not lines(w, " error "), w.a.errors()
    finally:
        w.remove()


def killed(fault, target):
    """kill -9 in the middle of it, with answers that could not be recorded: in doubt at most a message a connection, none twice."""
    w = World()
    try:
        w.begin()
        wait_for(lambda: w.received() >= 30)
        w.fault("%s %s" % (fault, target))
        wait_for(lambda: lines(w, STOPPED["log" if target == "log" else "store"]))
        time.sleep(0.3)
        w.a.kill()
        w.fault("")
        w.start()
        w.finish(unknown=CONNECTIONS)
    finally:
        w.remove()


def test_killed_while_it_fails():
    together((killed, "eio-write", "wal"), (killed, "drop-fsync", "wal"), (killed, "enospc", "log"), (killed, "torn", "all"))


def test_stopped_while_it_fails():
    """SIGTERM while nothing can be recorded: it ends in time, with a status that says so, and nothing is doubled afterwards."""
    w = World()
    try:
        w.begin()
        wait_for(lambda: w.received() >= 30)
        w.fault("eio-write wal")
        wait_for(lambda: lines(w, STOPPED["store"]))
        w.a.stop(status=74)
        w.fault("")
        w.start()
        w.finish(unknown=CONNECTIONS)
    finally:
        w.remove()


def test_nearly_full():
    """Commits would still succeed: it is held before they fail, and before anybody's answer could not be recorded."""
    w = World()
    try:
        w.begin()
        wait_for(lambda: w.received() >= 30)
        w.fault("low all")
        wait_for(lambda: lines(w, "the disk is nearly full"))
        wait_for(lambda: w.status()["in_flight"] == 0)
        before = w.received()
        assert before < 2 * w.people
        s = w.status()
        assert s["disk_full"] and s["disk_full_path"] == w.db and not s["store_failing"] and s["disk_free"] == 0, s
        assert "SENDING IS HELD" in w.a.ctl("status").stdout
        w.a.ctl("pause", "course")  # what is small is still recorded
        w.a.ctl("resume", "course")
        time.sleep(2)
        assert w.received() == before
        assert len(lines(w, "nearly full")) == 1
        w.fault("")
        w.finish()
        assert lines(w, "the disk has room again")
    finally:
        w.remove()


def test_write_ahead_log_cannot_be_written_back():
    """A checkpoint that fails is no failed commit: sending goes on, it is told and shown; when the disk is back it is written back."""
    w = World()
    try:
        w.start()
        w.fault("eio-write store")
        w.a.ctl("import", w.a.contacts(w.people))
        for n in range(40):
            w.a.ctl("import", w.a.contacts(2000, lambda i: "other.example", "others.csv", owner="owner %d " % n + "of a long name " * 40))
            if lines(w, "cannot be written back"):
                break
        assert lines(w, "cannot be written back"), w.status()["wal_bytes"]
        s = w.status()
        assert "Input/output error" in s["wal_error"] and s["wal_bytes"] > 30 << 20, s
        for i in range(w.people):
            w.a.ctl("enroll", "course", "--contact", "person%d@company%d.example" % (i, i))
        wait_for(lambda: w.received() >= 50, 60)
        assert not w.status()["store_failing"]
        w.fault("")
        wait_for(lambda: lines(w, "is written back again"), 30)
        assert "wal_error" not in w.status()
        assert len(lines(w, "cannot be written back")) == 1
        w.finish()
    finally:
        w.remove()


def test_reads_fail():
    """EIO on reading the store, which SQLite calls damage: no reason to end, the disk may be back in a moment."""
    w = World()
    try:
        w.begin()
        wait_for(lambda: w.received() >= 30)
        w.a.stop()
        w.start()  # with nothing cached
        w.fault("eio-read store\neio-read wal")
        wait_for(lambda: lines(w, "it cannot be read: Input/output error"))
        time.sleep(3)
        assert w.a.p.poll() is None and not lines(w, "damaged"), w.a.errors()
        assert w.hits() and len(lines(w, " error ")) <= 4, w.a.errors()
        w.fault("")
        wait_for(lambda: lines(w, AGAIN["store"]), 30)
        w.finish()
        assert len(lines(w, AGAIN["store"])) == 1, w.a.errors()
    finally:
        w.remove()


def test_start_on_a_full_disk():
    """A start that cannot record what a crash left says so and ends; once there is room it goes on."""
    w = World()
    try:
        w.begin()
        wait_for(lambda: w.received() >= 30)
        w.a.kill()
        wait_for(w.hung_up)
        w.fault("enospc wal")
        before = w.received()
        w.start(wait=False)
        assert w.a.p.wait(20 * abv.SLOW) == 74, w.a.errors()
        assert "No space left on device" in w.a.errors()
        assert w.received() == before
        w.fault("")
        w.start()
        w.finish(unknown=CONNECTIONS)
    finally:
        w.remove()


def test_damaged_while_it_runs():
    """Pages of the store become garbage under a running abvd: it ends with 74, naming the way out, and nobody gets a
    letter twice; the doctor finds it."""
    w = World(preload=False, people=3000, latency=20)
    try:
        w.begin()
        w.a.stop()  # written back, so that pages are read from the file
        w.start()
        wait_for(lambda: w.received() >= 20)
        size = os.path.getsize(w.db)
        with open(w.db, "r+b") as f:
            for at in range(2048 * 40, size - 2048, 2048):  # behind the schema
                f.seek(at)
                f.write(b"\xa5" * 2048)
        assert w.a.p.wait(60 * abv.SLOW) == 74, w.a.errors()[-1000:]
        assert "the store is damaged" in w.a.errors() and "BACKUP AND REPAIR" in w.a.errors(), w.a.errors()[-1000:]
        wait_for(w.hung_up)
        ids = collections.Counter(m["Message-ID"] for m in w.smtp.messages())
        assert max(ids.values()) == 1
        r = subprocess.run([os.path.join(BUILD, "abvctl"), "--config", w.a.conf, "doctor"], capture_output=True, text=True)
        assert r.returncode == 1 and "BAD  store" in r.stdout, r.stdout
        said = len(w.a.errors())  # whoever starts it again, systemd among them: it would send until it meets the page
        w.start(wait=False)
        assert w.a.p.wait(20 * abv.SLOW) == 74 and "was found damaged" in w.a.errors()[said:], w.a.errors()[said:]
    finally:
        w.remove()


def test_a_full_file_system():
    """No library between: the store on a small tmpfs that somebody else fills."""
    mount = tempfile.mkdtemp(prefix="abv-small-")
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "abv", mount], capture_output=True).returncode != 0:
        os.rmdir(mount)
        print("     !! SKIPPED: mounting needs root", flush=True)
        return
    w = None
    try:
        w = World(preload=False, store=mount)
        w.begin()
        wait_for(lambda: w.received() >= 30)
        filler = os.path.join(mount, "filler")
        with open(filler, "wb") as f:  # all that is left
            try:
                while True:
                    f.write(b"x" * 65536)
                    f.flush()
            except OSError:
                pass
        wait_for(lambda: lines(w, "the disk is nearly full"))
        wait_for(lambda: w.status()["in_flight"] == 0 or w.status()["store_failing"])
        before = w.received()
        assert before < 2 * w.people
        time.sleep(2)
        assert w.received() == before
        assert len(lines(w, " error ")) <= 4, w.a.errors()
        os.unlink(filler)
        w.finish()
        assert lines(w, "the disk has room again")
    finally:
        if w:
            w.remove()
        subprocess.run(["umount", mount], check=True)
        os.rmdir(mount)


TESTS = [test_store_fails, test_log_fails, test_both,
         test_short_writes_are_no_trouble, test_killed_while_it_fails, test_stopped_while_it_fails, test_nearly_full,
         test_write_ahead_log_cannot_be_written_back, test_reads_fail, test_start_on_a_full_disk, test_damaged_while_it_runs,
         test_a_full_file_system]
only = os.environ.get("ABV_ONLY")
run([t for t in TESTS if not only or t.__name__ in only.split(",")])
