#!/usr/bin/env python3
"""The control socket under abuse by somebody of its group, while sending goes on: sending does not stop, the operator is served all along, memory
and descriptors stay bounded, nothing is done that was not asked for. And what an abvd costs that has nothing to do."""
import contextlib, os, random, re, resource, socket, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *
from relay import Relay
import abv

PEOPLE = 30000
RATE = 100           # messages a second: it goes on for as long as the test does
RSS_MOST = 160       # MB: 30 of its own, 32 that connections may hold, 4 MB of request and what JSON makes of it
SERVED = 10.0        # seconds in which the operator has an answer, whatever the others do
OPEN = ('contact = { min_gap = "0s"; limits = ["9 per 1h"]; }; account = { limits = ["99 per 1d"]; };'
        ' window = { days = "mon-sun"; hours = "00:00-24:00"; }; backoff = { factor = 1.0; };')
MB = 1 << 20


def request(verb, body=b"{}", headers=b""):
    return b"POST /v1/" + verb.encode() + b" HTTP/1.1\r\nHost: abvd\r\n" + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


class World:
    def __init__(self, people=PEOPLE, rate=RATE, files=None, after="0d"):
        self.home = tempfile.mkdtemp(prefix="abv-relay-")
        self.relay = Relay(self.home)
        self.a = Abvd(self.relay.port, smtp='connections = 4; rate = "%d per 1s";' % rate, cadence=OPEN, steps=1)
        self.a.sequence("course", [("step1", after, "step1.md")])
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, before[1]))
        try:
            self.a.start()
        finally:
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
        self.a.ctl("import", self.a.contacts(people))
        self.a.ctl("enroll", "course", "--all")

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
        s.connect(self.a.sock)  # waits for a place
        s.settimeout(timeout * abv.SLOW)
        return s

    @staticmethod
    def answer(s, data, end):
        """The parts of what is answered until the other side closes. end: we say that nothing more comes."""
        s.sendall(data)
        if end:
            s.shutdown(socket.SHUT_WR)
        while part := s.recv(65536):
            yield part

    def say(self, data, end=False):
        """What is answered, b"" for nothing. Whoever is cut off in the middle has what came before."""
        got = b""
        with self.dial() as s, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for part in self.answer(s, data, end):
                got += part
        return got

    def throw(self, data, end=False):
        """Said, whatever becomes of it: also when nobody answers or closes. Only the connection must come about: else nothing was thrown."""
        with self.dial() as s, contextlib.suppress(OSError):
            for _ in self.answer(s, data, end):
                pass

    def hold(self, n, data, stop):
        """So many connections, `data` said on each, as far as it is taken."""
        held = []
        for _ in range(n):
            if stop.is_set():
                break
            with contextlib.suppress(OSError):
                held.append(self.dial())
                held[-1].sendall(data)
        return held

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.a.p.pid))

    def cpu(self):
        return time.clock_gettime((~self.a.p.pid << 3) | 2)

    def rss(self, name="VmRSS"):
        with open("/proc/%d/status" % self.a.p.pid) as f:
            return int(re.search(name + r":\s+(\d+)", f.read()).group(1)) / 1024

    def quiet(self):
        """Nobody is left: what they held is given back."""
        wait_for(lambda: self.descriptors() < 40)
        if abv.SLOW == 1:  # a sanitizer keeps what was freed
            wait_for(lambda: self.rss() < 60)

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
        while time.monotonic() - t0 < seconds and (t.is_alive() or time.monotonic() - t0 < 2):
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
        assert fds < 256 + 64 + 40, "%s: %d descriptors" % (name, fds)
        assert rate > RATE / 50 / abv.SLOW, "%s: sending stood still: %s" % (name, sent)
        assert abv.SLOW > 1 or peak < RSS_MOST, "%s: %.0f MB" % (name, peak)


# ---- the abuses ----

def keep(held, stop):
    stop.wait()
    for s in held:
        s.close()


def many_idle(w):
    def abuse(stop):
        held = []
        for i in range(1000):
            try:
                held.append(w.dial())
            except OSError:
                break
        keep(held, stop)
    return abuse


def held_bodies(w, n, size, verb="deliver"):
    """Everything but a last byte."""
    def abuse(stop):
        head = b"POST /v1/%s HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (verb.encode(), size)
        keep(w.hold(n, head + b"x" * (size - 1), stop), stop)
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
        held = w.hold(n, request("queue", b'{"limit":10000}'), stop)
        for s in held:
            s.setblocking(False)
        while slowly and not stop.wait(0.1):
            for s in held:
                with contextlib.suppress(OSError):
                    s.recv(slowly)
        keep(held, stop)
    return abuse


def again(w, data):
    def abuse(stop):
        i = 0
        while not stop.is_set():
            w.throw(data[i % len(data)] if isinstance(data, list) else data)
            i += 1
    return abuse


def come_and_go(w):
    def abuse(stop):
        while not stop.is_set():
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(w.a.sock)  # waits for a place
    return abuse


def half(w):
    """Half a request, then gone; or a whole one, and gone before the answer."""
    whole = request("queue", b'{"limit":100}')

    def abuse(stop):
        while not stop.is_set():
            for cut in (1, 10, 40, len(whole) - 1, len(whole)):
                with w.dial() as s:
                    try:
                        s.sendall(whole[:cut])
                    except OSError:
                        pass
    return abuse


def drip(w, n=50):
    """A byte now and then: cut off in the end. The test that asks for it waits for `gone`."""
    data = request("status", b" " * 1000)

    def abuse(stop):
        held = [w.dial() for _ in range(n)]
        i = 0
        while held and not stop.wait(0.2):
            for s in list(held):
                try:
                    s.sendall(data[i:i + 1])
                except OSError:
                    s.close()
                    held.remove(s)
            i += 1
        for s in held:
            s.close()
    return abuse


RANDOM = random.Random(7)
GARBAGE = [RANDOM.randbytes(n) for n in (1, 100, 5000, 100000)] + [
    b"\r\n" * 1000, b"\0" * 1000, b"GET / HTTP/9.9\r\n\r\n", b"HELO mail.example\r\n", b"POST\r\n\r\n", b"POST /v1/status\r\n\r\n",
    b"POST http://other:99/v1/status HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
    b"POST /v1/status HTTP/1.1\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
    b"POST /v1/status HTTP/1.1\r\n" + b"X: y\r\n" * 100000 + b"\r\n",
    b"POST /v1/status HTTP/1.1\r\n: \r\n folded\r\nNo colon\r\n\r\n",
    b"POST /v1/status HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"POST /v1/status HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /v1/status HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", b"POST /v1/status HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    b"POST /v1/" + b"x" * 10000 + b" HTTP/1.1\r\n\r\n", b"POST /v1/../../etc/passwd HTTP/1.1\r\n\r\n", b"POST /v1/%73tatus%00 HTTP/1.1\r\n\r\n",
]
REFUSED = [  # request, what the answer must have
    (b"DELETE /v1/status HTTP/1.1\r\n\r\n", b"405"), (b"GET /v1/pause HTTP/1.1\r\n\r\n", b"405"), (b"HEAD /v1/pause HTTP/1.1\r\n\r\n", b"405"),
    (b"BREW /v1/pause HTTP/1.1\r\n\r\n", b"501"), (request("nothing"), b"404"), (request("status/../pause"), b"404"),
    (request("import", b'{"rows":' + b"[" * 100000), b"400"), (request("import", b'{"rows":' + b'{"a":' * 100000), b"400"),
    (request("show", b'{"contact":"\xff\xfe@example.com"}'), b"400"), (request("show", b'{"contact":"a\\u0000b@example.com"}'), b"400"),
    (request("show", b'{"contact":"' + b"a" * 100000 + b'"}'), b"400"), (request("import", b'{"rows":[' + b",".join([b"{}"] * 300000) + b"]}"), b"400"),
    (request("show", b'{"contact":[' + b",".join([b"{}"] * 300000) + b"]}"), b"413"),
    (request("hold", b'{"contact":"person1@company1.example","until":1e400}'), b"400"), (request("status", b"{" + b" " * (5 * MB) + b"}"), b"413"),
    (request("import", b'{"rows":' + b"9" * 100000 + b"}"), b"400"), (request("pause", b'{"sequence":"course","sequence":"other"}'), b"400"),
]
PAUSE = request("pause")
SMUGGLED = [  # one request a connection: what stands behind it is never done
    request("status") + PAUSE, request("status") * 50 + PAUSE, request("queue", b'{"limit":1}') + PAUSE,
    b"POST /v1/status HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + PAUSE,
    b"POST /v1/status HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + PAUSE,
    b"POST /v1/status HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: %d\r\n\r\n{}" % (2 + len(PAUSE)) + PAUSE,
    b"POST /v1/status HTTP/1.1\r\nTransfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}" + PAUSE,
    b"GET /v1/status HTTP/1.1\r\nContent-Length: 0\r\n\r\n" + PAUSE, b"POST /v1/status HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + PAUSE,
    b"POST /v1/status HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + PAUSE,
]


def gone_within(abuse, seconds):
    def timed(stop):
        t0 = time.monotonic()
        abuse(stop)
        assert time.monotonic() - t0 < seconds * abv.SLOW, "still there after %.0f s" % (time.monotonic() - t0)
    return timed


def send_garbage(w):
    def abuse(stop):
        for g in GARBAGE:
            w.throw(g, end=True)
    return abuse


def refused(w):
    def abuse(stop):
        for data, status in REFUSED:
            got = w.say(data)
            # with much still under way towards us, the answer may be lost when the connection ends
            assert got.split(b" ", 2)[1:2] == [status] or (not got and len(data) > 65536), "%r: %r" % (data[:100], got[:300])
    return abuse


def smuggle(w):
    def abuse(stop):
        for data in SMUGGLED:
            w.throw(data)
            assert not w.a.json("status")[0]["paused"], "it was done: %r" % data[:200]
    return abuse


def test_abuse():
    """Each while a hundred messages a second go."""
    with World() as w:
        w.under("idle", many_idle(w))
        w.under("bodies", held_bodies(w, 100, 10 * MB))
        w.under("gigabyte", together(*[pour(w, b"POST /v1/import HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (1 << 30), b"x" * 65536)] * 4))
        w.under("chunked", together(*[pour(w, b"POST /v1/import HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n")] * 4))
        w.under("headers", together(*[pour(w, b"POST /v1/import HTTP/1.1\r\n", b"X-Header: x\r\n" * 1000)] * 4))
        w.under("never read", never_read(w, 100))
        w.under("read slowly", never_read(w, 100, 1024))
        w.under("many values", again(w, request("import", b'{"rows":[' + b",".join([b"{}"] * 250000) + b"]}")))
        w.under("come and go", together(*[come_and_go(w)] * 2))
        w.under("half", half(w))
        w.under("garbage", send_garbage(w))
        w.under("refused", refused(w))
        w.under("smuggled", smuggle(w))
        w.under("drip", gone_within(drip(w), 33), 40)
        w.quiet()
        log = [l for l in w.a.errors().splitlines() if "warning" in l or "error" in l or "[warn]" in l]
        assert len(log) < 20, "a storm of lines: %s" % log[-20:]
        assert not w.a.log("paused"), "somebody's garbage was taken for a request"


def test_few_descriptors():
    """A limit of 64: fewer connections at once, and no busy loop where there is no descriptor left."""
    with World(people=2000, files=64) as w:
        def abuse(stop):
            held = []
            for i in range(200):
                s = socket.socket(socket.AF_UNIX)
                s.settimeout(0.2)
                try:
                    s.connect(w.a.sock)
                    held.append(s)
                except OSError:
                    s.close()
            keep(held, stop)
        cpu = w.cpu()
        w.under("descriptors", abuse)
        assert w.cpu() - cpu < 1.5 * abv.SLOW, "%.1f s of CPU in 3 s" % (w.cpu() - cpu)


def test_nothing_to_do():
    """Ten thousand are enrolled and wait for days: less than a thousandth of a core."""
    with World(people=10000, after="30d") as w:
        wait_for(lambda: w.a.json("queue", "--limit", "1"))
        time.sleep(6)  # the log's last fsync, 5 s at most after the last event; idle connections are closed by now
        cpu, t0 = w.cpu(), time.monotonic()
        time.sleep(12)
        share = (w.cpu() - cpu) / (time.monotonic() - t0)
        print("     %.3f %% CPU with ten thousand who wait" % (share * 100), flush=True)
        assert share < 0.001 * abv.SLOW, "%.2f %% CPU" % (share * 100)


run([test_abuse, test_few_descriptors, test_nothing_to_do])
