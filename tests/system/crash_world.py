"""A home whose daemon dies: what it works on, who answers, the chores that are repeated until they are done, and its deaths."""
import email.message, email.utils, os, re, select, struct
from abv import *
import abv, oracle, power

START, SCALE = "2026-01-05T06:00:00Z", 1000000
PATIENCE = 0.6  # seconds to get to a point; then it is killed from outside
CROWD = 1100    # rows of an import of more than one transaction

CADENCE = ('contact = { min_gap = "0s"; limits = ["1 per 7d", "3 per 30d"]; }; account = { limits = ["2 per 7d"]; }; gifts_per_ask = 2;'
           ' window = { days = "mon-sun"; hours = "00:00-24:00"; }; backoff = { factor = 1.0; }; sunset = { touches = 0; silence = "0d"; };')
# `again` is what `two` is: who is in both sequences gets it once. An ask that never gets its gifts expires.
COURSE = [("one", "0d", "gift1.md", ""), ("two", "7d", "gift2.md", ""), ("offer", "7d", "ask1.md", 'expire = "20d";'), ("three", "7d", "gift3.md", "")]
TOUR = [("first", "0d", "gift4.md", ""), ("again", "3d", "gift2.md", ""), ("offer", "3d", "ask2.md", 'expire = "20d";')]

ASK = """Hello {{#first_name}}{{first_name}}{{/first_name}}{{^first_name}}there{{/first_name}},

the worksheets of the last weeks work without us. What they cannot do is look at your own plan, so here is offer number %(n)d.

**A written review of your onboarding plan.** You send the plan as it is. Within five working days you get two pages back:

1. the three steps most likely to slip, each with the reason and an earlier sign to watch for;
2. the data fields that need a decision before the import, sorted by how many records they touch;
3. a calendar with the order of pilot, switch and look back, and the slack between them.

It is free of charge for companies of 20 to 500 people, and it stays with you whatever you decide.

Would that review help? Then answer with the plan attached, or book 30 minutes to go through it together.

Dana
"""


def sanitizer():
    """The sanitizer's library has to be loaded first, when the daemon has one."""
    r = subprocess.run(["ldd", os.path.join(BUILD, "abvd")], capture_output=True, text=True)
    return [w for l in r.stdout.splitlines() for w in l.split() if w.startswith("/") and "libasan" in w]


PRELOAD = ":".join(sanitizer() + [stand_in("plug.so")])


class Sink(FakeSmtp):
    def __init__(self, *args):
        self.home = tempfile.mkdtemp(prefix="abv-sink-")
        self.log = os.path.join(self.home, "smtp.ndjson")
        Process.__init__(self, [stand_in("fake_smtp"), "--log", self.log, *args], ready=r"listening (\d+)")
        self.port = int(self.match.group(1))


class Death:
    def __init__(self, label, point, kind, connections):
        self.label, self.point, self.kind, self.connections = label, point, kind, connections
        self.unknown = 0  # what the start behind it called so


class World(Abvd):
    def __init__(self, sink, rnd, connections=4, people=160):
        super().__init__(sink.port, smtp="connections = %d;" % connections, cadence=CADENCE, steps=0,
                         extra='on_reply = { account_hold = "2d"; };')
        with open(self.conf) as f:
            text = f.read()
        self.write("abvd.conf", text.replace("abvd.db\";", "abvd.db\"; keep_events = \"1d\";"))
        self.sink, self.rnd, self.deaths, self.trace = sink, rnd, [], []
        self.before, self.wrong = None, []  # the death of the last life that got past its start; None: it ended well
        self.plug = tempfile.mkdtemp(prefix="abv-plug-")
        self.unsynced = os.path.join(self.plug, "unsynced")
        for n in (1, 2, 3, 4):
            self.template("gift%d.md" % n, "Onboarding worksheet %d" % n, GATE_TEXT % {"n": n})
        for n in (1, 2):
            self.template("ask%d.md" % n, "A review of your plan, offer %d" % n, ASK % {"n": n}, kind="ask")
        for name, steps in (("course", COURSE), ("tour", TOUR)):
            rows = ", ".join('{ name = "%s"; after = "%s"; template = "%s"; %s }' % s for s in steps)
            self.write("sequences.d/%s.conf" % name, 'sequence = { name = "%s"; %s steps = ( %s ); };\n' % (
                name, 'enroll = "tag:course";' if name == "course" else "", rows))
        self.facts = oracle.Facts(contact=((1, 7 * 86400), (3, 30 * 86400)), account=((2, 7 * 86400),), gifts=2,
                                  steps={n: [s[0] for s in q] for n, q in (("course", COURSE), ("tour", TOUR))})
        self.next_person, self.people, self.files = 0, people, 0
        self.pending = {}       # chore -> what is to be repeated until it is done
        self.enrolled, self.answered = set(), set()

    # ---- people ----

    def address(self, i):
        odd = {7: "tempfail+1", 19: "hangup-dot"}.get(i % 40)  # refused once; a relay that hangs up before its answer
        return "%s@company%d.example" % (odd or "person%d" % i, i // 3 if not odd else 100000 + i)

    def csv(self, rows, consent=True, tags=""):
        self.files += 1
        name = "people%d.csv" % self.files
        text = "email,first_name,timezone,consent,consent_source,consent_at,tags\n"
        for a in rows:
            text += "%s,First,Europe/Paris,%s,%s\n" % (a, "opt_in,web form,2026-01-01" if consent else ",,", tags)
        self.write(name, text)
        return os.path.join(self.home, name)

    # ---- chores: each returns what abvctl is to be called with, and what is known once it has ended well ----

    def chore_import(self):
        new = [self.address(i) for i in range(self.next_person, min(self.next_person + 8, self.people))]
        self.next_person += len(new)
        if not new:  # everybody is there: an import of who is known
            new = self.rnd.sample(sorted(self.facts.imported), 8) if self.facts.imported else [self.address(0)]
        return ["import", self.csv(new, tags="course")], None, lambda: self.facts.imported.update(new)

    def chore_crowd(self):
        rows = ["crowd%d-%d@nowhere.example" % (self.files, i) for i in range(CROWD)]
        return ["import", self.csv(rows, consent=False)], None, lambda: self.facts.imported.update(rows)

    def chore_enroll(self):
        free = sorted(a for a in self.facts.imported - self.enrolled - self.answered if "crowd" not in a and "gone" not in a)
        who = self.rnd.choice(free) if free and self.rnd.random() < 0.7 else None
        if who is None:
            return ["enroll", "tour", "--tag", "course"], None, lambda: None
        self.enrolled.add(who)
        return ["enroll", "tour", "--contact", who], None, lambda: None

    def heard(self):
        """Somebody who got a letter and has not answered."""
        sent = [e for e in self.log("sent") if e["contact"] not in self.answered]
        return self.rnd.choice(sent[-60:]) if sent else None

    def chore_deliver(self):
        e = self.heard()
        if e is None:
            return None
        who = e["contact"]
        self.answered.add(who)
        m = email.message.EmailMessage()
        m["From"], m["To"], m["Subject"] = "First <%s>" % who, "dana@example.com", "Re: your worksheet"
        m["Message-ID"], m["Date"], m["In-Reply-To"] = "<answer-%s>" % who, email.utils.formatdate(), "<%s>" % e["message_id"]
        m.set_content("Thank you, this is what we were looking for. Can we talk on Thursday at ten?\n")
        return ["deliver", "--json"], m.as_string(), lambda: self.facts.replied.__setitem__(who, self.said_last)

    def chore_suppress(self):
        e = self.heard()
        if e is None:
            return None
        self.answered.add(e["contact"])
        return ["suppress", e["contact"], "--reason", "manual"], None, lambda: self.facts.suppressed.add(e["contact"])

    def chore_gone(self):
        """Somebody comes in who will be forgotten."""
        self.files += 1
        self.gone = "gone%d@nowhere.example" % self.files
        return ["import", self.csv([self.gone], consent=False)], None, lambda: None

    def chore_forget(self):
        return ["forget", self.gone], None, lambda: self.facts.forgotten.add(self.gone)

    def work(self, name, times=1):
        """True when it is done. A daemon that dies meanwhile leaves it for its next life."""
        for _ in range(times):
            if name not in self.pending:
                what = getattr(self, "chore_" + name)()
                if what is None:
                    return True
                self.pending[name] = what
            argv, text, done = self.pending[name]
            r = subprocess.run([os.path.join(BUILD, "abvctl"), "--socket", self.sock, *argv], input=text, capture_output=True, text=True, timeout=60 * abv.SLOW)
            moot = {"forget": "there is no|forgotten", "enroll": "is not enrolled in"}.get(name)  # by what came between
            if r.returncode and not (moot and re.search(moot, r.stdout + r.stderr)):
                alive = self.p.poll() is None
                if alive and r.returncode not in (69, 75) and self.watch(0.2) is None:
                    raise AssertionError("abvctl %s: %d %s%s" % (" ".join(argv), r.returncode, r.stdout, r.stderr))
                return False
            del self.pending[name]
            self.said_last = r.stdout.strip()
            done()
        return True

    def chore(self):
        """What was begun first: a message that comes again after weeks would be a new one."""
        self.work("deliver" if "deliver" in self.pending else self.rnd.choice(("import", "import", "import", "import", "enroll", "deliver", "suppress")))

    # ---- what is done to get to a point ----

    def act(self, action):
        if action == "reload":
            self.p.send_signal(signal.SIGHUP)
        elif action == "rotate":
            self.rotate()
            self.p.send_signal(signal.SIGUSR1)
        elif action == "end":
            self.p.send_signal(signal.SIGTERM)
        elif action == "forget":
            for _ in range(2):  # what is left from before may be done already, or would be asked for in vain
                if self.p.poll() is None and ("forget" in self.pending or self.work("gone")):
                    self.work("forget")
        elif action:
            self.work(action)

    def rotate(self):
        """As logrotate does, keeping all."""
        old = sorted((int(n.rsplit(".", 1)[1]) for n in os.listdir(self.home) if re.fullmatch(r"engagement\.jsonl\.\d+", n)), reverse=True)
        if not os.path.exists(self.logfile) or not os.path.getsize(self.logfile):
            return
        for n in old:
            os.rename("%s.%d" % (self.logfile, n), "%s.%d" % (self.logfile, n + 1))
        os.rename(self.logfile, self.logfile + ".1")

    # ---- lives and deaths ----

    def begin(self, point=None, scale=SCALE, plugged=True):
        env = dict(os.environ)
        if plugged:
            env.update(LD_PRELOAD=PRELOAD, ABV_PLUG_HOME=self.home, ABV_PLUG_DIR=self.plug)
            if point:
                env["ABV_PLUG"] = point
            death = os.path.join(self.plug, "death")
            if os.path.exists(death):
                os.unlink(death)
        elif os.path.exists(self.unsynced):
            os.unlink(self.unsynced)  # as if it had all got to the disk in time
        with open(self.stderr, "ab") as err:
            self.said = err.tell()
        self.began = time.monotonic()
        with open(self.stderr, "ab") as err:
            self.p = subprocess.Popen([os.path.join(BUILD, "abvd"), "-c", self.conf, "--time-scale", str(scale), "--now", START], stdout=err, stderr=err, env=env)
        self.pid = os.pidfd_open(self.p.pid)
        self.poll = select.poll()
        self.poll.register(self.pid, select.POLLIN)

    def watch(self, seconds):
        """How it ended, None while it lives; waits at most so long for its end."""
        self.poll.poll(max(0, seconds) * 1000)
        return self.p.poll()

    def told(self):
        """What this life said."""
        with open(self.stderr, errors="replace") as f:
            f.seek(self.said)
            return f.read()

    def up(self):
        """It has started, and takes signals: true; it ended before: false."""
        end = time.monotonic() + 20 * abv.SLOW
        while self.watch(0.002) is None:
            if "info started " in self.told():
                return True
            assert time.monotonic() < end, "does not start"
        return False

    def bury(self, label, kind):
        """After the death: what the plug wrote of it, and what the loss of power takes."""
        status = self.p.wait()
        os.close(self.pid)
        assert status in (-signal.SIGKILL, 0), "ended by itself with %d:\n%s\n%s" % (status, self.story(), self.complaints())
        said = self.told()
        left = re.search(r"recovered after an unclean end unknown=(\d+)", said)
        if left:
            self.unknown_found(int(left.group(1)))
        if status == 0:
            self.before = None
            return None
        try:
            with open(os.path.join(self.plug, "death")) as f:
                point, nth, connections = f.read().split()
            point += ":" + nth
        except (FileNotFoundError, ValueError):  # not there, or it was killed from outside while it wrote
            point, label = "", None
            with open(os.path.join(self.plug, "connections"), "rb") as f:
                connections = struct.unpack("i", f.read(4))[0]
        lost = 0
        if kind == "power":
            lost = power.lose(self.home, self.unsynced, self.rnd)
        else:
            power.compact(self.unsynced)
        d = Death(label, point, kind, int(connections))
        if "info started " in said:
            self.before = d
        self.deaths.append(d)
        self.trace.append("%d %s %s connections=%s%s after %.2f s" % (
            len(self.deaths), label or "outside", kind, connections, " lost=%d" % lost if kind == "power" else "", time.monotonic() - self.began))
        return d

    def complaints(self):
        return "\n".join([l for l in self.errors().splitlines() if " warning " not in l and " info " not in l][-12:])

    def story(self):
        return "the last deaths: " + "; ".join(self.trace[-5:])

    def unknown_found(self, n):
        allowed = self.before.connections if self.before else 0
        if n > allowed:
            self.wrong.append("unknown: %d after a death with %d connections open: %s" % (n, allowed, self.story()))
        if self.before:
            self.before.unknown = n

    def end(self):
        """A clean end of a daemon without plug."""
        self.p.send_signal(signal.SIGTERM)
        status = self.watch(30 * abv.SLOW)
        os.close(self.pid)
        assert status == 0, "ended with %s: %s" % (status, self.errors()[-2000:])

    def drain(self, scale):
        """Without deaths until every enrollment has ended; all chores are done."""
        self.begin(scale=scale, plugged=False)
        assert self.up(), self.story() + "\n" + self.complaints()
        for name in list(self.pending):
            assert self.work(name), name
        wait_for(lambda: self.json("status")[0]["counts"]["active"] == 0, 60, 0.05)
        self.end()

    def findings(self):
        """What the oracle says, and whether deaths left more in doubt than connections were open."""
        events = self.log()
        ctl = [os.path.join(BUILD, "abvctl"), "--config", self.conf]
        found = oracle.Oracle(self.facts, events, oracle.read_sink(self.sink.log), os.path.join(self.home, "abvd.db"), ctl).judge()
        unknown = sum(oracle.unknown_at_starts(events))
        allowed = sum(d.connections for d in self.deaths)
        if unknown > allowed:
            found.append("unknown: %d, with %d connections open at the deaths" % (unknown, allowed))
        return found + self.wrong, unknown

    def remove(self):
        super().remove()
        shutil.rmtree(self.plug, ignore_errors=True)
