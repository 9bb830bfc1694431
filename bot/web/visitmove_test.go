package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// visit is the one at a company.
func (s *school) visit(company string) reminders.Visit {
	s.t.Helper()
	all := s.status(reminders.Filter{Company: company})
	if len(all) == 0 || all[0].Visit == nil {
		s.t.Fatalf("%s has no visit", company)
	}
	return *all[0].Visit
}

// booked books the visit at a company, told as from the pages.
func (s *school) bookedVisit(company string, at time.Time) reminders.Visit {
	s.t.Helper()
	if _, err := s.engine.Tick(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	c, err := reminders.MoveVisit(s.now, s.visit(company), at)
	if err == nil {
		err = s.store.ChangeVisits(s.t.Context(), s.now, c)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return s.visit(company)
}

func (s *school) at(day reminders.Date, minute reminders.Minute) time.Time {
	return day.At(minute, s.cal.Location)
}

var visitDay = reminders.Date{Year: 2026, Month: time.November, Day: 4}

func known(v reminders.Visit, pairs ...string) url.Values {
	form := url.Values{"known": {fmt.Sprint(v.Sequence)}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// It fails where somebody changes a visit that is not theirs to change, or by another site's form.
func TestAVisitIsChangedByWhoHoldsItOnly(t *testing.T) {
	s := openSchool(t, nil)
	v := s.bookedVisit("Nordfald Metal", s.at(visitDay, 9*60))
	bent, mette := s.signedIn("bent@skolen.example"), s.signedIn("mette@skolen.example")
	nobody := s.browser()
	forms := map[string]url.Values{"move": known(v, "date", "2026-11-05", "time", "10:30"), "cancel": known(v, "why", "ombygning"),
		"release": known(v), "reassign": known(v, "consultant", "bent@skolen.example")}
	for act, form := range forms {
		path := fmt.Sprintf("/visits/%d/%s", v.ID, act)
		if resp, _ := bent.post(path, form); resp.StatusCode != http.StatusNotFound {
			t.Errorf("another consultant's %s: %s", act, resp.Status)
		}
		if resp, _ := nobody.post(path, form); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/login") {
			t.Errorf("nobody's %s: %s", act, resp.Status)
		}
		if resp, _ := mette.post(path, form, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusForbidden {
			t.Errorf("another site's %s: %s", act, resp.Status)
		}
		if resp, _ := mette.get(path); resp.StatusCode == http.StatusSeeOther || resp.StatusCode == http.StatusOK {
			t.Errorf("%s by GET: %s", act, resp.Status)
		}
	}
	for _, id := range []string{"0", "-1", "x", "999"} {
		if resp, _ := mette.post("/visits/"+id+"/release", known(v)); resp.StatusCode != http.StatusNotFound {
			t.Errorf("visit %s: %s", id, resp.Status)
		}
	}
	if now := s.visit("Nordfald Metal"); now.Sequence != v.Sequence || now.State != v.State {
		t.Fatalf("it was changed all the same: %+v", now)
	}
}

// What is wrong is one sentence in the visitor's language, and nothing is changed.
func TestWrongFormsChangeNoVisit(t *testing.T) {
	s := openSchool(t, nil)
	v := s.bookedVisit("Nordfald Metal", s.at(visitDay, 9*60))
	taken := s.bookedVisit("Skovby Plast", s.at(visitDay, 9*60))
	mette := s.signedIn("mette@skolen.example")
	old := known(v, "date", "2026-11-05", "time", "10:30")
	old.Set("known", fmt.Sprint(v.Sequence-1))
	for name, c := range map[string]struct {
		act  string
		form url.Values
		want int
	}{
		"no time":              {"move", known(v, "date", "2026-11-05"), 400},
		"a day that is none":   {"move", known(v, "date", "2026-02-31", "time", "09:00"), 400},
		"a day that is over":   {"move", known(v, "date", "2026-08-05", "time", "09:00"), 400},
		"a year mistyped":      {"move", known(v, "date", "2062-11-05", "time", "09:00"), 400},
		"where it is already":  {"move", known(v, "date", "2026-11-04", "time", "09:00"), 400},
		"an old page":          {"move", old, 409},
		"no page":              {"move", url.Values{"date": {"2026-11-05"}, "time": {"09:00"}}, 409},
		"no reason":            {"cancel", known(v, "why", "  "), 400},
		"a long reason":        {"cancel", known(v, "why", strings.Repeat("æ", 300)), 400},
		"to nobody":            {"reassign", known(v, "consultant", "ingen@skolen.example"), 400},
		"to whose it is":       {"reassign", known(v, "consultant", "mette@skolen.example"), 400},
		"to whom is elsewhere": {"reassign", known(v, "consultant", "bent@skolen.example"), 409},
	} {
		resp, body := mette.post(fmt.Sprintf("/visits/%d/%s", v.ID, c.act), c.form)
		if resp.StatusCode != c.want || strings.Count(strings.TrimSpace(body), "\n") > 0 || !strings.HasPrefix(body, "Intet er ændret") {
			t.Errorf("%s: %s %q", name, resp.Status, body)
		}
	}
	for company, before := range map[string]reminders.Visit{"Nordfald Metal": v, "Skovby Plast": taken} {
		if now := s.visit(company); now.Sequence != before.Sequence || !now.Start.Equal(before.Start) || now.ConsultantID != before.ConsultantID {
			t.Errorf("%s was changed: %+v", company, now)
		}
	}
}

func TestAVisitIsMovedReleasedGivenAwayAndCalledOff(t *testing.T) {
	s := openSchool(t, nil)
	v := s.bookedVisit("Nordfald Metal", s.at(visitDay, 9*60))
	mette, bent := s.signedIn("mette@skolen.example"), s.signedIn("bent@skolen.example")
	do := func(b *browser, act string, form url.Values) reminders.Visit {
		t.Helper()
		resp, body := b.post(fmt.Sprintf("/visits/%d/%s", v.ID, act), form)
		if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != fmt.Sprintf("/visits/%d", v.ID) {
			t.Fatalf("%s: %s %q", act, resp.Status, body)
		}
		return s.visit("Nordfald Metal")
	}
	moved := do(mette, "move", known(v, "date", "2026-11-05", "time", "10:30"))
	if !moved.Start.Equal(s.at(visitDay.AddDays(1), 10*60+30)) || moved.Sequence != v.Sequence+1 {
		t.Fatalf("moved: %+v", moved)
	}
	given := do(mette, "reassign", known(moved, "consultant", "bent@skolen.example"))
	if given.ConsultantID == v.ConsultantID {
		t.Fatalf("given: %+v", given)
	}
	if _, body := bent.get("/visits"); !strings.Contains(body, "Nordfald Metal") {
		t.Error("who is to come does not see the visit")
	}
	released := do(bent, "release", known(given))
	if released.State != reminders.VisitProposed || len(released.Slots) != 3 || !released.Slots[0].After(moved.Start) {
		t.Fatalf("released: %+v", released)
	}
	off := do(mette, "cancel", known(released, "why", "ombygning"))
	if off.State != reminders.VisitCancelled || off.UID != v.UID || off.Sequence != released.Sequence+1 {
		t.Fatalf("called off: %+v", off)
	}
	if resp, body := mette.post(fmt.Sprintf("/visits/%d/move", v.ID), known(off, "date", "2026-11-06", "time", "09:00")); resp.StatusCode != http.StatusConflict {
		t.Errorf("moved after it was called off: %s %q", resp.Status, body)
	}
}

// A consultant who is ill: who is free takes the visit, the other goes back to a choice of times, both in one action.
func TestTheVisitsOfAnIllDayGoToColleaguesOrNewTimes(t *testing.T) {
	s := openSchool(t, nil)
	v := s.bookedVisit("Nordfald Metal", s.at(visitDay, 9*60))
	bent, mette, admin := s.signedIn("bent@skolen.example"), s.signedIn("mette@skolen.example"), s.signedIn("admin@skolen.example")
	for name, c := range map[string]struct {
		b    *browser
		form url.Values
	}{
		"no day":          {mette, url.Values{}},
		"a day before":    {mette, url.Values{"date": {"2026-08-01"}}},
		"a day without":   {mette, url.Values{"date": {"2026-11-05"}}},
		"of another":      {bent, url.Values{"date": {"2026-11-04"}, "consultant": {"mette@skolen.example"}}},
		"of nobody":       {admin, url.Values{"date": {"2026-11-04"}, "consultant": {"ingen@skolen.example"}}},
		"one's own, none": {bent, url.Values{"date": {"2026-11-04"}}},
	} {
		if resp, body := c.b.post("/visits/ill", c.form); resp.StatusCode != http.StatusBadRequest || strings.Count(strings.TrimSpace(body), "\n") > 0 {
			t.Errorf("%s: %s %q", name, resp.Status, body)
		}
	}
	if now := s.visit("Nordfald Metal"); now.Sequence != v.Sequence {
		t.Fatalf("it was changed all the same: %+v", now)
	}
	if resp, body := mette.post("/visits/ill", url.Values{"date": {"2026-11-04"}}); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s %q", resp.Status, body)
	}
	given := s.visit("Nordfald Metal")
	if given.State != reminders.VisitBooked || given.ConsultantID == v.ConsultantID || !given.Start.Equal(v.Start) {
		t.Fatalf("the colleague was free: %+v", given)
	}
	// Bent has both that day now, at hours that nobody else can be at: he falls ill as well.
	own := s.bookedVisit("Skovby Plast", s.at(visitDay, 13*60))
	busy := s.bookedVisit("Nordfald Metal", s.at(visitDay, 12*60)) // within Mette's drive of none: she is free, but not twice
	if resp, body := admin.post("/visits/ill", url.Values{"date": {"2026-11-04"}, "consultant": {"bent@skolen.example"}}); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s %q", resp.Status, body)
	}
	first, second := s.visit("Nordfald Metal"), s.visit("Skovby Plast")
	if first.State != reminders.VisitBooked || first.ConsultantID == busy.ConsultantID {
		t.Errorf("Mette can take one: %+v", first)
	}
	if second.State != reminders.VisitProposed || len(second.Slots) != 3 || !second.Slots[0].After(s.at(visitDay.AddDays(1), 0)) || second.ConsultantID != own.ConsultantID {
		t.Errorf("and not the other: %+v", second)
	}
}

func TestAFeedsAddressIsRenewedFromThePage(t *testing.T) {
	s := openSchool(t, nil)
	v := s.bookedVisit("Nordfald Metal", s.at(visitDay, 9*60))
	mette := s.signedIn("mette@skolen.example")
	address := func() string {
		u, err := s.store.UserByEmail(t.Context(), "mette@skolen.example")
		if err != nil {
			t.Fatal(err)
		}
		return "/calendar/" + u.CalendarToken + ".ics"
	}
	old := address()
	if _, body := mette.get("/visits"); !strings.Contains(body, old) || !strings.Contains(body, `action="/visits/calendar"`) {
		t.Fatal("the page shows neither the address nor how to renew it")
	}
	if resp, _ := mette.post("/visits/calendar", nil, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusForbidden || address() != old {
		t.Fatalf("another site renews it: %s", resp.Status)
	}
	if resp, body := mette.post("/visits/calendar", nil); resp.StatusCode != http.StatusSeeOther || address() == old {
		t.Fatalf("%s %q", resp.Status, body)
	}
	if resp, _ := s.browser().get(old); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the old address: %s", resp.Status)
	}
	if resp, _ := mette.post(fmt.Sprintf("/visits/%d/cancel", v.ID), known(v, "why", "ombygning")); resp.StatusCode != http.StatusSeeOther {
		t.Fatal(resp.Status)
	}
	resp, body := s.browser().get(address())
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "STATUS:CANCELLED\r\n") || !strings.Contains(body, "UID:"+v.UID+"\r\n") ||
		!strings.Contains(body, "DTSTART:20261104T080000Z\r\n") || strings.Contains(body, "ombygning") {
		t.Errorf("%s\n%s", resp.Status, body)
	}
}

func TestTheFormsOfAVisitAreThereInBothLanguages(t *testing.T) {
	s := openSchool(t, nil)
	v := s.bookedVisit("Nordfald Metal", s.at(visitDay, 9*60))
	for _, lang := range languages {
		for state, want := range map[string]int{reminders.VisitBooked: 4, reminders.VisitProposed: 4, reminders.VisitUnplaced: 4, reminders.VisitPlanned: 4, reminders.VisitHeld: 0, reminders.VisitCancelled: 0} {
			visit := v
			visit.State = state
			var out bytes.Buffer
			if err := s.server.pages.templates[lang]["visits"].ExecuteTemplate(&out, "visit-move", visitView{Visit: visit}); err != nil {
				t.Fatal(err)
			}
			html := out.String()
			if n := strings.Count(html, `<form method="post" action="/visits/`+fmt.Sprint(v.ID)+`/`); n != want || strings.Contains(html, "visit-move-") && !strings.Contains(html, "<section") {
				t.Errorf("%s, %s: %d forms\n%s", lang, state, n, html)
			}
			if want > 0 && (!strings.Contains(html, `value="2026-11-04"`) || !strings.Contains(html, `value="09:00"`) || strings.Contains(html, ">visit-")) {
				t.Errorf("%s, %s:\n%s", lang, state, html)
			}
		}
	}
}

// What calendars have answered stands beside the visit; what was answered to an earlier time does not.
func TestAnswersToAnInvitationAreShown(t *testing.T) {
	s := openSchool(t, nil)
	v := s.bookedVisit("Nordfald Metal", s.at(visitDay, 9*60))
	mette := s.signedIn("mette@skolen.example")
	accept := func(sequence int) {
		t.Helper()
		in := bot.Inbound{Channel: reminders.Email, ProviderID: fmt.Sprintf("<%d@x.example>", sequence), From: "mette@skolen.example", At: s.now, Attributes: map[string]string{
			bot.AttributeInvitation: v.UID, bot.AttributeAttendee: "mette@skolen.example", bot.AttributeAnswer: "accepted", bot.AttributeSequence: fmt.Sprint(sequence)}}
		if err := s.bot.Receive(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	accept(v.Sequence - 1)
	if _, body := mette.get("/visits"); strings.Contains(body, "har sagt ja") {
		t.Error("an answer to an earlier invitation is shown")
	}
	accept(v.Sequence)
	if _, body := mette.get("/visits"); !strings.Contains(body, "Mette Krogh har sagt ja") {
		t.Error("the answer is not shown")
	}
}
