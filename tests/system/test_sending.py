#!/usr/bin/env python3
"""Whole programs: sequences reach people in order, well formed, with caps held; the log tells it without gaps; nothing is lost or doubled."""
import collections, os, random, signal, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *
import abv

DAY = 86400


def instant(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def check_caps(events, contact=((1, 7 * DAY), (4, 30 * DAY)), account=((2, 7 * DAY),)):
    """By brute force over the log: in no half-open interval of a limit's length are there more touches than it allows."""
    for key, limits in (("contact", contact), ("account", account)):
        times = collections.defaultdict(list)
        for e in events:
            if e["event"] in ("sent", "unknown") and e.get(key):
                times[e[key]].append(instant(e["ts"]))
        for who, ts in times.items():
            ts.sort()
            for n, per in limits:
                for i in range(len(ts) - n):
                    assert ts[i + n] - ts[i] >= per - 0.0005, "%s got more than %d per %d s" % (who, n, per)


def check_window(events, zone="Europe/Paris"):
    import datetime, zoneinfo
    for e in events:
        if e["event"] == "sent":
            t = datetime.datetime.fromtimestamp(instant(e["handed_at"]), zoneinfo.ZoneInfo(zone))
            minutes = t.hour * 60 + t.minute
            assert t.weekday() < 5 and 8 * 60 + 30 <= minutes < 17 * 60 + 30, "handed at %s" % t


def test_three_steps_reach_twenty():
    """On a scaled clock, through the relay of tests/fake, which keeps Maildir."""
    a = None
    home = tempfile.mkdtemp(prefix="abv-smtp-")
    smtp = FakeSmtp(home)
    try:
        a = Abvd(smtp.port)
        a.start("--time-scale", "200000", "--now", "2026-01-05T06:00:00Z")
        a.ctl("import", a.contacts(20))
        r = a.ctl("enroll", "course", "--all")
        wait_for(lambda: len(a.log("completed")) == 20, 60)
        a.stop()
        events, messages = a.log(), smtp.messages()
        log_has_no_gap(events)
        a.audit()
        assert len(messages) == 60, "%d messages" % len(messages)
        check_caps(events)
        check_window(events)
        for i in range(20):
            who = "person%d@company%d.example" % (i, i)
            assert [e["step"] for e in events if e["event"] == "sent" and e["contact"] == who] == ["step1", "step2", "step3"], who
        ids = collections.Counter(m["Message-ID"] for m in messages)
        assert max(ids.values()) == 1
        sent = {"<%s>" % e["message_id"] for e in events if e["event"] == "sent"}
        assert sent == set(ids), "the log and the relay agree on every Message-ID"
        for m in messages:
            assert m.get_content_type() == "multipart/alternative"
            text, html = m.get_payload()
            assert text.get_content_type() == "text/plain" and html.get_content_type() == "text/html"
            assert "Hello First" in text.get_content() and "Springfield" in text.get_content()
            assert m["List-Unsubscribe"].startswith("<mailto:unsubscribe@example.com?subject=unsubscribe%20")
            assert m["From"] == "Dana Reyes <dana@example.com>" and m["Date"] and m["List-Id"] and m["Feedback-ID"]
    finally:
        smtp.end()
        if a:
            a.remove()
        shutil.rmtree(home)


def test_kill_at_any_moment():
    """kill -9 again and again while sequences run: nothing is lost, nothing doubled; unknown at most the open connections a kill."""
    home = tempfile.mkdtemp(prefix="abv-smtp-")
    smtp = FakeSmtp(home, "--latency", "3")
    a = Abvd(smtp.port, smtp="connections = 4;", cadence='contact = { min_gap = "0s"; limits = ["3 per 1h"]; }; account = { limits = ["50 per 1d"]; };'
             ' window = { days = "mon-sun"; hours = "00:00-24:00"; }; backoff = { factor = 1.0; };', after="0d")
    rnd = random.Random(int(os.environ.get("SEED", "1")))
    kills = 0
    try:
        a.start()
        a.ctl("import", a.contacts(300))
        a.ctl("enroll", "course", "--all")
        while kills < 12 and len(a.log("completed")) < 300:
            time.sleep(rnd.uniform(0.01, 0.15))  # the moment is chance's
            a.kill()
            kills += 1
            a.start()
        wait_for(lambda: len(a.log("completed")) == 300, 60)
        a.stop()
        events, messages = a.log(), smtp.messages()
        log_has_no_gap(events)
        a.audit()
        ids = collections.Counter(m["Message-ID"] for m in messages)
        assert max(ids.values()) == 1, "doubled: %s" % [i for i, n in ids.items() if n > 1][:3]
        unknown = [e for e in events if e["event"] == "unknown"]
        assert len(unknown) <= kills * 4, "%d unknown after %d kills" % (len(unknown), kills)
        told = collections.Counter(e["message_id"] for e in events if e["event"] in ("sent", "unknown"))
        assert max(told.values()) == 1
        accepted = {e["message_id"] for e in events if e["event"] == "sent"}
        received = {i.strip("<>") for i in ids}
        assert accepted <= received, "told as sent, but never received: %s" % list(accepted - received)[:3]
        assert received <= set(told), "received, but not in the log: %s" % list(received - set(told))[:3]
        per = collections.Counter((e["contact"], e["step"]) for e in events if e["event"] in ("sent", "unknown"))
        assert len(per) == 900 and max(per.values()) == 1, "%d of 900 steps" % len(per)
        print("     %d kills, %d unknown, %d received" % (kills, len(unknown), len(messages)))
    finally:
        smtp.end()
        a.remove()
        shutil.rmtree(home)


OPEN = ('contact = { min_gap = "0s"; limits = ["9 per 1h"]; }; account = { limits = ["99 per 1d"]; };'
        ' window = { days = "mon-sun"; hours = "00:00-24:00"; }; backoff = { factor = 1.0; };')


def one_contact_each(names, extra_smtp="", steps=1):
    home = tempfile.mkdtemp(prefix="abv-smtp-")
    smtp = FakeSmtp(home, *extra_smtp.split())
    a = Abvd(smtp.port, smtp="connections = 2;", cadence=OPEN, steps=steps, after="0d")
    rows = ["email,first_name,consent,consent_source,consent_at"]
    rows += ["%s@co%d.example,First,opt_in,web,2026-01-01" % (n, i) for i, n in enumerate(names)]
    a.write("c.csv", "\n".join(rows) + "\n")
    a.start()
    a.ctl("import", os.path.join(a.home, "c.csv"))
    a.ctl("enroll", "course", "--all")
    return home, smtp, a


def close(home, smtp, a):
    smtp.end()
    a.remove()
    shutil.rmtree(home)


def test_refusals_take_their_effect():
    """Each row of the outcome table, as the engagement log and `show` tell it."""
    names = ["good1", "baduser", "good2", "relaydenied", "good3", "policy", "good4", "tempdata", "tempfail+1", "good5", "hangup-dot", "good6"]
    h = one_contact_each(names)
    home, smtp, a = h
    try:
        wait_for(lambda: len(a.log("sent")) >= 6 and len(a.log("refused")) >= 5 and a.log("unknown"))
        by = {n: [e for e in a.log() if e.get("contact", "").startswith(n + "@")] for n in names}
        events = {n: [e["event"] for e in by[n] if e["event"] not in ("contact_imported", "enrolled")] for n in names}
        for n in names:
            if n.startswith("good"):
                assert events[n] == ["sent", "completed"], (n, events[n])
        assert events["baduser"] == ["refused", "suppressed", "stopped"], events["baduser"]
        assert events["relaydenied"] == ["refused", "stopped"] and events["policy"] == ["refused", "stopped"], events
        assert events["tempdata"][:2] == ["refused", "waiting"] and events["tempfail+1"][:2] == ["refused", "waiting"], events
        assert events["hangup-dot"] == ["unknown", "completed"], events["hangup-dot"]
        assert [e["permanent"] for e in by["baduser"] if e["event"] == "refused"] == [True]
        assert [e["reason"] for e in by["baduser"] if e["event"] in ("suppressed", "stopped")] == ["hard_bounce", "hard_bounce"]
        unknown = a.json("unknown")
        assert len(unknown) == 1 and unknown[0]["contact"].startswith("hangup-dot@"), unknown
        a.ctl("unknown", "accept", str(unknown[0]["id"]))
        assert a.json("unknown") == [] and a.log("resolved")
        a.stop()
        log_has_no_gap(a.log())
        a.audit()
    finally:
        close(*h)


def test_three_5yz_pause_sending():
    names = ["baduser", "baduser", "baduser"]
    home = tempfile.mkdtemp(prefix="abv-smtp-")
    smtp = FakeSmtp(home)
    a = Abvd(smtp.port, smtp="connections = 1;", cadence=OPEN, steps=1)
    try:
        a.write("c.csv", "email,consent,consent_source\n" + "".join("baduser@co%d.example,opt_in,web\n" % i for i in range(3)))
        a.start()
        a.ctl("import", os.path.join(a.home, "c.csv"))
        a.ctl("enroll", "course", "--all")
        wait_for(lambda: a.log("paused"))
        assert not a.log("suppressed"), "the suppressions wait for the fourth outcome"
        a.write("d.csv", "email,consent,consent_source\ngood@co9.example,opt_in,web\n")
        a.ctl("import", os.path.join(a.home, "d.csv"))
        a.ctl("enroll", "course", "--contact", "good@co9.example")
        a.ctl("resume")
        wait_for(lambda: len(a.log("suppressed")) == 3 and len(a.log("sent")) == 1)
        a.stop()
        log_has_no_gap(a.log())
        a.audit()
    finally:
        close(home, smtp, a)


def test_relay_away():
    """No relay: everything waits, nothing is lost; when it comes, everything goes."""
    port = free_port()
    a = Abvd(port, cadence=OPEN, steps=1)
    home = tempfile.mkdtemp(prefix="abv-smtp-")
    smtp = None
    try:
        a.start()
        a.ctl("import", a.contacts(5))
        a.ctl("enroll", "course", "--all")
        wait_for(lambda: not a.json("status")[0]["relay_usable"])
        assert not a.log("sent") and len(a.json("queue")) == 5
        smtp = FakeSmtp(home, "--port", str(port))
        wait_for(lambda: len(a.log("sent")) == 5, 30)
        a.stop()
    finally:
        if smtp:
            smtp.end()
        a.remove()
        shutil.rmtree(home)


def test_store_locked_by_a_second_daemon():
    a = Abvd(free_port())
    try:
        a.start()
        r = subprocess.run([os.path.join(BUILD, "abvd"), "-c", a.conf], capture_output=True, text=True, timeout=20)
        assert r.returncode == 75, (r.returncode, r.stderr)
        a.stop()
        # what a newcomer meets: folders that nobody made. Each path is told once, with what to do.
        with open(a.conf) as f:
            whole = f.read()
        for what, name in (("store", "abvd.db"), ("engagement log", "engagement.jsonl"), ("control socket", "control.sock")):
            a.write("abvd.conf", whole.replace("/%s" % name, "/none/%s" % name))
            if what == "store":
                os.remove(a.logfile)  # a store that is missing beside its log is another matter: test_disk.py
            r = subprocess.run([os.path.join(BUILD, "abvd"), "-c", a.conf], capture_output=True, text=True, timeout=20)
            assert r.returncode == 74, (r.returncode, r.stderr)
            assert "%s %s/none/%s: the folder %s/none is missing: make it" % (what, a.home, name, a.home) in r.stderr, r.stderr
        a.write("abvd.conf", whole)
        os.mkdir(a.sock)
        r = subprocess.run([os.path.join(BUILD, "abvd"), "-c", a.conf], capture_output=True, text=True, timeout=20)
        assert r.returncode == 74 and "control socket: %s: something that is no socket stands there" % a.sock in r.stderr, r.stderr
    finally:
        a.remove()


def test_reload_and_logrotate():
    home = tempfile.mkdtemp(prefix="abv-smtp-")
    smtp = FakeSmtp(home)
    a = Abvd(smtp.port, cadence=OPEN, steps=2, after="1h")
    try:
        a.start()
        a.ctl("import", a.contacts(2))
        a.ctl("enroll", "course", "--all")
        wait_for(lambda: len(a.log("sent")) == 2)
        loaded = len(a.log("config_loaded"))
        a.write("sequences.d/course.conf", "sequence = { name = 17 ;")
        a.signal(signal.SIGHUP)
        wait_for(lambda: "reload refused" in a.errors())
        assert len(a.log("config_loaded")) == loaded
        course = os.path.join(a.home, "sequences.d/course.conf")
        os.rename(course, course + ".off")
        a.signal(signal.SIGHUP)
        wait_for(lambda: "sequence=course is not in the configuration" in a.errors())
        assert a.json("status")[0]["removed"] == ["course"]
        a.sequence("course", [("step1", "0d", "step1.md"), ("step2", "1s", "step2.md")])
        a.signal(signal.SIGHUP)
        wait_for(lambda: len(a.log("sent")) == 4, 20)  # the edit reaches people in flight
        os.rename(a.logfile, a.logfile + ".1")
        a.signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(a.logfile))
        a.ctl("suppress", "person0@company0.example", "--reason", "manual")
        a.stop()
        log_has_no_gap(a.log())
        a.audit(unjudged=True)
        assert a.log("suppressed")
    finally:
        close(home, smtp, a)


def test_log_ahead_of_the_store():
    """A store that is an older copy, by one event only: no start may take the number of the line that it has lost, however often
    systemd tries; the store stays as it is, so that the right one can still be told from it."""
    a = Abvd(free_port())
    try:
        a.start()
        a.stop()
        lines = a.log()
        lost = dict(lines[-1], seq=lines[-1]["seq"] + 1)
        with open(a.logfile, "a") as f:
            f.write(json.dumps(lost, separators=(",", ":")) + "\n")
        for _ in range(3):
            a.start(wait=False)
            assert a.p.wait(20 * abv.SLOW) == 74, a.errors()
            assert "ends at seq %d, the store at %d" % (lost["seq"], lost["seq"] - 1) in a.errors(), a.errors()
        assert a.log() == lines + [lost]
    finally:
        a.remove()


def test_stop_gives_answers_time():
    """SIGTERM while the relay thinks about a dot: the answer is waited for; one that never comes is unknown."""
    h = one_contact_each(["slow-dot+700", "silent-dot"])
    home, smtp, a = h
    try:
        def dots_left():  # `handed` is committed in the turn in which the dot leaves
            touches = a.json("status")[0]["counts"]["touches"]
            return touches.get("handed", 0) + touches.get("accepted", 0) == 2
        wait_for(dots_left)
        a.stop()
        assert [e["contact"].split("@")[0] for e in a.log("sent")] == ["slow-dot+700"], a.log("sent")
        assert [e["contact"].split("@")[0] for e in a.log("unknown")] == ["silent-dot"], a.log("unknown")
        assert a.log()[-1]["event"] == "daemon_stopped"
    finally:
        close(*h)


run([test_three_steps_reach_twenty, test_kill_at_any_moment, test_refusals_take_their_effect, test_three_5yz_pause_sending, test_relay_away,
     test_store_locked_by_a_second_daemon, test_reload_and_logrotate, test_log_ahead_of_the_store,
     test_stop_gives_answers_time])
