package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

func TestATextIsStoredOnceHoweverOftenItIsDelivered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s, second := open(t), open(t)
		in := reminders.Inbound{Channel: reminders.SMS, ProviderID: "SM1", From: "+4520000001", To: "+4511", Text: "ja \x00 \xff 👍", At: start,
			Media: []string{"https://example.com/a.jpg"}, OptOut: "STOP", Attributes: map[string]string{"num_segments": "2"}}
		var fresh atomic.Int64
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				_, isNew, err := []*store.Store{s, second}[i%2].SaveReply(ctx, in)
				if err != nil {
					t.Error(err)
				}
				if isNew {
					fresh.Add(1)
				}
			})
		}
		wg.Wait()
		if fresh.Load() != 1 {
			t.Fatalf("%d times fresh", fresh.Load())
		}
		pending := must[[]reminders.Reply](t)(s.PendingReplies(ctx, 0, 10))
		if len(pending) != 1 {
			t.Fatalf("%d pending", len(pending))
		}
		r := pending[0]
		if r.Text != "ja \uFFFD \uFFFD 👍" || r.Media[0] != in.Media[0] || r.Attributes["num_segments"] != "2" || r.OptOut != "STOP" || !r.At.Equal(start) {
			t.Fatalf("stored: %+v", r)
		}
		// Another channel's id is another text; without an id, every text is one.
		in.Channel = reminders.Email
		_, isNew, err := s.SaveReply(ctx, in)
		if err != nil || !isNew {
			t.Fatalf("on another channel: %v, %v", isNew, err)
		}
		in.ProviderID = ""
		for range 2 {
			if _, isNew, err := s.SaveReply(ctx, in); err != nil || !isNew {
				t.Fatalf("without an id: %v, %v", isNew, err)
			}
		}
	})
}

// It breaks where two workers may interpret one reply: the text back would still be one, the answers two.
func TestEffectsAreAppliedOnceUnderTwentyCallers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s, second := enrolled(t, open(t), 1), open(t)
		c := byStep(t, claim(t, s, "w", due, 100), "exercise-1")
		send(t, s, c, "SM1", due)
		id := wrote(t, s, c.PersonID, "1", due)
		effects := reminders.Effects{ReplyID: id, Kind: reminders.ReplyAnswer, State: reminders.ReplyHandled, PersonID: c.PersonID,
			Answers: []reminders.AnswerGiven{{QuestionID: c.ID, EnrolmentID: c.EnrolmentID, Step: c.Step, Digit: "1", Meaning: "yes"}},
			Say: []reminders.Message{{Subject: reminders.ReplySubject(id), Step: "say", Kind: reminders.KindReply, DueAt: due, RunAt: due,
				Params: map[string]string{"key": "thanks-yes"}}}}
		var applied atomic.Int64
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				done, err := []*store.Store{s, second}[i%2].ApplyReply(ctx, due, effects)
				if err != nil {
					t.Error(err)
				}
				if done {
					applied.Add(1)
				}
			})
		}
		wg.Wait()
		if applied.Load() != 1 {
			t.Fatalf("applied %d times", applied.Load())
		}
		export := must[store.Export](t)(s.Export(ctx, c.PersonID))
		if len(export.Answers) != 1 {
			t.Fatalf("%d answers", len(export.Answers))
		}
		say := claim(t, s, "w", due.Add(time.Second), 10)
		if len(say) != 1 || say[0].Kind != reminders.KindReply || say[0].PersonID != c.PersonID || say[0].Params["key"] != "thanks-yes" || say[0].Priority != reminders.PriorityReply {
			t.Fatalf("said: %+v", say)
		}
		code(t, errOf(s.ApplyReply(ctx, due, reminders.Effects{ReplyID: 404, State: reminders.ReplyHandled})), reminders.ENOTFOUND)
	})
}

func errOf[T any](_ T, err error) error { return err }

func TestStopCoversAllCoursesAndStartBringsThemBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, row(1), row(1, func(r *reminders.RosterRow) { r.Class.Name = "Hold 2" }), row(2))
		planAll(t, s, start)
		p := status(t, s)[0].Person
		stop(t, s, p.ID, start)
		for _, st := range status(t, s) {
			for _, step := range st.Steps {
				if skipped := step.State == reminders.Skipped && step.Reason == reminders.ReasonOptedOut; skipped != (st.Person.ID == p.ID) {
					t.Fatalf("%s of person %d: %s %s", step.Step, st.Person.ID, step.State, step.Reason)
				}
			}
		}
		if n := dirty(t, s); n != 0 {
			t.Fatalf("%d to plan after a STOP", n)
		}
		back := start.Add(time.Hour)
		apply(t, s, back, reminders.Effects{ReplyID: wrote(t, s, p.ID, "START", back), Kind: reminders.ReplyStart, PersonID: p.ID, OptIn: true})
		if got := must[reminders.Person](t)(s.Person(ctx, p.ID)); !got.OptedOutAt.IsZero() {
			t.Fatal("still opted out")
		}
		if export := must[store.Export](t)(s.Export(ctx, p.ID)); export.Suppressed {
			t.Fatal("still suppressed")
		}
		if n := dirty(t, s); n != 2 {
			t.Fatalf("%d to plan after a START, want 2", n)
		}
		planAll(t, s, back)
		for _, st := range status(t, s) {
			for _, step := range st.Steps {
				if step.State != reminders.Planned {
					t.Fatalf("%s: %s %s", step.Step, step.State, step.Reason)
				}
			}
		}
	})
}

func TestWhoWrote(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, row(1), row(2, func(r *reminders.RosterRow) {
			r.Person.Phone, r.Person.SlackID, r.Person.Channel = "", "U2", reminders.Slack
		}),
			row(3, func(r *reminders.RosterRow) {
				r.Person.Phone, r.Person.Email, r.Person.Channel = "", "tre@smed.dk", reminders.Slack
			}),
			row(4, func(r *reminders.RosterRow) { r.Person.Email = "faelles@smed.dk" }), row(5, func(r *reminders.RosterRow) { r.Person.Email = "faelles@smed.dk" }))
		planAll(t, s, start)
		c := byStep(t, claim(t, s, "w", due, 1000), "exercise-1")
		send(t, s, c, "SM1", due)
		for i, test := range []struct {
			in   reminders.Inbound
			name string
		}{
			{reminders.Inbound{Channel: reminders.SMS, From: "+4520000001"}, "Deltager 1"},
			{reminders.Inbound{Channel: reminders.SMS, From: "+4529999999"}, "Lis Leder"},
			{reminders.Inbound{Channel: reminders.SMS, From: "+4599999999"}, ""},
			{reminders.Inbound{Channel: reminders.SMS, From: ""}, ""},
			{reminders.Inbound{Channel: reminders.Slack, From: "U2"}, "Deltager 2"},
			{reminders.Inbound{Channel: reminders.Slack, From: "U3", Attributes: map[string]string{"email": "Tre@smed.dk"}}, "Deltager 3"},
			{reminders.Inbound{Channel: reminders.Slack, From: "U4"}, ""},
			{reminders.Inbound{Channel: reminders.Email, From: "TRE@smed.dk"}, "Deltager 3"},
			{reminders.Inbound{Channel: reminders.Email, From: "faelles@smed.dk"}, ""}, // shared: a person decides
			{reminders.Inbound{Channel: reminders.Email, From: "privat@mail.dk", QuestionID: c.ID}, c.Person.Name},
		} {
			test.in.ProviderID, test.in.At = fmt.Sprint("X", i), due
			id, _, err := s.SaveReply(ctx, test.in)
			ok(t, err)
			rc := must[reminders.ReplyContext](t)(s.ReplyContext(ctx, id))
			got := ""
			if rc.Person != nil {
				got = rc.Person.Name
			}
			if got != test.name {
				t.Errorf("%s from %q: %q, want %q", test.in.Channel, test.in.From, got, test.name)
			}
		}
		linked := status(t, s)[2].Person
		ok(t, s.LinkSlack(ctx, linked.ID, "U3"))
		if known := must[bool](t)(s.KnowsSlackUser(ctx, "", "U3")); !known {
			t.Fatal("the Slack id was not remembered")
		}
		code(t, s.LinkSlack(ctx, linked.ID, "U99"), reminders.ECONFLICT)
	})
}

func TestTheContextOfAReply(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, row(1), row(1, func(r *reminders.RosterRow) {
			r.Class = reminders.Class{Course: "smed", Name: "Hold 2", Start: day("2026-12-01"), End: day("2026-12-02")}
		}), row(2))
		planAll(t, s, start)
		claims := claim(t, s, "w", due, 1000)
		first, second := byStep(t, claims, "exercise-1"), byStep(t, claims, "exercise-2")
		send(t, s, first, "SM1", due)
		send(t, s, second, "SM2", due.Add(time.Minute))
		answer(t, s, first, "2", "2", "no", due.Add(2*time.Hour))
		id := wrote(t, s, first.PersonID, "1", due.Add(3*time.Hour))
		rc := must[reminders.ReplyContext](t)(s.ReplyContext(ctx, id))
		var want int
		for _, st := range status(t, s) {
			if st.Person.ID == first.PersonID {
				want++
			}
		}
		if len(rc.Participations) != want || rc.Participations[0].Consultant == nil {
			t.Fatalf("participations: %+v", rc.Participations)
		}
		var questions []string
		for _, q := range rc.Questions {
			questions = append(questions, q.Step+"="+q.Answer)
		}
		if first.PersonID == second.PersonID && fmt.Sprint(questions) != "[exercise-2= exercise-1=2]" {
			t.Fatalf("questions, newest first: %v", questions)
		}
		lead := must[[]reminders.Person](t)(s.FindPersons(ctx, "lis leder"))
		rc = must[reminders.ReplyContext](t)(s.ReplyContext(ctx, wrote(t, s, lead[0].ID, "1", due)))
		if len(rc.Leads) != 1 || rc.Leads[0].Consultant == nil || len(rc.Visits) == 0 || len(rc.Participations) != 0 {
			t.Fatalf("the leader's: %+v", rc)
		}
		code(t, errOf(s.ReplyContext(ctx, 404)), reminders.ENOTFOUND)
	})
}
