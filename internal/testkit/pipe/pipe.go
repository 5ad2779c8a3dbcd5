// Package pipe is a network within the process. A server listens on it and a
// client dials it, with all of HTTP in between; but nothing waits for a real
// network, so that in a bubble of testing/synctest time passes as soon as
// everybody waits.
package pipe

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// A Network has one listener, itself, which every address leads to.
type Network struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

// New returns a network. In a bubble it has to be made there.
func New() *Network {
	return &Network{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// DialContext connects to the listener, as soon as that accepts.
func (n *Network) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (n *Network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]. Connections that are open stay open.
func (n *Network) Close() error {
	n.close.Do(func() { close(n.closed) })
	return nil
}

// Addr implements [net.Listener].
func (n *Network) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "pipe" }
func (addr) String() string  { return "pipe" }

// Serve answers requests on a new network with the handler. The function that
// it returns closes every connection, and waits for what still answers.
func Serve(h http.Handler) (n *Network, stop func()) {
	n = New()
	var all sync.WaitGroup
	server := &http.Server{Handler: h, ConnState: func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew: // told before Serve, which is waited for, can return
			all.Add(1)
		case http.StateClosed, http.StateHijacked:
			all.Done()
		default:
		}
	}}
	all.Go(func() { _ = server.Serve(n) }) // it ends when it is closed
	return n, func() {
		_ = server.Close()
		all.Wait()
	}
}
