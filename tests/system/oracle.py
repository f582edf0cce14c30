"""Judges a home after its daemon died many times: the invariants (each `check` tells which), from the three witnesses: what the relay took, what
the store says, what the log says. It shares nothing with abvd, and `abvctl audit` gets its say too. Every finding is a line of text."""
import collections, datetime, json, sqlite3, subprocess

DAY = 86400


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def some(things):
    things = sorted(things, key=str)
    return "%d: %s" % (len(things), ", ".join(str(t) for t in things[:4]))


class Facts:
    """What the test knows: it asked for it and was told that it is done."""

    def __init__(self, contact, account, gifts, steps):
        self.contact, self.account, self.gifts = contact, account, gifts  # caps: (n, seconds)
        self.steps = steps          # sequence -> names
        self.imported = set()       # addresses
        self.replied = {}           # address -> what was said when its one message was taken
        self.suppressed = set()
        self.forgotten = set()


class Oracle:
    def __init__(self, facts, events, relay, store, ctl):
        """events: lines of the log, parsed; relay: what it saw (read_sink); store: the database's path; ctl: abvctl with its options."""
        self.f, self.events, self.relay = facts, events, relay
        self.received = [m for m in relay if m["event"] == "message"]
        self.store, self.ctl, self.findings = store, ctl, []

    def expect(self, yes, text):
        if not yes:
            self.findings.append(text)

    def of(self, *names):
        return [e for e in self.events if e["event"] in names]

    def judge(self):
        for check in (self.check_log, self.check_relay, self.check_agreement, self.check_store, self.check_nothing_lost, self.check_caps,
                      self.check_stops, self.check_gifts, self.check_promises):
            check()
        return self.findings

    def check_log(self):
        seqs = [e["seq"] for e in self.events]
        wrong = [(a, b) for a, b in zip([0] + seqs, seqs) if b != a + 1]
        self.expect(not wrong, "log: gap or double line: %s" % some(wrong))

    def check_relay(self):
        """2, 6: nothing arrives twice, neither the message nor the content. And no envelope left before its touch was reserved: its number,
        which stands in the return path, would be given again after a crash."""
        ids = collections.Counter(m["message_id"] for m in self.received)
        self.expect(not [i for i in ids if ids[i] > 1], "duplicates: Message-IDs accepted twice: %s" % some(i for i in ids if ids[i] > 1))
        content = collections.Counter((m["to"], m["subject"]) for m in self.received)
        self.expect(not [c for c in content if content[c] > 1], "duplicates: content accepted twice: %s" % some(c for c in content if content[c] > 1))

        people = collections.defaultdict(set)
        for m in self.relay:
            if m["event"] in ("rcpt", "message"):
                people[m["from"]].add(m["to"])
        self.expect(not [p for p in people if len(people[p]) > 1], "one touch for several people: %s" % some((p, people[p]) for p in people if len(people[p]) > 1))

    def check_agreement(self):
        """3: what is told as sent was accepted; what was accepted is told as sent or unknown; each once."""
        told = collections.Counter(e["message_id"] for e in self.of("sent", "unknown"))
        sent = {e["message_id"] for e in self.of("sent")}
        took = {m["message_id"] for m in self.received}
        self.expect(not [i for i in told if told[i] > 1], "told twice: %s" % some(i for i in told if told[i] > 1))
        self.expect(sent <= took, "lost: told as sent, never accepted: %s" % some(sent - took))
        self.expect(took <= set(told), "accepted, told neither as sent nor as unknown: %s" % some(took - set(told)))

    def check_store(self):
        """The store says the same as the log, and is whole."""
        db = sqlite3.connect("file:%s?mode=ro" % self.store, uri=True)
        said = [r[0] for r in db.execute("PRAGMA integrity_check")]
        self.expect(said == ["ok"], "store: %s" % some(said))
        touches = db.execute("SELECT message_id, state FROM touch").fetchall()
        people = {r[0] for r in db.execute("SELECT email FROM contact")}
        last = db.execute("SELECT event_last FROM figure").fetchone()[0]
        db.close()
        for state, event in ((3, "sent"), (6, "unknown")):
            stored, told = {i for i, s in touches if s == state}, {e["message_id"] for e in self.of(event)}
            self.expect(stored == told, "%s: the store and the log differ in %s" % (event, some(stored ^ told)))
        self.expect(not [i for i, s in touches if s == 1], "store: in flight after the end: %s" % some(i for i, s in touches if s == 1))
        self.expect(last == len(self.events), "the store's last event is %d, the log's %d" % (last, len(self.events)))
        self.expect(self.f.imported <= people, "lost: imported, not in the store: %s" % some(self.f.imported - people))

    def check_nothing_lost(self):
        """3: each step of each enrollment is sent, unknown, skipped with a reason, or behind the enrollment's stop with a reason."""
        done, ended, enrolled = collections.Counter(), {}, collections.Counter()
        for e in self.events:
            key = (e.get("contact"), e.get("sequence"))
            if e["event"] in ("sent", "unknown", "skipped"):
                done[key + (e["step"],)] += 1
                self.expect(e["event"] != "skipped" or e.get("reason"), "skipped without a reason: %s" % (key,))
            elif e["event"] in ("completed", "stopped"):
                self.expect(key not in ended, "ended twice: %s" % (key,))
                self.expect(e["event"] == "completed" or e.get("reason"), "stopped without a reason: %s" % (key,))
                ended[key] = e["event"]
            elif e["event"] == "enrolled":
                enrolled[key] += 1
        self.expect(not [k for k in enrolled if enrolled[k] > 1], "enrolled twice: %s" % some(k for k in enrolled if enrolled[k] > 1))
        self.expect(not [k for k in done if done[k] > 1], "a step twice: %s" % some(k for k in done if done[k] > 1))
        lost = [key + (s,) for key in enrolled if ended.get(key) != "stopped" for s in self.f.steps[key[1]] if not done[key + (s,)]]
        self.expect(not lost, "lost: steps that are nowhere: %s" % some(lost))
        self.expect(not set(enrolled) - set(ended), "not ended although all was waited for: %s" % some(set(enrolled) - set(ended)))

    def check_caps(self):
        """1: by brute force, every rolling window."""
        for key, limits in (("contact", self.f.contact), ("account", self.f.account)):
            times = collections.defaultdict(list)
            for e in self.of("sent", "unknown"):
                if e.get(key):
                    times[e[key]].append(instant(e["ts"]))
            for who, ts in times.items():
                ts.sort()
                for n, per in limits:
                    over = [i for i in range(len(ts) - n) if ts[i + n] - ts[i] < per - 0.0005]
                    self.expect(not over, "caps: %s got more than %d in %d s" % (who, n, per))

    def check_stops(self):
        """4: nothing is handed over once an answer or a suppression is known. An answer does not concern what is asked for after it."""
        known, enrolled = {}, {}  # contact -> suppressed; contact -> sequence -> answered
        for e in self.events:
            who, at = e.get("contact"), instant(e["ts"])
            if e["event"] == "enrolled":
                enrolled.setdefault(who, {})[e["sequence"]] = None
            elif e["event"] == "replied":
                for q, since in enrolled.get(who, {}).items():
                    enrolled[who][q] = since or at
            elif e["event"] in ("suppressed", "unsubscribed", "complained"):
                known.setdefault(who, at)
            elif e["event"] in ("sent", "unknown"):
                since = [t for t in (known.get(who), enrolled[who][e["sequence"]]) if t]
                self.expect(not since or instant(e["handed_at"]) <= min(since), "%s to %s after it said no (seq %d)" % (e["event"], who, e["seq"]))

    def check_gifts(self):
        """5: an ask has its accepted value touches."""
        gifts = collections.Counter()
        for e in self.of("sent", "unknown"):
            if e["kind"] == "ask":
                self.expect(gifts[e["contact"]] >= self.f.gifts, "an ask to %s after %d gifts" % (e["contact"], gifts[e["contact"]]))
                gifts[e["contact"]] = 0
            elif e["event"] == "sent":
                gifts[e["contact"]] += 1

    def check_promises(self):
        """What a command said is done stays done: once."""
        replies = collections.Counter(e["contact"] for e in self.of("replied"))
        wrong = ["%s (%d times; %s)" % (c, replies[c], said) for c, said in self.f.replied.items() if replies[c] != 1]
        self.expect(not wrong, "replies that were delivered and are not told once: %s" % some(wrong))
        suppressed = {e["contact"] for e in self.of("suppressed")}
        self.expect(self.f.suppressed <= suppressed, "lost suppressions: %s" % some(self.f.suppressed - suppressed))
        left = [c for c in self.f.forgotten for e in self.events if e.get("contact") == c]
        self.expect(not left, "forgotten people in the log: %s" % some(left))
        n = len(self.of("forgotten"))
        self.expect(n == len(self.f.forgotten), "%d people were forgotten, and it was asked for %d" % (n, len(self.f.forgotten)))
        r = subprocess.run(self.ctl + ["--json", "audit"], capture_output=True, text=True)
        self.expect(r.returncode == 0, "audit: " + r.stdout[:600] + r.stderr[:200])


def unknown_at_starts(events):
    """How many each start had to call unknown because of the deaths before it."""
    counts, n = [], 0
    for e in events:
        if e["event"] == "unknown" and not e.get("smtp_reply"):
            n += 1
        elif e["event"] == "daemon_started":
            counts.append(n)
            n = 0
    return counts


def read_sink(path):
    """The relay's transcript: dicts with event, from, to and, of a `message` that it took, message_id and subject."""
    with open(path) as f:
        lines = [json.loads(l) for l in f if l.endswith("\n")]
    return [dict(m, message_id=m.get("message_id", "").strip("<>")) for m in lines]


def messages(path):
    return [m for m in read_sink(path) if m["event"] == "message"]
