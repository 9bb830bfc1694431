package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"efterkurs/bot"
	"efterkurs/bot/providertest"
	"efterkurs/reminders"
)

// served is the program's own handler behind a real listener, which the fake Twilio knows by its public address.
func served(t *testing.T) (*app, *handClock, *providertest.Twilio, string) {
	t.Helper()
	a, clock, tw := twilioApp(t, "sqlite:"+filepath.Join(t.TempDir(), "efterkurs.db"), 2)
	server, err := a.server(nil)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server.Handler)
	t.Cleanup(listener.Close)
	tw.Route("http://127.0.0.1:9", listener.URL)
	return a, clock, tw, listener.URL
}

func request(t *testing.T, method, address, contentType string, body io.Reader, header ...string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// Whatever is wrong with a request, it is answered with a 4xx and one line, and nothing is taken in.
func TestWebhooksRefuseWhatIsNotTheirs(t *testing.T) {
	a, clock, tw, address := served(t)
	a.ticks(t, clock, "2031-09-02 12:00")
	const form = "application/x-www-form-urlencoded"
	const public = "http://127.0.0.1:9"
	inbound := url.Values{"MessageSid": {"SM1"}, "From": {"+4520115000"}, "To": {tw.Number}, "Body": {"STOP"}}
	signed := func(path string, v url.Values) string { return tw.Sign(public+path, v) }
	large := strings.Repeat("x", 10<<20)
	for _, c := range []struct {
		name, method, path, contentType string
		body                            string
		header                          []string
		want                            int
	}{
		{"unsigned", "POST", "/webhooks/twilio/inbound", form, inbound.Encode(), nil, 403},
		{"signed for another address", "POST", "/webhooks/twilio/inbound", form, inbound.Encode(), []string{"X-Twilio-Signature", tw.Sign("http://else"+"/webhooks/twilio/inbound", inbound)}, 403},
		{"tampered with", "POST", "/webhooks/twilio/inbound", form, inbound.Encode() + "x", []string{"X-Twilio-Signature", signed("/webhooks/twilio/inbound", inbound)}, 403},
		{"a host that lies", "POST", "/webhooks/twilio/inbound", form, inbound.Encode(), []string{"X-Twilio-Signature", tw.Sign("http://evil/webhooks/twilio/inbound", inbound), "X-Forwarded-Host", "evil"}, 403},
		{"ten megabytes", "POST", "/webhooks/twilio/inbound", form, large, []string{"X-Twilio-Signature", "x"}, 413},
		{"another content type", "POST", "/webhooks/twilio/inbound", "text/plain", "", []string{"X-Twilio-Signature", signed("/webhooks/twilio/inbound", nil)}, 415},
		{"no message in it", "POST", "/webhooks/twilio/inbound", form, "", []string{"X-Twilio-Signature", signed("/webhooks/twilio/inbound", nil)}, 400},
		{"a status unsigned", "POST", "/webhooks/twilio/status?m=1", form, "MessageStatus=delivered", nil, 403},
		{"a status for nobody", "POST", "/webhooks/twilio/status?m=999999", form, url.Values{"MessageStatus": {"delivered"}, "MessageSid": {"SM9"}}.Encode(),
			[]string{"X-Twilio-Signature", signed("/webhooks/twilio/status?m=999999", url.Values{"MessageStatus": {"delivered"}, "MessageSid": {"SM9"}})}, 204},
		{"Slack is off", "POST", "/webhooks/slack/events", "application/json", `{"type":"url_verification","challenge":"x"}`, nil, 403},
		{"Slack's buttons are off", "POST", "/webhooks/slack/interactive", form, "payload=%7B%7D", nil, 403},
		{"Slack's commands are off", "POST", "/webhooks/slack/commands", form, "text=x", nil, 403},
		{"the wrong method", "GET", "/webhooks/twilio/inbound", "", "", nil, 405},
		{"an answer page of nobody", "GET", "/answer/nonsense", "", "", nil, 404},
		{"an answer to nothing", "POST", "/answer/" + strings.Repeat("A", 32), form, "v=1", nil, 404},
		{"another installation's token", "GET", "/answer/" + bot.Tokens{Key: []byte("another key, just as long as it must be")}.Answer(1), "", "", nil, 404},
		{"a calendar of nobody", "GET", "/calendar/nonsense.ics", "", "", nil, 404},
		{"a path out of the folder", "GET", "/static/../../../etc/passwd", "", "", nil, 404},
		{"a page without signing in", "GET", "/", "", "", nil, 303},
		{"a page's form from elsewhere", "POST", "/login", form, "email=a&password=b", []string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text := request(t, c.method, address+c.path, c.contentType, strings.NewReader(c.body), c.header...)
			if status != c.want && !(c.want == 404 && (status == 301 || status == 307)) {
				t.Errorf("%d, want %d: %s", status, c.want, text)
			}
			if strings.Contains(text, "goroutine") || strings.Contains(text, "sqlite") {
				t.Errorf("internals are told: %s", text)
			}
		})
	}
	all, err := a.store.Replies(t.Context(), reminders.ReplyFilter{})
	if err != nil || len(all) != 0 {
		t.Errorf("%d replies were taken in, %v", len(all), err)
	}
	if s := a.step(t, reminders.StepWelcome); s.State != reminders.Accepted {
		t.Errorf("the welcome is %s", s.State)
	}
}

// The same text delivered twice is one reply, and one answer to it.
func TestAWebhookDeliveredTwiceIsTakenInOnce(t *testing.T) {
	a, clock, tw, _ := served(t)
	a.ticks(t, clock, "2031-09-02 12:00")
	a.ticks(t, clock, "2031-09-09 12:00")
	before := len(sentTo(tw, "+4520115000"))
	for range 3 {
		res, err := tw.Inbound(t.Context(), "http://127.0.0.1:9/webhooks/twilio/inbound", "", "+4520115000", tw.Number, "1", url.Values{"MessageSid": {"SM00000000000000000000000000000001"}})
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("%v %v", res, err)
		}
		res.Body.Close()
	}
	a.ticks(t, clock, "2031-09-09 12:01")
	a.ticks(t, clock, "2031-09-09 12:02")
	if s := a.step(t, reminders.ExerciseStep(1)); s.Answer != "1" {
		t.Errorf("the answer is %q", s.Answer)
	}
	if said := len(sentTo(tw, "+4520115000")) - before; said != 1 {
		t.Errorf("%d texts were said back", said)
	}
	all, err := a.store.Replies(t.Context(), reminders.ReplyFilter{})
	if err != nil || len(all) != 1 {
		t.Errorf("%d replies, %v", len(all), err)
	}
}

// An e-mail's link records nothing until a person presses a button: scanners follow every link.
func TestOnlyAPressedButtonRecords(t *testing.T) {
	a, clock, _, address := served(t)
	a.ticks(t, clock, "2031-09-02 12:00")
	a.ticks(t, clock, "2031-09-09 12:00")
	question := a.step(t, reminders.ExerciseStep(1))
	page := address + "/answer/" + a.tokens.Answer(question.MessageID)
	for range 2 {
		if status, text := request(t, "GET", page+"?v=1", "", nil); status != 200 || !strings.Contains(text, "<form") || !strings.Contains(text, `value="2"`) {
			t.Errorf("%d\n%s", status, text)
		}
	}
	if s := a.step(t, reminders.ExerciseStep(1)); s.Answer != "" {
		t.Errorf("a GET recorded %q", s.Answer)
	}
	post := func(form string) (int, string) {
		return request(t, "POST", page, "application/x-www-form-urlencoded", strings.NewReader(form))
	}
	if status, text := post("v=2&text=vi+mangler+tid"); status != 200 {
		t.Errorf("%d\n%s", status, text)
	}
	if s := a.step(t, reminders.ExerciseStep(1)); s.Answer != "2" {
		t.Errorf("the answer is %q", s.Answer)
	}
	if status, _ := post(""); status != 400 {
		t.Errorf("an empty form is answered %d", status)
	}
	if status, _ := post("List-Unsubscribe=One-Click"); status != 200 { // a mail program's own button (RFC 8058)
		t.Errorf("one-click is answered %d", status)
	}
	all, err := a.store.Status(t.Context(), reminders.Filter{})
	if err != nil || all[0].Person.OptedOutAt.IsZero() {
		t.Errorf("one-click did not opt out: %v", err)
	}
}

// /healthz, /readyz and /metrics say what is so.
func TestHealthSaysWhatIsSo(t *testing.T) {
	a, clock, tw, address := served(t)
	if status, _ := request(t, "GET", address+"/healthz", "", nil); status != 200 {
		t.Errorf("healthz: %d", status)
	}
	if status, text := request(t, "GET", address+"/readyz", "", nil); status != 503 || !strings.Contains(text, "no worker has ticked yet") {
		t.Errorf("readyz before the first tick: %d %s", status, text)
	}
	a.ticks(t, clock, "2031-09-02 12:00")
	if status, text := request(t, "GET", address+"/readyz", "", nil); status != 200 {
		t.Errorf("readyz: %d %s", status, text)
	}
	_, text := request(t, "GET", address+"/metrics", "", nil)
	for _, line := range []string{`efterkurs_messages{channel="sms",state="accepted"} 2`, "efterkurs_messages_unknown 0", "efterkurs_database_up 1", "efterkurs_last_tick_seconds"} {
		if !strings.Contains(text, line) {
			t.Errorf("metrics lack %s:\n%s", line, text)
		}
	}
	if strings.Contains(text, tw.AuthToken) || strings.Contains(text, "4520115") {
		t.Error("metrics hold a secret or a number")
	}
	if err := a.store.Halt(t.Context(), clock.Now(), reminders.SMS, "30002", "the account is suspended"); err != nil {
		t.Fatal(err)
	}
	if status, text := request(t, "GET", address+"/readyz", "", nil); status != 503 || !strings.Contains(text, "the channel sms is halted") {
		t.Errorf("readyz with a halted channel: %d %s", status, text)
	}
	clock.set(clock.Now().Add(1 << 40))
	if status, text := request(t, "GET", address+"/readyz", "", bytes.NewReader(nil)); status != 503 || !strings.Contains(text, "more than five minutes ago") {
		t.Errorf("readyz long after the last tick: %d %s", status, text)
	}
}
