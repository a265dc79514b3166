//go:build ignore

//  A server and a client secured by CZMQ, whose zauth says who may enter.
//
//  zauth_peer server MECHANISM ENDPOINT PASSWORDS|DIRECTORY [CERTIFICATE]
//      prints the endpoint it is bound to, and answers each request by the user
//      id of the client and the request, until stdin ends
//  zauth_peer client MECHANISM ENDPOINT USER PASSWORD
//  zauth_peer client MECHANISM ENDPOINT CERTIFICATE SERVER-CERTIFICATE
//      makes a request and prints the reply, or "nothing" after two seconds

#include <czmq.h>

static int server(int argc, char **argv)
{
    if (argc < 5)
        return 1;
    bool plain = streq(argv[2], "PLAIN"), curve = streq(argv[2], "CURVE");
    zactor_t *auth = zactor_new(zauth, NULL);
    if (plain || curve)
        zstr_sendx(auth, argv[2], argv[4], NULL);
    else
        zstr_sendx(auth, argv[4], "127.0.0.1", NULL); //  ALLOW or DENY
    zsock_wait(auth);

    zsock_t *rep = zsock_new(ZMQ_REP);
    zsock_set_zap_domain(rep, "global");
    zsock_set_plain_server(rep, plain);
    if (curve) {
        zcert_t *cert = zcert_load(argv[5]);
        if (!cert)
            return 1;
        zcert_apply(cert, rep);
        zsock_set_curve_server(rep, 1);
        zcert_destroy(&cert);
    }
    if (zsock_bind(rep, "%s", argv[3]) == -1)
        return 1;
    puts(zsock_last_endpoint(rep));
    fflush(stdout);

    zmq_pollitem_t items[] = {{zsock_resolve(rep), 0, ZMQ_POLLIN, 0}, {NULL, 0, ZMQ_POLLIN, 0}};
    while (zmq_poll(items, 2, -1) >= 0 && !items[1].revents) {
        zframe_t *request = zframe_recv(rep);
        const char *user = zframe_meta(request, "User-Id");
        zstr_sendm(rep, user ? user : "");
        zframe_send(&request, rep, 0);
    }
    zsock_destroy(&rep);
    zactor_destroy(&auth);
    return 0;
}

static int client(int argc, char **argv)
{
    if (argc < 6)
        return 1;
    zsock_t *req = zsock_new(ZMQ_REQ);
    zsock_set_linger(req, 0);
    if (streq(argv[2], "PLAIN")) {
        zsock_set_plain_username(req, argv[4]);
        zsock_set_plain_password(req, argv[5]);
    }
    if (streq(argv[2], "CURVE")) {
        zcert_t *own = zcert_load(argv[4]), *other = zcert_load(argv[5]);
        if (!own || !other)
            return 1;
        zcert_apply(own, req);
        zsock_set_curve_serverkey(req, zcert_public_txt(other));
        zcert_destroy(&own);
        zcert_destroy(&other);
    }
    if (zsock_connect(req, "%s", argv[3]) == -1)
        return 1;
    zsock_set_sndtimeo(req, 2000);
    zsock_set_rcvtimeo(req, 2000);
    char *reply = zstr_send(req, "hello") ? NULL : zstr_recv(req);
    puts(reply ? reply : "nothing");
    zstr_free(&reply);
    zsock_destroy(&req);
    return 0;
}

int main(int argc, char **argv)
{
    zsys_init();
    if (argc > 1 && streq(argv[1], "server"))
        return server(argc, argv);
    return argc > 1 ? client(argc, argv) : 1;
}
