#!/usr/bin/env python3
"""Reply text, return dates and unsubscribe requests measured on other projects' cases: how many are right, by source, format and
task, and the worst mistakes. usage: eval_reply.py BUILD [--all] [--source NAME]; ABV_CORPORA names the cases' folder."""
import collections
import datetime
import difflib
import email
import email.policy
import html.parser
import json
import os
import re
import subprocess
import sys

CORPORA = os.environ.get('ABV_CORPORA', os.path.join(os.path.dirname(__file__), '../../../shared/corpora'))
REF = datetime.datetime(2026, 9, 16, 9, 30, tzinfo=datetime.timezone.utc)  # a Wednesday: for snippets that have no date


class Driver:
    def __init__(self, build):
        self.p = subprocess.Popen([os.path.join(build, 'tests/reply_driver')], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, what, text, arg='-'):
        data = text.encode('utf-8', 'surrogateescape')
        self.p.stdin.write(b'%s %s %d\n' % (what.encode(), arg.encode(), len(data)) + data)
        self.p.stdin.flush()
        n = int(self.p.stdout.readline())
        return self.p.stdout.read(n).decode('utf-8', 'replace')


class Text(html.parser.HTMLParser):
    """What a reader sees of expected HTML, written apart from the code that is measured."""
    def __init__(self):
        super().__init__()
        self.out, self.off = [], 0

    def handle_starttag(self, tag, attrs):
        self.off += tag in ('style', 'script', 'title')
        self.out.append('\n- ' if tag == 'li' else '')

    def handle_endtag(self, tag):
        self.off -= tag in ('style', 'script', 'title')

    def handle_data(self, data):
        if self.off <= 0:
            self.out.append(data)


def squeeze(s):
    return re.sub(r'[\s\u200b\ufeff\u00ad]+', '', s)


def text_of(expected, form):
    if form != 'html' or '<' not in expected:
        return expected
    t = Text()
    t.feed(expected)
    return ''.join(t.out)


def mail_text(raw):
    """text/plain of a message, else its HTML: what reply_text_mail takes."""
    m = email.message_from_bytes(raw.encode('utf-8', 'surrogateescape'), policy=email.policy.default)
    for kind, what in (('plain', 'text'), ('html', 'html')):
        part = m.get_body(preferencelist=(kind,))
        if part is not None:
            return what, part.get_content()
    return 'text', ''


def run_case(d, c):
    form, text = c['format'], c['input']
    what = 'html' if form == 'html' else 'text'
    if form == 'eml':
        what, text = mail_text(text)
    got = d.ask(what, text)
    want = text_of(c['expected'] or '', form)
    if c['task'] == 'find_signature':  # what is left when the signature is gone
        want = text[:text.rindex(want)] if want and want in text else text
    return got, want, squeeze(got) == squeeze(want)


def replies(d, folder, show, only):
    total, right, wrong = collections.Counter(), collections.Counter(), []
    for line in open(os.path.join(folder, 'reply-text/cases.jsonl'), encoding='utf-8'):
        c = json.loads(line)
        if only and only not in c['source']:
            continue
        got, want, ok = run_case(d, c)
        key = (c['source'], c['format'], c['task'])
        total[key] += 1
        right[key] += ok
        if not ok:
            near = difflib.SequenceMatcher(None, squeeze(got)[:4000], squeeze(want)[:4000], autojunk=False).ratio()
            wrong.append((near, c['id'], got, want))
    print('reply text equal to the expected, white space apart')
    for key in sorted(total):
        print('  %-24s %-5s %-18s %3d / %3d' % (*key, right[key], total[key]))
    strip = [k for k in total if k[2] != 'find_signature']
    for name, keys in (('quotes', strip), ('all', list(total))):
        n, of = sum(right[k] for k in keys), sum(total[k] for k in keys)
        print('  %-49s %3d / %3d  %.1f %%' % (name, n, of, 100 * n / max(of, 1)))
    for near, name, got, want in sorted(wrong)[:None if show else 8]:
        print('\n-- %s  (%.2f alike)' % (name, near))
        diff = difflib.unified_diff(want.strip().split('\n'), got.split('\n'), 'expected', 'got', lineterm='', n=1)
        print('\n'.join('   ' + x[:160] for x in list(diff)[:24]))


def wanted_day(rule):
    """The day that a snippet's return_date means, seen from REF."""
    if not rule:
        return ''
    day = REF.date()
    if rule.startswith('--'):
        month, mday = int(rule[2:4]), int(rule[5:7])
        then = day.replace(month=month, day=mday)
        return str(then if then >= day else then.replace(year=day.year + 1))
    if rule.startswith('relative:+'):
        return str(day + datetime.timedelta(days=int(rule[10:-1])))
    if rule.startswith('weekday:'):
        want = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].index(rule[8:])
        return str(day + datetime.timedelta(days=(want - day.weekday() - 1) % 7 + 1))
    return rule


def snippets(d, folder):
    arg = '%d,UTC' % int(REF.timestamp() * 1000)
    date_n = date_ok = ask_n = ask_ok = 0
    for line in open(os.path.join(folder, 'inbound/snippets.jsonl'), encoding='utf-8'):
        c = json.loads(line)
        asks = d.ask('unsubscribe', c['text']) == '1'
        ask_n += 1
        ask_ok += asks == (c['label'] == 'unsubscribe')
        if asks != (c['label'] == 'unsubscribe'):
            print('  unsubscribe wrong: %s' % c['text'])
        if c['label'] != 'auto_reply':
            continue
        got, want = d.ask('date', c['text'], arg)[:10], wanted_day(c['return_date'])
        date_n += 1
        date_ok += got == want
        if got != want:
            print('  date wrong: %s: got %s, expected %s' % (c['text'], got or 'none', want or 'none'))
    print('unsubscribe requests told from other texts %d / %d\nreturn dates %d / %d' % (ask_ok, ask_n, date_ok, date_n))


def main():
    folder = CORPORA
    if not os.path.isdir(folder):
        print('eval-reply: SKIPPED, no corpora at %s (set ABV_CORPORA)' % CORPORA)
        return
    d = Driver(sys.argv[1])
    replies(d, folder, '--all' in sys.argv, sys.argv[sys.argv.index('--source') + 1] if '--source' in sys.argv else None)
    print()
    snippets(d, folder)


main()
