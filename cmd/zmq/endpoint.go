package main

import (
	"errors"
	"fmt"
	"strings"
)

// side is what a socket does with an endpoint.
type side bool

const (
	binds    side = true
	connects side = false
)

// endpoint is where a socket binds or connects.
type endpoint struct {
	side side
	addr string
}

// parseEndpoints reads the endpoints of a command line. Those without a prefix
// take the side that is the command's own.
func parseEndpoints(args, bind, connect []string, bare side) ([]endpoint, error) {
	var list []endpoint
	for _, arg := range args {
		e := endpoint{bare, arg}
		if arg != "" {
			switch arg[0] {
			case '@', '*':
				e = endpoint{binds, arg[1:]}
			case '+', '>':
				e = endpoint{connects, arg[1:]}
			}
		}
		list = append(list, e)
	}
	for _, addr := range bind {
		list = append(list, endpoint{binds, addr})
	}
	for _, addr := range connect {
		list = append(list, endpoint{connects, addr})
	}
	if len(list) == 0 {
		return nil, errors.New("no endpoint: say where to bind or connect, as in @tcp://:5555 or +tcp://localhost:5555")
	}
	for _, e := range list {
		if strings.HasPrefix(e.addr, "inproc://") {
			return nil, fmt.Errorf("%s: inproc joins sockets of one program; use ipc or tcp", e.addr)
		}
	}
	return list, nil
}
