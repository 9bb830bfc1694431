package bot_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"efterkurs/bot"
	"efterkurs/bot/handset"
	"efterkurs/bot/meaning"
	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
	"efterkurs/templates"
)

// The world of these tests: a class that ends on Tuesday 1 September 2026, with the real store, the real clockwork
// and simulated phones. Exercises come on the Tuesdays from 8 September to 13 October, reminders on Thursdays, check-ins on Fridays;
// the visit is proposed on 29 September. People are known by their names.
type world struct {
	tb
	store  *store.Store
	bot    *bot.Bot
	engine *reminders.Engine
	clock  *clock
	seen   map[int64]bool // messages a phone has shown
	texts  int            // texts written, to tell them apart
}

// tb is what a test and a property have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// reader is the same for every world: its words take a moment to load.
var reader = meaning.NewReader()

var ctx = context.Background()

// clock is set by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// each runs fn in a world of its own on SQLite and on PostgreSQL, beside other tests.
func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(t *testing.T) *store.Store) { fn(newWorld(t, open(t))) })
}

func newWorld(t tb, s *store.Store) *world {
	w := &world{tb: t, store: s, clock: &clock{}, seen: map[int64]bool{}}
	w.bot, w.engine = w.machine("one")
	w.clock.set(w.local("2026-09-01 14:30"))
	return w
}

// machine is one worker over the world's database.
func (w *world) machine(name string) (*bot.Bot, *reminders.Engine) {
	w.Helper()
	texts, err := templates.Load("")
	w.ok(err)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	calendar := reminders.NewCalendar(copenhagen(w))
	b := &bot.Bot{Channels: map[string]bot.Channel{}, Texts: texts, Reader: reader, Store: w.store, Calendar: calendar, School: "Fjordens Skole", Now: w.clock.Now, Log: log}
	for _, channel := range []string{reminders.SMS, reminders.Slack, reminders.Email} {
		b.Channels[channel] = handset.New(channel)
	}
	return b, &reminders.Engine{Store: w.store, Desk: b, Calendar: calendar, Now: w.clock.Now, Log: log, Worker: name}
}

func copenhagen(t tb) *time.Location {
	loc, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) local(at string) time.Time {
	w.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04", at, copenhagen(w))
	w.ok(err)
	return when
}

// row is a participant by SMS of the day shift at Smed & Søn, on the 5S class.
func row(name string, change ...func(*reminders.RosterRow)) reminders.RosterRow {
	r := reminders.RosterRow{
		Person:  reminders.Person{Name: name, Phone: phone(name), Channel: reminders.SMS, Language: "da", Shift: reminders.DayShift},
		Company: "Smed & Søn", Class: reminders.Class{Course: "5s", Name: "Hold 1", Start: date("2026-08-31"), End: date("2026-09-01")},
		Contact: reminders.Person{Name: "Lis", Phone: phone("Lis"), Channel: reminders.SMS, Language: "da"},
		Basis:   "legitimate", ConsultantEmail: "karen@skole.dk", TeacherEmail: "frits@skole.dk",
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

// at gives a row another company, with a contact of its own.
func at(company, contact string) func(*reminders.RosterRow) {
	return func(r *reminders.RosterRow) {
		r.Company, r.Contact = company, reminders.Person{Name: contact, Phone: phone(contact), Channel: reminders.SMS, Language: "da"}
	}
}

func on(channel string) func(*reminders.RosterRow) {
	return func(r *reminders.RosterRow) {
		r.Person.Channel = channel
		switch channel {
		case reminders.Slack:
			r.Person.SlackID = "U" + r.Person.Name
		case reminders.Email:
			r.Person.Email = r.Person.Name + "@smed.dk"
		}
	}
}

// phone is a number made from a name.
func phone(name string) string {
	n := 0
	for _, r := range name {
		n = (n*31 + int(r)) % 10_000_000
	}
	return fmt.Sprintf("+452%07d", n)
}

func date(s string) reminders.Date {
	d, err := reminders.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// enrol imports rows and plans their programmes.
func (w *world) enrol(rows ...reminders.RosterRow) {
	w.Helper()
	for i := range rows {
		rows[i].Line = i + 2
	}
	_, err := w.store.Import(ctx, w.clock.Now(), rows)
	w.ok(err)
	w.tick()
}

func (w *world) tick() {
	w.Helper()
	_, err := w.engine.Tick(ctx)
	w.ok(err)
}

// until lets the days go by with a tick on each at 14:30, when everybody's window is open, up to day.
func (w *world) until(day string) {
	w.Helper()
	end := w.local(day + " 14:30")
	for {
		w.tick()
		now := w.clock.Now().In(end.Location())
		if !now.Before(end) {
			return
		}
		w.clock.set(time.Date(now.Year(), now.Month(), now.Day()+1, 14, 30, 0, 0, end.Location()))
	}
}

// later lets a little time pass.
func (w *world) later(d time.Duration) { w.clock.set(w.clock.Now().Add(d)) }

func (w *world) person(name string) reminders.Person {
	w.Helper()
	persons, err := w.store.FindPersons(ctx, name)
	w.ok(err)
	if len(persons) != 1 {
		w.Fatalf("%d people are called %s", len(persons), name)
	}
	return persons[0]
}

// inbound is a text from name on the channel that they are written to on.
func (w *world) inbound(name, text string, change ...func(*bot.Inbound)) bot.Inbound {
	w.Helper()
	w.texts++
	p := w.person(name)
	channel, address := p.Address()
	in := bot.Inbound{Channel: channel, ProviderID: fmt.Sprintf("IN%d", w.texts), From: address, To: "+4511111111", Text: text, At: w.clock.Now()}
	for _, f := range change {
		f(&in)
	}
	return in
}

func question(id int64) func(*bot.Inbound)  { return func(in *bot.Inbound) { in.QuestionID = id } }
func optOut(word string) func(*bot.Inbound) { return func(in *bot.Inbound) { in.OptOut = word } }
func picture(address string) func(*bot.Inbound) {
	return func(in *bot.Inbound) { in.Media = []string{address} }
}

// writes sends a text from name a minute from now and returns what is said back at once.
func (w *world) writes(name, text string, change ...func(*bot.Inbound)) []string {
	w.Helper()
	w.unread(name) // what came before is no answer to this
	w.later(time.Minute)
	w.ok(w.bot.Receive(ctx, w.inbound(name, text, change...)))
	_, err := w.engine.DeliverReplies(ctx)
	w.ok(err)
	return bodies(w.unread(name))
}

// hears fails unless name, having written text, hears exactly want, and nothing where it is "".
func (w *world) hears(name, text, want string, change ...func(*bot.Inbound)) {
	w.Helper()
	got := w.writes(name, text, change...)
	if want == "" && len(got) == 0 {
		return
	}
	if len(got) != 1 || want == "" || got[0] != want {
		w.Fatalf("%s wrote %q and heard %q, want %q", name, text, got, want)
	}
}

// said is a text of the bot as Danish templates have it, with values ("name", "value", …) for its placeholders.
func (w *world) said(key string, values ...string) string {
	w.Helper()
	m, err := w.bot.Texts.Message("da", key)
	w.ok(err)
	fill := map[string]string{"school": "Fjordens Skole", "consultant": "Karen", "handled_by": "Karen"}
	for i := 0; i < len(values); i += 2 {
		fill[values[i]] = values[i+1]
	}
	text, err := templates.Fill(m.SMS, fill)
	w.ok(err)
	return text
}

// asked is what said is on a phone where it asks for a digit.
func (w *world) asked(key string, values ...string) string {
	w.Helper()
	m, err := w.bot.Texts.Message("da", key)
	w.ok(err)
	return templates.WithChoices(w.said(key, values...), m.Choices)
}

// unread is what name's phone received since it was last looked at, oldest first.
func (w *world) unread(name string) []reminders.Message {
	w.Helper()
	var fresh []reminders.Message
	for _, m := range w.messages(name) {
		if m.State.HasLeft() && !w.seen[m.ID] {
			w.seen[m.ID] = true
			fresh = append(fresh, m)
		}
	}
	slices.SortFunc(fresh, func(a, b reminders.Message) int { return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.ID, b.ID)) })
	return fresh
}

// messages is everything ever planned for name.
func (w *world) messages(name string) []reminders.Message {
	w.Helper()
	all, err := w.store.Messages(ctx, reminders.MessageFilter{PersonID: w.person(name).ID})
	w.ok(err)
	return all
}

// message is the step of name on a course; any course where "".
func (w *world) message(name, step string) reminders.Message {
	w.Helper()
	for _, m := range w.messages(name) {
		if m.Step == step {
			return m
		}
	}
	w.Fatalf("%s has no %s", name, step)
	return reminders.Message{}
}

func bodies(messages []reminders.Message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, m.Body)
	}
	return out
}

func steps(messages []reminders.Message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, m.Step)
	}
	return out
}

// reply is the last text that name wrote, as it is stored.
func (w *world) reply(name string) reminders.Reply {
	w.Helper()
	replies, err := w.store.Replies(ctx, reminders.ReplyFilter{PersonID: w.person(name).ID, Limit: 1})
	w.ok(err)
	if len(replies) == 0 {
		w.Fatalf("nothing of %s is stored", name)
	}
	return replies[0]
}

// filed fails unless the last text of name is in state and was taken for kind.
func (w *world) filed(name, state, kind string) {
	w.Helper()
	if r := w.reply(name); r.State != state || r.Kind != kind {
		w.Fatalf("%q of %s is %s in %s (%s), want %s in %s", r.Text, name, r.Kind, r.State, r.Why, kind, state)
	}
}

// answers is every answer of name, as "step=digit", first to last; "step=" for words alone.
func (w *world) answers(name string) []string {
	w.Helper()
	kept, err := w.store.Export(ctx, w.person(name).ID)
	w.ok(err)
	var out []string
	for _, a := range kept.Answers {
		out = append(out, a.Step+"="+a.Digit)
	}
	return out
}

// counts fails unless digit is the answer of name to step that counts; "" = none.
func (w *world) counts(name, step, digit string) {
	w.Helper()
	if got := w.step(name, step).Answer; got != digit {
		w.Fatalf("the answer of %s to %s is %q, want %q", name, step, got, digit)
	}
}

func (w *world) step(name, step string) reminders.StepStatus {
	w.Helper()
	status, err := w.store.Status(ctx, reminders.Filter{PersonID: w.person(name).ID})
	w.ok(err)
	for _, s := range status {
		for _, st := range s.Steps {
			if st.Step == step {
				return st
			}
		}
	}
	w.Fatalf("%s has no %s", name, step)
	return reminders.StepStatus{}
}

// equal compares lists of texts.
func (w *world) equal(what string, got []string, want ...string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Fatalf("%s: %q, want %q", what, got, want)
	}
}
