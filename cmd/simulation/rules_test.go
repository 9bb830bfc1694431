package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"efterkurs/reminders"
)

// The rules, from what the provider has and what the database says.

// honoured is how long after a STOP whose webhook never came something may still leave: the provider's list is
// read once a minute, and trusted two minutes longer.
const honoured = 3*time.Minute + 30*time.Second

func (t *town) check() (broken []string) {
	s := t.procs[len(t.procs)-1].store
	ctx := context.Background()
	fail := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	messages := t.messages()
	attempts := map[int64][]reminders.Attempt{}
	holder := map[string]int64{} // provider's id → message
	for _, m := range messages {
		tries, err := s.Attempts(ctx, m.ID)
		t.must(err)
		attempts[m.ID] = tries
		if m.ProviderID != "" {
			holder[m.ProviderID] = m.ID
		}
		if len(tries) != m.Attempts {
			fail("message %d (%s): %d attempts, and %d are recorded", m.ID, m.Step, m.Attempts, len(tries))
		}
		switch m.State {
		case reminders.Claimed, reminders.Sending, reminders.Unknown:
			fail("message %d (%s) is still %s (%s)", m.ID, m.Step, m.State, m.Reason)
		case reminders.Planned:
			if m.RunAt.Before(time.Now().Add(-time.Hour)) {
				fail("message %d (%s) was due at %s and is still planned (%s)", m.ID, m.Step, m.RunAt, m.Reason)
			}
		case reminders.Skipped:
			if m.Reason == "" {
				fail("message %d (%s) is skipped without a reason", m.ID, m.Step)
			}
		}
	}

	// Nothing twice: of one message the provider has at most one text, and one more for each that it reported as
	// not delivered with a code that is tried again. And nothing that we do not know of.
	type key struct{ to, body string }
	taken := map[key][]int{}
	all := t.twilio.Messages()
	for n, m := range all {
		if m.Direction == "outbound-api" {
			taken[key{m.To, m.Body}] = append(taken[key{m.To, m.Body}], n)
		}
	}
	known := map[key][]reminders.Message{}
	for _, m := range messages {
		if m.Body != "" {
			known[key{m.Address, m.Body}] = append(known[key{m.Address, m.Body}], m)
		}
	}
	for k, texts := range taken {
		allowed := 0
		for _, m := range known[k] {
			for i, a := range attempts[m.ID] {
				last := i == len(attempts[m.ID])-1
				again := slices.Contains([]string{"30003", "30008"}, a.Code)
				if again || last && (m.State.HasLeft() || m.State == reminders.Failed) {
					allowed++
				}
			}
		}
		if len(texts) > allowed {
			fail("%s has %.30q %d times (%v), %d of them for a reason; messages %s", k.to, k.body, len(texts), texts, allowed, brief(known[k]))
		}
	}

	// Nothing lost: what the database says has left, the provider has.
	have := map[string]bool{}
	for _, m := range all {
		have[m.SID] = true
	}
	for _, m := range messages {
		if m.State.HasLeft() && !have[m.ProviderID] {
			fail("message %d (%s) is %s as %q, which the provider does not have", m.ID, m.Step, m.State, m.ProviderID)
		}
		if t.delivered[m.ProviderID] && m.State != reminders.Delivered && m.State != reminders.Skipped {
			fail("message %d (%s) is %s, and its delivery was reported; %s, tries %+v", m.ID, m.Step, m.State, m.ProviderID, attempts[m.ID])
		}
		if m.State.HasLeft() && holder[m.ProviderID] != m.ID {
			fail("messages %d and %d are the same text at the provider", m.ID, holder[m.ProviderID])
		}
	}
	t.steps(messages, fail)
	t.inbound(fail)
	t.stops(messages, attempts, fail)
	return broken
}

func brief(messages []reminders.Message) string {
	var out []string
	for _, m := range messages {
		out = append(out, fmt.Sprintf("%d %s %s/%s %s after %d", m.ID, m.Step, m.State, m.Reason, m.ErrorCode, m.Attempts))
	}
	return strings.Join(out, "; ")
}

// messages is every message there is to the people and their leaders.
func (t *town) messages() []reminders.Message {
	s := t.procs[len(t.procs)-1].store
	var out []reminders.Message
	for _, phone := range append(slices.Clone(t.people), "+4521000000", "+4521000001") {
		persons, err := s.FindPersons(context.Background(), phone)
		t.must(err)
		for _, p := range persons {
			all, err := s.Messages(context.Background(), reminders.MessageFilter{PersonID: p.ID})
			t.must(err)
			out = append(out, all...)
		}
	}
	return out
}

// steps: each enrolment has the programme's steps, once each.
func (t *town) steps(messages []reminders.Message, fail func(string, ...any)) {
	seen := map[string]int{}
	enrolments := map[int64]bool{}
	for _, m := range messages {
		if m.EnrolmentID != 0 && m.Subject == reminders.EnrolmentSubject(m.EnrolmentID) {
			seen[m.Subject+" "+m.Step]++
			enrolments[m.EnrolmentID] = true
		}
	}
	if len(enrolments) != len(t.people) {
		fail("%d people, and steps of %d enrolments", len(t.people), len(enrolments))
	}
	for id := range enrolments {
		for _, step := range []string{reminders.StepWelcome, reminders.ExerciseStep(1), reminders.ExerciseStep(2), reminders.ExerciseStep(6), reminders.NudgeStep(1), reminders.StepBuddy} {
			if n := seen[reminders.EnrolmentSubject(id)+" "+step]; n != 1 {
				fail("enrolment %d has %s %d times", id, step, n)
			}
		}
	}
}

// inbound: what people wrote is kept, once, whether its webhook came or not.
func (t *town) inbound(fail func(string, ...any)) {
	replies, err := t.procs[len(t.procs)-1].store.Replies(context.Background(), reminders.ReplyFilter{})
	t.must(err)
	kept := map[string]int{}
	for _, r := range replies {
		kept[r.ProviderID]++
		if r.State == reminders.ReplyReceived {
			fail("reply %d is still waiting for the machine", r.ID)
		}
	}
	for _, w := range t.said {
		if kept[w.sid] != 1 {
			fail("%q of %s, written at %s, is kept %d times", w.text, w.phone, w.at, kept[w.sid])
		}
	}
	if len(replies) != len(t.said) {
		fail("%d texts were written, %d are kept", len(t.said), len(replies))
	}
}

// stops: nothing is begun for who said STOP after we said that we had heard it, nor long after it was written, nor by a
// process that was born after it.
func (t *town) stops(messages []reminders.Message, attempts map[int64][]reminders.Attempt, fail func(string, ...any)) {
	born := map[string]time.Time{}
	for _, p := range t.procs {
		born[p.name] = p.born
	}
	for i, w := range t.said {
		if !strings.EqualFold(w.text, "STOP") {
			continue
		}
		until := time.Now() // somebody who starts again is written to again
		for _, o := range t.said[:] {
			if o.phone == w.phone && o.text == "START" && !o.at.Before(w.at.Add(-time.Minute)) && o.at.Before(until) {
				until = o.at
			}
		}
		for _, m := range messages {
			if m.Address != w.phone {
				continue
			}
			for _, a := range attempts[m.ID] {
				late := !w.acked.IsZero() && a.StartedAt.After(w.acked) || a.StartedAt.After(w.at.Add(honoured)) ||
					born[a.Worker].After(w.at) && a.StartedAt.After(w.at)
				if late && a.StartedAt.Before(until) && a.Outcome != reminders.OutcomeRetry {
					fail("%s said STOP at %s (text %d, taken in %s), and message %d (%s) was begun by %s at %s", w.phone, w.at.Format(time.TimeOnly), i, w.acked.Format(time.TimeOnly), m.ID, m.Step, a.Worker, a.StartedAt)
				}
			}
		}
	}
}
