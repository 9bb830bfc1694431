package sms_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/bot/sms"
	"efterkurs/reminders"
)

func TestFindSettlesAnAnswerThatWasLost(t *testing.T) {
	tw := providertest.NewTwilio(t)
	now := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	tw.SetNow(func() time.Time { return now })
	c := channel(t, tw, nil)
	tw.Script(func(int, url.Values) providertest.Behaviour { return providertest.AcceptedThenBroken() })
	if result := c.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeUnknown {
		t.Fatalf("result = %+v", result)
	}
	// Our clock is ahead of Twilio's by half a minute.
	result, found, err := c.Find(t.Context(), outgoing, now.Add(30*time.Second))
	if err != nil || !found || result.Outcome != reminders.OutcomeAccepted || result.ProviderID != tw.Messages()[0].SID {
		t.Errorf("Find = %+v, %v, %v", result, found, err)
	}
	for name, other := range map[string]func(*reminders.Outgoing, *time.Time){
		"another text":      func(out *reminders.Outgoing, _ *time.Time) { out.Text += "!" },
		"another person":    func(out *reminders.Outgoing, _ *time.Time) { out.To = "+4520112234" },
		"an earlier sender": func(_ *reminders.Outgoing, since *time.Time) { *since = since.Add(26 * time.Hour) },
	} {
		out, since := outgoing, now
		other(&out, &since)
		if _, found, err := c.Find(t.Context(), out, since); found || err != nil {
			t.Errorf("%s: found = %v, %v", name, found, err)
		}
	}
}

func TestFindTellsNotYetFromNotKnown(t *testing.T) {
	tw := providertest.NewTwilio(t)
	c := channel(t, tw, nil)
	c.Send(t.Context(), outgoing)
	tw.SetLag(time.Hour)
	if _, found, err := c.Find(t.Context(), outgoing, time.Now()); found || err != nil {
		t.Errorf("behind its list: %v, %v", found, err)
	}
	tw.ScriptFetch(func(int, *http.Request) providertest.Behaviour { return providertest.Refused("20500", 500) })
	_, found, err := c.Find(t.Context(), outgoing, time.Now())
	if found || reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("out of order: %v, %v", found, err)
	}
	silent(t, tw, err.Error())
}

// TestFindChoosesTheTryOfSeveralWithOneText breaks where the newest or the first of the list is taken.
func TestFindChoosesTheTryOfSeveralWithOneText(t *testing.T) {
	tw := providertest.NewTwilio(t)
	begun := time.Date(2026, 11, 23, 13, 0, 0, 500e6, time.UTC)
	c := channel(t, tw, nil)
	for _, at := range []time.Duration{-2 * time.Second, 5 * time.Second, 300 * time.Second} {
		tw.SetNow(func() time.Time { return begun.Add(at) })
		c.Send(t.Context(), outgoing)
	}
	tw.Receive("SMin", phone, tw.Number, text)
	result, found, err := c.Find(t.Context(), outgoing, begun)
	if err != nil || !found || result.ProviderID != tw.Messages()[1].SID {
		t.Errorf("Find = %+v, %v, %v; want %s", result, found, err, tw.Messages()[1].SID)
	}
}

func TestFindReadsOn(t *testing.T) {
	tw := providertest.NewTwilio(t)
	begun := time.Now().Add(-time.Hour)
	tw.SetNow(func() time.Time { return begun })
	c := channel(t, tw, nil)
	c.Send(t.Context(), outgoing)
	tw.SetNow(time.Now)
	for i := range 230 {
		out := outgoing
		out.Text = fmt.Sprint("en anden ", i)
		c.Send(t.Context(), out)
	}
	if result, found, err := c.Find(t.Context(), outgoing, begun); err != nil || !found || result.ProviderID != tw.Messages()[0].SID {
		t.Errorf("Find = %+v, %v, %v", result, found, err)
	}
}

func TestFindTellsWhatHasFailedSince(t *testing.T) {
	tw := providertest.NewTwilio(t)
	c := channel(t, tw, nil)
	since := time.Now()
	sid := c.Send(t.Context(), outgoing).ProviderID
	tw.SetStatus(sid, "undelivered", 30005)
	result, found, err := c.Find(t.Context(), outgoing, since)
	if err != nil || !found || result.Outcome != reminders.OutcomeFailed || !result.BadAddress || result.Code != "30005" || result.Status != "undelivered" {
		t.Errorf("Find = %+v, %v, %v", result, found, err)
	}
	tw.SetStatus(sid, "delivered", 0)
	if result, _, _ := c.Find(t.Context(), outgoing, since); !result.Delivered || result.Outcome != reminders.OutcomeAccepted {
		t.Errorf("Find = %+v", result)
	}
}

func TestForgetWaitsForAFinalState(t *testing.T) {
	tw := providertest.NewTwilio(t)
	c := channel(t, tw, nil)
	sid := c.Send(t.Context(), outgoing).ProviderID
	if err := c.Forget(t.Context(), phone, sid); reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("before a final state: %v", err)
	}
	tw.SetStatus(sid, "delivered", 0)
	for _, when := range []string{"after it", "again: it is gone"} {
		if err := c.Forget(t.Context(), phone, sid); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	if m := tw.Messages()[0]; !m.Deleted || m.Body != "" {
		t.Errorf("still there: %+v", m)
	}
	if err := c.Forget(t.Context(), phone, "../Calls/CA1"); reminders.ErrorCode(err) != reminders.EINVALID {
		t.Errorf("no SID: %v", err)
	}
	tw.ScriptFetch(func(int, *http.Request) providertest.Behaviour { return providertest.Refused("20500", 503) })
	if err := c.Forget(t.Context(), phone, sid); reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("out of order: %v", err)
	}
	if err := channel(t, tw, func(config *sms.Config) { config.AuthToken = "wrong" }).Forget(t.Context(), phone, sid); reminders.ErrorCode(err) != reminders.EINTERNAL {
		t.Errorf("wrong token: %v", err)
	}
}
