#!/usr/bin/env python3
"""How received mail is parsed, against what other parsers' own tests expect: `make eval-mime`.

usage: eval_mime.py BUILD CORPUS

CORPUS holds messages.jsonl ({"file","source"[,"expected"]}) and the messages. Every message is parsed (a crash or more than a
second is an error); where an expected parse is given, its parts, texts, subject, sender and Message-ID are compared. The corpus is
not in this repository: without it, this says so and does nothing.
"""
import json
import os
import subprocess
import sys


def squeeze(text):
    return "".join(text.replace("\ufffd", "").split())


def content_type(part):
    for h in part["headers"]:
        if h["name"] == "content_type" and isinstance(h["value"], dict):
            t = h["value"]["ContentType"]
            if t.get("c_subtype"):
                return (t["c_type"] + "/" + t["c_subtype"]).lower()
    return ""


def walk(message, index, out):
    """Expected leaves in order: (type, text or None)."""
    part = message["parts"][index]
    body = part["body"]
    kind = next(iter(body)) if isinstance(body, dict) else body
    if kind == "Multipart":
        for child in body["Multipart"]:
            walk(message, child, out)
    elif kind == "Message" and isinstance(body["Message"], dict) and "parts" in body["Message"]:
        walk(body["Message"], 0, out)
    elif kind in ("Text", "Html"):
        out.append((content_type(part) or "text/plain", squeeze(body[kind])))
    else:
        out.append((content_type(part), None))
    return out


def header(message, name):
    for h in message["parts"][0]["headers"]:
        if h["name"] == name and isinstance(h["value"], dict):
            value = next(iter(h["value"].values()))
            return value
    return None


def sender(value):
    while isinstance(value, dict) and not value.get("address"):
        value = (value.get("List") or value.get("addresses") or value.get("Group") or [{}])[0] if value else None
        if value == {}:
            return None
    return value and (value.get("address") or "").lower()


def leaves(got):
    parts = got["parts"]
    return [(p["type"], squeeze(p["text"])) for i, p in enumerate(parts) if p["end"] == i + 1 and not p["type"].startswith("multipart/")]


def differences(want, got):
    said = []
    a, b = walk(want, 0, []), leaves(got)
    if len(a) != len(b):
        said.append("%d leaves, expected %d" % (len(b), len(a)))
    else:
        for (t, text), (u, mine) in zip(a, b):
            if t and t != u:
                said.append("type %s, expected %s" % (u, t))
            if text is not None and text != mine and u.startswith("text/"):
                said.append("text of %s differs" % u)
    for name, key in (("subject", "subject"), ("message_id", "message_id")):
        value = header(want, name)
        if isinstance(value, str) and squeeze(value) != squeeze(got[key]):
            said.append("%s %r, expected %r" % (name, got[key][:40], value[:40]))
    value = sender(header(want, "from"))
    if value and value != got["from"]:
        said.append("from %r, expected %r" % (got["from"], value))
    return said


def main():
    build, corpus = sys.argv[1], sys.argv[2]
    index = os.path.join(corpus, "messages.jsonl")
    if not os.path.exists(index):
        print("eval-mime: SKIPPED: no corpus at %s (make eval-mime MIME_CORPUS=DIR)" % corpus)
        return 0
    with open(index, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    right = compared = bad = 0
    for row in rows:
        path = os.path.join(corpus, row["file"])
        run = subprocess.run([build + "/tests/mime_dump", path], stdout=subprocess.PIPE, check=False)
        if run.returncode != 0:
            print("CRASHED (%d): %s" % (run.returncode, row["file"]))
            bad += 1
            continue
        got = json.loads(run.stdout)
        if got["ms"] > 1000:
            print("SLOW (%d ms): %s" % (got["ms"], row["file"]))
            bad += 1
        if not row.get("expected"):
            continue
        with open(os.path.join(corpus, row["expected"]), encoding="utf-8") as f:
            said = differences(json.load(f), got)
        compared += 1
        right += not said
        if said:
            print("%s (%s): %s" % (row["file"], row["source"], "; ".join(said)))
    print("%d messages, %d crashed or slow; %d of %d equal to the expected parse" % (len(rows), bad, right, compared))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
