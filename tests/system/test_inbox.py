#!/usr/bin/env python3
"""What comes back takes its effect, with real servers: abvd sends through Postfix, letters land in Dovecot's mailboxes or bounce, people and
their Sieve scripts answer, and abvd reads the sender's mailbox by IMAP, or an alias pipes it in. Skips (77) when Postfix or Dovecot cannot
be run here."""
import email.message, email.utils, glob, smtplib
import sys, os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *

HERE = os.path.dirname(os.path.abspath(__file__))
ANY_TIME = 'window = { days = "mon-sun"; hours = "00:00-24:00"; }; contact = { min_gap = "0s"; limits = ["9 per 1h"]; }; account = { limits = ["99 per 1d"]; };'


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


if __name__ == "__main__":
    run([test_circle])
