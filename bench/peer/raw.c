// Without ZeroMQ: what the kernel's sockets allow. Messages are written next to
// each other, without frames, as many at once as a buffer holds.

#include "peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER 65536
#define WARM 500

static int no_delay(int fd) {
	int yes = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	return fd;
}

// raw_accept listens, is ready and takes one connection.
static int raw_accept(void) {
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof a;
	char endpoint[64];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 16) == 0, "listen");
	check(getsockname(fd, (struct sockaddr *)&a, &length) == 0, "getsockname");
	snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", ntohs(a.sin_port));
	say_ready(endpoint);
	return no_delay(accept(fd, NULL, NULL));
}

static int raw_connect(void) {
	const char *port = strrchr(text("at", ":0"), ':');
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	a.sin_port = htons((uint16_t)atoi(port + 1));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	check(connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "connect");
	say_ready("");
	return no_delay(fd);
}

static void write_all(int fd, const unsigned char *p, size_t size) {
	while (size > 0) {
		ssize_t n = write(fd, p, size);
		check(n > 0, "write");
		p += n, size -= (size_t)n;
	}
}

static void read_all(int fd, unsigned char *p, size_t size) {
	while (size > 0) {
		ssize_t n = read(fd, p, size);
		check(n > 0, "read");
		p += n, size -= (size_t)n;
	}
}

void raw_push(void) {
	size_t size = (size_t)number("size", 64), used = 0;
	uint64_t count = (uint64_t)number("count", 0);
	static unsigned char buffer[BUFFER];
	int fd = raw_connect();
	result r = {.count = count, .began = now()};
	int64_t before = cpu();
	for (uint64_t n = 0; n < count; n++) {
		if (used + size > sizeof buffer) {
			write_all(fd, buffer, used);
			used = 0;
		}
		fill(buffer + used, size, n);
		used += size;
	}
	write_all(fd, buffer, used);
	close(fd);
	r.cpu = cpu() - before;
	report(&r);
}

void raw_pull(void) {
	size_t size = (size_t)number("size", 64), have = 0;
	uint64_t count = (uint64_t)number("count", 0);
	static unsigned char buffer[BUFFER];
	int fd = raw_accept();
	result r = {0};
	int64_t before = cpu();
	while (r.count < count) {
		ssize_t n = read(fd, buffer + have, sizeof buffer - have);
		check(n > 0, "read");
		have += (size_t)n;
		size_t done = 0;
		for (; have - done >= size; done += size, r.count++)
			r.sum += check_body(buffer + done, size, size, r.count, 1);
		memmove(buffer, buffer + done, have -= done);
	}
	r.ended = now();
	r.cpu = cpu() - before;
	report(&r);
}

void raw_req(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0);
	unsigned char *buffer = malloc(size);
	histogram *h = calloc(1, sizeof *h);
	int fd = raw_connect();
	result r = {.count = count};
	int64_t used = 0;
	for (uint64_t n = 0; n < WARM + count; n++) {
		if (n == WARM)
			used = cpu(), r.began = now(), r.sum = 0;
		int64_t before = now();
		fill(buffer, size, n);
		write_all(fd, buffer, size);
		read_all(fd, buffer, size);
		r.sum += check_body(buffer, size, size, n, 1);
		if (n >= WARM)
			record(h, now() - before);
	}
	r.ended = now();
	r.cpu = cpu() - used;
	percentiles(h, &r);
	report(&r);
}

void raw_rep(void) {
	size_t size = (size_t)number("size", 64);
	uint64_t count = (uint64_t)number("count", 0);
	unsigned char *buffer = malloc(size);
	int fd = raw_accept();
	result r = {.count = count};
	int64_t used = 0;
	for (uint64_t n = 0; n < WARM + count; n++) {
		if (n == WARM)
			used = cpu();
		read_all(fd, buffer, size);
		r.sum += check_body(buffer, size, size, n, 1);
		write_all(fd, buffer, size);
	}
	r.cpu = cpu() - used;
	report(&r);
}
