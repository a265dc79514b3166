/* Contexts: what a program holds is C's, what is in it is Go's. */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "capi.h"
#include "_cgo_export.h"

#define CTX_TAG 0xabadcafe
#define DEAD_TAG 0xdeadbeef

static context_t *context_of (void *ctx)
{
    context_t *c = ctx;
    if (!c || c->tag != CTX_TAG) {
        errno = EFAULT;
        return NULL;
    }
    return c;
}

void *zmq_ctx_new (void)
{
    context_t *c = calloc (1, sizeof *c);
    if (!c)
        return NULL;
    c->fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->fd < 0) {
        free (c);
        return NULL;
    }
    c->tag = CTX_TAG;
    c->go = capiContextNew (c->fd);
    return c;
}

static void end (context_t *c)
{
    atomic_store (&c->ending, 1);
    capiContextWake (c->go);
}

int zmq_ctx_shutdown (void *ctx)
{
    context_t *c = context_of (ctx);
    if (!c)
        return -1;
    end (c);
    return 0;
}

/* Waits until the last socket is closed and has sent what it lingers for. A
 * signal ends the wait, and another call takes it up again. */
int zmq_ctx_term (void *ctx)
{
    context_t *c = context_of (ctx);
    if (!c)
        return -1;
    end (c);
    while (capiContextSockets (c->go) > 0) {
        int err = wait_for (c->fd, -1);
        if (err)
            return fail (err);
    }
    c->tag = DEAD_TAG;
    capiContextFree (c->go);
    close (c->fd);
    free (c);
    return 0;
}

int zmq_ctx_set (void *ctx, int option, int value)
{
    context_t *c = context_of (ctx);
    if (!c)
        return -1;
    int rc = capiContextSet (c->go, option, value);
    return rc < 0 ? fail (-rc) : rc;
}

int zmq_ctx_get (void *ctx, int option)
{
    context_t *c = context_of (ctx);
    if (!c)
        return -1;
    int value = 0, rc = capiContextGet (c->go, option, &value);
    return rc < 0 ? fail (-rc) : value;
}

/* What is older */

void *zmq_init (int io_threads)
{
    if (io_threads < 0) {
        errno = EINVAL;
        return NULL;
    }
    void *ctx = zmq_ctx_new ();
    if (ctx)
        zmq_ctx_set (ctx, ZMQ_IO_THREADS, io_threads);
    return ctx;
}

int zmq_term (void *ctx) { return zmq_ctx_term (ctx); }

int zmq_ctx_destroy (void *ctx) { return zmq_ctx_term (ctx); }

/* Sockets are born here, because a context counts them. */
void *zmq_socket (void *ctx, int type)
{
    context_t *c = context_of (ctx);
    if (!c)
        return NULL;
    if (atomic_load (&c->ending)) {
        errno = ETERM;
        return NULL;
    }
    socket_t *s = socket_new (c, type);
    if (!s)
        return NULL;
    int rc = capiSocketNew (c->go, type, s);
    if (rc < 0) {
        socket_free (s);
        errno = -rc;
        return NULL;
    }
    if (atomic_load (&c->ending))
        capiContextWake (c->go); /* which may have looked before */
    return s;
}
