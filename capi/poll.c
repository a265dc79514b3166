/* Waiting, for descriptors and sockets alike. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "capi.h"
#include "_cgo_export.h"

int64_t now_ms (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until a descriptor is ready, the deadline (-1: none) or a signal.
 * The Go runtime interrupts threads by SIGURG, which is nothing to the program. */
int wait_many (struct pollfd *fds, int n, int64_t deadline)
{
    sigset_t mask;
    pthread_sigmask (SIG_SETMASK, NULL, &mask);
    sigaddset (&mask, SIGURG);
    struct timespec limit = {0, 0}, *wait = NULL;
    if (deadline >= 0) {
        int64_t left = deadline - now_ms ();
        if (left > 0) {
            limit.tv_sec = left / 1000;
            limit.tv_nsec = left % 1000 * 1000000;
        }
        wait = &limit;
    }
    return ppoll (fds, n, wait, &mask);
}

int wait_for (int fd, int64_t deadline)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    int rc = wait_many (&item, 1, deadline);
    if (rc < 0)
        return errno;
    return rc == 0 ? EAGAIN : 0;
}

static short to_poll (short events)
{
    return (events & ZMQ_POLLIN ? POLLIN : 0) | (events & ZMQ_POLLOUT ? POLLOUT : 0)
           | (events & ZMQ_POLLPRI ? POLLPRI : 0);
}

static short from_poll (short revents)
{
    return (revents & POLLIN ? ZMQ_POLLIN : 0) | (revents & POLLOUT ? ZMQ_POLLOUT : 0)
           | (revents & POLLPRI ? ZMQ_POLLPRI : 0)
           | (revents & ~(POLLIN | POLLOUT | POLLPRI) ? ZMQ_POLLERR : 0);
}

/* Asks the sockets what they can do. It returns how many are ready, or -1. */
static int look (zmq_pollitem_t *items, int n)
{
    int ready = 0;
    for (int i = 0; i < n; i++) {
        if (!items[i].socket)
            continue;
        int events = socket_events (items[i].socket);
        if (events < 0)
            return -1;
        items[i].revents = (short) (events & items[i].events);
        ready += items[i].revents != 0;
    }
    return ready;
}

/* Waits for all of them at once, and says what the descriptors can do. */
static int watch (zmq_pollitem_t *items, struct pollfd *fds, int n, int64_t deadline)
{
    for (int i = 0; i < n; i++) {
        socket_t *s = items[i].socket;
        fds[i].fd = s ? s->fd : items[i].fd;
        fds[i].events = s ? POLLIN : to_poll (items[i].events);
        fds[i].revents = 0;
    }
    if (wait_many (fds, n, deadline) < 0)
        return -1;
    int ready = 0;
    for (int i = 0; i < n; i++)
        if (!items[i].socket) {
            items[i].revents = from_poll (fds[i].revents);
            ready += items[i].revents != 0;
        }
    return ready;
}

static int poll_items (zmq_pollitem_t *items, struct pollfd *fds, int n, long timeout)
{
    int64_t deadline = timeout < 0 ? -1 : now_ms () + timeout;
    int raw = 0;
    for (int i = 0; i < n; i++)
        raw += !items[i].socket;
    /* Descriptors first: one of them may be a socket's own, whose edge is taken
     * back by looking at the socket. */
    for (int over = timeout == 0;; over = deadline >= 0 && now_ms () >= deadline) {
        int others = raw > 0 ? watch (items, fds, n, 0) : 0;
        int sockets = others < 0 ? -1 : look (items, n);
        if (sockets < 0)
            return -1;
        if (sockets + others > 0 || over)
            return sockets + others;
        if (watch (items, fds, n, deadline) < 0)
            return -1;
    }
}

int zmq_poll (zmq_pollitem_t *items, int n, long timeout)
{
    if (n < 0)
        return fail (EINVAL);
    if (n == 0)
        return timeout == 0 ? 0 : wait_many (NULL, 0, timeout < 0 ? -1 : now_ms () + timeout);
    if (!items)
        return fail (EFAULT);
    struct pollfd few[ZMQ_POLLITEMS_DFLT], *fds = few;
    if (n > ZMQ_POLLITEMS_DFLT) {
        fds = calloc ((size_t) n, sizeof *fds);
        if (!fds)
            return fail (ENOMEM);
    }
    int rc = poll_items (items, fds, n, timeout);
    if (fds != few)
        free (fds);
    return rc;
}
