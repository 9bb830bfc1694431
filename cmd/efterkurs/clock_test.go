package main

import (
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/reminders"
)

// A machine whose clock was an hour ahead, or a day, and is set back while things are under way: a worker that
// died with messages in its hands, an outcome nobody saw, a pause that the provider asked for. The provider's
// clock was right all the time. Nothing waits until the wrong hour comes round again but what was put off to
// then, and nothing is sent twice: neither where a worker looks at once, nor where nobody looks before the
// wrong hour has come round.
//
// It fails where rescue (store/claim.go) does not know a lease too far ahead, where Reserve (store/queue.go)
// does not know such a pause, where Unknowns (store/claim.go) waits for the future, and where Find
// (bot/sms/find.go) trusts our clock to a minute: it then sends again.
func TestAClockThatWasAheadIsSetBack(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"an hour": time.Hour, "a day": 24 * time.Hour} {
		for _, away := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", and nobody looks for as long", false: ""}[away], func(t *testing.T) {
				eachDatabase(t, func(t *testing.T, database string) { setBack(t, database, ahead, away) })
			})
		}
	}
}

func setBack(t *testing.T, database string, ahead time.Duration, away bool) {
	a, ours, tw := twilioApp(t, database, 5)
	truth := &handClock{}
	tw.SetNow(truth.Now)
	// A Wednesday, in the window; a welcome is never too late.
	truth.set(time.Date(2031, 9, 3, 12, 30, 0, 0, danish))
	ours.set(truth.Now().Add(ahead))
	tick := func() {
		t.Helper()
		if _, err := a.engine.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	pass := func(d time.Duration) {
		truth.set(truth.Now().Add(d))
		ours.set(truth.Now())
	}
	const lost, throttled, claimed, claimedToo, begun = 0, 1, 2, 3, 4
	var mu sync.Mutex
	faults := map[string]providertest.Behaviour{phone(lost): providertest.AcceptedThen500(), phone(throttled): providertest.Throttled("20429", "20")}
	tw.Script(func(_ int, form url.Values) providertest.Behaviour {
		mu.Lock()
		defer mu.Unlock()
		b := faults[form.Get("To")]
		delete(faults, form.Get("To")) // the first time only
		return b
	})
	dead := a.claimAll(t, ours.Now())
	if len(dead) != 5 {
		t.Fatalf("%d were claimed", len(dead))
	}
	a.begin(t, ours.Now(), dead[begun])
	a.giveBack(t, ours.Now(), dead[lost:claimed])
	tick()
	if s := a.states(t); !slices.Equal(s, []reminders.State{reminders.Unknown, reminders.Planned, reminders.Claimed, reminders.Claimed, reminders.Sending}) {
		t.Fatalf("before the clock is set back they are %v", s)
	}

	pass(time.Minute) // and the clock is right
	if away {
		pass(ahead)
	}
	for range 30 {
		tick()
		pass(time.Minute)
	}
	for _, i := range []int{lost, claimed, claimedToo, begun} {
		if s := a.states(t)[i]; s != reminders.Accepted {
			t.Errorf("half an hour after the clock was right and somebody looked, message %d is %s", i, s)
		}
	}
	pass(ahead) // what was put off to then
	tick()
	for i, s := range a.states(t) {
		if got := sentTo(tw, phone(i)); s != reminders.Accepted || len(got) != 1 {
			t.Errorf("message %d is %s, and %d arrived", i, s, len(got))
		}
	}
}

func phone(i int) string { return "+452011500" + strconv.Itoa(i) }

// claimAll plans and takes everything that is due, as a worker that is about to die.
func (a *app) claimAll(t *testing.T, now time.Time) []reminders.Claim {
	t.Helper()
	subjects, err := a.store.EnrolmentsToPlan(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var plans []reminders.Plan
	for _, s := range subjects {
		plans = append(plans, a.calendar.Plan(now, s))
	}
	if err := a.store.SavePlans(t.Context(), now, plans); err != nil {
		t.Fatal(err)
	}
	claims, _, err := a.store.Claim(t.Context(), reminders.ClaimQuery{Worker: "dead", Now: now, Lease: 3 * time.Minute, Limit: 100, MaxPriority: reminders.PriorityBulk})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(claims, func(x, y reminders.Claim) int { return int(x.ID - y.ID) })
	return claims
}

func (a *app) giveBack(t *testing.T, now time.Time, claims []reminders.Claim) {
	t.Helper()
	var changes []reminders.Change
	for _, c := range claims {
		changes = append(changes, reminders.Change{ID: c.ID, Worker: "dead", From: reminders.Claimed, To: reminders.Planned, RunAt: now, ValidUntil: c.ValidUntil})
	}
	if err := a.store.Record(t.Context(), now, changes); err != nil {
		t.Fatal(err)
	}
}

func (a *app) begin(t *testing.T, now time.Time, c reminders.Claim) {
	t.Helper()
	fates, err := a.store.Begin(t.Context(), now, []reminders.Intent{{ID: c.ID, Worker: "dead", PersonID: c.PersonID, Channel: reminders.SMS, Address: c.Person.Phone, Body: "x", ValidUntil: c.ValidUntil}})
	if err != nil || fates[c.ID] != reminders.Begun {
		t.Fatalf("%v, %v", fates, err)
	}
}

// states are those of the welcomes, in the roster's order.
func (a *app) states(t *testing.T) (states []reminders.State) {
	t.Helper()
	all, err := a.store.Status(t.Context(), reminders.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range all {
		for _, s := range line.Steps {
			if s.Step == reminders.StepWelcome {
				states = append(states, s.State)
			}
		}
	}
	return states
}
