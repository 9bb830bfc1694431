package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// staff are a consultant of the school of row, another one, a teacher and an administrator.
type staff struct{ karen, bent, frits, anne reminders.Viewer }

func hired(t *testing.T, s *store.Store) staff {
	t.Helper()
	viewer := func(email, name, role string) reminders.Viewer {
		u, err := s.UserByEmail(ctx, email)
		if err != nil {
			u = reminders.User{Email: email, Name: name, Role: role}
			u = must[reminders.User](t)(s.SaveUser(ctx, start, u))
		}
		return reminders.Viewer{UserID: u.ID, Role: role, All: role == reminders.Admin}
	}
	return staff{viewer("karen.konsulent@skole.dk", "", reminders.Consultant), viewer("bent@skole.dk", "Bent Juul", reminders.Consultant),
		viewer("frits@skole.dk", "", reminders.Teacher), viewer("anne@skole.dk", "Anne Admin", reminders.Admin)}
}

// asks stores a reply of a person that waits for a human.
func asks(t *testing.T, s *store.Store, personID int64, text string, at time.Time, change ...func(*reminders.Effects)) int64 {
	t.Helper()
	e := reminders.Effects{ReplyID: wrote(t, s, personID, text, at), Kind: reminders.ReplyText, State: reminders.ReplyInbox, PersonID: personID}
	for _, f := range change {
		f(&e)
	}
	apply(t, s, at, e)
	return e.ReplyID
}

// strange stores a text from a number that nobody has.
func strange(t *testing.T, s *store.Store, from, text string, at time.Time) int64 {
	t.Helper()
	id, _, err := s.SaveReply(ctx, reminders.Inbound{Channel: reminders.SMS, ProviderID: fmt.Sprint("IN", replies.Add(1)), From: from, To: "+4511111111", Text: text, At: at})
	ok(t, err)
	apply(t, s, at, reminders.Effects{ReplyID: id, Kind: reminders.ReplyUnknown, State: reminders.ReplyInbox})
	return id
}

func talks(t *testing.T, s *store.Store, v reminders.Viewer, view string) []reminders.Talk {
	t.Helper()
	return must[[]reminders.Talk](t)(s.Talks(ctx, reminders.TalkFilter{Viewer: v, View: view}))
}

func lines(all []reminders.Talk) (out []int64) {
	for _, talk := range all {
		out = append(out, talk.Reply.ID)
	}
	return out
}

func conversation(t *testing.T, s *store.Store, v reminders.Viewer, replyID int64) reminders.Conversation {
	t.Helper()
	return must[reminders.Conversation](t)(s.Conversation(ctx, due, v, replyID))
}

func TestInboxHasALineAConversationUrgentFirstThenWhoWaitedLongest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, row(1), row(2), row(3), row(4, func(r *reminders.RosterRow) {
			r.Company, r.ConsultantEmail, r.Contact, r.Class.Name = "Tved Plast", "bent@skole.dk", reminders.Person{}, "Hold 9"
		}))
		who := hired(t, s)
		var p []int64
		for _, st := range status(t, s) {
			p = append(p, st.Person.ID)
		}
		at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
		first := asks(t, s, p[0], "Hvem er det?", at(0))
		second := asks(t, s, p[1], "Jeg er faldet", at(1), func(e *reminders.Effects) { e.Urgent = true })
		third := strange(t, s, "+4561111111", "Hej", at(2))
		later := asks(t, s, p[0], "Er der nogen?", at(3))
		others := asks(t, s, p[3], "Hos Tved", at(4))
		_ = asks(t, s, p[2], "1", at(5), func(e *reminders.Effects) { e.State = reminders.ReplyHandled }) // no person's business

		if got := lines(talks(t, s, who.karen, reminders.TalksMine)); !slices.Equal(got, []int64{second, later, third}) {
			t.Fatalf("Karen's: %v", got)
		}
		if got := lines(talks(t, s, who.bent, reminders.TalksMine)); !slices.Equal(got, []int64{third, others}) {
			t.Fatalf("Bent's: %v", got)
		}
		if got := lines(talks(t, s, who.anne, reminders.TalksAll)); !slices.Equal(got, []int64{second, later, third, others}) {
			t.Fatalf("the administrator's: %v", got)
		}
		if got := lines(talks(t, s, who.anne, reminders.TalksMine)); !slices.Equal(got, []int64{third}) {
			t.Fatalf("the administrator's own: %v", got)
		}
		line := talks(t, s, who.karen, reminders.TalksMine)[1]
		if line.Waiting != 2 || !line.Since.Equal(at(0)) || line.Reply.Text != "Er der nogen?" || line.Company != "Smed & Søn" || line.Owner == nil || line.Owner.ID != who.karen.UserID || line.Taken {
			t.Fatalf("the line: %+v", line)
		}
		// A page at a time, in the same order.
		var paged []int64
		for after := ""; ; {
			page := must[[]reminders.Talk](t)(s.Talks(ctx, reminders.TalkFilter{Viewer: who.anne, View: reminders.TalksAll, After: after, Limit: 1}))
			if len(page) == 0 {
				break
			}
			paged, after = append(paged, page[0].Reply.ID), page[0].Cursor
		}
		if !slices.Equal(paged, []int64{second, later, third, others}) {
			t.Fatalf("by pages: %v", paged)
		}
		// Who takes one has it whole, and it is on their list instead of the other's.
		ok(t, s.TakeReply(ctx, at(6), who.anne.UserID, first, 0))
		if got := lines(talks(t, s, who.karen, reminders.TalksMine)); !slices.Equal(got, []int64{second, third}) {
			t.Fatalf("Karen's after it was taken: %v", got)
		}
		taken := talks(t, s, who.karen, reminders.TalksAll)[1]
		if taken.Owner.Name != "Anne Admin" || !taken.Taken {
			t.Fatalf("taken by %+v", taken.Owner)
		}
		mine, all, err := s.CountTalks(ctx, who.anne)
		if ok(t, err); mine != 2 || all != 4 {
			t.Fatalf("counted %d and %d", mine, all)
		}
		code(t, s.TakeReply(ctx, at(7), who.karen.UserID, first, 0), reminders.ECONFLICT) // she did not know
		ok(t, s.TakeReply(ctx, at(7), who.karen.UserID, first, who.anne.UserID))
		ok(t, s.ReleaseReply(ctx, who.anne.UserID, first)) // it is no longer hers to release
		if c := conversation(t, s, who.karen, first); !c.Taken || c.Owner.ID != who.karen.UserID {
			t.Fatalf("owner %+v", c.Owner)
		}
		ok(t, s.ReleaseReply(ctx, who.karen.UserID, later))
		if c := conversation(t, s, who.karen, first); c.Taken {
			t.Fatal("still taken")
		}
	})
}

func TestInboxIsReadByTheCompanysConsultantAndTroubleByNoTeacher(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		who := hired(t, s)
		p := status(t, s)[0].Person.ID
		words := asks(t, s, p, "Vi har flyttet tavlen", start)
		trouble := asks(t, s, p, "Jeg bliver mobbet", start.Add(time.Minute), func(e *reminders.Effects) { e.Kind, e.Urgent = reminders.ReplyTrouble, true })
		_, err := s.Conversation(ctx, due, who.bent, words)
		code(t, err, reminders.ENOTFOUND)
		_, err = s.Conversation(ctx, due, who.frits, trouble)
		code(t, err, reminders.ENOTFOUND)
		if c := conversation(t, s, who.frits, words); len(c.Replies) != 1 || c.Hidden != 1 {
			t.Fatalf("the teacher reads %d, hidden %d", len(c.Replies), c.Hidden)
		}
		for _, v := range []reminders.Viewer{who.karen, who.anne} {
			if c := conversation(t, s, v, trouble); len(c.Replies) != 2 || c.Hidden != 0 {
				t.Fatalf("viewer %d reads %d", v.UserID, len(c.Replies))
			}
		}
		if got := talks(t, s, who.frits, reminders.TalksAll); len(got) != 1 || got[0].Reply.ID != words || got[0].Urgent {
			t.Fatalf("the teacher's inbox: %+v", got)
		}
		if got := talks(t, s, who.bent, reminders.TalksAll); len(got) != 0 {
			t.Fatalf("another consultant's inbox: %+v", got)
		}
		for v, want := range map[reminders.Viewer]bool{who.karen: true, who.frits: true, who.anne: true, who.bent: false} {
			if got := must[bool](t)(s.Sees(ctx, v, p)); got != want {
				t.Errorf("%s %d sees the person: %v", v.Role, v.UserID, got)
			}
		}
	})
}

func written(c reminders.Conversation, by int64, text string, now time.Time) reminders.Written {
	return reminders.Written{ReplyID: c.Reply.ID, AuthorID: by, Text: text, Known: c.Known, RunAt: now}
}

func TestInboxAnAnswerLeavesAsItWasWrittenAndHandlesAllThatWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		who := hired(t, s)
		p := status(t, s)[0].Person
		first := asks(t, s, p.ID, "Hvem er det?", start)
		second := asks(t, s, p.ID, "Hallo?", start.Add(time.Hour))
		now := start.Add(3 * time.Hour)
		c := conversation(t, s, who.karen, second)
		text := "Hej {first_name}, det er Karen. Ring {nu}!"
		ok(t, s.AnswerReply(ctx, now, written(c, who.karen.UserID, text, now)))
		ok(t, s.AnswerReply(ctx, now, written(c, who.karen.UserID, text, now))) // the button pressed twice
		for _, r := range conversation(t, s, who.karen, first).Replies {
			if r.State != reminders.ReplyHandled || !r.AnsweredAt.Equal(now) || r.AssignedID != who.karen.UserID {
				t.Fatalf("reply %d: %s, answered %s by %d", r.ID, r.State, r.AnsweredAt, r.AssignedID)
			}
		}
		claims := claim(t, s, "w", now, 10)
		i := slices.IndexFunc(claims, func(c reminders.Claim) bool { return c.Kind == reminders.KindNote })
		if i < 0 {
			t.Fatal("no note is due")
		}
		n := claims[i]
		if n.Subject != reminders.ReplySubject(second) || n.Step != "answer-1" || n.Priority != reminders.PriorityReply || n.AuthorID != who.karen.UserID || n.Body != text ||
			n.Channel != reminders.SMS || n.Address != p.Phone || n.PersonID != p.ID || n.EnrolmentID == 0 || n.CompanyID == 0 {
			t.Fatalf("the note: %+v", n.Message)
		}
		if j := slices.IndexFunc(claims, func(c reminders.Claim) bool { return c.Kind == reminders.KindNote && c.ID != n.ID }); j >= 0 {
			t.Fatal("it is sent twice")
		}
		send(t, s, n, "SM1", now)
		// A second answer has a key of its own; it is no step of the programme.
		c = conversation(t, s, who.karen, second)
		ok(t, s.AnswerReply(ctx, now, written(c, who.karen.UserID, "Og en til", now)))
		c = conversation(t, s, who.karen, second)
		if last := c.Messages[len(c.Messages)-1]; last.Step != "answer-2" || last.State != reminders.Planned {
			t.Fatalf("the second: %+v", last)
		}
		for _, step := range status(t, s)[0].Steps {
			if step.Kind == reminders.KindNote {
				t.Fatal("a note is a step")
			}
		}
		handled := talks(t, s, who.karen, reminders.TalksHandled)
		if len(handled) != 1 || handled[0].Reply.ID != second || handled[0].Owner.ID != who.karen.UserID || handled[0].Waiting != 0 {
			t.Fatalf("handled: %+v", handled)
		}
		if next := must[[]reminders.Talk](t)(s.Talks(ctx, reminders.TalkFilter{Viewer: who.karen, View: reminders.TalksHandled, After: handled[0].Cursor})); len(next) != 0 {
			t.Fatalf("the next page has %d", len(next))
		}
		ok(t, s.ReopenReply(ctx, now, who.karen.UserID, second))
		if got := lines(talks(t, s, who.karen, reminders.TalksMine)); !slices.Equal(got, []int64{second}) {
			t.Fatalf("put back: %v", got)
		}
		if len(talks(t, s, who.karen, reminders.TalksHandled)) != 0 {
			t.Fatal("waiting, and handled as well")
		}
	})
}

// Twenty presses of two consultants who know the same: one answer leaves, and every other is told.
func TestInboxTwoCannotAnswerAtOnceUnknowingly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s, second := enrolled(t, open(t), 1), open(t)
		who := hired(t, s)
		p := status(t, s)[0].Person.ID
		for _, reply := range []int64{asks(t, s, p, "Hvem er det?", start), strange(t, s, "+4561111111", "Hej", start)} {
			c := conversation(t, s, who.anne, reply)
			errs := make([]error, 20)
			var wg sync.WaitGroup
			for i := range errs {
				wg.Go(func() {
					by := []int64{who.karen.UserID, who.anne.UserID}[i%2]
					errs[i] = []*store.Store{s, second}[i%2].AnswerReply(ctx, start, written(c, by, fmt.Sprintf("svar %d", i), start))
				})
			}
			wg.Wait()
			sent := 0
			for _, err := range errs {
				if err == nil {
					sent++
				} else {
					code(t, err, reminders.ECONFLICT)
				}
			}
			var notes int
			for _, m := range conversation(t, s, who.anne, reply).Messages {
				if m.Kind == reminders.KindNote {
					notes++
				}
			}
			if sent != 1 || notes != 1 {
				t.Fatalf("%d were told that theirs leaves, %d leave", sent, notes)
			}
			// Whoever has seen it may answer once more.
			c = conversation(t, s, who.anne, reply)
			ok(t, s.AnswerReply(ctx, start, written(c, who.karen.UserID, "og jeg", start)))
		}
	})
}

func TestInboxWhatCameInMeanwhileIsNotHandledUnread(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		who := hired(t, s)
		p := status(t, s)[0].Person.ID
		// The first one is stored, but interpreted only after the second has been read.
		late := wrote(t, s, p, "Og jeg er syg", start)
		reply := asks(t, s, p, "Hvem er det?", start.Add(time.Minute))
		c := conversation(t, s, who.karen, reply)
		apply(t, s, start.Add(2*time.Minute), reminders.Effects{ReplyID: late, Kind: reminders.ReplyText, State: reminders.ReplyInbox, PersonID: p})
		code(t, s.AnswerReply(ctx, start, written(c, who.karen.UserID, "Det er Karen", start)), reminders.ECONFLICT)
		code(t, s.SettleReply(ctx, start, who.karen.UserID, reply, &c.Known), reminders.ECONFLICT)
		if got := len(conversation(t, s, who.karen, reply).Waiting()); got != 2 {
			t.Fatalf("%d wait", got)
		}
		// Another has taken it meanwhile: that is news as well.
		c = conversation(t, s, who.karen, reply)
		ok(t, s.TakeReply(ctx, start, who.anne.UserID, reply, 0))
		code(t, s.AnswerReply(ctx, start, written(c, who.karen.UserID, "Det er Karen", start)), reminders.ECONFLICT)
		c = conversation(t, s, who.karen, reply)
		ok(t, s.SettleReply(ctx, start, who.karen.UserID, reply, &c.Known))
		if got := len(conversation(t, s, who.karen, reply).Waiting()); got != 0 {
			t.Fatalf("%d wait", got)
		}
	})
}

func TestInboxNobodyWhoSaidStopIsAnswered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		who := hired(t, s)
		all := status(t, s)
		reply := asks(t, s, all[0].Person.ID, "Hvem er det?", start)
		stop(t, s, all[0].Person.ID, start.Add(time.Minute))
		c := conversation(t, s, who.karen, reply)
		if !c.Stopped {
			t.Fatal("the conversation does not say that they said STOP")
		}
		code(t, s.AnswerReply(ctx, start, written(c, who.karen.UserID, "Hej", start)), reminders.ECONFLICT)

		// An address of nobody's: asked when it is written, when it is sent.
		reply = strange(t, s, "+4561111111", "Hej", start)
		c = conversation(t, s, who.karen, reply)
		ok(t, s.AnswerReply(ctx, start, written(c, who.karen.UserID, "Hvem er du?", start)))
		var n reminders.Claim
		for _, c := range claim(t, s, "w", start.Add(time.Second), 100) {
			if c.Kind == reminders.KindNote {
				n = c
			}
		}
		if n.ID == 0 || n.PersonID != 0 || n.Address != "+4561111111" {
			t.Fatalf("the note to nobody: %+v", n.Message)
		}
		id, _, err := s.SaveReply(ctx, reminders.Inbound{Channel: reminders.SMS, ProviderID: "STOP1", From: "+4561111111", Text: "STOP", At: start})
		ok(t, err)
		apply(t, s, start, reminders.Effects{ReplyID: id, Kind: reminders.ReplyStop, OptOut: true})
		in := intent(n)
		in.Address, in.Stranger = n.Address, true
		fates := must[map[int64]reminders.Began](t)(s.Begin(ctx, start.Add(2*time.Second), []reminders.Intent{in}))
		if fates[n.ID] != reminders.OptedOut {
			t.Fatalf("after the STOP it is %s", fates[n.ID])
		}
		c = conversation(t, s, who.karen, reply)
		if !c.Stopped || len(c.Replies) != 2 {
			t.Fatalf("stopped %v, %d replies", c.Stopped, len(c.Replies))
		}
		code(t, s.AnswerReply(ctx, start, written(c, who.karen.UserID, "Hej igen", start)), reminders.ECONFLICT)
	})
}

func TestInboxAMovedAnswerCountsNoMoreAndIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		who := hired(t, s)
		p := status(t, s)[0].Person.ID
		claims := claim(t, s, "w", due, 100)
		one, two := byStep(t, claims, "exercise-1"), byStep(t, claims, "exercise-2")
		send(t, s, one, "SM1", due)
		send(t, s, two, "SM2", due.Add(time.Minute))
		now := due.Add(time.Hour)
		answer(t, s, two, "1 når jeg møder, så rydder jeg", "1", "yes", now)
		replies := must[[]reminders.Reply](t)(s.Replies(ctx, reminders.ReplyFilter{PersonID: p}))
		reply := replies[0].ID
		steps := func() map[string]string {
			out := map[string]string{}
			for _, step := range status(t, s)[0].Steps {
				if step.Answer != "" {
					out[step.Step] = step.Answer + " " + step.Meaning
				}
			}
			return out
		}
		ok(t, s.MoveReply(ctx, now, reminders.Move{ReplyID: reply, UserID: who.anne.UserID, QuestionID: one.ID, Digit: "2"}))
		if got := steps(); len(got) != 1 || got["exercise-1"] != "2 no" {
			t.Fatalf("counted now: %v", got)
		}
		c := conversation(t, s, who.karen, reply)
		if r := c.Replies[0]; r.Why != "moved by Anne Admin: exercise-1 2" || r.MovedBy() != "Anne Admin" || r.Kind != reminders.ReplyAnswer {
			t.Fatalf("the reply says %q, %s", r.Why, r.Kind)
		}
		placed := c.Placed[reply]
		if len(placed) != 2 || placed[0].QuestionID != two.ID || placed[0].MovedAt.IsZero() || placed[1].QuestionID != one.ID || !placed[1].MovedAt.IsZero() || placed[1].Label != "Nej" {
			t.Fatalf("its history: %+v", placed)
		}
		for _, q := range c.Questions { // what a nudge and the bot ask
			if want := map[int64]string{one.ID: "2"}[q.ID]; q.Answer != want {
				t.Fatalf("%s is answered %q", q.Step, q.Answer)
			}
		}
		if export := must[store.Export](t)(s.Export(ctx, p)); len(export.Answers) != 2 || export.Answers[0].MovedAt.IsZero() || !export.Answers[1].MovedAt.IsZero() {
			t.Fatalf("exported: %+v", export.Answers)
		}
		// No answer at all.
		ok(t, s.MoveReply(ctx, now, reminders.Move{ReplyID: reply, UserID: who.karen.UserID}))
		if got := steps(); len(got) != 0 {
			t.Fatalf("still counted: %v", got)
		}
		if r := conversation(t, s, who.karen, reply).Replies[0]; r.MovedBy() != "Karen Konsulent" || r.Kind != reminders.ReplyText {
			t.Fatalf("the reply says %q, %s", r.Why, r.Kind)
		}
		// Only what they were asked, and what could be answered.
		code(t, s.MoveReply(ctx, now, reminders.Move{ReplyID: reply, UserID: who.karen.UserID, QuestionID: one.ID, Digit: "9"}), reminders.EINVALID)
		code(t, s.MoveReply(ctx, now, reminders.Move{ReplyID: reply, UserID: who.karen.UserID, QuestionID: byStep(t, claims, "welcome").ID}), reminders.EINVALID)
		code(t, s.MoveReply(ctx, now.AddDate(0, 0, 91), reminders.Move{ReplyID: reply, UserID: who.karen.UserID, QuestionID: one.ID, Digit: "1"}), reminders.EINVALID)
		code(t, s.MoveReply(ctx, now, reminders.Move{ReplyID: strange(t, s, "+4561111111", "1", now), UserID: who.karen.UserID, QuestionID: one.ID, Digit: "1"}), reminders.EINVALID)
		if got := steps(); len(got) != 0 {
			t.Fatalf("a refused move counted: %v", got)
		}
	})
}

// The visit's brief and the plan that the last exercise repeats read moved answers no more either.
func TestInboxAMovedAnswerIsInNoBriefAndNoPlan(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		who := hired(t, s)
		claims := claim(t, s, "w", due, 100)
		one, two := byStep(t, claims, "exercise-1"), byStep(t, claims, "exercise-2")
		send(t, s, one, "SM1", due)
		send(t, s, two, "SM2", due.Add(time.Minute))
		now := due.Add(time.Hour)
		answer(t, s, one, "1 når jeg møder, så rydder jeg", "1", "yes", now)
		reply := must[[]reminders.Reply](t)(s.Replies(ctx, reminders.ReplyFilter{PersonID: one.PersonID}))[0].ID
		visit := status(t, s)[0].Visit.ID
		later := now
		plan := func() string { // of whatever is claimed next for the enrolment
			later = later.Add(time.Hour)
			_, _, err := s.Rescue(ctx, later)
			ok(t, err)
			for _, c := range claim(t, s, "w", later, 100) {
				if c.EnrolmentID != 0 {
					return c.Plan
				}
			}
			t.Fatal("nothing of the enrolment is claimed")
			return ""
		}
		brief := must[reminders.Brief](t)(s.Brief(ctx, visit))
		if brief.Weeks[0].Answered != 1 || len(brief.Words) != 1 || brief.Words[0].Week != 1 {
			t.Fatalf("before: %+v", brief)
		}
		if got := plan(); got != "når jeg møder, så rydder jeg" {
			t.Fatalf("the plan is %q: nothing is proven", got)
		}
		ok(t, s.MoveReply(ctx, now, reminders.Move{ReplyID: reply, UserID: who.karen.UserID, QuestionID: two.ID, Digit: "1"}))
		brief = must[reminders.Brief](t)(s.Brief(ctx, visit))
		if brief.Weeks[0].Answered != 0 || brief.Weeks[1].Answered != 1 || len(brief.Words) != 1 || brief.Words[0].Week != 2 {
			t.Fatalf("after: %+v", brief)
		}
		if got := plan(); got != "" {
			t.Fatalf("the plan is still %q", got)
		}
		ok(t, s.MoveReply(ctx, now, reminders.Move{ReplyID: reply, UserID: who.karen.UserID}))
		if brief = must[reminders.Brief](t)(s.Brief(ctx, visit)); brief.Weeks[1].Answered != 0 || len(brief.Words) != 1 || brief.Words[0].Week != 0 {
			t.Fatalf("no answer at all: %+v", brief)
		}
	})
}

func TestInboxAnUnknownNumberBecomesAPersons(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, row(1), row(2), row(3, func(r *reminders.RosterRow) {
			r.Company, r.ConsultantEmail, r.Contact, r.Class.Name = "Tved Plast", "bent@skole.dk", reminders.Person{}, "Hold 9"
		}))
		planAll(t, s, start)
		who := hired(t, s)
		found := must[[]reminders.Found](t)(s.SearchPersons(ctx, who.karen, "smed deltager 1", 10))
		if len(found) != 1 || found[0].Person.Name != "Deltager 1" || found[0].Company != "Smed & Søn" {
			t.Fatalf("found: %+v", found)
		}
		for query, want := range map[string]int{"deltager": 2, "tved": 0, "SØN": 3, "  ": 0, "%": 0, "lis": 1} {
			if got := must[[]reminders.Found](t)(s.SearchPersons(ctx, who.karen, query, 10)); len(got) != want {
				t.Errorf("%q finds %d, want %d", query, len(got), want)
			}
		}
		p := found[0].Person
		claims := claim(t, s, "w", due, 1)
		ok(t, s.Record(ctx, due, []reminders.Change{{ID: claims[0].ID, Worker: "w", From: reminders.Claimed, To: reminders.Skipped, PersonID: p.ID,
			Result: reminders.Result{BadAddress: true, Code: "30005"}}}))
		if must[reminders.Person](t)(s.Person(ctx, p.ID)).AddressFault == "" {
			t.Fatal("no fault: nothing is proven")
		}
		first := strange(t, s, "+4561111111", "Det er Deltager, nyt nummer", start)
		second := strange(t, s, "+4561111111", "1", start.Add(time.Minute))
		c := conversation(t, s, who.karen, first)
		ok(t, s.AnswerReply(ctx, start, written(c, who.karen.UserID, "Hvem er du?", start)))
		ok(t, s.AttachSender(ctx, start, who.karen.UserID, second, p.ID))
		ok(t, s.AttachSender(ctx, start, who.karen.UserID, second, p.ID)) // pressed twice
		code(t, s.AttachSender(ctx, start, who.karen.UserID, second, p.ID+1), reminders.ECONFLICT)
		got := must[reminders.Person](t)(s.Person(ctx, p.ID))
		if got.Phone != "+4561111111" || got.AddressFault != "" {
			t.Fatalf("the person: %+v", got)
		}
		if n := dirty(t, s); n == 0 {
			t.Fatal("nothing is planned anew")
		}
		c = conversation(t, s, who.karen, first)
		notes := 0
		for _, m := range c.Messages {
			if m.Kind == reminders.KindNote && m.PersonID == p.ID {
				notes++
			}
		}
		if c.Person == nil || c.Person.ID != p.ID || len(c.Replies) != 2 || c.Replies[0].AttachedBy() != "Karen Konsulent" || c.Replies[0].Kind != reminders.ReplyText || notes != 1 {
			t.Fatalf("the conversation: %+v with %d notes", c, notes)
		}
		// The next text from there is theirs by itself.
		rc := must[reminders.ReplyContext](t)(s.ReplyContext(ctx, wrote(t, s, p.ID, "2", start.Add(time.Hour))))
		if rc.Person == nil || rc.Person.ID != p.ID {
			t.Fatal("the next text is nobody's")
		}
		// A number that several have stays theirs: only the text finds its writer.
		imported(t, s, row(7, func(r *reminders.RosterRow) { r.Person.Email = "hal@smed.dk"; r.Person.Phone = "" }), row(8, func(r *reminders.RosterRow) { r.Person.Email = "hal@smed.dk"; r.Person.Phone = "" }))
		id, _, err := s.SaveReply(ctx, reminders.Inbound{Channel: reminders.Email, ProviderID: "M1", From: "hal@smed.dk", Text: "Hej", At: start})
		ok(t, err)
		apply(t, s, start, reminders.Effects{ReplyID: id, Kind: reminders.ReplyUnknown, State: reminders.ReplyInbox})
		if c := conversation(t, s, who.karen, id); len(c.Sharers) > 0 {
			ok(t, s.AttachSender(ctx, start, who.karen.UserID, id, p.ID))
			if got := must[reminders.Person](t)(s.Person(ctx, p.ID)); got.Email != "" {
				t.Fatalf("a shared address was given to %+v", got)
			}
		}
	})
}

// A STOP from the number before anybody knew whose it is holds for the person, and theirs for the new number.
func TestInboxAttachingCarriesASTOPBothWays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		who := hired(t, s)
		all := status(t, s)
		id, _, err := s.SaveReply(ctx, reminders.Inbound{Channel: reminders.SMS, ProviderID: "S1", From: "+4561111111", Text: "STOP", At: start})
		ok(t, err)
		apply(t, s, start, reminders.Effects{ReplyID: id, Kind: reminders.ReplyStop, State: reminders.ReplyInbox, OptOut: true})
		ok(t, s.AttachSender(ctx, start, who.karen.UserID, id, all[0].Person.ID))
		if must[reminders.Person](t)(s.Person(ctx, all[0].Person.ID)).OptedOutAt.IsZero() {
			t.Fatal("the STOP from the number does not hold for its owner")
		}
		stop(t, s, all[1].Person.ID, start)
		ok(t, s.AttachSender(ctx, start, who.karen.UserID, strange(t, s, "+4562222222", "hej", start), all[1].Person.ID))
		ok(t, s.Erase(ctx, start, all[1].Person.ID))
		if c := conversation(t, s, who.karen, strange(t, s, "+4562222222", "hej igen", start)); !c.Stopped {
			t.Fatal("their STOP does not cover the new number")
		}
	})
}

// What was written back to a number before anybody knew whose it is goes with its owner.
func TestInboxErasureReachesWhatWasWrittenToAnUnknownNumber(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, row(1), row(2, func(r *reminders.RosterRow) { r.Person.Email = "hal@smed.dk" }))
		who := hired(t, s)
		id, _, err := s.SaveReply(ctx, reminders.Inbound{Channel: reminders.Email, ProviderID: "M1", From: "hal@smed.dk", Text: "Hej", At: start})
		ok(t, err)
		apply(t, s, start, reminders.Effects{ReplyID: id, Kind: reminders.ReplyUnknown, State: reminders.ReplyInbox})
		c := conversation(t, s, who.karen, id)
		ok(t, s.AnswerReply(ctx, start, written(c, who.karen.UserID, "Hej Bo, hvem er du?", start)))
		c = conversation(t, s, who.karen, id)
		if len(c.Messages) != 1 || c.Messages[0].Body == "" || c.Messages[0].PersonID != 0 {
			t.Fatalf("written: %+v", c.Messages)
		}
		note := c.Messages[0].ID
		for _, st := range status(t, s) {
			if st.Person.Email != "" {
				ok(t, s.Erase(ctx, start, st.Person.ID))
			}
		}
		if m := state(t, s, note, reminders.Skipped); m.Body != "" || m.Address != "" {
			t.Fatalf("still there: %+v", m)
		}
	})
}
