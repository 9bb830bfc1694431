package sms

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twilio/twilio-go/client"
	twilio "github.com/twilio/twilio-go/rest/api/v2010"

	"efterkurs/reminders"
)

// call is one request to Twilio: a client.BaseClient of its own for twilio-go. The SDK's own client can take
// neither a context nor another host (its API addresses are constants), and its error holds neither the
// Retry-After header nor whether the request was begun, and on those the Result rests.
type call struct {
	channel    *Channel
	ctx        context.Context // of this one request: the SDK's methods take none
	begun      atomic.Bool     // the request's headers were written: it may have been carried out
	status     int             // HTTP; 0 = no answer
	retryAfter time.Duration
	failure    *client.TwilioRestError // Twilio's own answer, nil where there was none
}

var _ client.BaseClient = (*call)(nil)

func (c *Channel) call(ctx context.Context) *call { return &call{channel: c, ctx: ctx} }

// api is the SDK on top of this call. The handler is built by hand: its constructor reads the environment.
func (x *call) api() *twilio.ApiService {
	return twilio.NewApiService(&client.RequestHandler{Client: x})
}

func (x *call) AccountSid() string       { return x.channel.config.AccountSID }
func (x *call) SetTimeout(time.Duration) {}
func (x *call) SetOauth(client.OAuth)    {}
func (x *call) OAuth() client.OAuth      { return nil }

// SendRequest makes the request at the configured base address. An answer outside 2xx is an error.
func (x *call) SendRequest(method, rawURL string, data url.Values, headers map[string]any, _ ...byte) (*http.Response, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	u.Scheme, u.Host, u.Path = x.channel.base.Scheme, x.channel.base.Host, strings.TrimRight(x.channel.base.Path, "/")+u.Path
	body := ""
	if method == http.MethodPost {
		body = data.Encode()
	} else {
		u.RawQuery = data.Encode()
	}
	ctx := httptrace.WithClientTrace(x.ctx, &httptrace.ClientTrace{WroteHeaders: func() { x.begun.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(x.channel.config.AccountSID, x.channel.config.AuthToken)
	req.Header.Set("User-Agent", "efterkurs twilio-go/"+client.LibraryVersion)
	req.Header.Set("Accept", "application/json")
	for name, value := range headers {
		if text, ok := value.(string); ok {
			req.Header.Set(name, text)
		}
	}
	// net/http repeats a POST by itself only where no byte of it was written, or the server said it did not
	// begin with it (HTTP/2 GOAWAY): never one that may have been carried out.
	resp, err := x.channel.http.Do(req)
	if err != nil {
		return nil, err
	}
	x.status = resp.StatusCode
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	x.retryAfter = retryAfter(resp.Header.Get("Retry-After"), x.channel.config.Now())
	failure := &client.TwilioRestError{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(failure); err != nil {
		return nil, errNotTwilio
	}
	x.failure = failure
	return nil, failure
}

// errNotTwilio is an answer that is not Twilio's JSON: a proxy's page, or half an answer.
var errNotTwilio = errors.New("the answer is not Twilio's")

// result is what the failed call came to. Nothing of err or of Twilio's sentence is kept: both repeat phone
// numbers, texts and addresses.
func (x *call) result(err error) reminders.Result {
	if x.status == 0 {
		return x.broken(err)
	}
	code := ""
	if x.failure != nil && x.failure.Code != 0 {
		code = strconv.Itoa(x.failure.Code)
	}
	var result reminders.Result
	switch {
	case x.status == http.StatusTooManyRequests: // not carried out, whatever the code
		result = Policy("20429").result("20429")
		if code != "" {
			result.Code = code
		}
	case x.status < 400 || x.status >= 500 || x.status == http.StatusRequestTimeout:
		// Also an unreadable 2xx and a redirect: what was done is not known.
		result = reminders.Result{Outcome: reminders.OutcomeUnknown, Code: code,
			Detail: "Twilio answered with HTTP status " + strconv.Itoa(x.status) + ", which does not say whether the message was taken"}
	case code == "" && x.status == http.StatusUnauthorized:
		result = Policy("20003").result("20003")
	case code == "":
		result = Policy("").result("")
		result.Detail = "refused with HTTP status " + strconv.Itoa(x.status) + " and without one of Twilio's codes"
	default:
		result = Policy(code).result(code)
	}
	result.RetryAfter = max(result.RetryAfter, x.retryAfter)
	return result
}

// unread is what the failed call came to where it only asked: in words, with nothing of err or of Twilio's sentence.
func (x *call) unread(err error) string {
	if x.status > 0 && x.status < 400 || x.status >= 500 {
		return "Twilio's answer, HTTP status " + strconv.Itoa(x.status) + ", is no list"
	}
	return x.result(err).Detail
}

// broken is the result where no answer came. Before the headers were written nothing can have been sent:
// the name was not found, the connection refused, TLS failed, or the time was up before any of it.
func (x *call) broken(err error) reminders.Result {
	if x.begun.Load() {
		return reminders.Result{Outcome: reminders.OutcomeUnknown, Detail: "the request was made and no answer came: " + reason(err)}
	}
	return reminders.Result{Outcome: reminders.OutcomeRetry, Detail: "the request was never made: " + reason(err)}
}

// reason is the kind of a transport error in words, without the addresses in it.
func reason(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var timed interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &dns):
		return "the host's name was not found"
	case errors.As(err, &timed) && timed.Timeout():
		return "the time was up"
	case errors.As(err, &op) && op.Op == "dial":
		return "no connection"
	}
	return "the connection broke"
}

// retryAfter reads the header: seconds or an HTTP date. Nonsense and the past are 0.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		return time.Duration(min(max(seconds, 0), 24*3600)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
