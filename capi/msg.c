/* Messages: zmq_msg_t is ours alone, Go never sees one. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capi.h"
#include "_cgo_export.h"

int fail (int err)
{
    errno = err;
    return -1;
}

message_t *message_of (zmq_msg_t *msg) { return (message_t *) msg; }

int message_alive (const message_t *m) { return m->kind >= MSG_INLINE && m->kind <= MSG_CONST; }

void *message_data (message_t *m) { return m->kind == MSG_INLINE ? m->u.octets : m->u.out.data; }

/* Contents */

content_t *content_new (size_t size)
{
    if (size > SIZE_MAX - sizeof (content_t))
        return NULL;
    content_t *content = malloc (sizeof (content_t) + size);
    if (!content)
        return NULL;
    atomic_init (&content->refs, 1);
    content->data = content + 1;
    content->free = NULL;
    content->hint = NULL;
    return content;
}

void content_release (content_t *content)
{
    if (atomic_fetch_sub_explicit (&content->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (content->free)
        content->free (content->data, content->hint);
    free (content);
}

void message_init_shared (message_t *m, content_t *content, unsigned char *data, size_t size)
{
    atomic_fetch_add_explicit (&content->refs, 1, memory_order_relaxed);
    memset (m, 0, sizeof *m);
    m->kind = MSG_SHARED;
    m->size = size;
    m->u.out.data = data;
    m->u.out.content = content;
}

static int message_init_size (message_t *m, size_t size)
{
    memset (m, 0, sizeof *m);
    m->size = size;
    if (size <= MSG_INLINE_SIZE) {
        m->kind = MSG_INLINE;
        return 0;
    }
    content_t *content = content_new (size);
    if (!content)
        return fail (ENOMEM);
    m->kind = MSG_SHARED;
    m->u.out.data = content->data;
    m->u.out.content = content;
    return 0;
}

int message_init_copy (message_t *m, const void *data, size_t size)
{
    if (message_init_size (m, size) != 0)
        return -1;
    if (size > 0)
        memcpy (message_data (m), data, size);
    return 0;
}

/* Origins */

struct property
{
    struct property *next;
    char *value;
    char name[];
};

origin_t *origin_new (uintptr_t peer, int fd)
{
    origin_t *origin = calloc (1, sizeof *origin);
    if (!origin)
        return NULL;
    atomic_init (&origin->refs, 1);
    origin->peer = peer;
    origin->fd = fd > 0 ? fd : -1;
    return origin;
}

void origin_hold (origin_t *origin)
{
    if (origin)
        atomic_fetch_add_explicit (&origin->refs, 1, memory_order_relaxed);
}

void origin_release (origin_t *origin)
{
    if (!origin || atomic_fetch_sub_explicit (&origin->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (struct property *p = atomic_load (&origin->properties), *next; p; p = next) {
        next = p->next;
        free (p->value);
        free (p);
    }
    capiPeerForget (origin->peer);
    free (origin);
}

/* Two threads that ask at once may both add a property: the older one is then
 * hidden and freed with the origin. */
static const char *origin_property (origin_t *origin, const char *name)
{
    for (struct property *p = atomic_load (&origin->properties); p; p = p->next)
        if (strcasecmp (p->name, name) == 0)
            return p->value;
    char *value = capiPeerProperty (origin->peer, (char *) name);
    if (!value)
        return NULL;
    struct property *p = malloc (sizeof *p + strlen (name) + 1);
    if (!p) {
        free (value);
        return NULL;
    }
    strcpy (p->name, name);
    p->value = value;
    p->next = atomic_load (&origin->properties);
    while (!atomic_compare_exchange_weak (&origin->properties, &p->next, p))
        ;
    return value;
}

/* What programs call */

int zmq_msg_init (zmq_msg_t *msg) { return message_init_size (message_of (msg), 0); }

int zmq_msg_init_size (zmq_msg_t *msg, size_t size) { return message_init_size (message_of (msg), size); }

int zmq_msg_init_data (zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *ffn, void *hint)
{
    message_t *m = message_of (msg);
    memset (m, 0, sizeof *m);
    m->size = size;
    m->u.out.data = data;
    if (!ffn) {
        m->kind = MSG_CONST;
        return 0;
    }
    content_t *content = content_new (0);
    if (!content)
        return fail (ENOMEM);
    content->data = data;
    content->free = ffn;
    content->hint = hint;
    m->kind = MSG_SHARED;
    m->u.out.content = content;
    return 0;
}

int zmq_msg_close (zmq_msg_t *msg)
{
    message_t *m = message_of (msg);
    if (!message_alive (m))
        return fail (EFAULT);
    if (m->kind == MSG_SHARED)
        content_release (m->u.out.content);
    origin_release (m->origin);
    m->origin = NULL;
    m->kind = 0;
    return 0;
}

int zmq_msg_move (zmq_msg_t *dest, zmq_msg_t *src)
{
    if (!message_alive (message_of (src)))
        return fail (EFAULT);
    if (dest == src)
        return 0;
    if (zmq_msg_close (dest) != 0)
        return -1;
    *dest = *src;
    return zmq_msg_init (src);
}

int zmq_msg_copy (zmq_msg_t *dest, zmq_msg_t *src)
{
    message_t *from = message_of (src);
    if (!message_alive (from))
        return fail (EFAULT);
    if (dest == src)
        return 0;
    if (zmq_msg_close (dest) != 0)
        return -1;
    if (from->kind == MSG_SHARED) {
        atomic_fetch_add_explicit (&from->u.out.content->refs, 1, memory_order_relaxed);
        from->flags |= FLAG_COPIED;
    }
    origin_hold (from->origin);
    *dest = *src;
    return 0;
}

void *zmq_msg_data (zmq_msg_t *msg) { return message_data (message_of (msg)); }

size_t zmq_msg_size (const zmq_msg_t *msg) { return ((const message_t *) msg)->size; }

int zmq_msg_more (const zmq_msg_t *msg) { return zmq_msg_get (msg, ZMQ_MORE); }

int zmq_msg_get (const zmq_msg_t *msg, int property)
{
    const message_t *m = (const message_t *) msg;
    switch (property) {
        case ZMQ_MORE:
            return (m->flags & FLAG_MORE) != 0;
        case ZMQ_SRCFD:
            return m->origin ? m->origin->fd : -1;
        case ZMQ_SHARED:
            return m->kind == MSG_CONST || (m->flags & FLAG_COPIED) != 0;
        default:
            return fail (EINVAL);
    }
}

int zmq_msg_set (zmq_msg_t *msg, int property, int value)
{
    (void) msg, (void) property, (void) value;
    return fail (EINVAL); /* no property can be set */
}

const char *zmq_msg_gets (const zmq_msg_t *msg, const char *property)
{
    const message_t *m = (const message_t *) msg;
    const char *value = m->origin ? origin_property (m->origin, property) : NULL;
    if (!value)
        errno = EINVAL;
    return value;
}
