package providertest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/textproto"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Mail is one message the SMTP server took, parsed.
type Mail struct {
	EnvelopeFrom string
	To           []string // the envelope's
	Header       textproto.MIMEHeader
	Subject      string // decoded
	Text, HTML   string // decoded
	Calendar     []byte // of the text/calendar alternative; nil = none
	CalendarType string // its Content-Type
	Attachments  map[string][]byte
	Raw          []byte
}

// Stage is a moment in an SMTP session at which a script is asked.
type Stage string

// The stages in their order. StageDot is asked when the whole message is there and before it is kept.
const (
	StageConnect Stage = "connect"
	StageAuth    Stage = "auth"
	StageMail    Stage = "mail"
	StageRcpt    Stage = "rcpt"
	StageDot     Stage = "dot"
)

// SMTPBehaviour is how the server treats one stage. The zero value accepts.
type SMTPBehaviour struct {
	Code     int    // the answer, e.g. 450 or 550; 0 = accept
	Enhanced [3]int // e.g. 5.7.1; zero = none
	Drop     bool   // break the connection instead of answering
	Keep     bool   // with Drop or Code at StageDot: the message was taken all the same
	Hold     <-chan struct{}
}

// SMTP is a mail server on loopback.
type SMTP struct {
	URL      string // for SMTP_URL, with the credentials asked for
	Addr     string
	TLS      *tls.Config // what a client must trust; nil without TLS
	Close    func()
	User     string
	Password string

	t           TB
	mu          sync.Mutex
	mails       []Mail
	connections int
	script      func(stage Stage, argument string) SMTPBehaviour
}

// SMTPOption changes the server.
type SMTPOption func(*smtpOptions)

type smtpOptions struct {
	auth, startTLS, tls bool
}

// WithAuth makes the server ask for User and Password.
func WithAuth() SMTPOption { return func(o *smtpOptions) { o.auth = true } }

// WithSTARTTLS makes the server offer STARTTLS.
func WithSTARTTLS() SMTPOption { return func(o *smtpOptions) { o.startTLS = true } }

// WithTLS makes the server speak TLS from the first byte.
func WithTLS() SMTPOption { return func(o *smtpOptions) { o.tls = true } }

// NewSMTP starts a mail server that ends with the test. t may be nil: then call Close.
func NewSMTP(t TB, options ...SMTPOption) *SMTP {
	var o smtpOptions
	for _, option := range options {
		option(&o)
	}
	s := &SMTP{t: t}
	if o.auth {
		s.User, s.Password = "efterkurs", randomID("")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("providertest: no port on loopback: %v", err))
	}
	s.Addr = listener.Addr().String()
	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain = "localhost"
	server.AllowInsecureAuth = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	scheme := "smtp://"
	if o.startTLS || o.tls {
		config, trust := certificate()
		s.TLS = trust
		if o.startTLS {
			server.TLSConfig = config
		} else {
			scheme = "smtps://"
			listener = tls.NewListener(listener, config)
		}
	}
	s.URL = scheme + s.Addr
	if o.auth {
		s.URL = scheme + s.User + ":" + s.Password + "@" + s.Addr
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	s.Close = sync.OnceFunc(func() {
		_ = server.Close()
		_ = listener.Close() // the server knows it only once Serve has begun
		<-done
	})
	if t != nil {
		t.Cleanup(s.Close)
	}
	return s
}

// Script sets how each stage is treated; argument is the address where there is one.
func (s *SMTP) Script(script func(stage Stage, argument string) SMTPBehaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// Messages is a copy of every mail taken, in order.
func (s *SMTP) Messages() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Connections is how many sessions were begun.
func (s *SMTP) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// decide asks the script.
func (s *SMTP) decide(stage Stage, argument string) SMTPBehaviour {
	s.mu.Lock()
	script := s.script
	s.mu.Unlock()
	if script == nil {
		return SMTPBehaviour{}
	}
	return script(stage, argument)
}

// act does as decided. It returns the error to answer with; errDropped after the connection was broken.
func (b SMTPBehaviour) act(conn *smtp.Conn, stage Stage, argument string) error {
	if b.Hold != nil {
		<-b.Hold
	}
	if b.Drop {
		if tcp, ok := conn.Conn().(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Conn().Close()
		return errDropped
	}
	if b.Code != 0 {
		enhanced := smtp.EnhancedCode(b.Enhanced)
		if b.Enhanced == [3]int{} {
			enhanced = smtp.NoEnhancedCode
		}
		// Servers repeat the address in their sentence: so does this one, for tests that nothing of it is kept.
		return &smtp.SMTPError{Code: b.Code, EnhancedCode: enhanced, Message: "refused at " + string(stage) + ": " + argument}
	}
	return nil
}

func (s *SMTP) at(conn *smtp.Conn, stage Stage, argument string) error {
	return s.decide(stage, argument).act(conn, stage, argument)
}

var errDropped = errors.New("connection broken as told")

func (s *SMTP) session(conn *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	s.connections++
	s.mu.Unlock()
	if err := s.at(conn, StageConnect, ""); err != nil {
		return nil, err
	}
	return &smtpSession{server: s, conn: conn, authenticated: s.User == ""}, nil
}

type smtpSession struct {
	server        *SMTP
	conn          *smtp.Conn
	authenticated bool
	from          string
	to            []string
}

func (x *smtpSession) AuthMechanisms() []string {
	if x.server.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (x *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if err := x.server.at(x.conn, StageAuth, user); err != nil {
			return err
		}
		if user != x.server.User || password != x.server.Password {
			return smtp.ErrAuthFailed
		}
		x.authenticated = true
		return nil
	}), nil
}

func (x *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	if !x.authenticated {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	x.from, x.to = from, nil
	return x.server.at(x.conn, StageMail, from)
}

func (x *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	x.to = append(x.to, to)
	return x.server.at(x.conn, StageRcpt, to)
}

func (x *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	behaviour := x.server.decide(StageDot, "")
	if behaviour.Keep || behaviour.Code == 0 && !behaviour.Drop {
		// Kept before the answer: by the time the client knows, the record says the same.
		kept := parseMail(x.server.t, x.from, x.to, raw)
		x.server.mu.Lock()
		x.server.mails = append(x.server.mails, kept)
		x.server.mu.Unlock()
	}
	return behaviour.act(x.conn, StageDot, "")
}

func (x *smtpSession) Reset()        {}
func (x *smtpSession) Logout() error { return nil }

func parseMail(t TB, from string, to []string, raw []byte) Mail {
	m := Mail{EnvelopeFrom: from, To: slices.Clone(to), Raw: raw, Attachments: map[string][]byte{}, Header: textproto.MIMEHeader{}}
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		fault(t, "smtp: unreadable mail: %v", err)
		return m
	}
	defer reader.Close()
	maps.Copy(m.Header, reader.Header.Map())
	m.Subject, _ = reader.Header.Subject()
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return m
		}
		if err != nil {
			fault(t, "smtp: unreadable part: %v", err)
			return m
		}
		content, _ := io.ReadAll(part.Body)
		switch header := part.Header.(type) {
		case *mail.InlineHeader:
			switch kind, _, _ := header.ContentType(); kind {
			case "text/html":
				m.HTML = string(content)
			case "text/calendar":
				m.Calendar, m.CalendarType = content, header.Get("Content-Type")
			default:
				m.Text = string(content)
			}
		case *mail.AttachmentHeader:
			name, _ := header.Filename()
			m.Attachments[name] = content
		}
	}
}

// certificate is a self-signed one for 127.0.0.1, and the configuration that trusts it.
func certificate() (server, trust *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}
