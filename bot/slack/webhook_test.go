package slack_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

// The vector of Slack's own documentation ("Verifying requests from Slack").
const (
	vectorSecret    = "8f742231b10e8888abcd99yyyzzz85a5"
	vectorTimestamp = "1531420618"
	vectorSignature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	vectorBody      = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)

func TestVerify(t *testing.T) {
	then := time.Unix(1531420618, 0)
	for name, test := range map[string]struct {
		secret, timestamp, signature, body string
		now                                time.Time
		genuine                            bool
	}{
		"Slack's vector":   {vectorSecret, vectorTimestamp, vectorSignature, vectorBody, then, true},
		"five minutes old": {vectorSecret, vectorTimestamp, vectorSignature, vectorBody, then.Add(5 * time.Minute), true},
		"older":            {vectorSecret, vectorTimestamp, vectorSignature, vectorBody, then.Add(5*time.Minute + time.Second), false},
		"from the future":  {vectorSecret, vectorTimestamp, vectorSignature, vectorBody, then.Add(-5*time.Minute - time.Second), false},
		"tampered":         {vectorSecret, vectorTimestamp, vectorSignature, vectorBody + "x", then, false},
		"another time":     {vectorSecret, "1531420619", vectorSignature, vectorBody, then, false},
		"another secret":   {vectorSecret + "x", vectorTimestamp, vectorSignature, vectorBody, then, false},
		"no secret":        {"", vectorTimestamp, vectorSignature, vectorBody, then, false},
		"no timestamp":     {vectorSecret, "", vectorSignature, vectorBody, then, false},
		"no signature":     {vectorSecret, vectorTimestamp, "", vectorBody, then, false},
		"no version":       {vectorSecret, vectorTimestamp, vectorSignature[3:], vectorBody, then, false},
		"no hex":           {vectorSecret, vectorTimestamp, "v0=zz", vectorBody, then, false},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{"X-Slack-Request-Timestamp": {test.timestamp}, "X-Slack-Signature": {test.signature}}
			err := slack.Verify(test.secret, header, []byte(test.body), test.now)
			if (err == nil) != test.genuine {
				t.Errorf("Verify: %v", err)
			}
			if err != nil && strings.Contains(err.Error(), vectorSecret) {
				t.Error("the secret is in the error")
			}
		})
	}
	fake := &providertest.Slack{SigningSecret: vectorSecret}
	far := "-9223372036854775808" // rightly signed: the difference to now overflows
	if slack.Verify(vectorSecret, fake.Sign(far, []byte("{}")), []byte("{}"), then) == nil {
		t.Error("a timestamp at the end of all time was taken")
	}
	if got := fake.Sign(vectorTimestamp, []byte(vectorBody)).Get("X-Slack-Signature"); got != vectorSignature {
		t.Errorf("the fake signs %s", got)
	}
}

// hook is a real server that keeps what was posted to it.
func hook(t *testing.T, secret string) (string, chan []byte) {
	bodies := make(chan []byte, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := slack.Verify(secret, r.Header, body, time.Now()); err != nil {
			t.Errorf("the fake's signature: %v", err)
		}
		bodies <- body
	}))
	t.Cleanup(server.Close)
	return server.URL, bodies
}

func event(t *testing.T, body []byte) slack.Event {
	t.Helper()
	e, err := slack.ParseEvent(body)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func posted(t *testing.T) func(*http.Response, error) {
	return func(resp *http.Response, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

func TestWhatAPersonWritesArrives(t *testing.T) {
	fake, _ := start(t)
	address, bodies := hook(t, fake.SigningSecret)
	posted(t)(fake.Say(t.Context(), address, user, "1 &lt; 2 &amp;lt; ja", "1700000000.000100"))
	body := <-bodies
	first, again := event(t, body), event(t, body)
	in := first.Inbound
	written := fake.Messages()[0]
	if in == nil || in.From != user || in.Text != "1 < 2 &lt; ja" || in.Attributes["thread_ts"] != "1700000000.000100" || in.Attributes["team_id"] != fake.TeamID ||
		first.TeamID != fake.TeamID || first.EventID == "" || in.ProviderID != fake.TeamID+":"+written.Channel+":"+written.TS || in.At.IsZero() {
		t.Errorf("event = %+v, inbound %+v", first, in)
	}
	if again.EventID != first.EventID || again.Inbound.ProviderID != in.ProviderID {
		t.Error("one text, two ids")
	}
}

func TestWhatNoPersonWroteIsIgnored(t *testing.T) {
	fake, _ := start(t)
	address, bodies := hook(t, fake.SigningSecret)
	written := func(change func(map[string]any)) map[string]any {
		e := map[string]any{"type": "message", "channel": "D1", "channel_type": "im", "user": user, "text": "hej", "ts": "1700000000.000200"}
		if change != nil {
			change(e)
		}
		return e
	}
	for name, test := range map[string]struct {
		event map[string]any
		taken bool
	}{
		"a person":          {written(nil), true},
		"with a picture":    {written(func(e map[string]any) { e["subtype"] = "file_share" }), true},
		"a bot":             {written(func(e map[string]any) { e["bot_id"] = "B1" }), false},
		"ourselves":         {written(func(e map[string]any) { e["user"] = fake.BotID }), false},
		"Slack's own":       {written(func(e map[string]any) { e["user"] = "USLACKBOT" }), false},
		"an edit":           {written(func(e map[string]any) { e["subtype"] = "message_changed" }), false},
		"a deletion":        {written(func(e map[string]any) { e["subtype"] = "message_deleted" }), false},
		"a joining":         {written(func(e map[string]any) { e["subtype"] = "channel_join" }), false},
		"in a channel":      {written(func(e map[string]any) { e["channel_type"] = "channel" }), false},
		"in a group":        {written(func(e map[string]any) { e["channel_type"] = "mpim" }), false},
		"nobody":            {written(func(e map[string]any) { delete(e, "user") }), false},
		"a reaction":        {map[string]any{"type": "reaction_added", "user": user}, false},
		"the home tab open": {map[string]any{"type": "app_home_opened", "user": user}, false},
	} {
		posted(t)(fake.Event(t.Context(), address, "Ev1", test.event))
		if got := event(t, <-bodies); (got.Inbound != nil) != test.taken || got.EventID != "Ev1" || got.Uninstalled {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, test := range map[string]struct {
		event       map[string]any
		uninstalled bool
	}{
		"removed":             {map[string]any{"type": "app_uninstalled"}, true},
		"bot's token void":    {map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"bot": []string{"U1"}}}, true},
		"a user's token void": {map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []string{"U1"}}}, false},
	} {
		posted(t)(fake.Event(t.Context(), address, "", test.event))
		if got := event(t, <-bodies); got.Uninstalled != test.uninstalled {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestChallengeAndNonsense(t *testing.T) {
	if got := event(t, []byte(`{"type":"url_verification","challenge":"abc"}`)); got.Challenge != "abc" {
		t.Errorf("%+v", got)
	}
	if got := event(t, []byte(`{"type":"app_rate_limited","team_id":"T1"}`)); got.Inbound != nil || got.TeamID != "T1" {
		t.Errorf("%+v", got)
	}
	for _, body := range []string{"", "{", "[]", `{"type":"event_callback","event":{"type":"message"}}`} {
		if _, err := slack.ParseEvent([]byte(body)); reminders.ErrorCode(err) != reminders.EINVALID {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestAPressNamesItsQuestionAndIsOneHoweverOftenItComes(t *testing.T) {
	fake, c := start(t)
	c.Send(t.Context(), outgoing)
	sent := fake.Messages()[0]
	address, bodies := hook(t, fake.SigningSecret)
	press := func(digit, at string) slack.Interaction {
		posted(t)(fake.Press(t.Context(), address, sent, digit, at))
		form, err := url.ParseQuery(string(<-bodies))
		if err != nil {
			t.Fatal(err)
		}
		i, err := slack.ParseInteraction(form)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	first, retry, second := press("2", "1700000000.000100"), press("2", "1700000000.000100"), press("1", "1700000009.000100")
	if in := first.Inbound; in.Text != "2" || in.QuestionID != 4711 || in.From != user || in.Attributes["team_id"] != fake.TeamID || in.At.Unix() != 1700000000 {
		t.Errorf("press = %+v", first)
	}
	if first.ChannelID != sent.Channel || first.MessageTS != sent.TS || first.ResponseURL == "" {
		t.Errorf("press = %+v", first)
	}
	if first.Inbound.ProviderID != retry.Inbound.ProviderID || first.Inbound.ProviderID == second.Inbound.ProviderID {
		t.Errorf("ids %s, %s, %s", first.Inbound.ProviderID, retry.Inbound.ProviderID, second.Inbound.ProviderID)
	}
}

func TestOtherInteractionsAreRefused(t *testing.T) {
	payload := `{"type":%q,"team":{"id":"T1"},"user":{"id":"U1"},"actions":[{"action_id":%q,"value":%q,"action_ts":"1.2"}]}`
	for name, test := range map[string]string{
		"none":            "",
		"a shortcut":      fmt.Sprintf(payload, "shortcut", "answer_1", "1:1"),
		"another button":  fmt.Sprintf(payload, "block_actions", "other", "1:1"),
		"no question":     fmt.Sprintf(payload, "block_actions", "answer_1", "x:1"),
		"another's value": fmt.Sprintf(payload, "block_actions", "answer_1", "1:2"),
		"no digit":        fmt.Sprintf(payload, "block_actions", "answer_", "1:"),
		"minus":           fmt.Sprintf(payload, "block_actions", "answer_1", "-1:1"),
	} {
		if _, err := slack.ParseInteraction(url.Values{"payload": {test}}); reminders.ErrorCode(err) != reminders.EINVALID {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := slack.ParseInteraction(url.Values{"payload": {fmt.Sprintf(payload, "block_actions", "answer_1", "1:1")}}); err != nil {
		t.Error(err)
	}
}

func TestCommand(t *testing.T) {
	fake, _ := start(t)
	address, bodies := hook(t, fake.SigningSecret)
	posted(t)(fake.Command(t.Context(), address, user, "/efterkurs", " pause 2 "))
	form, _ := url.ParseQuery(string(<-bodies))
	got, err := slack.ParseCommand(form)
	if err != nil || got.UserID != user || got.TeamID != fake.TeamID || got.Command != "/efterkurs" || got.Text != "pause 2" || got.ResponseURL == "" || got.TriggerID == "" {
		t.Errorf("command = %+v, %v", got, err)
	}
	if _, err := slack.ParseCommand(url.Values{"command": {"/x"}}); reminders.ErrorCode(err) != reminders.EINVALID {
		t.Error(err)
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add("s", vectorTimestamp, `{"type":"event_callback","team_id":"T1","event_id":"E1","event":{"type":"message","channel_type":"im","channel":"D1","user":"U1","ts":"1.2","text":"hej"}}`)
	f.Add("", "0", "{}")
	f.Add(vectorSecret, "-9223372036854775808", vectorBody)
	f.Fuzz(func(t *testing.T, secret, timestamp, body string) {
		signed := (&providertest.Slack{SigningSecret: secret}).Sign(timestamp, []byte(body))
		now := time.Unix(1531420618, 0)
		if err := slack.Verify(secret, signed, []byte(body), now); err == nil && (secret == "" || timestamp[:1] == "-") {
			t.Fatal("taken without a secret or out of time")
		}
		if slack.Verify(secret+"x", signed, []byte(body), now) == nil {
			t.Fatal("another secret's signature was taken")
		}
		if slack.Verify(secret, signed, []byte(body+"x"), now) == nil {
			t.Fatal("another body's signature was taken")
		}
		e, err := slack.ParseEvent([]byte(body))
		if err == nil && e.Inbound != nil && (e.EventID == "" || e.TeamID == "" || e.Inbound.From == "" || e.Inbound.ProviderID == "") {
			t.Fatalf("%+v", e)
		}
		_, _ = slack.ParseInteraction(url.Values{"payload": {body}})
		if form, err := url.ParseQuery(body); err == nil {
			_, _ = slack.ParseCommand(form)
		}
	})
}
