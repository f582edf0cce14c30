#!/usr/bin/env python3
"""What comes back takes its effect, with real servers: abvd sends through Postfix, letters land in Dovecot's mailboxes or bounce, people and
their Sieve scripts answer, and abvd reads the sender's mailbox by IMAP, or an alias pipes it in. Skips (77) when Postfix or Dovecot cannot
be run here."""
import email.message, email.utils, glob, os, smtplib, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *

HERE = os.path.dirname(os.path.abspath(__file__))
ANY_TIME = 'window = { days = "mon-sun"; hours = "00:00-24:00"; }; contact = { min_gap = "0s"; limits = ["9 per 1h"]; }; account = { limits = ["99 per 1d"]; };'


def for_everybody(folder):
    """abvctl where other users get at it: the checkout may lie below a folder that only its owner may enter."""
    path = shutil.copy(os.path.join(BUILD, "abvctl"), folder)
    os.chmod(folder, 0o755)
    os.chmod(path, 0o755)
    return path


class Server:
    """One of the scripts' servers, by the line that it prints."""

    def __init__(self, script, *args):
        self.script, self.dir = os.path.join(HERE, script), tempfile.mkdtemp(prefix="abv-server-")
        r = subprocess.run([self.script, "start", self.dir, *args], capture_output=True, text=True)
        if r.returncode == 77:
            print(r.stderr.strip())
            sys.exit(77)
        assert r.returncode == 0, r.stderr + r.stdout
        self.__dict__.update(w.split("=", 1) for w in r.stdout.strip().splitlines()[-1].split())

    def end(self):
        subprocess.run([self.script, "stop", self.dir], check=True)


class Circle:
    """Postfix delivers into Dovecot, Dovecot's Sieve scripts answer through Postfix; dana's mailbox is the sender's, and gets what comes back."""

    def __init__(self):
        port = str(free_port())
        self.dovecot = Server("dovecot.sh", "127.0.0.1:" + port)
        self.postfix = Server("postfix.sh", self.dovecot.lmtp_port, port)
        self.a = None

    def abvd(self, imap=True, people=(), steps=2, extra=""):
        a = self.a = Abvd(int(self.postfix.port), cadence=ANY_TIME, steps=steps, after="1h", extra=extra)
        with open(a.conf) as f:
            text = f.read()
        text = text.replace("bounce@example.com", "dana@example.com").replace("mailto:unsubscribe@", "mailto:dana+unsubscribe@")
        if imap:
            a.write("imap.password", self.dovecot.password + "\n")
            os.chmod(os.path.join(a.home, "imap.password"), 0o600)
            text += 'inbox = { imap = { url = "imap://localhost:%s/INBOX"; username = "dana"; password_file = "imap.password"; tls = "none"; }; };\n' % self.dovecot.port
        a.write("abvd.conf", text)
        a.write("people.csv", "email,first_name,timezone,consent,consent_at\n" + "".join("%s,%s,UTC,opt_in,2026-01-01\n" % (p, p.split("@")[0]) for p in people))
        a.start()
        a.ctl("import", os.path.join(a.home, "people.csv"))
        a.ctl("enroll", "course", "--all")
        return a

    def sieve(self, name, script):
        path = os.path.join(self.dovecot.dir, "sieve", name + ".sieve")
        with open(path, "w") as f:
            f.write(script)
        os.chmod(path, 0o644)

    def mailbox(self, name):
        files = glob.glob(os.path.join(self.dovecot.dir, "mail", name, "new/*")) + glob.glob(os.path.join(self.dovecot.dir, "mail", name, "cur/*"))
        out = []
        for f in sorted(files):
            with open(f, "rb") as g:
                out.append(email.message_from_binary_file(g, policy=email.policy.default))
        return out

    def letter(self, name):
        return wait_for(lambda: self.mailbox(name))[0]

    def write(self, sender, to, subject, text, **headers):
        m = email.message.EmailMessage()
        m["From"], m["To"], m["Subject"] = sender, to, subject
        m["Message-ID"], m["Date"] = email.utils.make_msgid(), email.utils.formatdate()
        for k, v in headers.items():
            m[k.replace("_", "-")] = v
        m.set_content(text)
        with smtplib.SMTP("127.0.0.1", int(self.postfix.port)) as s:
            s.send_message(m)

    def end(self):
        if self.a:
            self.a.remove()
        self.postfix.end()
        self.dovecot.end()


def story(a, who):
    return [e["event"] + (":" + e["reason"] if "reason" in e else "") for e in a.log() if e.get("contact") == who and e["event"] not in ("contact_imported", "enrolled", "waiting")]


def test_circle():
    c = Circle()
    try:
        # Sieve's vacation keeps silent towards mail with List- headers (RFC 5230 4.6): this gateway takes them off
        c.sieve("olga", """require ["vacation", "editheader"];
deleteheader "List-Id"; deleteheader "List-Unsubscribe";
vacation :days 1 :addresses ["olga@away.example"] :subject "Out of office" "I am away and will be back in 9 days.";
""")
        a = c.abvd(people=["ann@acme.example", "bob@acme.example", "eve@other.example", "gone@away.example", "olga@away.example", "uwe@third.example"],
                   extra='on_reply = { notify = "seller@example.com"; };')
        first = c.letter("ann")
        c.write("Ann <ann@acme.example>", "dana@example.com", "Re: " + first["Subject"], "Thank you, this is useful.\n\nAnn\n\nOn Monday Dana wrote:\n> Hello ann,\n",
                In_Reply_To=first["Message-ID"], References=first["Message-ID"])
        wait_for(lambda: a.log("replied"))
        replied = a.log("replied")[0]
        assert replied["contact"] == "ann@acme.example" and replied["text"] == "Thank you, this is useful.\n\nAnn" and replied["step"] == "step1", replied
        assert story(a, "ann@acme.example") == ["sent", "replied", "stopped:replied"], story(a, "ann@acme.example")
        assert [e["account"] for e in a.log("held") if "contact" not in e] == ["acme.example"]

        note = c.letter("seller")
        assert note["Auto-Submitted"] == "auto-generated" and not note.is_multipart() and "> Thank you, this is useful." in note.get_content(), note

        wait_for(lambda: a.log("bounced"))
        assert story(a, "gone@away.example") == ["sent", "bounced", "suppressed:hard_bounce", "stopped:hard_bounce"], story(a, "gone@away.example")
        assert a.log("bounced")[0]["status"] == "5.1.1" and a.log("bounced")[0]["permanent"]

        # a person unsubscribes by the link in the footer, from another address of theirs
        uwe = c.letter("uwe")
        link = re.search(r"<mailto:([^?]*)\?subject=([^>]*)>", uwe["List-Unsubscribe"])
        c.write("uwe.private@home.example", link.group(1), link.group(2).replace("%20", " "), "\n")
        wait_for(lambda: a.log("unsubscribed"))
        assert story(a, "uwe@third.example") == ["sent", "unsubscribed", "suppressed:unsubscribed", "stopped:unsubscribed"]

        wait_for(lambda: a.log("auto_replied"))
        assert story(a, "olga@away.example") == ["sent", "auto_replied", "held:out_of_office"], story(a, "olga@away.example")
        until = a.json("show", "olga@away.example")[0]["holds"]["contact"]["until"]
        assert until > time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + 8 * 86400)), until

        assert story(a, "eve@other.example") == ["sent"]
        status = a.json("status")[0]
        assert status["mail"] == {"auto_reply": 1, "bounce": 1, "reply": 1, "unsubscribe": 1}, status["mail"]
        a.audit()
        log_has_no_gap(a.log())
        n = len(a.log())
        a.stop()
        a.start()  # nothing is read twice
        wait_for(lambda: len(a.log("daemon_started")) == 2)
        c.write("nobody@else.example", "dana@example.com", "hello", "Are you there?\n")
        wait_for(lambda: a.json("status")[0]["mail"].get("other") == 1)
        assert [e["event"] for e in a.log()[n:]] == ["daemon_stopped", "daemon_started", "config_loaded"]
    except BaseException:
        if c.a:
            print(c.a.errors()[-3000:])
        print(open(os.path.join(c.postfix.dir, "postfix.log")).read()[-3000:])
        raise
    finally:
        c.end()


def test_alias_pipe():
    """Postfix's local(8) runs `abvctl deliver`: what abvd cannot take stays in Postfix's queue, and takes effect later."""
    c = Circle()
    try:
        a = c.abvd(imap=False, people=["ann@acme.example"])
        with open(os.path.join(c.postfix.dir, "etc/aliases"), "w") as f:
            f.write('piped "|%s --socket %s deliver"\n' % (for_everybody(c.postfix.dir), a.sock))
        letter = c.letter("ann")  # Postfix runs the pipe as nobody, who may not open the socket
        c.write("ann@acme.example", "piped@away.example", "Re: it", "Please remove me from your list.\n", In_Reply_To=letter["Message-ID"])
        log = lambda: open(os.path.join(c.postfix.dir, "postfix.log")).read()
        wait_for(lambda: "status=deferred (temporary failure. Command output: abvctl: deliver: abvd is not reachable" in log())
        assert not a.log("unsubscribed")
        os.chmod(a.home, 0o755)
        os.chmod(a.sock, 0o666)
        wait_for(lambda: a.log("unsubscribed"))
        wait_for(lambda: "status=sent (delivered to command" in log())
        assert story(a, "ann@acme.example") == ["sent", "unsubscribed", "suppressed:unsubscribed", "stopped:unsubscribed"]
    except BaseException:
        print(open(os.path.join(c.postfix.dir, "postfix.log")).read()[-3000:])
        raise
    finally:
        c.end()


# ---- one daemon, a fake relay: what an MTA is told, and what a crash leaves

def answers(a, n, make):
    """A message of each of n contacts in the thread of the letter that they got."""
    sent = {e["contact"]: e["message_id"] for e in a.log("sent")}
    out = []
    for i in range(n):
        who = "person%d@company%d.example" % (i, i)
        out.append(make(i, who, sent[who]).encode())
    return out


def reply(i, who, message_id):
    return "From: %s\nTo: dana@example.com\nSubject: Re: it\nMessage-ID: <r%d@client.example>\nIn-Reply-To: <%s>\n\nThank you, number %d.\n" % (who, i, message_id, i)


def with_letters(n, extra=""):
    home = tempfile.mkdtemp(prefix="abv-relay-")
    relay = FakeSmtp(home)
    a = Abvd(relay.port, cadence=ANY_TIME, steps=1, extra=extra)
    a.start()
    a.ctl("import", a.contacts(n))
    a.ctl("enroll", "course", "--all")
    wait_for(lambda: len(a.log("sent")) == n)
    return a, relay, home


def remove(a, relay, home):
    a.remove()
    relay.end()
    shutil.rmtree(home)


def deliver(a, message, *args, **more):
    abvctl = more.pop("abvctl", os.path.join(BUILD, "abvctl"))
    r = subprocess.run([abvctl, "--socket", more.pop("sock", a.sock), "deliver", *args], input=message, capture_output=True, timeout=60 * SLOW, **more)
    assert r.returncode == 0 or r.stderr, "status %d without a word" % r.returncode
    return r


def one_answer(path, data):
    """Takes one request on a Unix socket of its own, and answers so."""
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(1)
    if os.fork() == 0:
        c, _ = s.accept()
        c.settimeout(10)
        while b"number 0" not in c.recv(65536):
            pass
        c.sendall(data)
        os._exit(0)
    s.close()


def test_deliver_statuses():
    a, relay, home = with_letters(3)
    try:
        first, second, third = answers(a, 3, reply)
        assert deliver(a, b"").returncode == 65
        assert deliver(a, first, "FILE").returncode == 64 and deliver(a, first, "--bogus").returncode == 64
        said = json.loads(deliver(a, first, "--json").stdout)
        assert said == {"class": "reply", "repeated": False, "matched": True, "why": "in-reply-to", "contact": "person0@company0.example", "touch": said["touch"]}, said
        assert deliver(a, first).stdout == b"" and json.loads(deliver(a, first, "--json").stdout)["repeated"]
        # by the time it says 0, it stands in the log
        assert [e["contact"] for e in a.log("replied")] == ["person0@company0.example"]
        with open("/dev/full", "wb") as full:
            r = subprocess.run([os.path.join(BUILD, "abvctl"), "--socket", a.sock, "--json", "deliver"], input=first, stdout=full, stderr=subprocess.PIPE)
            assert r.returncode == 0, r
        # a full disk: kept by the MTA, taken when there is room again
        import resource
        hard = resource.prlimit(a.p.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(a.p.pid, resource.RLIMIT_FSIZE, (1024, hard))
        assert deliver(a, second).returncode == 75
        resource.prlimit(a.p.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert deliver(a, second).returncode == 0 and len(a.log("replied")) == 2
        # no permission, no daemon, a socket that nobody listens on, answers that are none
        assert deliver(a, third, abvctl=for_everybody(home), user=65534, group=65534, extra_groups=[]).returncode == 75
        assert deliver(a, third, sock=a.home + "/nothing").returncode == 75
        assert deliver(a, third, sock="/" + "x" * 200).returncode == 75
        for i, data in enumerate([b"", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi!", b'HTTP/1.1 503 Busy\r\nContent-Length: 22\r\n\r\n{"error":"too many of"}',
                                  b'HTTP/1.1 404 No\r\nContent-Length: 13\r\n\r\n{"error":"x"}', b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"]):
            one_answer(a.home + "/s%d" % i, data)
            assert deliver(a, first, sock=a.home + "/s%d" % i).returncode == 75, data
        a.kill()
        assert deliver(a, third).returncode == 75
        a.start()
        # larger than abvd takes: its beginning is what counts
        assert deliver(a, third + b"A" * 30000000).returncode == 0 and len(a.log("replied")) == 3
        assert deliver(a, bytes(range(256)) * 20).returncode == 0
    finally:
        remove(a, relay, home)


def kill_while_reading(prepare, n, most):
    """kill -9 at any moment while n answers are read, until all have taken effect: each has, once."""
    a, relay, home = with_letters(n)
    try:
        end = prepare(a, answers(a, n, reply))
        kills = 0
        while len(a.log("replied")) < n:
            a.kill()
            kills += 1
            before = len(a.log("replied"))
            a.start()
            end_by = time.monotonic() + (0.002 * kills if kills < most else 20 * SLOW)
            wait_for(lambda: time.monotonic() > end_by or len(a.log("replied")) >= min(n, before + 1 + kills % 4), 60)
        a.kill()
        a.start()  # what was read, but not yet marked, must not be read into effect again
        wait_for(lambda: a.json("status")[0]["inbox"][0]["state"] in ("idle", "watching"))
        end()
        who = sorted(e["contact"] for e in a.log("replied"))
        assert len(who) == len(set(who)) == n, (n, len(who), len(set(who)))
        log_has_no_gap(a.log())
        a.audit()
        print("     killed %d times" % kills)
    except BaseException:
        print(a.errors()[-3000:])
        raise
    finally:
        remove(a, relay, home)


def test_kill_maildir():
    def prepare(a, messages):
        for d in ("new", "cur", "tmp"):
            os.makedirs(os.path.join(a.home, "Maildir", d))
        for i, m in enumerate(messages):
            with open(os.path.join(a.home, "Maildir/new/%d.a" % i), "wb") as f:
                f.write(m)
        with open(a.conf, "a") as f:
            f.write('inbox = { maildir = "Maildir"; };\n')
        return lambda: wait_for(lambda: len(os.listdir(os.path.join(a.home, "Maildir/cur"))) == len(messages))

    kill_while_reading(prepare, 40, 60)


def test_kill_imap():
    dovecot = Server("dovecot.sh")

    def prepare(a, messages):
        with smtplib.LMTP("127.0.0.1", int(dovecot.lmtp_port)) as s:
            for m in messages:
                s.sendmail("x@client.example", ["dana@example.com"], m)
        a.write("imap.password", dovecot.password + "\n")
        os.chmod(os.path.join(a.home, "imap.password"), 0o600)
        with open(a.conf, "a") as f:
            f.write('inbox = { imap = { url = "imap://localhost:%s"; username = "dana"; password_file = "imap.password"; tls = "none"; }; };\n' % dovecot.port)
        return lambda: None

    try:
        kill_while_reading(prepare, 40, 60)
    finally:
        dovecot.end()


def test_kill_deliver():
    """The MTA tries again what was not said to be durable, and the same message comes by two ways."""
    a, relay, home = with_letters(20)
    try:
        messages, kills = answers(a, 20, reply), 0
        todo = list(range(20)) * 2
        while todo:
            i = todo[0]
            p = subprocess.Popen([os.path.join(BUILD, "abvctl"), "--socket", a.sock, "deliver"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            p.stdin.write(messages[i])
            p.stdin.close()
            if kills < 15:
                end_by = time.monotonic() + 0.0007 * kills
                while time.monotonic() < end_by:
                    pass
                a.kill()
                kills += 1
                a.start()
            rc = p.wait(60)
            assert rc in (0, 75), rc
            if rc == 0:
                todo.pop(0)
        who = [e["contact"] for e in a.log("replied")]
        assert len(who) == len(set(who)) == 20
        log_has_no_gap(a.log())
    finally:
        remove(a, relay, home)


if __name__ == "__main__":
    run([test_circle, test_alias_pipe, test_deliver_statuses, test_kill_deliver, test_kill_maildir, test_kill_imap])
