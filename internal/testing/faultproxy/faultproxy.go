// Package faultproxy is a TCP proxy for tests. It breaks a connection at the request that
// the test chooses.
package faultproxy

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy forwards connections to a server.
type Proxy struct {
	// Addr is where it listens: host:port.
	Addr string

	server string

	mu      sync.Mutex
	fault   *fault
	conns   map[net.Conn]bool // both sides'
	working int               // requests of clients that were cut off, which the server still works on
	idle    *sync.Cond        // working is 0
}

// fault is what happens to one request.
type fault struct {
	words string        // a text in the request
	delay time.Duration // how long after the client was cut off the server gets the request; 0: before
	held  chan struct{} // if not nil, the server gets the request when it is closed
	times int           // how often it happens
}

// New returns a proxy for a server. It ends with the test.
func New(t testing.TB, server string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: listener.Addr().String(), server: server, conns: map[net.Conn]bool{}}
	p.idle = sync.NewCond(&p.mu)
	t.Cleanup(func() {
		listener.Close()
		p.Settled()
		p.Cut()
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

// LoseAnswer lets the server handle the next request that holds these words, and closes
// the client's connection in place of the answer.
func (p *Proxy) LoseAnswer(words string) { p.arm(&fault{words: words, times: 1}) }

// LoseAnswers does the same for the next requests, as many as times says.
func (p *Proxy) LoseAnswers(words string, times int) { p.arm(&fault{words: words, times: times}) }

// Delay cuts the client off at the next request that holds these words, and sends the
// request to the server after the delay.
func (p *Proxy) Delay(words string, delay time.Duration) {
	p.arm(&fault{words: words, delay: delay, times: 1})
}

// Hold cuts the client off at the next request that holds these words, and sends the
// request to the server when release is called.
func (p *Proxy) Hold(words string) (release func()) {
	held := make(chan struct{})
	p.arm(&fault{words: words, held: held, times: 1})
	return sync.OnceFunc(func() { close(held) })
}

// Disarm breaks no more connections.
func (p *Proxy) Disarm() { p.arm(nil) }

func (p *Proxy) arm(f *fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// Settled waits until the server has handled the requests of all clients that were cut off.
// It reports whether the fault has happened as often as it should.
func (p *Proxy) Settled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.working > 0 {
		p.idle.Wait()
	}
	return p.fault == nil
}

// Cut closes all connections, as a server does when it restarts.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.Close()
	}
}

// Open returns the number of connections that clients have.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns) / 2
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	answers := &answers{client: client}
	defer func() {
		client.Close()
		if !answers.lost() { // otherwise the server may still work on the request
			server.Close()
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, client)
		delete(p.conns, server)
	}()
	go func() {
		answers.forward(server)
		client.Close()
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		request := bytes.Clone(buffer[:n])
		if f := p.hit(request); f != nil {
			first := answers.lose()
			p.cutOff(f, client, server, request, first)
			return
		}
		if _, err := server.Write(request); err != nil {
			return
		}
	}
}

// hit returns the fault if the connection must break at this request. It adds the request
// to working before the client can notice that.
func (p *Proxy) hit(request []byte) *fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.fault
	if f == nil || !bytes.Contains(request, []byte(f.words)) {
		return nil
	}
	if f.times--; f.times == 0 {
		p.fault = nil
	}
	p.working++
	return f
}

// cutOff lets the server handle a request, and does not give the client the answer.
func (p *Proxy) cutOff(f *fault, client, server net.Conn, request []byte, first <-chan struct{}) {
	work := func() {
		server.Write(request)
		<-first // the answer has begun, so the request has been handled
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.working--; p.working == 0 {
			p.idle.Broadcast()
		}
	}
	if f.delay == 0 && f.held == nil {
		work()
		client.Close()
		server.Close()
		return
	}
	client.Close()
	go func() {
		time.Sleep(f.delay)
		if f.held != nil {
			<-f.held
		}
		work()
		server.Close()
	}()
}

// answers are what a server sends to one client.
type answers struct {
	client net.Conn

	mu    sync.Mutex
	first chan struct{} // not nil: no answer is forwarded any more; closed when the next one begins
}

func (a *answers) lose() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.first = make(chan struct{})
	return a.first
}

func (a *answers) lost() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.first != nil
}

// forward sends the server's answers to the client, until the server closes.
func (a *answers) forward(server net.Conn) {
	buffer := make([]byte, 1<<16)
	told := false
	for {
		n, err := server.Read(buffer)
		a.mu.Lock()
		first := a.first
		a.mu.Unlock()
		switch {
		case first == nil:
			a.client.Write(buffer[:n])
		case !told:
			close(first)
			told = true
		}
		if err != nil {
			return
		}
	}
}
