/* Sockets: handles, options, endpoints. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "capi.h"
#include "_cgo_export.h"

#define SOCKET_TAG 0xbaddecaf
#define DEAD_TAG 0xdeadbeef

socket_t *socket_new (context_t *c, int type)
{
    socket_t *s = calloc (1, sizeof *s);
    if (!s)
        return NULL;
    s->fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->fd < 0) {
        free (s);
        return NULL;
    }
    s->tag = SOCKET_TAG;
    s->type = type;
    s->ctx = c;
    s->send_timeout = s->recv_timeout = -1;
    return s;
}

/* Go calls it when nobody knows the socket any more. */
void socket_free (socket_t *s)
{
    close (s->fd);
    free (s);
}

socket_t *socket_of (void *p)
{
    socket_t *s = p;
    if (!s || s->tag != SOCKET_TAG) {
        errno = ENOTSOCK;
        return NULL;
    }
    return s;
}

/* As socket_of, for calls that a context refuses that is ending. */
socket_t *socket_alive (void *p)
{
    socket_t *s = socket_of (p);
    if (s && atomic_load_explicit (&s->ctx->ending, memory_order_relaxed)) {
        errno = ETERM;
        return NULL;
    }
    return s;
}

int zmq_close (void *p)
{
    socket_t *s = socket_of (p);
    if (!s)
        return -1;
    s->tag = DEAD_TAG;
    outbound_drop (s);
    inbound_drop (s);
    capiSocketClose (s->go);
    return 0;
}

/* Level of events, and the edge is taken back. */
int socket_events (void *p)
{
    socket_t *s = socket_alive (p);
    if (!s)
        return -1;
    int events = capiEvents (s->go);
    if (atomic_load (&s->ctx->ending))
        return fail (ETERM);
    return inbound_pending (s) ? events | ZMQ_POLLIN : events;
}

/* Options */

int zmq_setsockopt (void *p, int option, const void *value, size_t size)
{
    socket_t *s = socket_alive (p);
    if (!s)
        return -1;
    int rc = capiSetOption (s->go, option, (void *) value, size);
    if (rc < 0)
        return fail (-rc);
    if (option == ZMQ_SNDTIMEO)
        memcpy (&s->send_timeout, value, sizeof (int));
    if (option == ZMQ_RCVTIMEO)
        memcpy (&s->recv_timeout, value, sizeof (int));
    return 0;
}

static int get_int (void *value, size_t *size, int n)
{
    if (*size < sizeof n)
        return fail (EINVAL);
    memset (value, 0, *size);
    memcpy (value, &n, sizeof n);
    *size = sizeof n;
    return 0;
}

int zmq_getsockopt (void *p, int option, void *value, size_t *size)
{
    socket_t *s = socket_alive (p);
    if (!s)
        return -1;
    int events;
    switch (option) {
        case ZMQ_RCVMORE:
            return get_int (value, size, s->recv_more);
        case ZMQ_FD:
            return get_int (value, size, s->fd);
        case ZMQ_THREAD_SAFE:
            return get_int (value, size, 0);
        case ZMQ_EVENTS:
            events = socket_events (s);
            return events < 0 ? -1 : get_int (value, size, events);
    }
    int rc = capiOption (s->go, option, value, size);
    return rc < 0 ? fail (-rc) : 0;
}

/* Endpoints */

static int at_endpoint (void *p, const char *endpoint, int (*call) (uintptr_t, char *))
{
    socket_t *s = socket_alive (p);
    if (!s)
        return -1;
    if (!endpoint)
        return fail (EINVAL);
    int rc = call (s->go, (char *) endpoint);
    return rc < 0 ? fail (-rc) : 0;
}

int zmq_bind (void *p, const char *endpoint) { return at_endpoint (p, endpoint, capiBind); }

int zmq_connect (void *p, const char *endpoint) { return at_endpoint (p, endpoint, capiConnect); }

int zmq_unbind (void *p, const char *endpoint) { return at_endpoint (p, endpoint, capiUnbind); }

int zmq_disconnect (void *p, const char *endpoint) { return at_endpoint (p, endpoint, capiDisconnect); }

int zmq_socket_monitor (void *p, const char *endpoint, int events)
{
    socket_t *s = socket_alive (p);
    if (!s)
        return -1;
    int rc = capiMonitor (s->go, (char *) (endpoint ? endpoint : ""), events);
    return rc < 0 ? fail (-rc) : 0;
}
