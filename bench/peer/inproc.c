// Within one process: PAIRS times a thread that sends and one that receives.

#include "peer.h"

#include <pthread.h>

typedef struct {
	void *context, *from, *to;
	size_t size;
	uint64_t count, sum;
	int64_t began, ended;
	char way;
	pthread_t sender, receiver;
} pair;

static void *send_all(void *of) {
	pair *p = of;
	unsigned char *buffer = malloc(p->size);
	p->began = now();
	for (uint64_t n = 0; n < p->count; n++)
		send_body(p->from, p->size, n, p->way, buffer, 0);
	return NULL;
}

static void *receive_all(void *of) {
	pair *p = of;
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (uint64_t n = 0; n < p->count; n++) {
		check(zmq_msg_recv(&m, p->to, 0) >= 0, "recv");
		p->sum += check_body(zmq_msg_data(&m), zmq_msg_size(&m), p->size, n, 1);
	}
	p->ended = now();
	return NULL;
}

void inproc(void) {
	int pairs = (int)number("pairs", 1);
	uint64_t each = (uint64_t)number("count", 0) / (uint64_t)pairs;
	void *context = new_context();
	pair *p = calloc((size_t)pairs, sizeof *p);
	char endpoint[32];
	for (int i = 0; i < pairs; i++) {
		snprintf(endpoint, sizeof endpoint, "inproc://%d", i);
		p[i] = (pair){.context = context, .size = (size_t)number("size", 64), .count = each, .way = text("way", "copy")[0]};
		p[i].to = open_socket(context, ZMQ_PULL);
		p[i].from = open_socket(context, ZMQ_PUSH);
		check(zmq_bind(p[i].to, endpoint) == 0, "bind");
		check(zmq_connect(p[i].from, endpoint) == 0, "connect");
	}
	say_ready("");
	result r = {.began = now()};
	int64_t used = cpu();
	for (int i = 0; i < pairs; i++)
		check(pthread_create(&p[i].receiver, NULL, receive_all, &p[i]) == 0 &&
		          pthread_create(&p[i].sender, NULL, send_all, &p[i]) == 0,
		      "thread");
	for (int i = 0; i < pairs; i++) {
		pthread_join(p[i].sender, NULL);
		pthread_join(p[i].receiver, NULL);
		r.count += p[i].count, r.sum += p[i].sum;
		r.ended = p[i].ended > r.ended ? p[i].ended : r.ended;
	}
	r.cpu = cpu() - used;
	report(&r);
}
