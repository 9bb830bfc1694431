package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"efterkurs/reminders"
)

// visitOf is the visit at a company.
func (s *school) visitOf(company string) reminders.Visit {
	s.t.Helper()
	for _, e := range s.status(reminders.Filter{Company: company}) {
		if e.Visit != nil {
			return *e.Visit
		}
	}
	s.t.Fatalf("%s has no visit", company)
	return reminders.Visit{}
}

// booked lets the weeks go by until the contact of Nordfald Metal has chosen the first time proposed.
func (s *school) booked() reminders.Visit {
	s.t.Helper()
	s.pass(30)
	s.write(s.contactOf("Nordfald Metal").Phone, "1")
	if _, err := s.engine.Tick(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	v := s.visitOf("Nordfald Metal")
	if v.State != reminders.VisitBooked {
		s.t.Fatalf("the visit is %s", v.State)
	}
	return v
}

func (s *school) contactOf(company string) reminders.Person {
	s.t.Helper()
	p, err := s.store.Person(s.t.Context(), s.status(reminders.Filter{Company: company})[0].Company.ContactID)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func TestAVisitsPageShowsWhatToKnowAndOnlyToItsOwn(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		s.pass(8)
		s.write("+4520100001", "1 Når jeg møder, tjekker jeg tavlen")
		v := s.booked()
		path := fmt.Sprintf("/visits/%d", v.ID)
		mette := s.signedIn("mette@skolen.example")
		resp, page := mette.get(path)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("the page: %s", resp.Status)
		}
		contact := s.contactOf("Nordfald Metal")
		for _, want := range []string{"<h1>Nordfald Metal</h1>", "Leder af Nordfald Metal", strings.TrimPrefix(contact.Phone, "+") + `">`, "Mette Krogh", "aftalt", "Ikke til virksomheden", "Når jeg møder, tjekker jeg tavlen",
			"Makkerne når sjældent at tale sammen", "1/3"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not show %q", want)
			}
		}
		for _, from := range []string{"/", "/visits"} {
			if _, list := mette.get(from); !strings.Contains(list, `href="`+path+`"`) {
				t.Errorf("%s does not lead to the visit", from)
			}
		}
		if resp, page := s.signedIn("bent@skolen.example").get(path); resp.StatusCode != http.StatusNotFound || strings.Contains(page, "tavlen") {
			t.Errorf("another consultant gets %s", resp.Status)
		}
		if resp, _ := s.signedIn("admin@skolen.example").get(path); resp.StatusCode != http.StatusOK {
			t.Errorf("the administrator gets %s", resp.Status)
		}
		if resp, _ := s.browser().get(path); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("nobody gets %s", resp.Status)
		}
		for _, wrong := range []string{"/visits/0", "/visits/999999", "/visits/x"} {
			if resp, _ := mette.get(wrong); resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s", wrong, resp.Status)
			}
		}
	})
}
