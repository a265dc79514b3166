// What is measured: the clock that all processes share, processor time,
// resident memory, and how long things took.

#include "peer.h"

#include <malloc.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// cpu is what the process has used, in user and system mode.
int64_t cpu(void) {
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
	       ((int64_t)u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

// resident is the memory of the process, when what is free is given back.
int64_t resident(void) {
	long long total, pages;
	malloc_trim(0);
	FILE *f = fopen("/proc/self/statm", "r");
	if (f == NULL || fscanf(f, "%lld %lld", &total, &pages) != 2)
		wrong("no /proc/self/statm");
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

// bucket divides each power of two into 64 equal parts.
static unsigned bucket(uint64_t v) {
	if (v < 128)
		return (unsigned)v;
	int shift = 57 - __builtin_clzll(v);
	return (unsigned)shift * 64 + (unsigned)(v >> shift);
}

void record(histogram *h, int64_t nanoseconds) {
	h->buckets[bucket(nanoseconds > 0 ? (uint64_t)nanoseconds : 0)]++;
	h->count++;
}

static int64_t percentile(const histogram *h, double share) {
	uint64_t rank = (uint64_t)(share * (double)h->count), seen = 0;
	for (unsigned i = 0; i < 4096; i++) {
		seen += h->buckets[i];
		if (seen <= rank)
			continue;
		if (i < 128)
			return i;
		unsigned shift = i / 64 - 1;
		return (int64_t)(i - shift * 64) << shift;
	}
	return 0;
}

void percentiles(const histogram *h, result *r) {
	r->p50 = percentile(h, 0.5), r->p99 = percentile(h, 0.99), r->p999 = percentile(h, 0.999);
}
