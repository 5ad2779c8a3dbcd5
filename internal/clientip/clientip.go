// Package clientip tells which address a request came from, and whether an
// address is in a list.
//
// # Behind proxies
//
// A proxy writes the address that it was called from at the right end of
// X-Forwarded-For; everything to the left of that is whatever the caller sent.
// So the list of hops is read from the right, past the proxies that are
// trusted, to the first hop that is not. What is usual elsewhere, the first hop
// of the header, would let every caller choose the address that stands in the
// audit log and that rate limits count by. A request from a peer that is not
// trusted came from that peer, whatever its headers say.
//
// Only X-Forwarded-For is read. The proxies have to write it, and to add to
// what is there or replace it; a trusted proxy that hands a caller's header on
// as it is makes the header the caller's.
package clientip

import (
	"encoding"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// A List is a list of networks. The empty list has no address in it.
type List []netip.Prefix

var _ encoding.TextUnmarshaler = (*List)(nil)

// Parse reads addresses and networks separated by commas or white space:
// "127.0.0.0/8, ::1, 10.1.2.3".
func Parse(text string) (List, error) {
	var list List
	for word := range strings.FieldsFuncSeq(text, separates) {
		network, err := parseNetwork(word)
		if err != nil {
			return nil, err
		}
		list = append(list, network)
	}
	return list, nil
}

func separates(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }

func parseNetwork(word string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(word); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(word)
	if err != nil || network.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address such as 10.1.2.3 nor a network such as 10.0.0.0/8 or fd00::/8", word)
	}
	if network != network.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s is an address in a network: write %s for the network or %s for the address", word, network.Masked(), network.Addr())
	}
	return network, nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]; see [Parse].
func (l *List) UnmarshalText(text []byte) error {
	list, err := Parse(string(text))
	if err == nil {
		*l = list
	}
	return err
}

// Contains reports whether addr is in one of the networks. An IPv4 address
// that is written as an IPv6 address is the IPv4 address.
func (l List) Contains(addr netip.Addr) bool {
	addr = plain(addr)
	return slices.ContainsFunc(l, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// plain gives an address its one form. The zone of a link-local address names
// an interface of this machine, so it is no part of who called.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// Of returns the address that a request came from, with trusted as the proxies
// whose word is taken. Certain is false if that may be a proxy instead of the
// caller: the request was forwarded by one that is not trusted, or by a trusted
// one that named itself but not for whom. A trusted proxy that leaves no trace
// at all cannot be told from a caller on its machine; to be trusted is to be
// trusted to say. Who opens a door for an address must ask for
// certain, or a proxy on this machine that nobody named opens it for everyone
// as 127.0.0.1. The address is the zero Addr if the peer has none, as on a
// Unix socket.
func Of(r *http.Request, trusted List) (addr netip.Addr, certain bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr = plain(peer.Addr())
	if direct(r.Header) {
		return addr, true
	}
	if !trusted.Contains(addr) {
		return addr, false
	}
	fields := r.Header.Values("X-Forwarded-For")
	for _, field := range slices.Backward(fields) {
		for more := true; more; {
			var last string
			field, last, more = cutLast(field)
			hop, ok := parseHop(last)
			if !ok {
				return addr, false
			}
			addr = hop
			if !trusted.Contains(addr) {
				return addr, true
			}
		}
	}
	return addr, len(fields) > 0
}

// direct reports whether no proxy left a trace in the headers.
func direct(h http.Header) bool {
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "Via", "X-Real-Ip", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if _, ok := h[name]; ok {
			return false
		}
	}
	return true
}

// cutLast cuts the last element off a list with commas; more is false if it
// was the only one.
func cutLast(list string) (rest, last string, more bool) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		return list[:i], list[i+1:], true
	}
	return "", list, false
}

// parseHop reads an element of X-Forwarded-For: an address, in brackets or
// not, with a port or not.
func parseHop(hop string) (netip.Addr, bool) {
	hop = strings.TrimSpace(hop)
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return plain(withPort.Addr()), true
	}
	if inner, ok := strings.CutPrefix(hop, "["); ok {
		hop = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(hop)
	return plain(addr), err == nil
}
