// The program on libzmq: peer ROLE KEY=VALUE...
//
// It sets itself up, writes "ready" and the endpoints that it has bound, waits
// for a line, does its work, writes the result as a line of JSON and ends when
// its input ends.

#include "peer.h"

#include <inttypes.h>
#include <stdarg.h>

static int count_arguments;
static char **arguments;

const char *text(const char *key, const char *otherwise) {
	size_t length = strlen(key);
	for (int i = 2; i < count_arguments; i++)
		if (strncmp(arguments[i], key, length) == 0 && arguments[i][length] == '=')
			return arguments[i] + length + 1;
	return otherwise;
}

long long number(const char *key, long long otherwise) {
	const char *value = text(key, NULL);
	return value == NULL ? otherwise : strtoll(value, NULL, 10);
}

void wrong(const char *format, ...) {
	va_list list;
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(1);
}

void check(int ok, const char *what) {
	if (!ok)
		wrong("%s: %s", what, zmq_strerror(zmq_errno()));
}

void *new_context(void) {
	void *context = zmq_ctx_new();
	check(context != NULL, "context");
	check(zmq_ctx_set(context, ZMQ_IO_THREADS, (int)number("io", 1)) == 0, "io threads");
	check(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 20000) == 0, "max sockets");
	return context;
}

static void set(void *socket, int option, int value) {
	check(zmq_setsockopt(socket, option, &value, sizeof value) == 0, "setsockopt");
}

/* With keys in the environment the side that binds is a server of CURVE. */
static void secure(void *s) {
	const char *public = getenv("BENCH_CURVE_PUBLIC"), *secret = getenv("BENCH_CURVE_SECRET");
	char own[41], hidden[41];
	if (secret == NULL)
		return;
	if (text("bind", NULL) != NULL) {
		set(s, ZMQ_CURVE_SERVER, 1);
		check(zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret, 41) == 0, "curve_secretkey");
		return;
	}
	check(zmq_curve_keypair(own, hidden) == 0, "curve_keypair");
	check(zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, public, 41) == 0, "curve_serverkey");
	check(zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, own, 41) == 0, "curve_publickey");
	check(zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, hidden, 41) == 0, "curve_secretkey");
}

void *open_socket(void *context, int type) {
	void *s = zmq_socket(context, type);
	check(s != NULL, "socket");
	set(s, ZMQ_SNDHWM, (int)number("hwm", 1000));
	set(s, ZMQ_RCVHWM, (int)number("hwm", 1000));
	set(s, ZMQ_BACKLOG, (int)number("backlog", 100));
	secure(s);
	return s;
}

void connect_to(void *s, int type) {
	if (type == ZMQ_PUSH || type == ZMQ_DEALER)
		set(s, ZMQ_IMMEDIATE, 1); // so that POLLOUT says when there is a peer
	check(zmq_connect(s, text("at", "")) == 0, "connect");
}

// attach binds or connects, and is ready.
void attach(void *s, int type) {
	const char *bound = text("bind", NULL);
	char endpoint[256];
	size_t length = sizeof endpoint;
	if (bound == NULL) {
		connect_to(s, type);
		say_ready("");
		return;
	}
	check(zmq_bind(s, bound) == 0, "bind");
	check(zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, endpoint, &length) == 0, "last endpoint");
	say_ready(endpoint);
}

// say_ready tells what is bound, and waits for the word to begin.
void say_ready(const char *endpoints) {
	char line[16];
	printf("ready %s\n", endpoints);
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) == NULL)
		exit(1);
}

void wait_writable(void *s) {
	zmq_pollitem_t item = {s, 0, ZMQ_POLLOUT, 0};
	check(zmq_poll(&item, 1, -1) == 1, "poll");
}

void report(const result *r) {
	printf("{\"count\":%" PRIu64 ",\"sum\":%" PRIu64 ",\"began\":%" PRId64 ",\"ended\":%" PRId64 ",\"cpu\":%" PRId64
	       ",\"resident\":[%" PRId64 ",%" PRId64 "],\"p50\":%" PRId64 ",\"p99\":%" PRId64 ",\"p999\":%" PRId64 "}\n",
	       r->count, r->sum, r->began, r->ended, r->cpu, r->resident[0], r->resident[1], r->p50, r->p99, r->p999);
	fflush(stdout);
}

void wait_end(void) {
	while (getchar() != EOF)
		;
}

static const struct {
	const char *name;
	void (*run)(void);
} roles[] = {
    {"push", push},         {"pull", pull},         {"pub", pub},         {"sub", sub},         {"req", req},
    {"rep", rep},           {"dealer", dealer},     {"router", router},   {"proxy", proxy},     {"inproc", inproc},
    {"hub", hub},           {"storm", storm},       {"flood", flood},     {"idle", idle},       {"pace", pace},
    {"timed", timed},       {"raw-push", raw_push}, {"raw-pull", raw_pull}, {"raw-req", raw_req}, {"raw-rep", raw_rep},
};

int main(int argc, char **argv) {
	if (argc == 2 && strcmp(argv[1], "version") == 0) {
		int major, minor, patch;
		zmq_version(&major, &minor, &patch);
		printf("%d.%d.%d\n", major, minor, patch);
		return 0;
	}
	count_arguments = argc;
	arguments = argv;
	for (size_t i = 0; argc > 1 && i < sizeof roles / sizeof roles[0]; i++)
		if (strcmp(argv[1], roles[i].name) == 0) {
			make_pattern((size_t)number("size", 64));
			roles[i].run();
			wait_end();
			return 0;
		}
	fprintf(stderr, "peer ROLE KEY=VALUE...\n");
	return 2;
}
