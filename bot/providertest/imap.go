package providertest

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// IMAP is a mailbox on loopback, with the one folder INBOX. It lives on while its server is shut.
type IMAP struct {
	URL      string // for MAIL_IMAP_URL
	Addr     string
	TLS      *tls.Config // what a client must trust; nil without TLS
	User     string
	Password string

	t        TB
	scheme   string
	config   *tls.Config // of the server; nil = none
	mu       sync.Mutex
	user     *imapmemserver.User
	server   *imapserver.Server
	done     chan struct{}
	sessions int
}

// NewIMAP starts a mailbox that ends with the test. Of the options WithTLS and WithSTARTTLS count; it always asks for
// a password.
func NewIMAP(t TB, options ...SMTPOption) *IMAP {
	var o smtpOptions
	for _, option := range options {
		option(&o)
	}
	m := &IMAP{t: t, scheme: "imap://", User: "efterkurs", Password: randomID("")}
	m.user = imapmemserver.NewUser(m.User, m.Password)
	if err := m.user.Create("INBOX", nil); err != nil {
		panic(fmt.Sprintf("providertest: no INBOX: %v", err))
	}
	if o.tls || o.startTLS {
		m.config, m.TLS = certificate()
	}
	if o.tls {
		m.scheme = "imaps://"
	}
	m.Open()
	t.Cleanup(m.Shut)
	return m
}

// Open lets clients in; again at the same address where it was shut.
func (m *IMAP) Open() {
	address := m.Addr
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		panic(fmt.Sprintf("providertest: cannot listen on %s: %v", address, err))
	}
	m.Addr = listener.Addr().String()
	m.URL = m.scheme + m.User + ":" + m.Password + "@" + m.Addr + "/INBOX"
	options := &imapserver.Options{NewSession: m.session, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapESearch: {}, imap.CapUIDPlus: {}}}
	if m.scheme == "imaps://" {
		listener = tls.NewListener(listener, m.config)
	} else if m.config != nil {
		options.TLSConfig, options.InsecureAuth = m.config, false
	}
	server, done := imapserver.New(options), make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
		_ = listener.Close()
	}()
	m.mu.Lock()
	m.server, m.done = server, done
	m.mu.Unlock()
}

// Shut breaks all connections and refuses new ones.
func (m *IMAP) Shut() {
	m.mu.Lock()
	server, done := m.server, m.done
	m.server = nil
	m.mu.Unlock()
	if server != nil {
		_ = server.Close()
		<-done
	}
}

func (m *IMAP) session(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions++
	server := imapmemserver.New()
	server.AddUser(m.user)
	return server.NewSession(), nil, nil
}

// Sessions is how many connections were taken.
func (m *IMAP) Sessions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions
}

// Deliver puts a mail into the folder as if it had come at at.
func (m *IMAP) Deliver(raw []byte, at time.Time) {
	m.mu.Lock()
	user := m.user
	m.mu.Unlock()
	if _, err := user.Append("INBOX", literal{bytes.NewReader(raw)}, &imap.AppendOptions{Time: at}); err != nil {
		fault(m.t, "imap: delivering: %v", err)
	}
}

// literal is a mail in the size that APPEND announces.
type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// Unseen is how many mails there are, and how many of them bear no mark that they were read.
func (m *IMAP) Unseen() (all, unseen int) {
	m.mu.Lock()
	user := m.user
	m.mu.Unlock()
	data, err := user.Status("INBOX", &imap.StatusOptions{NumMessages: true, NumUnseen: true})
	if err != nil {
		fault(m.t, "imap: looking: %v", err)
		return 0, 0
	}
	return int(*data.NumMessages), int(*data.NumUnseen)
}

// Renew makes the folder anew, as a server does that was restored: it is empty, and its numbers begin again under another
// UIDVALIDITY.
func (m *IMAP) Renew() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.user.Delete("INBOX"); err != nil {
		fault(m.t, "imap: renewing: %v", err)
	}
	if err := m.user.Create("INBOX", nil); err != nil {
		fault(m.t, "imap: renewing: %v", err)
	}
}
