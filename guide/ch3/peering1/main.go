// Command peering1 is the first step of inter-broker routing, the state flow: a broker
// publishes how many workers are free, made up here, and prints what its peers publish.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/phimq/zmq"
)

func main() {
	dir := flag.String("dir", "", "folder of the brokers' ipc endpoints, with a slash at its end")
	interval := flag.Duration("interval", time.Second, "how long no peer must speak before the broker does")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "peering1 [flags] ME [PEER...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	self := flag.Arg(0)
	statebe, statefe := zmq.NewPub(), zmq.NewSub()
	defer statebe.Close()
	defer statefe.Close()
	_, err := statebe.Bind("ipc://" + *dir + self + "-state.ipc")
	err = errors.Join(err, statefe.Subscribe(""))
	for _, peer := range flag.Args()[1:] {
		err = errors.Join(err, statefe.Connect("ipc://"+*dir+peer+"-state.ipc"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("broker", self, "is ready")
	for ctx.Err() == nil {
		quiet, cancel := context.WithTimeout(ctx, *interval)
		m, err := statefe.Recv(quiet)
		cancel()
		if err != nil {
			_ = statebe.Send(ctx, []byte(self), []byte(strconv.Itoa(rand.N(10)))) // a PUB drops where it can't send
		} else if len(m.Frames) == 2 {
			fmt.Printf("%s - %s workers free\n", m.Frames[0], m.Frames[1])
		}
	}
}
