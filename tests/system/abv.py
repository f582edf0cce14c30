"""What the system tests share: an abvd of their own in a temporary directory, servers on free loopback ports, and waiting for
what happens instead of sleeping. Everything is ended by its own pid."""
import email, email.policy, json, os, re, select, shutil, signal, socket, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, sys.argv[1] if len(sys.argv) > 1 else "build")
SLOW = 5 if os.environ.get("ABV_SLOW") else 1  # sanitizers take their time

GATE_TEXT = """Hello {{#first_name}}{{first_name}}{{/first_name}}{{^first_name}}there{{/first_name}},

here is part %(n)d of the checklist that 40 teams used last year to bring their
onboarding down from nine weeks to five:

1. Name one owner for each data source before the first call; 31 of 40 teams lost two weeks here.
2. Export a sample of 200 rows and load it on day one, so that field mapping is settled early.
3. Measure the time from login to the first report; below 12 minutes people come back by themselves.

The worksheet number %(n)d with all formulas: https://example.com/worksheet-%(n)d
"""


def wait_for(what, seconds=20, step=0.02):
    """Returns what() as soon as it is true; fails when it does not become so."""
    end = time.monotonic() + seconds * SLOW
    while True:
        v = what()
        if v:
            return v
        if time.monotonic() > end:
            raise AssertionError("waited %d s for %s" % (seconds * SLOW, getattr(what, "__name__", what)))
        time.sleep(step)


def stand_in(name):
    """What only tests need, and `make all` does not build."""
    path = os.path.join(BUILD, "tests", name)
    assert os.path.exists(path), "%s is missing: `make system` builds it" % path
    return path


class Process:
    """A server of a test: started, waited for by its first line, ended by pid."""

    def __init__(self, argv, ready=None, stdout=None, cwd=None, env=None):
        self.p = subprocess.Popen(argv, stdout=subprocess.PIPE if ready else stdout, stderr=stdout, cwd=cwd, env=env)
        self.match = None
        if ready:
            line = self.p.stdout.readline().decode()
            self.match = re.search(ready, line)
            if not self.match:
                raise AssertionError("%s said %r" % (argv[0], line))

    def end(self, sig=signal.SIGTERM, seconds=30):
        if self.p.poll() is None:
            self.p.send_signal(sig)
            try:
                self.p.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
                raise AssertionError("did not end after signal %d" % sig)
        if self.p.stdout:
            self.p.stdout.close()
        return self.p.returncode


class FakeSmtp(Process):
    def __init__(self, home, *args):
        self.maildir, self.log = os.path.join(home, "Maildir"), os.path.join(home, "smtp.ndjson")
        super().__init__([stand_in("fake_smtp"), "--maildir", self.maildir, "--log", self.log, *args], ready=r"listening (\d+)")
        self.port = int(self.match.group(1))

    def messages(self):
        new = os.path.join(self.maildir, "new")
        out = []
        for name in sorted(os.listdir(new) if os.path.isdir(new) else []):
            with open(os.path.join(new, name), "rb") as f:
                out.append(email.message_from_binary_file(f, policy=email.policy.default))
        return out


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Abvd:
    """A home with a configuration, and the daemon in it."""

    def __init__(self, port, smtp="", cadence="", steps=3, after="7d", extra="", host="127.0.0.1"):
        self.home = tempfile.mkdtemp(prefix="abv-test-")
        self.port, self.p = port, None
        for d in ("sequences.d", "templates"):
            os.makedirs(os.path.join(self.home, d))
        self.conf = os.path.join(self.home, "abvd.conf")
        self.sock = os.path.join(self.home, "control.sock")
        self.logfile = os.path.join(self.home, "engagement.jsonl")
        self.stderr = os.path.join(self.home, "stderr")
        self.write("abvd.conf", """
sender = { from = "Dana Reyes <dana@example.com>"; return_path = "bounce@example.com";
  postal_address = "Example Ltd, 1 Main St, Springfield"; unsubscribe = "mailto:unsubscribe@example.com"; };
smtp = { url = "smtp://%s:%d"; %s %s };
cadence = { %s };
store = { path = "%s/abvd.db"; }; log = { path = "%s"; }; control = { socket = "%s"; };
%s
""" % (host, port, "" if "tls =" in smtp else 'tls = "none";', smtp, cadence, self.home, self.logfile, self.sock, extra))
        for n in range(1, steps + 1):
            self.template("step%d.md" % n, "Onboarding worksheet %d for {{account}}" % n, GATE_TEXT % {"n": n})
        self.sequence("course", [("step%d" % n, "0d" if n == 1 else after, "step%d.md" % n) for n in range(1, steps + 1)])

    def write(self, name, text):
        with open(os.path.join(self.home, name), "w") as f:
            f.write(text)

    def template(self, name, subject, body, kind="value"):
        self.write("templates/" + name, "Subject: %s\nKind: %s\n\n%s" % (subject, kind, body))

    def sequence(self, name, steps, extra=""):
        rows = ", ".join('{ name = "%s"; after = "%s"; template = "%s"; }' % s for s in steps)
        self.write("sequences.d/%s.conf" % name, 'sequence = { name = "%s"; %s steps = ( %s ); };\n' % (name, extra, rows))

    def contacts(self, n, domain=lambda i: "company%d.example" % i, name="contacts.csv", **more):
        rows = ["email,first_name,last_name,timezone,consent,consent_source,consent_at,industry" + "".join("," + k for k in more)]
        for i in range(n):
            rows.append("person%d@%s,First%d,Last%d,Europe/Paris,opt_in,web form,2026-01-01,saas" % (i, domain(i), i, i) + "".join("," + v for v in more.values()))
        self.write(name, "\n".join(rows) + "\n")
        return os.path.join(self.home, name)

    def start(self, *args, wait=True, env=None):
        self.errfile = open(self.stderr, "ab")
        self.p = subprocess.Popen([os.path.join(BUILD, "abvd"), "-c", self.conf, *args], stdout=self.errfile, stderr=self.errfile,
                                  env={**os.environ, **(env or {})})
        self.errfile.close()
        if wait:
            wait_for(lambda: self.p.poll() is not None or self.answers())
            assert self.p.poll() is None, "abvd ended with %s: %s" % (self.p.returncode, self.errors())
        return self

    def answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(self.sock)
            return True
        except OSError:
            return False

    def errors(self):
        with open(self.stderr, errors="replace") as f:
            return f.read()

    def ctl(self, *args, status=0, input=None):
        r = subprocess.run([os.path.join(BUILD, "abvctl"), "--socket", self.sock, *args], capture_output=True, text=True, input=input, timeout=60 * SLOW)
        assert status is None or r.returncode == status, "abvctl %s: status %d, wanted %s\n%s%s\n%s" % (
            " ".join(args), r.returncode, status, r.stdout, r.stderr, self.errors()[-2000:])
        return r

    def json(self, *args, status=0):
        return [json.loads(l) for l in self.ctl(*args, "--json", status=status).stdout.splitlines()]

    def log(self, event=None):
        out = []
        names = sorted([f for f in os.listdir(self.home) if re.fullmatch(r"engagement\.jsonl(\.\d+)?", f)],
                       key=lambda f: -int(f.rsplit(".", 1)[1]) if f[-1].isdigit() else 1)
        for name in names:
            with open(os.path.join(self.home, name)) as f:
                for line in f:
                    if line.endswith("\n"):
                        out.append(json.loads(line))
        return [e for e in out if event is None or e["event"] in ([event] if isinstance(event, str) else event)]

    def audit(self, unjudged=False):
        """`abvctl audit` over the log and its rotated files: every cap and rule held. unjudged: the policy was changed on the way."""
        r = subprocess.run([os.path.join(BUILD, "abvctl"), "--config", self.conf, "--json", "audit"], capture_output=True, text=True, timeout=60 * SLOW)
        assert r.returncode == 0, r.stdout + r.stderr
        assert unjudged or json.loads(r.stdout.splitlines()[-1])["unjudged"] == 0, r.stdout

    def signal(self, sig):
        self.p.send_signal(sig)

    def kill(self):
        self.p.kill()
        self.p.wait()

    def stop(self, status=0):
        if self.p is None:
            return
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
        try:
            rc = self.p.wait(40 * SLOW)
        except subprocess.TimeoutExpired:
            self.p.kill()
            raise AssertionError("abvd did not end: " + self.errors()[-2000:])
        assert status is None or rc == status, "abvd ended with %d: %s" % (rc, self.errors()[-3000:])

    def remove(self):
        if self.p is not None and self.p.poll() is None:
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)


def log_has_no_gap(events):
    seqs = [e["seq"] for e in events]
    assert seqs == list(range(1, len(seqs) + 1)), "gap or double line: %s" % [
        (a, b) for a, b in zip(seqs, seqs[1:]) if b != a + 1][:5]


def run(tests):
    """Runs the functions, prints a line each and a closing one."""
    failed = 0
    for t in tests:
        t0 = time.monotonic()
        try:
            t()
            print("ok   %s (%.1f s)" % (t.__name__, time.monotonic() - t0), flush=True)
        except Exception as e:
            failed += 1
            import traceback
            traceback.print_exc()
            print("FAIL %s: %s" % (t.__name__, e), flush=True)
    print("%d passed, %d failed" % (len(tests) - failed, failed), flush=True)
    sys.exit(1 if failed else 0)
