#!/usr/bin/env python3
"""Disks that fail under sending: full, read-only, EIO on write and on fsync, writes that are cut short, a real full file system. abvd stops
handing over before it can't record, says so, and goes on by itself; every message reaches the relay once."""
import collections, os, shutil, signal, sqlite3, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *
import abv

OPEN = ('contact = { min_gap = "0s"; limits = ["9 per 1h"]; }; account = { limits = ["99 per 1d"]; };'
        ' window = { days = "mon-sun"; hours = "00:00-24:00"; }; backoff = { factor = 1.0; };')
CONNECTIONS = 4
PEOPLE = 250


class World:
    """An abvd on a disk that fails on demand, a relay that counts, and people who get two letters each."""

    def __init__(self, preload=True, people=PEOPLE, home=None, latency=3):
        self.fake = tempfile.mkdtemp(prefix="abv-smtp-")
        self.smtp = FakeSmtp(self.fake, "--latency", str(latency))
        self.a = Abvd(self.smtp.port, smtp="connections = %d;" % CONNECTIONS, cadence=OPEN, steps=2, after="0d")
        self.control, self.seen = os.path.join(self.fake, "disk"), os.path.join(self.fake, "seen")
        self.preload, self.people = preload, people

    def start(self, **how):
        """abvd alone gets the library: what it is loaded into must not be the test."""
        more = {"LD_PRELOAD": os.path.join(BUILD, "tests/disk.so"), "ABV_DISK": self.control, "ABV_DISK_SEEN": self.seen,
                "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")} if self.preload else {}
        before = dict(os.environ)
        os.environ.update(more)
        try:
            self.a.start(**how)
        finally:
            os.environ.clear()
            os.environ.update(before)
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
        db = sqlite3.connect(os.path.join(a.home, "abvd.db"))
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


STOPPED = {"wal": "the store could not commit", "log": "the engagement log cannot be written"}


def trouble(fault, target):
    """The fault comes while messages flow, and goes: see the module's words."""
    w = World()
    try:
        w.begin()
        wait_for(lambda: w.received() >= 60)
        assert w.received() < 2 * w.people
        w.fault("%s %s" % (fault, target))
        word = STOPPED["log" if target == "log" else "wal"]
        wait_for(lambda: lines(w, word))
        time.sleep(0.5)  # answers that are under way
        before, cpu, t0 = w.received(), w.cpu(), time.monotonic()
        assert before < 2 * w.people, "nothing was left to be held up"
        s = w.status()
        flag = "log" if target == "log" else "store"
        assert s[flag + "_failing"] and s[flag + "_error"], s
        human = w.a.ctl("status").stdout
        assert "HELD" in human and s[flag + "_error"][:40] in human, human
        if target != "log":
            r = w.a.ctl("pause", "course", status=1)
            assert "store" in r.stderr, r.stderr
            r = w.a.ctl("deliver", status=75, input="From: a@b.example\nSubject: x\n\nhello\n")
        time.sleep(3)
        spent = (w.cpu() - cpu) / (time.monotonic() - t0)
        assert w.received() == before, "%d messages left while nothing could be recorded" % (w.received() - before)
        assert spent < 0.15 * abv.SLOW, "%.0f %% CPU while it waits" % (spent * 100)
        n = len(lines(w, " error "))
        assert n <= 6, "a storm: %d lines\n%s" % (n, w.a.errors())
        assert w.hits(), "the fault was never met"
        w.fault("")
        w.finish()
        assert lines(w, "the engagement log is complete again" if target == "log" else "the store commits again")
        print("     %s %s: %d left before, %.1f %% CPU, %d calls failed" % (fault, target, before, spent * 100, len(w.hits())))
    finally:
        w.remove()


def test_wal_full():
    trouble("enospc", "wal")


def test_wal_readonly():
    trouble("erofs", "wal")


def test_wal_eio():
    trouble("eio-write", "wal")


def test_wal_fsync():
    trouble("eio-fsync", "wal")


def test_wal_fsync_loses():
    trouble("drop-fsync", "wal")


def test_wal_torn():
    trouble("torn", "wal")


def test_log_full():
    trouble("enospc", "log")


def test_log_eio():
    trouble("eio-write", "log")


def test_log_fsync_loses():
    trouble("drop-fsync", "log")


def test_log_torn():
    trouble("torn", "log")


def test_both_readonly():
    trouble("erofs", "all")


TESTS = [test_wal_full, test_wal_readonly, test_wal_eio, test_wal_fsync, test_wal_fsync_loses, test_wal_torn, test_log_full, test_log_eio,
         test_log_fsync_loses, test_log_torn, test_both_readonly]
only = os.environ.get("ABV_ONLY")
run([t for t in TESTS if not only or t.__name__ in only.split(",")])
