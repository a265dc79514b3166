"""A Lazy Pirate client, a Paranoid Pirate queue and a Paranoid Pirate worker on
libzmq, written from RFC 6. The arguments are a role and name=value:

    client endpoint=E count=N         asks for 1 to N, one after the other
    queue  front=E back=E             least recently used worker first
    worker endpoint=E name=NAME       answers with its name and the request

All know interval=SECONDS. What happens is printed, line by line; a line that
begins with "bad" says that a peer broke the protocol."""

import sys
import time
from collections import OrderedDict

import zmq

READY, HEARTBEAT, LIVENESS = [b"\x01"], [b"\x02"], 3

role = sys.argv[1]
args = dict(a.split("=", 1) for a in sys.argv[2:])
interval = float(args.get("interval", 1))
context = zmq.Context()


def say(*words):
    print(*words, flush=True)


def socket(kind):
    s = context.socket(kind)
    s.linger = 0
    return s


def enveloped(frames):
    """Whether there is an empty frame, and content behind it."""
    return b"" in frames[:-1]


def client():
    """A REQ for each try; a reply is good if it ends with the request."""
    for n in range(1, int(args["count"]) + 1):
        request = b"%d" % n
        while True:
            s = socket(zmq.REQ)
            s.connect(args["endpoint"])
            s.send(request)
            if s.poll(2500):
                reply = s.recv_multipart()
                s.close()
                break
            s.close()
            say("retry", n)
        say("ok" if reply[-1] == request else "bad reply %r to" % reply, n)
    say("done")


def queue():
    front, back = socket(zmq.ROUTER), socket(zmq.ROUTER)
    front.bind(args["front"])
    back.bind(args["back"])
    say("ready")
    known = {}  # identity: when it counts as dead
    gone = set()  # who was struck off
    idle = OrderedDict()
    due = time.monotonic() + interval
    poller = zmq.Poller()
    poller.register(back, zmq.POLLIN)
    while True:
        poller.modify(front, zmq.POLLIN) if idle else front in poller and poller.unregister(front)
        ready = dict(poller.poll(max(0, (due - time.monotonic()) * 1000)))
        now = time.monotonic()
        if back in ready:
            who, *frames = back.recv_multipart()
            if who in gone and frames != READY:
                pass  # it has not noticed yet
            elif who not in known and frames != READY:
                say("bad: a conversation begins with", frames)
            elif frames == READY:
                say("worker")
                idle[who] = True
            elif frames != HEARTBEAT and not enveloped(frames):
                say("bad:", frames)
            elif frames != HEARTBEAT:
                front.send_multipart(frames)
                idle[who] = True
            if frames == READY or who in known:
                gone.discard(who)
                known[who] = now + LIVENESS * interval
        if front in ready:
            who, _ = idle.popitem(last=False)
            back.send_multipart([who, *front.recv_multipart()])
        if now >= due:
            due = now + interval
            for who in known:
                back.send_multipart([who, *HEARTBEAT])
            for who in [who for who, dead in known.items() if now >= dead]:
                say("lost")
                del known[who]
                gone.add(who)
                idle.pop(who, None)


def worker():
    wait = interval
    while True:
        s = socket(zmq.DEALER)
        s.connect(args["endpoint"])
        s.send_multipart(READY)
        say("ready")
        now = time.monotonic()
        due, dead = now + interval, now + LIVENESS * interval
        while time.monotonic() < dead:
            if s.poll(max(0, (due - time.monotonic()) * 1000)):
                frames = s.recv_multipart()
                dead = time.monotonic() + LIVENESS * interval
                wait = interval
                if enveloped(frames):
                    end = frames.index(b"")
                    s.send_multipart(frames[: end + 1] + [args["name"].encode(), frames[-1]])
                    say("replied")
                elif frames != HEARTBEAT:
                    say("bad:", frames)
            if time.monotonic() >= due:
                due = time.monotonic() + interval
                s.send_multipart(HEARTBEAT)
        say("silent")
        s.close()
        time.sleep(wait)
        wait = min(2 * wait, 32 * interval)


{"client": client, "queue": queue, "worker": worker}[role]()
