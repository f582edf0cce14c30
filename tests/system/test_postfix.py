#!/usr/bin/env python3
"""Three-step sequences reach 20 contacts through a real Postfix with STARTTLS and SASL; wrong credentials and an untrusted certificate send
nothing. Skips (77) when Postfix cannot be run here."""
import collections, glob, os, pwd, shutil, subprocess, sys, tempfile, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abv import *

if os.geteuid() != 0 or not shutil.which("postfix") or not shutil.which("saslpasswd2"):
    print("SKIPPED: a Postfix of our own needs root, postfix and sasl2-bin")
    sys.exit(77)


class Postfix:
    """An instance in a temporary directory: submission with STARTTLS and AUTH required, everything delivered to one Maildir."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="abv-postfix-")
        os.chmod(self.home, 0o755)
        self.port = free_port()
        self.conf, self.queue, self.data = (os.path.join(self.home, d) for d in ("etc", "queue", "data"))
        for d in (self.conf, self.queue, self.data, os.path.join(self.conf, "sasl"), os.path.join(self.home, "Maildir")):
            os.mkdir(d)
        os.chown(self.data, pwd.getpwnam("postfix").pw_uid, -1)
        os.chown(os.path.join(self.home, "Maildir"), pwd.getpwnam("nobody").pw_uid, -1)
        self.cert, key = os.path.join(self.home, "cert.pem"), os.path.join(self.home, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", self.cert, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        db = os.path.join(self.conf, "sasl", "sasldb2")  # Debian's Postfix looks in its own configuration's sasl/
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", db, "-u", "test.example", "dana"], input=b"secret", check=True)
        os.chown(db, pwd.getpwnam("postfix").pw_uid, -1)
        with open(os.path.join(self.conf, "sasl", "smtpd.conf"), "w") as f:
            f.write("pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s\nmech_list: PLAIN LOGIN\n" % db)
        os.chmod(f.name, 0o644)
        with open(os.path.join(self.conf, "main.cf"), "w") as f:
            f.write("""compatibility_level = 3.6
queue_directory = %(queue)s
data_directory = %(data)s
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
myhostname = test.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_transport = error:none
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:Maildir/
virtual_mailbox_base = %(home)s
virtual_uid_maps = static:%(uid)d
virtual_gid_maps = static:%(gid)d
virtual_minimum_uid = 1
smtpd_tls_cert_file = %(cert)s
smtpd_tls_key_file = %(key)s
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = test.example
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
maillog_file = /dev/stdout
maillog_file_prefixes = /dev/stdout, %(home)s
""" % dict(queue=self.queue, data=self.data, home=self.home, uid=pwd.getpwnam("nobody").pw_uid, gid=pwd.getpwnam("nobody").pw_gid, cert=self.cert, key=key))
        with open(os.path.join(self.conf, "master.cf"), "w") as f:
            f.write("""127.0.0.1:%d inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
tlsmgr unix - - n 1000? 1 tlsmgr
flush unix n - n 1000? 0 flush
postlog unix-dgram n - n - 1 postlogd
""" % self.port)
        self.log = open(os.path.join(self.home, "log"), "wb")
        subprocess.run(["postfix", "-c", self.conf, "check"], check=True, stdout=self.log, stderr=self.log)
        self.p = subprocess.Popen(["postfix", "-c", self.conf, "start-fg"], stdout=self.log, stderr=self.log, env=dict(os.environ, MAIL_CONFIG=self.conf))

        def up():
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                    return s.recv(4).startswith(b"220")
            except OSError:
                return False
        try:
            wait_for(up, 30)
        except AssertionError:
            print(open(self.log.name).read()[-3000:])
            raise

    def messages(self):
        return [email.message_from_binary_file(open(f, "rb"), policy=email.policy.default) for f in glob.glob(os.path.join(self.home, "Maildir/new/*"))]

    def end(self):
        subprocess.run(["postfix", "-c", self.conf, "stop"], stdout=self.log, stderr=self.log)
        try:
            self.p.wait(20)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
        self.log.close()
        shutil.rmtree(self.home)


def home_for(postfix, password="secret", ca=True):
    a = Abvd(postfix.port)
    a.write("smtp.password", password + "\n")
    os.chmod(os.path.join(a.home, "smtp.password"), 0o600)
    with open(a.conf) as f:
        text = f.read()
    a.write("abvd.conf", text.replace('tls = "none";', 'tls = "required"; username = "dana@test.example"; password_file = "smtp.password"; connections = 3; %s' % (
        'ca_file = "%s";' % postfix.cert if ca else "")))
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
            print(a.errors()[-2000:], collections.Counter(e["event"] for e in a.log()), open(postfix.log.name).read()[-2000:])
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
    refused(False, "secret", ["certificate", "ssl", "tls"])


run([test_three_steps_through_postfix, test_wrong_password_sends_nothing, test_untrusted_certificate_sends_nothing])
