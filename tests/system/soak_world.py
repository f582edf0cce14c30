"""The world of the soak: contacts that come in, a relay with moods, people and machines that answer, an administrator who edits, reloads,
rotates and restarts, and clients of the control socket. What is chosen by chance comes from one seed; when it happens, from the machine."""
import collections, datetime, glob, heapq, json, os, random, re, shutil, signal, socket, string, time
import abv
from abv import Abvd, FakeSmtp, GATE_TEXT, ROOT, free_port, wait_for

START = "2026-01-05T06:00:00Z"
HOUR, DAY = 3600, 86400
ZONES = ["Europe/Paris", "Europe/Helsinki", "America/New_York", "America/Sao_Paulo", "America/Los_Angeles", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney", ""]
OURS = ("me@soak.example", "owner@soak.example")  # `abvctl test` and the notes about replies: no touches
CONNECTIONS = 20

# Policy 1 is tighter than policy 0; a reload changes between them. The rest of the file is the same.
CADENCE = ["""
  contact = { min_gap = "2bd"; limits = ["2 per 7d", "6 per 30d"]; };
  account = { limits = ["4 per 7d"]; min_gap = "6h"; };
  provider = { limits = ["60 per 1h"]; };  sender = { limits = ["2500 per 1d"]; };
  window = { days = "mon-fri"; hours = "08:00-18:00"; timezone = "contact"; default_timezone = "Europe/Paris"; holidays = ["holidays.ics"]; };
  backoff = { factor = 1.3; max_gap = "30d"; };  sunset = { touches = 8; silence = "100d"; };  gifts_per_ask = 3;""", """
  contact = { min_gap = "3bd"; limits = ["1 per 6d", "5 per 30d"]; };
  account = { limits = ["3 per 7d"]; min_gap = "1d"; };
  provider = { limits = ["40 per 1h"]; };  sender = { limits = ["2000 per 1d"]; };
  window = { days = "mon-fri"; hours = "09:00-17:00"; timezone = "contact"; default_timezone = "Europe/Paris"; holidays = ["holidays.ics"]; };
  backoff = { factor = 1.5; max_gap = "30d"; };  sunset = { touches = 7; silence = "90d"; };  gifts_per_ask = 3;"""]

CONF = """
sender = { from = "Dana Reyes <dana@example.com>"; return_path = "bounce@example.com"; postal_address = "Example Ltd, 1 Main St, Springfield";
  unsubscribe = "mailto:unsubscribe@example.com"; warmup = { start = 60; growth = 1.4; target = 2500; }; };
smtp = { url = "smtp://127.0.0.1:%(port)d"; tls = "none"; connections = %(connections)d; rate = "400 per 1h"; retry_for = "4d";
  timeouts = { connect = "3s"; command = "3s"; data = "3s"; dot = "4s"; }; };
inbox = { maildir = "inbox"; };
cadence = { %(cadence)s };
consent = { accept = ["opt_in", "customer", "inquiry"]; max_age = "2y"; };
on_reply = { account_hold = "10d"; notify = "owner@soak.example"; };
account_aliases = ( { account = "Holding"; domains = ["holding.example", "holding-group.example"]; } );
store = { path = "abvd.db"; keep_events = "60d"; };  log = { path = "engagement.jsonl"; };  control = { socket = "control.sock"; };
"""

LETTERS = """sequence = { name = "letters"; enroll = "on_import"; priority = -5;
  steps = ( %s );
  cadence = { contact = { min_gap = "4bd"; limits = ["1 per 10d"]; }; window = { days = "tue-thu"; hours = "09:00-16:00"; }; backoff = { factor = 1.5; };
    sunset = { touches = 6; silence = "80d"; }; }; };
"""

ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//soak//EN\r\n%sEND:VCALENDAR\r\n" % "".join(
    "BEGIN:VEVENT\r\nUID:h%d\r\nDTSTART;VALUE=DATE:2025%s\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\n" % (i, d) for i, d in enumerate(["0101", "0501", "0815", "1224", "1225"]))

# Of a thousand recipients: these faults. Moods of the relay, one chosen at each of its starts.
MOODS = [("", 1), ("tempfail+99=25,tempdata=15,baduser=4,ok251=20,multi=20,split=5", 5),
         ("tempfail+99=20,baduser=4,policy=3,toolarge=1,tempdatacmd=8,421-mail=6,tempmail=4,421-dot=4,hangup-rcpt=6,hangup-data=6,early-552=2,multi=10", 4),
         ("hangup-dot=8,rst-dot=5,silent-dot=2,silent-rcpt=1,garbage-dot=2,longline=2,slow-dot+300=20,slow-dot+6000=2,rcpt-354=3,baddata=2,relaydenied=2", 4)]
RELAY_OPTIONS = [[], ["--latency", "3"], ["--reply-limit", "20"], ["--no-pipelining"], ["--max-connections", "4"], ["--greylist", "2"], ["--keep-refused"], ["--no-smtputf8"]]


def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def rfc3339(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Relay:
    """tests/fake's relay, ended and started again on one port; what it took, by Message-ID."""

    def __init__(self, rnd):
        self.rnd, self.port, self.smtp, self.home = rnd, free_port(), None, abv.tempfile.mkdtemp(prefix="abv-soak-relay-")
        self.took, self.starts, self.log, self.torn, self.fresh = collections.Counter(), 0, None, "", []
        self.maildir = os.path.join(self.home, "Maildir")

    def start(self, calm=False):
        self.starts += 1
        options = [] if calm else self.rnd.choice(RELAY_OPTIONS)
        chance = "" if calm else self.rnd.choices([m for m, _ in MOODS], [n for _, n in MOODS])[0]
        self.smtp = FakeSmtp(self.home, "--port", str(self.port), "--seed", str(self.rnd.randrange(1 << 30)), "--chance", chance, *options)
        self.log = open(self.smtp.log)

    def end(self, sig=signal.SIGTERM):
        self.smtp.end(sig)
        self.read()
        self.log.close()
        os.unlink(self.smtp.log)
        self.log, self.torn = None, ""

    def read(self):
        lines = (self.torn + self.log.read()).split("\n") if self.log else [""]
        self.torn = lines.pop()
        for line in lines:
            if '"event":"message"' in line:
                e = json.loads(line)
                if e["to"] not in OURS:
                    self.took[e["message_id"].strip("<>")] += 1
                    self.fresh.append((e["from"], e["to"], e["message_id"].strip("<>")))

    def taken(self):
        """What was accepted since the last call: (envelope sender, recipient, Message-ID)."""
        self.read()
        out, self.fresh = self.fresh, []
        return out

    def heads(self):
        """{Message-ID: head} of the Maildir's new messages, which are taken away."""
        out, new = {}, os.path.join(self.maildir, "new")
        for name in os.listdir(new) if os.path.isdir(new) else []:
            with open(os.path.join(new, name), encoding="utf-8", errors="replace") as f:
                head = f.read(4096).split("\n\n", 1)[0]
            os.unlink(os.path.join(new, name))
            out[re.search(r"(?m)^Message-ID: <(.*)>", head).group(1)] = head
        return out


class World:
    def __init__(self, scale, seed):
        self.rnd, self.scale = random.Random(seed), scale
        self.relay = Relay(self.rnd)
        self.relay.start(calm=True)
        self.a = a = Abvd(self.relay.port, steps=8)
        self.policy, self.edits, self.rotations, self.people, self.domains, self.paused, self.doubt, self.seq = 0, 0, 0, [], 0, None, {}, 0
        self.did, self.later, self.clients, self.anchor = collections.Counter(), [], [], None
        self.calm = self.relay_down = False
        os.unlink(os.path.join(a.home, "sequences.d/course.conf"))
        for d in ("new", "cur", "tmp"):
            os.makedirs(os.path.join(a.home, "inbox", d))
        for name in glob.glob(os.path.join(ROOT, "templates/*.md")) + glob.glob(os.path.join(ROOT, "tests/try/templates/*.md")):
            shutil.copy(name, os.path.join(a.home, "templates"))
        for name in [os.path.join(ROOT, "etc/sequences.d/getting-started.conf")] + glob.glob(os.path.join(ROOT, "tests/try/sequences.d/*.conf")):
            shutil.copy(name, os.path.join(a.home, "sequences.d"))
        a.write("sequences.d/letters.conf", LETTERS % ", ".join('{ name = "letter%d"; after = "%s"; template = "step%d.md"; %s }' % (
            n, "0d" if n == 1 else "10d", n, 'expire = "40d";' if n % 3 == 0 else "") for n in range(1, 9)))
        a.write("holidays.ics", ICS)
        self.configure()

    # ---- the clock: of abvd, taken from its status and carried on

    def now(self):
        return self.anchor[0] + (time.monotonic() - self.anchor[1]) * self.scale

    def status(self):
        s = self.a.json("status")[0]
        self.anchor = (parse_time(s["now"]), time.monotonic())
        return s

    def start(self):
        self.a.start("--time-scale", str(self.scale), "--now", START)
        self.status()

    def at(self, delay, act, *args):
        """act(*args), so many simulated seconds later."""
        self.seq += 1
        heapq.heappush(self.later, (self.now() + delay, self.seq, act, args))

    def turn(self):
        self.listen()
        while self.later and self.later[0][0] <= self.now():
            _, _, act, args = heapq.heappop(self.later)
            act(*args)

    def day(self):
        """A day's work: each act so often as its rate says, at any hour."""
        for rate, act in ACTS:
            n = int(rate) + (self.rnd.random() < rate % 1)
            for _ in range(0 if self.calm and act in FAULTS else n):
                self.at(self.rnd.uniform(0, DAY), self.do, act)

    def do(self, act):
        if not (self.calm and act in FAULTS):
            self.did[act.__name__] += 1
            act(self)

    def ctl(self, *args, input=None):
        """A command that the daemon may refuse, but must answer."""
        r = self.a.ctl(*args, status=None, input=input)
        assert r.returncode in (0, 1), "abvctl %s: status %d\n%s%s\n%s" % (" ".join(args), r.returncode, r.stdout, r.stderr, self.a.errors()[-3000:])
        return r

    def calm_down(self):
        """No more faults, so that what is still on its way arrives."""
        self.calm = True
        if not self.relay_down:
            self.relay.end()
            self.relay.start(calm=True)

    # ---- contacts

    def configure(self):
        self.a.write("abvd.conf", CONF % {"port": self.relay.port, "connections": CONNECTIONS, "cadence": CADENCE[self.policy]})

    def policy_files(self):
        """A configuration for each policy that was in force, for the audit."""
        before, out = self.policy, []
        for self.policy in range(len(CADENCE)):
            self.configure()
            os.rename(self.a.conf, os.path.join(self.a.home, "policy%d.conf" % self.policy))
            out.append(os.path.join(self.a.home, "policy%d.conf" % self.policy))
        self.policy = before
        self.configure()
        return out

    def row(self):
        r = self.rnd
        if r.random() < 0.7 or not self.domains:
            self.domains += 1
        domain = r.choices(["company%d.example" % (self.domains - r.randrange(min(3, self.domains))), "gmail.com", "holding-group.example"], [90, 8, 2])[0]
        address = "p%d@%s" % (len(self.people), domain)
        self.people.append(address)
        consent = r.choices(["opt_in", "customer", "inquiry", "", "rumour"], [70, 15, 10, 3, 2])[0]
        tags = ";".join(t for t, p in (("data", 0.3), ("finance", 0.2), ("VIP", 0.02)) if r.random() < p)
        return "%s,%s,Example,%s,%s,%s,%s,%d,%s,%s" % (address, r.choice(["Ana", "Ben", "Chloé", "Elif", ""]), r.choice(ZONES), consent, "web form" if consent else "",
                                                       rfc3339(self.now() - r.uniform(1, 760) * DAY), r.randrange(5, 900), r.choice(["saas", "logistics"]), tags)

    def take_in(self, n):
        rows = [self.row() for _ in range(n)]
        if self.rnd.random() < 0.2:
            rows.append("no address,,,,,,,,,")
        self.ctl("import", "-", input="email,first_name,last_name,timezone,consent,consent_source,consent_at,employees,industry,tags\n" + "\n".join(rows) + "\n")

    # ---- what comes back

    def listen(self):
        taken, heads = self.relay.taken(), self.relay.heads()
        for envelope, to, mid in taken:
            for share, letter in ANSWERS:
                if self.rnd.random() < share:
                    self.at(self.rnd.uniform(1, 72) * HOUR, self.answer, letter, envelope, to, mid, heads.get(mid, ""))
                    break

    def answer(self, letter, *about):
        self.did[letter.__name__] += 1
        text = letter(self.rnd, *about)
        if text is None:
            return
        text = "Message-ID: <%s@client.example>\n%s" % ("".join(self.rnd.choices(string.ascii_lowercase, k=16)), text)
        way = self.rnd.choices(["maildir", "deliver", "both"], [60, 35, 5])[0]
        if way != "deliver":
            name = "%d.%d.soak" % (time.time_ns(), self.rnd.randrange(1 << 30))
            self.a.write("inbox/tmp/" + name, text)
            os.rename(os.path.join(self.a.home, "inbox/tmp", name), os.path.join(self.a.home, "inbox/new", name))
        if way != "maildir":
            self.ctl("deliver", input=text)

    # ---- the operator's day

    def operate(self, status):
        """What somebody who looks once a day does: goes on after a pause that abvd made, and resolves what is in doubt by the relay's log."""
        if status["paused"] and self.paused is None:
            self.did["resumed by the operator"] += 1
            self.ctl("resume")
        seen = self.doubt
        self.doubt = {}
        for row in self.a.json("unknown"):
            first = seen.get(row["id"], time.monotonic())
            if time.monotonic() - first < 8:  # a slow relay may still take it
                self.doubt[row["id"]] = first
                continue
            self.listen()
            action = "accept" if self.relay.took[row["message_id"].strip("<>")] else self.rnd.choice(["resend", "drop"])
            self.did["unknown " + action] += 1
            self.ctl("unknown", action, str(row["id"]))
        for name in os.listdir(os.path.join(self.a.home, "inbox/cur")):  # a mail program that tidies up
            os.unlink(os.path.join(self.a.home, "inbox/cur", name))

    def reload(self):
        """SIGHUP, and waits for what comes of it; true when it was taken."""
        before = os.path.getsize(self.a.stderr)
        self.a.signal(signal.SIGHUP)

        def told():
            with open(self.a.stderr, errors="replace") as f:
                f.seek(before)
                return re.search(r"configuration loaded|reload refused: the configuration", f.read())
        return wait_for(told).group(0) == "configuration loaded"

    def restart(self, kill):
        self.did["kill -9" if kill else "restart"] += 1
        if kill:
            self.a.kill()
        else:
            self.a.stop()
        self.start()

    def dismiss_clients(self):
        for s in self.clients:
            s.close()
        self.clients = []

    def person(self):
        return self.rnd.choice(self.people[-4000:])


# ---- letters that come back: the text without Message-ID

def human(rnd, envelope, to, mid, head):
    return "From: %s\nTo: dana@example.com\nSubject: Re: your letter\nIn-Reply-To: <%s>\nReferences: <%s>\n\n%s\n\nOn Monday Dana wrote:\n> Hello\n> this and that\n" % (
        to, mid, mid, rnd.choice(["Thank you, this is useful.", "Can we talk next week?", "I forwarded it to a colleague.\n" * 20]))


def away(rnd, envelope, to, mid, head):
    return "From: %s\nTo: dana@example.com\nSubject: Out of office\nAuto-Submitted: auto-replied\nIn-Reply-To: <%s>\n\n%s\n" % (
        to, mid, rnd.choice(["I am away and will be back in 9 days.", "I am out of the office.", "Ich bin in zwei Wochen wieder da."]))


def leave(rnd, envelope, to, mid, head):
    link = re.search(r"List-Unsubscribe:\s+<mailto:([^?]*)\?subject=([^>]*)>", head)
    if link and rnd.random() < 0.7:
        return "From: private%d@home.example\nTo: %s\nSubject: %s\n\n\n" % (rnd.randrange(1 << 30), link.group(1), link.group(2).replace("%20", " "))
    return "From: %s\nTo: dana@example.com\nSubject: Re: your letter\nIn-Reply-To: <%s>\n\nPlease remove me from your list.\n" % (to, mid)


def report(kind, to, envelope, fields, mid):
    return ("From: MAILER-DAEMON@mx.example\nTo: %s\nSubject: about your message\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=%s; boundary=b\n\n"
            "--b\nContent-Type: text/plain\n\nThis is about your message.\n\n--b\nContent-Type: message/%s\n\n%s\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <%s>\nTo: %s\n\n--b--\n"
            % (envelope, kind, kind, fields, mid, to))


def bounce(rnd, envelope, to, mid, head):
    action, status = rnd.choice([("failed", "5.1.1"), ("failed", "5.2.1"), ("failed", "4.4.7"), ("failed", "5.2.2"), ("delayed", "4.4.1"), ("relayed", "2.0.0")])
    return report("delivery-status", to, envelope, "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; %s\nAction: %s\nStatus: %s\nDiagnostic-Code: smtp; 550 %s no\n" % (
        to, action, status, status), mid)


def complaint(rnd, envelope, to, mid, head):
    return report("feedback-report", to, envelope, "Feedback-Type: abuse\nUser-Agent: soak/1\nVersion: 1\nOriginal-Rcpt-To: <%s>\n" % to, mid)


def receipt(rnd, envelope, to, mid, head):
    return report("disposition-notification", to, envelope, "Final-Recipient: rfc822; %s\nOriginal-Message-ID: <%s>\nDisposition: manual-action/MDN-sent-manually; displayed\n" % (to, mid), mid)


def noise(rnd, envelope, to, mid, head):
    if rnd.random() < 0.1:
        return "".join(chr(rnd.randrange(32, 0x2ff)) for _ in range(3000))
    return "From: news%d@shop.example\nTo: dana@example.com\nSubject: %s\nPrecedence: bulk\nList-Id: <news.shop.example>\n\n%s\n" % (rnd.randrange(99), "offers", "Much text.\n" * rnd.randrange(400))


ANSWERS = [(0.02, human), (0.03, away), (0.006, leave), (0.012, bounce), (0.0003, complaint), (0.003, receipt), (0.01, noise)]


# ---- what happens on a day

def newcomers(w):
    w.take_in(w.rnd.randrange(20, 70))


def change_some(w):
    w.ctl("import", "-", input="email,employees,note\n" + "".join("%s,%d,changed\n" % (w.person(), w.rnd.randrange(900)) for _ in range(30)))


def enroll_many(w):
    w.ctl("enroll", w.rnd.choice(["getting-started", "getting-started", "data-quality", "month-end"]), *w.rnd.choice([["--all"], ["--tag", "data"], ["--tag", "VIP"]]))


def enroll_one(w):
    w.ctl("enroll", "getting-started", "--contact", w.person())


def stop_one(w):
    w.ctl("stop", w.person())


def pause_all(w):
    if w.paused is None:
        w.ctl("pause")
        w.paused = True
        w.at(w.rnd.uniform(2, 30) * HOUR, resume_all, w)


def resume_all(w):
    w.ctl("resume")
    w.paused = None


def pause_one(w):
    name = w.rnd.choice(["letters", "getting-started", "data-quality"])
    w.ctl("pause", name)
    w.at(w.rnd.uniform(2, 50) * HOUR, w.ctl, "resume", name)


def hold(w):
    w.ctl("hold", w.person(), "--until", w.rnd.choice(["7d", "3bd", "1h"]))


def suppress(w):
    w.ctl("suppress", w.rnd.choice([w.person(), w.person(), "@" + w.person().split("@")[1].replace("gmail.com", "nowhere.example")]))


def unsuppress(w):
    w.ctl("unsuppress", w.person(), "--reason", "asked for it", *w.rnd.choice([[], ["--force"]]))


def forget(w):
    w.ctl("forget", w.person())


def look(w):
    w.ctl(w.rnd.choice(["show", "explain", "explain", "export"]), w.person(), "--json")


def look_at_all(w):
    w.ctl(*w.rnd.choice([["queue", "--limit", "500"], ["config"], ["status"], ["unknown"]]), "--json")


def test_letter(w):
    w.ctl("test", "getting-started", "checklist", "--to", OURS[0])


def reload_same(w):
    assert w.reload()


def edit_letter(w):
    n = w.rnd.randrange(1, 9)
    w.edits += 1
    w.a.template("step%d.md" % n, "Onboarding worksheet %d for {{account}}{{^account}}you{{/account}}" % n,
                 GATE_TEXT % {"n": n} + "\nEdition %d of this sheet has %d rows more than the one before.\n" % (w.edits, w.edits % 50 + 2))
    assert w.reload()


def change_policy(w):
    w.policy = 1 - w.policy
    w.configure()
    assert w.reload()


def break_configuration(w):
    w.a.write("abvd.conf", w.rnd.choice(["sender = {", "", CONF % {"port": w.relay.port, "connections": 0, "cadence": "colour = 3;"}]))
    assert not w.reload()
    w.configure()
    if w.rnd.random() < 0.5:
        assert w.reload()


def break_template(w):
    """A letter that the gate refuses holds its sequence up until it is mended."""
    w.a.template("duplicates.md", "Following up", "Hi,\n\njust checking in. Any thoughts?\n")
    w.reload()

    def mend():
        shutil.copy(os.path.join(ROOT, "tests/try/templates/duplicates.md"), os.path.join(w.a.home, "templates"))
        assert w.reload()
    w.at(w.rnd.uniform(5, 40) * HOUR, mend)


def rotate(w):
    """As logrotate does it with nocreate: the older files move up, then the signal."""
    log = w.a.logfile
    for n in range(w.rotations, 0, -1):
        os.rename("%s.%d" % (log, n), "%s.%d" % (log, n + 1))
    os.rename(log, log + ".1")
    w.rotations += 1
    w.a.signal(signal.SIGUSR1)
    wait_for(lambda: os.path.exists(log))


def relay_restart(w):
    if w.relay_down:
        return
    w.relay_down = True
    w.relay.end(w.rnd.choice([signal.SIGTERM, signal.SIGKILL]))

    def up():
        w.relay.start(calm=w.calm)
        w.relay_down = False
    w.at(w.rnd.uniform(0.1, 8) * HOUR, up)


def clients(w):
    """Connections that say nothing, half a request, or leave before the answer."""
    for _ in range(w.rnd.randrange(1, 12)):
        s = socket.socket(socket.AF_UNIX)
        s.connect(w.a.sock)
        s.sendall(w.rnd.choice([b"", b"POST /v1/status HT", b"POST /v1/status HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
                                b"POST /v1/queue HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{", b"\0\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"]))
        if w.rnd.random() < 0.5:
            s.close()
        else:
            w.clients.append(s)
    w.at(w.rnd.uniform(0, 40) * HOUR, w.dismiss_clients)


ACTS = [(0.75, newcomers), (0.2, change_some), (0.3, enroll_many), (1, enroll_one), (0.3, stop_one), (0.05, pause_all), (0.08, pause_one), (0.5, hold), (0.2, suppress),
        (0.1, unsuppress), (0.1, forget), (2.0, look), (0.5, look_at_all), (0.1, test_letter), (0.1, reload_same), (0.1, edit_letter), (0.06, change_policy),
        (0.1, break_configuration), (0.03, break_template), (1 / 20, rotate), (0.4, relay_restart), (1.5, clients)]
FAULTS = {newcomers, enroll_many, pause_all, pause_one, break_configuration, break_template, relay_restart, clients, change_policy}
