package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"efterkurs/reminders"
)

// imapTimeout is for one look at the mailbox, where the context has no earlier end.
const imapTimeout = 90 * time.Second

// folder is the mailbox that answers come to, and how it is reached.
type folder struct {
	server
	name string
}

// parseFolder reads MAIL_IMAP_URL. Errors never repeat it: it holds the password.
func parseFolder(address string) (folder, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "imap" && u.Scheme != "imaps" {
		return folder{}, reminders.Errorf(reminders.EINVALID, "MAIL_IMAP_URL is not an address like imaps://user:password@host/INBOX or imap://user:password@host/INBOX")
	}
	if u.User.Username() == "" {
		return folder{}, reminders.Errorf(reminders.EINVALID, "MAIL_IMAP_URL names no user: it looks like imaps://user:password@host/INBOX")
	}
	f := folder{name: strings.Trim(u.Path, "/"),
		server: server{host: u.Hostname(), port: map[string]int{"imap": 143, "imaps": 993}[u.Scheme], implicit: u.Scheme == "imaps", user: u.User.Username()}}
	if f.name == "" {
		f.name = "INBOX"
	}
	f.pass, _ = u.User.Password()
	if u.Port() != "" {
		if f.port, err = strconv.Atoi(u.Port()); err != nil || f.port < 1 || f.port > 65535 {
			return folder{}, reminders.Errorf(reminders.EINVALID, "MAIL_IMAP_URL has a port that is none")
		}
	}
	ip := net.ParseIP(f.host)
	f.loopback = f.host == "localhost" || ip != nil && ip.IsLoopback()
	return f, nil
}

// reading is the folder, open for a look.
type reading struct {
	client   *imapclient.Client
	conn     net.Conn
	stop     func() bool
	cancel   context.CancelFunc
	validity uint32
	next     imap.UID
}

func (r *reading) close() {
	r.stop()
	r.cancel()
	_ = r.client.Close() // nothing was changed that could be lost
}

// open connects, signs in and looks into the folder, which is not changed by it. EINVALID: the configuration is wrong;
// EUNAVAILABLE: it cannot be reached now.
func (f folder) open(ctx context.Context) (*reading, error) {
	ctx, cancel := context.WithTimeout(ctx, imapTimeout)
	config := &tls.Config{ServerName: f.host, MinVersion: tls.VersionTLS12}
	if f.tls != nil {
		config = f.tls.Clone()
	} else if f.loopback {
		config.InsecureSkipVerify = true // as for SMTP: its certificate is of its own making, and nobody is between
	}
	conn, err := f.connect(ctx, config)
	if err != nil {
		defer cancel()
		return nil, f.fault(ctx, "reach", err)
	}
	// The library knows no contexts: where this one ends, the connection breaks. Its own time-outs are per line.
	r := &reading{conn: conn, cancel: cancel, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	fail := func(what string, err error) (*reading, error) {
		r.stop()
		_ = conn.Close()
		if r.client != nil {
			_ = r.client.Close()
		}
		defer cancel()
		return nil, f.fault(ctx, what, err)
	}
	options := &imapclient.Options{TLSConfig: config}
	if f.implicit || f.loopback {
		r.client = imapclient.New(conn, options)
	} else if r.client, err = imapclient.NewStartTLS(conn, options); err != nil {
		return fail("encrypt the connection to", err)
	}
	if err := r.client.WaitGreeting(); err != nil {
		return fail("reach", err)
	}
	if err := f.signIn(r.client); err != nil {
		return fail("sign in to", err)
	}
	data, err := r.client.Select(f.name, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return fail("open the folder of", err)
	}
	r.validity, r.next = data.UIDValidity, data.UIDNext
	return r, nil
}

func (f folder) connect(ctx context.Context, config *tls.Config) (net.Conn, error) {
	address := net.JoinHostPort(f.host, strconv.Itoa(f.port))
	if f.implicit {
		return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

func (f folder) signIn(client *imapclient.Client) error {
	if caps := client.Caps(); caps.Has(imap.AuthCap(sasl.Plain)) {
		return client.Authenticate(sasl.NewPlainClient("", f.user, f.pass))
	}
	return client.Login(f.user, f.pass).Wait()
}

// search is the numbers of the mails that came at or after since, and of all from from on; 0 = no others. IMAP searches by
// day, in the server's own zone.
func (r *reading) search(since time.Time, from imap.UID) ([]imap.UID, error) {
	found, err := r.client.UIDSearch(&imap.SearchCriteria{Since: since.Add(-24 * time.Hour)}, nil).Wait()
	if err != nil {
		return nil, err
	}
	var uids []imap.UID
	for some := range slices.Chunk(found.AllUIDs(), 500) { // a command's line is bounded
		dated, err := r.client.Fetch(imap.UIDSetNum(some...), &imap.FetchOptions{UID: true, InternalDate: true}).Collect()
		if err != nil {
			return nil, err
		}
		for _, d := range dated {
			if !d.InternalDate.Before(since) {
				uids = append(uids, d.UID)
			}
		}
	}
	if from > 0 && from < r.next {
		later, err := r.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: from, Stop: 0}}}}, nil).Wait()
		if err != nil {
			return nil, err
		}
		for _, uid := range later.AllUIDs() {
			if uid >= from { // "from:*" also means the last one where it is less
				uids = append(uids, uid)
			}
		}
	}
	slices.Sort(uids)
	return slices.Compact(uids), nil
}

// fetch reads one mail, of a large one its beginning; nil where it is there no more.
func (r *reading) fetch(uid imap.UID) (*letter, error) {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: maxRaw}}
	got, err := r.client.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true,
		BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		return nil, err
	}
	for _, m := range got {
		if m.UID == uid {
			return &letter{raw: m.FindBodySection(section), size: m.RFC822Size, at: m.InternalDate}, nil
		}
	}
	return nil, nil
}

// fault says in plain words what is wrong. Nothing of the server's sentence is kept: it may repeat the user's name.
func (f folder) fault(ctx context.Context, what string, err error) error {
	said := "no answer from it"
	code := reminders.EUNAVAILABLE
	var refused *imap.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &refused) && what == "sign in to":
		said = "it does not accept the user and password in MAIL_IMAP_URL"
		if refused.Code != imap.ResponseCodeUnavailable && refused.Type != imap.StatusResponseTypeBye {
			code = reminders.EINVALID
		}
	case errors.As(err, &refused) && what == "open the folder of":
		said, code = "it has no folder "+f.name, reminders.EINVALID
	case errors.As(err, &refused) && what == "encrypt the connection to":
		said, code = "it offers no STARTTLS", reminders.EINVALID
	case errors.As(err, &refused):
		said = "it refuses"
	case errors.As(err, &certificate):
		said, code = "its certificate is not trusted", reminders.EINVALID
	case ctx.Err() != nil:
		said = "no answer in time"
	}
	return reminders.Errorf(code, "cannot %s the mailbox at %s port %d: %s", what, f.host, f.port, said)
}

// Check tries both: sending, and looking into the mailbox.
func (m *Mailbox) Check(ctx context.Context) error {
	if err := m.Channel.Check(ctx); err != nil {
		return err
	}
	session, err := m.folder.open(ctx)
	if err != nil {
		return err
	}
	session.close()
	return nil
}
