package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
)

// more brings n more participants to Nordfald Metal, half of them on the evening shift.
func (s *school) more(n int) {
	s.t.Helper()
	var rows []reminders.RosterRow
	for i := range n {
		rows = append(rows, reminders.RosterRow{Line: i + 2, Person: reminders.Person{Name: fmt.Sprintf("Person%d Dahl", i), Phone: fmt.Sprintf("+45201001%02d", i), Language: "da",
			Shift: []reminders.Shift{reminders.DayShift, reminders.EveningShift}[i%2]}, Company: "Nordfald Metal",
			Class: reminders.Class{Course: "5s", Name: "5s september", Start: lastDay.AddDays(-1), End: lastDay}, Basis: "consent", ConsultantEmail: "mette@skolen.example"})
	}
	if _, err := s.store.Import(s.t.Context(), s.now, rows); err != nil {
		s.t.Fatal(err)
	}
}

var (
	knownField = regexp.MustCompile(`name="known" value="([0-9a-f]+)"`)
	swapForm   = regexp.MustCompile(`name="one" value="(\d+)">\s*<label[^>]*>[^<]*</label>\s*<div><select[^>]*><option value="(\d+)">`)
	blockForm  = regexp.MustCompile(`action="(/buddies/\d+)/block">\s*<input[^>]*><input type="hidden" name="one" value="(\d+)"><input type="hidden" name="other" value="(\d+)">`)
)

func TestADraftOfBuddiesIsChangedOnThePage(t *testing.T) {
	s := openSchool(t, nil)
	s.more(5)
	s.pass(2)
	mette, bent := s.signedIn("mette@skolen.example"), s.signedIn("bent@skolen.example")
	if _, body := mette.get("/"); !strings.Contains(body, "har et forslag til 4 makkergrupper") {
		t.Error("the overview does not lead to the draft")
	}
	_, body := mette.get("/buddies")
	block := blockForm.FindStringSubmatch(body)
	swap := swapForm.FindStringSubmatch(body)
	known := knownField.FindStringSubmatch(body)
	if block == nil || swap == nil || known == nil || !strings.Contains(body, "samme skift") {
		t.Fatalf("no draft to change:\n%s", body)
	}
	at := block[1]
	drafted := func() (groups []string) {
		drafts, err := s.store.Drafts(t.Context(), 0, s.now.Add(reminders.DraftAhead), s.cal.Over(s.now))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range drafts {
			for _, g := range d.Groups {
				var members []int64
				for _, m := range g.Members {
					members = append(members, m.EnrolmentID)
				}
				groups = append(groups, fmt.Sprint(members))
			}
		}
		slices.Sort(groups)
		return groups
	}
	before := drafted()
	post := func(b *browser, path string, form url.Values) (int, string) { // and goes where it leads
		resp, body := b.post(path, form)
		if resp.StatusCode == http.StatusSeeOther {
			resp, body = b.get("/buddies")
		}
		return resp.StatusCode, body
	}
	// What is nobody's to change, or nothing, changes nothing.
	for what, c := range map[string]struct {
		who  *browser
		path string
		form url.Values
		want int
	}{
		"another consultant's company": {bent, at + "/swap", url.Values{"known": {known[1]}, "one": {swap[1]}, "other": {swap[2]}}, http.StatusNotFound},
		"a company that is none":       {mette, "/buddies/999/publish", url.Values{"known": {known[1]}}, http.StatusNotFound},
		"a verb that is none":          {mette, at + "/shuffle", url.Values{"known": {known[1]}}, http.StatusNotFound},
		"one with themselves":          {mette, at + "/swap", url.Values{"known": {known[1]}, "one": {swap[1]}, "other": {swap[1]}}, http.StatusUnprocessableEntity},
		"words for numbers":            {mette, at + "/swap", url.Values{"known": {known[1]}, "one": {"Ali"}, "other": {"Bo"}}, http.StatusUnprocessableEntity},
		"a draft nobody saw":           {mette, at + "/swap", url.Values{"one": {swap[1]}, "other": {swap[2]}}, http.StatusConflict},
	} {
		if got, _ := post(c.who, c.path, c.form); got != c.want {
			t.Errorf("%s: %d, want %d", what, got, c.want)
		}
	}
	if after := drafted(); !slices.Equal(before, after) {
		t.Fatalf("refused, and %v became %v", before, after)
	}
	if got, _ := post(mette, at+"/swap", url.Values{"known": {known[1]}, "one": {swap[1]}, "other": {swap[2]}}); got != http.StatusOK {
		t.Errorf("a swap: %d", got)
	}
	swapped := drafted()
	if slices.Equal(before, swapped) {
		t.Error("nothing was swapped")
	}
	// The second consultant is told, and sees how it is now.
	got, body := post(s.signedIn("admin@skolen.example"), at+"/block", url.Values{"known": {known[1]}, "one": {block[2]}, "other": {block[3]}})
	if got != http.StatusConflict || !strings.Contains(body, "En kollega har ændret forslaget imens") || !slices.Equal(drafted(), swapped) {
		t.Errorf("the second: %d", got)
	}
	_, body = mette.get("/buddies")
	known, block = knownField.FindStringSubmatch(body), blockForm.FindStringSubmatch(body)
	if got, body := post(mette, at+"/block", url.Values{"known": {known[1]}, "one": {block[2]}, "other": {block[3]}}); got != http.StatusOK || !strings.Contains(body, "De må gerne igen") {
		t.Errorf("a block: %d", got)
	}
	_, body = mette.get("/buddies")
	known = knownField.FindStringSubmatch(body)
	if got, body := post(mette, at+"/publish", url.Values{"known": {known[1]}}); got != http.StatusOK || strings.Contains(body, "Godkend forslaget") || !strings.Contains(body, "Nordfald Metal") {
		t.Errorf("publishing: %d", got)
	}
	if got, body := post(mette, at+"/publish", url.Values{"known": {known[1]}}); got != http.StatusConflict || !strings.Contains(body, "allerede godkendt") {
		t.Errorf("publishing twice: %d", got)
	}
	if _, body := mette.get("/"); strings.Contains(body, "makkergrupper") {
		t.Error("the overview still asks for the draft to be looked at")
	}
}

// A group that was asked twice and has not met is the consultant's, with what to do about it, and is gone when it has.
func TestAGroupThatHasNotMetIsShownWithASuggestion(t *testing.T) {
	now := time.Date(2026, 10, 10, 12, 0, 0, 0, time.UTC)
	view := func(id int64, shift reminders.Shift, state string) reminders.EnrolmentView {
		return reminders.EnrolmentView{EnrolmentStatus: reminders.EnrolmentStatus{EnrolmentID: id, Group: 1, Person: reminders.Person{ID: id, Name: fmt.Sprint("P", id), Shift: shift},
			Steps: []reminders.StepStatus{{Step: reminders.CheckinStep(4), Kind: reminders.KindCheckin, State: reminders.Delivered, SentAt: now.Add(-4 * 24 * time.Hour)}}},
			Checkins: []reminders.Checkin{{Step: reminders.CheckinStep(2), State: reminders.CheckinOpen}, {Step: reminders.CheckinStep(4), State: state}}}
	}
	for _, c := range []struct {
		shift reminders.Shift
		state string
		want  string
	}{
		{reminders.DayShift, reminders.CheckinOpen, "unmet-silent"}, {reminders.DayShift, reminders.CheckinHalf, "unmet-half"},
		{reminders.DayShift, reminders.CheckinNotYet, "unmet-time"}, {reminders.NightShift, reminders.CheckinOpen, "unmet-shifts"},
		{reminders.DayShift, reminders.CheckinConfirmed, ""},
	} {
		got := ""
		for _, g := range unmet([]reminders.EnrolmentView{view(1, reminders.DayShift, c.state), view(2, c.shift, c.state)}, now) {
			got += g.Suggestion
		}
		if got != c.want {
			t.Errorf("%s and %s: %q, want %q", c.shift, c.state, got, c.want)
		}
	}
	if early := unmet([]reminders.EnrolmentView{view(1, reminders.DayShift, reminders.CheckinOpen)}, now.Add(-2*24*time.Hour)); len(early) != 0 {
		t.Error("a group has its days to answer")
	}
}
