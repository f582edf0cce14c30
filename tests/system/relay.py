#!/usr/bin/env python3
"""An SMTP relay whose trouble is switched while it runs. Loopback only; it never sends anything anywhere.

    relay.py ACCEPTED [--port N] [--address A] [--cert FILE --key FILE --wrong-cert FILE --wrong-key FILE]

ACCEPTED: a file to which the Message-ID of each message is appended before its 250 leaves. Prints `listening PORT`, then answers each
line of stdin with one of JSON:

    mode NAME [AFTER]   the trouble from now on, or after so many further acceptances (MODES below)
    stats               connects: of the listener so far; accepted; mode; first: CLOCK_MONOTONIC of the first acceptance since the mode was set

`Relay` below is the handle that tests use. A connection that was left without its answer stays so when the mode changes."""
import asyncio, contextlib, json, os, signal, socket, ssl, struct, subprocess, sys, time

MODES = {
    "ok": "takes everything",
    "refuse": "nobody listens; connections are reset",
    "full": "the place for new connections is full, so that attempts are not even refused; connections are reset",
    "close": "accepts and closes at once; connections that there are are closed at the next command",
    "silent": "accepts and never says a word",
    "slow": "answers one byte a second",
    "greet421": "421 as greeting, and to whatever is asked on the connections that there are",
    "mail421": "421 to MAIL",
    "mail450": "450 to MAIL",
    "rcpt450": "450 to RCPT",
    "dot450": "450 to the final dot",
    "hangdata": "no answer to DATA, nor to anything after it",
    "hangdot": "no answer to the final dot",
    "vanish": "connections are forgotten without FIN or RST, as by a power cut; new ones are served",
    "tlsgarbage": "no TLS behind STARTTLS, but some text",
    "tlshang": "nothing behind STARTTLS",
    "tlswrong": "a certificate that nobody signed",
    "notls": "offers no STARTTLS",
}
TCP_REPAIR = 19
MSG450 = b"450 4.2.0 come back later\r\n"


def may_vanish():
    with socket.socket() as s:
        try:
            s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            return True
        except PermissionError:
            return False


class Server:
    def __init__(self, args):
        self.args = args
        self.mode, self.then, self.left = "ok", None, 0
        self.changed = asyncio.Condition()  # the mode
        self.connects = self.accepted = 0
        self.first = None
        self.file = os.open(args.accepted, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.writers, self.fillers = set(), []
        self.server = None
        self.port = args.port
        self.tls = [self.context(args.cert, args.key), self.context(args.wrong_cert, args.wrong_key)]

    @staticmethod
    def context(cert, key):
        if not cert:
            return None
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(cert, key)
        return c

    async def listen(self):
        self.server = await asyncio.start_server(self.talk, self.args.address, self.port, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]

    async def set_mode(self, mode):
        self.mode, self.then, self.left, self.first = mode, None, 0, None
        async with self.changed:
            self.changed.notify_all()
        for s in self.fillers:
            s.close()
        self.fillers = []
        if mode in ("refuse", "full"):
            if self.server is not None:
                self.server.close()
            self.server = None
            for w in list(self.writers):
                w.transport.abort()
        elif self.server is None:
            await self.listen()
        if mode == "full":
            self.fill()
        if mode == "vanish":
            for w in list(self.writers):
                s = w.transport.get_extra_info("socket")
                with socket.socket(fileno=os.dup(s.fileno())) as own:
                    try:
                        own.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
                    except PermissionError:
                        pass  # without CAP_NET_ADMIN they are reset, and said so by may_vanish()
                w.transport.abort()

    def fill(self):
        """The kernel drops what comes when nobody accepts what has come."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.args.address, self.port))
        listener.listen(0)
        self.fillers.append(listener)
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((self.args.address, self.port))
            self.fillers.append(s)

    def take(self, body):
        """Durable as far as this process is concerned: a kill after this leaves the line."""
        at = body.lower().find(b"\nmessage-id:")
        i, j = body.find(b"<", at), body.find(b">", at)
        os.write(self.file, body[i:j + 1] + b"\n")
        self.accepted += 1
        if self.first is None:
            self.first = time.monotonic()
        if self.then:
            self.left -= 1
            if self.left <= 0:
                asyncio.ensure_future(self.set_mode(self.then))
                self.mode, self.then = self.then, None

    async def ends(self, mode, seconds):
        """True as soon as the mode is another one, false when it has lasted so long."""
        try:
            async with self.changed:
                await asyncio.wait_for(self.changed.wait_for(lambda: self.mode != mode), seconds)
        except TimeoutError:
            return False
        return True

    async def say(self, w, text):
        if self.mode != "slow":
            w.write(text)
            return
        for i in range(len(text)):
            w.write(text[i:i + 1])
            if await self.ends("slow", 1):
                w.write(text[i + 1:])
                return

    async def starttls(self, r, w):
        await self.say(w, b"220 2.0.0 go ahead\r\n")
        if self.mode == "tlsgarbage":
            w.write(b"<html>this is no TLS</html>\r\n" * 20)
            with contextlib.suppress(TimeoutError):  # closed at once, it would be a reset before they have read it
                await asyncio.wait_for(self.hang(r), 1)
            return False
        if self.mode == "tlshang":
            await self.hang(r)
        try:
            await w.start_tls(self.tls[self.mode == "tlswrong"], ssl_handshake_timeout=10)
        except (OSError, ConnectionError):  # they do not like our certificate
            return False
        return True

    async def talk(self, r, w):
        self.connects += 1
        if self.mode == "close":
            w.close()
            return
        self.writers.add(w)
        try:
            await self.dialogue(r, w)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self.writers.discard(w)
            w.close()

    async def hang(self, r):
        while await r.read(65536):
            pass
        raise ConnectionError

    async def dialogue(self, r, w):
        secure = False
        if self.mode in ("silent",):
            await self.hang(r)
        if self.mode == "greet421":
            await self.say(w, b"421 4.3.2 the relay is going down\r\n")
            await w.drain()
            return
        await self.say(w, b"220 relay.example ESMTP\r\n")
        while True:
            line = await r.readline()
            if not line:
                return
            verb = line[:4].upper()
            if self.mode == "close":
                return
            if self.mode == "silent":
                await self.hang(r)
            if self.mode == "greet421" or (self.mode == "mail421" and verb == b"MAIL"):
                await self.say(w, b"421 4.3.2 the relay is going down\r\n")
                return
            if verb == b"EHLO":
                tls = b"250-STARTTLS\r\n" if self.tls[0] and not secure and self.mode != "notls" else b""
                await self.say(w, b"250-relay.example\r\n250-8BITMIME\r\n" + tls + b"250 PIPELINING\r\n")
            elif verb == b"STAR":
                if not await self.starttls(r, w):
                    return
                secure = True
            elif verb == b"MAIL":
                await self.say(w, MSG450 if self.mode == "mail450" else b"250 2.1.0 ok\r\n")
            elif verb == b"RCPT":
                refused = self.mode == "rcpt450"
                await self.say(w, MSG450 if refused else b"250 2.1.5 ok\r\n")
            elif verb == b"DATA":
                if self.mode == "hangdata":
                    await self.hang(r)
                if refused:
                    await self.say(w, b"554 5.5.1 no valid recipients\r\n")
                    continue
                await self.say(w, b"354 go\r\n")
                body = await r.readuntil(b"\r\n.\r\n")
                if self.mode in ("hangdot", "silent"):
                    await self.hang(r)
                if self.mode == "dot450":
                    await self.say(w, MSG450)
                else:
                    self.take(body)
                    await self.say(w, b"250 2.0.0 queued as %d\r\n" % self.accepted)
            elif verb == b"QUIT":
                await self.say(w, b"221 2.0.0 bye\r\n")
                return
            else:
                await self.say(w, b"250 2.0.0 ok\r\n")

    async def command(self, words):
        if words[0] == "mode" and len(words) == 3:
            self.then, self.left = words[1], int(words[2])
        elif words[0] == "mode":
            await self.set_mode(words[1])
        return {"connects": self.connects, "accepted": self.accepted, "mode": self.mode, "first": self.first}

    async def run(self):
        await self.listen()
        print("listening %d" % self.port, flush=True)
        stdin = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
        while True:
            line = await stdin.readline()
            if not line:
                return
            print(json.dumps(await self.command(line.decode().split())), flush=True)


class Relay:
    """The relay as a process of its own, so that it can also be stopped and killed."""

    def __init__(self, home, *args):
        self.accepted_file, self.args, self.port = os.path.join(home, "accepted"), list(args), 0
        self.start()

    def start(self):
        port = ["--port", str(self.port)] if self.port else []
        self.p = subprocess.Popen([sys.executable, os.path.abspath(__file__), self.accepted_file, *port, *self.args], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        line = self.p.stdout.readline()
        if not line.startswith("listening "):
            raise AssertionError("the relay said %r" % line)
        self.port = int(line.split()[1])

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return json.loads(self.p.stdout.readline())

    def mode(self, name, after=None):
        assert name in MODES, name
        return self.ask("mode %s%s" % (name, "" if after is None else " %d" % after))

    def stats(self):
        return self.ask("stats")

    def messages(self):
        """The Message-IDs that were accepted, over all lives of the relay."""
        with open(self.accepted_file) as f:
            return f.read().split()

    def signal(self, number):
        self.p.send_signal(number)

    def end(self):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()
        self.p.stdin.close()
        self.p.stdout.close()


def main():
    import argparse
    a = argparse.ArgumentParser()
    a.add_argument("accepted")
    a.add_argument("--port", type=int, default=0)
    a.add_argument("--address", default="127.0.0.1")
    for name in ("--cert", "--key", "--wrong-cert", "--wrong-key"):
        a.add_argument(name, default="")
    try:
        asyncio.run(Server(a.parse_args()).run())
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
