package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"efterkurs/bot"
	"efterkurs/bot/providertest"
	"efterkurs/reminders"
	"efterkurs/store"
)

const (
	public  = "https://kurs.example"
	formed  = "application/x-www-form-urlencoded"
	mobile  = "+4520100001"
	aSID    = "SM0123456789abcdef0123456789abcdef"
	inbound = "/webhooks/twilio/inbound"
)

// gate is the real handler behind a listener, and the keys of who may come through it.
type gate struct {
	t      *testing.T
	server *Server
	store  *store.Store
	site   *httptest.Server
	twilio *providertest.Twilio
	slack  *providertest.Slack
}

func openGate(t *testing.T) *gate {
	t.Helper()
	server, s := site(t, lastDay.At(13*60, time.UTC))
	g := &gate{t: t, server: server, store: s, twilio: &providertest.Twilio{AuthToken: server.TwilioAuthToken}, slack: &providertest.Slack{SigningSecret: server.SlackSigningSecret}}
	g.site = httptest.NewServer(server.Handler())
	t.Cleanup(g.site.Close)
	return g
}

// send makes a request, to any target as it stands. header is name, value, name, value …
func (g *gate) send(method, target, kind, body string, header ...string) (status int, text string) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, g.site.URL, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	path, query, _ := strings.Cut(target, "?")
	r.URL.Opaque, r.URL.RawQuery = "//"+r.URL.Host+path, query
	r.Header.Set("Content-Type", kind)
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func (g *gate) replies() []reminders.Reply {
	g.t.Helper()
	all, err := g.store.Replies(g.t.Context(), reminders.ReplyFilter{})
	if err != nil {
		g.t.Fatal(err)
	}
	return all
}

func texted(sid, body string) url.Values {
	return url.Values{"MessageSid": {sid}, "From": {mobile}, "To": {"+4511111111"}, "Body": {body}, "NumMedia": {"0"}, "SmsMessageSid": {sid}, "SmsStatus": {"received"}}
}

// signed are Slack's headers for body, sent age ago.
func (g *gate) signed(body string, age time.Duration) []string {
	h := g.slack.Sign(strconv.FormatInt(time.Now().Add(-age).Unix(), 10), []byte(body))
	return []string{"X-Slack-Request-Timestamp", h.Get("X-Slack-Request-Timestamp"), "X-Slack-Signature", h.Get("X-Slack-Signature")}
}

func slackEvent(ts, id string) string {
	return fmt.Sprintf(`{"type":"event_callback","team_id":"T1","event_id":%q,"event":{"type":"message","channel_type":"im","channel":"D1","user":"U1","ts":%q,"text":"hej"}}`, id, ts)
}

func slackPress(at string) string {
	payload, _ := json.Marshal(map[string]any{"type": "block_actions", "team": map[string]any{"id": "T1"}, "user": map[string]any{"id": "U1"}, "channel": map[string]any{"id": "D1"},
		"actions": []map[string]any{{"action_id": "answer_1", "value": "42:1", "action_ts": at}}})
	return url.Values{"payload": {string(payload)}}.Encode()
}

func slackCommand(trigger string) string {
	return url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "command": {"/efterkurs"}, "text": {"pause 2"}, "trigger_id": {trigger}}.Encode()
}

// Nothing that the provider did not sign, for this address, with our key, just now, is taken in, and what it did
// sign is, whatever the proxy in front made of the host. It fails where any part of a request is left out of what
// is checked, where Host or X-Forwarded-* is believed, or where no key counts as any key.
func TestOnlyWhatIsSignedComesIn(t *testing.T) {
	g := openGate(t)
	other := &providertest.Twilio{AuthToken: "another token"}
	form := texted(aSID, "1")
	body, right := form.Encode(), g.twilio.Sign(public+inbound, form)
	status := url.Values{"MessageSid": {aSID}, "MessageStatus": {"delivered"}}
	event := slackEvent("1531420618.000200", "Ev1")
	stranger := (&providertest.Slack{SigningSecret: "another secret"}).Sign(strconv.FormatInt(time.Now().Unix(), 10), []byte(event))
	signature := func(s string, more ...string) []string { return append([]string{"X-Twilio-Signature", s}, more...) }
	for _, c := range []struct {
		name, target, kind, body string
		header                   []string
		want                     int
	}{
		{"SMS unsigned", inbound, formed, body, nil, 403},
		{"SMS with an empty signature", inbound, formed, body, signature(""), 403},
		{"SMS with another token", inbound, formed, body, signature(other.Sign(public+inbound, form)), 403},
		{"SMS without a token", inbound, formed, body, signature((&providertest.Twilio{}).Sign(public+inbound, form)), 403},
		{"SMS with a changed text", inbound, formed, texted(aSID, "2").Encode(), signature(right), 403},
		{"SMS from another number", inbound, formed, strings.ReplaceAll(body, "20100001", "20100002"), signature(right), 403},
		{"SMS with a parameter more", inbound, formed, body + "&OptOutType=STOP", signature(right), 403},
		{"SMS with a parameter twice", inbound, formed, body + "&Body=STOP", signature(right), 403},
		{"SMS with a parameter in the address", inbound + "?Body=STOP", formed, body, signature(right), 403},
		{"SMS signed for another path", inbound, formed, body, signature(g.twilio.Sign(public+"/webhooks/twilio/status", form)), 403},
		{"SMS signed for another host", inbound, formed, body, signature(g.twilio.Sign("https://evil.example"+inbound, form), "Host", "evil.example",
			"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https", "Forwarded", "host=evil.example;proto=https", "X-Original-Host", "evil.example"), 403},
		{"SMS signed for our host without TLS", inbound, formed, body, signature(g.twilio.Sign("http://kurs.example"+inbound, form), "X-Forwarded-Proto", "http"), 403},
		{"SMS as JSON of which only a hash is signed", inbound + "?bodySHA256=00", "application/json", `{"Body":"STOP"}`, signature(g.twilio.Sign(public+inbound+"?bodySHA256=00", nil)), 403},
		{"SMS as another type, signed as if empty", inbound, "text/plain", body, signature(g.twilio.Sign(public+inbound, nil)), 403},
		{"status unsigned", "/webhooks/twilio/status?m=1", formed, status.Encode(), nil, 403},
		{"status of another message", "/webhooks/twilio/status?m=2", formed, status.Encode(), signature(g.twilio.Sign(public+"/webhooks/twilio/status?m=1", status)), 403},
		{"event unsigned", "/webhooks/slack/events", "application/json", event, nil, 403},
		{"event with another secret", "/webhooks/slack/events", "application/json", event, []string{"X-Slack-Request-Timestamp", stranger.Get("X-Slack-Request-Timestamp"), "X-Slack-Signature", stranger.Get("X-Slack-Signature")}, 403},
		{"event with a changed text", "/webhooks/slack/events", "application/json", strings.Replace(event, "hej", "STOP", 1), g.signed(event, 0), 403},
		{"event recorded", "/webhooks/slack/events", "application/json", event, g.signed(event, 5*time.Minute+2*time.Second), 403},
		{"event of the future", "/webhooks/slack/events", "application/json", event, g.signed(event, -5*time.Minute-2*time.Second), 403},
		{"event recorded, with a new time", "/webhooks/slack/events", "application/json", event, append(g.signed(event, time.Hour)[2:], "X-Slack-Request-Timestamp", strconv.FormatInt(time.Now().Unix(), 10)), 403},
		{"challenge unsigned", "/webhooks/slack/events", "application/json", `{"type":"url_verification","challenge":"x"}`, nil, 403},
		{"press recorded", "/webhooks/slack/interactive", formed, slackPress("1.2"), g.signed(slackPress("1.2"), 6*time.Minute), 403},
		{"press changed", "/webhooks/slack/interactive", formed, slackPress("1.3"), g.signed(slackPress("1.2"), 0), 403},
		{"command recorded", "/webhooks/slack/commands", formed, slackCommand("1"), g.signed(slackCommand("1"), 6*time.Minute), 403},
		{"command unsigned", "/webhooks/slack/commands", formed, slackCommand("1"), nil, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, text := g.send("POST", c.target, c.kind, c.body, c.header...); status != c.want || strings.Contains(text, "goroutine") {
				t.Errorf("%d %s, want %d", status, text, c.want)
			}
			if all := g.replies(); len(all) != 0 {
				t.Errorf("taken in: %+v", all[0])
			}
		})
	}
	if status, text := g.send("POST", inbound, formed, body, signature(right, "Host", "10.0.0.7:8080", "X-Forwarded-Host", "evil.example")...); status != 200 || len(g.replies()) != 1 {
		t.Errorf("what Twilio signed is answered %d %s", status, text)
	}
	if status, _ := g.send("POST", "/webhooks/slack/events", "application/json", event, g.signed(event, 4*time.Minute)...); status != 200 || len(g.replies()) != 2 {
		t.Errorf("what Slack signed four minutes ago is answered %d", status)
	}

	// Without a key in the configuration nothing comes in, not even what is signed with the empty one.
	g.server.TwilioAuthToken, g.server.SlackSigningSecret = "", ""
	g.twilio.AuthToken, g.slack.SigningSecret = "", ""
	next := texted(strings.Replace(aSID, "0", "1", 1), "1")
	if status, _ := g.send("POST", inbound, formed, next.Encode(), signature(g.twilio.Sign(public+inbound, next))...); status != 403 {
		t.Errorf("without a token an SMS is answered %d", status)
	}
	fresh := slackEvent("1531420619.000200", "Ev2")
	if status, _ := g.send("POST", "/webhooks/slack/events", "application/json", fresh, g.signed(fresh, 0)...); status != 403 || len(g.replies()) != 2 {
		t.Errorf("without a secret an event is answered %d", status)
	}
}

// What comes twice is acknowledged twice and taken in once. It fails where anything but the provider's own id
// tells two texts apart: a new event_id, a new signature, another time.
func TestWhatComesTwiceIsTakenInOnce(t *testing.T) {
	g := openGate(t)
	form := texted(aSID, "1")
	for name, c := range map[string]struct {
		target, kind string
		bodies       []string
	}{
		"SMS":     {inbound, formed, []string{form.Encode(), form.Encode()}},
		"event":   {"/webhooks/slack/events", "application/json", []string{slackEvent("1.1", "Ev1"), slackEvent("1.1", "Ev1"), slackEvent("1.1", "Ev2")}},
		"press":   {"/webhooks/slack/interactive", formed, []string{slackPress("1.2"), slackPress("1.2")}},
		"command": {"/webhooks/slack/commands", formed, []string{slackCommand("1.3"), slackCommand("1.3")}},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(g.replies())
			for i, body := range c.bodies {
				header := g.signed(body, time.Duration(i)*time.Minute)
				if name == "SMS" {
					header = []string{"X-Twilio-Signature", g.twilio.Sign(public+c.target, form)}
				}
				if status, text := g.send("POST", c.target, c.kind, body, header...); status != 200 {
					t.Errorf("%d %s", status, text)
				}
			}
			if n := len(g.replies()) - before; n != 1 {
				t.Errorf("%d were taken in", n)
			}
		})
	}
	before := len(g.replies())
	for range 2 { // no trigger to tell them apart: losing one would be worse
		g.send("POST", "/webhooks/slack/commands", formed, slackCommand(""), g.signed(slackCommand(""), 0)...)
	}
	if n := len(g.replies()) - before; n != 2 {
		t.Errorf("of two commands without a trigger %d were taken in", n)
	}
}

// Twilio signs names and values without anything between them: who has seen one signed SMS can move the border
// between MessageSid and what follows it, under the same signature, and have the same text taken in again as
// another. It fails where an id is taken that is not shaped like one.
func TestASignedSMSCannotBeGivenAnotherID(t *testing.T) {
	g := openGate(t)
	form := texted(aSID, "STOP")
	signature := g.twilio.Sign(public+inbound, form)
	longer, shorter := texted(aSID, "STOP"), texted(aSID, "STOP")
	longer.Set("MessageSid", aSID+"NumMedia0")
	longer.Del("NumMedia")
	shorter.Set("MessageSid", aSID[:33])
	rest := ""
	for _, name := range []string{"NumMedia", "SmsMessageSid", "SmsStatus", "To"} {
		rest += name + form.Get(name)
		shorter.Del(name)
	}
	shorter.Set("f"+rest[:8], rest[8:])
	if status, _ := g.send("POST", inbound, formed, form.Encode(), "X-Twilio-Signature", signature); status != 200 {
		t.Fatalf("the SMS itself is answered %d", status)
	}
	for name, forged := range map[string]url.Values{"longer": longer, "shorter": shorter} {
		if g.twilio.Sign(public+inbound, forged) != signature {
			t.Fatalf("%s: the forgery is not under the same signature: nothing is proven", name)
		}
		if status, text := g.send("POST", inbound, formed, forged.Encode(), "X-Twilio-Signature", signature); status != 400 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if n := len(g.replies()); n != 1 {
		t.Errorf("%d texts were taken in", n)
	}
}

// Ways to write a path or a method that a proxy and a router may read differently lead to nothing that is
// guarded. It fails where a cleaned path is served under the signature of another, or a header names the path.
func TestPathAndHeaderTricks(t *testing.T) {
	g := openGate(t)
	form := texted(aSID, "1")
	right := g.twilio.Sign(public+inbound, form)
	if err := g.store.Halt(t.Context(), g.server.Now(), reminders.SMS, "", "a test"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"//webhooks/twilio/inbound", "/webhooks//twilio/inbound", "/webhooks/../webhooks/twilio/inbound", "/webhooks/twilio/inbound/", "/webhooks/twilio/inbound/.",
		"/webhooks/twilio/%69nbound", "/%2e%2e/webhooks/twilio/inbound", "/webhooks/twilio/inbound%00", "/webhooks/twilio/inbound;x", "/WEBHOOKS/twilio/inbound",
		"/webhooks%2ftwilio%2finbound", "/webhooks\\twilio\\inbound"} {
		status, text := g.send("POST", path, formed, form.Encode(), "X-Twilio-Signature", right)
		if status < 300 || status >= 500 {
			t.Errorf("%s is answered %d %s", path, status, text)
		}
	}
	if all := g.replies(); len(all) != 0 {
		t.Errorf("taken in: %+v", all)
	}
	for _, c := range []struct {
		method, target string
		header         []string
	}{
		{"GET", "/login/../health", nil}, {"GET", "/static/%2e%2e/health", nil}, {"GET", "/healthz/../inbox", nil}, {"GET", "/metrics/..%2finbox", nil}, {"GET", "//inbox", nil},
		{"GET", "/inbox", []string{"X-Original-URL", "/login", "X-Rewrite-URL", "/login", "X-Forwarded-User", "admin", "X-Remote-User", "admin", "Authorization", "Basic YWRtaW46YWRtaW4="}},
		{"GET", "/health", []string{"X-Forwarded-For", "127.0.0.1", "X-Real-IP", "127.0.0.1", "Host", "localhost"}},
		{"POST", "/health/resume", []string{"Sec-Fetch-Site", "same-origin"}},
		{"GET", "/health/resume?channel=sms", []string{"X-HTTP-Method-Override", "POST", "X-HTTP-Method", "POST", "X-Method-Override", "POST"}},
		{"PUT", "/health/resume", nil}, {"DELETE", "/inbox/1/handled", nil}, {"PATCH", inbound, nil}, {"TRACE", "/login", nil}, {"CONNECT", "/inbox", nil},
	} {
		status, text := g.send(c.method, c.target, formed, "channel=sms&_method=POST", c.header...)
		if status < 300 || status >= 500 || strings.Contains(text, "Indbakke") || strings.Contains(text, "Sæt SMS") {
			t.Errorf("%s %s is answered %d\n%s", c.method, c.target, status, text)
		}
	}
	if status, text := g.send("GET", "/login", formed, "", "X-Original-URL", "/health"); status != 200 || !strings.Contains(text, `name="password"`) {
		t.Errorf("X-Original-URL turns the login into something else: %d", status)
	}
	if halted, err := g.store.Halted(t.Context()); err != nil || len(halted) != 1 {
		t.Errorf("a channel was resumed: %v", err)
	}

	// The whole address in the request line: the host in it is as good as a Host header.
	for host, want := range map[string]int{"evil.example": 403, "kurs.example": 403} {
		conn, err := net.Dial("tcp", g.site.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body := form.Encode()
		fmt.Fprintf(conn, "POST http://%s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\nX-Twilio-Signature: %s\r\n\r\n%s",
			host, inbound, host, formed, len(body), g.twilio.Sign("http://"+host+inbound, form), body)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		conn.Close()
		if resp.StatusCode != want {
			t.Errorf("the address of %s in the request line is answered %d", host, resp.StatusCode)
		}
	}
}

// faulty is a database whose errors name files and people.
type faulty struct{ Store }

func (faulty) Message(context.Context, int64) (reminders.Message, error) {
	return reminders.Message{}, errors.New("disk I/O error in /var/lib/efterkurs.db near '+4520100001'")
}

// A fault of ours is told to the world as one sentence, and to the log by its route: an address may hold a token. It
// fails where the path or the driver's words are passed on.
func TestAFaultTellsTheWorldNothing(t *testing.T) {
	g := openGate(t)
	var log bytes.Buffer
	g.server.Log = slog.New(slog.NewJSONHandler(&log, nil))
	g.server.Store = faulty{g.server.Store}
	token := g.server.Tokens.Answer(1)
	for _, method := range []string{"GET", "POST"} {
		status, text := g.send(method, "/answer/"+token+"?v=1", formed, "v=1")
		if status != 500 || strings.Contains(text, "disk") || strings.Contains(text, "efterkurs.db") || strings.Contains(text, "4520100001") {
			t.Errorf("%d %s", status, text)
		}
	}
	if said := log.String(); !strings.Contains(said, "/answer/{token}") || strings.Contains(said, token) {
		t.Errorf("the log says %s", said)
	}
}

// A body that is too large is refused before it is read whole, on every address that reads one.
func TestLargeBodiesAreRefused(t *testing.T) {
	g := openGate(t)
	large := strings.Repeat("x", 5<<20)
	for target, want := range map[string]int{inbound: 413, "/webhooks/twilio/status": 413, "/webhooks/slack/events": 413, "/webhooks/slack/interactive": 413, "/webhooks/slack/commands": 413,
		"/login": 400, "/language": 303, "/answer/" + g.server.Tokens.Answer(1): 404} {
		r := httptest.NewRequest("POST", target, strings.NewReader("v="+large))
		r.Header.Set("Content-Type", formed)
		counted := &countingReader{Reader: r.Body}
		r.Body = io.NopCloser(counted)
		w := httptest.NewRecorder()
		g.server.Handler().ServeHTTP(w, r)
		if w.Code != want || counted.n > 2*maxBody {
			t.Errorf("%s is answered %d after %d bytes", target, w.Code, counted.n)
		}
	}
}

type countingReader struct {
	io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// A token answers the question it was made for and no other, a look at its page records nothing, and what is
// not a token of ours is none. It fails where a form may name another question, where a scanner's GET or HEAD
// counts as an answer, or where a part of a token is enough.
func TestAnAnswersTokenIsForItsQuestionOnly(t *testing.T) {
	now := lastDay.At(13*60, time.UTC)
	server, s := site(t, now)
	m := mailed(t, server, s, &now)
	g := &gate{t: t, server: server, store: s, site: httptest.NewServer(server.Handler())}
	t.Cleanup(g.site.Close)
	messages, err := s.Messages(t.Context(), reminders.MessageFilter{})
	if err != nil {
		t.Fatal(err)
	}
	another := int64(0)
	for _, o := range messages {
		if o.ID != m.ID && o.State.HasLeft() {
			another = o.ID
		}
	}
	if another == 0 {
		t.Fatal("only one message was sent: nothing is proven")
	}
	token := server.Tokens.Answer(m.ID)
	forged := []byte(server.Tokens.Answer(another))
	copy(forged[11:], token[11:]) // the id of one with the signature of the other
	for name, bad := range map[string]string{"forged": string(forged), "shorter": token[:31], "longer": token + "A", "empty": "%20", "lower case": strings.ToLower(token), "its number": strconv.FormatInt(m.ID, 10),
		"another key's": bot.Tokens{Key: []byte("another key, as long as this one is")}.Answer(m.ID), "no key's": bot.Tokens{}.Answer(m.ID), "of no message": server.Tokens.Answer(1 << 40),
		"a line break": token[:16] + "%0A" + token[16:]} {
		for _, method := range []string{"GET", "POST"} {
			if status, text := g.send(method, "/answer/"+bad, formed, "v=1"); status != 404 || strings.Contains(text, m.Body[:10]) {
				t.Errorf("%s by %s is answered %d", name, method, status)
			}
		}
	}
	for _, method := range []string{"GET", "HEAD"} {
		for _, query := range []string{"", "?v=1", "?v=stop", "?List-Unsubscribe=One-Click"} {
			if status, _ := g.send(method, "/answer/"+token+query, "", "", "User-Agent", "Mail scanner"); status != 200 {
				t.Errorf("%s %s: %d", method, query, status)
			}
		}
	}
	if n := len(g.replies()); n != 0 {
		t.Fatalf("%d replies were recorded", n)
	}
	other := server.Tokens.Answer(another)
	if status, _ := g.send("POST", "/answer/"+token+"?token="+other+"&m="+strconv.FormatInt(another, 10), formed, "v=2&token="+other+"&question="+strconv.FormatInt(another, 10)+"&from=boss@nordfald.example"); status != 200 {
		t.Fatalf("the answer itself: %d", status)
	}
	if all := g.replies(); len(all) != 1 || all[0].QuestionID != m.ID || all[0].From != m.Address {
		t.Errorf("taken in: %+v", all)
	}
}

// A user who is disabled loses calendar and pages at once. It fails where either is given to who once had it.
func TestADisabledUserSeesNothingMore(t *testing.T) {
	s := openSchool(t, nil)
	mette, err := s.store.UserByEmail(t.Context(), "mette@skolen.example")
	if err != nil {
		t.Fatal(err)
	}
	b := s.signedIn(mette.Email)
	feed := "/calendar/" + mette.CalendarToken + ".ics"
	for _, path := range []string{feed, "/inbox"} {
		if resp, _ := b.get(path); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, resp.Status)
		}
	}
	if err := s.store.DisableUser(t.Context(), s.now, mette.Email); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{feed: 404, strings.ToUpper(feed): 404, "/calendar/" + mette.CalendarToken[:len(mette.CalendarToken)-1] + ".ics": 404, "/calendar/" + mette.CalendarToken: 404,
		"/calendar/.ics": 404, "/calendar/%25.ics": 404, "/inbox": 303} {
		if resp, _ := b.get(path); resp.StatusCode != want && !(strings.HasPrefix(path, "/CAL") && resp.StatusCode == 303) {
			t.Errorf("%s: %s, want %d", path, resp.Status, want)
		}
	}
}

// A status that names one message by our number and another by the provider's moves neither's fate to the
// other, even under a right signature. It fails where our number alone is believed.
func TestAStatusCannotMoveAnothersMessage(t *testing.T) {
	now := lastDay.At(13*60, time.UTC)
	server, s := site(t, now)
	g := &gate{t: t, server: server, store: s, site: httptest.NewServer(server.Handler()), twilio: &providertest.Twilio{AuthToken: server.TwilioAuthToken}}
	t.Cleanup(g.site.Close)
	row := func(line int, name, mobile string) reminders.RosterRow {
		return reminders.RosterRow{Line: line, Person: reminders.Person{Name: name, Phone: mobile, Language: "da", Shift: reminders.DayShift}, Company: "Nordfald",
			Class: reminders.Class{Course: "5s", Name: "hold", Start: lastDay.AddDays(-1), End: lastDay}, Basis: "consent"}
	}
	if _, err := s.Import(t.Context(), now, []reminders.RosterRow{row(2, "Ali", mobile), row(3, "Bo", "+4520100002"), row(4, "Cy", "+4520100003")}); err != nil {
		t.Fatal(err)
	}
	engine := &reminders.Engine{Store: s, Desk: silent{server.Bot}, Calendar: server.Calendar, Now: func() time.Time { return now }, Log: server.Log, Worker: "test"}
	if _, err := engine.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := func() (out map[reminders.State][]reminders.Message) {
		t.Helper()
		out = map[reminders.State][]reminders.Message{}
		all, err := s.Messages(t.Context(), reminders.MessageFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			out[m.State] = append(out[m.State], m)
		}
		return out
	}
	report := func(m int64, sid, status string) int {
		t.Helper()
		target, form := "/webhooks/twilio/status?m="+strconv.FormatInt(m, 10), url.Values{"MessageSid": {sid}, "MessageStatus": {status}}
		code, _ := g.send("POST", target, formed, form.Encode(), "X-Twilio-Signature", g.twilio.Sign(public+target, form))
		return code
	}
	was := state()
	if len(was[reminders.Accepted]) != 1 || len(was[reminders.Unknown]) != 2 || len(was[reminders.Planned]) == 0 {
		t.Fatal("nothing is proven")
	}
	accepted, doubtful, planned := was[reminders.Accepted][0], was[reminders.Unknown][0], was[reminders.Planned][0]
	for name, c := range map[string]struct {
		m   int64
		sid string
	}{"accepted, by an unknown SID": {accepted.ID, "SMffffffffffffffffffffffffffffffff"}, "planned, by an unknown SID": {planned.ID, "SMffffffffffffffffffffffffffffffff"},
		"in doubt, by another's SID": {doubtful.ID, accepted.ProviderID}, "nobody's": {1 << 40, "SMffffffffffffffffffffffffffffffff"}} {
		if code := report(c.m, c.sid, "delivered"); code != 204 {
			t.Errorf("%s: %d", name, code)
		}
	}
	if now := state(); len(now[reminders.Accepted]) != 1 || len(now[reminders.Unknown]) != 2 || len(now[reminders.Delivered]) != 0 || len(now[reminders.Planned]) != len(was[reminders.Planned]) {
		t.Errorf("something moved: %d accepted, %d unknown, %d delivered, %d planned", len(now[reminders.Accepted]), len(now[reminders.Unknown]), len(now[reminders.Delivered]), len(now[reminders.Planned]))
	}
	if code := report(doubtful.ID, aSID, "delivered"); code != 204 || len(state()[reminders.Delivered]) != 1 {
		t.Errorf("what nobody saw is not settled by its own callback: %d", code)
	}
}

// silent sends one text, and loses the answer to each after it.
type silent struct{ *bot.Bot }

func (d silent) Send(_ context.Context, out reminders.Outgoing) reminders.Result {
	if out.To == mobile {
		return reminders.Result{Outcome: reminders.OutcomeAccepted, ProviderID: "SM00000000000000000000000000000001", Status: "queued"}
	}
	return reminders.Result{Outcome: reminders.OutcomeUnknown, Detail: "a test"}
}
