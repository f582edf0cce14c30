#!/usr/bin/env python3
"""`make try`: abvd at work on a scaled clock, three days a second, against a small SMTP server that accepts, asks for patience, rejects and
hangs up. Prints who got what and who waits for what, then has `abvctl audit` prove the caps from the log. Exit status 1 when one was broken."""
import collections, datetime, json, os, shutil, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
from abv import BUILD, ROOT, FakeSmtp

SCALE, SECONDS, START = 3 * 86400, 22, "2026-01-12T07:00:00Z"
COMPANIES = [("northwind", "Northwind Logistics", "Europe/Berlin", "logistics", 240), ("brightline", "Brightline Software", "Europe/Paris", "saas", 85),
             ("harbor", "Harbor Freight Tech", "America/New_York", "logistics", 900), ("meridian", "Meridian Analytics", "America/Los_Angeles", "saas", 60),
             ("kestrel", "Kestrel Systems", "Asia/Kolkata", "saas", 410), ("tasman", "Tasman Cargo", "Australia/Sydney", "logistics", 130),
             ("cobalt", "Cobalt Works", "America/Sao_Paulo", "manufacturing", 35), ("aurora", "Aurora Data", "Europe/Helsinki", "saas", 22)]
NAMES = ["Ana", "Ben", "Chloe", "David", "Elif"]
# The local part tells the SMTP server of tests/fake how to behave.
ODD = {3: "tempfail+1", 9: "baduser", 17: "policy", 24: "hangup-dot", 30: "tempdata+1"}


def colour(code, text):
    return "\033[%sm%s\033[0m" % (code, text) if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def prepare(home, port):
    os.makedirs(os.path.join(home, "sequences.d"))
    shutil.copytree(os.path.join(ROOT, "templates"), os.path.join(home, "templates"))
    for f in os.listdir(os.path.join(HERE, "templates")):
        shutil.copy(os.path.join(HERE, "templates", f), os.path.join(home, "templates"))
    shutil.copy(os.path.join(ROOT, "etc/sequences.d/getting-started.conf"), os.path.join(home, "sequences.d"))
    for f in os.listdir(os.path.join(HERE, "sequences.d")):
        shutil.copy(os.path.join(HERE, "sequences.d", f), os.path.join(home, "sequences.d"))
    with open(os.path.join(home, "abvd.conf"), "w") as f:
        f.write("""# Written by `make try`. Three days pass in a second (--time-scale %d).
sender = { from = "Dana Reyes <dana@example.com>"; return_path = "bounce@example.com";
  postal_address = "Example Ltd, 1 Main St, Springfield"; unsubscribe = "mailto:unsubscribe@example.com"; };
smtp = { url = "smtp://127.0.0.1:%d"; tls = "none"; connections = 4; };
store = { path = "abvd.db"; };  log = { path = "engagement.jsonl"; };  control = { socket = "control.sock"; };
""" % (SCALE, port))
    rows = ["email,first_name,last_name,account,timezone,consent,consent_source,consent_at,industry,employees,tags"]
    for i in range(40):
        domain, account, zone, industry, employees = COMPANIES[i % len(COMPANIES)]
        local = ODD.get(i) or "%s.%s" % (NAMES[i // 8].lower(), domain)
        tags = ";".join(t for t, yes in (("data", i % 3 == 0), ("finance", i % 5 == 1)) if yes)
        consent = "" if i == 38 else "customer" if i % 4 == 0 else "opt_in"
        rows.append("%s@%s.example,%s,Example,%s,%s,%s,%s,%s,%s,%d,%s" % (local, domain, NAMES[i // 8] if i != 12 else "", account, zone, consent,
                                                                        "web form" if consent else "", "2025-11-03" if consent else "", industry, employees, tags))
    with open(os.path.join(home, "contacts.csv"), "w") as f:
        f.write("\n".join(rows) + "\n")


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


MARK = {"sent": ("32", "sent"), "refused": ("33", "refused"), "unknown": ("31", "unknown"), "waiting": ("2", "waits"), "stopped": ("35", "stopped"),
        "suppressed": ("35", "suppressed"), "completed": ("36", "completed"), "skipped": ("33", "skipped"), "gate_refused": ("31", "gate refused"),
        "enroll_refused": ("35", "not enrolled"), "paused": ("31", "paused")}


def show(e):
    code, word = MARK.get(e["event"], (None, None))
    if code is None:
        return
    what = " / ".join(x for x in (e.get("sequence"), e.get("step")) if x)
    why = e.get("reason", "")
    if e.get("until"):
        why += " until %s" % when(e["until"]).strftime("%a %b %d %H:%M UTC")
    if e["event"] in ("refused", "unknown"):
        why = ("%s " % e["smtp_code"] if e.get("smtp_code") else "") + e.get("smtp_reply", "")
    print("%s  %-12s %-34s %-28s %s" % (when(e["ts"]).strftime("%a %b %d %H:%M"), colour(code, "%-12s" % word), e.get("contact", ""), what, colour("2", why)), flush=True)


def audit(home):
    """`abvctl audit` proves every cap and rule from the log and the configuration alone."""
    r = ctl(home, "--json", "audit")
    rows = [json.loads(l) for l in r.stdout.splitlines()]
    if not rows or (r.returncode != 0 and len(rows) == 1):
        return ["abvctl audit ended with status %d: %s" % (r.returncode, r.stderr.strip())]
    total = rows.pop()
    print("\n$ abvctl audit\n%(violations)d violations in %(lines)d lines: %(touches)d touches to %(contacts)d contacts at %(accounts)d accounts" % total)
    broken = ["%s:%d: %s: %s" % (os.path.basename(v["file"]), v["line"], v["rule"], v["text"]) for v in rows]
    return broken + (["the caps of %d touches were not judged" % total["unjudged"]] if total["unjudged"] else [])


def summary(home, events, broken, smtp):
    n = collections.Counter(e["event"] for e in events)
    waits = collections.Counter(e["reason"] for e in events if e["event"] == "waiting")
    stops = collections.Counter(e["reason"] for e in events if e["event"] == "stopped")
    print("\n%s" % colour("1", "Summary"))
    print("  touches         %d sent, %d unknown, %d refused; %d messages lie in the SMTP server's Maildir" % (n["sent"], n["unknown"], n["refused"], len(smtp.messages())))
    print("  sequences       %d enrolled, %d completed, %d stopped (%s)" % (n["enrolled"], n["completed"], n["stopped"], ", ".join("%s %d" % x for x in stops.most_common())))
    print("  waits by reason %s" % ", ".join("%s %d" % x for x in waits.most_common()))
    for e in events:
        if e["event"] == "enroll_refused":
            print("  not enrolled    %s: %s" % (e["contact"], e["reason"]))
    if broken:
        print(colour("31", "  BROKEN          " + "\n                  ".join(broken[:10])))
    else:
        print(colour("32", "  caps held       contact 1 per 7d and 4 per 30d, account 2 per 7d; every message inside Mon-Fri 08:30-17:30 local time;\n"
                           "                  no ask before its gifts; nobody got the same content twice; the log has no gap"))
    print("  everything is in %s: abvd.conf, sequences.d, templates, contacts.csv, engagement.jsonl, Maildir" % home)


def ctl(home, *args):
    return subprocess.run([os.path.join(BUILD, "abvctl"), "--config", os.path.join(home, "abvd.conf"), *args], capture_output=True, text=True, timeout=30)


def main():
    home = tempfile.mkdtemp(prefix="abvd-try-")
    smtp = FakeSmtp(home)
    prepare(home, smtp.port)
    check = ctl(home, "check")
    print(check.stdout.strip() or check.stderr.strip())
    with open(os.path.join(home, "abvd.log"), "w") as err:
        abvd = subprocess.Popen([os.path.join(BUILD, "abvd"), "-c", os.path.join(home, "abvd.conf"), "--time-scale", str(SCALE), "--now", START], stderr=err)
    failed, events, t0 = True, [], time.monotonic()
    try:
        while not os.path.exists(os.path.join(home, "control.sock")) and abvd.poll() is None and time.monotonic() - t0 < 10:
            time.sleep(0.02)
        for args in (("import", os.path.join(home, "contacts.csv")), ("enroll", "getting-started", "--all")):
            r = ctl(home, *args)
            print("$ abvctl %s\n%s" % (" ".join(args).replace(home + "/", ""), r.stdout.strip() or r.stderr.strip()))
        print("\n%s three days a second, %s on\n" % (colour("1", "Timeline:"), START[:10]))
        log = open(os.path.join(home, "engagement.jsonl"))
        rest, alive = "", True
        while alive and time.monotonic() - t0 < SECONDS:
            chunk = log.read()
            if not chunk:
                time.sleep(0.05)
                on = collections.Counter(e["event"] for e in events)
                alive = abvd.poll() is None and (on["completed"] + on["stopped"] < on["enrolled"] or on["enrolled"] == 0)
                continue
            lines = (rest + chunk).split("\n")
            rest = lines.pop()
            for line in lines:
                events.append(json.loads(line))
                show(events[-1])
        abvd.send_signal(signal.SIGTERM)
        ended = abvd.wait(20)
        log.seek(0)
        events = [json.loads(l) for l in log]
        broken = audit(home)
        if ended != 0:
            broken.append("abvd ended with status %d, see abvd.log" % ended)
        if len([e for e in events if e["event"] == "sent"]) == 0:
            broken.append("nothing was sent")
        summary(home, events, broken, smtp)
        failed = bool(broken)
    finally:
        if abvd.poll() is None:
            abvd.kill()
        smtp.end()
    sys.exit(1 if failed else 0)


main()
