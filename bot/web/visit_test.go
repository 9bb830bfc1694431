package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

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

// A teacher comes along and reads; the company's consultant writes.
func TestATeacherReadsAVisitAndDoesNotWrite(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		hash, err := passwordHash()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.SaveUser(t.Context(), s.now, reminders.User{Email: "frits@skolen.example", Name: "Frits Lærer", Role: reminders.Teacher, Language: "da", PasswordHash: hash}); err != nil {
			t.Fatal(err)
		}
		frits := s.signedIn("frits@skolen.example")
		if resp, _ := frits.get(fmt.Sprintf("/visits/%d", s.booked().ID)); resp.StatusCode != http.StatusNotFound {
			t.Errorf("the visit of another teacher's class: %s", resp.Status)
		}
		ali := s.status(reminders.Filter{Company: "Nordfald Metal"})[0]
		row := reminders.RosterRow{Line: 2, Person: ali.Person, Company: ali.Company.Name, Class: ali.Class, Team: ali.Team, Basis: "consent", Contact: s.contactOf("Nordfald Metal"),
			ConsultantEmail: "mette@skolen.example", TeacherEmail: "frits@skolen.example"}
		if _, err := s.store.Import(t.Context(), s.now, []reminders.RosterRow{row}); err != nil {
			t.Fatal(err)
		}
		v := s.visitOf("Nordfald Metal")
		s.now = v.Start
		path := fmt.Sprintf("/visits/%d", v.ID)
		if resp, page := frits.get(path); resp.StatusCode != http.StatusOK || strings.Contains(page, "data-keep") || !strings.Contains(page, "Spørg om") {
			t.Errorf("the teacher gets %s", resp.Status)
		}
		if resp, _ := frits.post(path+"/outcome", wrote()); resp.StatusCode != http.StatusForbidden {
			t.Errorf("the teacher writes: %s", resp.Status)
		}
		if o, err := s.store.Outcome(t.Context(), v.ID); err != nil || o.Version != 0 {
			t.Errorf("stored: %+v, %v", o, err)
		}
	})
}

// wrote is a form filled in after a visit.
func wrote(change ...string) url.Values {
	form := url.Values{"version": {"0"}, "held": {"yes"}, "met": {"Lis og Ali"}, "used": {"Tavlen"}, "unused": {"Rundgangen"}, "barrier": {"daily_run", "product"},
		"what1": {"Kroge til tavlen"}, "who1": {"holdlederen"}, "by1": {"2026-11-20"}, "what2": {"Ali viser natholdet tavlen"}, "next": {"2026-12-01"},
		"note": {"Ring \"før\" <jul>"}, "tell": {"1"}, "agreed": {"Krogene kommer op"}}
	for i := 0; i+1 < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	return form
}

// atVisit is the school half an hour into the visit at Nordfald Metal.
func (s *school) atVisit() (v reminders.Visit, path string) {
	s.t.Helper()
	v = s.booked()
	s.now = v.Start.Add(30 * time.Minute)
	return v, fmt.Sprintf("/visits/%d", v.ID)
}

func TestAnOutcomeThatCannotBeSavedComesBackAsTyped(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		v, path := s.atVisit()
		mette := s.signedIn("mette@skolen.example")
		for name, c := range map[string]struct {
			form url.Values
			says string
		}{
			"neither held nor not":      {wrote("held", ""), "Vælg, om besøget blev holdt."},
			"a day that is none":        {wrote("by1", "2026-02-31"), "Datoen kan ikke læses."},
			"another day that is none":  {wrote("next", "på torsdag"), "Datoen kan ikke læses."},
			"who, but not what":         {wrote("who3", "holdlederen"), "Skriv, hvad der skal gøres."},
			"a long agreement":          {wrote("what1", strings.Repeat("kroge ", 40)), "Aftalen er for lang."},
			"a long text":               {wrote("used", strings.Repeat("tavlen ", 300)), "Teksten er for lang."},
			"more than one SMS":         {wrote("agreed", strings.Repeat("krogene kommer op ", 8)), "for lang til én SMS"},
			"a letter that shortens it": {wrote("agreed", "Krogene kommer op ✓ "+strings.Repeat("nu ", 12)), "for lang til én SMS"},
			"a link":                    {wrote("agreed", "se www.nordfald.example"), "Der må ikke være et link."},
		} {
			resp, page := mette.post(path+"/outcome", c.form)
			text := html.UnescapeString(page)
			if resp.StatusCode != http.StatusBadRequest || strings.Count(text, c.says) != 1 {
				t.Errorf("%s: %s, says it %d times", name, resp.Status, strings.Count(text, c.says))
			}
			for field, values := range c.form {
				for _, typed := range values {
					if typed = strings.TrimSpace(typed); field != "version" && field != "held" && field != "tell" && !strings.Contains(text, typed) {
						t.Errorf("%s: what was typed for %s is lost", name, field)
					}
				}
			}
		}
		if o, err := s.store.Outcome(t.Context(), v.ID); err != nil || o.Version != 0 {
			t.Errorf("stored all the same: %+v, %v", o, err)
		}
	})
}

func TestOnlyWhoLooksAfterACompanyWritesWhatCameOfItsVisit(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		hash, err := passwordHash()
		if err != nil {
			t.Fatal(err)
		}
		v := s.booked()
		_, err = s.store.SaveUser(t.Context(), s.now, reminders.User{Email: "frits@skolen.example", Name: "Frits", Role: reminders.Teacher, Language: "da", PasswordHash: hash})
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/visits/%d", v.ID)
		mette := s.signedIn("mette@skolen.example")
		if _, page := mette.get(path); strings.Contains(page, "data-keep") {
			t.Error("there is a form before the visit has begun")
		}
		if resp, page := mette.post(path+"/outcome", wrote()); resp.StatusCode != http.StatusConflict || !strings.Contains(page, "Krogene kommer op") {
			t.Errorf("before it has begun: %s", resp.Status)
		}
		s.now = v.Start
		if _, page := mette.get(path); !strings.Contains(page, "data-keep") {
			t.Error("there is no form when the visit has begun")
		}
		if resp, _ := s.signedIn("bent@skolen.example").post(path+"/outcome", wrote()); resp.StatusCode != http.StatusNotFound {
			t.Errorf("another consultant: %s", resp.Status)
		}
		if resp, _ := s.browser().post(path+"/outcome", wrote()); resp.StatusCode == http.StatusOK {
			t.Errorf("nobody: %s", resp.Status)
		}
		if resp, _ := mette.post(path+"/outcome", wrote(), "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusForbidden {
			t.Errorf("from another site: %s", resp.Status)
		}
		if o, err := s.store.Outcome(t.Context(), v.ID); err != nil || o.Version != 0 {
			t.Fatalf("stored: %+v, %v", o, err)
		}
		resp, _ := mette.post(path+"/outcome", wrote())
		if resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), path+"?saved=1") {
			t.Fatalf("saving: %s to %s", resp.Status, resp.Header.Get("Location"))
		}
		_, page := mette.get(path + "?saved=1")
		for _, want := range []string{"Gemt.", "Lis og Ali", "Ring &#34;før&#34; &lt;jul&gt;", "senest 20. nov.", "Travlhed", "Brev til kontaktpersonen: planlagt", "3 planlagt", "data-confirmed"} {
			if !strings.Contains(page, want) && !strings.Contains(strings.ToLower(page), strings.ToLower(want)) {
				t.Errorf("the page does not show %q", want)
			}
		}
	})
}

func TestOfTwoOutcomesTheSecondIsToldAndLosesNothing(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		v, path := s.atVisit()
		mette, anne := s.signedIn("mette@skolen.example"), s.signedIn("admin@skolen.example")
		if resp, _ := anne.post(path+"/outcome", wrote("used", "Kun tavlen")); resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("the first: %s", resp.Status)
		}
		resp, page := mette.post(path+"/outcome", wrote("used", "Vognen også"))
		if resp.StatusCode != http.StatusConflict || !strings.Contains(page, "Anne Admin har gemt noget imens") || !strings.Contains(page, "Kun tavlen") || !strings.Contains(page, "Vognen også") ||
			!strings.Contains(page, `name="version" value="1"`) {
			t.Fatalf("the second: %s", resp.Status)
		}
		if resp, _ := mette.post(path+"/outcome", wrote("used", "Vognen også", "version", "1")); resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("pressed again: %s", resp.Status)
		}
		if o, err := s.store.Outcome(t.Context(), v.ID); err != nil || o.Version != 2 || o.Used != "Vognen også" {
			t.Errorf("stored: %+v, %v", o, err)
		}
	})
}

func TestAVisitThatWasNotHeldGetsNewTimes(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		v, path := s.atVisit()
		mette := s.signedIn("mette@skolen.example")
		if resp, _ := mette.post(path+"/outcome", url.Values{"version": {"0"}, "held": {"no"}, "note": {"Porten var låst"}}); resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("saving: %s", resp.Status)
		}
		s.pass(1)
		now := s.visitOf("Nordfald Metal")
		if now.State != reminders.VisitProposed || len(now.Slots) != 3 || now.Sequence <= v.Sequence || !now.Slots[0].After(s.now) {
			t.Fatalf("the visit: %+v", now)
		}
		if _, page := mette.get(path); !strings.Contains(page, "Besøget blev ikke holdt") || !strings.Contains(page, "Porten var låst") {
			t.Error("the page does not say that it was not held")
		}
		s.write(s.contactOf("Nordfald Metal").Phone, "2")
		if again := s.visitOf("Nordfald Metal"); again.State != reminders.VisitBooked || !again.Start.Equal(now.Slots[1]) {
			t.Errorf("after choosing again: %+v", again)
		}
	})
}

func TestWhatIsNotDoneStandsOnTheFirstPage(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		_, path := s.atVisit()
		mette := s.signedIn("mette@skolen.example")
		mette.post(path+"/outcome", wrote())
		s.pass(31)
		contact := s.contactOf("Nordfald Metal")
		s.write(contact.Phone, "3")
		if _, page := mette.get("/"); !strings.Contains(page, "har ikke fået gjort det") || !strings.Contains(page, `href="`+path+`#outcome"`) {
			t.Error("the overview does not show it")
		}
		if _, page := mette.get(path); !strings.Contains(page, "<b>ikke endnu</b>") {
			t.Error("the visit does not show the answer")
		}
		if _, page := s.signedIn("bent@skolen.example").get("/"); strings.Contains(page, "Nordfald") {
			t.Error("another consultant is told")
		}
		s.now = s.now.Add(time.Hour)
		mette.post(path+"/outcome", wrote("version", "1", "note", "Har talt med dem"))
		if _, page := mette.get("/"); strings.Contains(page, "har ikke fået gjort det") {
			t.Error("it is still there when somebody has seen to it")
		}
	})
}

func TestTheLeaderSaysWhetherTheTalkWasHeld(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		s.pass(8)
		path := fmt.Sprintf("/visits/%d", s.visitOf("Nordfald Metal").ID)
		mette := s.signedIn("mette@skolen.example")
		for _, c := range []struct{ digit, says string }{{"", "ikke svaret endnu"}, {"2", "<p>ikke endnu</p>"}, {"1", "<p>holdt</p>"}} {
			if c.digit != "" {
				s.now = s.now.Add(time.Minute)
				s.write(s.contactOf("Nordfald Metal").Phone, c.digit)
			}
			if _, page := mette.get(path); !strings.Contains(page, c.says) {
				t.Errorf("after %q the page does not say %q", c.digit, c.says)
			}
		}
	})
}
