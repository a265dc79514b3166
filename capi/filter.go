package main

// #include "capi.h"
import "C"

import (
	"maps"
	"net"
	"net/netip"
	"os/user"
	"slices"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/phimq/zmq"
)

// filters say which connections a bind lets in: tcp by address, ipc by the
// credentials of the process at the other end. None set lets in all.
type filters struct {
	networks []netip.Prefix
	ids      map[C.int]map[uint32]bool // by option: ZMQ_IPC_FILTER_UID, _GID, _PID
}

// isFilter reports whether an option adds to the filters. No value clears them.
func isFilter(number C.int) bool {
	switch number {
	case C.ZMQ_TCP_ACCEPT_FILTER, C.ZMQ_IPC_FILTER_UID, C.ZMQ_IPC_FILTER_GID, C.ZMQ_IPC_FILTER_PID:
		return true
	}
	return false
}

// setFilter acts on later binds.
func (s *socket) setFilter(number C.int, p unsafe.Pointer, size int) error {
	next := filters{networks: slices.Clone(s.filters.networks), ids: map[C.int]map[uint32]bool{}}
	for n, ids := range s.filters.ids {
		next.ids[n] = maps.Clone(ids)
	}
	switch {
	case p == nil && size == 0 && number == C.ZMQ_TCP_ACCEPT_FILTER:
		next.networks = nil
	case p == nil && size == 0:
		delete(next.ids, number)
	case p == nil:
		return syscall.EINVAL
	case number == C.ZMQ_TCP_ACCEPT_FILTER:
		network, err := parseNetwork(string(unsafe.Slice((*byte)(p), size)))
		if err != nil {
			return syscall.EINVAL
		}
		next.networks = append(next.networks, network)
	case size == 4:
		if next.ids[number] == nil {
			next.ids[number] = map[uint32]bool{}
		}
		next.ids[number][*(*uint32)(p)] = true
	default:
		return syscall.EINVAL
	}
	if err := s.Set(zmq.WithAccept(next.allow)); err != nil {
		return err
	}
	s.filters = next
	return nil
}

// parseNetwork reads 10.0.0.0/8, or an address alone.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err
}

func (f *filters) allow(c net.Conn) bool {
	if unix, ok := c.(*net.UnixConn); ok {
		return len(f.ids) == 0 || f.allowProcess(unix)
	}
	if len(f.networks) == 0 {
		return true
	}
	peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return false
	}
	for _, network := range f.networks {
		if network.Contains(peer.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// allowProcess looks at who holds the other end. One filter that fits is enough;
// a group fits those who have it beside their first.
func (f *filters) allowProcess(c *net.UnixConn) bool {
	who, err := credentials(c)
	if err != nil {
		return false
	}
	uids, gids, pids := f.ids[C.ZMQ_IPC_FILTER_UID], f.ids[C.ZMQ_IPC_FILTER_GID], f.ids[C.ZMQ_IPC_FILTER_PID]
	if uids[who.Uid] || gids[who.Gid] || pids[uint32(who.Pid)] {
		return true
	}
	account, err := user.LookupId(strconv.Itoa(int(who.Uid)))
	if err != nil || len(gids) == 0 {
		return false
	}
	groups, err := account.GroupIds()
	return err == nil && slices.ContainsFunc(groups, func(id string) bool {
		gid, err := strconv.ParseUint(id, 10, 32)
		return err == nil && gids[uint32(gid)]
	})
}

func credentials(c *net.UnixConn) (who *syscall.Ucred, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	outer := raw.Control(func(fd uintptr) {
		who, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if outer != nil {
		return nil, outer
	}
	return who, err
}
