/* Timers: a list in order of creation, which the program asks and executes. */
#include <stdlib.h>

#include "capi.h"

#define TIMERS_TAG 0xCAFEDADA
#define DEAD_TAG 0xdeadbeef

typedef struct
{
    struct alarm *first;
    uint32_t tag;
    int last_id;
} timers_t;

typedef struct alarm
{
    struct alarm *next;
    int id; /* 0: cancelled */
    int64_t due;
    size_t interval;
    zmq_timer_fn *run;
    void *arg;
} alarm_t;

static timers_t *timers_of (void *timers)
{
    timers_t *t = timers;
    if (!t || t->tag != TIMERS_TAG) {
        errno = EFAULT;
        return NULL;
    }
    return t;
}

static alarm_t *find (timers_t *t, int id)
{
    for (alarm_t *a = t ? t->first : NULL; a; a = a->next)
        if (id > 0 && a->id == id)
            return a;
    if (t)
        errno = EINVAL;
    return NULL;
}

/* Frees what was cancelled: not at once, because a timer may cancel another. */
static void sweep (timers_t *t)
{
    for (alarm_t **at = &t->first; *at;) {
        alarm_t *a = *at;
        if (a->id) {
            at = &a->next;
        } else {
            *at = a->next;
            free (a);
        }
    }
}

void *zmq_timers_new (void)
{
    timers_t *t = calloc (1, sizeof *t);
    if (t)
        t->tag = TIMERS_TAG;
    return t;
}

int zmq_timers_destroy (void **timers)
{
    timers_t *t = timers_of (*timers);
    if (!t)
        return -1;
    for (alarm_t *a = t->first; a; a = a->next)
        a->id = 0;
    sweep (t);
    t->tag = DEAD_TAG;
    free (t);
    *timers = NULL;
    return 0;
}

int zmq_timers_add (void *timers, size_t interval, zmq_timer_fn run, void *arg)
{
    timers_t *t = timers_of (timers);
    if (!t || !run)
        return fail (EFAULT);
    alarm_t *a = calloc (1, sizeof *a), **at = &t->first;
    if (!a)
        return fail (ENOMEM);
    *a = (alarm_t) {.id = ++t->last_id, .due = now_ms () + (int64_t) interval, .interval = interval, .run = run, .arg = arg};
    while (*at)
        at = &(*at)->next;
    *at = a;
    return a->id;
}

int zmq_timers_cancel (void *timers, int id)
{
    alarm_t *a = find (timers_of (timers), id);
    if (!a)
        return -1;
    a->id = 0;
    return 0;
}

int zmq_timers_reset (void *timers, int id)
{
    alarm_t *a = find (timers_of (timers), id);
    if (!a)
        return -1;
    a->due = now_ms () + (int64_t) a->interval;
    return 0;
}

int zmq_timers_set_interval (void *timers, int id, size_t interval)
{
    alarm_t *a = find (timers_of (timers), id);
    if (!a)
        return -1;
    a->interval = interval;
    a->due = now_ms () + (int64_t) interval;
    return 0;
}

long zmq_timers_timeout (void *timers)
{
    timers_t *t = timers_of (timers);
    if (!t)
        return -1;
    int64_t now = now_ms (), soonest = -1;
    for (alarm_t *a = t->first; a; a = a->next)
        if (a->id) {
            int64_t left = a->due > now ? a->due - now : 0;
            if (soonest < 0 || left < soonest)
                soonest = left;
        }
    return (long) soonest;
}

int zmq_timers_execute (void *timers)
{
    timers_t *t = timers_of (timers);
    if (!t)
        return -1;
    int64_t now = now_ms ();
    for (alarm_t *a = t->first; a; a = a->next)
        if (a->id && a->due <= now) {
            a->due = now + (int64_t) a->interval;
            a->run (a->id, a->arg);
        }
    sweep (t);
    return 0;
}
