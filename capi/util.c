/* What programs use beside sockets. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capi.h"
#include "_cgo_export.h"

int zmq_errno (void) { return errno; }

const char *zmq_strerror (int err)
{
    switch (err) {
        case EFSM:
            return "Operation cannot be accomplished in current state";
        case ENOCOMPATPROTO:
            return "The protocol is not compatible with the socket type";
        case ETERM:
            return "Context was terminated";
        case EMTHREAD:
            return "No thread available";
        default:
            return strerror (err);
    }
}

void zmq_version (int *major, int *minor, int *patch)
{
    *major = ZMQ_VERSION_MAJOR;
    *minor = ZMQ_VERSION_MINOR;
    *patch = ZMQ_VERSION_PATCH;
}

int zmq_has (const char *capability) { return capiHas ((char *) capability); }

/* Keys */

char *zmq_z85_encode (char *dest, const uint8_t *data, size_t size)
{
    int rc = capiZ85Encode (dest, (uint8_t *) data, size);
    if (rc < 0)
        errno = -rc;
    return rc < 0 ? NULL : dest;
}

uint8_t *zmq_z85_decode (uint8_t *dest, const char *text)
{
    int rc = capiZ85Decode (dest, (char *) text);
    if (rc < 0)
        errno = -rc;
    return rc < 0 ? NULL : dest;
}

int zmq_curve_keypair (char *public_key, char *secret_key)
{
    int rc = capiCurveKeypair (public_key, secret_key);
    return rc < 0 ? fail (-rc) : 0;
}

int zmq_curve_public (char *public_key, const char *secret_key)
{
    int rc = capiCurvePublic (public_key, (char *) secret_key);
    return rc < 0 ? fail (-rc) : 0;
}

/* Counters */

void *zmq_atomic_counter_new (void) { return calloc (1, sizeof (atomic_int)); }

void zmq_atomic_counter_set (void *counter, int value) { atomic_store ((atomic_int *) counter, value); }

int zmq_atomic_counter_inc (void *counter) { return atomic_fetch_add ((atomic_int *) counter, 1); }

int zmq_atomic_counter_dec (void *counter) { return atomic_fetch_sub ((atomic_int *) counter, 1) != 1; }

int zmq_atomic_counter_value (void *counter) { return atomic_load ((atomic_int *) counter); }

void zmq_atomic_counter_destroy (void **counter)
{
    free (*counter);
    *counter = NULL;
}

/* Time */

static uint64_t now_us (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

void *zmq_stopwatch_start (void)
{
    uint64_t *watch = malloc (sizeof *watch);
    if (watch)
        *watch = now_us ();
    return watch;
}

unsigned long zmq_stopwatch_intermediate (void *watch) { return (unsigned long) (now_us () - *(uint64_t *) watch); }

unsigned long zmq_stopwatch_stop (void *watch)
{
    unsigned long elapsed = zmq_stopwatch_intermediate (watch);
    free (watch);
    return elapsed;
}

void zmq_sleep (int seconds) { sleep ((unsigned) seconds); }

/* Threads */

typedef struct
{
    pthread_t id;
    zmq_thread_fn *run;
    void *arg;
} thread_t;

/* Signals are for the threads of the program's own. */
static void *thread_main (void *p)
{
    thread_t *t = p;
    sigset_t all;
    sigfillset (&all);
    sigdelset (&all, SIGURG);
    pthread_sigmask (SIG_BLOCK, &all, NULL);
    t->run (t->arg);
    return NULL;
}

void *zmq_threadstart (zmq_thread_fn *run, void *arg)
{
    thread_t *t = malloc (sizeof *t);
    if (!t)
        return NULL;
    t->run = run;
    t->arg = arg;
    int err = pthread_create (&t->id, NULL, thread_main, t);
    if (err) {
        free (t);
        errno = err;
        return NULL;
    }
    return t;
}

void zmq_threadclose (void *thread)
{
    thread_t *t = thread;
    pthread_join (t->id, NULL);
    free (t);
}
