package ch3

import (
	"fmt"
	"os"
	"testing"
)

func TestIdentity(t *testing.T) {
	p := start(t, "identity")
	p.expect(t, "generated identity")
	p.expect(t, `"PEER2"`)
	p.wait(t)
}

func TestRouterToWorkers(t *testing.T) {
	for _, name := range []string{"rtreq", "rtdealer"} {
		t.Run(name, func(t *testing.T) {
			p := start(t, name, "-endpoint", free(t), "-workers", "3", "-for", "200ms", "-work", "20ms")
			for range 3 {
				p.expect(t, "completed")
			}
			p.wait(t)
		})
	}
}

func TestLoadBalancer(t *testing.T) {
	for _, name := range []string{"lbbroker", "lbbroker2"} {
		t.Run(name, func(t *testing.T) {
			p := start(t, name, "-frontend", free(t), "-backend", free(t), "-clients", "20")
			for range 20 {
				p.expect(t, "Client: OK")
			}
			p.wait(t)
		})
	}
}

func TestLoadBalancerOfThePackage(t *testing.T) {
	p := start(t, "lbbroker3", "-frontend", free(t), "-backend", free(t), "-every", "10ms")
	for range 30 {
		p.expect(t, "Client: OK")
	}
	p.signal(t, os.Interrupt)
	p.wait(t)
}

func TestAsynchronousServer(t *testing.T) {
	p := start(t, "asyncsrv", "-endpoint", free(t), "-every", "10ms", "-for", "2s")
	for range 10 {
		p.expect(t, "reply to request")
	}
	p.expect(t, fmt.Sprintf("reply to request %d", 10))
	p.wait(t)
}
