# The far side of the demo's last step: a libzmq that numbers what it is sent
# and sends it back.
import sys
import zmq

back, forth, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
context = zmq.Context()
pull = context.socket(zmq.PULL)
push = context.socket(zmq.PUSH)
pull.setsockopt(zmq.RCVTIMEO, 10000)
push.setsockopt(zmq.LINGER, 10000)
pull.connect(forth)
push.connect(back)
for i in range(count):
    push.send_multipart([b"%d" % i] + pull.recv_multipart())
pull.close()
push.close()
context.term()
