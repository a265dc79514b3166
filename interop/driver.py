"""libzmq's sockets for the battery: reads requests on stdin, answers on stdout.

A request or an answer is a list of fields: their number, then the length and
the octets of each; numbers are 32 bits in network order. The first field of a
request is the operation, the first of an answer is ok, again or error. Numbers
within fields are decimal, waits are milliseconds.
"""

import os
import struct
import sys
import threading
import time
import zlib

import zmq
from zmq.auth.thread import ThreadAuthenticator

PATTERN = bytes((i * 7 + i // 251) & 255 for i in range(1 << 16))

FAILED = (zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
          | zmq.EVENT_HANDSHAKE_FAILED_AUTH)


class Socket:
    """A socket and what its monitor has told."""

    def __init__(self, context, number, kind):
        self.s = context.socket(getattr(zmq, kind))
        self.shaken = self.ended = self.failed = 0
        name = "inproc://monitor-%d" % number
        self.s.monitor(name, zmq.EVENT_ALL)
        self.events = context.socket(zmq.PAIR)
        self.events.rcvhwm = 0
        self.events.connect(name)

    def note(self, wait):
        """Works off the monitor's events; waits for the first."""
        while self.events.poll(wait):
            event, _ = struct.unpack("=HI", self.events.recv_multipart()[0])
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.shaken += 1
            elif event == zmq.EVENT_DISCONNECTED:
                self.ended += 1
            elif event & FAILED:
                self.failed += 1
            wait = 0

    def count(self, what):
        self.note(0)
        # A handshake that fails is told twice: as failed and as disconnected.
        return {"peers": self.shaken - (self.ended - self.failed), "shaken": self.shaken, "ended": self.ended}[what]

    def close(self, linger):
        self.s.disable_monitor()
        self.events.close(linger=0)
        self.s.close(linger=linger)


class Proxy:
    """libzmq's own proxy, in a thread. Without a control socket it has one of its own."""

    def __init__(self, context, number, front, back, control):
        self.own = []
        if control is None:
            name = "inproc://proxy-%d" % number
            control, steer = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
            control.bind(name)
            steer.connect(name)
            self.own = [steer, control]
        self.thread = threading.Thread(target=zmq.proxy_steerable, args=(front, back, None, control), daemon=True)
        self.thread.start()

    def close(self, _linger):
        if self.own:
            self.own[0].send(b"TERMINATE")
        self.thread.join(60)
        if self.thread.is_alive():
            raise RuntimeError("the proxy does not end")
        for s in self.own:
            s.close(linger=0)


class Driver:
    def __init__(self):
        self.context = zmq.Context()
        self.context.max_sockets = 65535
        self.objects = {}
        self.last = 0
        self.auth = None

    def add(self, thing):
        self.objects[self.last] = thing
        return [b"%d" % self.last]

    def socket(self, number):
        return self.objects[int(number)]

    def op_new(self, kind):
        self.last += 1
        return self.add(Socket(self.context, self.last, kind.decode()))

    def op_proxy(self, *sockets):
        self.last += 1
        front, back, control = [self.socket(s).s for s in sockets] + [None] * (3 - len(sockets))
        return self.add(Proxy(self.context, self.last, front, back, control))

    def op_set(self, number, name, *values):
        option = zmq.SocketOption[name.decode().upper()]
        text = option._opt_type.name == "bytes"
        for value in values:
            self.socket(number).s.set(option, value if text else int(value))
        return []

    def op_get(self, number, name):
        value = self.socket(number).s.get(zmq.SocketOption[name.decode().upper()])
        return [value.rstrip(b"\0") if isinstance(value, bytes) else b"%d" % value]

    def op_bind(self, number, endpoint):
        s = self.socket(number).s
        s.bind(endpoint.decode())
        return [s.get(zmq.LAST_ENDPOINT).rstrip(b"\0")]

    def op_unbind(self, number, endpoint):
        self.socket(number).s.unbind(endpoint.decode())
        return []

    def op_connect(self, number, endpoint):
        self.socket(number).s.connect(endpoint.decode())
        return []

    def op_disconnect(self, number, endpoint):
        self.socket(number).s.disconnect(endpoint.decode())
        return []

    def op_send(self, number, wait, *frames):
        self.send(self.socket(number).s, int(wait), frames)
        return []

    def op_recv(self, number, wait):
        return self.recv(self.socket(number).s, int(wait))

    def op_auth(self, kind, *values):
        """Serves ZAP for all sockets of the process."""
        if self.auth is None:
            self.auth = ThreadAuthenticator(self.context)
            self.auth.start()
        values = [v.decode() for v in values]
        if kind == b"plain":
            self.auth.configure_plain(domain="global", passwords=dict(zip(values[::2], values[1::2])))
        elif kind == b"curve":
            self.auth.configure_curve(domain="global", location=values[0])
        else:
            getattr(self.auth, kind.decode())(*values)
        return []

    def op_recvuser(self, number, wait):
        """Receives a message and returns its user, and its last frame."""
        s = self.socket(number).s
        if not s.poll(int(wait)):
            raise zmq.Again
        last = s.recv_multipart(copy=False)[-1]
        try:
            user = last.get("User-Id").encode()
        except zmq.ZMQError:
            user = b""
        return [user, last.bytes]

    def op_sendrun(self, number, wait, first, n, size, *prefix):
        s, wait, first, size = self.socket(number).s, int(wait), int(first), int(size)
        body = bytes(size - 8)
        for i in range(int(n)):
            try:
                self.send(s, wait, [*prefix, struct.pack("!Q", first + i) + body])
            except zmq.Again:
                return [b"%d" % i]
        return [n]

    def op_recvrun(self, number, wait, n):
        s, wait, numbers = self.socket(number).s, int(wait), []
        for _ in range(int(n)):
            try:
                numbers.append(struct.unpack_from("!Q", self.recv(s, wait)[-1])[0])
            except zmq.Again:
                break
        return [struct.pack("!%dQ" % len(numbers), *numbers)]

    def op_sendlarge(self, number, wait, size):
        body = (PATTERN * (int(size) // len(PATTERN) + 1))[:int(size)]
        self.send(self.socket(number).s, int(wait), [body])
        return [self.sum(body)]

    def op_recvsum(self, number, wait):
        return [self.sum(f) for f in self.recv(self.socket(number).s, int(wait))]

    def op_wait(self, number, what, n, wait):
        s, what, n = self.socket(number), what.decode(), int(n)
        end = time.monotonic() + int(wait) / 1000
        while s.count(what) < n:
            left = end - time.monotonic()
            if left <= 0:
                raise zmq.Again
            s.note(int(left * 1000) + 1)
        s.s.get(zmq.EVENTS)  # works off what the connections told the socket
        return []

    def op_count(self, number, what):
        return [b"%d" % self.socket(number).count(what.decode())]

    def op_close(self, number, linger):
        self.objects.pop(int(number)).close(int(linger))
        return []

    @staticmethod
    def send(s, wait, frames):
        s.sndtimeo = wait
        s.send_multipart(frames)

    @staticmethod
    def recv(s, wait):
        end = time.monotonic() + wait / 1000
        while s.poll(max(0, int((end - time.monotonic()) * 1000))):
            try:
                return s.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                pass  # a REQ has dropped what was no answer
        raise zmq.Again

    @staticmethod
    def sum(frame):
        return b"%d:%08x" % (len(frame), zlib.crc32(frame))

    def answer(self, request):
        try:
            return [b"ok", *getattr(self, "op_" + request[0].decode())(*request[1:])]
        except zmq.Again:
            return [b"again"]
        except zmq.ZMQError as e:
            if e.errno == zmq.EHOSTUNREACH:
                return [b"unreachable"]
            if e.errno == zmq.EFSM:
                return [b"state"]
            return [b"error", str(e).encode()]
        except Exception as e:  # the test shows it
            return [b"error", repr(e).encode()]


def read_fields(f):
    head = f.read(4)
    if len(head) < 4:
        return None
    return [f.read(struct.unpack("!I", f.read(4))[0]) for _ in range(struct.unpack("!I", head)[0])]


def write_fields(f, fields):
    f.write(struct.pack("!I", len(fields)))
    for field in fields:
        f.write(struct.pack("!I", len(field)))
        f.write(field)
    f.flush()


def main():
    driver = Driver()
    write_fields(sys.stdout.buffer, [b"ok", zmq.zmq_version().encode()])
    while True:
        request = read_fields(sys.stdin.buffer)
        if request is None:
            os._exit(0)  # the test has ended: nothing lingers
        write_fields(sys.stdout.buffer, driver.answer(request))


main()
