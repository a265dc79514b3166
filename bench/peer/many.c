// Many peers, and one that does not receive.

#include "peer.h"

#include <errno.h>
#include <time.h>

// hub is a ROUTER that answers one message of each of PEERS peers, and then
// looks at its memory.
void hub(void) {
	uint64_t peers = (uint64_t)number("peers", 1);
	size_t size = (size_t)number("size", 64);
	void *context = new_context(), *s = open_socket(context, ZMQ_ROUTER);
	zmq_msg_t address, m;
	zmq_msg_init(&address);
	zmq_msg_init(&m);
	result r = {.resident[0] = resident()};
	int64_t used = cpu();
	attach(s, ZMQ_ROUTER);
	for (; r.count < peers; r.count++) {
		check(zmq_msg_recv(&address, s, 0) >= 0 && zmq_msg_recv(&m, s, 0) >= 0, "recv");
		r.sum += check_body(zmq_msg_data(&m), zmq_msg_size(&m), size, 0, 0);
		check(zmq_msg_send(&address, s, ZMQ_SNDMORE) >= 0 && zmq_msg_send(&m, s, 0) >= 0, "send");
	}
	r.cpu = cpu() - used;
	struct timespec rest = {0, 200000000};
	nanosleep(&rest, NULL);
	r.resident[1] = resident();
	report(&r);
}

// storm is PEERS DEALERs that connect at once, send a message and wait for the
// answer. They stay until the input ends.
void storm(void) {
	size_t peers = (size_t)number("peers", 1), size = (size_t)number("size", 64);
	void *context = new_context(), **s = calloc(peers, sizeof *s);
	unsigned char *buffer = malloc(size);
	for (size_t i = 0; i < peers; i++)
		s[i] = open_socket(context, ZMQ_DEALER);
	say_ready("");
	result r = {.began = now()};
	int64_t used = cpu();
	for (size_t i = 0; i < peers; i++) {
		check(zmq_connect(s[i], text("at", "")) == 0, "connect");
		send_body(s[i], size, i, 'c', buffer, 0);
	}
	for (size_t i = 0; i < peers; i++, r.count++) {
		int length = zmq_recv(s[i], buffer, size, 0);
		check(length >= 0, "recv");
		r.sum += check_body(buffer, (size_t)length, size, i, 1);
	}
	r.ended = now();
	r.cpu = cpu() - used;
	report(&r);
}

// flood sends until nothing more is taken, COUNT messages at most, and looks
// at its memory.
void flood(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0);
	void *context = new_context(), *s = open_socket(context, ZMQ_PUSH);
	unsigned char *buffer = malloc(size);
	struct timespec rest = {0, 10000000};
	attach(s, ZMQ_PUSH);
	wait_writable(s);
	result r = {.began = now(), .resident[0] = resident()};
	for (int refused = 0; r.count < count && refused < 30;) {
		fill(buffer, size, r.count);
		if (zmq_send(s, buffer, size, ZMQ_DONTWAIT) >= 0) {
			r.count++;
			refused = 0;
			continue;
		}
		check(zmq_errno() == EAGAIN, "send");
		refused++;
		nanosleep(&rest, NULL);
	}
	r.ended = now();
	nanosleep(&rest, NULL);
	r.resident[1] = resident();
	report(&r);
}

// idle is a PULL that nobody receives from, until its input ends.
void idle(void) {
	void *context = new_context(), *s = open_socket(context, ZMQ_PULL);
	result r = {.resident[0] = resident()};
	attach(s, ZMQ_PULL);
	wait_end();
	r.resident[1] = resident();
	report(&r);
}
