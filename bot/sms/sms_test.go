package sms_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/bot/sms"
	"efterkurs/reminders"
)

const (
	phone = "+4520112233"
	text  = "Vælg ét sted i dag. Svar 1 eller 2."
)

var outgoing = reminders.Outgoing{MessageID: 4711, To: phone, Text: text, Participant: true}

func channel(t *testing.T, tw *providertest.Twilio, change func(*sms.Config)) *sms.Channel {
	t.Helper()
	config := sms.Config{AccountSID: tw.AccountSID, AuthToken: tw.AuthToken, From: tw.Number, BaseURL: tw.URL, PublicURL: "https://bot.example.dk/"}
	if change != nil {
		change(&config)
	}
	c, err := sms.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// silent fails where a secret, a number or a text got into what is stored and logged.
func silent(t *testing.T, tw *providertest.Twilio, said string) {
	t.Helper()
	for _, secret := range []string{tw.AuthToken, phone, strings.TrimPrefix(phone, "+"), tw.Number, text, "Vælg"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q holds %q", said, secret)
		}
	}
}

func TestSendHandsOverWhatTwilioNeeds(t *testing.T) {
	tw := providertest.NewTwilio(t)
	now := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		until    time.Time
		validity int
	}{
		"to the end of the window": {now.Add(90 * time.Minute), 5400},
		"at most ten hours":        {now.Add(48 * time.Hour), 36000},
		"at least a second":        {now.Add(-time.Hour), 1},
		"none asked for":           {time.Time{}, 36000},
	} {
		t.Run(name, func(t *testing.T) {
			c := channel(t, tw, func(config *sms.Config) { config.Now = func() time.Time { return now } })
			out := outgoing
			out.ValidUntil = test.until
			result := c.Send(t.Context(), out)
			sent := tw.Messages()[len(tw.Messages())-1]
			if result.Outcome != reminders.OutcomeAccepted || result.ProviderID != sent.SID || result.Status != "queued" {
				t.Errorf("result = %+v", result)
			}
			if sent.To != phone || sent.From != tw.Number || sent.Body != text || sent.ValidityPeriod != test.validity {
				t.Errorf("sent = %+v", sent)
			}
			if want := "https://bot.example.dk/webhooks/twilio/status?m=4711#rc=5&rp=all"; sent.StatusCallback != want {
				t.Errorf("callback = %s, want %s", sent.StatusCallback, want)
			}
		})
	}
}

func TestMessagingServiceReplacesFromAndNoPublicURLMeansNoCallback(t *testing.T) {
	tw := providertest.NewTwilio(t)
	c := channel(t, tw, func(config *sms.Config) {
		config.MessagingServiceSID, config.PublicURL = "MG0123", ""
	})
	if result := c.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeAccepted || result.Status != "accepted" {
		t.Errorf("result = %+v", result)
	}
	if sent := tw.Messages()[0]; sent.MessagingServiceSID != "MG0123" || sent.StatusCallback != "" {
		t.Errorf("sent = %+v", sent)
	}
}

func TestTextOver1600CharactersIsNotSent(t *testing.T) {
	tw := providertest.NewTwilio(t)
	out := outgoing
	out.Text = strings.Repeat("å", 1601)
	if result := channel(t, tw, nil).Send(t.Context(), out); result.Outcome != reminders.OutcomeFailed || tw.Posts() != 0 {
		t.Errorf("result = %+v after %d posts", result, tw.Posts())
	}
	out.Text = strings.Repeat("å", 1600)
	if result := channel(t, tw, nil).Send(t.Context(), out); result.Outcome != reminders.OutcomeAccepted {
		t.Errorf("1600 characters: %+v", result)
	}
}

// TestEveryErrorHasItsOutcome is the error table of the facts, row by row, through the real SDK.
func TestEveryErrorHasItsOutcome(t *testing.T) {
	tw := providertest.NewTwilio(t)
	now := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	c := channel(t, tw, func(config *sms.Config) { config.Now = func() time.Time { return now } })
	type row struct {
		behaviour providertest.Behaviour
		want      reminders.Result
	}
	rows := map[string]row{
		"429 with seconds":    {providertest.Throttled("20429", "17"), reminders.Result{Outcome: reminders.OutcomeRetry, Code: "20429", RetryAfter: 17 * time.Second, ThrottleAll: true}},
		"429 with a date":     {providertest.Throttled("20429", now.Add(time.Minute).Format(http.TimeFormat)), reminders.Result{Outcome: reminders.OutcomeRetry, Code: "20429", RetryAfter: time.Minute, ThrottleAll: true}},
		"429 with nonsense":   {providertest.Throttled("", "soon"), reminders.Result{Outcome: reminders.OutcomeRetry, Code: "20429", ThrottleAll: true}},
		"429, another code":   {providertest.Throttled("14107", ""), reminders.Result{Outcome: reminders.OutcomeRetry, Code: "14107", ThrottleAll: true}},
		"500":                 {providertest.Refused("20500", 500), reminders.Result{Outcome: reminders.OutcomeUnknown, Code: "20500"}},
		"503, a proxy's page": {providertest.Behaviour{Status: 503, Garbage: true, Refuse: true}, reminders.Result{Outcome: reminders.OutcomeUnknown}},
		"500 after accepting": {providertest.AcceptedThen500(), reminders.Result{Outcome: reminders.OutcomeUnknown, Code: "20500"}},
		"reset after":         {providertest.AcceptedThenBroken(), reminders.Result{Outcome: reminders.OutcomeUnknown}},
		"unreadable 200":      {providertest.Behaviour{Garbage: true}, reminders.Result{Outcome: reminders.OutcomeUnknown}},
		"redirect":            {providertest.Behaviour{Status: 307, Refuse: true, Garbage: true}, reminders.Result{Outcome: reminders.OutcomeUnknown}},
		"408":                 {providertest.Behaviour{Status: 408, Refuse: true, Garbage: true}, reminders.Result{Outcome: reminders.OutcomeUnknown}},
		"401, no code":        {providertest.Behaviour{Status: 401, Refuse: true, Garbage: true}, reminders.Result{Outcome: reminders.OutcomeHalt, Code: "20003"}},
		"413, a proxy's page": {providertest.Behaviour{Status: 413, Refuse: true, Garbage: true}, reminders.Result{Outcome: reminders.OutcomeFailed}},
		"any other 4xx":       {providertest.Refused("29999", 400), reminders.Result{Outcome: reminders.OutcomeFailed, Code: "29999"}},
		"opted out":           {providertest.Refused("21610", 400), reminders.Result{Outcome: reminders.OutcomeFailed, Code: "21610", OptOut: true}},
	}
	for codes, want := range map[string]reminders.Result{
		"21211 21214 21217 21401 21421 21614 21635 30005 30006": {Outcome: reminders.OutcomeFailed, BadAddress: true},
		"21612 21606 21601 21602 21603 21604 21617":             {Outcome: reminders.OutcomeHalt},
		"20003 21408 21608 30002":                               {Outcome: reminders.OutcomeHalt},
		"21611 30001 30450":                                     {Outcome: reminders.OutcomeRetry, ThrottleAll: true},
		"30003":                                                 {Outcome: reminders.OutcomeRetry, RetryAfter: 2 * time.Hour},
		"30008":                                                 {Outcome: reminders.OutcomeRetry},
		"30004 30007 30039":                                     {Outcome: reminders.OutcomeFailed},
	} {
		for _, code := range strings.Fields(codes) {
			want.Code = code
			rows[code] = row{providertest.Refused(code, 400), want}
		}
	}
	for name, test := range rows {
		t.Run(name, func(t *testing.T) {
			tw.Script(func(int, url.Values) providertest.Behaviour { return test.behaviour })
			got := c.Send(t.Context(), outgoing)
			if got.Detail == "" {
				t.Error("no detail for people")
			}
			silent(t, tw, fmt.Sprintf("%+v", got))
			got.Detail = ""
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if tw.Posts() != 1 {
				t.Errorf("%d posts: a try is one request", tw.Posts())
			}
		})
	}
}

func TestPolicySaysWhatACallbackMeans(t *testing.T) {
	for code, holds := range map[string]func(sms.Rule) bool{
		"30003": func(r sms.Rule) bool { return r.MaxRetries == 2 && r.Wait >= time.Hour },
		"30008": func(r sms.Rule) bool { return r.MaxRetries == 1 && r.NextWindow },
		"30004": func(r sms.Rule) bool { return r.Outcome == reminders.OutcomeFailed && r.Flag && r.HaltAfter == 0 },
		"30007": func(r sms.Rule) bool { return r.Outcome == reminders.OutcomeFailed && r.Flag && r.HaltAfter == 3 },
		"30005": func(r sms.Rule) bool { return r.BadAddress },
		"30039": func(r sms.Rule) bool { return r.StopReplies },
		"99999": func(r sms.Rule) bool { return r.Outcome == reminders.OutcomeFailed && r.Flag },
		"":      func(r sms.Rule) bool { return r.Outcome == reminders.OutcomeFailed },
	} {
		if rule := sms.Policy(code); !holds(rule) || rule.Detail == "" {
			t.Errorf("Policy(%q) = %+v", code, rule)
		}
	}
}

func TestHungProviderIsUnknown(t *testing.T) {
	tw := providertest.NewTwilio(t)
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	ctx, cancel := context.WithCancel(t.Context())
	tw.Script(func(int, url.Values) providertest.Behaviour {
		return providertest.Behaviour{Hold: hold, Stored: func(string) { cancel() }}
	})
	result := channel(t, tw, nil).Send(ctx, outgoing)
	if result.Outcome != reminders.OutcomeUnknown || len(tw.Messages()) != 1 {
		t.Errorf("result = %+v", result)
	}
	silent(t, tw, fmt.Sprintf("%+v", result))
}

// TestWhatWasNeverSentIsRetried: no answer, but proof that the request was not made.
func TestWhatWasNeverSentIsRetried(t *testing.T) {
	tw := providertest.NewTwilio(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler()) // its certificate is nobody's
	secure.Config.ErrorLog = nil
	t.Cleanup(secure.Close)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx  context.Context
		base string
	}{
		"refused":                   {t.Context(), "http://" + closed.Addr().String()},
		"no such host":              {t.Context(), "http://twilio.invalid"},
		"TLS failed":                {t.Context(), secure.URL},
		"time was up before it":     {over, tw.URL},
		"plain spoken to a TLS one": {t.Context(), strings.Replace(tw.URL, "http:", "https:", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			c := channel(t, tw, func(config *sms.Config) { config.BaseURL = test.base })
			result := c.Send(test.ctx, outgoing)
			if result.Outcome != reminders.OutcomeRetry {
				t.Errorf("result = %+v", result)
			}
			silent(t, tw, fmt.Sprintf("%+v", result))
		})
	}
	if len(tw.Messages()) != 0 {
		t.Error("something was sent")
	}
}

func TestConfigurationFaultsNameTheVariable(t *testing.T) {
	good := sms.Config{AccountSID: "AC1", AuthToken: "t", From: "+4512345678"}
	for variable, change := range map[string]func(*sms.Config){
		"TWILIO_ACCOUNT_SID": func(c *sms.Config) { c.AccountSID = "" },
		"account SID":        func(c *sms.Config) { c.AccountSID = "AC/../x" },
		"TWILIO_AUTH_TOKEN":  func(c *sms.Config) { c.AuthToken = "" },
		"TWILIO_FROM":        func(c *sms.Config) { c.From = "" },
		"TWILIO_BASE_URL":    func(c *sms.Config) { c.BaseURL = "api.twilio.com" },
		"PUBLIC_URL":         func(c *sms.Config) { c.PublicURL = "bot" },
		"underscore":         func(c *sms.Config) { c.PublicURL = "https://my_bot.dk" },
	} {
		config := good
		change(&config)
		if _, err := sms.New(config); reminders.ErrorCode(err) != reminders.EINVALID || !strings.Contains(err.Error(), variable) {
			t.Errorf("%s: %v", variable, err)
		}
	}
	if _, err := sms.New(good); err != nil {
		t.Error(err)
	}
}

func TestCheckSaysInWordsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*sms.Config)
		status string
		says   string
	}{
		"all well":       {says: ""},
		"wrong token":    {change: func(c *sms.Config) { c.AuthToken = "wrong" }, says: "TWILIO_AUTH_TOKEN"},
		"suspended":      {status: "suspended", says: "suspended"},
		"not our number": {change: func(c *sms.Config) { c.From = "+4599999999" }, says: "TWILIO_FROM is not a number of this"},
		"a name":         {change: func(c *sms.Config) { c.From = "Skolen" }, says: "nobody can answer"},
		"service":        {change: func(c *sms.Config) { c.From, c.MessagingServiceSID = "", "MG1" }, says: ""},
		"unreachable":    {change: func(c *sms.Config) { c.BaseURL = "http://127.0.0.1:1" }, says: "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			tw := providertest.NewTwilio(t)
			if test.status != "" {
				tw.SetAccountStatus(test.status)
			}
			err := channel(t, tw, test.change).Check(t.Context())
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("Check says %v, want %q", err, test.says)
			}
			if err != nil {
				silent(t, tw, err.Error())
			}
			if tw.Posts() != 0 {
				t.Error("Check wrote to somebody")
			}
		})
	}
}
