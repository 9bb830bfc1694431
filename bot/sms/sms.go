// Package sms is the Channel to phones by way of Twilio. It sends, asks Twilio what became of a message
// whose answer nobody saw, deletes Twilio's copies, and reads Twilio's webhooks. It holds no rules.
//
// Twilio has no idempotency key: a POST that was begun and whose answer was not understood is unknown, and
// what happens next is the outbox's decision. Only twilio-go's client and rest/api/v2010 are imported: the
// root package pulls in every Twilio product, over a minute of a cold build on two cores.
package sms

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	twilio "github.com/twilio/twilio-go/rest/api/v2010"

	"efterkurs/bot"
	"efterkurs/reminders"
)

const (
	defaultBaseURL = "https://api.twilio.com"
	timeout        = 20 * time.Second
	maxBody        = 1600  // characters; Twilio refuses longer with 21617
	maxValidity    = 36000 // seconds; Twilio's default and greatest ValidityPeriod
)

// Config is what the channel needs. From or MessagingServiceSID must be there; the service wins.
type Config struct {
	AccountSID          string
	AuthToken           string
	From                string // E.164
	MessagingServiceSID string
	BaseURL             string           // "" = https://api.twilio.com
	PublicURL           string           // where Twilio reaches us; "" = no status callbacks
	HTTPClient          *http.Client     // nil = one of its own; without a time-out it gets one of 20 s
	Now                 func() time.Time // nil = the machine's clock
}

// Channel sends SMS. It is safe for concurrent use.
type Channel struct {
	config Config
	base   *url.URL
	http   *http.Client
}

var (
	_ bot.Channel   = (*Channel)(nil)
	_ bot.Finder    = (*Channel)(nil)
	_ bot.Forgetter = (*Channel)(nil)

	alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	messageSID   = regexp.MustCompile(`^(SM|MM)[0-9a-f]{32}$`)
)

// New checks the configuration; EINVALID names the variable that is wrong.
func New(config Config) (*Channel, error) {
	switch {
	case config.AccountSID == "":
		return nil, reminders.Errorf(reminders.EINVALID, "TWILIO_ACCOUNT_SID is missing")
	case config.AuthToken == "":
		return nil, reminders.Errorf(reminders.EINVALID, "TWILIO_AUTH_TOKEN is missing")
	case !alphanumeric.MatchString(config.AccountSID): // it becomes part of a path
		return nil, reminders.Errorf(reminders.EINVALID, "TWILIO_ACCOUNT_SID is not an account SID: it holds other than letters and digits")
	case config.From == "" && config.MessagingServiceSID == "":
		return nil, reminders.Errorf(reminders.EINVALID, "TWILIO_FROM or TWILIO_MESSAGING_SERVICE_SID is missing")
	}
	if config.BaseURL == "" {
		config.BaseURL = defaultBaseURL
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	base, err := absolute(config.BaseURL)
	if err != nil {
		return nil, reminders.Errorf(reminders.EINVALID, "TWILIO_BASE_URL is not an http or https address")
	}
	if config.PublicURL != "" {
		public, err := absolute(config.PublicURL)
		if err != nil {
			return nil, reminders.Errorf(reminders.EINVALID, "PUBLIC_URL is not an http or https address")
		}
		if strings.Contains(public.Host, "_") { // Twilio refuses the message with 21609
			return nil, reminders.Errorf(reminders.EINVALID, "PUBLIC_URL holds an underscore in its host name, which Twilio refuses")
		}
		config.PublicURL = strings.TrimRight(config.PublicURL, "/")
	}
	client := http.Client{Timeout: timeout}
	if config.HTTPClient != nil {
		client = *config.HTTPClient
		if client.Timeout == 0 {
			client.Timeout = timeout
		}
	}
	// A redirect is not followed: a POST sent on to somewhere else is one nobody decided to send.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Channel{config: config, base: base, http: &client}, nil
}

func absolute(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("no http address")
	}
	return u, nil
}

// Name is "sms".
func (c *Channel) Name() string { return reminders.SMS }

// Send hands one message to Twilio. out.Text is sent as it is: normalising and counting segments is the caller's.
func (c *Channel) Send(ctx context.Context, out reminders.Outgoing) reminders.Result {
	if n := utf8.RuneCountInString(out.Text); n > maxBody {
		return reminders.Result{Outcome: reminders.OutcomeFailed, Code: "21617",
			Detail: fmt.Sprintf("the text has %d characters; Twilio takes at most %d", n, maxBody)}
	}
	params := &twilio.CreateMessageParams{}
	params.SetTo(out.To).SetBody(out.Text)
	if c.config.MessagingServiceSID != "" {
		params.SetMessagingServiceSid(c.config.MessagingServiceSID)
	} else {
		params.SetFrom(c.config.From)
	}
	if c.config.PublicURL != "" {
		params.SetStatusCallback(c.callback(out.MessageID))
	}
	if !out.ValidUntil.IsZero() {
		// What is still in Twilio's queue when the window ends is not sent: a stuck queue wakes no night worker.
		seconds := int(out.ValidUntil.Sub(c.config.Now()) / time.Second)
		params.SetValidityPeriod(min(max(seconds, 1), maxValidity))
	}
	call := c.call(ctx)
	message, err := call.api().CreateMessage(params)
	if err != nil {
		return call.result(err)
	}
	return taken(*message)
}

// callback is where Twilio reports what becomes of a message. Our id is in the query, which Twilio signs: a
// callback settles a message whose answer we never saw. The fragment asks for five tries in all kinds of
// failure; Twilio reads it, and neither sends nor signs it.
func (c *Channel) callback(id int64) string {
	return c.config.PublicURL + "/webhooks/twilio/status?m=" + strconv.FormatInt(id, 10) + "#rc=5&rp=all"
}

// taken reads Twilio's record of a message.
func taken(m twilio.ApiV2010Message) reminders.Result {
	sid, status := deref(m.Sid), deref(m.Status)
	if sid == "" {
		return reminders.Result{Outcome: reminders.OutcomeUnknown, Detail: "Twilio's answer could not be read"}
	}
	if slices.Contains([]string{"failed", "undelivered", "canceled"}, status) {
		code := ""
		if m.ErrorCode != nil && *m.ErrorCode != 0 {
			code = strconv.Itoa(*m.ErrorCode)
		}
		result := Policy(code).result(code)
		result.ProviderID, result.Status = sid, status
		return result
	}
	return reminders.Result{Outcome: reminders.OutcomeAccepted, ProviderID: sid, Status: status,
		Delivered: status == "delivered" || status == "read"}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Forget deletes Twilio's copy of a message. EUNAVAILABLE: Twilio has it still in hand (20009) or cannot be
// reached, try again later. A message Twilio does not have is forgotten.
func (c *Channel) Forget(ctx context.Context, _, providerID string) error {
	if !messageSID.MatchString(providerID) { // it becomes part of a path
		return reminders.Errorf(reminders.EINVALID, "forget at Twilio: not a message's SID")
	}
	call := c.call(ctx)
	err := call.api().DeleteMessage(providerID, nil)
	if err == nil {
		return nil
	}
	result := call.result(err)
	switch {
	case call.status == http.StatusNotFound:
		return nil
	case result.Code == "20009", result.Outcome == reminders.OutcomeRetry, result.Outcome == reminders.OutcomeUnknown:
		return reminders.Errorf(reminders.EUNAVAILABLE, "forget %s at Twilio: %s", providerID, result.Detail)
	}
	return reminders.Errorf(reminders.EINTERNAL, "forget %s at Twilio: %s", providerID, result.Detail)
}

// Check asks Twilio for the account and whether the number is ours. Nothing is sent.
func (c *Channel) Check(ctx context.Context) error {
	call := c.call(ctx)
	account, err := call.api().FetchAccount(c.config.AccountSID)
	if err != nil {
		if call.status == http.StatusUnauthorized || call.status == http.StatusNotFound {
			return reminders.Errorf(reminders.EINVALID, "Twilio does not accept TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN; compare them with the Twilio console")
		}
		if call.status == 0 {
			return reminders.Errorf(reminders.EUNAVAILABLE, "Twilio cannot be reached at %s: %s", c.base.Host, call.result(err).Detail)
		}
		return reminders.Errorf(reminders.EUNAVAILABLE, "Twilio answered with HTTP status %d; %s", call.status, call.result(err).Detail)
	}
	if status := deref(account.Status); status != "active" {
		return reminders.Errorf(reminders.EINVALID, "the Twilio account is %q and sends nothing; see the Twilio console for why", status)
	}
	if c.config.MessagingServiceSID != "" {
		return nil // its senders are kept by another Twilio product
	}
	if !strings.HasPrefix(c.config.From, "+") {
		return reminders.Errorf(reminders.EINVALID, "TWILIO_FROM is a name: nobody can answer it; use a phone number that can receive SMS")
	}
	return c.checkNumber(ctx)
}

func (c *Channel) checkNumber(ctx context.Context) error {
	call := c.call(ctx)
	params := &twilio.ListIncomingPhoneNumberParams{}
	params.SetPhoneNumber(c.config.From).SetPageSize(1)
	page, err := call.api().PageIncomingPhoneNumber(params, "", "")
	if err != nil {
		return reminders.Errorf(reminders.EUNAVAILABLE, "Twilio does not say whether TWILIO_FROM is a number of the account: %s", call.result(err).Detail)
	}
	if len(page.IncomingPhoneNumbers) == 0 {
		return reminders.Errorf(reminders.EINVALID, "TWILIO_FROM is not a number of this Twilio account")
	}
	if can := page.IncomingPhoneNumbers[0].Capabilities; can != nil && !can.Sms {
		return reminders.Errorf(reminders.EINVALID, "TWILIO_FROM is a number that cannot send SMS")
	}
	return nil
}
