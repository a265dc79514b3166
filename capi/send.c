/* Sending: frames wait here until the message is whole. */
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "capi.h"
#include "_cgo_export.h"

void outbound_drop (socket_t *s)
{
    for (size_t i = 0; i < s->out_count; i++)
        zmq_msg_close ((zmq_msg_t *) &s->out[i]);
    free (s->out);
    s->out = NULL;
    s->out_count = s->out_places = 0;
}

/* Tries, and waits as long as the call may. All frames but the last are in
 * s->out; with more, it only asks whether a message that begins so can go. */
static int attempt (socket_t *s, octets_t *frames, size_t n, int flags)
{
    int wait = !(flags & ZMQ_DONTWAIT) && s->send_timeout != 0;
    int64_t deadline = -1;
    for (;;) {
        int rc = flags & ZMQ_SNDMORE ? capiMaySend (s->go, frames, wait) : capiSend (s->go, frames, n, wait);
        if (rc == 0)
            return 0;
        if (rc != -EAGAIN || !wait)
            return fail (-rc);
        if (atomic_load (&s->ctx->ending))
            return fail (ETERM);
        if (s->send_timeout > 0 && deadline < 0)
            deadline = now_ms () + s->send_timeout;
        int err = wait_for (s->fd, deadline);
        if (err)
            return fail (err);
        if (atomic_load (&s->ctx->ending))
            return fail (ETERM);
    }
}

/* Keeps a frame of a message that goes on: the first one only if there is
 * somebody to send it to. The frame is moved. */
static int gather (socket_t *s, message_t *m, int flags)
{
    if (s->out_count == 0) {
        octets_t first = {message_data (m), m->size};
        if (attempt (s, &first, 1, flags) != 0)
            return -1;
    }
    if (s->out_count == s->out_places) {
        size_t places = s->out_places ? 2 * s->out_places : 8;
        message_t *out = realloc (s->out, places * sizeof *out);
        if (!out)
            return fail (ENOMEM);
        s->out = out;
        s->out_places = places;
    }
    s->out[s->out_count++] = *m;
    return 0;
}

/* Sends the last frame, and what was gathered before it. There was a receiver
 * when the first frame was taken; if it has gone since, and no other comes in
 * time, the message is dropped, as libzmq does: only a first frame may fail so. */
static int finish (socket_t *s, const void *data, size_t size, int flags)
{
    if (s->out_count == 0) {
        octets_t only = {data, size};
        return attempt (s, &only, 1, flags);
    }
    octets_t few[16], *frames = few;
    size_t n = s->out_count + 1;
    if (n > sizeof few / sizeof *few) {
        frames = malloc (n * sizeof *frames);
        if (!frames)
            return fail (ENOMEM);
    }
    for (size_t i = 0; i < s->out_count; i++)
        frames[i] = (octets_t) {message_data (&s->out[i]), s->out[i].size};
    frames[n - 1] = (octets_t) {data, size};
    int rc = attempt (s, frames, n, flags);
    if (rc != 0 && (errno == EAGAIN || errno == EHOSTUNREACH))
        rc = 0;
    if (rc == 0 || errno != EINTR)
        outbound_drop (s);
    if (frames != few)
        free (frames);
    return rc;
}

/* A message of a STREAM has two frames, whatever the program says. */
static int whole (const socket_t *s, int flags)
{
    return s->type == ZMQ_STREAM && s->out_count == 1 ? flags & ~ZMQ_SNDMORE : flags;
}

int zmq_send (void *p, const void *data, size_t size, int flags)
{
    socket_t *s = socket_alive (p);
    if (!s)
        return -1;
    flags = whole (s, flags);
    if (!(flags & ZMQ_SNDMORE))
        return finish (s, data, size, flags) == 0 ? (int) size : -1;
    message_t m;
    if (message_init_copy (&m, data, size) != 0)
        return -1;
    if (gather (s, &m, flags) == 0)
        return (int) size;
    int err = errno;
    zmq_msg_close ((zmq_msg_t *) &m);
    return fail (err);
}

int zmq_send_const (void *p, const void *data, size_t size, int flags) { return zmq_send (p, data, size, flags); }

int zmq_msg_send (zmq_msg_t *msg, void *p, int flags)
{
    socket_t *s = socket_alive (p);
    if (!s)
        return -1;
    message_t *m = message_of (msg);
    if (!message_alive (m))
        return fail (EFAULT);
    int size = (int) m->size;
    flags = whole (s, flags);
    if (flags & ZMQ_SNDMORE) {
        if (gather (s, m, flags) != 0)
            return -1;
    } else {
        if (finish (s, message_data (m), m->size, flags) != 0)
            return -1;
        zmq_msg_close (msg);
    }
    zmq_msg_init (msg);
    return size;
}

int zmq_sendmsg (void *p, zmq_msg_t *msg, int flags) { return zmq_msg_send (msg, p, flags); }

int zmq_sendiov (void *p, struct iovec *parts, size_t count, int flags)
{
    socket_t *s = socket_of (p);
    if (!s)
        return -1;
    if (count == 0 || !parts)
        return fail (EINVAL);
    int rc = 0;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        int last = i + 1 == count;
        rc = zmq_send (s, parts[i].iov_base, parts[i].iov_len, last ? flags & ~ZMQ_SNDMORE : flags);
    }
    return rc;
}
