// There and back: req to rep, dealer to router.

#include "peer.h"

// warm is how many requests go before those that are measured.
#define WARM 500

void req(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0);
	void *context = new_context(), *s = open_socket(context, ZMQ_REQ);
	unsigned char *buffer = malloc(size);
	histogram *h = calloc(1, sizeof *h);
	attach(s, ZMQ_REQ);
	result r = {.count = count};
	int64_t used = 0;
	for (uint64_t n = 0; n < WARM + count; n++) {
		if (n == WARM)
			used = cpu(), r.began = now(), r.sum = 0;
		int64_t before = now();
		send_body(s, size, n, 'c', buffer, 0);
		int length = zmq_recv(s, buffer, size, 0);
		check(length >= 0, "recv");
		r.sum += check_body(buffer, (size_t)length, size, n, 1);
		if (n >= WARM)
			record(h, now() - before);
	}
	r.ended = now();
	r.cpu = cpu() - used;
	percentiles(h, &r);
	report(&r);
}

// echo sends COUNT messages back as they came, whatever is in front of them.
static void echo(int type, uint64_t count, uint64_t warm) {
	size_t size = (size_t)number("size", 64);
	void *context = new_context(), *s = open_socket(context, type);
	attach(s, type);
	result r = {.count = count};
	int64_t used = 0;
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (uint64_t n = 0; n < warm + count; n++) {
		int more = 1;
		while (more) {
			check(zmq_msg_recv(&m, s, 0) >= 0, "recv");
			more = zmq_msg_more(&m);
			if (!more)
				r.sum += check_body(zmq_msg_data(&m), zmq_msg_size(&m), size, n, 1);
			check(zmq_msg_send(&m, s, more ? ZMQ_SNDMORE : 0) >= 0, "send");
		}
		if (n == warm)
			used = cpu();
	}
	// Not closed before the other side has all: libzmq loses what its I/O thread has
	// taken from the pipe and the kernel has not taken yet.
	r.cpu = cpu() - used;
	report(&r);
}

void rep(void) { echo(ZMQ_REP, (uint64_t)number("count", 0), WARM); }

void router(void) { echo(ZMQ_ROUTER, (uint64_t)number("count", 0), 0); }

// dealer keeps WINDOW messages on their way.
void dealer(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0), sent = 0;
	uint64_t window = (uint64_t)number("window", 100);
	char way = text("way", "copy")[0];
	void *context = new_context(), *s = open_socket(context, ZMQ_DEALER);
	unsigned char *buffer = malloc(size);
	attach(s, ZMQ_DEALER);
	wait_writable(s);
	result r = {.count = count, .began = now()};
	int64_t used = cpu();
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (; sent < window && sent < count; sent++)
		send_body(s, size, sent, way, buffer, 0);
	for (uint64_t n = 0; n < count; n++) {
		check(zmq_msg_recv(&m, s, 0) >= 0, "recv");
		r.sum += check_body(zmq_msg_data(&m), zmq_msg_size(&m), size, n, 1);
		if (sent < count)
			send_body(s, size, sent++, way, buffer, 0);
	}
	r.ended = now();
	r.cpu = cpu() - used;
	report(&r);
}
