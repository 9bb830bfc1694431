package reminders

import (
	"slices"
	"testing"
	"time"
)

func TestTheCompanyHearsNoCountOfFewerThanFour(t *testing.T) {
	b := Brief{People: 4, Ratings: []int{2, 3, 3, 4}, Barriers: map[string]int{"product": 4, "economy": 3}}
	b.Weeks[0], b.Weeks[1] = BriefWeek{Sent: 4, Answered: 3}, BriefWeek{Sent: 4, Answered: 2}
	if got := b.ForCompany(); got.People != 4 || got.Sent != 8 || got.Answered != 5 || got.Mean != 3 || len(got.Barriers) != 1 || got.Barriers["product"] != 4 {
		t.Errorf("four people: %+v", got)
	}
	b.Ratings = b.Ratings[:3]
	if got := b.ForCompany(); got.Mean != 0 {
		t.Errorf("three ratings give %.1f", got.Mean)
	}
	b.People = 3
	if got := b.ForCompany(); got.People+got.Sent+got.Answered+len(got.Barriers) != 0 {
		t.Errorf("three people: %+v", got)
	}
}

func TestNamesAreTakenOutOfWhatTheCompanyReads(t *testing.T) {
	people := []string{"Ali Hassan", "Bo Ib Lund", "Å"}
	for text, want := range map[string]string{
		"Ali og Bo maler gulvet":              "X og X maler gulvet",
		"Bordet i Alicante, Bogen":            "Bordet i Alicante, Bogen",
		"Lis Lund spørger Hassan":             "Lis Lund spørger X",
		"(Ali), »Bo«: Ib.":                    "(X), »X«: X.",
		"ingen nævnes her":                    "ingen nævnes her",
		"":                                    "",
		"Ali":                                 "X",
		"de to: Ali/Bo":                       "de to: X/X",
		"Ali Hassan og Ali Hassan":            "X og X",
		"Gulvet ved Å, som ingen skal gemmes": "Gulvet ved Å, som ingen skal gemmes", // a letter is no name
	} {
		if got := WithoutNames(text, people, "Lis Lund", "X"); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got := WithoutNames("Ali Hassans tavle", people, "", "X"); got != "Xs tavle" {
		t.Errorf("a genitive became %q", got)
	}
}

// afterVisit is what follows a visit on Monday 2 November 2026 at nine, written down at eleven.
func afterVisit(t *testing.T, o VisitOutcome, contact *Person) map[string]Message {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	c := NewCalendar(loc)
	start := time.Date(2026, 11, 2, 9, 0, 0, 0, loc)
	company := Company{ID: 5, ClosedWeeks: ClosedWeeks{49}}
	if contact != nil {
		company.ContactID = contact.ID
	}
	people := []EnrolmentStatus{{EnrolmentID: 1, Person: Person{ID: 11, Shift: DayShift}, Company: company}, {EnrolmentID: 2, Person: Person{ID: 12, Shift: NightShift}, Company: company}}
	out := map[string]Message{}
	for _, m := range c.AfterVisit(start.Add(2*time.Hour), OutcomeSubject{Visit: Visit{ID: 7, ClassID: 3, CompanyID: 5, Sequence: 1, Start: start, End: start.Add(time.Hour)},
		Company: company, Contact: contact, People: people, Outcome: o}) {
		if _, ok := out[m.Subject+" "+m.Step]; ok {
			t.Errorf("%s %s is planned twice", m.Subject, m.Step)
		}
		if m.VisitID != 7 || m.CompanyID != 5 || m.ClassID != 3 {
			t.Errorf("%s belongs to %+v", m.Step, m)
		}
		out[m.Subject+" "+m.Step] = m
	}
	return out
}

func TestWhatFollowsAVisit(t *testing.T) {
	lis := &Person{ID: 9, Window: Window{8 * 60, 10 * 60}}
	steps := []AgreedStep{{What: "Kroge"}}
	for name, c := range map[string]struct {
		outcome VisitOutcome
		want    map[string]string // by key, when it is due
	}{
		"held, all of it": {VisitOutcome{Held: true, Tell: true, Agreed: "Kroge", Steps: steps}, map[string]string{"visit/7 visit-letter": "2026-11-03 08:00",
			"visit/7 visit-followup": "2026-12-07 08:00", "enrolment/1 visit-agreed": "2026-11-02 14:00", "enrolment/2 visit-agreed": "2026-11-02 17:00"}}, // week 49 is closed
		"held, nothing agreed": {VisitOutcome{Held: true}, map[string]string{"visit/7 visit-letter": "2026-11-03 08:00"}},
		"not told":             {VisitOutcome{Held: true, Steps: steps}, map[string]string{"visit/7 visit-letter": "2026-11-03 08:00", "visit/7 visit-followup": "2026-12-07 08:00"}},
		"not held":             {VisitOutcome{}, map[string]string{"visit/7/2 visit-proposal": "2026-11-03 08:00", "visit/7/2 visit-proposal-again": "2026-11-05 08:00"}},
	} {
		got := afterVisit(t, c.outcome, lis)
		var keys []string
		for key, m := range got {
			keys = append(keys, key)
			if due := m.DueAt.In(time.FixedZone("", 3600)).Format("2006-01-02 15:04"); due != c.want[key] {
				t.Errorf("%s: %s is due %s, want %s", name, key, due, c.want[key])
			}
		}
		if len(keys) != len(c.want) {
			slices.Sort(keys)
			t.Errorf("%s: planned %q", name, keys)
		}
	}
	if m := afterVisit(t, VisitOutcome{Held: true}, nil)["visit/7 visit-letter"]; m.PersonID != 0 || m.State != Planned {
		t.Errorf("without a contact: %+v", m) // it ends as skipped, and is not silently absent
	}
}
