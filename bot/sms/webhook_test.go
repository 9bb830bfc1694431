package sms_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/bot/sms"
	"efterkurs/reminders"
)

// The vector of Twilio's own documentation.
const (
	vectorToken     = "12345"
	vectorSignature = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
)

var vectorForm = url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"},
	"From": {"+14158675309"}, "To": {"+18005551212"}}

func signed(signature, target, contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	return r
}

const formType = "application/x-www-form-urlencoded; charset=UTF-8"

func sign(token, what string) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(what))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestSignature(t *testing.T) {
	body := vectorForm.Encode()
	tampered := strings.Replace(body, "1234", "1235", 1)
	sum := sha256.Sum256([]byte(`{"a":1}`))
	jsonTarget := "/hook?bodySHA256=" + hex.EncodeToString(sum[:])
	for name, test := range map[string]struct {
		token, public, signature, target, kind, body string
		want                                         bool
	}{
		"Twilio's vector":          {vectorToken, "https://mycompany.com", vectorSignature, "/myapp.php?foo=1&bar=2", formType, body, true},
		"with a slash":             {vectorToken, "https://mycompany.com/", vectorSignature, "/myapp.php?foo=1&bar=2", formType, body, true},
		"configured with a port":   {vectorToken, "https://mycompany.com:443", vectorSignature, "/myapp.php?foo=1&bar=2", formType, body, true},
		"signed with a port":       {"t", "https://a.dk", sign("t", "https://a.dk:443/xA1"), "/x", formType, "A=1", true},
		"http's port":              {"t", "http://a.dk", sign("t", "http://a.dk:80/xA1"), "/x", formType, "A=1", true},
		"a port of its own":        {"t", "http://a.dk:8080", sign("t", "http://a.dk:8080/x"), "/x", formType, "", true},
		"another port":             {"t", "http://a.dk:8080", sign("t", "http://a.dk/x"), "/x", formType, "", false},
		"below a path":             {"t", "https://a.dk/bot", sign("t", "https://a.dk/bot/x"), "/x", formType, "", true},
		"escaped path":             {"t", "https://a.dk", sign("t", "https://a.dk/x%2Fy"), "/x%2Fy", formType, "", true},
		"a name twice":             {"t", "https://a.dk", sign("t", "https://a.dk/xA1A2B3"), "/x", formType, "B=3&A=2&A=1&A=2", true},
		"empty value":              {"t", "https://a.dk", sign("t", "https://a.dk/xBodyFrom1"), "/x", formType, "From=1&Body=", true},
		"JSON":                     {"t", "https://a.dk", sign("t", "https://a.dk"+jsonTarget), jsonTarget, "application/json", `{"a":1}`, true},
		"JSON, tampered":           {"t", "https://a.dk", sign("t", "https://a.dk"+jsonTarget), jsonTarget, "application/json", `{"a":2}`, false},
		"JSON, no hash":            {"t", "https://a.dk", sign("t", "https://a.dk/x"), "/x", "application/json", `{"a":1}`, false},
		"form as another kind":     {vectorToken, "https://mycompany.com", vectorSignature, "/myapp.php?foo=1&bar=2", "text/plain", body, false},
		"tampered body":            {vectorToken, "https://mycompany.com", vectorSignature, "/myapp.php?foo=1&bar=2", formType, tampered, false},
		"another path":             {vectorToken, "https://mycompany.com", vectorSignature, "/myapp.php?foo=1&bar=3", formType, body, false},
		"another host":             {vectorToken, "https://mycompany.dk", vectorSignature, "/myapp.php?foo=1&bar=2", formType, body, false},
		"wrong token":              {"12346", "https://mycompany.com", vectorSignature, "/myapp.php?foo=1&bar=2", formType, body, false},
		"no token":                 {"", "https://mycompany.com", sign("", "https://mycompany.com/x"), "/x", formType, "", false},
		"no signature":             {vectorToken, "https://mycompany.com", "", "/myapp.php?foo=1&bar=2", formType, body, false},
		"signature cut":            {vectorToken, "https://mycompany.com", "RSOYDt4T1cUT", "/myapp.php?foo=1&bar=2", formType, body, false},
		"signature is no base64":   {vectorToken, "https://mycompany.com", "%%%", "/myapp.php?foo=1&bar=2", formType, body, false},
		"body that is no form":     {"t", "https://a.dk", sign("t", "https://a.dk/x"), "/x", formType, "%zz", false},
		"no public address at all": {"t", "", sign("t", "https://a.dk/x"), "/x", formType, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := signed(test.signature, test.target, test.kind, test.body)
			r.Host = "mycompany.com"
			r.Header.Set("X-Forwarded-Host", "mycompany.com")
			if got := sms.VerifySignature(test.token, test.public, r, []byte(test.body)); got != test.want {
				t.Errorf("VerifySignature = %v", got)
			}
		})
	}
}

func TestFakeTwilioSignsAsTwilioDoes(t *testing.T) {
	tw := &providertest.Twilio{AuthToken: vectorToken}
	if got := tw.Sign("https://mycompany.com/myapp.php?foo=1&bar=2", vectorForm); got != vectorSignature {
		t.Errorf("Sign = %s", got)
	}
}

// TestInboundAndCallbacksArriveSigned sends both webhooks to a real server behind a public address.
func TestInboundAndCallbacksArriveSigned(t *testing.T) {
	tw := providertest.NewTwilio(t)
	const public = "https://bot.example.dk"
	type seen struct {
		query, form url.Values
		genuine     bool
	}
	requests := make(chan seen, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		requests <- seen{r.URL.Query(), form, sms.VerifySignature(tw.AuthToken, public, r, body)}
	}))
	t.Cleanup(server.Close)
	tw.Route(public, server.URL)

	sid := channel(t, tw, nil).Send(t.Context(), outgoing).ProviderID
	if code, err := tw.Callback(t.Context(), nil, sid, "undelivered", "30003"); err != nil || code != http.StatusOK {
		t.Fatal(code, err)
	}
	got := <-requests
	status, err := sms.ParseStatus(got.query, got.form)
	if !got.genuine || err != nil || status.MessageID != 4711 || status.ProviderID != sid || status.State != reminders.Undelivered || status.Code != "30003" {
		t.Errorf("status = %+v, genuine %v, %v", status, got.genuine, err)
	}

	at := time.Date(2026, 11, 23, 14, 0, 0, 0, time.FixedZone("CET", 3600))
	var ids []string
	for range 2 { // the second is Twilio's retry
		resp, err := tw.Inbound(t.Context(), public+"/webhooks/twilio/inbound", "", phone, tw.Number, "aGVqIGhlag==",
			url.Values{"MessageSid": {"SM1"}, "NumMedia": {"2"}, "MediaUrl0": {"https://x/0"}, "MediaUrl1": {"https://x/1"}, "OptOutType": {"STOP"}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		got := <-requests
		in, err := sms.ParseInbound(got.form, at)
		if err != nil || !got.genuine || in.Text != "aGVqIGhlag==" || in.From != phone || in.To != tw.Number || in.OptOut != "STOP" ||
			len(in.Media) != 2 || in.Attributes["num_segments"] != "1" || !in.At.Equal(at) || in.At.Location() != time.UTC {
			t.Errorf("inbound = %+v, genuine %v, %v", in, got.genuine, err)
		}
		ids = append(ids, in.ProviderID)
	}
	if ids[0] != ids[1] {
		t.Errorf("one text, two ids: %v", ids)
	}
}

func TestStatusWordsMoveWhatTheyShould(t *testing.T) {
	for word, want := range map[string]reminders.State{"accepted": reminders.Accepted, "scheduled": reminders.Accepted, "queued": reminders.Accepted,
		"sending": reminders.Accepted, "sent": reminders.Sent, "partially_delivered": reminders.Sent, "delivered": reminders.Delivered, "read": reminders.Delivered,
		"undelivered": reminders.Undelivered, "failed": reminders.Failed, "canceled": reminders.Failed, "receiving": "", "received": "", "teleported": "", "": ""} {
		got, err := sms.ParseStatus(url.Values{"m": {"12"}}, url.Values{"MessageSid": {"SM1"}, "MessageStatus": {word}, "ErrorCode": {"0"}, "New": {"x"}})
		if err != nil || got.State != want || got.Raw != word || got.MessageID != 12 || got.Code != "" {
			t.Errorf("%s: %+v, %v", word, got, err)
		}
	}
	for _, m := range []string{"", "x", "-3", "9223372036854775808"} {
		if got, err := sms.ParseStatus(url.Values{"m": {m}}, url.Values{"SmsSid": {"SM1"}, "SmsStatus": {"sent"}}); err != nil || got.MessageID != 0 || got.State != reminders.Sent {
			t.Errorf("m=%s: %+v, %v", m, got, err)
		}
	}
	if _, err := sms.ParseStatus(nil, nil); reminders.ErrorCode(err) != reminders.EINVALID {
		t.Errorf("nothing: %v", err)
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add("t", "https://a.dk", "/x?m=1", formType, "From=1&Body=hej&MessageSid=SM1&NumMedia=1&MediaUrl0=x")
	f.Add("", "", "/", "application/json", "{}")
	f.Add(vectorToken, "https://mycompany.com:443", "/myapp.php?foo=1&bar=2", formType, vectorForm.Encode())
	f.Fuzz(func(t *testing.T, token, public, target, kind, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // no HTTP server hands on such a request
		}
		r := &http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-Twilio-Signature", sign("not "+token, body))
		if sms.VerifySignature(token, public, r, []byte(body)) {
			t.Fatal("a signature with another token was taken")
		}
		form, err := url.ParseQuery(body)
		r.Header.Set("X-Twilio-Signature", sign(token, strings.TrimRight(public, "/")+u.RequestURI()))
		says := err != nil || strings.Join(slices.Collect(maps.Keys(form)), "") != "" // a body of "=" says nothing and is signed as nothing
		if sms.VerifySignature(token, public, r, []byte(body)) && (token == "" || says && !u.Query().Has("bodySHA256")) {
			t.Fatalf("a signature of the address alone was taken for the body %q", body)
		}
		if err != nil {
			return
		}
		in, err := sms.ParseInbound(form, time.Unix(0, 0))
		if err == nil && (in.ProviderID == "" || in.From == "" || in.Text != form.Get("Body")) {
			t.Fatalf("%+v", in)
		}
		_, _ = sms.ParseStatus(u.Query(), form)
	})
}
