package sms_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/bot/sms"
	"efterkurs/reminders"
)

// flip is s with one bit turned over.
func flip(s string, at uint) string {
	raw := []byte(s)
	bit := at % uint(len(raw)*8)
	raw[bit/8] ^= 1 << (bit % 8)
	return string(raw)
}

// What Twilio signs with our token is taken, and with one bit changed anywhere it is not: in the signature, in
// the token, in the address, in a parameter. It fails where any of the four is left out of what is compared,
// or the signature is compared by its beginning only.
func FuzzSignature(f *testing.F) {
	f.Add("token", "/webhooks/twilio/inbound", "Body", "hej", "From", "+4520115000", uint(3))
	f.Add(vectorToken, "/myapp.php?foo=1&bar=2", "Digits", "1234", "To", "+18005551212", uint(77))
	f.Add("t", "/webhooks/twilio/status?m=42", "MessageStatus", "delivered", "", "", uint(0))
	f.Add("t", "/x?a=%2F%2e%2e/", "Body", "æøå & = + %", "Body", "1️⃣", uint(12))
	f.Fuzz(func(t *testing.T, token, target, name, value, name2, value2 string, at uint) {
		const public = "https://kurs.example"
		u, err := url.ParseRequestURI(target)
		if err != nil || token == "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(target, "/") {
			return // no HTTP server hands on such a request
		}
		twilio := &providertest.Twilio{AuthToken: token}
		form := url.Values{}
		form.Add(name, value)
		form.Add(name2, value2)
		body := form.Encode()
		taken := func(token, target, signature, body string) bool {
			u, err := url.ParseRequestURI(target)
			if err != nil {
				return false
			}
			r := &http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}, Host: "evil.example"}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
			r.Header.Set("X-Twilio-Signature", signature)
			r.Header.Set("X-Forwarded-Host", "evil.example")
			return sms.VerifySignature(token, public, r, []byte(body))
		}
		path := u.RequestURI()
		signature := twilio.Sign(public+path, form)
		if !taken(token, target, signature, body) {
			t.Fatalf("%q with %q is not taken", target, body)
		}
		if !taken(token, target, twilio.Sign(public+":443"+path, form), body) {
			t.Fatal("with the default port in it, it is not taken")
		}
		raw, _ := base64.StdEncoding.DecodeString(signature)
		if taken(token, target, base64.StdEncoding.EncodeToString([]byte(flip(string(raw), at))), body) {
			t.Fatal("another signature is taken")
		}
		if taken(token, target, base64.StdEncoding.EncodeToString(raw[:at%20]), body) {
			t.Fatal("a part of the signature is taken")
		}
		// A key of zeros at its end is, to HMAC, the key without them.
		if other := flip(token, at); strings.TrimRight(other, "\x00") != strings.TrimRight(token, "\x00") && len(token) <= 64 && taken(other, target, signature, body) {
			t.Fatal("another token's signature is taken")
		}
		if v, err := url.ParseRequestURI(flip(target, at)); err == nil && v.RequestURI() != path && v.Host == "" && taken(token, flip(target, at), signature, body) {
			t.Fatalf("%q is taken as %q", flip(target, at), target)
		}
		changed := flip(body, at)
		other, err := url.ParseQuery(changed)
		if err == nil && said(other) != said(form) && taken(token, target, signature, changed) {
			t.Fatalf("%q is taken as %q", changed, body)
		}
		if err != nil && taken(token, target, signature, changed) {
			t.Fatalf("%q is no form, and taken", changed)
		}
	})
}

// said is what a form's signature covers: names and values in the order of the names, without anything between.
func said(form url.Values) string {
	var names []string
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	text := ""
	for _, name := range names {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			text += name + value
		}
	}
	return text
}

// Whatever a phone sends arrives byte for byte, with its sender and its id. It fails where a text is trimmed,
// folded, or cut; where a number of pictures that is no number is believed; where an SMS without an id is taken.
func FuzzInbound(f *testing.F) {
	f.Add("SM1", "+4520115000", "1", "0", "", "")
	f.Add("SM2", "+4520115000", " Ja \n1️⃣\x00\xff", "2", "https://api.twilio.com/x", "STOP")
	f.Add("", "", "", "-1", "", "")
	f.Add("SM3", "whatsapp:+45", strings.Repeat("å", 1600), "99999999999999999999", "x", "HELP")
	f.Fuzz(func(t *testing.T, sid, from, body, media, address, optOut string) {
		sent := url.Values{"MessageSid": {sid}, "From": {from}, "Body": {body}, "NumMedia": {media}, "MediaUrl0": {address}, "OptOutType": {optOut}, "To": {"+4511111111"}}
		form, err := url.ParseQuery(sent.Encode())
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.FixedZone("", 3600))
		in, err := sms.ParseInbound(form, at)
		if sid == "" || from == "" {
			if reminders.ErrorCode(err) != reminders.EINVALID {
				t.Fatalf("%+v, %v", in, err)
			}
			return
		}
		if err != nil || in.Channel != reminders.SMS || in.Text != body || in.From != from || in.ProviderID != sid || in.OptOut != optOut || in.To != "+4511111111" || !in.At.Equal(at) || in.At.Location() != time.UTC {
			t.Fatalf("%+v, %v", in, err)
		}
		// A number too large for an int is still one: what is there is kept, twenty at most.
		if n, err := strconv.Atoi(media); len(in.Media) > 20 || (errors.Is(err, strconv.ErrSyntax) || n <= 0) && len(in.Media) != 0 || n > 0 && address != "" && in.Media[0] != address {
			t.Fatalf("NumMedia %q gives %q", media, in.Media)
		}
		form.Del("MessageSid") // older callbacks have only this one
		form.Set("SmsMessageSid", sid)
		if again, err := sms.ParseInbound(form, at); err != nil || again.ProviderID != sid {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}

// A callback moves a message by a word we know and by no other, and names a message only by a whole number.
// It fails where a new word of Twilio's is taken for a state, or where m=-1 or m=1x names a message.
func FuzzStatus(f *testing.F) {
	f.Add(int64(42), "42", "SM1", "delivered", "")
	f.Add(int64(0), "-1", "SM1", "DELIVERED", "30005")
	f.Add(int64(-7), "1e3", "", "sent", "0")
	f.Add(int64(1<<62), " 1", "SM1", "teleported", "x")
	f.Fuzz(func(t *testing.T, id int64, m, sid, word, code string) {
		form := url.Values{"MessageSid": {sid}, "MessageStatus": {word}, "ErrorCode": {code}}
		status, err := sms.ParseStatus(url.Values{"m": {strconv.FormatInt(id, 10)}}, form)
		if sid == "" {
			if reminders.ErrorCode(err) != reminders.EINVALID {
				t.Fatalf("%+v, %v", status, err)
			}
			return
		}
		if err != nil || status.ProviderID != sid || status.Raw != word || status.MessageID != max(id, 0) {
			t.Fatalf("m=%d: %+v, %v", id, status, err)
		}
		known := []reminders.State{"", reminders.Accepted, reminders.Sent, reminders.Delivered, reminders.Undelivered, reminders.Failed}
		if !slices.Contains(known, status.State) || status.State != "" && !slices.Contains(words, strings.ToLower(word)) || status.Code == "0" {
			t.Fatalf("%q is %q with code %q", word, status.State, status.Code)
		}
		status, err = sms.ParseStatus(url.Values{"m": {m}}, form)
		if n, bad := strconv.ParseInt(m, 10, 64); err != nil || status.MessageID != 0 && (bad != nil || status.MessageID != n) || status.MessageID < 0 {
			t.Fatalf("m=%q: %+v, %v", m, status, err)
		}
	})
}

// words are those in Twilio's documentation that move a message.
var words = []string{"accepted", "scheduled", "queued", "sending", "sent", "partially_delivered", "delivered", "read", "undelivered", "failed", "canceled"}
