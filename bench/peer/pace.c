// Open loop: messages are sent when it is their time, whether or not the
// earlier ones have arrived, and their age counts from that time.

#include "peer.h"

#include <time.h>

// tick is how far apart bursts are, in nanoseconds.
#define TICK 100000

// pace sends RATE messages a second, the share of a tick at each tick.
void pace(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0), rate = (uint64_t)number("rate", 1);
	char way = text("way", "copy")[0];
	void *context = new_context(), *s = open_socket(context, ZMQ_PUSH);
	unsigned char *buffer = malloc(size);
	attach(s, ZMQ_PUSH);
	wait_writable(s);
	result r = {.began = now()};
	int64_t used = cpu(), due = r.began;
	for (uint64_t tick = 1; r.count < count; tick++, due += TICK) {
		struct timespec until = {due / 1000000000, due % 1000000000};
		if (due > now())
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		uint64_t end = tick * TICK / 1000 * rate / 1000000;
		for (; r.count < count && r.count < end; r.count++)
			send_timed(s, size, r.count, due, way, buffer, 0);
	}
	zmq_close(s);
	zmq_ctx_term(context);
	r.cpu = cpu() - used;
	report(&r);
}

// timed receives what pace sends.
void timed(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0);
	void *context = new_context(), *s = open_socket(context, ZMQ_PULL);
	histogram *h = calloc(1, sizeof *h);
	attach(s, ZMQ_PULL);
	result r = {0};
	int64_t used = 0, due;
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (; r.count < count; r.count++) {
		check(zmq_msg_recv(&m, s, 0) >= 0, "recv");
		if (r.count == 0)
			used = cpu();
		r.sum += check_body(zmq_msg_data(&m), zmq_msg_size(&m), size, r.count, 1);
		memcpy(&due, (char *)zmq_msg_data(&m) + 8, 8);
		record(h, now() - due);
	}
	r.ended = now();
	r.cpu = cpu() - used;
	percentiles(h, &r);
	report(&r);
}
