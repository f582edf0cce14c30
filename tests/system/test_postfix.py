#!/usr/bin/env python3
"""Three-step sequences reach 20 contacts through a real Postfix with STARTTLS and SASL; wrong credentials and an untrusted certificate send
nothing. Skips (77) when Postfix cannot be run here."""
import collections, glob, os, subprocess, sys, tempfile
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *

HERE = os.path.dirname(os.path.abspath(__file__))


class Postfix:
    """The instance of postfix.sh: submission with STARTTLS, AUTH behind it, everything delivered to one Maildir."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="abv-postfix-")
        r = subprocess.run([os.path.join(HERE, "postfix.sh"), "start", self.dir], capture_output=True, text=True)
        if r.returncode == 77:
            print(r.stderr.strip())
            sys.exit(77)
        assert r.returncode == 0, r.stderr + r.stdout
        self.__dict__.update(w.split("=", 1) for w in r.stdout.strip().splitlines()[-1].split())

    def messages(self):
        return [email.message_from_binary_file(open(f, "rb"), policy=email.policy.default) for f in glob.glob(os.path.join(self.maildir, "new/*"))]

    def end(self):
        subprocess.run([os.path.join(HERE, "postfix.sh"), "stop", self.dir], check=True)


def home_for(postfix, password=None, ca=True):
    a = Abvd(int(postfix.tls_port), host="localhost")
    a.write("smtp.password", (password or postfix.password) + "\n")
    os.chmod(os.path.join(a.home, "smtp.password"), 0o600)
    with open(a.conf) as f:
        text = f.read()
    a.write("abvd.conf", text.replace('tls = "none";', 'tls = "required"; username = "%s"; password_file = "smtp.password"; connections = 3; %s' % (
        postfix.user, 'ca_file = "%s";' % postfix.ca if ca else "")))
    return a


def test_three_steps_through_postfix():
    postfix, a = Postfix(), None
    try:
        a = home_for(postfix)
        a.start("--time-scale", "200000", "--now", "2026-01-05T06:00:00Z")
        a.ctl("import", a.contacts(20))
        a.ctl("enroll", "course", "--all")
        try:
            wait_for(lambda: len(a.log("completed")) == 20, 60)
        except AssertionError:
            print(a.errors()[-2000:], collections.Counter(e["event"] for e in a.log()))
            raise
        a.stop()
        wait_for(lambda: len(postfix.messages()) == 60, 30)
        log_has_no_gap(a.log())
        sent = {"<%s>" % e["message_id"] for e in a.log("sent")}
        assert sent == {m["Message-ID"] for m in postfix.messages()} and len(sent) == 60
        for e in a.log("sent"):
            assert e["smtp_code"] == 250 and "queued as" in e["smtp_reply"], e
        for i in range(20):
            who = "person%d@company%d.example" % (i, i)
            assert [e["step"] for e in a.log("sent") if e["contact"] == who] == ["step1", "step2", "step3"]
        m = postfix.messages()[0]
        assert m["Return-Path"].startswith("<bounce+") and "Hello First" in m.get_payload()[0].get_content()
    finally:
        if a:
            a.remove()
        postfix.end()


def refused(ca, password, words):
    postfix, a = Postfix(), None
    try:
        a = home_for(postfix, password=password, ca=ca)
        a.start("--time-scale", "200000", "--now", "2026-01-05T10:00:00Z")
        a.ctl("import", a.contacts(2))
        a.ctl("enroll", "course", "--all")
        wait_for(lambda: not a.json("status")[0]["relay_usable"])
        wait_for(lambda: "not usable" in a.errors())
        assert not a.log("sent") and any(w in a.errors().lower() for w in words), a.errors()
        a.stop()
        assert postfix.messages() == []
    finally:
        if a:
            a.remove()
        postfix.end()


def test_wrong_password_sends_nothing():
    refused(True, "wrong", ["auth", "login"])


def test_untrusted_certificate_sends_nothing():
    refused(False, None, ["certificate", "ssl", "tls"])


run([test_three_steps_through_postfix, test_wrong_password_sends_nothing, test_untrusted_certificate_sends_nothing])
