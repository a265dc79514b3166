"""A broker, a worker and a client of MDP 0.1 and 0.2, written from RFC 7, 8 and 18
on pyzmq, for the tests of reliable/majordomo.

mdp_peer.py broker VERSION ENDPOINT             prints the endpoint it is bound to
mdp_peer.py worker VERSION ENDPOINT SERVICE     echoes; in 0.2 each frame but the
                                                last is a PARTIAL
mdp_peer.py client VERSION ENDPOINT SERVICE N   N requests of three frames; prints
                                                how many replies were right

VERSION is 1 or 2. The broker serves that one alone."""

import sys
import time
from collections import OrderedDict, deque

import zmq

HEARTBEAT = 2.5
LIVENESS = 3


class Dialect:
    """The frames of a version."""

    def __init__(self, version):
        self.two = version == 2
        self.client = [b"MDPC02"] if self.two else [b"", b"MDPC01"]
        self.worker = [b"MDPW02"] if self.two else [b"", b"MDPW01"]
        names = ["READY", "REQUEST", "PARTIAL", "FINAL", "HEARTBEAT", "DISCONNECT"]
        if not self.two:
            names.remove("PARTIAL")
        self.octet = {name: bytes([i + 1]) for i, name in enumerate(names)}
        self.name = {octet: name for name, octet in self.octet.items()}

    def to_worker(self, name, *rest):
        return self.worker + [self.octet[name], *rest]

    def to_client(self, name, service, body):
        command = [{"REQUEST": b"\1", "PARTIAL": b"\2", "FINAL": b"\3"}[name]] if self.two else []
        return self.client + command + [service] + body

    def read_client(self, frames):
        """Returns command, service and body."""
        n = len(self.client)
        assert frames[:n] == self.client, frames
        name = "FINAL"
        if self.two:
            name = {b"\1": "REQUEST", b"\2": "PARTIAL", b"\3": "FINAL"}[frames[n]]
            n += 1
        assert len(frames) > n + 1, frames
        return name, frames[n], frames[n + 1 :]

    def read_worker(self, frames):
        """Returns command and what follows it."""
        n = len(self.worker)
        assert frames[:n] == self.worker, frames
        return self.name[frames[n]], frames[n + 1 :]


class Broker:
    def __init__(self, dialect, endpoint):
        self.d = dialect
        self.router = zmq.Context.instance().socket(zmq.ROUTER)
        self.router.bind(endpoint)
        print(self.router.last_endpoint.decode(), flush=True)
        self.waiting = {}  # service: workers, who waits longest first
        self.requests = {}  # service: deque of (client, body)
        self.workers = OrderedDict()  # identity: [service, expiry]

    def run(self):
        due = time.monotonic() + HEARTBEAT
        while True:
            if self.router.poll(max(0, (due - time.monotonic()) * 1000)):
                who, *frames = self.router.recv_multipart()
                n = len(self.d.worker)
                if frames[:n] == self.d.worker:
                    self.from_worker(who, *self.d.read_worker(frames))
                elif frames[:n] == self.d.client:
                    self.from_client(who, *self.d.read_client(frames)[1:])
            if time.monotonic() >= due:
                due = time.monotonic() + HEARTBEAT
                for who, (_, expiry) in list(self.workers.items()):
                    if expiry < time.monotonic():
                        self.forget(who)
                    else:
                        self.router.send_multipart([who] + self.d.to_worker("HEARTBEAT"))

    def forget(self, who):
        service, _ = self.workers.pop(who)
        if who in self.waiting[service]:
            self.waiting[service].remove(who)

    def from_client(self, who, service, body):
        if service.startswith(b"mmi."):
            status = b"501"
            if service == b"mmi.service":
                found = any(s == body[0] for s, _ in self.workers.values())
                status = b"200" if found else b"404"
            self.router.send_multipart([who] + self.d.to_client("FINAL", service, [status]))
            return
        self.requests.setdefault(service, deque()).append((who, body))
        self.dispatch(service)

    def from_worker(self, who, name, rest):
        if who in self.workers:
            self.workers[who][1] = time.monotonic() + HEARTBEAT * LIVENESS
        if name == "READY" and who not in self.workers:
            (service,) = rest
            self.workers[who] = [service, time.monotonic() + HEARTBEAT * LIVENESS]
            self.idle(who, service)
        elif name in ("PARTIAL", "FINAL") and who in self.workers:
            client, empty, *body = rest
            assert empty == b"" and body
            service = self.workers[who][0]
            self.router.send_multipart([client] + self.d.to_client(name, service, body))
            if name == "FINAL":
                self.idle(who, service)
        elif name == "DISCONNECT":
            if who in self.workers:
                self.forget(who)
        elif name != "HEARTBEAT" or who not in self.workers:
            self.router.send_multipart([who] + self.d.to_worker("DISCONNECT"))
            if who in self.workers:
                self.forget(who)

    def idle(self, who, service):
        self.waiting.setdefault(service, deque()).append(who)
        self.dispatch(service)

    def dispatch(self, service):
        requests, waiting = self.requests.get(service), self.waiting.get(service)
        while requests and waiting:
            client, body = requests.popleft()
            request = self.d.to_worker("REQUEST", client, b"", *body)
            self.router.send_multipart([waiting.popleft()] + request)


def work(d, endpoint, service):
    while True:
        dealer = zmq.Context.instance().socket(zmq.DEALER)
        dealer.linger = 1000
        dealer.connect(endpoint)
        dealer.send_multipart(d.to_worker("READY", service))
        converse(d, dealer)
        dealer.close()
        time.sleep(0.1)


def converse(d, dealer):
    """Serves until the broker is lost."""
    due = time.monotonic() + HEARTBEAT
    heard = time.monotonic()
    while time.monotonic() < heard + HEARTBEAT * LIVENESS:
        if dealer.poll(max(0, (due - time.monotonic()) * 1000)):
            heard = time.monotonic()
            name, rest = d.read_worker(dealer.recv_multipart())
            if name == "DISCONNECT":
                return
            if name == "REQUEST":
                client, empty, *body = rest
                assert empty == b"" and body, rest
                while d.two and len(body) > 1:
                    dealer.send_multipart(d.to_worker("PARTIAL", client, b"", body.pop(0)))
                dealer.send_multipart(d.to_worker("FINAL", client, b"", *body))
            else:
                assert name == "HEARTBEAT", name
        if time.monotonic() >= due:
            dealer.send_multipart(d.to_worker("HEARTBEAT"))
            due = time.monotonic() + HEARTBEAT


def ask(d, endpoint, service, count):
    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.linger = 0
    dealer.connect(endpoint)
    right = 0
    for i in range(count):
        body = [b"request %d" % i, b"", b"\0\1\2\xff"]
        dealer.send_multipart(d.to_client("REQUEST", service, body))
        got, name = [], "PARTIAL"
        while name == "PARTIAL":
            if not dealer.poll(20000):
                sys.exit("no reply")
            name, of, part = d.read_client(dealer.recv_multipart())
            assert of == service
            got += part
        assert got == body, got
        right += 1
    print(right, flush=True)


role, version, endpoint, *args = sys.argv[1:]
dialect = Dialect(int(version))
if role == "broker":
    Broker(dialect, endpoint).run()
elif role == "worker":
    work(dialect, endpoint, args[0].encode())
else:
    ask(dialect, endpoint, args[0].encode(), int(args[1]))
