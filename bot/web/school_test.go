package web

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
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

// reader is the same for every school: its words take a moment to load.
var reader = meaning.NewReader()

// A school is the whole program but its binary: a database, the clockwork and the pages, in a time of its own.
type school struct {
	t      *testing.T
	now    time.Time
	store  *store.Store
	bot    *bot.Bot
	engine *reminders.Engine
	cal    *reminders.Calendar
	server *Server
	site   *httptest.Server
}

const password = "hver mandag kl. syv"

// passwordHash is made once: it is slow on purpose.
var passwordHash = sync.OnceValues(func() (string, error) { return HashPassword(password) })

// lastDay is a Tuesday. The classes of openSchool end on it.
var lastDay = reminders.Date{Year: 2026, Month: time.September, Day: 1}

func openSchool(t *testing.T, demo *Demo) *school {
	t.Helper()
	return openSchoolOn(t, demo, storetest.SQLite(t))
}

func openSchoolOn(t *testing.T, demo *Demo, database string) *school {
	t.Helper()
	location, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	s := &school{t: t, now: lastDay.At(9*60, location), cal: reminders.NewCalendar(location)}
	clock := func() time.Time { return s.now }
	log := slog.New(slog.DiscardHandler)
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s.store = storetest.Open(t, database)
	channels := map[string]bot.Channel{}
	for _, name := range []string{reminders.SMS, reminders.Slack, reminders.Email} {
		channels[name] = handset.New(name)
	}
	s.bot = &bot.Bot{Channels: channels, Texts: texts, Reader: reader, Store: s.store, Calendar: s.cal, School: "Fjordens Erhvervsskole", Now: clock, Log: log}
	s.engine = &reminders.Engine{Store: s.store, Desk: s.bot, Calendar: s.cal, Now: clock, Log: log, Worker: "test"}
	s.server, err = New(Config{Store: s.store, Sessions: store.Sessions{Store: s.store}, Bot: s.bot, Tokens: bot.Tokens{Key: storetest.Secret}, Texts: texts,
		Calendar: s.cal, School: "Fjordens Erhvervsskole", Now: clock, Log: log, Pages: true, Demo: demo})
	if err != nil {
		t.Fatal(err)
	}
	s.site = httptest.NewServer(s.server.Handler())
	t.Cleanup(s.site.Close)
	s.people()
	return s
}

// people are two consultants, each with a company of their own, and an administrator.
func (s *school) people() {
	s.t.Helper()
	hash, err := passwordHash()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, u := range []reminders.User{
		{Email: "mette@skolen.example", Name: "Mette Krogh", Role: reminders.Consultant, Language: "da"},
		{Email: "bent@skolen.example", Name: "Bent Juul", Role: reminders.Consultant, Language: "en"},
		{Email: "admin@skolen.example", Name: "Anne Admin", Role: reminders.Admin, Language: "da"},
	} {
		u.PasswordHash = hash
		if _, err := s.store.SaveUser(s.t.Context(), s.now, u); err != nil {
			s.t.Fatal(err)
		}
	}
	row := func(line int, name, phone, company, course, consultant string) reminders.RosterRow {
		return reminders.RosterRow{Line: line, Person: reminders.Person{Name: name, Phone: phone, Language: "da", Shift: reminders.DayShift}, Company: company,
			Class: reminders.Class{Course: course, Name: course + " september", Start: lastDay.AddDays(-1), End: lastDay}, Team: "Montage", Basis: "consent",
			Contact: reminders.Person{Name: "Leder af " + company, Phone: fmt.Sprintf("+45201000%02d", 90+len(company)%9)}, ConsultantEmail: consultant}
	}
	if _, err := s.store.Import(s.t.Context(), s.now, []reminders.RosterRow{
		row(2, "Ali Hassan", "+4520100001", "Nordfald Metal", "5s", "mette@skolen.example"),
		row(3, "Birgit Lund", "+4520100002", "Nordfald Metal", "5s", "mette@skolen.example"),
		row(4, "Carsten <b>Bay</b>", "+4520100003", "Nordfald Metal", "5s", "mette@skolen.example"),
		row(5, "Hanne Toft", "+4520100008", "Skovby Plast", "smed", "bent@skolen.example"),
	}); err != nil {
		s.t.Fatal(err)
	}
}

// pass lets days go by, with a tick at nine for the staff and one in the day shift's window.
func (s *school) pass(days int) {
	s.t.Helper()
	for range days * 24 {
		s.now = s.now.Add(time.Hour)
		if h := s.now.In(s.cal.Location).Hour(); h != 9 && h != 15 {
			continue
		}
		if _, err := s.engine.Tick(s.t.Context()); err != nil {
			s.t.Fatalf("tick at %s: %v", s.now, err)
		}
	}
}

// write is a person writing by SMS.
func (s *school) write(phone, text string) {
	s.t.Helper()
	in := bot.Inbound{Channel: reminders.SMS, ProviderID: fmt.Sprintf("%s-%d", phone, s.now.UnixNano()), From: phone, Text: text, At: s.now}
	if err := s.bot.Receive(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
}

func (s *school) status(f reminders.Filter) []reminders.EnrolmentStatus {
	s.t.Helper()
	all, err := s.store.Status(s.t.Context(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// browser keeps cookies and does not follow redirects.
type browser struct {
	s      *school
	client *http.Client
}

func (s *school) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *browser) do(r *http.Request) (*http.Response, string) {
	b.s.t.Helper()
	resp, err := b.client.Do(r)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return resp, string(body)
}

func (b *browser) get(path string) (*http.Response, string) {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodGet, b.s.site.URL+path, nil)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(path string, form url.Values, headers ...string) (*http.Response, string) {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodPost, b.s.site.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(r)
}

func (b *browser) login(email, pw string) *http.Response {
	b.s.t.Helper()
	resp, _ := b.post("/login", url.Values{"email": {email}, "password": {pw}})
	return resp
}

func (s *school) signedIn(email string) *browser {
	s.t.Helper()
	b := s.browser()
	if resp := b.login(email, password); resp.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("%s cannot sign in: %s", email, resp.Status)
	}
	return b
}
