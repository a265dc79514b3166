package zmq_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/phimq/zmq"
)

func ExampleWithCurve() {
	keys := zmq.NewCurveKeys() // the server's; clients are given keys.Public()

	server := zmq.NewRep(zmq.WithCurveServer(keys))
	defer server.Close()
	b, err := server.Bind("tcp://127.0.0.1:*")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := zmq.NewReq(zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()}))
	defer client.Close()
	if err := client.Connect(b.Endpoint()); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	_ = client.Send(ctx, []byte("nobody else reads this"))
	m, err := server.Recv(ctx)
	fmt.Println(m, m.Peer().Mechanism(), err)
	// Output: ["nobody else reads this"] CURVE <nil>
}

func ExampleWithAuth() {
	passwords := map[string]string{"ann": "secret"}
	auth := func(_ context.Context, p zmq.Peer) (zmq.Identity, error) {
		name, password := p.Credentials()
		if want, known := passwords[name]; !known || password != want {
			return zmq.Identity{}, errors.New("wrong name or password")
		}
		return zmq.Identity{UserID: name}, nil
	}
	server := zmq.NewPull(zmq.WithPlainServer(), zmq.WithAuth(auth))
	defer server.Close()
	b, err := server.Bind("tcp://127.0.0.1:*")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := zmq.NewPush(zmq.WithPlain("ann", "secret"))
	defer client.Close()
	if err := client.Connect(b.Endpoint()); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	_ = client.Send(ctx, []byte("hello"))
	m, err := server.Recv(ctx)
	fmt.Println(m, "from", m.Peer().UserID(), err)
	// Output: ["hello"] from ann <nil>
}

func ExampleParseCurveKeys() {
	// The secret key comes from a file or the environment.
	keys, err := zmq.ParseCurveKeys("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")
	fmt.Println(keys, err)
	// Output: public key rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7 <nil>
}
