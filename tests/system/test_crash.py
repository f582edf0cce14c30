#!/usr/bin/env python3
"""Dies at every named point, again and again, by kill -9 and by loss of power, and goes on; then the invariants are judged from what the relay
took, the store and the log (oracle.py). abvd runs as it is delivered; tests/fake/plug.c pulls its plug.

ABV_CRASHES=N: so many deaths (500; under ABV_SLOW 150). ABV_SEED=N: another history. ABV_POINT=TEXT: only points with it in their label."""
import collections, os, random, sqlite3, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crash_world import *

CRASHES = int(os.environ.get("ABV_CRASHES", "150" if os.environ.get("ABV_SLOW") else "500"))
SEED = int(os.environ.get("ABV_SEED", "1"))
ONLY = os.environ.get("ABV_POINT", "")
OUTSIDE = "from outside, at any time"
PHASES = (("begin", "before"), ("half", "half written"), ("unsynced", "before its fsync"), ("synced", "after its fsync"))


def commits(label, context, last, action=None):
    return [("%s: %s" % (label, text), "%s.%s" % (context, phase), 1, last, action) for phase, text in PHASES]


# A label; the point of plug.c and the first and last of its passings at which to die; what is done meanwhile to get there.
POINTS = (
    commits("reserve", "reserve", 3) + [("envelope: before it leaves", "mail", 1, 10, None), ("envelope: left", "mail-sent", 1, 10, None),
    ("354: read", "354", 1, 10, None), ("body: half of it left", "body-half", 1, 10, None)] + commits("handed", "hand", 5)
    + [("dot: before", "dot", 1, 10, None), ("dot: half of it left", "dot-half", 1, 10, None), ("dot: left", "dot-sent", 1, 10, None),
       ("250: read", "reply", 1, 10, None)] + commits("record", "record", 5) + commits("any commit", "any", 8)
    + [("log: before a write", "log", 1, 8, None), ("log: half written", "log-half", 1, 8, None), ("log: written", "log-written", 1, 8, None)]
    + commits("start", "start", 2)
    + [("start: log opened", "log-opened", 1, 1, None), ("start: before the log's fsync", "log-unsynced", 1, 1, None),
       ("start: after the log's fsync", "log-synced", 1, 1, None), ("start: before the socket", "rename", 1, 1, None),
       ("start: socket there", "renamed", 1, 1, None)]
    + [("reload: before it is read", "conf-open", 2, 2, "reload")] + commits("reload", "reload", 1, "reload")
    + [("rotation: before the new file", "log-open", 2, 2, "rotate"), ("rotation: new file", "log-opened", 2, 2, "rotate"),
       ("rotation: before the old one's fsync", "log-unsynced", 2, 2, "rotate")] + commits("rotation", "rotate", 1, "rotate")
    + [p for verb in ("import", "enroll", "deliver", "suppress") for p in commits(verb, verb, 1, verb)]
    + [("import: between two transactions", "import.synced", 1, 1, "crowd"), ("import: in the second transaction", "import.half", 2, 2, "crowd")]
    + [("forget: log rewritten", "rename", 2, 2, "forget"), ("forget: log replaced", "renamed", 2, 2, "forget")]
    + [("checkpoint: before", "db-write", 1, 1, "forget"), ("checkpoint: on its way", "db-write", 2, 40, "forget"),
       ("checkpoint: half a page", "db-half", 1, 40, "forget"), ("checkpoint: before its fsync", "db-unsynced", 1, 1, "forget"),
       ("checkpoint: after its fsync", "db-synced", 1, 1, "forget"), ("checkpoint: before the cut", "wal-cut", 1, 1, "forget")]
    + [("end: before the log's fsync", "log-unsynced", 2, 2, "end"), ("end: checkpoint on its way", "db-write", 1, 40, "end"),
       ("end: before the checkpoint's fsync", "db-unsynced", 1, 1, "end"), ("end: after it", "db-synced", 1, 1, "end"),
       ("end: before the write-ahead log goes", "wal-unlink", 1, 1, "end"), ("end: it is gone", "wal-unlinked", 1, 1, "end")])
BY_LABEL = {p[0]: p for p in POINTS}
# What only happens after another death: the label of that one, and the kind.
PAIRS = {"start: torn line cut": ("log-cut", "log: half written"),
         # a commit that was written and not synced is there at the next start: it must be safe before the log tells of it
         "start: log ahead of the store": ("log-synced", "any commit: before its fsync"),
         # what the rotated file ends with must be as safe as what follows it in the new one
         "start: new log behind a rotation": ("log-synced", "rotation: before the old one's fsync")}
POWERED = ("start: log ahead of the store", "start: new log behind a rotation")
for label, (point, _) in PAIRS.items():
    BY_LABEL[label] = (label, point, 1, 1, None)

# In a home of their own: a store that is made, and one of an older abvd that is migrated (its version stands in the label).
MADE = [("creation: the file's first pages", "db-write", 1, 2, None), ("creation: its fsync", "db-unsynced", 1, 1, None),
        ("creation: behind its fsync", "db-synced", 1, 1, None), ("creation: log", "log-opened", 1, 1, None), ("creation: socket", "rename", 1, 1, None)]
MADE += commits("creation", "start", 5)
MIGRATED = {v: [("migration from %d: %s" % (v, text), "start.%s" % phase, 1, last, None) for phase, text in PHASES] for v, last in ((1, 2), (2, 1))}
MIGRATED[1].append(("migration from 1: second step written", "start.half", 2, 2, None))

WORLDS = (dict(connections=4, sink=("--latency", "1")), dict(connections=1, sink=()), dict(connections=3, sink=("--no-pipelining",)),
          dict(connections=4, sink=("--latency", "3", "--reply-limit", "5")))


ALL = list(BY_LABEL) + [p[0] for p in MADE + MIGRATED[1] + MIGRATED[2]]


class Table:
    """What was died at, for the end."""

    def __init__(self):
        self.rows = collections.defaultdict(collections.Counter)

    def add(self, deaths):
        for d in deaths:
            self.rows[d.label or OUTSIDE].update({d.kind: 1, "unknown": d.unknown})

    def deaths(self):
        return sum(c["kill"] + c["power"] for c in self.rows.values())

    def show(self):
        print("     %-40s %6s %6s %8s" % ("point", "kill", "power", "unknown"))
        for label in ALL + [OUTSIDE]:
            c = self.rows[label]
            if c:
                print("     %-40s %6d %6d %8d" % (label, c["kill"], c["power"], c["unknown"]))


table = Table()
totals, kinds = collections.Counter(), collections.Counter()


def schedule(rnd, n):
    """n deaths as lists of labels that belong together: every label in turn, in a random order each time, and deaths from outside."""
    out, labels = [], [l for l in BY_LABEL if ONLY in l]
    while sum(len(x) for x in out) < n:
        rnd.shuffle(labels)
        for l in labels:
            out.append([(PAIRS[l][1], "kill"), (l, "power" if l in POWERED else None)] if l in PAIRS else [(l, None)])
            if not ONLY and len(out) % 10 == 0:
                out.append([(None, None)])
    while sum(len(x) for x in out) > n:
        out.pop()
    return out


def live(w, label, kind):
    """One life and its death. True when it died where it should."""
    rnd = w.rnd
    if label is None:
        w.begin()
        limit = time.monotonic() + rnd.uniform(0, 0.25) * abv.SLOW
        if rnd.random() < 0.5 and w.up():
            w.chore()
        w.watch(limit - time.monotonic())
    else:
        _, point, first, last, action = BY_LABEL[label]
        w.begin("%s:%d" % (point, rnd.randint(first, last)))
        if w.up():
            if action:
                w.act(action)
            elif rnd.random() < 0.7:
                w.chore()
            w.watch(PATIENCE * abv.SLOW)
    missed = w.p.poll() is None
    if missed:
        w.p.kill()
    d = w.bury(label, kind)
    if os.environ.get("ABV_TRACE"):
        print("     %-50s %s%s" % (label, "MISSED " if missed and label else "", w.trace[-1] if d else "ended"), flush=True)
    return d is not None and d.label == label


def world(rnd, todo, tries, connections, sink):
    """A home and its many deaths, until nothing is left to do. Returns what was not reached, each after so many tries."""
    s = Sink(*sink)
    w = World(s, rnd, connections, people=max(100, len(todo) * 5))
    try:
        w.begin(plugged=False)
        assert w.up()
        for _ in range(3):
            w.work("import")
        w.end()
        for _ in range(tries):
            missed = []
            for labels in todo:
                for label, kind in labels:
                    kinds[label] += 1
                    if not live(w, label, kind or ("kill", "power")[(kinds[label] + hash_of(label)) % 2]):
                        missed += [labels] if label else []
                        break
            todo = missed
        w.drain(3 * SCALE)
        table.add(w.deaths)
        found, unknown = w.findings()
        totals.update(worlds=1, unknown=unknown, messages=len(oracle.messages(s.log)), events=len(w.log()))
        assert not found, "\n".join(["seed %d" % SEED] + found + [w.story()])
        return todo
    finally:
        s.end()
        w.remove()


def hash_of(label):
    return sum(map(ord, label or ""))


def test_worlds():
    rnd = random.Random(SEED)
    todo, missed = schedule(rnd, max(1, CRASHES - table.deaths())), []
    for n, how in enumerate(WORLDS):
        t = time.monotonic()
        missed = world(random.Random(rnd.random()), todo[n::len(WORLDS)] + missed, 3 if n == len(WORLDS) - 1 else 1, **how)
        print("     world %d: %d deaths so far, %.0f s" % (n + 1, table.deaths(), time.monotonic() - t), flush=True)


def schema(path):
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
    version, said = db.execute("PRAGMA user_version").fetchone()[0], db.execute("PRAGMA integrity_check").fetchone()[0]
    counts = {t: db.execute("SELECT count(*) FROM %s" % t).fetchone()[0] for t in ("contact", "enrollment", "touch", "suppression")}
    db.close()
    assert said == "ok", said
    return rows, version, counts


def files_of(w):
    return [os.path.join(w.home, n) for n in os.listdir(w.home) if n.startswith(("abvd.db", "engagement.jsonl"))]


def rounds(w, points, n, prepare, expect):
    """Each point n times: prepare, die there, often once more anywhere, then start well and be as expected."""
    for i in range(n):
        for label, point, first, last, _ in points:
            if ONLY not in label:
                continue
            prepare()
            for again in range(2):
                w.begin("%s:%d" % (point, w.rnd.randint(first, last)))
                if w.up():
                    w.watch(0)
                if w.p.poll() is None:
                    w.p.kill()
                w.bury(label, ("kill", "power")[(i + again + hash_of(label)) % 2])
                if w.rnd.random() < 0.5:
                    break
            w.begin(plugged=False)
            assert w.up(), label + ": " + w.complaints()
            w.end()
            log_has_no_gap(w.log())
            expect(label)
    table.add(w.deaths)
    assert not w.wrong, w.wrong


def test_store_is_made():
    s = Sink()
    w = World(s, random.Random(SEED))
    try:
        w.begin(plugged=False)
        assert w.up()
        w.end()
        whole = schema(os.path.join(w.home, "abvd.db"))

        def prepare():
            for f in files_of(w):
                os.unlink(f)

        def expect(label):
            assert schema(os.path.join(w.home, "abvd.db")) == whole, label

        rounds(w, MADE, max(1, CRASHES // 250), prepare, expect)
    finally:
        s.end()
        w.remove()


def older(path, new, version):
    """The store `new` as an abvd of that schema had it: the same rows without what came later."""
    db = sqlite3.connect(path, isolation_level=None)
    folder = os.path.join(ROOT, "src/store/sql")
    for name in sorted(os.listdir(folder))[:version]:
        with open(os.path.join(folder, name)) as f:
            db.executescript(("PRAGMA page_size = 2048; PRAGMA journal_mode = WAL;" if name.startswith("0001") else "") + f.read())
    db.execute("ATTACH ? AS new", (new,))
    db.execute("BEGIN")
    for (table_name,) in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
        columns = ", ".join(r[1] for r in db.execute("PRAGMA main.table_info(%s)" % table_name))
        db.execute("DELETE FROM main.%s" % table_name)
        db.execute("INSERT INTO main.%s (%s) SELECT %s FROM new.%s" % (table_name, columns, columns, table_name))
    db.execute("PRAGMA user_version = %d" % version)
    db.execute("COMMIT")
    db.close()


def test_store_is_migrated():
    s = Sink()
    w = World(s, random.Random(SEED))
    kept = tempfile.mkdtemp(prefix="abv-kept-")
    try:
        w.begin(plugged=False)
        assert w.up()
        w.work("import", 2)
        wait_for(lambda: len(w.log("sent")) >= 16)
        w.end()
        whole = schema(os.path.join(w.home, "abvd.db"))
        shutil.copy(w.logfile, kept)
        for version in (1, 2):
            old = os.path.join(kept, "abvd.db.%d" % version)
            older(old, os.path.join(w.home, "abvd.db"), version)
        with open(w.conf) as f:
            text = f.read()
        w.write("abvd.conf", text.replace(":%d" % w.port, ":9"))  # nothing is sent from here on: what there was must be there

        for version in (1, 2):
            def prepare():
                for f in files_of(w):
                    os.unlink(f)
                shutil.copy(os.path.join(kept, "abvd.db.%d" % version), os.path.join(w.home, "abvd.db"))
                shutil.copy(os.path.join(kept, os.path.basename(w.logfile)), w.home)

            def expect(label):
                assert schema(os.path.join(w.home, "abvd.db")) == whole, label

            w.deaths = []
            rounds(w, MIGRATED[version], max(1, CRASHES // 200), prepare, expect)
    finally:
        s.end()
        w.remove()
        shutil.rmtree(kept)


def test_every_point_was_reached():
    if not totals["worlds"]:
        return
    assert table.deaths() >= CRASHES or ONLY, "only %d deaths" % table.deaths()
    never = [l for l in ALL if ONLY in l and not table.rows[l]]
    assert not never, "never died at: %s" % ", ".join(never)
    print("     seed %d: %d deaths, %d unknown, %d messages taken, %d lines of log" % (
        SEED, table.deaths(), totals["unknown"], totals["messages"], totals["events"]))
    table.show()


print("crash: seed %d, %d deaths (ABV_SEED, ABV_CRASHES)" % (SEED, CRASHES), flush=True)
run([test_store_is_made, test_store_is_migrated, test_worlds, test_every_point_was_reached])
