package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

func TestTheCoreRunsFromRosterToSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		result := must[reminders.ImportResult](t)(s.Import(ctx, start, rows(3)))
		if result.Created != 3 || result.People != 3 || result.Companies != 1 || result.Classes != 1 {
			t.Fatalf("import: %+v", result)
		}
		if n := planAll(t, s, start); n == 0 {
			t.Fatal("nothing was planned")
		}
		noon := time.Date(2026, 11, 24, 13, 30, 0, 0, time.UTC)
		claims := claim(t, s, "w1", noon, 100)
		if len(claims) != 3 {
			t.Fatalf("%d claims on the last course day, want three welcomes", len(claims))
		}
		for i, c := range claims {
			if c.Kind != reminders.KindWelcome || c.Person == nil || c.Class == nil || c.Company == nil || c.Consultant == nil || c.Teacher == nil || c.Enrolment == nil || c.People != 3 {
				t.Fatalf("claim without its context: %+v", c)
			}
			send(t, s, c, fmt.Sprintf("SM%d", i), noon)
			m := state(t, s, c.ID, reminders.Accepted)
			if m.ProviderID != fmt.Sprintf("SM%d", i) || !m.SentAt.Equal(noon) || m.Attempts != 1 || m.Body == "" {
				t.Fatalf("sent: %+v", m)
			}
		}
		ok(t, s.SaveTick(ctx, reminders.Tick{StartedAt: noon, Took: time.Second, Worker: "w1", Counts: reminders.Counts{Sent: 3}}))
		tick := must[reminders.Tick](t)(s.LastTick(ctx))
		if tick.Counts.Sent != 3 || tick.Took != time.Second {
			t.Fatalf("tick: %+v", tick)
		}
		all := must[[]reminders.EnrolmentStatus](t)(s.Status(ctx, reminders.Filter{Company: "SMED & søn"}))
		if len(all) != 3 || all[0].Steps[0].State != reminders.Accepted || all[0].Visit == nil {
			t.Fatalf("status: %+v", all)
		}
		if n := planAll(t, s, noon); n != 0 {
			t.Fatalf("planning again inserted %d steps", n)
		}
	})
}

func TestTwoClaimersNeverGetTheSameMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		stores := []*store.Store{enrolled(t, open(t), 40), open(t)}
		var mu sync.Mutex
		taken := map[int64]string{}
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				worker := fmt.Sprint("w", w)
				for {
					claims, _, err := stores[w%2].Claim(ctx, query(worker, due, 17))
					if err != nil {
						t.Error(err)
						return
					}
					if len(claims) == 0 {
						return
					}
					mu.Lock()
					for _, c := range claims {
						if other, ok := taken[c.ID]; ok {
							t.Errorf("message %d was claimed by %s and %s", c.ID, other, worker)
						}
						taken[c.ID] = worker
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(taken) < 40*17 {
			t.Fatalf("only %d messages were claimed", len(taken))
		}
	})
}

func TestRepliesGoBeforeVisitsBeforeBulk(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		claims := claim(t, s, "w", due, 1000)
		for i := range claims[1:] {
			a, b := claims[i], claims[i+1]
			if a.Priority > b.Priority || a.Priority == b.Priority && a.RunAt.After(b.RunAt) {
				t.Fatalf("%s (%d, %s) came before %s (%d, %s)", a.Step, a.Priority, a.RunAt, b.Step, b.Priority, b.RunAt)
			}
		}
		if claims[0].Priority == claims[len(claims)-1].Priority {
			t.Fatal("all of one priority: the test shows nothing")
		}
	})
}

func TestClaimTakesNothingThatIsNotDueOrOfLaterPriority(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		if claims := claim(t, s, "w", start, 100); len(claims) != 0 {
			t.Fatalf("claimed before its time: %s", claims[0].Step)
		}
		q := query("w", due, 100)
		q.MaxPriority = reminders.PriorityVisit
		claims, _, err := s.Claim(ctx, q)
		ok(t, err)
		for _, c := range claims {
			if c.Priority > reminders.PriorityVisit {
				t.Fatalf("claimed %s of priority %d", c.Step, c.Priority)
			}
		}
	})
}

func TestBeginRefusesAfterTheLeaseAndForAnotherWorker(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		c := byStep(t, claim(t, s, "w", due, 100), "welcome")
		if fate := begin(t, s, due.Add(3*time.Minute), c)[c.ID]; fate != reminders.BegunNot {
			t.Fatalf("after the lease: %s", fate)
		}
		other := c
		other.Worker = "somebody else"
		if fate := begin(t, s, due, other)[c.ID]; fate != reminders.BegunNot {
			t.Fatalf("for another worker: %s", fate)
		}
		state(t, s, c.ID, reminders.Claimed)
		if fate := begin(t, s, due, c)[c.ID]; fate != reminders.Begun {
			t.Fatalf("for its own worker: %s", fate)
		}
		if fate := begin(t, s, due, c)[c.ID]; fate != reminders.BegunNot {
			t.Fatalf("a second time: %s", fate)
		}
		if attempts := must[[]reminders.Attempt](t)(s.Attempts(ctx, c.ID)); len(attempts) != 1 || attempts[0].Outcome != "" {
			t.Fatalf("attempts: %+v", attempts)
		}
	})
}

// It breaks where Begin does not look at the person again.
func TestStopBetweenClaimAndBeginIsHeard(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		claims := claim(t, s, "w", due, 100)
		c := byStep(t, claims, "welcome")
		stop(t, s, c.PersonID, due)
		for _, mine := range claims {
			want := reminders.Begun
			if mine.PersonID == c.PersonID {
				want = reminders.OptedOut
			}
			if fate := begin(t, s, due, mine)[mine.ID]; fate != want {
				t.Fatalf("%s to person %d: %s, want %s", mine.Step, mine.PersonID, fate, want)
			}
		}
		if m := state(t, s, c.ID, reminders.Skipped); m.Reason != reminders.ReasonOptedOut {
			t.Fatalf("reason %q", m.Reason)
		}
	})
}

func TestWhatIsPlannedForWhoSaidStopIsSkippedInTheClaim(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		all := must[[]reminders.EnrolmentStatus](t)(s.Status(ctx, reminders.Filter{}))
		stop(t, s, all[0].Person.ID, start)
		// Planned after the STOP, by somebody who did not know of it yet.
		late := reminders.Message{Subject: "test", Step: "late", Kind: reminders.KindWelcome, PersonID: all[0].Person.ID, EnrolmentID: all[0].EnrolmentID,
			Priority: reminders.PriorityReply, DueAt: start, RunAt: start}
		ok(t, s.SavePlans(ctx, start, []reminders.Plan{{EnrolmentID: all[0].EnrolmentID, Version: 99, Insert: []reminders.Message{late}}}))
		claims, optedOut, err := s.Claim(ctx, query("w", due, 1000))
		ok(t, err)
		if optedOut != 1 {
			t.Fatalf("%d skipped in the claim, want 1", optedOut)
		}
		for _, c := range claims {
			if c.PersonID == all[0].Person.ID {
				t.Fatalf("claimed %s to somebody who said STOP", c.Step)
			}
		}
	})
}

func TestNeverTwoExercisesOnOneDayToOnePerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s, other := open(t), open(t)
		second := func(r *reminders.RosterRow) { r.Class.Course, r.Class.Name = "smed", "Hold 2" }
		must[reminders.ImportResult](t)(s.Import(ctx, start, []reminders.RosterRow{row(1), row(1, second)}))
		planAll(t, s, start)
		var exercises []reminders.Claim
		for _, c := range claim(t, s, "w", due, 1000) {
			if c.Kind == reminders.KindExercise {
				exercises = append(exercises, c)
			}
		}
		if len(exercises) != 12 {
			t.Fatalf("%d exercises, want 12", len(exercises))
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		begun := 0
		for i, c := range exercises {
			wg.Go(func() {
				in := intent(c)
				in.Day = day("2027-11-24")
				fates, err := []*store.Store{s, other}[i%2].Begin(ctx, due, []reminders.Intent{in})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				switch fates[c.ID] {
				case reminders.Begun:
					begun++
				case reminders.DayTaken:
				default:
					t.Errorf("fate %q", fates[c.ID])
				}
			})
		}
		wg.Wait()
		if begun != 1 {
			t.Fatalf("%d exercises left on one day", begun)
		}
	})
}

func TestRescueFreesClaimsAndNeverResendsWhatMayHaveLeft(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		claims := claim(t, s, "w", due, 2)
		begin(t, s, due, claims[0])
		if released, unknown, err := s.Rescue(ctx, due.Add(time.Minute)); err != nil || released+unknown != 0 {
			t.Fatalf("while the lease lasts: %d, %d, %v", released, unknown, err)
		}
		released, unknown, err := s.Rescue(ctx, due.Add(3*time.Minute))
		ok(t, err)
		if released != 1 || unknown != 1 {
			t.Fatalf("released %d, unknown %d", released, unknown)
		}
		state(t, s, claims[0].ID, reminders.Unknown)
		state(t, s, claims[1].ID, reminders.Planned)
		if a := must[[]reminders.Attempt](t)(s.Attempts(ctx, claims[0].ID)); a[0].Outcome != reminders.OutcomeUnknown {
			t.Fatalf("attempt: %+v", a)
		}
		for _, c := range claim(t, s, "w2", due.Add(time.Hour), 1000) {
			if c.ID == claims[0].ID {
				t.Fatal("an unknown outcome was claimed again")
			}
		}
		unknowns := must[[]reminders.Claim](t)(s.Unknowns(ctx, due.Add(4*time.Minute), 10))
		if len(unknowns) != 1 || unknowns[0].ID != claims[0].ID || unknowns[0].Body == "" {
			t.Fatalf("unknowns: %+v", unknowns)
		}
		// The worker was only slow.
		ok(t, s.Record(ctx, due.Add(5*time.Minute), []reminders.Change{accept(claims[0], "SM1", due)}))
		state(t, s, claims[0].ID, reminders.Accepted)
	})
}

func TestANudgeKnowsItsExerciseAndTheAnswerThatCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 3)
		claims := claim(t, s, "w", due, 1000)
		ex := byStep(t, claims, "exercise-1")
		send(t, s, ex, "SM1", due)
		answer(t, s, ex, "2 måske", "2", "no", due)
		answer(t, s, ex, "1. Når jeg møder, så rydder jeg bordet", "1", "yes", due)
		published(t, s, due, []reminders.BuddyGroup{{CompanyID: ex.CompanyID, Why: "same class", Members: []reminders.BuddyMember{
			{EnrolmentID: ex.EnrolmentID, PersonID: ex.PersonID, Starter: true}, {EnrolmentID: ex.EnrolmentID + 1, PersonID: other(t, claims, ex.EnrolmentID+1)}}}}, nil)
		released, _, err := s.Rescue(ctx, due.Add(time.Hour))
		ok(t, err)
		if released == 0 {
			t.Fatal("nothing released")
		}
		found := false
		for _, c := range claim(t, s, "w", due.Add(2*time.Hour), 1000) {
			if c.Kind == reminders.KindNudge && c.Week == 1 && c.EnrolmentID == ex.EnrolmentID {
				found = true
				if c.Question == nil || c.Question.ID != ex.ID || c.Question.Answer != "1" || c.Question.Meaning != "yes" {
					t.Fatalf("question: %+v", c.Question)
				}
				if c.Plan != "Når jeg møder, så rydder jeg bordet" {
					t.Fatalf("plan: %q", c.Plan)
				}
				if len(c.Buddies) != 1 || c.Starter != ex.PersonID {
					t.Fatalf("buddies: %+v, starter %d", c.Buddies, c.Starter)
				}
			}
		}
		if !found {
			t.Fatal("no nudge")
		}
	})
}

func other(t *testing.T, claims []reminders.Claim, enrolment int64) int64 {
	t.Helper()
	for _, c := range claims {
		if c.EnrolmentID == enrolment {
			return c.PersonID
		}
	}
	t.Fatalf("nobody on enrolment %d", enrolment)
	return 0
}
