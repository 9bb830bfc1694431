package providertest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Route makes webhooks for addresses that begin with public go to real instead. They are signed for
// public, as a proxy in front of the bot would have it.
func (tw *Twilio) Route(public, real string) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	tw.routes[strings.TrimSuffix(public, "/")] = strings.TrimSuffix(real, "/")
}

func (tw *Twilio) target(public string) string {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	for prefix, real := range tw.routes {
		if rest, ok := strings.CutPrefix(public, prefix); ok {
			return real + rest
		}
	}
	return public
}

// Callback moves a message to status and posts the signed callback to the address the message came with.
// code "" = no error. It returns the HTTP status of the answer; 0 where the message has no callback.
func (tw *Twilio) Callback(ctx context.Context, client *http.Client, sid, status, code string) (int, error) {
	tw.SetStatus(sid, status, number(code))
	tw.mu.Lock()
	m := tw.find(sid)
	if m == nil {
		tw.mu.Unlock()
		return 0, fmt.Errorf("no message %s", sid)
	}
	form := url.Values{"MessageSid": {sid}, "SmsSid": {sid}, "MessageStatus": {status}, "SmsStatus": {status},
		"To": {m.To}, "From": {m.From}, "AccountSid": {tw.AccountSID}, "ApiVersion": {"2010-04-01"}}
	callback := m.StatusCallback
	tw.mu.Unlock()
	if callback == "" {
		return 0, nil
	}
	if code != "" {
		form.Set("ErrorCode", code)
	}
	address, _, _ := strings.Cut(callback, "#") // the fragment is for Twilio; it is neither sent nor signed
	resp, err := tw.post(ctx, client, address, tw.target(address), form)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, nil
}

// Inbound posts a text that somebody wrote to our number, signed for webhookURL (the public address with its
// path), to target ("" = webhookURL, by way of Route). extra is added to the form. The same text again is
// one with the same MessageSid in extra. The caller closes the answer's body.
func (tw *Twilio) Inbound(ctx context.Context, webhookURL, target, from, to, body string, extra url.Values) (*http.Response, error) {
	m := tw.Arrive(TwilioMessage{SID: extra.Get("MessageSid"), From: from, To: to, Body: body, NumMedia: number(extra.Get("NumMedia")),
		NumSegments: number(extra.Get("NumSegments")), MessagingServiceSID: extra.Get("MessagingServiceSid")})
	return tw.Tell(ctx, webhookURL, target, m, extra)
}

// Tell posts the webhook of a text that has arrived, as Inbound does; again is Twilio's retry.
func (tw *Twilio) Tell(ctx context.Context, webhookURL, target string, m TwilioMessage, extra url.Values) (*http.Response, error) {
	if target == "" {
		target = tw.target(webhookURL)
	}
	form := url.Values{"From": {m.From}, "To": {m.To}, "Body": {m.Body}, "AccountSid": {tw.AccountSID}, "NumMedia": {strconv.Itoa(m.NumMedia)},
		"NumSegments": {strconv.Itoa(max(m.NumSegments, 1))}, "ApiVersion": {"2010-04-01"}, "SmsStatus": {"received"}, "FromCountry": {"DK"}}
	for i := range m.NumMedia {
		form.Set("MediaUrl"+strconv.Itoa(i), tw.URL+"/2010-04-01/Accounts/"+tw.AccountSID+"/Messages/"+m.SID+"/Media/ME"+strconv.Itoa(i))
		form.Set("MediaContentType"+strconv.Itoa(i), "image/jpeg")
	}
	if m.MessagingServiceSID != "" {
		form.Set("MessagingServiceSid", m.MessagingServiceSID)
	}
	maps.Copy(form, extra)
	for _, name := range []string{"MessageSid", "SmsMessageSid", "SmsSid"} {
		form.Set(name, m.SID)
	}
	return tw.post(ctx, http.DefaultClient, webhookURL, target, form)
}

// Receive keeps a text that somebody wrote to our number and tells nobody: the bot was away.
// A sid it has already changes nothing.
func (tw *Twilio) Receive(sid, from, to, body string) {
	tw.Arrive(TwilioMessage{SID: sid, From: from, To: to, Body: body})
}

// Arrive is Receive for a text with more to it, as Twilio then has it. A SID of "" is a new one; a CreatedAt of
// zero is now.
func (tw *Twilio) Arrive(m TwilioMessage) TwilioMessage {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	if m.SID == "" {
		m.SID = randomID("SM")
	}
	if known := tw.find(m.SID); known != nil {
		return *known
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = tw.clock.now()
	}
	m.Direction, m.Status, m.SentAt = "inbound", "received", m.CreatedAt
	tw.keep(&m)
	return m
}

// Post posts any webhook's form to address, signed, by way of Route. The caller closes the answer's body.
func (tw *Twilio) Post(ctx context.Context, client *http.Client, address string, form url.Values) (*http.Response, error) {
	return tw.post(ctx, client, address, tw.target(address), form)
}

// Sign is Twilio's signature of a form posted to address.
func (tw *Twilio) Sign(address string, form url.Values) string {
	signed := address
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			signed += name + value
		}
	}
	mac := hmac.New(sha1.New, []byte(tw.AuthToken))
	mac.Write([]byte(signed))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (tw *Twilio) post(ctx context.Context, client *http.Client, address, target string, form url.Values) (*http.Response, error) {
	encoded := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	req.Header.Set("Content-Length", strconv.Itoa(len(encoded)))
	req.Header.Set("User-Agent", "TwilioProxy/1.1")
	req.Header.Set("X-Twilio-Signature", tw.Sign(address, form))
	if client == nil {
		client = http.DefaultClient
	}
	return client.Do(req)
}
