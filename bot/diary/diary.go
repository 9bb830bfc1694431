// Package diary reads from a calendar address (ICS), as Outlook, Google and Apple publish one, when its owner is taken.
//
// The address is typed in by a person and what is there is written by others: nothing of this machine's own network is reached,
// and a calendar that is too large, too slow or crafted ends in an error that says what is wrong.
package diary

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"efterkurs/reminders"
)

// Ahead is how far the spans reach: a visit is proposed within ten working days of two months after a course.
const Ahead = 120 * 24 * time.Hour

const (
	patience     = 10 * time.Second // in all, redirects included
	maxBytes     = 2 << 20
	maxRedirects = 3
	maxAddress   = 2000
)

// Fetcher asks calendar addresses. The zero value is ready to use.
type Fetcher struct {
	Now           func() time.Time // nil = time.Now
	Location      *time.Location   // of all-day events and of times without a zone; nil = Europe/Copenhagen
	AllowLoopback bool             // for tests and the demo: 127.0.0.1 and ::1 may be asked
	Patience      time.Duration    // in all; 0 = 10 seconds
}

// Busy returns when the owner of the calendar at address is taken between now and Ahead from now, in order and without overlaps.
// Its error is a sentence for people that does not hold the address: EINVALID where it or what is there must be changed, EUNAVAILABLE
// where it may work later.
func (f Fetcher) Busy(ctx context.Context, address string) ([]reminders.Span, error) {
	address, err := Address(address)
	if err != nil || address == "" {
		return nil, err
	}
	wait := f.Patience
	if wait <= 0 {
		wait = patience
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	raw, err := f.get(ctx, address)
	if err != nil {
		return nil, sentence(err, wait)
	}
	now := time.Now
	if f.Now != nil {
		now = f.Now
	}
	loc := f.Location
	if loc == nil {
		if loc, err = time.LoadLocation(home); err != nil {
			return nil, err
		}
	}
	from := now()
	return Parse(ctx, raw, loc, reminders.Span{From: from, To: from.Add(Ahead)})
}

// Address checks a calendar address as somebody types it: http or https, and webcal, which is https; "" and "none" are none.
// EINVALID otherwise.
func Address(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" || strings.EqualFold(typed, "none") {
		return "", nil
	}
	u, err := url.Parse(typed)
	if err != nil || u.Hostname() == "" || len(typed) > maxAddress {
		return "", reminders.Errorf(reminders.EINVALID, "that is not a calendar address such as https://outlook.office365.com/owa/calendar/…/calendar.ics")
	}
	switch u.Scheme {
	case "http", "https":
	case "webcal":
		u.Scheme = "https"
	default:
		return "", reminders.Errorf(reminders.EINVALID, "a calendar address begins with https://, not with %s://", u.Scheme)
	}
	return u.String(), nil
}

func (f Fetcher) get(ctx context.Context, address string) ([]byte, error) {
	dialer := &net.Dialer{Control: f.control}
	// No proxy: what it connects to would not be seen by control.
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	client := &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		req.Header.Del("Referer") // the address is a secret of its owner
		if len(via) > maxRedirects {
			return reminders.Errorf(reminders.EINVALID, "the calendar address leads from one address to another more than %d times", maxRedirects)
		}
		if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
			return reminders.Errorf(reminders.EINVALID, "the calendar address leads to something that is not a web address")
		}
		return nil
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/calendar, */*;q=0.1")
	req.Header.Set("User-Agent", "efterkurs")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return nil, reminders.Errorf(reminders.EUNAVAILABLE, "the calendar's server answers %d", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return nil, reminders.Errorf(reminders.EINVALID, "the calendar's server answers %d: is the calendar still published at this address?", resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxBytes {
		return nil, reminders.Errorf(reminders.EINVALID, "the calendar is larger than %d MB", maxBytes>>20)
	}
	return raw, nil
}

// closed are ranges that lead to networks of somebody's own, or nowhere, besides those that netip knows.
var closed = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), // CGNAT (RFC 6598)
	netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	// IPv6 addresses that hold an IPv4 address: NAT64, Teredo, 6to4, and the old compatible ones.
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/32"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10"),
}

// control runs after the name is resolved, for every connection, redirects included.
func (f Fetcher) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !f.open(at.Addr()) {
		return reminders.Errorf(reminders.EINVALID, "the calendar address leads into a private network, where nothing is fetched")
	}
	return nil
}

func (f Fetcher) open(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if ip.IsLoopback() {
		return f.AllowLoopback
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range closed {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// sentence leaves out the address, which http's errors begin with.
func sentence(err error, wait time.Duration) error {
	var known *reminders.Error
	var timeout net.Error
	var dns *net.DNSError
	var verify *tls.CertificateVerificationError
	var host x509.HostnameError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return reminders.Errorf(reminders.EUNAVAILABLE, "the calendar's server has not answered in full within %s", wait)
	case errors.As(err, &dns):
		return reminders.Errorf(reminders.EUNAVAILABLE, "the calendar's server is not found by its name")
	case errors.As(err, &verify), errors.As(err, &host):
		return reminders.Errorf(reminders.EINVALID, "the calendar's server has a certificate that cannot be trusted")
	}
	return reminders.Errorf(reminders.EUNAVAILABLE, "the calendar's server cannot be reached")
}
