package outage

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Fault is what befalls MongoDB.
type Fault struct {
	Refuse  bool          // connections
	Hang    bool          // requests are taken and never answered
	Garbage bool          // answers are none of MongoDB's protocol
	Cut     bool          // connections end in the middle of an answer
	Delay   time.Duration // before each request is passed on
	// Code is the server error that Commands, all but the handshake if empty,
	// are answered with; they are not executed.
	Code     int
	Message  string
	Commands []string
}

// Proxy stands before a MongoDB. Without one, it answers the handshake itself,
// for faults that need no data.
type Proxy struct {
	URI string

	upstream string
	addr     string

	mu       sync.Mutex
	listener net.Listener
	fault    Fault
	conns    map[net.Conn]bool
}

// NewProxy listens on loopback, before the server at the address upstream.
func NewProxy(upstream string) (*Proxy, error) {
	p := &Proxy{upstream: upstream, conns: map[net.Conn]bool{}}
	if err := p.listen(); err != nil {
		return nil, err
	}
	p.URI = "mongodb://" + p.addr + "/?directConnection=true"
	return p, nil
}

func (p *Proxy) listen() error {
	l, err := listen(p.addr)
	if err != nil {
		return fmt.Errorf("stand before MongoDB: %w", err)
	}
	p.mu.Lock()
	p.listener, p.addr = l, l.Addr().String()
	p.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return nil
}

// Fail lets f befall the requests to come.
func (p *Proxy) Fail(f Fault) {
	p.mu.Lock()
	p.fault = f
	p.mu.Unlock()
	if f.Refuse {
		p.Close()
	}
}

// End ends Fail. Connections that a fault has left in disorder end too.
func (p *Proxy) End() error {
	p.mu.Lock()
	f := p.fault
	p.fault = Fault{}
	p.mu.Unlock()
	if f.Refuse {
		return p.listen()
	}
	if f.Hang {
		p.drop()
	}
	return nil
}

// Close stops listening and ends all connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.listener.Close()
	p.mu.Unlock()
	p.drop()
}

func (p *Proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *Proxy) now() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// link is one connection of a client, and the one to the server behind it.
type link struct {
	*Proxy
	client, server net.Conn
	mu             sync.Mutex // writes to client
}

func (p *Proxy) serve(c net.Conn) {
	l := &link{Proxy: p, client: c}
	p.mu.Lock()
	p.conns[c] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, c)
		p.mu.Unlock()
		c.Close()
		if l.server != nil {
			l.server.Close()
		}
	}()
	if p.upstream != "" {
		s, err := net.Dial("tcp", p.upstream)
		if err != nil {
			return
		}
		l.server = s
		go l.answers()
	}
	for {
		frame, err := readFrame(c)
		if err != nil || !l.request(frame) {
			return
		}
	}
}

// request handles one request; false ends the connection.
func (l *link) request(frame []byte) bool {
	f, name := l.now(), command(frame)
	switch {
	case f.Hang:
		return true
	case f.Garbage:
		l.write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>no MongoDB here</html>"))
		return false
	case f.Code != 0 && !isHandshake(name) && (len(f.Commands) == 0 || slices.Contains(f.Commands, name)):
		return l.write(reply(frame, bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: int32(f.Code)}, {Key: "errmsg", Value: f.Message}}))
	case l.server == nil:
		return l.write(reply(frame, hello))
	}
	if f.Delay > 0 {
		time.Sleep(f.Delay)
	}
	_, err := l.server.Write(frame)
	return err == nil
}

// answers passes the server's on.
func (l *link) answers() {
	defer l.client.Close()
	for {
		frame, err := readFrame(l.server)
		if err != nil {
			return
		}
		if l.now().Cut {
			l.write(frame[:len(frame)/2])
			return
		}
		if !l.write(frame) {
			return
		}
	}
}

func (l *link) write(b []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.client.Write(b)
	return err == nil
}

func readFrame(r io.Reader) ([]byte, error) {
	head := make([]byte, 16)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head)
	if n < 16 || n > 64<<20 {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	frame := make([]byte, n)
	copy(frame, head)
	_, err := io.ReadFull(r, frame[16:])
	return frame, err
}
