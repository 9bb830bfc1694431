package storetest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands between the program and its database and can swallow everything: what a balancer that hangs, or
// a path of which one half is lost, looks like to both ends. Nobody is told that anything is wrong.
type Proxy struct {
	Addr string

	target   string
	listener net.Listener
	wg       sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]bool
	clients  map[net.Conn]bool // open on the program's side; true = swallowed
	dead     chan struct{}     // closed = connections made until now carry nothing any more
	silent   bool              // connections made from now on carry nothing
}

// NewProxy starts a proxy to target (host:port) that ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: listener.Addr().String(), target: target, listener: listener, conns: map[net.Conn]bool{}, clients: map[net.Conn]bool{}, dead: make(chan struct{})}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		listener.Close()
		p.mu.Lock()
		for c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

// Swallow makes every connection silent in both directions, those to come too. They stay open, and what is
// written to them is taken.
func (p *Proxy) Swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = true
	for c := range p.clients {
		p.clients[c] = true
	}
	close(p.dead)
}

// Swallowed is how many connections that carry nothing any more the program still holds.
func (p *Proxy) Swallowed() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, swallowed := range p.clients {
		if swallowed {
			n++
		}
	}
	return n
}

// gone notes that the program has closed a connection.
func (p *Proxy) gone(client net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.clients, client)
}

// Recover lets connections made from now on through. Those that were swallowed stay silent for ever.
func (p *Proxy) Recover() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent, p.dead = false, make(chan struct{})
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns[client] = true
		silent, dead := p.silent, p.dead
		p.clients[client] = silent
		p.mu.Unlock()
		if silent {
			p.wg.Go(func() {
				p.drain(client)
				p.gone(client)
			})
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close() // the database is down: who connects is told so
			p.gone(client)
			continue
		}
		p.mu.Lock()
		p.conns[server] = true
		p.mu.Unlock()
		p.wg.Go(func() {
			p.carry(client, server, dead)
			p.gone(client)
		})
		p.wg.Go(func() { p.carry(server, client, dead) })
	}
}

// drain takes what is written and lets it go nowhere.
func (p *Proxy) drain(from net.Conn) { _, _ = io.Copy(io.Discard, from) }

// carry copies until either end closes; from the moment dead is closed it takes and gives nothing on.
func (p *Proxy) carry(from, to net.Conn, dead <-chan struct{}) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-dead:
			p.drain(from)
			return
		default:
		}
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		if err != nil {
			from.Close()
			to.Close()
			return
		}
	}
}
