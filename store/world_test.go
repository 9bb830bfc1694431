package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
)

// The world of these tests: a class that ends on a Tuesday in November, seen at noon of days after it.

var (
	ctx   = context.Background()
	start = time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
)

func row(n int, change ...func(*reminders.RosterRow)) reminders.RosterRow {
	r := reminders.RosterRow{
		Line:    n + 1,
		Person:  reminders.Person{Name: fmt.Sprintf("Deltager %d", n), Phone: fmt.Sprintf("+45%08d", 20000000+n), Channel: reminders.SMS, Language: "da", Shift: reminders.DayShift},
		Company: "Smed & Søn",
		Class:   reminders.Class{Course: "5s", Name: "Hold 1", Start: day("2026-11-23"), End: day("2026-11-24")},
		Contact: reminders.Person{Name: "Lis Leder", Phone: "+4529999999", Email: "lis@smed.dk"},
		Basis:   "legitimate", ConsultantEmail: "karen.konsulent@skole.dk", TeacherEmail: "frits@skole.dk",
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func rows(n int) []reminders.RosterRow {
	out := make([]reminders.RosterRow, n)
	for i := range out {
		out[i] = row(i + 1)
	}
	return out
}

func day(s string) reminders.Date {
	d, err := reminders.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func calendar() *reminders.Calendar {
	loc, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err)
	}
	return reminders.NewCalendar(loc)
}

// planAll plans as the engine does, until nothing is left to plan, and says how many steps came in.
func planAll(t *testing.T, s *store.Store, now time.Time) (inserted int) {
	t.Helper()
	for {
		subjects := must[[]reminders.PlanSubject](t)(s.EnrolmentsToPlan(ctx, 500))
		if len(subjects) == 0 {
			return inserted
		}
		var plans []reminders.Plan
		for _, subject := range subjects {
			p := calendar().Plan(now, subject)
			inserted += len(p.Insert)
			plans = append(plans, p)
		}
		ok(t, s.SavePlans(ctx, now, plans))
	}
}

// enrolled is a store with n participants whose programme is planned.
func enrolled(t *testing.T, s *store.Store, n int) *store.Store {
	t.Helper()
	must[reminders.ImportResult](t)(s.Import(ctx, start, rows(n)))
	planAll(t, s, start)
	return s
}

func query(worker string, now time.Time, limit int) reminders.ClaimQuery {
	return reminders.ClaimQuery{Worker: worker, Now: now, Lease: 3 * time.Minute, Limit: limit, MaxPriority: reminders.PriorityBulk}
}

func claim(t *testing.T, s *store.Store, worker string, now time.Time, limit int) []reminders.Claim {
	t.Helper()
	claims, _, err := s.Claim(ctx, query(worker, now, limit))
	ok(t, err)
	return claims
}

func intent(c reminders.Claim) reminders.Intent {
	in := reminders.Intent{ID: c.ID, Worker: c.Worker, PersonID: c.PersonID, Channel: reminders.SMS, Body: "tekst " + c.Step}
	if c.Person != nil {
		in.Address = c.Person.Phone
	}
	if c.Kind == reminders.KindExercise {
		in.Choices = []reminders.Choice{{Digit: "1", Label: "Ja", Meaning: "yes"}, {Digit: "2", Label: "Nej", Meaning: "no"}}
	}
	return in
}

func begin(t *testing.T, s *store.Store, now time.Time, claims ...reminders.Claim) map[int64]reminders.Began {
	t.Helper()
	var intents []reminders.Intent
	for _, c := range claims {
		intents = append(intents, intent(c))
	}
	return must[map[int64]reminders.Began](t)(s.Begin(ctx, now, intents))
}

func accept(c reminders.Claim, providerID string, at time.Time) reminders.Change {
	return reminders.Change{ID: c.ID, Worker: c.Worker, From: reminders.Sending, To: reminders.Accepted, Attempt: c.Attempts + 1, EndedAt: at, PersonID: c.PersonID,
		Result: reminders.Result{Outcome: reminders.OutcomeAccepted, ProviderID: providerID, Status: "queued"}}
}

// send takes one message that is due at now all the way to accepted.
func send(t *testing.T, s *store.Store, c reminders.Claim, providerID string, now time.Time) {
	t.Helper()
	if fate := begin(t, s, now, c)[c.ID]; fate != reminders.Begun {
		t.Fatalf("message %d: %s", c.ID, fate)
	}
	ok(t, s.Record(ctx, now, []reminders.Change{accept(c, providerID, now)}))
}

func message(t *testing.T, s *store.Store, id int64) reminders.Message {
	t.Helper()
	return must[reminders.Message](t)(s.Message(ctx, id))
}

func state(t *testing.T, s *store.Store, id int64, want reminders.State) reminders.Message {
	t.Helper()
	m := message(t, s, id)
	if m.State != want {
		t.Fatalf("message %d (%s) is %s (%s), want %s", id, m.Step, m.State, m.Reason, want)
	}
	return m
}

func code(t *testing.T, err error, want string) {
	t.Helper()
	if got := reminders.ErrorCode(err); got != want {
		t.Fatalf("error code %q (%v), want %q", got, err, want)
	}
}

// published stores groups and publishes them.
func published(t *testing.T, s *store.Store, now time.Time, groups []reminders.BuddyGroup, say []reminders.Message) {
	t.Helper()
	ok(t, s.SaveGroups(ctx, now, groups, say))
	ok(t, s.PublishGroups(ctx, now, due))
}

// due is an instant at which everything of the programme is due.
var due = start.AddDate(1, 0, 0)

// byStep finds a claim.
func byStep(t *testing.T, claims []reminders.Claim, step string) reminders.Claim {
	t.Helper()
	for _, c := range claims {
		if c.Step == step {
			return c
		}
	}
	t.Fatalf("no %s among %d claims", step, len(claims))
	return reminders.Claim{}
}

var replies atomic.Int64

// wrote stores a reply of a person.
func wrote(t *testing.T, s *store.Store, personID int64, text string, at time.Time) int64 {
	t.Helper()
	p := must[reminders.Person](t)(s.Person(ctx, personID))
	id, fresh, err := s.SaveReply(ctx, reminders.Inbound{Channel: reminders.SMS, ProviderID: fmt.Sprint("IN", replies.Add(1)), From: p.Phone, To: "+4511111111", Text: text, At: at,
		Attributes: map[string]string{"num_segments": "1"}})
	if err != nil || !fresh {
		t.Fatalf("storing a reply: fresh %v, %v", fresh, err)
	}
	return id
}

func apply(t *testing.T, s *store.Store, now time.Time, e reminders.Effects) {
	t.Helper()
	if e.State == "" {
		e.State = reminders.ReplyHandled
	}
	if applied := must[bool](t)(s.ApplyReply(ctx, now, e)); !applied {
		t.Fatalf("reply %d was not applied", e.ReplyID)
	}
}

func stop(t *testing.T, s *store.Store, personID int64, at time.Time) {
	t.Helper()
	apply(t, s, at, reminders.Effects{ReplyID: wrote(t, s, personID, "STOP", at), Kind: reminders.ReplyStop, PersonID: personID, OptOut: true})
}

func answer(t *testing.T, s *store.Store, c reminders.Claim, text, digit, meaning string, at time.Time) {
	t.Helper()
	apply(t, s, at, reminders.Effects{ReplyID: wrote(t, s, c.PersonID, text, at), Kind: reminders.ReplyAnswer, PersonID: c.PersonID,
		Answers: []reminders.AnswerGiven{{QuestionID: c.ID, EnrolmentID: c.EnrolmentID, Step: c.Step, Digit: digit, Meaning: meaning}}})
}
