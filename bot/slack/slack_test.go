package slack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

const (
	user  = "U0MAJA"
	email = "maja@fabrik.example"
	text  = "Vælg ét sted <her> & nu."
)

var outgoing = reminders.Outgoing{MessageID: 4711, To: user, Text: text,
	Choices: []reminders.Choice{{Digit: "1", Label: "Ja"}, {Digit: "2", Label: "Ikke endnu"}}}

func start(t *testing.T) (*providertest.Slack, *slack.Channel) {
	t.Helper()
	fake := providertest.NewSlack(t)
	fake.AddUser(user, email)
	return fake, channel(t, fake, nil)
}

func channel(t *testing.T, fake *providertest.Slack, change func(*slack.Config)) *slack.Channel {
	t.Helper()
	config := slack.Config{BotToken: fake.Token, BaseURL: fake.URL}
	if change != nil {
		change(&config)
	}
	c, err := slack.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// silent fails where a secret, an address or a text got into what is stored and logged.
func silent(t *testing.T, fake *providertest.Slack, said string) {
	t.Helper()
	for _, secret := range []string{fake.Token, fake.SigningSecret, email, user, text, "Vælg"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q holds %q", said, secret)
		}
	}
}

func TestSendPostsTextButtonsAndOurID(t *testing.T) {
	fake, c := start(t)
	result := c.Send(t.Context(), outgoing)
	sent := fake.Messages()[0]
	if result.Outcome != reminders.OutcomeAccepted || result.ProviderID != sent.Channel+":"+sent.TS {
		t.Errorf("result = %+v", result)
	}
	if want := "Vælg ét sted &lt;her&gt; &amp; nu."; sent.Text != want || sent.User != user {
		t.Errorf("sent = %+v", sent)
	}
	var metadata struct {
		EventType    string            `json:"event_type"`
		EventPayload map[string]string `json:"event_payload"`
	}
	if err := json.Unmarshal(sent.Metadata, &metadata); err != nil || metadata.EventType != "efterkurs_message" || metadata.EventPayload["message"] != "4711" {
		t.Errorf("metadata = %s, %v", sent.Metadata, err)
	}
	for _, want := range []string{`"action_id":"answer_1"`, `"value":"4711:1"`, `"text":"2 Ikke endnu"`, `"type":"section"`} {
		if !strings.Contains(string(sent.Blocks), want) {
			t.Errorf("blocks lack %s: %s", want, sent.Blocks)
		}
	}
}

func TestButtonsOnlyWhereThereAreChoicesAndWithinSlacksLimits(t *testing.T) {
	fake, c := start(t)
	out := outgoing
	out.Choices = nil
	c.Send(t.Context(), out)
	for i := range 30 {
		out.Choices = append(out.Choices, reminders.Choice{Digit: strconv.Itoa(i + 1), Label: strings.Repeat("å", 100)})
	}
	out.Text = strings.Repeat("&", 4000)
	if result := c.Send(t.Context(), out); result.Outcome != reminders.OutcomeAccepted { // the fake holds Slack's limits
		t.Errorf("result = %+v", result)
	}
	plain, rich := fake.Messages()[0], fake.Messages()[1]
	if strings.Contains(string(plain.Blocks), "actions") {
		t.Errorf("buttons without choices: %s", plain.Blocks)
	}
	if n := strings.Count(string(rich.Blocks), `"type":"button"`); n != 25 {
		t.Errorf("%d buttons", n)
	}
	if n := strings.Count(string(rich.Blocks), `"type":"actions"`); n != 5 {
		t.Errorf("%d rows", n)
	}
}

func TestPeopleAndConversationsAreLookedUpOnce(t *testing.T) {
	fake, c := start(t)
	out := outgoing
	out.To = strings.ToUpper(email)
	for range 3 {
		if result := c.Send(t.Context(), out); result.Outcome != reminders.OutcomeAccepted {
			t.Fatalf("result = %+v", result)
		}
	}
	if fake.Calls("users.lookupByEmail") != 1 || fake.Calls("conversations.open") != 1 || len(fake.Messages()) != 3 {
		t.Errorf("%d lookups, %d opened, %d sent", fake.Calls("users.lookupByEmail"), fake.Calls("conversations.open"), len(fake.Messages()))
	}
}

func TestClosedConversationIsOpenedAgainOnce(t *testing.T) {
	fake, c := start(t)
	c.Send(t.Context(), outgoing)
	fake.CloseChannels()
	if result := c.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeAccepted || len(fake.Messages()) != 2 {
		t.Errorf("result = %+v", result)
	}
	for _, code := range []string{"channel_not_found", "is_archived"} {
		fake.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
			if method == "chat.postMessage" {
				return providertest.Refused(code, 200)
			}
			return providertest.Behaviour{}
		})
		before := fake.Calls("chat.postMessage")
		if result := c.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeFailed || result.Code != code {
			t.Errorf("%s: %+v", code, result)
		}
		if tries := fake.Calls("chat.postMessage") - before; tries != 2 {
			t.Errorf("%s: %d tries", code, tries)
		}
	}
}

// TestEveryErrorHasItsOutcome is the error table, for the post itself and for what comes before it.
func TestEveryErrorHasItsOutcome(t *testing.T) {
	type row struct {
		behaviour    providertest.Behaviour
		post, before reminders.Result // before: the same at conversations.open, where nothing can have been sent
	}
	both := func(b providertest.Behaviour, r reminders.Result) row { return row{b, r, r} }
	unsure := func(b providertest.Behaviour, code string) row {
		return row{b, reminders.Result{Outcome: reminders.OutcomeUnknown, Code: code}, reminders.Result{Outcome: reminders.OutcomeRetry, Code: code}}
	}
	rows := map[string]row{
		"429":                 both(providertest.Throttled("ratelimited", "30"), reminders.Result{Outcome: reminders.OutcomeRetry, Code: "ratelimited", RetryAfter: 30 * time.Second, ThrottleAll: true}),
		"429 without a time":  both(providertest.Throttled("ratelimited", ""), reminders.Result{Outcome: reminders.OutcomeRetry, Code: "ratelimited", ThrottleAll: true}),
		"500":                 unsure(providertest.Behaviour{Refuse: true, Status: 500}, ""),
		"500 after accepting": unsure(providertest.Behaviour{Status: 500}, ""),
		"reset":               unsure(providertest.AcceptedThenBroken(), ""),
		"unreadable":          unsure(providertest.Behaviour{Garbage: true}, ""),
		"fatal_error":         unsure(providertest.Refused("fatal_error", 200), "fatal_error"),
		"403":                 both(providertest.Behaviour{Refuse: true, Status: 403}, reminders.Result{Outcome: reminders.OutcomeFailed, Code: "http_403"}),
		"a word never seen":   both(providertest.Refused("invalid_mood", 200), reminders.Result{Outcome: reminders.OutcomeFailed, Code: "invalid_mood"}),
	}
	for codes, want := range map[string]reminders.Result{
		"ratelimited": {Outcome: reminders.OutcomeRetry, ThrottleAll: true},
		"account_inactive token_revoked invalid_auth not_authed missing_scope messages_tab_disabled": {Outcome: reminders.OutcomeHalt},
		"user_disabled users_not_found user_not_found":                                               {Outcome: reminders.OutcomeFailed, BadAddress: true},
	} {
		for _, code := range strings.Fields(codes) {
			want.Code = code
			rows[code] = both(providertest.Refused(code, 200), want)
		}
	}
	for name, test := range rows {
		for method, want := range map[string]reminders.Result{"chat.postMessage": test.post, "conversations.open": test.before} {
			t.Run(name+" at "+method, func(t *testing.T) {
				fake, c := start(t)
				fake.Script(func(_ int, called string, _ url.Values) providertest.Behaviour {
					if called == method {
						return test.behaviour
					}
					return providertest.Behaviour{}
				})
				got := c.Send(t.Context(), outgoing)
				if got.Detail == "" {
					t.Error("no detail for people")
				}
				silent(t, fake, fmt.Sprintf("%+v", got))
				got.Detail = ""
				if got != want {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
				if fake.Calls(method) != 1 {
					t.Errorf("%d calls: a try is one request", fake.Calls(method))
				}
			})
		}
	}
}

func TestUnknownPersonIsABadAddress(t *testing.T) {
	fake, c := start(t)
	for _, to := range []string{"ingen@fabrik.example", "U0NOBODY"} {
		out := outgoing
		out.To = to
		result := c.Send(t.Context(), out)
		if result.Outcome != reminders.OutcomeFailed || !result.BadAddress {
			t.Errorf("%s: %+v", to, result)
		}
		silent(t, fake, fmt.Sprintf("%+v", result))
	}
}

func TestHungProviderIsUnknownAndARefusedConnectionIsRetried(t *testing.T) {
	fake, c := start(t)
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	ctx, cancel := context.WithCancel(t.Context())
	fake.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method != "chat.postMessage" {
			return providertest.Behaviour{}
		}
		return providertest.Behaviour{Hold: hold, Stored: func(string) { cancel() }}
	})
	if result := c.Send(ctx, outgoing); result.Outcome != reminders.OutcomeUnknown || len(fake.Messages()) != 1 {
		t.Errorf("hung: %+v", result)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	refused := channel(t, fake, func(config *slack.Config) { config.BaseURL = "http://" + closed.Addr().String() + "/api" })
	if result := refused.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeRetry {
		t.Errorf("refused: %+v", result)
	}
}

func TestFindKnowsOurMessageByItsMetadata(t *testing.T) {
	fake, c := start(t)
	since := time.Now()
	if _, found, err := c.Find(t.Context(), outgoing, since, nil); found || err != nil {
		t.Errorf("before it: %v, %v", found, err)
	}
	fake.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method == "chat.postMessage" {
			return providertest.AcceptedThen500()
		}
		return providertest.Behaviour{}
	})
	if result := c.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeUnknown {
		t.Fatalf("result = %+v", result)
	}
	fake.Script(nil)
	for i := range 450 { // more than two pages
		out := outgoing
		out.MessageID = int64(10000 + i)
		c.Send(t.Context(), out)
	}
	fake.Write(user, "Ja tak", "")
	want := fake.Messages()[0].Channel + ":" + fake.Messages()[0].TS
	if result, found, err := c.Find(t.Context(), outgoing, since, nil); err != nil || !found || result.ProviderID != want || result.Outcome != reminders.OutcomeAccepted {
		t.Errorf("Find = %+v, %v, %v", result, found, err)
	}
	if _, found, err := c.Find(t.Context(), outgoing, time.Now().Add(26*time.Hour), nil); found || err != nil {
		t.Errorf("since after it: %v, %v", found, err)
	}
	fake.Script(func(int, string, url.Values) providertest.Behaviour {
		return providertest.Throttled("ratelimited", "1")
	})
	if _, found, err := c.Find(t.Context(), outgoing, since, nil); found || reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("throttled: %v, %v", found, err)
	}
}

// TestFindTakesTheEndOfWhatItReadsForNoProof fails where a conversation longer than is read proves a message unsent.
func TestFindTakesTheEndOfWhatItReadsForNoProof(t *testing.T) {
	fake, c := start(t)
	fake.SetMaxLimit(1)
	for range 21 {
		fake.Write(user, "hej", "")
	}
	if _, found, err := c.Find(t.Context(), outgoing, time.Now(), nil); found || reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("Find = %v, %v", found, err)
	}
}

func TestForgetAndUpdate(t *testing.T) {
	fake, c := start(t)
	id := c.Send(t.Context(), outgoing).ProviderID
	room, ts, _ := strings.Cut(id, ":")
	if err := c.Update(t.Context(), room, ts, "Du svarede 1 & <det> er noteret"); err != nil {
		t.Fatal(err)
	}
	if m := fake.Messages()[0]; !m.Edited || strings.Contains(string(m.Blocks), "button") || m.Text != "Du svarede 1 &amp; &lt;det&gt; er noteret" {
		t.Errorf("updated = %+v", m)
	}
	for _, when := range []string{"there", "gone"} {
		if err := c.Forget(t.Context(), user, id); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	if !fake.Messages()[0].Deleted {
		t.Error("still there")
	}
	if err := c.Forget(t.Context(), user, "x"); reminders.ErrorCode(err) != reminders.EINVALID {
		t.Errorf("no id: %v", err)
	}
	fake.Script(func(int, string, url.Values) providertest.Behaviour {
		return providertest.Throttled("ratelimited", "1")
	})
	if err := c.Forget(t.Context(), user, id); reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("throttled: %v", err)
	}
	if err := c.Update(t.Context(), room, ts, text); err == nil {
		t.Error("throttled update is no error")
	} else {
		silent(t, fake, err.Error())
	}
}

func TestCheckSaysInWordsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*slack.Config)
		scopes string
		says   string
	}{
		"all well":     {scopes: providertest.Scopes},
		"wrong token":  {change: func(c *slack.Config) { c.BotToken = "xoxb-wrong" }, scopes: providertest.Scopes, says: "SLACK_BOT_TOKEN"},
		"scopes":       {scopes: "chat:write, users:read,commands", says: "im:write, im:history, users:read.email"},
		"unreachable":  {change: func(c *slack.Config) { c.BaseURL = "http://127.0.0.1:1/api/" }, says: "no connection"},
		"base and all": {change: func(c *slack.Config) { c.BaseURL = strings.TrimSuffix(c.BaseURL, "/") }, scopes: providertest.Scopes},
	} {
		t.Run(name, func(t *testing.T) {
			fake := providertest.NewSlack(t)
			fake.SetScopes(test.scopes)
			err := channel(t, fake, test.change).Check(t.Context())
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("Check says %v, want %q", err, test.says)
			}
			if err != nil {
				silent(t, fake, err.Error())
			}
		})
	}
	for _, config := range []slack.Config{{}, {BotToken: "x", BaseURL: "slack.com/api"}} {
		if _, err := slack.New(config); reminders.ErrorCode(err) != reminders.EINVALID || !strings.Contains(err.Error(), "SLACK_B") {
			t.Errorf("New(%+v): %v", config, err)
		}
	}
}
