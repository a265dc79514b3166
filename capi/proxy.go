package main

// #include "capi.h"
import "C"

import (
	stdcontext "context"
	"runtime/cgo"

	"github.com/phimq/zmq"
)

// proxy is one call of zmq_proxy.
type proxy struct {
	bell   bell // rings at the end
	cancel stdcontext.CancelFunc
	ended  chan error
}

//export capiProxyStart
func capiProxyStart(front, back, capture, control C.uintptr_t, fd C.int) C.uintptr_t {
	f, b := socketOf(front), socketOf(back)
	var options []zmq.ProxyOption
	if capture != 0 {
		options = append(options, zmq.ProxyCapture(socketOf(capture).Socket))
	}
	if control != 0 {
		options = append(options, zmq.ProxyControl(socketOf(control).Socket))
	}
	p := &proxy{bell: bell{fd: int(fd)}, ended: make(chan error, 1)}
	ctx, cancel := stdcontext.WithCancel(f.ctx.ending)
	p.cancel = cancel
	go p.passLoop(ctx, f.Socket, b.Socket, options)
	return handle(p)
}

func (p *proxy) passLoop(ctx stdcontext.Context, front, back *zmq.Socket, options []zmq.ProxyOption) {
	err := zmq.Proxy(ctx, front, back, options...)
	p.ended <- err
	p.bell.ring()
}

// capiProxyEnd stops a proxy if it runs still. A context that ended is ETERM.
//
//export capiProxyEnd
func capiProxyEnd(h C.uintptr_t) C.int {
	p := cgo.Handle(h).Value().(*proxy)
	cgo.Handle(h).Delete()
	p.cancel()
	err := <-p.ended
	p.bell.end()
	if rc := result(err); rc == 0 || rc != result(stdcontext.Canceled) {
		return rc
	}
	return -C.int(C.ETERM)
}
