package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

func imported(t *testing.T, s *store.Store, rows ...reminders.RosterRow) reminders.ImportResult {
	t.Helper()
	return must[reminders.ImportResult](t)(s.Import(ctx, start, rows))
}

func status(t *testing.T, s *store.Store) []reminders.EnrolmentStatus {
	t.Helper()
	return must[[]reminders.EnrolmentStatus](t)(s.Status(ctx, reminders.Filter{}))
}

func dirty(t *testing.T, s *store.Store) int {
	t.Helper()
	return len(must[[]reminders.PlanSubject](t)(s.EnrolmentsToPlan(ctx, 1000)))
}

func TestTheSameRosterAgainChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		roster := append(rows(5),
			row(6, func(r *reminders.RosterRow) {
				r.Person.Phone, r.Person.Email, r.Person.Channel = "", "a@smed.dk", reminders.Email
			}),
			row(7, func(r *reminders.RosterRow) {
				r.Person.Phone, r.Person.SlackID, r.Person.Channel = "", "U123", reminders.Slack
			}),
			row(8, func(r *reminders.RosterRow) { r.Person.Phone = "" }), // no address at all
			row(9, func(r *reminders.RosterRow) {
				r.Class.Name = ""
				r.Class.Course = "smed"
				r.Company = "Nabo A/S"
				r.Contact = r.Person
			}),
			row(10, func(r *reminders.RosterRow) { r.Contact = reminders.Person{Name: "Kun Navn"}; r.Company = "Tredje" }),
		)
		first := imported(t, s, roster...)
		if first.Created != 10 || first.Updated != 0 || first.Companies != 3 || first.Classes != 2 || first.People != 10 {
			t.Fatalf("first: %+v", first)
		}
		planAll(t, s, start)
		before := status(t, s)
		again := imported(t, s, roster...)
		if again.Unchanged != 10 || again.Created+again.Updated+again.Companies+again.Classes+again.People != 0 {
			t.Fatalf("again: %+v", again)
		}
		if n := dirty(t, s); n != 0 {
			t.Fatalf("%d enrolments would be planned again", n)
		}
		if after := status(t, s); !reflect.DeepEqual(before, after) {
			t.Fatal("something changed")
		}
		class := before[0].Class
		for _, st := range before {
			if st.Class.Course == "smed" {
				class = st.Class
			}
		}
		if class.Name != "smed 2026-11-23" {
			t.Fatalf("an unnamed class is called %q", class.Name)
		}
	})
}

// Who a row is about: known by class and phone, else e-mail, else Slack id.
func TestWhoARowIsAbout(t *testing.T) {
	phone := func(p string) func(*reminders.RosterRow) { return func(r *reminders.RosterRow) { r.Person.Phone = p } }
	mail := func(p, m string) func(*reminders.RosterRow) {
		return func(r *reminders.RosterRow) { r.Person.Phone, r.Person.Email = p, m }
	}
	slack := func(p, id string) func(*reminders.RosterRow) {
		return func(r *reminders.RosterRow) { r.Person.Phone, r.Person.SlackID = p, id }
	}
	hold2 := func(r *reminders.RosterRow) { r.Class.Name = "Hold 2" }
	renamed := func(r *reminders.RosterRow) { r.Person.Name = "Nyt Navn" }
	for _, test := range []struct {
		name            string
		first, second   reminders.RosterRow
		created, people int // by the second
		phone           string
	}{
		{"the same phone", row(1, phone("+4520000001")), row(1, phone("+4520000001"), renamed), 0, 0, "+4520000001"},
		{"another phone is another person", row(1, phone("+4520000001")), row(1, phone("+4520000002")), 1, 1, ""},
		{"another phone and the same e-mail is another person", row(1, mail("+4520000001", "a@b.dk")), row(1, mail("+4520000002", "a@b.dk")), 1, 1, ""},
		{"who had no phone gets one by e-mail", row(1, mail("", "a@b.dk")), row(1, mail("+4520000001", "a@b.dk")), 0, 0, "+4520000001"},
		{"who had no phone gets one by Slack id", row(1, slack("", "U1")), row(1, slack("+4520000001", "U1")), 0, 0, "+4520000001"},
		{"a row without a phone goes by e-mail", row(1, mail("+4520000001", "a@b.dk")), row(1, mail("", "A@b.dk"), renamed), 0, 0, "+4520000001"},
		{"the same phone on another class is the same person", row(1), row(1, hold2), 1, 0, ""},
		{"the same e-mail on another class is the same person", row(1, mail("", "a@b.dk")), row(1, mail("", "a@b.dk"), hold2), 1, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
				s := open(t)
				imported(t, s, test.first)
				result := imported(t, s, test.second)
				if result.Created != test.created || result.People != test.people {
					t.Fatalf("%+v", result)
				}
				all := status(t, s)
				if len(all) != 1+test.created {
					t.Fatalf("%d enrolments", len(all))
				}
				if test.created == 0 && all[0].Person.Name != test.second.Person.Name || test.phone != "" && all[0].Person.Phone != test.phone {
					t.Fatalf("person: %+v", all[0].Person)
				}
				if again := imported(t, s, test.second); again.Unchanged != 1 {
					t.Fatalf("again: %+v", again)
				}
			})
		})
	}
}

// The phone belongs to somebody who is known elsewhere in the school: then it is they who are on the class.
func TestAPhoneThatSomebodyElseHasBringsThatPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, row(1, func(r *reminders.RosterRow) { r.Class.Name = "Hold 2" }),
			row(1, func(r *reminders.RosterRow) { r.Person.Phone, r.Person.Email = "", "a@b.dk" }))
		planAll(t, s, start)
		result := imported(t, s, row(1, func(r *reminders.RosterRow) { r.Person.Email = "a@b.dk" }))
		if result.Updated != 1 {
			t.Fatalf("%+v", result)
		}
		all := status(t, s)
		if len(all) != 2 || all[0].Person.ID != all[1].Person.ID || all[0].Person.Email != "a@b.dk" {
			t.Fatalf("%+v and %+v", all[0].Person, all[1].Person)
		}
		planAll(t, s, start)
		for _, c := range claim(t, s, "w", due, 1000) {
			if c.EnrolmentID != 0 && c.PersonID != all[0].Person.ID {
				t.Fatalf("%s still goes to the other", c.Step)
			}
		}
	})
}

func TestWhatChangesAPlanHasItPlannedAnew(t *testing.T) {
	for name, change := range map[string]func(*reminders.RosterRow){
		"the class moves":    func(r *reminders.RosterRow) { r.Class.Start, r.Class.End = day("2026-12-01"), day("2026-12-02") },
		"another weekday":    func(r *reminders.RosterRow) { r.Class.Weekday = time.Thursday },
		"another shift":      func(r *reminders.RosterRow) { r.Person.Shift = reminders.NightShift },
		"another window":     func(r *reminders.RosterRow) { r.Person.Window = reminders.Window{From: 600, To: 660} },
		"closed weeks":       func(r *reminders.RosterRow) { r.ClosedWeeks = &reminders.ClosedWeeks{50} },
		"another contact":    func(r *reminders.RosterRow) { r.Contact = reminders.Person{Name: "Bo", Phone: "+4528888888"} },
		"another consultant": func(r *reminders.RosterRow) { r.ConsultantEmail = "ny@skole.dk" },
		"another teacher":    func(r *reminders.RosterRow) { r.TeacherEmail = "ny@skole.dk" },
		"an address":         func(r *reminders.RosterRow) { r.Person.Email = "a@b.dk" },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
				s := enrolled(t, open(t), 1)
				if result := imported(t, s, row(1, change)); result.Updated != 1 {
					t.Fatalf("%+v", result)
				}
				if n := dirty(t, s); n != 1 {
					t.Fatalf("%d to plan, want 1", n)
				}
				planAll(t, s, start)
				if n := dirty(t, s); n != 0 {
					t.Fatalf("%d to plan after planning", n)
				}
			})
		})
	}
}

func TestAMovedClassMovesWhatIsPlannedAndNothingElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		noon := time.Date(2026, 11, 24, 13, 30, 0, 0, time.UTC)
		welcome := byStep(t, claim(t, s, "w", noon, 10), "welcome")
		send(t, s, welcome, "SM1", noon)
		before := status(t, s)[0].Steps
		imported(t, s, row(1, func(r *reminders.RosterRow) { r.Class.Start, r.Class.End = day("2026-11-30"), day("2026-12-01") }))
		planAll(t, s, noon)
		after := status(t, s)[0].Steps
		if len(before) != len(after) {
			t.Fatalf("%d steps, then %d", len(before), len(after))
		}
		for i := range before {
			b, a := before[i], after[i]
			if moved := !a.Due.Equal(b.Due); b.Step == "welcome" && moved || b.Kind == reminders.KindExercise && !moved {
				t.Errorf("%s: %s, then %s", b.Step, b.Due, a.Due)
			}
		}
		state(t, s, welcome.ID, reminders.Accepted)
	})
}

func TestARosterReadAgainDoesNotUndoWhatAPersonChose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		p := status(t, s)[0].Person
		apply(t, s, start, reminders.Effects{ReplyID: wrote(t, s, p.ID, "SPROG EN", start), PersonID: p.ID, Language: "en"})
		if again := imported(t, s, row(1)); again.Unchanged != 1 {
			t.Fatalf("%+v", again)
		}
		imported(t, s, row(1, func(r *reminders.RosterRow) { r.Class.Name = "Hold 2" }))
		if got := must[reminders.Person](t)(s.Person(ctx, p.ID)); got.Language != "en" {
			t.Fatalf("language %q", got.Language)
		}
		imported(t, s, row(1, func(r *reminders.RosterRow) { r.Person.Language = "pl" }))
		if got := must[reminders.Person](t)(s.Person(ctx, p.ID)); got.Language != "pl" {
			t.Fatalf("a changed row says pl, the person has %q", got.Language)
		}
	})
}

func TestStopSurvivesErasureAndANewRoster(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		old := status(t, s)[0].Person
		stop(t, s, old.ID, start)
		ok(t, s.Erase(ctx, start, old.ID))
		if result := imported(t, s, row(1)); result.Created != 1 || result.People != 1 {
			t.Fatalf("%+v", result)
		}
		found := must[[]reminders.Person](t)(s.FindPersons(ctx, "+4520000001"))
		if len(found) != 1 || found[0].ID == old.ID || found[0].OptedOutAt.IsZero() {
			t.Fatalf("%+v", found)
		}
		planAll(t, s, start)
		for _, c := range claim(t, s, "w", due, 1000) {
			if c.PersonID == found[0].ID {
				t.Fatalf("%s goes to somebody who said STOP", c.Step)
			}
		}
	})
}

func TestTwentyThousandRowsTakeSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 rows")
	}
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		var roster []reminders.RosterRow
		n := 20000
		if raceDetector { // which makes SQLite in Go thirty times slower
			n = 1000
		}
		for i := range n {
			roster = append(roster, row(i, func(r *reminders.RosterRow) {
				r.Company, r.Class.Name = fmt.Sprint("Virksomhed ", i/20), fmt.Sprint("Hold ", i/15)
				r.Contact.Phone = fmt.Sprintf("+45%08d", 50000000+i/20)
			}))
		}
		for _, what := range []string{"first", "again"} {
			began := time.Now()
			result := imported(t, s, roster...)
			took := time.Since(began)
			t.Logf("%s: %+v in %s", what, result, took.Round(time.Millisecond))
			if took > 60*time.Second {
				t.Errorf("%s took %s", what, took)
			}
		}
	})
}

func TestATrialLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		before := status(t, s)
		trial, rollback, err := s.Trial(ctx)
		ok(t, err)
		imported(t, trial, rows(5)...)
		planAll(t, trial, start)
		c := byStep(t, claim(t, trial, "w", due, 1000), "exercise-1")
		send(t, trial, c, "SM1", due)
		answer(t, trial, c, "1", "1", "yes", due)
		// What fails in a trial does not spoil it.
		code(t, trial.Report(ctx, due, reminders.StatusReport{MessageID: 404}), reminders.ENOTFOUND)
		group := []reminders.BuddyGroup{{CompanyID: c.CompanyID, Members: []reminders.BuddyMember{{EnrolmentID: c.EnrolmentID, PersonID: c.PersonID}}}}
		ok(t, trial.SaveGroups(ctx, due, group, nil))
		code(t, trial.SaveGroups(ctx, due, group, nil), reminders.ECONFLICT)
		state(t, trial, c.ID, reminders.Accepted)
		if n := len(status(t, trial)); n != 5 {
			t.Fatalf("the trial sees %d enrolments", n)
		}
		rollback()
		if after := status(t, s); !reflect.DeepEqual(before, after) {
			t.Fatal("the trial left something")
		}
		if m := must[[]reminders.Reply](t)(s.Replies(ctx, reminders.ReplyFilter{})); len(m) != 0 {
			t.Fatal("the trial left a reply")
		}
	})
}
