// Payloads: the sender fills each, the receiver reads every octet of it.

#include "peer.h"

#define PATTERN 4096

static unsigned char *pattern;

// make_pattern is what payloads are cut from: the same in both programs.
void make_pattern(size_t size) {
	uint64_t x = 1;
	pattern = malloc(PATTERN + size);
	if (pattern == NULL)
		wrong("no memory");
	for (size_t i = 0; i < PATTERN + size; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		pattern[i] = (unsigned char)(x >> 56);
	}
}

// fill writes the payload of message n.
void fill(unsigned char *p, size_t size, uint64_t n) {
	memcpy(p, pattern + n * 8 % PATTERN, size);
	memcpy(p, &n, 8);
}

// add sums the words of a payload; size is a multiple of 8.
uint64_t add(const unsigned char *p, size_t size) {
	uint64_t w[4], a = 0, b = 0, c = 0, d = 0;
	for (; size >= 32; p += 32, size -= 32) {
		memcpy(w, p, 32);
		a += w[0], b += w[1], c += w[2], d += w[3];
	}
	for (; size >= 8; p += 8, size -= 8) {
		memcpy(w, p, 8);
		a += w[0];
	}
	return a + b + c + d;
}

// check_body is the sum of a payload that has to be number n.
uint64_t check_body(const void *data, size_t length, size_t size, uint64_t n, int ordered) {
	uint64_t is;
	if (length != size)
		wrong("message %llu has %zu octets, want %zu", (unsigned long long)n, length, size);
	memcpy(&is, data, 8);
	if (ordered && is != n)
		wrong("message %llu is number %llu", (unsigned long long)n, (unsigned long long)is);
	return add(data, size);
}

static void release(void *data, void *hint) {
	(void)hint;
	free(data);
}

// fill_timed is fill, and puts the time behind the number unless it is 0.
static void fill_timed(unsigned char *p, size_t size, uint64_t n, int64_t time) {
	fill(p, size, n);
	if (time != 0)
		memcpy(p + 8, &time, 8);
}

// send_timed sends message n in one of libzmq's three ways: copied from our
// memory, filled in memory of libzmq's, or by reference.
void send_timed(void *s, size_t size, uint64_t n, int64_t time, char way, unsigned char *buffer, int flags) {
	zmq_msg_t m;
	switch (way) {
	case 'c':
		fill_timed(buffer, size, n, time);
		check(zmq_send(s, buffer, size, flags) >= 0, "send");
		return;
	case 's':
		check(zmq_msg_init_size(&m, size) == 0, "init size");
		fill_timed(zmq_msg_data(&m), size, n, time);
		break;
	default:
		buffer = malloc(size);
		check(buffer != NULL, "malloc");
		fill_timed(buffer, size, n, time);
		check(zmq_msg_init_data(&m, buffer, size, release, NULL) == 0, "init data");
	}
	check(zmq_msg_send(&m, s, flags) >= 0, "send");
}

void send_body(void *s, size_t size, uint64_t n, char way, unsigned char *buffer, int flags) {
	send_timed(s, size, n, 0, way, buffer, flags);
}
