package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/reminders"
	"efterkurs/templates"
)

const (
	secret = "0123456789abcdef0123456789abcdef"
	public = "https://efterkurs.example"
)

// odds says that something befalls once in so many times; 0 = never.
type odds struct {
	death    uint64 // at each border of a transaction or request
	network  uint64 // at each request
	provider uint64
	webhook  uint64 // does not come, comes late, comes twice
}

// town is the world of one seed.
type town struct {
	t         *testing.T
	seed      uint64
	file      string
	odds      odds
	chance    *rand.Rand // of the story: only the story draws
	gate      *gate
	twilio    *providertest.Twilio
	next      providertest.Behaviour
	texts     *templates.Texts
	calendar  *reminders.Calendar
	people    []string // phones
	procs     []*process
	started   int
	seen      int // of the provider's messages, those whose callbacks are under way
	others    sync.WaitGroup
	said      []*said
	faults    map[string]int
	delivered map[string]bool // reports of delivery that were taken in, by the provider's id
	story     []string        // nil = nobody listens
	ended     bool
}

// said is what somebody wrote.
type said struct {
	phone, text, sid string
	at               time.Time // when the provider had it
	acked            time.Time // when we said that we have it; zero = never
}

func (t *town) must(err error) {
	t.t.Helper()
	if err != nil {
		t.t.Fatalf("seed %d: %v", t.seed, err)
	}
}

func (t *town) fault(kind string) {
	t.gate.mu.Lock()
	defer t.gate.mu.Unlock()
	t.faults[kind]++
}

func (t *town) tell(format string, args ...any) {
	if t.story != nil {
		t.story = append(t.story, time.Now().UTC().Format("01-02 15:04:05.000 ")+fmt.Sprintf(format, args...))
	}
}

// story is where the program's log goes.
type story struct{ t *town }

func (s story) Write(line []byte) (int, error) {
	s.t.tell("%s", strings.TrimSpace(string(line)))
	return len(line), nil
}

func (t *town) alive() []*process {
	return slices.DeleteFunc(slices.Clone(t.procs), func(p *process) bool { return p.dead })
}

// settle is a town with its people, at noon of the last day of their class.
func settle(test *testing.T, seed uint64, file string, texts *templates.Texts, listen bool) *town {
	t := &town{t: test, seed: seed, file: file, texts: texts, chance: rand.New(rand.NewPCG(seed, 2)), gate: newGate(seed), faults: map[string]int{}, delivered: map[string]bool{},
		twilio: providertest.NewTwilioHandler(test)}
	if listen {
		t.story = []string{}
	}
	loc, err := time.LoadLocation("Europe/Copenhagen")
	t.must(err)
	t.calendar = reminders.NewCalendar(loc)
	t.twilio.SetNow(time.Now)
	t.twilio.Script(func(int, url.Values) providertest.Behaviour { return t.next })
	t.twilio.ScriptFetch(func(int, *http.Request) providertest.Behaviour { return t.next })
	// 2000 began on a Saturday. The class ends on Tuesday 4 January.
	time.Sleep(time.Until(time.Date(2000, 1, 4, 10, 0, 0, 0, loc)))
	first := t.start()
	t.procs = append(t.procs, first)
	var rows []reminders.RosterRow
	for i := range 3 + t.chance.IntN(3) {
		phone := fmt.Sprintf("+452000%04d", i)
		t.people = append(t.people, phone)
		row := reminders.RosterRow{Line: i + 2, Company: []string{"Smed & Søn", "Tand A/S"}[i%2], Basis: "legitimate", ConsultantEmail: "karen@skole.dk",
			Person: reminders.Person{Name: fmt.Sprintf("Nr%d Dahl", i), Phone: phone, Channel: reminders.SMS, Language: "da",
				Shift: []reminders.Shift{reminders.DayShift, reminders.DayShift, reminders.EveningShift}[t.chance.IntN(3)]},
			Class:   reminders.Class{Course: []string{"5s", "smed"}[t.chance.IntN(2)], Name: "Hold 1", Start: day("2000-01-03"), End: day("2000-01-04")},
			Contact: reminders.Person{Name: "Lis", Phone: fmt.Sprintf("+452100%04d", i%2), Channel: reminders.SMS, Language: "da"}}
		rows = append(rows, row)
	}
	_, err = first.store.Import(context.Background(), time.Now(), rows)
	t.must(err)
	return t
}

func day(s string) reminders.Date {
	d, err := reminders.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// rounds is how long a story is: into the second week of the programme, or far beyond it.
const rounds = 26

// live is the story.
func (t *town) live() {
	t.odds = []odds{
		{death: 400, network: 20, provider: 12, webhook: 5},
		{death: 100, network: 60, provider: 40, webhook: 8},
		{death: 0, network: 12, provider: 8, webhook: 3},
		{death: 150, network: 0, provider: 0, webhook: 0},
		{death: 40, network: 15, provider: 15, webhook: 4},
	}[t.chance.IntN(5)]
	for range 1 + t.chance.IntN(2) {
		t.procs = append(t.procs, t.start())
	}
	for range rounds {
		t.round()
	}
}

// round lets some time pass, people write, and workers tick at once.
func (t *town) round() {
	t.gate.pass("story")
	t.pass()
	t.gate.pass("story")
	if len(t.alive()) < 3 && t.chance.IntN(3) > 0 || len(t.alive()) == 0 && t.chance.IntN(2) == 0 {
		t.procs = append(t.procs, t.start())
	}
	var busy sync.WaitGroup
	for _, p := range t.alive() {
		if t.chance.IntN(4) == 0 {
			continue
		}
		busy.Go(func() {
			defer t.gate.leave()
			t.tick(p)
		})
	}
	for range t.chance.IntN(3) {
		t.writes()
	}
	busy.Wait()
	t.gate.pass("story")
	if t.chance.IntN(4) == 0 { // somebody presses the button
		for _, p := range t.alive()[:min(1, len(t.alive()))] {
			_ = p.store.Resume(context.Background(), reminders.SMS)
		}
	}
}

// pass goes to the next time that something is due, or only a little way.
func (t *town) pass() {
	wait := []time.Duration{time.Minute, time.Minute, 3 * time.Minute, 4 * time.Minute, 20 * time.Minute, time.Hour, 9 * time.Hour}[t.chance.IntN(7)]
	if alive := t.alive(); len(alive) > 0 && t.chance.IntN(3) == 0 {
		if due, ok, err := alive[0].store.NextDue(context.Background()); err == nil && ok && due.After(time.Now()) && due.Before(time.Now().Add(6*24*time.Hour)) {
			wait = time.Until(due) + time.Second
		}
	}
	time.Sleep(wait)
}

func (t *town) tick(p *process) {
	ctx := tell(context.Background(), "tick")
	_, err := p.engine.Tick(ctx)
	if !p.dead {
		if err != nil {
			t.tell("%s: tick: %v", p.name, err)
		}
		_, _ = p.engine.DeliverReplies(ctx)
	}
}

var answers = []string{"1", "2", "ja", "nej", "STOP", "stop", "START", "hjælp", "vi havde travlt", "3", "pause 1", "makker", "1", "2", "tak"}

// writes has somebody write a text. Most reach us at once; of some the webhook never comes.
func (t *town) writes() {
	phone := t.people[t.chance.IntN(len(t.people))]
	text := answers[t.chance.IntN(len(answers))]
	delay := time.Duration(t.chance.IntN(3000)) * time.Millisecond
	lost, twice := t.chance.IntN(100), t.chance.IntN(100)
	n, w := len(t.said), &said{}
	t.said = append(t.said, w)
	t.others.Go(func() {
		defer t.gate.leave()
		time.Sleep(delay)
		t.gate.pass(fmt.Sprintf("text %d", n))
		m := t.twilio.Arrive(providertest.TwilioMessage{From: phone, To: t.twilio.Number, Body: text})
		*w = said{phone: phone, text: text, sid: m.SID, at: time.Now()}
		t.tell("%s writes %q", phone, text)
		if t.odds.webhook > 0 && lost < int(100/t.odds.webhook) {
			t.fault("webhook lost")
			return
		}
		times := 1
		if t.odds.webhook > 0 && twice < int(100/t.odds.webhook) {
			t.fault("webhook twice")
			times = 2
		}
		for i := range times {
			form := url.Values{"From": {phone}, "To": {t.twilio.Number}, "Body": {text}, "MessageSid": {m.SID}, "NumMedia": {"0"}, "NumSegments": {"1"}}
			res, err := t.twilio.Post(tell(context.Background(), fmt.Sprintf("text %d.%d", n, i)), &http.Client{Transport: handler{t}}, public+"/webhooks/twilio/inbound", form)
			if err != nil || res.StatusCode != http.StatusOK {
				t.fault("webhook not taken")
				continue
			}
			if w.acked.IsZero() {
				w.acked = time.Now()
				t.tell("%q of %s is taken in", text, phone)
			}
		}
	})
}

// delivers starts what becomes of the texts that the provider has taken since.
func (t *town) delivers() {
	all := t.twilio.Messages()
	for n := t.seen; n < len(all); n++ {
		m := all[n]
		if m.Direction != "outbound-api" {
			continue
		}
		t.tell("Twilio takes %d for %s: %.30q", n, m.To, m.Body)
		fate := luck(rand.New(rand.NewPCG(t.seed, uint64(n)+1000)).Uint64())
		final, code := "delivered", ""
		if t.odds.provider > 0 && fate.one(t.odds.provider, 20) {
			final = "undelivered"
			code = []string{"30003", "30008", "30007", "30005", "30006", "30039", "99998"}[fate.draw(21)%7]
			t.fault("undelivered")
		}
		steps := []string{"sent", final}
		if t.odds.webhook > 0 && fate.one(t.odds.webhook, 22) {
			slices.Reverse(steps)
			t.fault("callbacks out of order")
		}
		if t.odds.webhook > 0 && fate.one(t.odds.webhook, 23) {
			steps = append(steps, steps...)
			t.fault("callbacks twice")
		}
		late := time.Duration(fate.draw(24)%20) * 100 * time.Millisecond
		if fate.one(4, 25) {
			late = time.Duration(fate.draw(26)%40) * time.Minute
			t.fault("callbacks late")
		}
		lost := t.odds.webhook > 0 && fate.one(t.odds.webhook, 27)
		if lost {
			t.fault("callbacks lost")
		}
		t.others.Go(func() {
			defer t.gate.leave()
			time.Sleep(late)
			for i, status := range steps {
				t.gate.pass(fmt.Sprintf("status %d.%d", n, i))
				carry := ""
				if status == final {
					carry = code
				}
				if lost {
					t.twilio.SetStatus(m.SID, final, 0)
					return
				}
				who := tell(context.Background(), fmt.Sprintf("status %d.%d", n, i))
				t.tell("callback %d %s %s %s", n, status, carry, m.SID)
				if answer, err := t.twilio.Callback(who, &http.Client{Transport: handler{t}}, m.SID, status, carry); err == nil && answer < 300 && status == "delivered" {
					t.delivered[m.SID] = true
				}
				t.twilio.SetStatus(m.SID, final, 0)
			}
		})
	}
	t.seen = len(all)
}

// end lets everything come to rest: no more faults, one process, a quarter of an hour for each thing in doubt.
func (t *town) end() {
	t.gate.pass("story")
	t.odds = odds{}
	t.gate.pass("story") // whoever goes on sees it
	t.others.Wait()
	t.gate.pass("story")
	for _, p := range t.alive() {
		p.dead = true // as at every restart
	}
	last := t.start()
	t.procs = append(t.procs, last)
	for range 22 {
		t.gate.pass("story")
		_ = last.store.Resume(context.Background(), reminders.SMS)
		t.tick(last)
		t.others.Wait()
		time.Sleep(5 * time.Minute)
	}
	t.ended = true
}

func (t *town) close() {
	for _, p := range t.procs {
		t.must(p.store.Close())
	}
}
