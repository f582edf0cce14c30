#!/usr/bin/env python3
"""Do the tests notice? Changes one operator, constant or statement of the governor at a time, builds what depends on it and runs its
tests: `make mutate`, or mutate.py [--only FILE[:LINE]] [--list] [BUILD].

A mutant is killed when a test fails, crashes or runs out of time (an endless loop). One that does not compile says nothing and is not
counted. Survivors that SURVIVORS.md explains (by file and the changed line's text) are told apart from those it does not; exit 1 when
less than 95 % are killed or a survivor has no explanation. Nothing is written outside of a scratch directory."""
import argparse, concurrent.futures, os, re, shutil, subprocess, sys, tempfile, time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SOURCES = ["governor.c", "window.c", "admit.c"]
# cheap ones first: most mutants die of the rows; a short random run comes before the longer one
RUNS = [("test_governor", {}), ("test_window", {}), ("test_admit", {}), ("test_governor_random", {"ABV_CASES": "20000", "ABV_SEED": "1"}),
        ("test_governor_world", {"ABV_CASES": "20000", "ABV_SEED": "1"}), ("test_governor_random", {"ABV_CASES": "200000", "ABV_SEED": "2"}),
        ("test_governor_world", {"ABV_CASES": "200000", "ABV_SEED": "2"})]
LIMIT = {"20000": 15, "200000": 60}
FLAGS = "-std=c17 -O1 -w -D_GNU_SOURCE -Iinclude -Isrc/rules".split()
GOAL = 95.0

SWAPS = {"<": ["<=", ">"], "<=": ["<"], ">": [">=", "<"], ">=": [">"], "==": ["!="], "!=": ["=="], "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"],
         "*": ["/"], "/": ["*"], "%": ["/"], "++": ["--"], "--": ["++"], "+=": ["-="], "-=": ["+="], "|=": ["&="], "&": ["|"], "|": ["&"], "^": ["&"],
         ">>": ["<<"], "<<": [">>"], "true": ["false"], "false": ["true"], "CLOCK_NEVER": ["0"], "fmin": ["fmax"], "floor": ["ceil"], "ceil": ["floor"],
         "continue": ["break"], "break": ["continue"]}
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[A-Za-z_]\w*|\d+e-\d+|\d[\w.]*'
                   r'|->|\+\+|--|<<|>>|[<>=!+\-*/%&|^]=|&&|\|\||.', re.S)


def code_tokens(text):
    """(position, token) of code: no comments, strings, directives, type names' stars or unary signs."""
    last, out = "", []
    for m in TOKEN.finditer(text):
        t = m.group()
        line = text[text.rfind("\n", 0, m.start()) + 1:m.start()].lstrip()
        if t.startswith(("//", "/*", '"')) or t.isspace() or line.startswith("#") and not line.startswith("#define"):
            continue
        out.append((m.start(), t, last))
        last = t
    return out


def is_binary(last):
    return bool(re.match(r"[\w)\]]", last)) and last not in ("return", "case")


LESSER = re.compile(r"([^=(,{}?:&|;]+?) [<>] ([^=(,{}?:&|;]+?) \? ((?:\(\w+\))?[^?:;,()]+?) : ((?:\(\w+\))?[^?:;,})]+)[;,})]")


def lesser_or_greater(text):
    """Where `a < b ? a : b` stands: with `<=` it is the same, so that is no mutant."""
    flat = lambda s: re.sub(r"\s+|\(\w+\)(?=\w)|^return\b|^\w+ (?=\w+$)", "", s.strip())
    return {m.start(1) + len(m.group(1)) + 1 for m in LESSER.finditer(text)
            if {flat(m.group(1)), flat(m.group(2))} == {flat(m.group(3)), flat(m.group(4))}}


def operator_mutants(text):
    same = lesser_or_greater(text)
    for at, t, last in code_tokens(text):
        if t == "*" and re.match(r"\w+ \*\w|\w+ \*const", text[text.rfind(" ", 0, at - 1) + 1:at + 8]) and not re.search(r"[=(<>+\-]\s*[\w.>()-]+ \*\s", text[max(0, at - 30):at + 2]):
            continue  # a pointer's star
        if t in ("+", "-", "*", "&", "<", ">") and not is_binary(last):
            continue
        for other in SWAPS.get(t, []):
            if at in same and other == t + "=":
                continue
            yield at, at + len(t), other
        if t == "!":
            yield at, at + 1, ""
        if re.fullmatch(r"\d+", t) or re.fullmatch(r"0x[0-9a-f]+u?", t):
            if last == "[" and re.search(r"struct \w+ \w+\[$", text[max(0, at - 60):at]):
                continue  # a larger array says nothing, a smaller one only to a sanitizer
            n = int(t.rstrip("u"), 0)
            yield at, at + len(t), str(n + 1)
            if n:
                yield at, at + len(t), str(n - 1)
        if t in ("1e15", "1e-6", "3660.0"):
            yield at, at + len(t), {"1e15": "1e12", "1e-6": "0", "3660.0": "366.0"}[t]


STATEMENT = re.compile(r"^\t+(?!return\b|case\b|static\b|struct\b|const\b|int|double|size_t|bool\b|enum\b|else\b|for\b|while\b|if\b|switch\b|do\b|goto\b|_Static)[^\n;{}]*(?:\n[^\n;{}]*)*?;$", re.M)
CONDITION = re.compile(r"\b(if|while) \(")


def statement_mutants(text):
    for m in STATEMENT.finditer(text):
        if m.group().count("(") == m.group().count(")"):
            start = m.start() + len(m.group()) - len(m.group().lstrip())
            yield start, m.end(), ";"
    for m in CONDITION.finditer(text):  # a whole condition becomes true or false
        depth, end = 1, m.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield m.end(), end - 1, "0"
        if m.group(1) == "if":
            yield m.end(), end - 1, "1"


def mutants():
    for name in SOURCES:
        path = os.path.join(ROOT, "src/rules", name)
        text = open(path).read()
        edits = sorted(set(operator_mutants(text)) | set(statement_mutants(text)))
        for a, b, new in edits:
            yield name, text.count("\n", 0, a) + 1, text, a, b, new


def shown(text, a, b, new):
    """The changed line before and after, on one line each."""
    start, end = text.rfind("\n", 0, a) + 1, text.find("\n", b)
    flat = lambda s: re.sub(r"\s+", " ", s).strip()
    return flat(text[start:end]), flat(text[start:a] + new + text[b:end])


def run(cmd, limit, env=None):
    try:
        p = subprocess.run(cmd, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit, env=dict(os.environ, ABV_SHRINK="0", **(env or {})))
        return p.returncode
    except subprocess.TimeoutExpired:
        return "time"


class Bench:
    """The tests, linked once; what is exchanged for each mutant is a shared library of the governor's files."""

    def __init__(self, build, scratch):
        self.scratch = scratch
        self.tests = [t for t in dict.fromkeys(t for t, _ in RUNS) if os.path.exists(os.path.join(ROOT, "tests/unit", t + ".c"))]
        pkg = lambda *a: subprocess.run(["pkg-config", *a, "glib-2.0", "libpsl", "libsodium", "cmocka"], capture_output=True, text=True, check=True).stdout.split()
        for s in SOURCES:
            subprocess.run(["gcc", *FLAGS, "-fPIC", "-c", "src/rules/" + s, "-o", self.path(s + ".o")], cwd=ROOT, check=True)
        reference = self.path("librules.so")
        subprocess.run(["gcc", "-shared", "-o", reference, *[self.path(s + ".o") for s in SOURCES]], check=True)
        rooms = [os.path.join(build, "lib", r + ".a") for r in ("model", "base")]
        for t in self.tests:  # the rooms below are in the program, whole: the library takes them from there
            subprocess.run(["gcc", *FLAGS, "-O2", *pkg("--cflags"), "tests/unit/%s.c" % t, "-rdynamic", "-Wl,--whole-archive", *rooms, "-Wl,--no-whole-archive",
                            reference, *pkg("--libs"), "-lm", "-o", self.path(t)], cwd=ROOT, check=True)

    def path(self, name):
        return os.path.join(self.scratch, name)

    def judge(self, mutant):
        """"no compile", "killed by TEST" or "survived"."""
        name, line, text, a, b, new = mutant
        own = tempfile.mkdtemp(dir=self.scratch)
        try:
            source = os.path.join(own, name)
            with open(source, "w") as f:
                f.write(text[:a] + new + text[b:])
            rest = [self.path(s + ".o") for s in SOURCES if s != name]
            # the library's soname is its path at link time: the preloaded one comes first
            library = os.path.join(own, "librules.so")
            if run(["gcc", *FLAGS, "-fPIC", "-shared", source, *rest, "-o", library], 60):
                return "no compile"
            for test, env in RUNS:
                if test in self.tests and run([self.path(test)], LIMIT.get(env.get("ABV_CASES"), 4), dict(env, LD_PRELOAD=library)):
                    return "killed by " + test
            return "survived"
        finally:
            shutil.rmtree(own)


def explained():
    """Lines `- file: \\`before\\` -> \\`after\\`` of SURVIVORS.md."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "SURVIVORS.md")
    if not os.path.exists(path):
        return set()
    return set(re.findall(r"^- (\S+): `(.*)` -> `(.*)`", open(path).read(), re.M))


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("build", nargs="?", default=os.path.join(ROOT, "build"))
    ap.add_argument("--only", help="FILE or FILE:LINE of src/rules")
    ap.add_argument("--list", action="store_true", help="print the mutants and stop")
    ap.add_argument("--jobs", type=int, default=2)
    args = ap.parse_args()
    todo = [m for m in mutants() if not args.only or args.only in (m[0], "%s:%d" % (m[0], m[1]))]
    if args.list:
        for m in todo:
            print("%s:%d: `%s` -> `%s`" % (m[0], m[1], *shown(*m[2:])))
        return 0
    scratch = tempfile.mkdtemp(prefix="abv-mutate-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    known, unknown = explained(), 0
    counts, survivors, t0 = {"killed": 0, "survived": 0, "no compile": 0}, [], time.monotonic()
    try:
        bench = Bench(os.path.abspath(args.build), scratch)
        name = SOURCES[0]
        sound = bench.judge((name, 1, open(os.path.join(ROOT, "src/rules", name)).read(), 0, 0, ""))
        if sound != "survived":
            print("without any change: %s; nothing can be said of mutants" % sound)
            return 2
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for i, (m, fate) in enumerate(zip(todo, pool.map(bench.judge, todo)), 1):
                counts[fate if fate in counts else "killed"] += 1
                if fate == "survived":
                    survivors.append(m)
                    was, now = shown(*m[2:])
                    unknown += (m[0], was, now) not in known
                    print("survived%s: %s:%d: `%s` -> `%s`" % (" (explained)" if (m[0], was, now) in known else "", m[0], m[1], was, now), flush=True)
                if sys.stderr.isatty() or i % 100 == 0:
                    sys.stderr.write("%s%d of %d mutants, %d survived%s" % ("\r" if sys.stderr.isatty() else "", i, len(todo), len(survivors), " " if sys.stderr.isatty() else "\n"))
    finally:
        shutil.rmtree(scratch)
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    share = 100.0 * counts["killed"] / max(1, counts["killed"] + counts["survived"])
    print("%d mutants: %d killed, %d survived (%d explained in SURVIVORS.md), %d did not compile: %.1f %% killed, goal %.0f %%; %.0f s" % (
        len(todo), counts["killed"], counts["survived"], counts["survived"] - unknown, counts["no compile"], share, GOAL, time.monotonic() - t0))
    return 1 if share < GOAL or unknown else 0


sys.exit(main())
