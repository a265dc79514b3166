// Between two sockets: "queue" is ROUTER and DEALER, else PULL and PUSH. It
// passes messages until its input ends.

#include "peer.h"

#include <pthread.h>

static int64_t used;

// end tells what the proxy has cost when nothing more comes.
static void *end(void *unused) {
	(void)unused;
	wait_end();
	result r = {.cpu = cpu() - used};
	report(&r);
	exit(0);
}

void proxy(void) {
	int queue = strcmp(text("kind", ""), "queue") == 0;
	void *context = new_context();
	void *front = open_socket(context, queue ? ZMQ_ROUTER : ZMQ_PULL);
	void *back = open_socket(context, queue ? ZMQ_DEALER : ZMQ_PUSH);
	char endpoints[600], other[256];
	size_t length = 256;
	pthread_t thread;
	check(zmq_bind(front, text("bind", "")) == 0, "bind");
	check(zmq_bind(back, text("bind", "")) == 0, "bind");
	check(zmq_getsockopt(front, ZMQ_LAST_ENDPOINT, endpoints, &length) == 0, "last endpoint");
	length = sizeof other;
	check(zmq_getsockopt(back, ZMQ_LAST_ENDPOINT, other, &length) == 0, "last endpoint");
	strcat(strcat(endpoints, " "), other);
	used = cpu();
	// The line that starts the run comes while the proxy passes already.
	printf("ready %s\n", endpoints);
	fflush(stdout);
	check(pthread_create(&thread, NULL, end, NULL) == 0, "thread");
	zmq_proxy(front, back, NULL);
	wrong("the proxy has ended: %s", zmq_strerror(zmq_errno()));
}
