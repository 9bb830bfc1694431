package sms_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
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
	result, found, err := c.Find(t.Context(), outgoing, now.Add(30*time.Second), nil)
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
		if _, found, err := c.Find(t.Context(), out, since, nil); found || err != nil {
			t.Errorf("%s: found = %v, %v", name, found, err)
		}
	}
}

func TestFindTellsNotYetFromNotKnown(t *testing.T) {
	tw := providertest.NewTwilio(t)
	c := channel(t, tw, nil)
	c.Send(t.Context(), outgoing)
	tw.SetLag(time.Hour)
	if _, found, err := c.Find(t.Context(), outgoing, time.Now(), nil); found || err != nil {
		t.Errorf("behind its list: %v, %v", found, err)
	}
	tw.ScriptFetch(func(int, *http.Request) providertest.Behaviour { return providertest.Refused("20500", 500) })
	_, found, err := c.Find(t.Context(), outgoing, time.Now(), nil)
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
	result, found, err := c.Find(t.Context(), outgoing, begun, nil)
	if err != nil || !found || result.ProviderID != tw.Messages()[1].SID {
		t.Errorf("Find = %+v, %v, %v; want %s", result, found, err, tw.Messages()[1].SID)
	}
}

// TestFindPassesOverWhatAnotherMessageHas: two texts with the same body went to one person minutes apart, the
// first was accepted, and of the second nobody saw the answer. It fails where the text alone decides: the second
// then takes the first one's record for its own and is never sent.
func TestFindPassesOverWhatAnotherMessageHas(t *testing.T) {
	tw := providertest.NewTwilio(t)
	now := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	tw.SetNow(func() time.Time { return now })
	c := channel(t, tw, nil)
	first := c.Send(t.Context(), outgoing).ProviderID
	known := func(sid string) bool { return sid == first }
	now = now.Add(30 * time.Second)
	begun := now
	if _, found, err := c.Find(t.Context(), outgoing, begun, known); found || err != nil {
		t.Errorf("never made: found = %v, %v", found, err)
	}
	if result, found, err := c.Find(t.Context(), outgoing, begun, nil); err != nil || !found || result.ProviderID != first {
		t.Errorf("nothing known: %+v, %v, %v", result, found, err)
	}
	now = now.Add(20 * time.Second)
	second := c.Send(t.Context(), outgoing).ProviderID
	now = now.Add(time.Minute)
	// Nearer to the first, by a clock that is behind Twilio's.
	for _, since := range []time.Time{begun, begun.Add(-30 * time.Second)} {
		if result, found, err := c.Find(t.Context(), outgoing, since, known); err != nil || !found || result.ProviderID != second {
			t.Errorf("made: %+v, %v, %v; want %s", result, found, err, second)
		}
	}
}

// TestFindIsNotEndedByWhatWasMadeBeforeAndSentAfter: the list is sorted by the sent date. It fails where the first
// old date_created ends the search: the message is then proved unsent, and sent twice.
func TestFindIsNotEndedByWhatWasMadeBeforeAndSentAfter(t *testing.T) {
	tw := providertest.NewTwilio(t)
	now := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	tw.SetNow(func() time.Time { return now })
	c := channel(t, tw, nil)
	queued, bulk := outgoing, outgoing
	queued.Text, bulk.Text = "stod i kø", "massen"
	stuck := c.Send(t.Context(), queued).ProviderID
	never := c.Send(t.Context(), bulk).ProviderID // still in the queue: above all
	now = now.Add(10 * time.Minute)
	ours := c.Send(t.Context(), outgoing).ProviderID
	tw.SetStatus(ours, "sent", 0)
	begun := now
	now = now.Add(10 * time.Minute)
	tw.SetStatus(stuck, "sent", 0)
	if result, found, err := c.Find(t.Context(), outgoing, begun, nil); err != nil || !found || result.ProviderID != ours {
		t.Errorf("Find = %+v, %v, %v (queued %s)", result, found, err, never)
	}
}

// TestFindTakesNoAnswerWithoutAListForProof fails where {} counts as an empty list, or where the end of what is
// read counts as the end of what there is.
func TestFindTakesNoAnswerWithoutAListForProof(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(`{"page":0}`)) }))
	t.Cleanup(server.Close)
	tw := providertest.NewTwilio(t)
	c := channel(t, tw, func(config *sms.Config) { config.BaseURL = server.URL })
	if _, found, err := c.Find(t.Context(), outgoing, time.Now(), nil); found || reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("no list: %v, %v", found, err)
	}
	c = channel(t, tw, nil)
	for i := range 2001 {
		out := outgoing
		out.Text = fmt.Sprint("en anden ", i)
		c.Send(t.Context(), out)
	}
	if _, found, err := c.Find(t.Context(), outgoing, time.Now().Add(-time.Hour), nil); found || reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("more than is read: %v, %v", found, err)
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
	if result, found, err := c.Find(t.Context(), outgoing, begun, nil); err != nil || !found || result.ProviderID != tw.Messages()[0].SID {
		t.Errorf("Find = %+v, %v, %v", result, found, err)
	}
}

func TestFindTellsWhatHasFailedSince(t *testing.T) {
	tw := providertest.NewTwilio(t)
	c := channel(t, tw, nil)
	since := time.Now()
	sid := c.Send(t.Context(), outgoing).ProviderID
	tw.SetStatus(sid, "undelivered", 30005)
	result, found, err := c.Find(t.Context(), outgoing, since, nil)
	if err != nil || !found || result.Outcome != reminders.OutcomeFailed || !result.BadAddress || result.Code != "30005" || result.Status != "undelivered" {
		t.Errorf("Find = %+v, %v, %v", result, found, err)
	}
	tw.SetStatus(sid, "delivered", 0)
	if result, _, _ := c.Find(t.Context(), outgoing, since, nil); !result.Delivered || result.Outcome != reminders.OutcomeAccepted {
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
