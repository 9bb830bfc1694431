package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"efterkurs/reminders"
)

// Demo is what the demo's page shows and winds.
type Demo struct {
	Clock      DemoClock
	Consultant string // the e-mail of the User that everybody is
}

// DemoClock is the demo's world: its time, and the people with their simulated phones.
type DemoClock interface {
	Now() time.Time
	Wind(ctx context.Context, to time.Time) error  // runs every tick on the way
	ToVisit(ctx context.Context) (time.Time, bool) // the next booked or due visit
	Autopilot() bool
	SetAutopilot(bool) // people answer by themselves
	People(ctx context.Context) ([]DemoPerson, error)
	Write(ctx context.Context, personID int64, channel, text string, questionID int64) error // a person writes
}

// Roles of a DemoPerson.
const (
	DemoParticipant = "participant"
	DemoContact     = "contact"
	DemoStaff       = "staff" // consultant or teacher: Person.ID is the negative of the User's
)

// DemoPerson is one simulated phone, Slack or mailbox.
type DemoPerson struct {
	Person  reminders.Person
	Role    string
	Company string
	Note    string
	Texts   []DemoText // oldest first
}

// DemoText is one text on a simulated phone.
type DemoText struct {
	Out       bool // from the bot to the person
	At        time.Time
	Body      string
	Subject   string
	Channel   string
	Choices   []reminders.Choice
	MessageID int64
	State     reminders.State
}

// wound remembers when the clock was last wound, so that what came since can be marked as new.
type wound struct {
	mu   sync.Mutex
	from time.Time
}

func (w *wound) set(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.from = t
}

func (w *wound) since() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.from
}

// demoData is the demo's page.
type demoData struct {
	Now       time.Time
	Visit     bool // there is a visit to wind to
	Autopilot bool
	Companies []demoCompany
	Mailboxes []phone
	Overview  overview
	New       int // texts since the last wind
	Wound     bool
}

// demoCompany is a company's phones side by side.
type demoCompany struct {
	Name   string
	Phones []phone
}

// phone is a simulated one.
type phone struct {
	DemoPerson
	Channel string
	Texts   []phoneText
	New     int
}

// phoneText is a text on a phone: new since the last wind, the first of its day.
type phoneText struct {
	DemoText
	New, NewDay bool
}

func (p *pages) demoPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	ctx := r.Context()
	people, err := p.Demo.Clock.People(ctx)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	v.Now = p.Demo.Clock.Now()
	data := demoData{Now: v.Now, Autopilot: p.Demo.Clock.Autopilot(), Wound: !p.wound.since().IsZero()}
	_, data.Visit = p.Demo.Clock.ToVisit(ctx)
	for _, person := range people {
		ph := phoneOf(person, p.wound.since(), p.Calendar.Location)
		data.New += ph.New
		if person.Role == DemoStaff {
			slices.Reverse(ph.Texts) // a mailbox has the newest on top
			data.Mailboxes = append(data.Mailboxes, ph)
			continue
		}
		i := slices.IndexFunc(data.Companies, func(c demoCompany) bool { return c.Name == person.Company })
		if i < 0 {
			i = len(data.Companies)
			data.Companies = append(data.Companies, demoCompany{Name: person.Company})
		}
		data.Companies[i].Phones = append(data.Companies[i].Phones, ph)
	}
	if data.Overview, err = p.overview(ctx, v); err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.show(w, r, v, http.StatusOK, "demo", p.Texts.Page(v.Lang, "demo-title"), data)
}

func phoneOf(person DemoPerson, since time.Time, loc *time.Location) phone {
	out := phone{DemoPerson: person}
	out.Channel, _ = person.Person.Address()
	var lastDay reminders.Date
	for _, text := range person.Texts {
		t := phoneText{DemoText: text}
		if t.New = text.Out && !since.IsZero() && text.At.After(since); t.New {
			out.New++
		}
		day := reminders.DateOf(text.At.In(loc))
		t.NewDay, lastDay = day != lastDay, day
		out.Texts = append(out.Texts, t)
	}
	return out
}

// demoWind moves the clock on by an hour, a day, a week, or to the next visit.
func (p *pages) demoWind(w http.ResponseWriter, r *http.Request, v *visitor) {
	now := p.Demo.Clock.Now()
	local := now.In(p.Calendar.Location)
	var to time.Time
	switch r.PostFormValue("by") {
	case "hour":
		to = now.Add(time.Hour)
	case "day":
		to = local.AddDate(0, 0, 1)
	case "week":
		to = local.AddDate(0, 0, 7)
	case "visit":
		at, ok := p.Demo.Clock.ToVisit(r.Context())
		if !ok || !at.After(now) {
			p.demoBack(w, r)
			return
		}
		to = at
	default:
		p.fail(w, r, v, reminders.Errorf(reminders.EINVALID, "the clock is wound by hour, day, week or visit"))
		return
	}
	p.wound.set(now)
	// Whoever reloads while the clock turns has not stopped it: half a week is no state to be in.
	if err := p.Demo.Clock.Wind(context.WithoutCancel(r.Context()), to); err != nil && !errors.Is(err, context.Canceled) {
		p.fail(w, r, v, err)
		return
	}
	p.demoBack(w, r)
}

// demoWrite is a person writing on a simulated phone, or pressing a button.
func (p *pages) demoWrite(w http.ResponseWriter, r *http.Request, v *visitor) {
	person, err := strconv.ParseInt(r.PostFormValue("person"), 10, 64)
	if err != nil {
		p.fail(w, r, v, reminders.Errorf(reminders.EINVALID, "the form names no person"))
		return
	}
	question, _ := strconv.ParseInt(r.PostFormValue("question"), 10, 64) // none is 0
	text := strings.TrimSpace(r.PostFormValue("text"))
	if text != "" && len(text) <= 4000 {
		if err := p.Demo.Clock.Write(r.Context(), person, r.PostFormValue("channel"), text, question); err != nil {
			p.fail(w, r, v, err)
			return
		}
	}
	p.demoBack(w, r)
}

func (p *pages) demoAutopilot(w http.ResponseWriter, r *http.Request, _ *visitor) {
	p.Demo.Clock.SetAutopilot(r.PostFormValue("on") == "1")
	p.demoBack(w, r)
}

func (p *pages) demoBack(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/demo", http.StatusSeeOther)
}
