//go:build ignore

// The other side of the probe: the same work on libzmq, with the same command
// line and the same two lines of output as "probe push" and "probe pull".
//
//	peer pull SIZE COUNT
//	peer push SIZE COUNT ENDPOINT copy|size|data
//
// The line above keeps the go command from compiling this file.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

#define PATTERN 4096

static unsigned char pattern[PATTERN + (1 << 20)];

static void check(int ok, const char *what) {
	if (!ok) {
		fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
		exit(1);
	}
}

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t cpu(void) {
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
	       ((int64_t)u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

// make_pattern is what payloads are cut from: the same in both programs.
static void make_pattern(void) {
	uint64_t x = 1;
	for (size_t i = 0; i < sizeof pattern; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		pattern[i] = (unsigned char)(x >> 56);
	}
}

// fill writes the payload of message n.
static void fill(unsigned char *p, size_t size, uint64_t n) {
	memcpy(p, pattern + n * 8 % PATTERN, size);
	memcpy(p, &n, 8);
}

// add sums the words of a payload; size is a multiple of 32.
static uint64_t add(const unsigned char *p, size_t size) {
	uint64_t w[4], a = 0, b = 0, c = 0, d = 0;
	for (const unsigned char *end = p + size; p < end; p += 32) {
		memcpy(w, p, 32);
		a += w[0], b += w[1], c += w[2], d += w[3];
	}
	return a + b + c + d;
}

/* With keys in the environment the receiver is a server of CURVE. */
static void secure(void *s, int server) {
	const char *public = getenv("PROBE_CURVE_PUBLIC"), *secret = getenv("PROBE_CURVE_SECRET");
	char own[41], hidden[41];
	if (secret == NULL)
		return;
	if (server) {
		int yes = 1;
		check(zmq_setsockopt(s, ZMQ_CURVE_SERVER, &yes, sizeof yes) == 0, "curve_server");
		check(zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret, 41) == 0, "curve_secretkey");
		return;
	}
	check(zmq_curve_keypair(own, hidden) == 0, "curve_keypair");
	check(zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, public, 41) == 0, "curve_serverkey");
	check(zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, own, 41) == 0, "curve_publickey");
	check(zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, hidden, 41) == 0, "curve_secretkey");
}

static void *open_socket(void *context, int type) {
	int hwm = 1000;
	void *s = zmq_socket(context, type);
	check(s != NULL, "socket");
	check(zmq_setsockopt(s, ZMQ_SNDHWM, &hwm, sizeof hwm) == 0, "sndhwm");
	check(zmq_setsockopt(s, ZMQ_RCVHWM, &hwm, sizeof hwm) == 0, "rcvhwm");
	secure(s, type == ZMQ_PULL);
	return s;
}

static void report(uint64_t count, uint64_t sum, int64_t elapsed, int64_t used) {
	printf("{\"count\":%" PRIu64 ",\"sum\":%" PRIu64 ",\"elapsed\":%" PRId64 ",\"cpu\":%" PRId64 "}\n", count, sum,
	       elapsed, used);
	fflush(stdout);
}

static void pull(size_t size, uint64_t count) {
	void *context = zmq_ctx_new(), *s = open_socket(context, ZMQ_PULL);
	check(zmq_bind(s, "tcp://127.0.0.1:*") == 0, "bind");
	char endpoint[256];
	size_t length = sizeof endpoint;
	check(zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, endpoint, &length) == 0, "last endpoint");
	printf("%s\n", endpoint);
	fflush(stdout);

	zmq_msg_t m;
	zmq_msg_init(&m);
	uint64_t n, sum = 0;
	int64_t began = 0, used = 0;
	for (uint64_t i = 0; i < count; i++) {
		check(zmq_msg_recv(&m, s, 0) >= 0, "recv");
		if (i == 0)
			began = now(), used = cpu();
		memcpy(&n, zmq_msg_data(&m), 8);
		if (zmq_msg_size(&m) != size || n != i) {
			fprintf(stderr, "message %" PRIu64 " is number %" PRIu64 " and has %zu octets\n", i, n, zmq_msg_size(&m));
			exit(1);
		}
		sum += add(zmq_msg_data(&m), size);
	}
	report(count, sum, now() - began, cpu() - used);
	zmq_msg_close(&m);
	zmq_close(s);
	zmq_ctx_term(context);
}

static void release(void *data, void *hint) {
	(void)hint;
	free(data);
}

// push_one sends message n in one of libzmq's three ways: copied from our
// memory, filled in memory of libzmq's, or by reference.
static void push_one(void *s, size_t size, uint64_t n, char way, unsigned char *buffer) {
	zmq_msg_t m;
	switch (way) {
	case 'c':
		fill(buffer, size, n);
		check(zmq_send(s, buffer, size, 0) >= 0, "send");
		return;
	case 's':
		check(zmq_msg_init_size(&m, size) == 0, "init size");
		fill(zmq_msg_data(&m), size, n);
		break;
	default:
		buffer = malloc(size);
		check(buffer != NULL, "malloc");
		fill(buffer, size, n);
		check(zmq_msg_init_data(&m, buffer, size, release, NULL) == 0, "init data");
	}
	check(zmq_msg_send(&m, s, 0) >= 0, "send");
}

static void push(size_t size, uint64_t count, const char *endpoint, char way) {
	void *context = zmq_ctx_new(), *s = open_socket(context, ZMQ_PUSH);
	check(zmq_connect(s, endpoint) == 0, "connect");
	unsigned char *buffer = malloc(size);
	check(buffer != NULL, "malloc");
	int64_t began = now(), used = cpu();
	for (uint64_t i = 0; i < count; i++)
		push_one(s, size, i, way, buffer);
	zmq_close(s);
	zmq_ctx_term(context); // waits until all is written
	report(count, 0, now() - began, cpu() - used);
	free(buffer);
}

int main(int argc, char **argv) {
	if (argc == 2 && strcmp(argv[1], "version") == 0) {
		int major, minor, patch;
		zmq_version(&major, &minor, &patch);
		printf("%d.%d.%d\n", major, minor, patch);
		return 0;
	}
	if (argc < 4) {
		fprintf(stderr, "peer pull SIZE COUNT | peer push SIZE COUNT ENDPOINT copy|size|data\n");
		return 2;
	}
	make_pattern();
	size_t size = strtoull(argv[2], NULL, 10);
	uint64_t count = strtoull(argv[3], NULL, 10);
	if (strcmp(argv[1], "pull") == 0)
		pull(size, count);
	else if (argc == 6)
		push(size, count, argv[4], argv[5][0]);
	return 0;
}
