/* What the C files share, and what they share with Go. */
#ifndef CAPI_H
#define CAPI_H

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

/* Hidden is for what one C file has for the others: programs see zmq_* alone. */
#define HIDDEN __attribute__ ((visibility ("hidden")))

/* Origin is who a message came from: shared by all messages of one peer. Its
 * properties are asked of Go when they are first wanted, and kept, because
 * zmq_msg_gets hands out a pointer that lives as long as the message. */
struct property;

typedef struct
{
    atomic_int refs;
    uintptr_t peer; /* Go's */
    int fd;         /* ZMQ_SRCFD; -1 if there is none */
    _Atomic (struct property *) properties;
} origin_t;

/* Octets is a piece of memory to send from. */
typedef struct
{
    const void *data;
    size_t size;
} octets_t;

/* Inbound is one received message on its way from Go: Go copies all frames, one
 * behind the other, to data, and their sizes to sizes. */
typedef struct
{
    unsigned char *data;
    size_t capacity;  /* of data */
    size_t *sizes;
    size_t places;    /* of sizes */
    size_t total;     /* octets of the message */
    size_t frames;    /* frames of the message */
    origin_t *origin; /* borrowed, or null */
} inbound_t;

/* Content is memory that messages share. */
typedef struct
{
    atomic_size_t refs;
    void *data;
    zmq_free_fn *free;
    void *hint;
} content_t;

/* Message is what the 64 octets of a zmq_msg_t are. */
enum
{
    MSG_INLINE = 101, /* octets in the message itself */
    MSG_SHARED,       /* octets in a content */
    MSG_CONST         /* octets of the caller's, never freed */
};

enum
{
    FLAG_MORE = 1,
    FLAG_COPIED = 2
};

#define MSG_INLINE_SIZE 32

typedef struct
{
    union
    {
        unsigned char octets[MSG_INLINE_SIZE];
        struct
        {
            unsigned char *data;
            content_t *content;
        } out;
    } u;
    size_t size;
    origin_t *origin;
    uint64_t reserved;
    uint8_t kind; /* 0: closed, or never initialised */
    uint8_t flags;
    uint8_t unused[6];
} message_t;

_Static_assert (sizeof (message_t) == sizeof (zmq_msg_t), "a zmq_msg_t has 64 octets");

/* Messages: msg.c */
HIDDEN message_t *message_of (zmq_msg_t *msg);
HIDDEN void *message_data (message_t *m);
HIDDEN int message_alive (const message_t *m);
HIDDEN int message_init_copy (message_t *m, const void *data, size_t size);
HIDDEN content_t *content_new (size_t size);
HIDDEN void content_release (content_t *content);
HIDDEN void message_init_shared (message_t *m, content_t *content, unsigned char *data, size_t size);
HIDDEN origin_t *origin_new (uintptr_t peer, int fd);
HIDDEN void origin_hold (origin_t *origin);
HIDDEN void origin_release (origin_t *origin);

/* Context is what a void * of zmq_ctx_new is. */
typedef struct
{
    uint32_t tag;
    atomic_int ending; /* zmq_ctx_shutdown or zmq_ctx_term was called */
    int fd;            /* an eventfd: a socket is gone */
    uintptr_t go;
} context_t;

/* Socket is what a void * of zmq_socket is. One thread uses it at a time. */
typedef struct
{
    uint32_t tag;
    int type;
    int fd; /* an eventfd: what the socket can do may have changed */
    int send_timeout, recv_timeout;
    uintptr_t go;
    context_t *ctx;

    /* Frames sent with ZMQ_SNDMORE, which wait for the last one. */
    message_t *out;
    size_t out_count, out_places;

    /* The message of which frames are being received. */
    inbound_t in;
    content_t *in_content; /* has in.data; null: scratch has it */
    size_t in_next, in_at;
    int recv_more;
    unsigned char *scratch;
} socket_t;

/* Sockets: socket.c, send.c, recv.c */
HIDDEN socket_t *socket_new (context_t *c, int type);
HIDDEN socket_t *socket_of (void *s);
HIDDEN socket_t *socket_alive (void *s);
HIDDEN int socket_events (void *s);
HIDDEN void socket_free (socket_t *s);
HIDDEN void outbound_drop (socket_t *s);
HIDDEN int inbound_pending (const socket_t *s);
HIDDEN void inbound_drop (socket_t *s);
HIDDEN int fail (int err);

/* Waiting: poll.c. Wait_for returns 0 when fd can be read, or EINTR or EAGAIN. */
struct pollfd;
HIDDEN int64_t now_ms (void);
HIDDEN int wait_for (int fd, int64_t deadline);
HIDDEN int wait_many (struct pollfd *fds, int n, int64_t deadline);

#endif
