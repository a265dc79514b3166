package auth

import (
	"fmt"
	"net/netip"

	"github.com/phimq/zmq"
)

// rules are which addresses may enter.
type rules struct{ allow, deny []netip.Prefix }

// judge says what speaks against an address. One that is not valid is that of
// a peer that has none.
func (r *rules) judge(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	if contains(r.deny, addr) {
		return errDenied
	}
	if len(r.allow) > 0 && !contains(r.allow, addr) {
		return errForeign
	}
	return nil
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// parseNetworks reads addresses and networks.
func parseNetworks(texts []string) ([]netip.Prefix, error) {
	list := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		network, err := parseNetwork(text)
		if err != nil {
			return nil, err
		}
		list = append(list, network)
	}
	return list, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%w: %q is no address or network: want one like 10.1.2.3 or 10.0.0.0/8", zmq.ErrInvalid, text)
	case network.Addr().Is4In6() && network.Bits() >= 96:
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network.Masked(), nil
}
