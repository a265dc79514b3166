// What the roles of the program on libzmq share. The command line and the
// lines of output are those of package role, its twin on our sockets.

#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

// peer.c: arguments, sockets, the talk with bench
long long number(const char *key, long long otherwise);
const char *text(const char *key, const char *otherwise);
void check(int ok, const char *what);
void wrong(const char *format, ...);
void *new_context(void);
void *open_socket(void *context, int type);
void attach(void *socket, int type);
void connect_to(void *socket, int type);
void say_ready(const char *endpoints);
void wait_writable(void *socket);

typedef struct {
	uint64_t count, sum;
	int64_t began, ended, cpu;
	int64_t resident[2];
	int64_t p50, p99, p999;
} result;

void report(const result *r);
void wait_end(void);

// meter.c: what is measured
int64_t now(void);
int64_t cpu(void);
int64_t resident(void);

typedef struct {
	uint64_t buckets[4096], count;
} histogram;

void record(histogram *h, int64_t nanoseconds);
void percentiles(const histogram *h, result *r);

// body.c: payloads
void make_pattern(size_t size);
void fill(unsigned char *p, size_t size, uint64_t n);
uint64_t add(const unsigned char *p, size_t size);
uint64_t check_body(const void *data, size_t length, size_t size, uint64_t n, int ordered);
void send_timed(void *socket, size_t size, uint64_t n, int64_t time, char way, unsigned char *buffer, int flags);
void send_body(void *socket, size_t size, uint64_t n, char way, unsigned char *buffer, int flags);

// the roles
void push(void);
void pull(void);
void pub(void);
void sub(void);
void req(void);
void rep(void);
void dealer(void);
void router(void);
void proxy(void);
void inproc(void);
void hub(void);
void storm(void);
void flood(void);
void idle(void);
void pace(void);
void timed(void);
void raw_push(void);
void raw_pull(void);
void raw_req(void);
void raw_rep(void);

#endif
