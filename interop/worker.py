"""A libzmq worker of the kill test: it is under load on every road until it is
killed. The arguments are name=value; worker_test.go is the same with our
sockets, and says what the roads are."""

import struct
import sys
import time

import zmq

args = dict(a.split("=", 1) for a in sys.argv[1:])
me = args["me"].encode()
context = zmq.Context()


def socket(kind, connect=None, bind=None, **options):
    s = context.socket(kind)
    for name, value in options.items():
        setattr(s, name, value)
    if connect:
        s.connect(args[connect])
    if bind:
        s.bind(args[bind])
    return s


sink = socket(zmq.PUSH, connect="sink")
work = socket(zmq.PULL, connect="work")
own = socket(zmq.PULL, bind="own")
news = socket(zmq.SUB, subscribe=b"news")
news.connect(args["news"])
ask = socket(zmq.DEALER, connect="ask", routing_id=args["name"].encode())
serve = socket(zmq.REP, bind="serve")
feed = socket(zmq.PUB, bind="feed")

records = 0


def record(road, numbered):
    global records
    number = struct.unpack_from("!Q", numbered)[0]
    sink.send_multipart([me, b"%d" % records, road, b"%d" % number])
    records += 1


roads = {work: b"work", own: b"own", news: b"news", ask: b"ask"}
poller = zmq.Poller()
for s in [*roads, serve]:
    poller.register(s, zmq.POLLIN)
asked = fed = 0
TICK = 0.005
due = time.monotonic()
while True:
    for s, _ in poller.poll(max(0, int((due - time.monotonic()) * 1000))):
        frames = s.recv_multipart()
        if s is serve:
            serve.send_multipart([me, frames[-1]])
        else:
            record(roads[s], frames[-1])
    if time.monotonic() >= due:
        due += TICK
        ask.send(struct.pack("!Q", asked))
        asked += 1
        for _ in range(10):
            feed.send_multipart([b"feed", me, struct.pack("!Q", fed)])
            fed += 1
