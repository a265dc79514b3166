package auth_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
)

// A server that lets in who has a certificate in a directory, and whom it throws
// out when the certificate is taken away.
func Example() {
	dir, err := os.MkdirTemp("", "clients")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	own, ann := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	if err := auth.NewPublicCertificate(ann.Public(), map[string]string{"name": "Ann"}).SavePublic(dir + "/ann.cert"); err != nil {
		log.Fatal(err)
	}

	a, err := auth.New(auth.WithCertificates(os.DirFS(dir)), auth.WithAllow("127.0.0.1"))
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	server := zmq.NewPull(zmq.WithCurveServer(own), zmq.WithAuth(a.Authenticate))
	defer server.Close()
	a.Guard(server)
	b, err := server.Bind("tcp://127.0.0.1:*")
	if err != nil {
		log.Fatal(err)
	}

	client := zmq.NewPush(zmq.WithCurve(zmq.CurveClient{ServerKey: own.Public(), Keys: ann}))
	defer client.Close()
	if err := client.Connect(b.Endpoint()); err != nil {
		log.Fatal(err)
	}
	if err := client.Send(context.Background(), []byte("hello")); err != nil {
		log.Fatal(err)
	}
	m, err := server.Recv(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s from %s\n", m.Frames[0], m.Property("name"))
	// Output: hello from Ann
}

// A key pair that is made once and kept in two files, as CZMQ has them.
func ExampleCertificate_Save() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cert := auth.NewCertificate(zmq.NewCurveKeys(), map[string]string{"name": "Feed"})
	if err := cert.Save(dir + "/feed.cert"); err != nil { // and feed.cert_secret
		log.Fatal(err)
	}

	keys, err := auth.LoadKeys(dir + "/feed.cert") // what the server starts with
	if err != nil {
		log.Fatal(err)
	}
	key, err := auth.LoadKey(dir + "/feed.cert") // what its clients know
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.Public() == key)
	// Output: true
}

// An authenticator for all sockets of a domain that ask a ZAP handler.
func ExampleAuthenticator_ServeZAP() {
	a, err := auth.New(auth.WithPasswords(map[string]string{"ann": "secret"}))
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	domain := zmq.NewDomain()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go a.ServeZAP(ctx, domain)

	server := zmq.NewRep(zmq.WithPlainServer(), zmq.WithZAPDomain("global"), zmq.WithDomain(domain))
	defer server.Close()
}
