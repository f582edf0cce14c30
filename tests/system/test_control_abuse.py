#!/usr/bin/env python3
"""The control socket under abuse by somebody of its group, while sending goes on: sending does not stop, the operator is served all along, memory
and descriptors stay bounded, nothing is done that was not asked for. And what an abvd costs that has nothing to do."""
import os, random, re, resource, socket, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *
from relay import Relay
import abv

PEOPLE = 30000
RATE = 100           # messages a second: it goes on for as long as the test does
RSS_MOST = 160       # MB: 30 of its own, 64 that connections may hold, 4 MB of request and what JSON makes of it
SERVED = 5.0         # seconds in which the operator has an answer, whatever the others do
OPEN = ('contact = { min_gap = "0s"; limits = ["9 per 1h"]; }; account = { limits = ["99 per 1d"]; };'
        ' window = { days = "mon-sun"; hours = "00:00-24:00"; }; backoff = { factor = 1.0; };')
MB = 1 << 20


def request(verb, body=b"{}", headers=b""):
    return b"POST /v1/" + verb.encode() + b" HTTP/1.1\r\nHost: abvd\r\n" + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


class World:
    def __init__(self, people=PEOPLE, rate=RATE, files=None):
        self.home = tempfile.mkdtemp(prefix="abv-relay-")
        self.relay = Relay(self.home)
        self.a = Abvd(self.relay.port, smtp='connections = 4; rate = "%d per 1s";' % rate, cadence=OPEN, steps=1)
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        try:
            self.a.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before) if files else None
        self.a.ctl("import", self.a.contacts(people))
        self.a.ctl("enroll", "course", "--all")
        self.events = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0]:
            print("     abvd said at last: " + self.a.errors()[-1500:], flush=True)
        self.relay.end()
        self.a.remove()
        shutil.rmtree(self.home, ignore_errors=True)

    def dial(self, timeout=10):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout * abv.SLOW)
        s.connect(self.a.sock)
        return s

    def say(self, data):
        """What is answered until the other side closes, b"" for nothing. Whoever is cut off in the middle has no answer either."""
        got = b""
        with self.dial() as s:
            try:
                s.sendall(data)
                while True:
                    part = s.recv(65536)
                    if not part:
                        break
                    got += part
            except (BrokenPipeError, ConnectionResetError):
                pass
        return got

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.a.p.pid))

    def cpu(self):
        return time.clock_gettime((~self.a.p.pid << 3) | 2)

    def rss(self, name="VmRSS"):
        with open("/proc/%d/status" % self.a.p.pid) as f:
            return int(re.search(name + r":\s+(\d+)", f.read()).group(1)) / 1024

    def under(self, name, abuse, seconds=3.0):
        """abuse(stop) runs in a thread of its own, for so long at least; meanwhile everything else is as ever."""
        with open("/proc/%d/clear_refs" % self.a.p.pid, "w") as f:
            f.write("5")  # the high-water mark of memory begins anew
        stop, wrong = threading.Event(), []

        def run():
            try:
                abuse(stop)
            except BaseException as e:
                wrong.append(e)
        t = threading.Thread(target=run)
        before, t0 = self.relay.stats()["accepted"], time.monotonic()
        t.start()
        slowest, fds, sent = 0, 0, []
        while time.monotonic() - t0 < seconds or (t.is_alive() and not getattr(abuse, "endless", True)):
            n, t1 = self.relay.stats()["accepted"], time.monotonic()
            self.a.ctl("status")
            slowest = max(slowest, time.monotonic() - t1)
            fds = max(fds, self.descriptors())
            time.sleep(0.3)
            sent.append(self.relay.stats()["accepted"] - n)
        stop.set()
        t.join(60 * abv.SLOW)
        rate = (self.relay.stats()["accepted"] - before) / (time.monotonic() - t0)
        peak = self.rss("VmHWM")
        print("     %-14s %3.0f messages/s, answers within %.2f s, %3d descriptors, at most %3.0f MB" % (name, rate, slowest, fds, peak), flush=True)
        if wrong:
            raise wrong[0]
        assert not t.is_alive()
        assert self.a.p.poll() is None, "%s: abvd ended: %s" % (name, self.a.errors())
        assert slowest < SERVED * abv.SLOW, "%s: the operator had to wait for %.1f s" % (name, slowest)
        assert fds < 300, "%s: %d descriptors" % (name, fds)
        assert rate > RATE / 10 / abv.SLOW and sent.count(0) <= len(sent) // 2, "%s: sending stood still: %s" % (name, sent)
        assert peak < RSS_MOST * abv.SLOW, "%s: %.0f MB" % (name, peak)


# ---- the abuses ----

def many_idle(w):
    def abuse(stop):
        held = []
        for i in range(1000):
            try:
                held.append(w.dial())
            except OSError:
                break
        stop.wait()
        for s in held:
            s.close()
    return abuse


def held_bodies(w, n, size, verb="deliver"):
    """Everything but a last byte."""
    def abuse(stop):
        held = []
        head = b"POST /v1/%s HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (verb.encode(), size)
        data = b"x" * (size - 1)
        for _ in range(n):
            if stop.is_set():
                break
            try:
                s = w.dial()
                held.append(s)
                s.sendall(head + data)
            except OSError:
                pass
        stop.wait()
        for s in held:
            s.close()
    return abuse


def pour(w, head, chunk, total=1 << 30):
    """As much as the other side takes, up to a gigabyte, again and again."""
    def abuse(stop):
        while not stop.is_set():
            sent = 0
            with w.dial() as s:
                try:
                    s.sendall(head)
                    while sent < total and not stop.is_set():
                        s.sendall(chunk)
                        sent += len(chunk)
                except OSError:
                    pass
    return abuse


def together(*abuses):
    def abuse(stop):
        threads = [threading.Thread(target=x, args=(stop,)) for x in abuses]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    return abuse


def never_read(w, n, slowly=0):
    def abuse(stop):
        held = []
        for _ in range(n):
            if stop.is_set():
                break
            try:
                s = w.dial()
                held.append(s)
                s.sendall(request("queue", b'{"limit":10000}'))
            except OSError:
                pass
        while not stop.wait(0.1):
            for s in held if slowly else []:
                try:
                    s.recv(slowly)
                except OSError:
                    pass
        for s in held:
            s.close()
    return abuse


def again(w, data):
    def abuse(stop):
        i = 0
        while not stop.is_set():
            try:
                w.say(data[i % len(data)] if isinstance(data, list) else data)
            except OSError:
                pass
            i += 1
    return abuse


def come_and_go(w):
    def abuse(stop):
        while not stop.is_set():
            try:
                w.dial().close()
            except OSError:
                pass
    return abuse


def test_explore():
    with World() as w:
        tests = [
            ("many_idle", many_idle(w)),
            ("bodies", held_bodies(w, 100, 10 * MB)),
            ("gigabyte", together(*[pour(w, b"POST /v1/import HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (1 << 30), b"x" * 65536)] * 4)),
            ("chunked", together(*[pour(w, b"POST /v1/import HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n")] * 4)),
            ("headers", together(*[pour(w, b"POST /v1/import HTTP/1.1\r\n", b"X-Header: x\r\n" * 1000)] * 4)),
            ("never_read", never_read(w, 100)),
            ("slow_read", never_read(w, 100, 1024)),
            ("objects", again(w, request("import", b'{"rows":[' + b",".join([b"{}"] * 1300000) + b"]}"))),
            ("nested", again(w, request("import", b'{"rows":' + b"[" * 100000))),
            ("come_and_go", together(*[come_and_go(w)] * 4)),
        ]
        for name, abuse in tests:
            try:
                w.under(name, abuse)
            except Exception as e:
                print("!!", name, repr(e)[:300], flush=True)


run([test_explore])
