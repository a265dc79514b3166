"""Lines as messages, by libzmq: lines.py push|pull bind|connect ENDPOINT COUNT"""

import sys

import zmq

kind, how, endpoint, count = sys.argv[1:]
context = zmq.Context()
s = context.socket({"push": zmq.PUSH, "pull": zmq.PULL}[kind])
getattr(s, how)(endpoint)
if kind == "push":
    for line in sys.stdin.buffer:
        s.send(line.rstrip(b"\n"))
else:
    for _ in range(int(count)):
        sys.stdout.buffer.write(s.recv() + b"\n")
s.close()
context.term()  # waits for what is unsent
