#!/usr/bin/env python3
"""abvctl against a running abvd: imports with bad rows, every command's sentence and exit status; and what it says when the daemon is
lost in the middle of an import (a socket of this test's own that hangs up)."""
import os, sys, threading
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *
import abv


def says(r, *parts):
    for p in parts:
        assert re.search(p, r.stdout + r.stderr), "%r is not in:\n%s%s" % (p, r.stdout, r.stderr)


def contacts_csv(path, n, bad):
    """n rows, those in `bad` unfit each in its own way; LF inside a quoted field, so that lines and rows differ."""
    kinds = ["no address,A,x\n", "p@a.example,A\n", "p@a.example,A,x,y\n", "p@a.example,\udcff,x\n", 'p@a.example,"open,x\n']
    line, lines = 2, []
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as f:
        f.write("email,first_name,note\n")
        for i in range(n):
            if i in bad:
                lines.append(line)
                f.write(kinds[len(lines) % len(kinds)])
            else:
                f.write('p%d@c%d.example,F%d,"one\ntwo"\n' % (i, i, i))
                line += 1
            line += 1
    return lines


def test_import():
    a = Abvd(1)
    try:
        a.start()
        path, rejects = os.path.join(a.home, "c.csv"), os.path.join(a.home, "bad.csv")
        lines = contacts_csv(path, 3000, set(range(5, 3000, 300)))
        r = a.ctl("import", path, "--rejects", rejects, status=1)
        says(r, r"^2990 created, 0 changed, 0 same, 0 enrolled, 10 errors\n")
        told = [int(l.split(":")[1]) for l in r.stderr.splitlines()]
        assert told == lines, "%s, wanted %s" % (told, lines)
        with open(rejects, "rb") as f:
            kept = f.read().splitlines()
        assert kept[0] == b"email,first_name,note" and len(kept) == 11, kept
        assert a.json("import", path, status=1) == [
            {"created": 0, "changed": 0, "same": 2990, "superseded": 0, "enrolled": 0, "errors": 10, "refused": {}}]
        assert a.json("status")[0]["counts"]["contacts"] == 2990
        # the same again takes the file's place, keeping its mode; without bad rows the file is left alone, or not made
        os.chmod(rejects, 0o604)
        a.ctl("import", path, "--rejects", rejects, status=1)
        with open(rejects, "rb") as f:
            assert f.read().splitlines() == kept and os.fstat(f.fileno()).st_mode & 0o777 == 0o604
        a.ctl("import", "-", "--rejects", rejects, status=0, input="email\np1@c1.example\n")
        a.ctl("import", "-", "--rejects", rejects + ".2", status=0, input="email\np1@c1.example\n")
        with open(rejects, "rb") as f:
            assert f.read().splitlines() == kept
        assert [n for n in os.listdir(a.home) if n.startswith("bad.csv")] == ["bad.csv"], os.listdir(a.home)
        os.symlink("bad.csv", rejects + ".link")
        a.ctl("import", "-", "--rejects", rejects + ".link", status=1, input="email\nnobody\n")
        with open(rejects, "rb") as f:
            assert f.read() == b"email\nnobody\n" and os.path.islink(rejects + ".link")
        says(a.ctl("import", "-", "--rejects", "/dev/stderr", status=1, input="email\nnobody\n"), "(?s)stdin.:2: .*email\nnobody\n")
        says(a.ctl("import", "-", status=0, input="email,first_name\np1@c1.example,New\n"), "^0 created, 1 changed")
        says(a.ctl("import", "-", status=0, input="email\n"), "^0 created")
        says(a.ctl("import", "-", status=0, input="email,title\np1@c1.example,A\np2@c2.example,B\nP1@c1.example,C\n"),
             "^0 created, 2 changed, 0 same, 0 enrolled, 0 errors, 1 superseded by a later row\n")
        r = a.ctl("import", "-", status=0, input="email,consent\np1@c1.example,optin\np2@c1.example,optin\np3@c1.example,opt_in\n")
        assert re.search(r"\(stdin\): consent 'optin' of 2 rows is not in consent.accept", r.stderr), r.stderr
        says(a.ctl("import", "-", status=1, input="email\nnobody\n"), r"\(stdin\):2: .*\n?", "1 error\n")
    finally:
        a.remove()


def test_status_of_inbox():
    """What keeps answers from being heard stands in `status`, not in the log only."""
    a = Abvd(free_port(), extra='inbox = { maildir = "nowhere"; };')
    try:
        a.start()
        says(a.ctl("status"), r"Inbox\nSOURCE +STATE +MESSAGES +LATER +ERROR\nmaildir:\S+ +absent +0 +0 +cannot open \S+: No such file")
        os.makedirs(os.path.join(a.home, "nowhere/new"))
        os.makedirs(os.path.join(a.home, "nowhere/cur"))
        wait_for(lambda: re.search(r"maildir:\S+ +watching +0 +0 *\n", a.ctl("status").stdout))
    finally:
        a.remove()


def test_commands():
    home = tempfile.mkdtemp(prefix="abv-smtp-")
    smtp, a = FakeSmtp(home), None
    try:
        a = Abvd(smtp.port)
        a.template("filler.md", "Hello", "Hi,\n\njust checking in, any thoughts?\n")
        a.sequence("filler", [("one", "0d", "filler.md")])
        a.start("--time-scale", "1000", "--now", "2026-01-05T10:00:00Z")
        says(a.ctl("status"), r"relay_usable +not tried yet\n", r"Inbox\nnone is configured")
        a.ctl("import", a.contacts(6))
        says(a.ctl("enroll", "course", "--contact", "person0@company0.example"), "^1 enrolled, 0 already\n")
        says(a.ctl("enroll", "course", "--all"), "^5 enrolled, 1 already\n")
        says(a.ctl("enroll", "course", "--contact", "person0@company0.example"), "^0 enrolled, 1 already: active\n")
        says(a.ctl("enroll", "course", "--tag", "typo"), "^0 enrolled, 0 already: nobody has the tag 'typo'\n")
        says(a.ctl("enroll", "course", "--contact", "nobody@company0.example", status=1), "abvctl: ")
        says(a.ctl("enroll", "none", "--all", status=1), "abvctl: .*none")
        wait_for(lambda: len(a.log("sent")) == 6)
        who = "person1@company1.example"
        says(a.ctl("explain", who), r"^course/step2 waits until \w\w\w 2026-01-\d\d \d\d:\d\d ", "touch of Mon 2026-01-05")
        says(a.ctl("show", who), "^email  +person1@", "Enrollments\n", r"course +active +step2 +waits until", "accepted +")
        says(a.ctl("queue", "--limit", "2"), r"^NEXT +CONTACT", "step2")
        assert len(a.json("queue", "--limit", "2")) == 2
        says(a.ctl("status"), "version +", r"course +running +6", r"relay_usable +(yes|true)\n")
        says(a.ctl("config"), r"^KEY +VALUE +SOURCE\n", r"smtp.tls +\"none\" +.*abvd.conf:\d+", "default\n")
        says(a.ctl("pause"), "^sending is paused\n")
        says(a.ctl("pause"), "^sending was already paused\n")
        says(a.ctl("resume"), "^sending is running\n")
        says(a.ctl("pause", "course"), "^course is paused\n")
        says(a.ctl("resume", "course"), "^course is running\n")
        says(a.ctl("hold", who, "--until", "2027-02-03", "--reason", "on leave"), "is held until Wed 2027-02-03")
        says(a.ctl("explain", who), "contact held until .*: on leave")
        says(a.ctl("hold", who, "--until", "soon", status=2), "hold: --until: .*nor a duration such as 7d")
        says(a.ctl("hold", who, "--until", "60d"), "is held until [A-Z][a-z][a-z] 2026-03-")
        says(a.ctl("hold", who, "--until", "2020-01-01"), "is not held\n")
        says(a.ctl("suppress", who, "--reason", "unsubscribed"), "is suppressed; 1 enrollment stopped\n")
        says(a.ctl("show", who), "suppressed: unsubscribed", "stopped +")
        says(a.ctl("unsuppress", who, "--reason", "a slip", status=1), "only with force \\(--force\\)")
        says(a.ctl("unsuppress", who, "--reason", "a slip", "--force"), "is not suppressed any more\n")
        says(a.ctl("suppress", "@company2.example", "--reason", "a rival"), "is suppressed; 1 enrollment stopped\n")
        says(a.ctl("show", "person2@company2.example"), "suppressed: manual: a rival\n")
        says(a.ctl("stop", "person3@company3.example"), "^1 enrollment stopped\n")
        says(a.ctl("enroll", "course", "--contact", "person3@company3.example"), r"1 already: stopped \(manual\); a contact is enrolled in a sequence once, ever\n")
        says(a.ctl("enroll", "course", "--contact", "person2@company2.example", status=1), r"suppressed \(manual\)")
        says(a.ctl("enroll", "course", "--all"), r"not enrolled: 1 suppressed \(manual\)\n")
        says(a.ctl("stop", "person3@company3.example", "course"), "^0 enrollments stopped\n")
        says(a.ctl("unknown"), "^nothing is unknown\n")
        says(a.ctl("unknown", "accept", "9", status=1), "abvctl: ")
        says(a.ctl("test", "course", "step1", "--to", "me@example.com"), "course/step1 to me@example.com: accepted: 250 ")
        says(a.ctl("test", "course", "step1", "--to", "x@company2.example", status=1), r"to: 'x@company2.example' is suppressed \(manual\); unsuppress it")
        r = a.ctl("test", "filler", "one", "--to", "me@example.com", status=1)
        says(r, r"abvctl: the gate refuses the message: [^{}\"]+ \[filler-followup\]; see `abvctl check`\n")
        says(a.ctl("test", "course", "none", "--to", "me@example.com", status=1), "abvctl: .*none")
        exported = json.loads(a.ctl("export", "person4@company4.example").stdout)
        assert exported["contact"]["email"] == "person4@company4.example" and exported["touches"] and exported["events"]
        says(a.ctl("forget", "person4@company4.example"), "is forgotten; in the log it is hash:")
        says(a.ctl("show", "person4@company4.example", status=1), "abvctl: ")
        says(a.ctl("import", "-", status=1, input="email\nperson4@company4.example\n"), "stdin.:2: email: 'person4@company4.example' was forgotten: not imported; `abvctl unsuppress")
        assert "error" in a.json("show", "person4@company4.example", status=1)[0]
        a.stop()
        says(a.ctl("status", status=69), "abvd is not reachable")
        r = subprocess.run([os.path.join(BUILD, "abvctl"), "--config", a.conf, "log", "--event", "forgotten"], capture_output=True, text=True)
        assert r.returncode == 0 and "hash:" in r.stdout, r
    finally:
        smtp.end()
        if a:
            a.remove()
        shutil.rmtree(home)


def test_explain():
    """Every touch that fills a limit, what would have a step go earlier, who goes first; and what then happens is what was said."""
    home = tempfile.mkdtemp(prefix="abv-smtp-")
    smtp, a = FakeSmtp(home), None
    try:
        a = Abvd(smtp.port, cadence='account = { limits = ["2 per 7d"]; }; contact = { limits = ["1 per 7d"]; };', after="2d")
        a.sequence("vip", [("extra", "2d", "step3.md")], "priority = 9;")
        a.template("needy.md", "A worksheet", abv.GATE_TEXT % {"n": 9} + "\nYour budget is {{budget}}.\n")
        a.sequence("needy", [("one", "0d", "needy.md")])
        a.start("--time-scale", "1000", "--now", "2026-01-05T10:00:00Z")
        a.ctl("import", a.contacts(3, domain=lambda i: "acme.example"))
        ann, last = "person0@acme.example", "person2@acme.example"
        a.ctl("enroll", "course", "--all")
        a.ctl("enroll", "vip", "--contact", ann)
        wait_for(lambda: len(a.log("sent")) == 2)
        rows = {r["sequence"]: r for r in a.json("explain", ann)}
        assert set(rows) == {"course", "vip"}, rows
        r = rows["course"]
        assert (r["step"], r["verdict"], r["reason"], r["kind"], r["timezone"]) == ("step2", "wait", "contact_limit", "value", "Europe/Paris"), r
        sent = {e["contact"]: e for e in a.log("sent")}
        by = {e["reason"]: e for e in r["evidence"]}
        assert [t["at"] for t in by["contact_limit"]["touches"]] == [sent[ann]["ts"]] == [by["contact_limit"]["touch_at"]]
        assert {(t["contact"], t["at"], t["sequence"], t["step"]) for t in by["account_limit"]["touches"]} == {
            (c, e["ts"], "course", "step1") for c, e in sent.items()}, by["account_limit"]
        e = r["earlier"]
        assert e[0]["reason"] == "contact_limit" and "cadence.contact.limits 1 per 7d (abvd.conf:" in e[0]["change"] and e[0]["by"] == "account_limit", e
        assert e[1]["with_previous"] and e[1]["reason"] == "account_limit" and e[1]["by"] == "contact_min_gap" and e[1]["at"] < r["until"], e
        assert r["ahead"]["sequence"] == "vip" and r["ahead"]["by_priority"] and r["ahead"]["then"]["at"] > r["until"], r
        assert "ahead" not in rows["vip"], rows["vip"]
        third = a.json("explain", last)[0]
        assert (third["step"], third["reason"], len(third["evidence"][0]["touches"])) == ("step1", "account_limit", 2), third
        text = a.ctl("explain", last)
        says(text, r"^course/step1 waits until ", r"rule +account_limit 2 per 7d, filled by the touches of\n +Mon 2026-01-05 \d\d:\d\d \(course/step1, person",
             r"earlier +without cadence.account.limits 2 per 7d \(abvd.conf:\d+\)")
        assert "\033" not in text.stdout and max(map(len, text.stdout.splitlines())) <= 80, text.stdout
        a.ctl("enroll", "needy", "--contact", last)
        assert {r["sequence"]: r.get("letter", {}).get("reason") for r in a.json("explain", last)} == {"course": None, "needy": "undefined_placeholder"}
        a.ctl("pause", "course")
        says(a.ctl("explain", last), r"course/step1 waits for a change\n", r"earlier +`abvctl resume course`; it would go ")
        a.ctl("resume", "course")
        a.ctl("stop", ann, "vip")
        says(a.ctl("explain", ann), r"vip has ended: manual\n +change +an operator ended it")
        until = min(a.json("explain", c)[0]["until"] for c in (ann, "person1@acme.example", last))
        a.ctl("stop", last)
        says(a.ctl("explain", last), "^person2@acme.example: nothing comes next", "course has ended: manual")
        a.stop()
        a.start("--time-scale", "100000", "--now", "2026-01-05T10:00:00Z")
        wait_for(lambda: len(a.log("sent")) >= 3)
        third = a.log("sent")[2]
        assert until <= third["ts"] <= until[:8] + "16" + until[10:], (until, third)
    finally:
        smtp.end()
        if a:
            a.remove()
        shutil.rmtree(home)


def serve(listener, answers):
    """Answers so many requests, reads one more and hangs up."""
    s = listener.accept()[0]
    listener.close()
    for k in range(answers + 1):
        data = b""
        while b"\r\n\r\n" not in data:
            data += s.recv(65536)
        head, body = data.split(b"\r\n\r\n", 1)
        size = int(re.search(rb"content-length: (\d+)", head.lower()).group(1))
        while len(body) < size:
            body += s.recv(65536)
        rows = json.loads(body)["rows"]
        assert head.startswith(b"POST /v1/import HTTP/1.1") and len(rows) <= 1000 and size <= 1 << 20
        if k < answers:
            out = json.dumps({"created": len(rows), "changed": 0, "same": 0, "enrolled": 0, "errors": []}).encode()
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(out) + out)
    s.close()


def test_daemon_lost_in_an_import():
    home = tempfile.mkdtemp(prefix="abv-test-")
    try:
        path, sock = os.path.join(home, "c.csv"), os.path.join(home, "s")
        contacts_csv(path, 5000, set())
        for answers, want in ((2, r"the rows up to line 4001 are imported, those from line 4002 on may be; import the file again, repeating is safe"),
                              (0, r"no row is known to be imported, those from line 2 on may be; import the file again")):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(sock)
                listener.listen()
                t = threading.Thread(target=serve, args=(listener, answers))
                t.start()
                r = subprocess.run([os.path.join(BUILD, "abvctl"), "--socket", sock, "import", path], capture_output=True, text=True, timeout=60)
                t.join()
            os.unlink(sock)
            assert r.returncode == 69 and r.stdout == "", r
            # On a connection that was used before, libcurl tries once more: importing twice is safe.
            says(r, "nobody listens on" if answers else "whether the request was carried out is not known", want)
    finally:
        shutil.rmtree(home)


def test_killed_in_an_import():
    """What abvctl tells as imported is there after a kill, and the log is the store's copy: no gap, no line too many or too few."""
    a, n = Abvd(free_port(), steps=1), 20000
    try:
        a.start()
        path = os.path.join(a.home, "c.csv")
        a.write("c.csv", "email,first_name\n" + "".join("p%d@c%d.example,F%d\n" % (i, i, i) for i in range(n)))
        for round in range(1, 4):
            size = os.path.getsize(a.logfile)
            p = subprocess.Popen([os.path.join(BUILD, "abvctl"), "--config", a.conf, "import", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            wait_for(lambda: os.path.getsize(a.logfile) > size or p.poll() is not None, step=0.001)
            a.kill()
            err = p.communicate()[1]
            a.start()
            told = re.search(r"the rows up to line (\d+) are imported", err)
            stored, logged = a.json("status")[0]["counts"]["contacts"], a.log("contact_imported")
            assert stored == len(logged) and stored >= (int(told.group(1)) - 1 if told else 0), (err, stored, len(logged))
            log_has_no_gap(a.log())
        a.ctl("import", path)
        assert a.json("status")[0]["counts"]["contacts"] == n
        wait_for(lambda: len(a.log("contact_imported")) == n)
        a.stop()
        a.audit()
    finally:
        a.remove()


os.environ.update(TZ="UTC", NO_COLOR="1", http_proxy="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1")
run([test_import, test_status_of_inbox, test_commands, test_explain, test_daemon_lost_in_an_import, test_killed_in_an_import])
