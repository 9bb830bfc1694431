package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"efterkurs/reminders"
)

const (
	timeout  = 30 * time.Second // for a whole mail, connection and all, where the context has no earlier end
	keepIdle = 5 * time.Second  // a connection waits for the next mail of a burst
	maxIdle  = 4                // connections
)

// server is where mail is handed over.
type server struct {
	host       string
	port       int
	user, pass string
	implicit   bool        // smtps: TLS from the first byte
	loopback   bool        // only there may mail and password travel in the clear
	tls        *tls.Config // nil = the system's roots
}

func parseServer(address string) (server, error) {
	if address == "" {
		return server{}, reminders.Errorf(reminders.EINVALID, "SMTP_URL is missing")
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		// Not err: it repeats the address with the password.
		return server{}, reminders.Errorf(reminders.EINVALID, "SMTP_URL is not an address like smtp://user:password@host:587 or smtps://user:password@host")
	}
	s := server{host: u.Hostname(), port: map[string]int{"smtp": 587, "smtps": 465}[u.Scheme], implicit: u.Scheme == "smtps", user: u.User.Username()}
	s.pass, _ = u.User.Password()
	if u.Port() != "" {
		if s.port, err = strconv.Atoi(u.Port()); err != nil || s.port < 1 || s.port > 65535 {
			return server{}, reminders.Errorf(reminders.EINVALID, "SMTP_URL has a port that is none")
		}
	}
	ip := net.ParseIP(s.host)
	s.loopback = s.host == "localhost" || ip != nil && ip.IsLoopback()
	return s, nil
}

// session is one open connection.
type session struct {
	client *smtp.Client
	conn   net.Conn
	idle   *time.Timer // closes it when nobody came back
}

// abort ends the connection without a word. After an error nothing else is safe: QUIT would first write the dot
// that ends an open DATA.
func (s *session) abort() { _ = s.conn.Close() }

// within makes the context's end break the connection. The caller defers what it returns.
func (s *session) within(ctx context.Context) (stop func() bool) {
	deadline := time.Now().Add(timeout)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	_ = s.conn.SetDeadline(deadline)
	return context.AfterFunc(ctx, s.abort)
}

// dial connects and signs in. Whatever goes wrong in it, nothing was sent.
func (c *Channel) dial(ctx context.Context) (*session, error) {
	config := &tls.Config{ServerName: c.server.host, MinVersion: tls.VersionTLS12}
	if c.server.tls != nil {
		config = c.server.tls.Clone()
	}
	if c.server.tls == nil && c.server.loopback {
		config.InsecureSkipVerify = true // a mail server on this machine has a certificate of its own making, and nobody between
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var opened net.Conn
	stop := func() bool { return true }
	options := []gomail.Option{
		gomail.WithPort(c.server.port), gomail.WithTimeout(timeout), gomail.WithHELO(c.domain), gomail.WithTLSConfig(config),
		gomail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			conn, err := c.connect(dialing, network, address, config)
			if err == nil {
				opened = conn
				stop = context.AfterFunc(ctx, func() { _ = conn.Close() }) // go-mail looks at its context only until here
			}
			return conn, err
		}),
	}
	plain, login := gomail.SMTPAuthPlain, gomail.SMTPAuthLogin
	switch {
	case c.server.implicit:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS)) // it is there already
	case c.server.loopback:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
		plain, login = gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if c.server.user != "" {
		options = append(options, gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, plain, login),
			gomail.WithUsername(c.server.user), gomail.WithPassword(c.server.pass))
	}
	client, err := gomail.NewClient(c.server.host, options...)
	if err != nil {
		return nil, err
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		if opened != nil {
			_ = opened.Close()
		}
		return nil, err
	}
	return &session{client: connection, conn: opened}, nil
}

func (c *Channel) connect(ctx context.Context, network, address string, config *tls.Config) (net.Conn, error) {
	if c.server.implicit {
		return (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// transfer hands one mail over, on a connection left from the mail before where there is one.
func (c *Channel) transfer(ctx context.Context, to string, message *gomail.Msg, id string) reminders.Result {
	if err := ctx.Err(); err != nil {
		return broken(false, err)
	}
	if s := c.reuse(); s != nil {
		result, begun := c.exchange(ctx, s, to, message, id)
		if begun || ctx.Err() != nil {
			return result
		}
		// The server closed the connection while it lay idle: nothing was sent, a new one decides.
	}
	s, err := c.dial(ctx)
	if err != nil {
		return signIn(err)
	}
	result, _ := c.exchange(ctx, s, to, message, id)
	return result
}

// exchange is the transaction. begun = false: the connection broke before the server answered to any of it.
func (c *Channel) exchange(ctx context.Context, s *session, to string, message *gomail.Msg, id string) (result reminders.Result, begun bool) {
	stop := s.within(ctx)
	defer stop()
	address, err := mail.ParseAddress(to)
	if err != nil {
		s.abort()
		return reminders.Result{Outcome: reminders.OutcomeFailed, BadAddress: true, Detail: "the address is no e-mail address"}, true
	}
	// SMTPUTF8 on the way binds every server after this one to know it: only where an address needs it.
	s.client.SkipSMTPUTF8(ascii(address.Address) && ascii(c.from.Address))
	if err := s.client.Mail("<" + c.from.Address + ">"); err != nil {
		s.abort()
		return refused(atMail, err), code(err) != 0 && code(err) != 421
	}
	if err := s.client.Rcpt("<" + address.Address + ">"); err != nil {
		s.abort()
		return refused(atRcpt, err), true
	}
	writer, err := s.client.Data()
	if err != nil {
		s.abort()
		return refused(atData, err), true
	}
	if _, err := message.WriteTo(writer); err != nil {
		s.abort() // without its dot the server throws away what it has
		return broken(false, err), true
	}
	if err := writer.Close(); err != nil {
		s.abort()
		if code(err) == 0 {
			return broken(true, err), true
		}
		return refused(atDot, err), true
	}
	if stop() {
		c.keep(s)
	} else {
		s.abort() // the context ended just now; the mail is through
	}
	return reminders.Result{Outcome: reminders.OutcomeAccepted, ProviderID: id, Status: "250"}, true
}

// keep leaves a connection open for the next mail. QUIT is spared: a mail is through when its dot is answered.
func (c *Channel) keep(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.idle) >= maxIdle {
		s.abort()
		return
	}
	s.idle = time.AfterFunc(keepIdle, func() { c.drop(s) })
	c.idle = append(c.idle, s)
}

func (c *Channel) reuse() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == 0 {
		return nil
	}
	s := c.idle[len(c.idle)-1]
	c.idle = c.idle[:len(c.idle)-1]
	s.idle.Stop()
	return s
}

func (c *Channel) drop(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.idle {
		if other == s {
			c.idle = append(c.idle[:i], c.idle[i+1:]...)
			s.abort()
			return
		}
	}
}

// Close ends the connections that are idle. What is being sent is left to finish.
func (c *Channel) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, s := range c.idle {
		s.idle.Stop()
		s.abort()
	}
	c.idle = nil
	return nil
}

// Check connects, encrypts, signs in, and says goodbye. No mail is begun.
func (c *Channel) Check(ctx context.Context) error {
	s, err := c.dial(ctx)
	if err != nil {
		result := signIn(err)
		code := reminders.EUNAVAILABLE
		if result.Outcome == reminders.OutcomeHalt {
			code = reminders.EINVALID
		}
		return reminders.Errorf(code, "mail cannot be sent by %s port %d: %s", c.server.host, c.server.port, result.Detail)
	}
	defer s.abort()
	defer s.within(ctx)()
	if err := s.client.Noop(); err != nil {
		return reminders.Errorf(reminders.EUNAVAILABLE, "mail cannot be sent by %s port %d: %s", c.server.host, c.server.port, refused(atSignIn, err).Detail)
	}
	_ = s.client.Quit()
	return nil
}

func ascii(s string) bool {
	for _, r := range s {
		if r > 127 {
			return false
		}
	}
	return true
}

// code is the server's answer in err; 0 = there is none, the connection broke.
func code(err error) int {
	var said *textproto.Error
	if errors.As(err, &said) {
		return said.Code
	}
	return 0
}
