// One way: push to pull, pub to sub.

#include "peer.h"

// push sends COUNT messages over PEERS sockets in turn.
void push(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0);
	long long peers = number("peers", 1);
	char way = text("way", "copy")[0];
	void *context = new_context(), **s = calloc((size_t)peers, sizeof *s);
	unsigned char *buffer = malloc(size);
	for (long long i = 0; i < peers; i++)
		s[i] = open_socket(context, ZMQ_PUSH);
	for (long long i = 1; i < peers; i++)
		connect_to(s[i], ZMQ_PUSH);
	attach(s[0], ZMQ_PUSH);
	for (long long i = 0; i < peers; i++)
		wait_writable(s[i]);
	result r = {.count = count, .began = now()};
	int64_t used = cpu();
	for (uint64_t n = 0; n < count; n++)
		send_body(s[n % (uint64_t)peers], size, n, way, buffer, 0);
	for (long long i = 0; i < peers; i++)
		zmq_close(s[i]);
	zmq_ctx_term(context); // waits until all is written
	r.cpu = cpu() - used;
	report(&r);
}

void pull(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0);
	int ordered = (int)number("ordered", 1);
	void *context = new_context(), *s = open_socket(context, ZMQ_PULL);
	attach(s, ZMQ_PULL);
	result r = {.count = count};
	int64_t used = 0;
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (uint64_t n = 0; n < count; n++) {
		check(zmq_msg_recv(&m, s, 0) >= 0, "recv");
		if (n == 0)
			used = cpu();
		r.sum += check_body(zmq_msg_data(&m), zmq_msg_size(&m), size, n, ordered);
	}
	r.ended = now();
	r.cpu = cpu() - used;
	zmq_msg_close(&m);
	report(&r);
}

// pub publishes when PEERS subscribers have subscribed to TOPICS topics each.
void pub(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0), topics = (uint64_t)number("topics", 0);
	long long awaited = number("peers", 1) * (topics > 0 ? (long long)topics : 1);
	char way = text("way", "copy")[0];
	int yes = 1, none = 0;
	void *context = new_context(), *s = open_socket(context, ZMQ_XPUB);
	unsigned char *buffer = malloc(size);
	check(zmq_setsockopt(s, ZMQ_XPUB_NODROP, &yes, sizeof yes) == 0, "nodrop");
	check(zmq_setsockopt(s, ZMQ_XPUB_VERBOSE, &yes, sizeof yes) == 0, "verbose");
	check(zmq_setsockopt(s, ZMQ_RCVHWM, &none, sizeof none) == 0, "rcvhwm");
	attach(s, ZMQ_XPUB);
	for (; awaited > 0; awaited--)
		check(zmq_recv(s, buffer, size, 0) >= 1, "recv");
	result r = {.count = count, .began = now()};
	int64_t used = cpu();
	for (uint64_t n = 0; n < count; n++)
		send_body(s, size, topics > 0 ? n % topics : n, way, buffer, 0);
	zmq_close(s);
	zmq_ctx_term(context);
	r.cpu = cpu() - used;
	report(&r);
}

// drain takes what a socket has; next is how many came before.
static void drain(void *s, zmq_msg_t *m, uint64_t *next, uint64_t count, uint64_t topics, size_t size, result *r) {
	for (; *next < count; (*next)++) {
		if (zmq_msg_recv(m, s, ZMQ_DONTWAIT) < 0) {
			check(zmq_errno() == EAGAIN, "recv");
			return;
		}
		uint64_t n = topics > 0 ? *next % topics : *next;
		r->sum += check_body(zmq_msg_data(m), zmq_msg_size(m), size, n, 1);
		r->count++;
	}
}

// sub is PEERS subscribers, each of which gets every message.
void sub(void) {
	size_t size = (size_t)number("size", 64), peers = (size_t)number("peers", 1);
	uint64_t count = (uint64_t)number("count", 0), topics = (uint64_t)number("topics", 0);
	int none = 0;
	void *context = new_context();
	zmq_pollitem_t *items = calloc(peers, sizeof *items);
	uint64_t *next = calloc(peers, sizeof *next);
	for (size_t i = 0; i < peers; i++) {
		void *s = open_socket(context, ZMQ_SUB);
		check(zmq_setsockopt(s, ZMQ_SNDHWM, &none, sizeof none) == 0, "sndhwm");
		for (uint64_t t = 0; t < topics; t++)
			check(zmq_setsockopt(s, ZMQ_SUBSCRIBE, &t, sizeof t) == 0, "subscribe");
		if (topics == 0)
			check(zmq_setsockopt(s, ZMQ_SUBSCRIBE, "", 0) == 0, "subscribe");
		items[i] = (zmq_pollitem_t){s, 0, ZMQ_POLLIN, 0};
		if (i > 0)
			connect_to(s, ZMQ_SUB);
	}
	attach(items[0].socket, ZMQ_SUB);
	result r = {0};
	int64_t used = 0;
	zmq_msg_t m;
	zmq_msg_init(&m);
	while (r.count < count * peers) {
		check(zmq_poll(items, (int)peers, -1) > 0, "poll");
		if (used == 0)
			used = cpu();
		for (size_t i = 0; i < peers; i++)
			if (items[i].revents)
				drain(items[i].socket, &m, &next[i], count, topics, size, &r);
	}
	r.ended = now();
	r.cpu = cpu() - used;
	report(&r);
}
