package store_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// sending is a message in a provider's hands.
func sending(t *testing.T, s *store.Store) reminders.Claim {
	t.Helper()
	c := byStep(t, claim(t, enrolled(t, s, 1), "w", due, 100), "exercise-1")
	begin(t, s, due, c)
	return c
}

func report(c reminders.Claim, providerID string, to reminders.State, code string) reminders.StatusReport {
	return reminders.StatusReport{MessageID: c.ID, ProviderID: providerID, State: to, Raw: string(to), Code: code}
}

func TestAChangeIsMadeOnlyWhereItStillApplies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		c := sending(t, s)
		for name, change := range map[string]reminders.Change{
			"another attempt": {ID: c.ID, Worker: "w", From: reminders.Sending, To: reminders.Failed, Attempt: 2},
			"not from there":  {ID: c.ID, Worker: "w", From: reminders.Claimed, To: reminders.Skipped},
			"nobody":          {ID: 9999999, Worker: "w", From: reminders.Sending, To: reminders.Failed, Attempt: 1},
		} {
			ok(t, s.Record(ctx, due, []reminders.Change{change}))
			if m := message(t, s, c.ID); m.State != reminders.Sending {
				t.Fatalf("%s: %s", name, m.State)
			}
		}
		if _, _, err := s.Rescue(ctx, due.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		mine := byStep(t, claim(t, s, "w2", due.Add(time.Hour), 1000), "visit-day")
		ok(t, s.Record(ctx, due, []reminders.Change{{ID: mine.ID, Worker: "w", From: reminders.Claimed, To: reminders.Skipped, Reason: "x"}}))
		state(t, s, mine.ID, reminders.Claimed)
		run := due.Add(5 * time.Hour)
		ok(t, s.Record(ctx, due, []reminders.Change{{ID: mine.ID, Worker: "w2", From: reminders.Claimed, To: reminders.Planned, Reason: "channel off", RunAt: run, ValidUntil: run.Add(time.Hour)}}))
		if m := state(t, s, mine.ID, reminders.Planned); !m.RunAt.Equal(run) || !m.ValidUntil.Equal(run.Add(time.Hour)) || m.Worker != "" {
			t.Fatalf("postponed: %+v", m)
		}
	})
}

func TestACallbackFasterThanTheAnswerIsNotUndone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		c := sending(t, s)
		ok(t, s.Report(ctx, due, report(c, "", reminders.Delivered, "")))
		ok(t, s.Record(ctx, due.Add(time.Second), []reminders.Change{accept(c, "SM1", due.Add(time.Second))}))
		m := state(t, s, c.ID, reminders.Delivered)
		if m.ProviderID != "SM1" || m.SentAt.IsZero() {
			t.Fatalf("not filled in: %+v", m)
		}
		if a := must[[]reminders.Attempt](t)(s.Attempts(ctx, c.ID)); a[0].Outcome != reminders.OutcomeAccepted || a[0].EndedAt.IsZero() {
			t.Fatalf("attempt: %+v", a[0])
		}
	})
}

// Whatever order reports come in, and however often: a message only moves up, and its first final state stays.
func TestReportsOnlyMoveForward(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 30)
		claims := claim(t, s, "w", due, 1000)
		next := 0
		rapid.Check(t, func(rt *rapid.T) {
			if next == len(claims) {
				rt.Skip("all messages are used")
			}
			c := claims[next]
			next++
			id := fmt.Sprint("SM", c.ID)
			send(t, s, c, id, due)
			want := reminders.Accepted
			states := rapid.SliceOfN(rapid.SampledFrom([]reminders.State{"", reminders.Accepted, reminders.Sent, reminders.Delivered, reminders.Undelivered, reminders.Failed}), 1, 6).Draw(rt, "reports")
			for _, to := range states {
				r := report(c, id, to, "")
				if rapid.Bool().Draw(rt, "by provider's id only") {
					r.MessageID = 0
				}
				ok(t, s.Report(ctx, due, r))
				if reminders.Advances(want, to) {
					want = to
				}
				if got := message(t, s, c.ID).State; got != want {
					rt.Fatalf("after %v: %s, want %s", states, got, want)
				}
			}
		})
	})
}

func TestAReportForSomethingNotOursIsNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		code(t, s.Report(ctx, due, reminders.StatusReport{ProviderID: "SM404", State: reminders.Sent}), reminders.ENOTFOUND)
		code(t, s.Report(ctx, due, reminders.StatusReport{MessageID: 404, State: reminders.Sent}), reminders.ENOTFOUND)
		code(t, s.Report(ctx, due, reminders.StatusReport{State: reminders.Sent}), reminders.ENOTFOUND)
	})
}

func TestAReportOfAnEarlierTryDisturbsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		c := sending(t, s)
		ok(t, s.Record(ctx, due, []reminders.Change{accept(c, "SM1", due)}))
		failed := report(c, "SM1", reminders.Undelivered, "30003")
		failed.RetryAt, failed.MaxAttempts = due.Add(3*time.Hour), 3
		ok(t, s.Report(ctx, due, failed))
		m := state(t, s, c.ID, reminders.Planned)
		if !m.RunAt.Equal(failed.RetryAt) || m.Reason != "30003" || m.ErrorCode != "30003" {
			t.Fatalf("to be tried again: %+v", m)
		}
		ok(t, s.Report(ctx, due, failed)) // it comes twice
		state(t, s, c.ID, reminders.Planned)
		again := byStep(t, claim(t, s, "w", failed.RetryAt, 100), "exercise-1")
		ok(t, s.Report(ctx, due, report(c, "SM1", reminders.Failed, "30003"))) // and late
		state(t, s, c.ID, reminders.Claimed)
		begin(t, s, failed.RetryAt, again)
		ok(t, s.Report(ctx, due, report(c, "SM1", reminders.Delivered, "")))
		if m := state(t, s, c.ID, reminders.Sending); m.ProviderID != "" {
			t.Fatalf("took the earlier try's id %q", m.ProviderID)
		}
		ok(t, s.Record(ctx, due, []reminders.Change{accept(again, "SM2", due)}))
		ok(t, s.Report(ctx, due, report(c, "SM1", reminders.Failed, "30003")))
		state(t, s, c.ID, reminders.Accepted)
		// The last try that MaxAttempts allows has been made: now it stays.
		failed.ProviderID, failed.MaxAttempts = "SM2", 2
		ok(t, s.Report(ctx, due, failed))
		state(t, s, c.ID, reminders.Undelivered)
	})
}

func TestAnUnknownOutcomeIsSettledByItsCallback(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		c := sending(t, s)
		unknown := reminders.Change{ID: c.ID, Worker: "w", From: reminders.Sending, To: reminders.Unknown, Attempt: 1, EndedAt: due,
			Result: reminders.Result{Outcome: reminders.OutcomeUnknown, Code: "timeout"}}
		ok(t, s.Record(ctx, due, []reminders.Change{unknown}))
		ok(t, s.Report(ctx, due, report(c, "SM1", reminders.Sent, "")))
		if m := state(t, s, c.ID, reminders.Sent); m.ProviderID != "SM1" || m.SentAt.IsZero() {
			t.Fatalf("settled: %+v", m)
		}
		if a := must[[]reminders.Attempt](t)(s.Attempts(ctx, c.ID)); a[0].Outcome != reminders.OutcomeAccepted {
			t.Fatalf("attempt: %+v", a[0])
		}
	})
}

// It breaks where a message given up as unsent cannot be taken back before it is sent again.
func TestProofThatItLeftComesBeforeItIsSentAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		for name, proof := range map[string]func(*store.Store, reminders.Claim) error{
			"a callback": func(s *store.Store, c reminders.Claim) error {
				return s.Report(ctx, due, report(c, "SM1", reminders.Sent, ""))
			},
			"the slow worker's": func(s *store.Store, c reminders.Claim) error {
				return s.Record(ctx, due, []reminders.Change{accept(c, "SM1", due)})
			},
		} {
			t.Run(name, func(t *testing.T) {
				trial, rollback, err := open(t).Trial(ctx)
				ok(t, err)
				defer rollback()
				c := sending(t, trial)
				if _, unknown, err := trial.Rescue(ctx, due.Add(time.Hour)); err != nil || unknown != 1 {
					t.Fatalf("unknown %d, %v", unknown, err)
				}
				ok(t, trial.Record(ctx, due.Add(2*time.Hour), []reminders.Change{{ID: c.ID, Worker: "w2", From: reminders.Unknown, To: reminders.Planned, Attempt: 1,
					RunAt: due, Resend: true, EndedAt: due}}))
				again := byStep(t, claim(t, trial, "w2", due.Add(2*time.Hour), 100), "exercise-1")
				if !again.Resend {
					t.Fatal("the second try does not say so")
				}
				ok(t, proof(trial, c))
				if fate := begin(t, trial, due.Add(2*time.Hour), again)[c.ID]; fate != reminders.BegunNot {
					t.Fatalf("sent again: %s", fate)
				}
			})
		}
	})
}

func TestWhatAProviderSaysOfAPersonIsRemembered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		claims := claim(t, s, "w", due, 100)
		bad, gone := claims[len(claims)-1], reminders.Claim{}
		for _, c := range claims {
			if c.EnrolmentID != 0 && c.EnrolmentID != bad.EnrolmentID {
				gone = c
			}
		}
		begin(t, s, due, bad, gone)
		ok(t, s.Record(ctx, due, []reminders.Change{
			{ID: bad.ID, Worker: "w", From: reminders.Sending, To: reminders.Failed, Attempt: 1, EndedAt: due, PersonID: bad.PersonID, Result: reminders.Result{Outcome: reminders.OutcomeFailed, Code: "21614", BadAddress: true}},
			{ID: gone.ID, Worker: "w", From: reminders.Sending, To: reminders.Skipped, Reason: reminders.ReasonOptedOut, Attempt: 1, EndedAt: due, PersonID: gone.PersonID, Result: reminders.Result{Outcome: reminders.OutcomeFailed, Code: "21610", OptOut: true}},
		}))
		if p := must[reminders.Person](t)(s.Person(ctx, bad.PersonID)); p.AddressFault != "21614" {
			t.Fatalf("address fault %q", p.AddressFault)
		}
		if p := must[reminders.Person](t)(s.Person(ctx, gone.PersonID)); p.OptedOutAt.IsZero() {
			t.Fatal("not opted out")
		}
		trouble := must[store.Trouble](t)(s.Undelivered(ctx, 0, 10))
		if len(trouble.Messages) != 1 || len(trouble.Persons) != 1 {
			t.Fatalf("trouble: %+v", trouble)
		}
		export := must[store.Export](t)(s.Export(ctx, gone.PersonID))
		if !export.Suppressed || len(export.Messages) == 0 {
			t.Fatalf("export: suppressed %v, %d messages", export.Suppressed, len(export.Messages))
		}
	})
}
