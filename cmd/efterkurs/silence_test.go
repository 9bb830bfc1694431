package main

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/bot/slack"
	"efterkurs/bot/sms"
	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// A provider that says nothing for half a minute. What it took meanwhile is found in its own record and not
// sent again; what it never took is sent once, when its silence has lasted a quarter of an hour.
//
// It fails where a time-out after the request was begun is OutcomeRetry (bot/sms/call.go, broken;
// bot/slack/errors.go), and where settleUnknown (reminders/reconcile.go) takes the first look for proof.
func TestAProviderThatFallsSilent(t *testing.T) {
	// The channels' own time-outs are 20 s. Small: a fifth of a second in their stead, over the same code.
	silence := storetest.Size(t, 400*time.Millisecond, 30*time.Second, 30*time.Second)
	limit := storetest.Size(t, 200*time.Millisecond, 0, 0)
	for _, channel := range []string{reminders.SMS, reminders.Slack} {
		for name, took := range map[string]bool{"and has taken the message": true, "and never took it": false} {
			t.Run(channel+" "+name, func(t *testing.T) {
				if limit == 0 {
					t.Parallel() // half a minute of waiting each
				}
				eachDatabaseInTurn(t, func(t *testing.T, database string) {
					a, clock, tw := twilioApp(t, database, 1)
					sl := providertest.NewSlack(t)
					sl.SetNow(clock.Now)
					sl.AddUser("U0SILENT", "")
					client := &http.Client{Timeout: limit}
					var err error
					if a.bot.Channels[reminders.SMS], err = sms.New(sms.Config{AccountSID: tw.AccountSID, AuthToken: tw.AuthToken, From: tw.Number,
						BaseURL: tw.URL, PublicURL: "http://127.0.0.1:9", HTTPClient: client, Now: clock.Now}); err != nil {
						t.Fatal(err)
					}
					if a.bot.Channels[reminders.Slack], err = slack.New(slack.Config{BotToken: sl.Token, BaseURL: sl.URL, HTTPClient: client, Now: clock.Now}); err != nil {
						t.Fatal(err)
					}
					arrived := func() int { return len(sentTo(tw, "+4520115000")) }
					if channel == reminders.Slack {
						a.take(t, "name,company,course,start,end,phone,slack,channel\nPerson0 Dahl,Nordfald,5s,2031-09-01,2031-09-02,+4520115000,U0SILENT,slack\n")
						arrived = func() int { return len(sl.Messages()) }
					}
					silent := func(first bool) providertest.Behaviour {
						if !first {
							return providertest.Behaviour{}
						}
						hold := make(chan struct{})
						time.AfterFunc(silence, func() { close(hold) })
						return providertest.Behaviour{Refuse: !took, Reset: !took, Hold: hold}
					}
					tw.Script(func(n int, _ url.Values) providertest.Behaviour { return silent(n == 0) })
					posts := 0
					sl.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
						if method == "chat.postMessage" {
							posts++
						}
						return silent(method == "chat.postMessage" && posts == 1)
					})
					started := time.Now()
					if counts := a.ticks(t, clock, "2031-09-02 12:00"); counts.Unknown != 1 || counts.Sent != 0 {
						t.Errorf("the first tick counts %+v", counts)
					}
					if waited := time.Since(started); waited > silence {
						t.Errorf("the worker waited %s for a provider that is silent for %s", waited, silence)
					}
					a.ticks(t, clock, "2031-09-02 12:05")
					a.ticks(t, clock, "2031-09-02 12:06") // would send what the one before took for unsent
					if n := arrived(); took && n != 1 || !took && n != 0 {
						t.Errorf("five minutes later %d had arrived", n)
					}
					a.ticks(t, clock, "2031-09-02 12:20")
					a.ticks(t, clock, "2031-09-02 12:21")
					if s := a.step(t, reminders.StepWelcome); s.State != reminders.Accepted {
						t.Errorf("the welcome is %s (%s)", s.State, s.Reason)
					}
					if n := arrived(); n != 1 {
						t.Errorf("%d welcomes arrived", n)
					}
				})
			})
		}
	}
}
