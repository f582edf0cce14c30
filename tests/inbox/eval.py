#!/usr/bin/env python3
"""How well received mail is classified: `make eval-inbox`.

usage: eval.py BUILD CORPUS [MISTAKES]

CORPUS holds expected.jsonl ({"file","class","accept","quality","source","recipients":[{"recipient","status","hard","action"}]})
and the messages. Prints a confusion matrix, the same by source and by quality, the figures that 6-inbox.md names against
their goals, and the worst mistakes first. Exit status 1 when a goal is missed. The corpus is not in this repository: without
it, this says so and does nothing.
"""
import collections
import email
import email.policy
import json
import os
import resource
import subprocess
import sys

CLASSES = ["bounce", "notice", "complaint", "receipt", "auto_reply", "challenge", "unsubscribe", "reply", "own", "other"]
# What is done to a person because of the mistake: larger is worse.
COST = {("reply", "bounce"): 9, ("reply", "complaint"): 9, ("reply", "unsubscribe"): 4, ("reply", "other"): 7, ("reply", "auto_reply"): 6,
        ("reply", "notice"): 7, ("reply", "receipt"): 7, ("unsubscribe", "other"): 8, ("unsubscribe", "auto_reply"): 8,
        ("complaint", "reply"): 5, ("bounce", "reply"): 5, ("auto_reply", "reply"): 3}
PSEUDO = 900  # sisimai makes codes x.y.9zz up where the message has none


def classify(build, files):
    out, seconds = {}, 0.0
    for i in range(0, len(files), 500):
        start = processor_time()
        run = subprocess.run([build + "/abvctl", "classify", "--jsonl"] + files[i:i + 500], stdout=subprocess.PIPE, check=False)
        seconds += processor_time() - start
        for line in run.stdout.decode().split("\n")[:-1]:
            row = json.loads(line)
            out[row["file"]] = row
    return out, seconds


def processor_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def is_standard(path):
    """Has a part that is an RFC 3464 report, outside of messages that it carries."""
    with open(path, "rb") as f:
        m = email.message_from_binary_file(f, policy=email.policy.compat32)
    todo = [m]
    while todo:
        p = todo.pop()
        if p.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            return True
        if p.is_multipart() and p.get_content_maintype() != "message":
            todo += [q for q in p.get_payload() if not isinstance(q, str)]
    return False


def only_delayed(row):
    return row.get("recipients") and all(r.get("action") == "delayed" for r in row["recipients"])


class Share:
    def __init__(self):
        self.right = self.all = 0

    def add(self, ok):
        self.right += bool(ok)
        self.all += 1

    def __str__(self):
        return "%5d of %5d  %6.2f %%" % (self.right, self.all, 100 * self.percent()) if self.all else "none"

    def percent(self):
        return self.right / self.all if self.all else 1.0


def pairs(row, got):
    """Expected recipients with what was found for them."""
    found = {b["recipient"].lower(): b for b in got["bounces"]}
    for r in row.get("recipients", []):
        yield r, found.get(r["recipient"].lower())


def status_right(want, got):
    if want.count(".") == 2 and int(want.split(".")[2]) >= PSEUDO or want.endswith(".0.0"):
        return want[:1] == got[:1] or not got
    return want == got


class Report:
    def __init__(self):
        self.matrix = collections.Counter()
        self.by = collections.defaultdict(Share)
        self.recall = collections.defaultdict(Share)
        self.recipient = collections.defaultdict(Share)
        self.status, self.hard, self.hard_false = Share(), Share(), Share()
        self.mistakes, self.bounces_human = [], 0

    def add(self, row, got, standard):
        c = got["class"]
        ok = c in row["accept"]
        self.matrix[row["class"], c if not ok else row["class"]] += 1
        for key in ("all", "source " + row["source"], "quality " + row["quality"], "class " + row["class"]):
            self.by[key].add(ok)
        if row["class"] == "reply" and c in ("bounce", "complaint"):
            self.bounces_human += 1
        if not ok:
            self.mistakes.append((COST.get((row["class"], c), 2), "%s taken for %s" % (row["class"], c), row, got))
        if row["class"] == "bounce":
            self.add_bounce(row, got, "RFC 3464" if standard else "other forms")

    def add_bounce(self, row, got, form):
        self.recall[form].add(got["class"] == "bounce")
        if got["class"] == "notice" and only_delayed(row):
            self.recall[form + ", without delays"].add(True)
        else:
            self.recall[form + ", without delays"].add(got["class"] == "bounce")
        if not row.get("recipients"):
            return
        missed = [r["recipient"] for r, b in pairs(row, got) if b is None]
        self.recipient[form].add(not missed)
        if missed:
            self.mistakes.append((4, "recipient %s not found" % " ".join(missed), row, got))
        for r, b in pairs(row, got):
            if b is None:
                continue
            if r.get("status"):
                ok = status_right(r["status"], b["status"])
                self.status.add(ok)
                if not ok:
                    self.mistakes.append((1, "status %s taken for %s" % (r["status"], b["status"]), row, got))
            if r.get("hard") is not None:
                self.hard.add(r["hard"] == b["permanent"])
                if not r["hard"]:
                    self.hard_false.add(not b["permanent"])
                if r["hard"] != b["permanent"]:
                    self.mistakes.append((6 if b["permanent"] else 2, "permanent %s, expected %s (%s, %s)" %
                                          (b["permanent"], r["hard"], r.get("status"), r.get("reason")), row, got))


def print_matrix(matrix):
    used = [c for c in CLASSES if any(c in k for k in matrix)]
    print("%-12s" % "is \\ said" + "".join("%9s" % c[:8] for c in used))
    for a in used:
        if any(matrix[a, b] for b in used):
            print("%-12s" % a + "".join("%9s" % (matrix[a, b] or ".") for b in used))


def goals(report, rate):
    rows = [("bounce recall, RFC 3464", report.recall["RFC 3464, without delays"], 0.99),
            ("  with those that only report a delay", report.recall["RFC 3464"], None),
            ("recipients right, RFC 3464", report.recipient["RFC 3464"], 0.98),
            ("bounce recall, other forms", report.recall["other forms, without delays"], 0.95),
            ("  with those that only report a delay", report.recall["other forms"], None),
            ("recipients right, other forms", report.recipient["other forms"], 0.95),
            ("auto-replies", report.by["class auto_reply"], 0.98),
            ("status", report.status, None), ("permanent", report.hard, None),
            ("not permanent, and so said", report.hard_false, None)]
    bad = report.bounces_human > 0 or rate < 2000
    for name, share, goal in rows:
        missed = goal is not None and share.percent() < goal
        bad |= missed
        print("%-42s %s%s" % (name, share, "" if goal is None else "  goal %g %%%s" % (goal * 100, " MISSED" if missed else "")))
    print("%-42s %5d  goal 0%s" % ("people's answers taken for bounces", report.bounces_human, " MISSED" if report.bounces_human else ""))
    print("%-42s %5d  goal 2000%s" % ("messages a second of processor time", rate, " MISSED" if rate < 2000 else ""))
    return 1 if bad else 0


def main():
    build, corpus = sys.argv[1], sys.argv[2]
    most = int(sys.argv[3]) if len(sys.argv) > 3 else 25
    expected = os.path.join(corpus, "expected.jsonl")
    if not os.path.exists(expected):
        print("eval-inbox: SKIPPED: no corpus at %s (make eval-inbox INBOX_CORPUS=DIR)" % corpus)
        return 0
    with open(expected, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    files = [os.path.join(corpus, r["file"]) for r in rows]
    got, seconds = classify(build, files)
    report = Report()
    for row, path in zip(rows, files):
        report.add(row, got[path], row["class"] == "bounce" and is_standard(path))
    print_matrix(report.matrix)
    for kind in ("class ", "quality ", "source "):
        print()
        for key in sorted(k for k in report.by if k.startswith(kind)):
            print("%-50s %s" % (key, report.by[key]))
    print("\nworst mistakes first")
    for cost, what, row, answer in sorted(report.mistakes, key=lambda m: -m[0])[:most]:
        print("%2d  %-60s %s %s" % (cost, what, row["file"], row["source"]))
    print()
    return goals(report, len(rows) / seconds)


if __name__ == "__main__":
    sys.exit(main())
