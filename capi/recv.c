/* Receiving: Go hands over whole messages, programs take them frame by frame. */
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "capi.h"
#include "_cgo_export.h"

/* What fits here is copied once more; what does not gets memory of its own. */
#define SCRATCH_SIZE 8192
#define SCRATCH_FRAMES 16

int inbound_pending (const socket_t *s) { return s->in_next < s->in.frames; }

/* Ends what is left of the message. */
static void inbound_done (socket_t *s)
{
    if (s->in_content)
        content_release (s->in_content);
    s->in_content = NULL;
    s->in.data = s->scratch;
    s->in.capacity = s->scratch ? SCRATCH_SIZE : 0;
    s->in.frames = s->in_next = s->in_at = 0;
}

void inbound_drop (socket_t *s)
{
    inbound_done (s);
    free (s->scratch);
    free (s->in.sizes);
    s->scratch = NULL;
    s->in.sizes = NULL;
    s->in.places = 0;
}

/* Makes room for the message that Go holds. */
static int grow (socket_t *s)
{
    inbound_t *in = &s->in;
    if (!s->scratch) {
        s->scratch = malloc (SCRATCH_SIZE);
        if (!s->scratch)
            return fail (ENOMEM);
        in->data = s->scratch;
        in->capacity = SCRATCH_SIZE;
    }
    if (in->frames > in->places || !in->sizes) {
        size_t places = in->frames > SCRATCH_FRAMES ? in->frames : SCRATCH_FRAMES;
        size_t *sizes = realloc (in->sizes, places * sizeof *sizes);
        if (!sizes)
            return fail (ENOMEM);
        in->sizes = sizes;
        in->places = places;
    }
    if (in->total > in->capacity) {
        s->in_content = content_new (in->total);
        if (!s->in_content)
            return fail (ENOMEM);
        in->data = s->in_content->data;
        in->capacity = in->total;
    }
    return 0;
}

/* Fetches a message, as long as the call may wait. */
static int fetch (socket_t *s, int flags)
{
    int wait = !(flags & ZMQ_DONTWAIT) && s->recv_timeout != 0;
    int64_t deadline = -1;
    for (;;) {
        int rc = capiRecv (s->go, &s->in, wait);
        if (rc == 0)
            return 0;
        if (rc == -ENOBUFS) {
            rc = grow (s);
            s->in.frames = 0;
            if (rc != 0)
                return -1;
            continue;
        }
        if (rc != -EAGAIN || !wait)
            return fail (-rc);
        if (atomic_load (&s->ctx->ending))
            return fail (ETERM);
        if (s->recv_timeout > 0 && deadline < 0)
            deadline = now_ms () + s->recv_timeout;
        int err = wait_for (s->fd, deadline);
        if (err)
            return fail (err);
        if (atomic_load (&s->ctx->ending))
            return fail (ETERM);
    }
}

/* Finds the next frame. */
static int frame (void *p, int flags, socket_t **s, unsigned char **data, size_t *size)
{
    *s = socket_alive (p);
    if (!*s)
        return -1;
    if (!inbound_pending (*s) && fetch (*s, flags) != 0)
        return -1;
    *data = (*s)->in.data + (*s)->in_at;
    *size = (*s)->in.sizes[(*s)->in_next];
    return 0;
}

/* Goes on behind it. */
static void frame_done (socket_t *s)
{
    s->in_at += s->in.sizes[s->in_next++];
    s->recv_more = inbound_pending (s);
    if (!s->recv_more)
        inbound_done (s);
}

int zmq_recv (void *p, void *buf, size_t room, int flags)
{
    socket_t *s;
    unsigned char *data;
    size_t size;
    if (frame (p, flags, &s, &data, &size) != 0)
        return -1;
    size_t n = size < room ? size : room;
    if (n > 0)
        memcpy (buf, data, n);
    frame_done (s);
    return (int) size;
}

int zmq_msg_recv (zmq_msg_t *msg, void *p, int flags)
{
    socket_t *s;
    unsigned char *data;
    size_t size;
    message_t m;
    if (!message_alive (message_of (msg)))
        return fail (EFAULT);
    if (frame (p, flags, &s, &data, &size) != 0)
        return -1;
    if (s->in_content && size > MSG_INLINE_SIZE)
        message_init_shared (&m, s->in_content, data, size);
    else if (message_init_copy (&m, data, size) != 0)
        return -1;
    m.origin = s->in.origin;
    origin_hold (m.origin);
    frame_done (s);
    if (s->recv_more)
        m.flags |= FLAG_MORE;
    zmq_msg_close (msg);
    *message_of (msg) = m;
    return (int) size;
}

int zmq_recvmsg (void *p, zmq_msg_t *msg, int flags) { return zmq_msg_recv (msg, p, flags); }

/* Each part is memory that the caller frees. */
int zmq_recviov (void *p, struct iovec *parts, size_t *count, int flags)
{
    socket_t *s = socket_of (p);
    if (!s)
        return -1;
    if (!count || *count == 0 || !parts)
        return fail (EINVAL);
    size_t room = *count;
    *count = 0;
    for (s = NULL; *count < room && (!s || s->recv_more); ++*count) {
        unsigned char *data;
        size_t size;
        if (frame (p, flags, &s, &data, &size) != 0)
            return -1;
        struct iovec *part = &parts[*count];
        part->iov_base = malloc (size ? size : 1);
        if (!part->iov_base)
            return fail (ENOMEM);
        memcpy (part->iov_base, data, size);
        part->iov_len = size;
        frame_done (s);
    }
    return (int) *count;
}
