"""A Freelance server and a Freelance client on libzmq, written from RFC 10. The
arguments are a role and name=value:

    server endpoint=E                 answers with its endpoint and the request
    client endpoints=E,E... count=N   asks for 1 to N, the first server that answers

What happens is printed, line by line; a line that begins with "bad" says that a
peer broke the protocol."""

import struct
import sys
import time

import zmq

role = sys.argv[1]
args = dict(a.split("=", 1) for a in sys.argv[2:])
context = zmq.Context()


def say(*words):
    print(*words, flush=True)


def server():
    endpoint = args["endpoint"].encode()
    s = context.socket(zmq.ROUTER)
    s.routing_id = endpoint
    s.bind(args["endpoint"])
    say("ready")
    while True:
        who, *frames = s.recv_multipart()
        if not who.startswith(b"\0"):
            say("bad: a client has an identity:", who)
        if frames == [b"PING"]:
            say("ping")
            s.send_multipart([who, b"PONG"])
        elif len(frames) > 1:
            say("request", frames[1].decode())
            s.send_multipart([who, frames[0], endpoint, *frames[1:]])
        else:
            say("bad:", frames)


class Client:
    """Asks each server in turn, until one answers in half a second."""

    def __init__(self):
        self.s = context.socket(zmq.ROUTER)
        self.s.linger = 0
        self.servers = [e.encode() for e in args["endpoints"].split(",")]
        for e in self.servers:
            self.s.connect(e.decode())

    def ask(self, to, frames):
        """Sends to a server and returns what it answers, None if it is silent."""
        self.s.send_multipart([to, *frames])
        late = time.monotonic() + 0.5
        while self.s.poll(max(0, (late - time.monotonic()) * 1000)):
            who, *answer = self.s.recv_multipart()
            if who not in self.servers:
                say("bad: an answer of", who)
            if who == to and (frames == [b"PING"] or answer[0] == frames[0]):
                return answer
        return None

    def request(self, n):
        # The control frame is the client's own: here four octets, any of them.
        control, body = struct.pack("!I", n * 0x01010101 & 0xFFFFFFFF), b"%d" % n
        for to in list(self.servers):
            answer = self.ask(to, [control, body, b""])
            if answer is None:
                self.servers.append(self.servers.pop(0))
            elif answer == [control, to, body, b""]:
                return True
            else:
                say("bad reply to", n, answer)
        return False


def client():
    c = Client()
    for to in c.servers:
        while (answer := c.ask(to, [b"PING"])) is None:
            pass
        say("pong" if answer == [b"PONG"] else "bad pong %r" % answer)
    for n in range(1, int(args["count"]) + 1):
        while not c.request(n):
            say("retry", n)
        say("answered", n, c.servers[0].decode())
        time.sleep(0.005)
    say("done")


{"client": client, "server": server}[role]()
