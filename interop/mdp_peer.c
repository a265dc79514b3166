//go:build ignore

//  A broker, a worker and two clients of MDP 0.1, written on CZMQ from RFC 7 and
//  RFC 8, for the tests of reliable/majordomo and as the measure of its speed.
//
//  mdp_peer broker ENDPOINT             prints the endpoint it is bound to
//  mdp_peer worker ENDPOINT SERVICE [N] echoes; with N it ends after N requests
//  mdp_peer client ENDPOINT SERVICE N   N requests, one after the other
//  mdp_peer async  ENDPOINT SERVICE N   N requests at once, then the replies
//
//  A client prints its replies that were right, and the microseconds it took.

#include <czmq.h>

#define CLIENT "MDPC01"
#define WORKER "MDPW01"
#define HEARTBEAT 2500 //  milliseconds
#define LIVENESS 3

enum { READY = 1, REQUEST, REPLY, BEAT, DISCONNECT };

//  ---------------------------------------------------------------------------
//  The broker

typedef struct {
    char *name;
    zlist_t *requests; //  of zmsg_t: client, empty, body
    zlist_t *waiting;  //  of worker_t, who waits longest in front
    int workers;
} service_t;

typedef struct {
    char *key;
    zframe_t *id;
    service_t *service;
    zmsg_t *request; //  what it has in hand
    int64_t expiry;
} worker_t;

static zsock_t *router;
static zhash_t *services, *workers;

static void send_worker(zframe_t *id, int command, zmsg_t *rest)
{
    zmsg_t *msg = rest ? zmsg_dup(rest) : zmsg_new();
    byte octet = (byte) command;
    zmsg_pushmem(msg, &octet, 1);
    zmsg_pushstr(msg, WORKER);
    zmsg_pushmem(msg, NULL, 0);
    zframe_t *to = zframe_dup(id);
    zmsg_prepend(msg, &to);
    zmsg_send(&msg, router);
}

static service_t *service_of(const char *name)
{
    service_t *s = (service_t *) zhash_lookup(services, name);
    if (!s) {
        s = (service_t *) zmalloc(sizeof *s);
        s->name = strdup(name);
        s->requests = zlist_new();
        s->waiting = zlist_new();
        zhash_insert(services, name, s);
    }
    return s;
}

static void dispatch(service_t *s)
{
    while (zlist_size(s->requests) && zlist_size(s->waiting)) {
        worker_t *w = (worker_t *) zlist_pop(s->waiting);
        w->request = (zmsg_t *) zlist_pop(s->requests);
        send_worker(w->id, REQUEST, w->request);
    }
}

static void lose(worker_t *w)
{
    service_t *s = w->service;
    zlist_remove(s->waiting, w);
    s->workers--;
    if (w->request)
        zlist_push(s->requests, w->request);
    zhash_delete(workers, w->key);
    zframe_destroy(&w->id);
    free(w->key);
    free(w);
    dispatch(s);
}

static void to_client(zframe_t *client, const char *service, zmsg_t *body)
{
    zmsg_pushstr(body, service);
    zmsg_pushstr(body, CLIENT);
    zmsg_pushmem(body, NULL, 0);
    zframe_t *to = zframe_dup(client);
    zmsg_prepend(body, &to);
    zmsg_send(&body, router);
}

static void from_client(zframe_t *client, zmsg_t *msg)
{
    char *name = zmsg_popstr(msg);
    if (!name || !zmsg_size(msg))
        zmsg_destroy(&msg);
    else if (strncmp(name, "mmi.", 4) == 0) {
        const char *status = "501";
        if (streq(name, "mmi.service")) {
            char *asked = zmsg_popstr(msg);
            service_t *s = (service_t *) zhash_lookup(services, asked);
            status = s && s->workers ? "200" : "404";
            free(asked);
        }
        zmsg_t *reply = zmsg_new();
        zmsg_addstr(reply, status);
        to_client(client, name, reply);
        zmsg_destroy(&msg);
    }
    else {
        zmsg_pushmem(msg, NULL, 0);
        zframe_t *from = zframe_dup(client);
        zmsg_prepend(msg, &from);
        service_t *s = service_of(name);
        zlist_append(s->requests, msg);
        dispatch(s);
    }
    free(name);
}

static void from_worker(zframe_t *id, zmsg_t *msg)
{
    zframe_t *octet = zmsg_pop(msg);
    int command = octet && zframe_size(octet) == 1 ? zframe_data(octet)[0] : 0;
    zframe_destroy(&octet);
    char *key = zframe_strhex(id);
    worker_t *w = (worker_t *) zhash_lookup(workers, key);
    if (w)
        w->expiry = zclock_mono() + HEARTBEAT * LIVENESS;
    if (command == READY && !w && zmsg_size(msg) == 1) {
        char *name = zmsg_popstr(msg);
        if (strncmp(name, "mmi.", 4) == 0)
            send_worker(id, DISCONNECT, NULL);
        else {
            w = (worker_t *) zmalloc(sizeof *w);
            w->key = strdup(key);
            w->id = zframe_dup(id);
            w->service = service_of(name);
            w->service->workers++;
            w->expiry = zclock_mono() + HEARTBEAT * LIVENESS;
            zhash_insert(workers, key, w);
            zlist_append(w->service->waiting, w);
            dispatch(w->service);
        }
        free(name);
    }
    else if (command == REPLY && w && w->request) {
        zframe_t *client = zmsg_pop(msg);
        zframe_t *empty = zmsg_pop(msg);
        zframe_destroy(&empty);
        zmsg_t *reply = msg;
        msg = NULL;
        to_client(client, w->service->name, reply);
        zframe_destroy(&client);
        zmsg_destroy(&w->request);
        zlist_append(w->service->waiting, w);
        dispatch(w->service);
    }
    else if (command == DISCONNECT && w)
        lose(w);
    else if (command != BEAT || !w) {
        send_worker(id, DISCONNECT, NULL);
        if (w)
            lose(w);
    }
    free(key);
    zmsg_destroy(&msg);
}

static void beat(void)
{
    zlist_t *keys = zhash_keys(workers);
    for (char *key = (char *) zlist_first(keys); key; key = (char *) zlist_next(keys)) {
        worker_t *w = (worker_t *) zhash_lookup(workers, key);
        if (w->expiry < zclock_mono())
            lose(w);
        else
            send_worker(w->id, BEAT, NULL);
    }
    zlist_destroy(&keys);
}

static int broker(const char *endpoint)
{
    router = zsock_new(ZMQ_ROUTER);
    zsock_set_sndhwm(router, 0);
    zsock_set_rcvhwm(router, 0);
    if (zsock_bind(router, "%s", endpoint) == -1) {
        perror(endpoint);
        return 1;
    }
    printf("%s\n", zsock_endpoint(router));
    fflush(stdout);
    services = zhash_new();
    workers = zhash_new();
    zpoller_t *poller = zpoller_new(router, NULL);
    int64_t due = zclock_mono() + HEARTBEAT;
    for (;;) {
        int64_t left = due - zclock_mono();
        if (left <= 0) {
            beat();
            due = zclock_mono() + HEARTBEAT;
            continue;
        }
        if (!zpoller_wait(poller, (int) left)) {
            if (zpoller_terminated(poller))
                return 0;
            continue;
        }
        zmsg_t *msg = zmsg_recv(router);
        zframe_t *id = zmsg_pop(msg), *empty = zmsg_pop(msg);
        char *header = zmsg_popstr(msg);
        if (empty && zframe_size(empty) == 0 && header && streq(header, CLIENT))
            from_client(id, msg);
        else if (empty && zframe_size(empty) == 0 && header && streq(header, WORKER))
            from_worker(id, msg);
        else
            zmsg_destroy(&msg);
        zframe_destroy(&id);
        zframe_destroy(&empty);
        free(header);
    }
}

//  ---------------------------------------------------------------------------
//  The worker

static int worker(const char *endpoint, const char *service, long count)
{
    for (;;) {
        zsock_t *dealer = zsock_new(ZMQ_DEALER);
        zsock_set_linger(dealer, 1000);
        if (zsock_connect(dealer, "%s", endpoint) == -1)
            return 1;
        byte octet = READY;
        zsock_send(dealer, "zsbs", WORKER, &octet, (size_t) 1, service);
        zpoller_t *poller = zpoller_new(dealer, NULL);
        int64_t due = zclock_mono() + HEARTBEAT, expiry = zclock_mono() + HEARTBEAT * LIVENESS;
        bool lost = false;
        while (!lost) {
            int64_t left = due - zclock_mono();
            if (zpoller_wait(poller, left > 0 ? (int) left : 0)) {
                zmsg_t *msg = zmsg_recv(dealer);
                expiry = zclock_mono() + HEARTBEAT * LIVENESS;
                zmsg_first(msg);
                zframe_t *header = zmsg_next(msg), *command = zmsg_next(msg);
                if (!header || !zframe_streq(header, WORKER) || !command || zframe_size(command) != 1)
                    fprintf(stderr, "a foreign message\n");
                else if (zframe_data(command)[0] == REQUEST) {
                    zframe_data(command)[0] = REPLY;
                    zmsg_send(&msg, dealer);
                    if (count && --count == 0) {
                        octet = DISCONNECT;
                        zsock_send(dealer, "zsb", WORKER, &octet, (size_t) 1);
                        zsock_destroy(&dealer);
                        return 0;
                    }
                }
                else if (zframe_data(command)[0] == DISCONNECT)
                    lost = true;
                zmsg_destroy(&msg);
            }
            else if (zpoller_terminated(poller))
                return 0;
            if (zclock_mono() >= due) {
                octet = BEAT;
                zsock_send(dealer, "zsb", WORKER, &octet, (size_t) 1);
                due = zclock_mono() + HEARTBEAT;
            }
            lost = lost || zclock_mono() > expiry;
        }
        zpoller_destroy(&poller);
        zsock_destroy(&dealer);
        zclock_sleep(100);
    }
}

//  ---------------------------------------------------------------------------
//  The clients

static void ask(zsock_t *dealer, const char *service, long n)
{
    zmsg_t *msg = zmsg_new();
    zmsg_addmem(msg, NULL, 0);
    zmsg_addstr(msg, CLIENT);
    zmsg_addstr(msg, service);
    zmsg_addstrf(msg, "request %ld", n);
    zmsg_send(&msg, dealer);
}

//  Returns the number of the request that was answered, or -1.
static long answer(zsock_t *dealer, const char *service)
{
    zmsg_t *msg = zmsg_recv(dealer);
    if (!msg)
        return -1;
    long n = -1;
    char *empty = zmsg_popstr(msg), *header = zmsg_popstr(msg), *from = zmsg_popstr(msg), *body = zmsg_popstr(msg);
    if (body && streq(empty, "") && streq(header, CLIENT) && streq(from, service))
        sscanf(body, "request %ld", &n);
    free(empty);
    free(header);
    free(from);
    free(body);
    zmsg_destroy(&msg);
    return n;
}

static int client(const char *endpoint, const char *service, long count, bool async)
{
    zsock_t *dealer = zsock_new(ZMQ_DEALER);
    zsock_set_sndhwm(dealer, 0);
    zsock_set_rcvhwm(dealer, 0);
    zsock_set_rcvtimeo(dealer, 20000);
    if (zsock_connect(dealer, "%s", endpoint) == -1)
        return 1;
    char *seen = (char *) zmalloc((size_t) count);
    long right = 0;
    int64_t began = zclock_usecs();
    for (long i = 0; async && i < count; i++)
        ask(dealer, service, i);
    for (long i = 0; i < count; i++) {
        if (!async)
            ask(dealer, service, i);
        long n = answer(dealer, service);
        if (n < 0 || n >= count || seen[n] || (!async && n != i))
            break;
        seen[n] = 1;
        right++;
    }
    printf("%ld %ld\n", right, (long) (zclock_usecs() - began));
    zsock_destroy(&dealer);
    return right == count ? 0 : 1;
}

int main(int argc, char *argv[])
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && streq(argv[1], "broker"))
        return broker(argv[2]);
    if (argc >= 4 && streq(argv[1], "worker"))
        return worker(argv[2], argv[3], argc > 4 ? atol(argv[4]) : 0);
    if (argc == 5 && (streq(argv[1], "client") || streq(argv[1], "async")))
        return client(argv[2], argv[3], atol(argv[4]), streq(argv[1], "async"));
    fprintf(stderr, "usage: see the head of the source\n");
    return 2;
}
