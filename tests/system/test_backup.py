#!/usr/bin/env python3
"""A backup taken while abvd sends, the doctor on what is whole and on what is damaged, and a store that is made whole again from a backup and
the engagement log: nobody gets anything twice."""
import collections, os, shutil, sqlite3, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *
import abv

OPEN = ('contact = { min_gap = "0s"; limits = ["9 per 1h"]; }; account = { limits = ["99 per 1d"]; };'
        ' window = { days = "mon-sun"; hours = "00:00-24:00"; }; backoff = { factor = 1.0; };')
CONNECTIONS = 4


class World:
    def __init__(self, people=200, latency=3, cadence=OPEN, steps=2):
        self.fake = tempfile.mkdtemp(prefix="abv-smtp-")
        self.smtp = FakeSmtp(self.fake, "--latency", str(latency))
        self.a = Abvd(self.smtp.port, smtp="connections = %d;" % CONNECTIONS, cadence=cadence, steps=steps, after="0d")
        self.db = os.path.join(self.a.home, "abvd.db")
        self.copy = os.path.join(self.fake, "copy.db")
        self.people = people

    def begin(self):
        self.a.start()
        self.a.ctl("import", self.a.contacts(self.people))
        self.a.ctl("enroll", "course", "--all")
        return self

    def received(self):
        new = os.path.join(self.smtp.maildir, "new")
        return len(os.listdir(new)) if os.path.isdir(new) else 0

    def turned(self, name):
        """Letters to ourselves went the way of all letters, one after the other, and more of them than there are connections: what abvd wanted
        to send before the first has left by now, or is in flight. Returns how many."""
        for n in range(CONNECTIONS + 1):
            self.a.ctl("test", "course", "step1", "--to", "%s%d@ours.example" % (name, n))
        return CONNECTIONS + 1

    def counts(self):
        return self.a.json("status")[0]["counts"]

    def doctor(self, *args, status=0):
        """The findings that are none, and those that are: {check: text}."""
        r = subprocess.run([os.path.join(BUILD, "abvctl"), "--config", self.a.conf, "--json", "doctor", *args], capture_output=True, text=True,
                           timeout=60 * abv.SLOW)
        assert r.returncode == status, (r.returncode, r.stdout, r.stderr)
        rows = [json.loads(l) for l in r.stdout.splitlines()]
        bad = collections.defaultdict(list)
        for row in rows:
            if not row["ok"]:
                assert row["todo"], row
                bad[row["check"]].append(row["text"])
        assert bool(bad) == (status == 1), rows
        return bad

    def recover(self, backup, status=0):
        r = subprocess.run([os.path.join(BUILD, "abvd"), "-c", self.a.conf, "--recover", backup], capture_output=True, text=True, timeout=60 * abv.SLOW)
        assert r.returncode == status, (r.returncode, r.stderr)
        return r.stderr

    def refused(self, word):
        self.a.start(wait=False)
        assert self.a.p.wait(20 * abv.SLOW) == 74, self.a.errors()
        assert word in self.a.errors(), self.a.errors()[-1500:]

    def remove(self):
        self.smtp.end()
        self.a.remove()
        shutil.rmtree(self.fake)


def query(path, sql):
    db = sqlite3.connect("file:%s?immutable=1" % path, uri=True)
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


def once(w):
    seen = collections.Counter((m["To"], m["Subject"]) for m in w.smtp.messages())
    assert max(seen.values()) == 1, [k for k, n in seen.items() if n > 1][:3]
    return len(seen)


def test_backup_under_load():
    """Sending goes on; the copy is whole, and each of its touches is what the log up to its last event says."""
    w = World(people=600)
    try:
        w.begin()
        wait_for(lambda: w.received() >= 40)
        r = w.a.ctl("backup", w.copy)
        assert "checked" in r.stdout, r.stdout
        left = w.received()
        assert left < 2 * w.people, "nothing was under way any more"
        assert os.stat(w.copy).st_mode & 0o777 == 0o600
        assert query(w.copy, "PRAGMA integrity_check") == [("ok",)]
        last = query(w.copy, "SELECT event_last FROM figure")[0][0]
        wait_for(lambda: len(w.a.log()) >= last)
        told = {e["touch"]: e["event"] for e in w.a.log() if e["seq"] <= last and e["event"] in ("sent", "unknown")}
        assert told and dict(query(w.copy, "SELECT id, 'sent' FROM touch WHERE state = 3")) == told
        r = w.a.ctl("backup", w.copy, status=1)
        assert "--force" in r.stderr
        before = os.stat(w.copy).st_ino
        w.a.ctl("backup", w.copy, "--force")
        assert os.stat(w.copy).st_ino != before
        assert sorted(os.listdir(w.fake)) == ["Maildir", "copy.db", "smtp.ndjson"], os.listdir(w.fake)
        assert not [n for n in os.listdir(w.a.home) if "copy" in n], os.listdir(w.a.home)
        w.doctor(w.copy)
        wait_for(lambda: w.received() > left)
    finally:
        w.remove()


def test_backup_is_refused_and_given_up():
    """Where the client may not write, nothing is left; a second backup at the same time is told so; one that is left alone is no leak."""
    w = World(people=3)
    try:
        w.begin()
        r = w.a.ctl("backup", os.path.join(w.fake, "none", "copy.db"), status=1)
        assert "No such file" in r.stderr, r.stderr

        def post(body):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(w.a.sock)
                data = json.dumps(body).encode()
                s.sendall(b"POST /v1/backup HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
                out = b""
                while chunk := s.recv(65536):
                    out += chunk
            head, body = out.split(b"\r\n\r\n", 1)
            return int(head.split()[1]), json.loads(body)
        status, one = post({"action": "start"})
        assert status == 200
        assert post({"action": "start"})[0] == 409
        assert post({"action": "read", "id": one["id"] + 1, "offset": 0})[0] == 404
        wait_for(lambda: post({"action": "look", "id": one["id"]})[1]["whole"])
        for offset, want in ((-1, 400), (1 << 60, 400), (0, 200)):
            assert post({"action": "read", "id": one["id"], "offset": offset})[0] == want, offset
        assert post({"action": "dance"})[0] == 400
        assert post({"action": "end", "id": one["id"]})[0] == 200
        assert post({"action": "look", "id": one["id"]})[0] == 404
        post({"action": "start"})
        w.a.stop()
        assert not [n for n in os.listdir(w.a.home) if "copy" in n], os.listdir(w.a.home)
    finally:
        w.remove()


def test_doctor():
    """Healthy, running and stopped; then each damage is found, and nothing is changed by looking."""
    w = World(people=120)
    try:
        w.doctor()
        w.begin()
        wait_for(lambda: w.counts()["completed"] == w.people)
        w.doctor()
        w.a.stop()
        before = open(w.db, "rb").read()
        files = sorted(os.listdir(w.a.home))
        os.mkfifo(w.a.logfile + ".7")  # is none of the log's, and nobody waits for who would write to it
        w.doctor()
        w.doctor("--quick")
        os.unlink(w.a.logfile + ".7")
        assert open(w.db, "rb").read() == before
        assert [n for n in sorted(os.listdir(w.a.home)) if not n.endswith("-wal")] == [n for n in files if not n.endswith("-wal")]

        def put_back():
            with open(w.db, "wb") as f:
                f.write(before)
            os.chmod(w.db, 0o640)

        def damaged(change, check, word, start=True):
            put_back()
            change()
            bad = w.doctor(status=1)
            assert any(word in t for t in bad[check]), (word, dict(bad))
            if start:
                w.refused("abvd.db")

        def at(offset, data):
            def change():
                with open(w.db, "r+b") as f:
                    f.seek(offset)
                    f.write(data)
            return change

        def sql(text):
            def change():
                db = sqlite3.connect(w.db)
                db.execute(text)
                db.commit()
                db.close()
            return change

        def cut():
            os.truncate(w.db, len(before) // 2)
        damaged(at(0, b"\0" * 4096), "store", "not a database")
        damaged(cut, "store", "malformed")
        damaged(lambda: os.truncate(w.db, 0), "store", "empty")
        damaged(lambda: os.unlink(w.db), "store", "missing")
        root = {n: p for n, p in query_bytes(before, w.fake, "SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0")}
        damaged(at((root["touch_contact"] - 1) * 2048, b"\0" * 2048), "store", "", start=False)
        damaged(sql("UPDATE figure SET touches_accepted = touches_accepted + 1"), "store", "touches_accepted", start=False)
        damaged(sql("CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM suppression; END"), "store", "triggers", start=False)
        damaged(sql("DELETE FROM event WHERE seq = 5"), "store", "events are missing", start=False)
        damaged(sql("UPDATE touch SET state = 0 WHERE id = (SELECT min(id) FROM touch WHERE state = 3)"), "log", "the store has it as due", start=False)
        damaged(sql("DELETE FROM touch WHERE id = (SELECT max(id) FROM touch)"), "log", "missing", start=False)
        # the log: a line that is gone, and one that is no line
        put_back()
        whole = open(w.a.logfile).read()
        with open(w.a.logfile, "w") as f:
            f.writelines(whole.splitlines(True)[:10] + whole.splitlines(True)[11:])
        assert any("after seq 10 comes 12" in t for t in w.doctor(status=1)["log"])
        with open(w.a.logfile, "w") as f:
            f.write(whole.replace("\n", "\n{\n", 1))
        assert any("no line of an engagement log" in t for t in w.doctor(status=1)["log"])
        with open(w.a.logfile, "w") as f:
            f.write(whole + '{"seq":')
        w.doctor()  # torn: the next start mends it
        os.chmod(w.db, 0o644)
        assert any("everybody may use it" in t for t in w.doctor(status=1)["store's folder"])
        w.a.write("abvd.conf", "smtp = 17;")
        assert w.doctor(status=1)["configuration"]
    finally:
        w.remove()


def query_bytes(data, folder, sql):
    path = os.path.join(folder, "asked.db")
    with open(path, "wb") as f:
        f.write(data)
    rows = query(path, sql)
    os.unlink(path)
    return rows


# Of a touch that was refused the log tells neither content nor Message-ID.
TABLES = {
    "touch": "SELECT t.id, contact_id, account_id, enrollment_id, n.text, kind, CASE WHEN state = 1 THEN 'flight' ELSE state END, at, handed_at,"
             " CASE WHEN state = 5 THEN '' ELSE hex(content) || message_id END, provider, smtp_code FROM touch t JOIN name n ON n.id = t.step WHERE state IN (3, 5, 6, 7)",
    "enrollment": "SELECT e.id, contact_id, n.text, state, m.text, step_no, ended_at, k.text FROM enrollment e JOIN name n ON"
                  " n.id = e.sequence JOIN name m ON m.id = e.step LEFT JOIN name k ON k.id = e.ended",
    "suppression": "SELECT target, n.text FROM suppression s JOIN name n ON n.id = s.reason",
    "hold": "SELECT * FROM hold",
    "contact": "SELECT id, account_id, email, forgotten, consent, consent_at, timezone, engaged_at FROM contact",
    "event": "SELECT seq, ts, n.text, contact_id, address, account, kind, touch_id, detail FROM event e JOIN name n ON n.id = e.type",
    "setting": "SELECT * FROM setting WHERE name LIKE 'withheld:%' OR name LIKE 'paused:%'",
    "day": "SELECT * FROM sending_day", "hour": "SELECT * FROM sending_hour",
}


def instants(path):
    """Of enrollments: an event and what it tells may be a millisecond apart."""
    return {row[0]: row[1:] for row in query(path, "SELECT id, prev_at, due_at FROM enrollment")}


def tables(path):
    db = sqlite3.connect(path)
    out = {name: set(db.execute(sql).fetchall()) for name, sql in TABLES.items()}
    db.close()
    return out


def happen(w):
    """Something of everything that a log can tell."""
    a, who = w.a, "person%d@company%d.example"
    a.ctl("forget", who % (5, 5))
    a.write("zoe.csv", "email,consent,consent_source\nzoe@late.example,opt_in,web\n")
    a.ctl("import", os.path.join(a.home, "zoe.csv"))  # somebody whom the copy never had
    a.ctl("forget", "zoe@late.example")
    a.ctl("suppress", "@company7.example")
    a.ctl("suppress", who % (8, 8), "--reason", "asked on the phone")
    a.ctl("hold", who % (9, 9), "--until", "7d", "--reason", "on a journey")
    a.ctl("stop", who % (10, 10))
    a.ctl("suppress", who % (11, 11))
    a.ctl("unsuppress", who % (11, 11), "--reason", "by mistake")
    a.write("more.csv", "email,consent,consent_source\n" + "".join("%s@co%d.example,opt_in,web\n" % (n, i) for i, n in enumerate(
        ("baduser", "hangup-dot", "hangup-dot", "hangup-dot", "tempdata", "policy", "good"))))
    a.ctl("import", os.path.join(a.home, "more.csv"))
    for i, n in enumerate(("baduser", "hangup-dot", "hangup-dot", "hangup-dot", "tempdata", "policy", "good")):
        a.ctl("enroll", "course", "--contact", "%s@co%d.example" % (n, i))
    wait_for(lambda: len(a.json("unknown")) >= 3 and a.log("suppressed") and len([e for e in a.log("refused")]) >= 3, 60)
    unknown = a.json("unknown")
    for row, action in zip(unknown, ("accept", "drop")):
        a.ctl("unknown", action, str(row["id"]))
    mail = [e for e in a.log("sent") if e["contact"] == who % (20, 20)]
    if mail:
        a.ctl("deliver", input="From: %s\nTo: dana@example.com\nSubject: Re: worksheet\nIn-Reply-To: <%s>\nMessage-ID: <r1@x.example>\n\n"
              "Thank you, let us talk on Monday about the second point.\n" % (who % (20, 20), mail[0]["message_id"]))
    a.ctl("pause", "course")
    a.ctl("resume", "course")


def test_recovered_from_backup_and_log():
    """The store is lost in the middle of sending. An older backup and the log make the same store again, and nobody gets a letter twice;
    without recovering, the backup is refused."""
    w = World(people=250, latency=10)
    try:
        w.begin()
        wait_for(lambda: w.received() >= 40)
        w.a.ctl("backup", w.copy)
        happen(w)
        wait_for(lambda: w.received() >= 200)
        w.a.kill()
        before = tables(w.db)
        then = instants(w.db)
        os.rename(w.db, os.path.join(w.fake, "lost.db"))  # `tables` has written its write-ahead log back
        w.refused("is missing or empty")
        assert not os.path.exists(w.db), "nothing is made anew"
        shutil.copy(w.copy, w.db)
        w.refused("is a copy that `abvctl backup` has made")
        assert any("older copy" in t for t in w.doctor(status=1)["log"])
        os.unlink(w.db)
        said = w.recover(w.copy)
        assert "sending is paused" in said and "has caught up" in said, said
        after = tables(w.db)
        # the pause is the recovery's own; what the log did not have yet when abvd was killed is not known
        last = max(e["seq"] for e in w.a.log())
        after["event"] = {e for e in after["event"] if e[0] <= last}
        before["event"] = {e for e in before["event"] if e[0] <= last}
        for name in TABLES:
            assert before[name] == after[name], (name, sorted(before[name] - after[name], key=repr)[:3], sorted(after[name] - before[name], key=repr)[:3])
        now = instants(w.db)
        assert now.keys() == then.keys()
        assert all(abs(a - b) < 1000 for i in now for a, b in zip(now[i], then[i])), [(i, now[i], then[i]) for i in now if now[i] != then[i]][:3]
        assert "nothing beyond" in w.recover(w.db)  # a second time: nothing to do
        w.a.start()
        left = w.received()
        assert w.a.json("status")[0]["paused"]
        ours = w.turned("paused")
        assert w.received() == left + ours and w.a.json("status")[0]["in_flight"] == 0, "sent while paused"
        w.a.ctl("resume")
        wait_for(lambda: w.counts()["active"] <= 3, 60)  # held, refused for now, and in doubt no more
        w.a.stop()
        w.doctor()
        log_has_no_gap(w.a.log())
        w.a.audit()
        assert once(w) - ours >= 2 * (w.people - 15)
    finally:
        w.remove()


def test_recovery_is_careful():
    """A damaged backup is refused and the store stays; a running abvd is not disturbed; a gap in the log is told; what stood there is kept."""
    w = World(people=30)
    try:
        w.begin()
        wait_for(lambda: w.received() >= 10)
        w.a.ctl("backup", w.copy)
        wait_for(lambda: w.counts()["completed"] == w.people)
        assert "another process holds the store" in w.recover(w.copy, status=75)
        w.a.stop()
        whole = open(w.db, "rb").read()
        bad = os.path.join(w.fake, "bad.db")
        data = bytearray(open(w.copy, "rb").read())
        data[2048 * 8:2048 * 12] = b"\xa5" * (2048 * 4)
        with open(bad, "wb") as f:
            f.write(data)
        assert "the backup" in w.recover(bad, status=74)
        assert "cannot be used" in w.recover(os.path.join(w.fake, "none.db"), status=74)
        assert open(w.db, "rb").read() == whole
        log = open(w.a.logfile).read().splitlines(True)
        with open(w.a.logfile, "w") as f:
            f.writelines(log[:-3] + log[-2:])
        assert "is needed" in w.recover(w.copy, status=74)
        with open(w.a.logfile, "w") as f:  # touches could not be numbered behind it
            f.writelines(log[:-1] + [re.sub(r'"event":', '"touch":9223372036854775807,"event":', re.sub(r'"touch":\d+,?', "", log[-1]))])
        assert "is none" in w.recover(w.db, status=74)
        with open(w.a.logfile, "w") as f:
            f.writelines(log)
        said = w.recover(w.db)  # it stands there already, as the failed try left it
        assert "has caught up" in said, said
        kept = [n for n in os.listdir(w.a.home) if ".before-" in n and not n.endswith("-wal")]
        assert len(kept) == 1 and open(os.path.join(w.a.home, kept[0]), "rb").read() == whole, kept
        w.a.start()
        w.a.ctl("resume")
        ours = w.turned("resumed")
        wait_for(lambda: w.counts()["active"] == 0)  # who is due is looked for ten times a second
        w.a.stop()
        assert once(w) == 2 * w.people + ours
        w.a.audit()
    finally:
        w.remove()


def test_backup_put_in_place_by_hand():
    """A copy knows that it is one: abvd does not start on it, whether its log is there, or lost, or another store's write-ahead log lies beside it.
    A store that was found damaged is not made the store again unexamined."""
    w = World(people=30)
    try:
        w.begin()
        wait_for(lambda: w.received() >= 10)
        w.a.ctl("backup", w.copy)
        wait_for(lambda: w.counts()["completed"] == w.people)
        w.a.kill()
        whole = open(w.db, "rb").read(), open(w.db + "-wal", "rb").read(), open(w.a.logfile, "rb").read()

        def put(db, wal, log):
            for path, data in ((w.db, db), (w.db + "-wal", wal), (w.a.logfile, log)):
                if os.path.exists(path):
                    os.unlink(path)
                if data:
                    with open(path, "wb") as f:
                        f.write(data)

        copy = open(w.copy, "rb").read()
        for wal, log in ((None, whole[2]), (None, None), (whole[1], whole[2]), (whole[1], None)):
            put(copy, wal, log)
            w.refused("is a copy that `abvctl backup` has made")
        put(copy, None, whole[2])
        assert "has caught up" in w.recover(w.db)
        w.a.start()
        w.a.ctl("resume")
        ours = w.turned("resumed")
        wait_for(lambda: w.counts()["active"] == 0)  # who is due is looked for ten times a second
        w.a.stop()
        assert once(w) == 2 * w.people + ours
        db = sqlite3.connect(w.db)
        page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'touch_contact'").fetchone()[0]
        db.close()
        with open(w.db, "r+b") as f:
            f.seek((page - 1) * 2048)
            f.write(b"\0" * 2048)
        assert "the backup" in w.recover(w.db, status=74)
    finally:
        w.remove()


TESTS = [test_backup_under_load, test_backup_put_in_place_by_hand, test_backup_is_refused_and_given_up, test_doctor, test_recovered_from_backup_and_log, test_recovery_is_careful]
only = os.environ.get("ABV_ONLY")
run([t for t in TESTS if not only or t.__name__ in only.split(",")])
