package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-ical"

	"efterkurs/bot/providertest"
	"efterkurs/reminders"
	"efterkurs/templates"
)

// actor is one of the forty, and what they do when a question comes.
type actor struct {
	name, company, course, end string
	shift, language            string
	phone, email, slack        string
	channel                    string
	answers                    string // "" = never
	stopsAfter                 string // the step on which they say STOP
}

var tenWeekCompanies = []struct {
	name, course, end string
	people            int
}{
	{"Nordfald Metal", "5s", "2031-09-02", 11},            // a Tuesday; an odd number
	{"Skovby Plast", "smed", "2031-09-03", 10},            // a Wednesday
	{"Havne Trælast", "problemloesning", "2031-09-05", 9}, // a Friday: reminders fall on weekends
	{"Vestkyst Mejeri", "forretning", "2031-09-02", 9},
	{"Lillebro Bageri", "5s", "2031-09-04", 1}, // alone
}

func tenWeekActors() []actor {
	var all []actor
	for c, company := range tenWeekCompanies {
		for i := range company.people {
			n := len(all)
			a := actor{name: fmt.Sprintf("Person%02d Hansen", n), company: company.name, course: company.course, end: company.end,
				shift: []string{"day", "evening", "night"}[i%3], language: "da", channel: "sms", phone: fmt.Sprintf("+45201100%02d", n), answers: "1"}
			switch {
			case n%10 == 4:
				a.channel, a.email, a.phone = "email", fmt.Sprintf("person%02d@company%d.example", n, c), ""
			case n%10 == 7:
				a.channel, a.slack, a.phone = "slack", fmt.Sprintf("U0PERSON%02d", n), ""
			case n%10 == 9:
				a.language = "en"
			}
			switch {
			case n == 12:
				a.stopsAfter = "exercise-3"
			case n%8 == 3:
				a.answers = ""
			case n%8 == 6:
				a.answers = "ja tak!"
			}
			all = append(all, a)
		}
	}
	return all
}

func tenWeekRoster(all []actor) string {
	var s strings.Builder
	s.WriteString("navn;virksomhed;kursus;hold;startdato;slutdato;mobil;mail;slack;kanal;sprog;skift;kontaktperson;kontakt_mobil;kontakt_mail;konsulent;faglærer\r\n")
	for _, a := range all {
		c := slices.IndexFunc(tenWeekCompanies, func(c struct {
			name, course, end string
			people            int
		}) bool {
			return c.name == a.company
		})
		end, err := time.Parse(time.DateOnly, a.end)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&s, "%s;%s;%s;Hold %d;%s;%s;%s;%s;%s;%s;%s;%s;Leder%d Berg;+45201199%02d;leder@company%d.example;konsulent%d@skolen.example;laerer@skolen.example\r\n",
			a.name, a.company, a.course, c, end.AddDate(0, 0, -1).Format("02-01-2006"), end.Format("02-01-2006"), a.phone, a.email, a.slack, a.channel,
			a.language, a.shift, c, c, c, c%2)
	}
	return s.String()
}

// TestTenWeeks runs the real binary against real servers for ten weeks: roster in, six exercises out, replies
// in by signed webhooks, buddies, check-ins, the visit, status. Both databases must come to the same result.
func TestTenWeeks(t *testing.T) {
	var results sync.Map
	t.Cleanup(func() {
		one, _ := results.Load("sqlite")
		other, ok := results.Load("postgres")
		if ok && one != other {
			t.Errorf("the two databases differ:\n%s", firstDifference(one.(string), other.(string)))
		}
	})
	eachDatabase(t, func(t *testing.T, database string) {
		scheme, _, _ := strings.Cut(database, ":")
		results.Store(scheme, tenWeeks(t, newWorld(t, database)))
	})
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d\n  sqlite:   %s\n  postgres: %s\n  before: %s", i, x[i], y[i], strings.Join(x[max(0, i-6):i], "\n"))
		}
	}
	return fmt.Sprintf("%d lines and %d lines", len(x), len(y))
}

func tenWeeks(t *testing.T, w *world) string {
	actors := tenWeekActors()
	if len(actors) != 40 {
		t.Fatalf("%d people", len(actors))
	}
	for _, a := range actors {
		if a.slack != "" {
			w.slack.AddUser(a.slack, "")
		}
	}
	roster := w.file("roster.csv", tenWeekRoster(actors))
	for i := range 2 {
		w.run("user", "add", fmt.Sprintf("konsulent%d@skolen.example", i), "--name", fmt.Sprintf("Konsulent%d Krogh", i), "--role", "consultant")
	}
	if out := w.run("import", roster); !strings.Contains(out, "40 rows in: 40 new") {
		t.Fatalf("import says %q", out)
	}
	w.serve("--no-worker")

	show := &audience{w: w, actors: actors, seen: map[string]bool{}}
	first := time.Date(2031, 9, 2, 0, 0, 0, 0, danish)
	for day := range 75 {
		for _, at := range []string{"08:10", "12:15", "14:30", "14:50", "17:30"} {
			clock, err := time.ParseInLocation("2006-01-02 15:04", first.AddDate(0, 0, day).Format(time.DateOnly)+" "+at, danish)
			if err != nil {
				t.Fatal(err)
			}
			if wd := clock.Weekday(); wd == time.Saturday || wd == time.Sunday {
				continue
			}
			w.run("tick", "--as-of", clock.Format(time.RFC3339))
			show.react()
		}
	}

	lines := w.statusOf()
	if len(lines) != 40 {
		t.Fatalf("status lists %d people", len(lines))
	}
	byName := map[string]statusLine{}
	for _, l := range lines {
		byName[l.Name] = l
	}
	for _, a := range actors {
		checkActor(t, a, byName)
	}
	checkVisits(t, w, lines)
	checkPhones(t, w, actors)

	// Nothing more comes of the same again.
	posts := len(w.twilio.Messages())
	if out := w.run("import", roster); !strings.Contains(out, "40 as they were") {
		t.Errorf("the same roster again: %s", out)
	}
	w.run("tick", "--as-of", first.AddDate(0, 0, 75).Add(14*time.Hour+30*time.Minute).Format(time.RFC3339))
	if again := len(w.twilio.Messages()); again != posts {
		t.Errorf("%d texts were sent again", again-posts)
	}
	return comparable(lines)
}

// audience is everybody with a phone: it answers what came since it last looked.
type audience struct {
	w      *world
	actors []actor
	seen   map[string]bool
}

func (s *audience) react() {
	for _, m := range s.w.twilio.Messages() {
		if m.Direction != "outbound-api" || s.seen[m.SID] {
			continue
		}
		s.seen[m.SID] = true
		s.w.delivered(m.SID)
		asks := strings.Contains(m.Body, "\n1 = ")
		i := slices.IndexFunc(s.actors, func(a actor) bool { return a.phone == m.To })
		switch {
		case i < 0 && asks: // a leader, asked for a time
			s.w.text(m.To, "2")
		case i >= 0 && asks && s.actors[i].stopsAfter != "" && strings.Contains(m.Body, "Tag tid på en omstilling"):
			s.w.text(m.To, "STOP")
		case i >= 0 && asks && s.actors[i].answers != "":
			s.w.text(m.To, s.actors[i].answers)
		}
	}
	for _, m := range s.w.slack.Messages() {
		i := slices.IndexFunc(s.actors, func(a actor) bool { return a.slack == m.User })
		if m.FromBot && !s.seen[m.Channel+m.TS] && strings.Contains(string(m.Blocks), "answer_1") && i >= 0 && s.actors[i].answers != "" {
			s.w.press(m, "1")
		}
		s.seen[m.Channel+m.TS] = true
	}
	for _, m := range s.w.smtp.Messages() {
		id := m.Header.Get("Message-Id") + strings.Join(m.To, "")
		i := slices.IndexFunc(s.actors, func(a actor) bool { return slices.Contains(m.To, a.email) })
		if !s.seen[id] && strings.Contains(m.HTML, "?v=1") && i >= 0 && s.actors[i].answers != "" {
			s.w.answerMail(m, "1")
		}
		s.seen[id] = true
	}
}

var windows = map[string][2]string{"day": {"14:00", "16:00"}, "evening": {"12:00", "13:30"}, "night": {"17:00", "20:00"}}

// checkActor checks one person's weeks: the day, the local time, the answer, the buddy and the check-ins.
func checkActor(t *testing.T, a actor, all map[string]statusLine) {
	t.Helper()
	l, ok := all[a.name]
	if !ok {
		t.Errorf("%s is not in the status", a.name)
		return
	}
	step := func(name string) statusStep {
		i := slices.IndexFunc(l.Steps, func(s statusStep) bool { return s.Step == name })
		if i < 0 {
			t.Errorf("%s has no step %s", a.name, name)
			return statusStep{}
		}
		return l.Steps[i]
	}
	end, _ := time.ParseInLocation(time.DateOnly, a.end, danish)
	stopped := false
	for week := 1; week <= 6; week++ {
		s := step(fmt.Sprintf("exercise-%d", week))
		if stopped {
			if s.State != "skipped" || s.Reason != reminders.ReasonOptedOut {
				t.Errorf("%s said STOP, and %s is %s (%s)", a.name, s.Step, s.State, s.Reason)
			}
			continue
		}
		if s.SentAt == nil || !reminders.State(s.State).HasLeft() {
			t.Errorf("%s: %s is %s (%s)", a.name, s.Step, s.State, s.Reason)
			continue
		}
		sent, err := time.Parse(time.RFC3339, *s.SentAt)
		if err != nil {
			t.Fatal(err)
		}
		sent = sent.In(danish)
		if day := end.AddDate(0, 0, 7*week).Format(time.DateOnly); sent.Format(time.DateOnly) != day {
			t.Errorf("%s: %s was sent on %s, expected %s", a.name, s.Step, sent.Format(time.DateOnly), day)
		}
		if at, w := sent.Format("15:04"), windows[a.shift]; at < w[0] || at >= w[1] {
			t.Errorf("%s (%s shift): %s was sent at %s", a.name, a.shift, s.Step, at)
		}
		stopped = a.stopsAfter == s.Step
		answered := a.answers != "" && !stopped
		// A rating is a digit of its own: "ja tak!" is no answer to it, nor to what stands in the way.
		if a.answers == "ja tak!" && a.phone != "" && (week == 4 || week == 6) {
			answered = false
		}
		if (s.Answer != nil) != answered {
			t.Errorf("%s: the answer to %s is %v", a.name, s.Step, s.Answer)
		}
		nudge := step(fmt.Sprintf("nudge-%d", week))
		if answered && (nudge.State != "skipped" || nudge.Reason != reminders.ReasonAnswered) {
			t.Errorf("%s answered week %d, and %s is %s (%s)", a.name, week, nudge.Step, nudge.State, nudge.Reason)
		}
		if a.answers == "" && nudge.SentAt == nil {
			t.Errorf("%s did not answer week %d, and %s is %s (%s)", a.name, week, nudge.Step, nudge.State, nudge.Reason)
		}
	}
	switch {
	case a.stopsAfter != "" && l.State != "opted_out":
		t.Errorf("%s said STOP and is %s", a.name, l.State)
	case a.stopsAfter == "" && l.State != "finished":
		t.Errorf("%s is %s after ten weeks", a.name, l.State)
	case a.answers == "" && !l.Quiet, a.answers == "1" && l.Quiet:
		t.Errorf("%s who answers %q is quiet: %v", a.name, a.answers, l.Quiet)
	}
	if s := step("welcome"); s.SentAt == nil {
		t.Errorf("%s was not welcomed: %s (%s)", a.name, s.State, s.Reason)
	}
	alone := a.company == "Lillebro Bageri" || a.stopsAfter != "" // whose buddy has found another group since
	if alone != (len(l.Buddies) == 0) || len(l.Buddies) > 2 {
		t.Errorf("%s of %s has the buddies %v", a.name, a.company, l.Buddies)
	}
	confirmed := !alone && a.answers != "" && a.stopsAfter == ""
	for _, b := range l.Buddies {
		other := all[b]
		if other.Company != a.company || !slices.Contains(other.Buddies, a.name) {
			t.Errorf("%s has the buddy %s of %s, who has %v", a.name, b, other.Company, other.Buddies)
		}
		i := slices.IndexFunc(tenWeekActors(), func(o actor) bool { return o.name == b })
		if o := tenWeekActors()[i]; o.answers == "" || o.stopsAfter != "" {
			confirmed = false
		}
	}
	if len(l.Checkins) != 3 {
		t.Errorf("%s has the check-ins %v", a.name, l.Checkins)
	}
	for _, c := range l.Checkins {
		if a.company == "Lillebro Bageri" && c.State != "skipped" || confirmed && c.State != "confirmed" || !confirmed && c.State == "confirmed" && a.stopsAfter == "" && a.answers == "" {
			t.Errorf("%s of %v: %s is %s", a.name, l.Buddies, c.Step, c.State)
		}
	}
}

// checkVisits checks that each company's visit was agreed two months after its class, on a working day, no
// consultant in two places at once, and that the feeds and the mails say so.
func checkVisits(t *testing.T, w *world, lines []statusLine) {
	t.Helper()
	at := map[string]time.Time{}
	for _, l := range lines {
		if l.Visit == nil || l.Visit.At == nil || l.Visit.State != "held" && l.Visit.State != "booked" {
			t.Errorf("the visit of %s is %+v", l.Company, l.Visit)
			continue
		}
		start, err := time.Parse(time.RFC3339, *l.Visit.At)
		if err != nil {
			t.Fatal(err)
		}
		end, _ := reminders.ParseDate(l.End)
		earliest := end.AddMonths(2)
		day := reminders.DateOf(start.In(danish))
		if day.Before(earliest) || day.Sub(earliest) > 16 || day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			t.Errorf("%s's class ended on %s and is visited on %s", l.Company, l.End, day)
		}
		at[l.Company] = start
	}
	for a, x := range at {
		for b, y := range at {
			if a < b && x.Sub(y).Abs() < time.Hour && sameConsultant(a, b) {
				t.Errorf("one consultant is at %s and %s at %s", a, b, x)
			}
		}
	}
	var users []userLine
	if err := json.Unmarshal([]byte(w.run("user", "list", "--json")), &users); err != nil {
		t.Fatal(err)
	}
	events := 0
	for _, u := range users {
		res, err := http.Get(u.Calendar)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %s %v", u.Calendar, res.Status, err)
		}
		cal, err := ical.NewDecoder(strings.NewReader(string(raw))).Decode()
		if err != nil {
			t.Fatalf("the feed of %s: %v\n%s", u.Email, err, raw)
		}
		if u.Role == "consultant" {
			events += len(cal.Events())
		}
	}
	if events != len(at) {
		t.Errorf("the consultants' feeds hold %d visits, %d are agreed", events, len(at))
	}
	briefs := 0
	for _, m := range w.smtp.Messages() {
		if strings.HasPrefix(m.Subject, "Før besøget") {
			briefs++
			if !strings.Contains(m.Text, "Spørg om") {
				t.Errorf("a brief without questions:\n%s", m.Text)
			}
		}
	}
	if briefs != 2*len(at) { // consultant and teacher
		t.Errorf("%d briefs were sent for %d visits", briefs, len(at))
	}
}

func sameConsultant(a, b string) bool {
	index := func(name string) int {
		for i, c := range tenWeekCompanies {
			if c.name == name {
				return i
			}
		}
		return -1
	}
	return index(a)%2 == index(b)%2
}

// checkPhones asks the providers' own records: every exercise once on each phone, and no link in an SMS.
func checkPhones(t *testing.T, w *world, actors []actor) {
	t.Helper()
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, m := range w.twilio.Messages() {
		if m.Direction == "outbound-api" {
			got[m.To] = append(got[m.To], m.Body)
			if strings.Contains(m.Body, "://") {
				t.Errorf("an SMS holds a link: %q", m.Body)
			}
			if s := templates.CountSegments(m.Body); s.Segments > 2 {
				t.Errorf("an SMS of %d segments: %q", s.Segments, m.Body)
			}
		}
	}
	for _, a := range actors {
		if a.phone == "" {
			continue
		}
		course, err := texts.Course(a.course, a.language)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range course.Exercises {
			want := 1
			if a.stopsAfter != "" && e.Week > 3 {
				want = 0
			}
			n := 0
			for _, body := range got[a.phone] {
				if strings.HasPrefix(body, e.SMS) {
					n++
				}
			}
			if n != want {
				t.Errorf("%s got exercise %d %d times, expected %d", a.name, e.Week, n, want)
			}
		}
		if first := got[a.phone][0]; !strings.Contains(first, "STOP") || !strings.Contains(first, "Fjordens Skole") {
			t.Errorf("the first text to %s does not say who writes and how to stop: %q", a.name, first)
		}
	}
	var slackTexts []providertest.SlackMessage
	for _, m := range w.slack.Messages() {
		if m.FromBot {
			slackTexts = append(slackTexts, m)
		}
	}
	if len(slackTexts) == 0 {
		t.Error("nobody got anything in Slack")
	}
}

// comparable is the status without what may differ by seconds.
func comparable(lines []statusLine) string {
	for i := range lines {
		for j := range lines[i].Steps {
			if s := lines[i].Steps[j].SentAt; s != nil {
				minute := (*s)[:16]
				lines[i].Steps[j].SentAt = &minute
			}
		}
	}
	raw, err := json.MarshalIndent(lines, "", " ")
	if err != nil {
		panic(err)
	}
	return string(raw)
}
