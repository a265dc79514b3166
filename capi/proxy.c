/* Proxies: Go passes the messages on, the calling thread waits for the end. */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "capi.h"
#include "_cgo_export.h"

/* A socket that need not be there is 0 for Go. */
static int optional (void *p, uintptr_t *go)
{
    *go = 0;
    if (!p)
        return 0;
    socket_t *s = socket_alive (p);
    if (!s)
        return -1;
    *go = s->go;
    return 0;
}

int zmq_proxy_steerable (void *front, void *back, void *capture, void *control)
{
    if (!front || !back)
        return fail (EFAULT);
    socket_t *f = socket_alive (front), *b = f ? socket_alive (back) : NULL;
    uintptr_t watch, steer;
    if (!b || optional (capture, &watch) != 0 || optional (control, &steer) != 0)
        return -1;
    int ended = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (ended < 0)
        return -1;
    uintptr_t proxy = capiProxyStart (f->go, b->go, watch, steer, ended);
    int err = wait_for (ended, -1); /* EINTR stops it */
    int rc = capiProxyEnd (proxy);
    close (ended);
    if (rc == 0)
        return 0;
    return fail (err ? err : -rc);
}

int zmq_proxy (void *front, void *back, void *capture) { return zmq_proxy_steerable (front, back, capture, NULL); }

int zmq_device (int type, void *front, void *back)
{
    (void) type;
    return zmq_proxy_steerable (front, back, NULL, NULL);
}
