package web

import (
	"context"
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
	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
	"efterkurs/templates"
)

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
	s.store = storetest.Open(t, storetest.SQLite(t))
	channels := map[string]bot.Channel{}
	for _, name := range []string{reminders.SMS, reminders.Slack, reminders.Email} {
		channels[name] = handset.New(name)
	}
	s.bot = &bot.Bot{Channels: channels, Texts: texts, Store: s.store, Calendar: s.cal, School: "Fjordens Erhvervsskole", Now: clock, Log: log}
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

func TestNobodySeesAPageWithoutSigningIn(t *testing.T) {
	s := openSchool(t, nil)
	b := s.browser()
	for _, path := range []string{"/", "/classes", "/classes/1", "/participants/1", "/visits", "/inbox", "/health", "/no/such/page", "/demo"} {
		resp, body := b.get(path)
		if resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/login") || strings.Contains(body, "Ali") {
			t.Errorf("%s: %s to %q", path, resp.Status, resp.Header.Get("Location"))
		}
	}
	for _, path := range []string{"/inbox/1/handled", "/health/resume"} {
		if resp, _ := b.post(path, nil); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("POST %s: %s", path, resp.Status)
		}
	}
}

func TestSigningInAndOut(t *testing.T) {
	s := openSchool(t, nil)
	b := s.browser()
	if resp := b.login("mette@skolen.example", "hver mandag kl. otte"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong password: %s", resp.Status)
	}
	if resp := b.login("nobody@skolen.example", password); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an unknown user: %s", resp.Status)
	}
	resp, _ := b.post("/login", url.Values{"email": {" Mette@Skolen.example "}, "password": {password}, "next": {"/inbox"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/inbox" {
		t.Fatalf("the right password: %s to %q", resp.Status, resp.Header.Get("Location"))
	}
	cookie := resp.Header.Get("Set-Cookie")
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Errorf("the cookie is %q", cookie)
	}
	if resp, body := b.get("/"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "Hej Mette") {
		t.Errorf("signed in: %s", resp.Status)
	}
	if resp, _ := b.post("/logout", nil); resp.Header.Get("Location") != "/login" {
		t.Errorf("signing out: %s", resp.Status)
	}
	if resp, _ := b.get("/"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("signed out: %s", resp.Status)
	}
}

// A token that somebody planted in a browser before the login must be worth nothing after it.
func TestTheSessionTokenIsNewAfterTheLogin(t *testing.T) {
	s := openSchool(t, nil)
	b := s.browser()
	first := b.login("mette@skolen.example", password).Header.Get("Set-Cookie")
	second := b.login("mette@skolen.example", password).Header.Get("Set-Cookie")
	token := func(c string) string { c, _, _ = strings.Cut(c, ";"); return c }
	if token(first) == "" || token(first) == token(second) {
		t.Errorf("the token stayed %q", token(first))
	}
}

func TestGuessingIsThrottled(t *testing.T) {
	s := openSchool(t, nil)
	b := s.browser()
	for i := range freeTries {
		if resp := b.login("mette@skolen.example", "a wrong password"); resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("try %d: %s", i+1, resp.Status)
		}
	}
	resp, body := b.post("/login", url.Values{"email": {"METTE@skolen.example"}, "password": {password}})
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "30" || !strings.Contains(body, "Vent 1 min.") {
		t.Errorf("the sixth try, even with the right password: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	if resp := b.login("admin@skolen.example", password); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("somebody else: %s", resp.Status)
	}
	s.now = s.now.Add(31 * time.Second)
	if resp := b.login("mette@skolen.example", password); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("after the wait: %s", resp.Status)
	}
}

func TestADisabledUserIsOutAtOnce(t *testing.T) {
	s := openSchool(t, nil)
	b := s.signedIn("bent@skolen.example")
	if resp, _ := b.get("/"); resp.StatusCode != http.StatusOK {
		t.Fatalf("before: %s", resp.Status)
	}
	if err := s.store.DisableUser(t.Context(), s.now, "bent@skolen.example"); err != nil {
		t.Fatal(err)
	}
	if resp, _ := b.get("/"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("afterwards: %s", resp.Status)
	}
	if resp := b.login("bent@skolen.example", password); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("signing in again: %s", resp.Status)
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	s := openSchool(t, nil)
	b := s.signedIn("mette@skolen.example")
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}} {
		for _, path := range []string{"/login", "/logout", "/language", "/inbox/1/handled", "/health/resume"} {
			if resp, _ := b.post(path, url.Values{"lang": {"en"}}, headers...); resp.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s with %v: %s", path, headers, resp.Status)
			}
		}
	}
	if resp, _ := b.get("/"); resp.StatusCode != http.StatusOK {
		t.Errorf("the session is gone: %s", resp.Status)
	}
}

// A mail program posts the one-click unsubscribe from anywhere (RFC 8058), and so do the providers.
func TestTheAnswerPageTakesPostsFromAnywhere(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(1)
	id := s.status(reminders.Filter{})[0].Steps[0].MessageID
	path := "/answer/" + s.server.Tokens.Answer(id)
	resp, body := s.browser().post(path, url.Values{"List-Unsubscribe": {"One-Click"}}, "Sec-Fetch-Site", "cross-site")
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "ikke flere beskeder") {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	if s.status(reminders.Filter{})[0].Person.OptedOutAt.IsZero() {
		t.Error("the person is not opted out")
	}
}

func TestAConsultantSeesOwnCompaniesOnly(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Jeg har et spørgsmål om tavlen")
	own, other := s.status(reminders.Filter{Company: "Nordfald Metal"})[0], s.status(reminders.Filter{Company: "Skovby Plast"})[0]
	paths := func(e reminders.EnrolmentStatus) []string {
		return []string{fmt.Sprintf("/classes/%d", e.Class.ID), fmt.Sprintf("/participants/%d", e.Person.ID), fmt.Sprintf("/participants/%d", e.Company.ContactID)}
	}
	mette, admin := s.signedIn("mette@skolen.example"), s.signedIn("admin@skolen.example")
	for _, path := range paths(own) {
		if resp, _ := mette.get(path); resp.StatusCode != http.StatusOK {
			t.Errorf("her own %s: %s", path, resp.Status)
		}
	}
	for _, path := range paths(other) {
		if resp, body := mette.get(path); resp.StatusCode != http.StatusNotFound || strings.Contains(body, other.Person.Name) {
			t.Errorf("somebody else's %s: %s", path, resp.Status)
		}
		if resp, _ := admin.get(path); resp.StatusCode != http.StatusOK {
			t.Errorf("an administrator, %s: %s", path, resp.Status)
		}
	}
	for _, path := range []string{"/", "/classes", "/visits", "/inbox"} {
		if _, body := mette.get(path); strings.Contains(body, "Skovby") || strings.Contains(body, "Hanne Toft") {
			t.Errorf("%s shows another consultant's company", path)
		}
	}
	for _, path := range []string{"/classes/0", "/classes/x", "/classes/999", "/participants/-1", "/participants/999", "/nope"} {
		if resp, _ := mette.get(path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

func TestEveryPageIsThereInBothLanguages(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(17)
	s.write("+4520100002", "1")
	s.write("+4520100001", "Vi må ikke flytte tavlen & det er <dumt>")
	s.write("+4520100003", "STOP")
	s.pass(20)
	e := s.status(reminders.Filter{Company: "Nordfald Metal"})[0]
	b := s.signedIn("mette@skolen.example")
	for _, c := range []struct{ path, da, en string }{
		{"/", "Det venter på dig", "Waiting for you"},
		{"/classes", "Svar, seneste to uger", "Answers, last two weeks"},
		{fmt.Sprintf("/classes/%d", e.Class.ID), "Sprunget over", "Skipped"},
		{fmt.Sprintf("/participants/%d", e.Person.ID), "Forløbet", "Timeline"},
		{fmt.Sprintf("/participants/%d", e.Company.ContactID), "Kontaktperson hos Nordfald Metal", "Contact at Nordfald Metal"},
		{"/visits", "Besøg", "Visits"},
		{"/inbox", "Indbakke", "Inbox"},
		{"/health", "Alt kører", "Everything is running"},
	} {
		for lang, want := range map[string]string{"da": c.da, "en": c.en} {
			if resp, _ := b.post("/language", url.Values{"lang": {lang}, "next": {c.path}}); resp.Header.Get("Location") != c.path {
				t.Fatalf("choosing a language leads to %q", resp.Header.Get("Location"))
			}
			resp, body := b.get(c.path)
			if resp.StatusCode != http.StatusOK || !strings.Contains(body, want) || !strings.Contains(body, `<html lang="`+lang+`">`) {
				t.Errorf("%s in %s: %s, without %q", c.path, lang, resp.Status, want)
			}
			for _, bad := range []string{"<no value>", "%!", "ZgotmplZ", "<b>Bay", "<dumt>", " style=", "onclick"} {
				if strings.Contains(body, bad) {
					t.Errorf("%s in %s has %q", c.path, lang, bad)
				}
			}
			if policy := resp.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("the policy is %q", policy)
			}
		}
	}
}

// TestTheUsersLanguageIsTheFirstChoice: Bent's is English, and nobody chose at the foot of a page.
func TestTheUsersLanguageIsTheFirstChoice(t *testing.T) {
	s := openSchool(t, nil)
	if _, body := s.signedIn("bent@skolen.example").get("/"); !strings.Contains(body, "Hello Bent") {
		t.Error("the page is not in English")
	}
}

func TestTheTimelineHoldsEveryTextOutAndIn(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100002", "Jeg brugte tavlen ved makinen")
	s.pass(7)
	var birgit reminders.EnrolmentStatus
	for _, e := range s.status(reminders.Filter{}) {
		if e.Person.Name == "Birgit Lund" {
			birgit = e
		}
	}
	messages, err := s.store.Messages(t.Context(), reminders.MessageFilter{PersonID: birgit.Person.ID})
	if err != nil {
		t.Fatal(err)
	}
	_, body := s.signedIn("mette@skolen.example").get(fmt.Sprintf("/participants/%d", birgit.Person.ID))
	sent := 0
	for _, m := range messages {
		if m.State.HasLeft() {
			sent++
			if !strings.Contains(body, fmt.Sprintf(`id="m%d"`, m.ID)) {
				t.Errorf("%s (%s) is not on the timeline", m.Step, m.State)
			}
		}
	}
	if sent < 3 {
		t.Fatalf("only %d texts were sent: nothing is proven", sent)
	}
	past, coming, ok := strings.Cut(body, `id="now"`)
	if !ok || !strings.Contains(past, "Jeg brugte tavlen ved makinen") || !strings.Contains(past, "Velkomst") || !strings.Contains(coming, "Øvelse 6") || strings.Contains(past, "Øvelse 6") {
		t.Error("the timeline does not have the reply and the welcome before now and exercise 6 after it")
	}
}

func TestAReplyLeavesTheInboxWhenItIsHandled(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(1)
	s.write("+4561111111", "Hvem er det?")
	b := s.signedIn("mette@skolen.example")
	_, body := b.get("/")
	if !strings.Contains(body, "Hvem er det?") {
		t.Fatal("the overview does not show the reply")
	}
	replies, err := s.store.Replies(t.Context(), reminders.ReplyFilter{State: reminders.ReplyInbox})
	if err != nil || len(replies) != 1 {
		t.Fatalf("%d replies wait: %v", len(replies), err)
	}
	for range 2 { // pressed twice, or by two people
		if resp, _ := b.post(fmt.Sprintf("/inbox/%d/handled", replies[0].ID), nil); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("handled: %s", resp.Status)
		}
	}
	if _, body := b.get("/inbox"); strings.Contains(body, "Hvem er det?") || !strings.Contains(body, "Indbakken er tom") {
		t.Error("the reply is still there")
	}
}

func TestOnlyAnAdministratorResumesAChannel(t *testing.T) {
	s := openSchool(t, nil)
	if err := s.store.Halt(t.Context(), s.now, reminders.SMS, "20003: the credentials are wrong"); err != nil {
		t.Fatal(err)
	}
	mette, admin := s.signedIn("mette@skolen.example"), s.signedIn("admin@skolen.example")
	if _, body := mette.get("/"); !strings.Contains(body, "SMS er standset") {
		t.Error("the overview does not say that SMS is halted")
	}
	form := url.Values{"channel": {"sms"}}
	if resp, _ := mette.post("/health/resume", form); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a consultant: %s", resp.Status)
	}
	if resp, _ := admin.post("/health/resume", url.Values{"channel": {"pigeon"}}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown channel: %s", resp.Status)
	}
	if resp, _ := admin.post("/health/resume", form); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("an administrator: %s", resp.Status)
	}
	if halted, err := s.store.Halted(t.Context()); err != nil || len(halted) != 0 {
		t.Errorf("still halted: %v, %v", halted, err)
	}
}

func TestStaticFilesAreKeptByTheirStamp(t *testing.T) {
	s := openSchool(t, nil)
	b := s.browser()
	_, body := b.get("/login")
	_, after, _ := strings.Cut(body, `rel="stylesheet" href="`)
	address, _, _ := strings.Cut(after, `"`)
	resp, css := b.get(address)
	if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") || !strings.Contains(css, ":root") {
		t.Errorf("%s: %s, %q", address, resp.Status, resp.Header.Get("Cache-Control"))
	}
	resp, _ = b.get("/static/efterkurs.css")
	if resp.Header.Get("Cache-Control") != "no-cache" || resp.Header.Get("ETag") == "" {
		t.Errorf("without its stamp: %v", resp.Header)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.site.URL+"/static/efterkurs.css", nil)
	r.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	if resp, _ := b.do(r); resp.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %s", resp.Status)
	}
	for _, name := range []string{"da.toml", "layout.html", "../da.toml", ""} {
		if resp, _ := b.get("/static/" + name); resp.StatusCode == http.StatusOK {
			t.Errorf("%q is handed out", name)
		}
	}
}

// stage is a demo's world over the same school.
type stage struct {
	s    *school
	auto bool
}

func (d *stage) Now() time.Time { return d.s.now }
func (d *stage) Wind(_ context.Context, to time.Time) error {
	for d.s.now.Before(to) {
		d.s.now = d.s.now.Add(min(2*time.Hour, to.Sub(d.s.now))) // every window is as long
		if _, err := d.s.engine.Tick(d.s.t.Context()); err != nil {
			return err
		}
	}
	return nil
}
func (d *stage) ToVisit(context.Context) (time.Time, bool) { return d.s.now.Add(48 * time.Hour), true }
func (d *stage) Autopilot() bool                           { return d.auto }
func (d *stage) SetAutopilot(on bool)                      { d.auto = on }
func (d *stage) Write(_ context.Context, personID int64, _, text string, _ int64) error {
	p, err := d.s.store.Person(d.s.t.Context(), personID)
	if err == nil {
		d.s.write(p.Phone, text)
	}
	return err
}
func (d *stage) People(ctx context.Context) (out []DemoPerson, err error) {
	for _, e := range d.s.status(reminders.Filter{}) {
		p := DemoPerson{Person: e.Person, Role: DemoParticipant, Company: e.Company.Name, Note: e.Team}
		messages, err := d.s.store.Messages(ctx, reminders.MessageFilter{PersonID: e.Person.ID, States: []reminders.State{reminders.Delivered}})
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			p.Texts = append([]DemoText{{Out: true, At: m.SentAt, Body: m.Body, Channel: m.Channel, Choices: m.Choices, MessageID: m.ID, State: m.State}}, p.Texts...)
		}
		out = append(out, p)
	}
	return append(out, DemoPerson{Person: reminders.Person{ID: -1, Name: "Mette Krogh"}, Role: DemoStaff}), nil
}

func TestTheDemoIsWoundAndAnswered(t *testing.T) {
	world := &stage{}
	s := openSchool(t, &Demo{Clock: world, Consultant: "mette@skolen.example"})
	world.s = s
	b := s.browser()
	if resp, _ := b.get("/"); resp.Header.Get("Location") != "/demo" {
		t.Errorf("the front page leads to %q", resp.Header.Get("Location"))
	}
	_, _ = b.post("/language", url.Values{"lang": {"da"}})
	_, body := b.get("/demo")
	for _, want := range []string{"Ali Hassan", "Nordfald Metal", "Skovby Plast", "Konsulentens overblik", "tirsdag 1. september", "Mail til Mette Krogh"} {
		if !strings.Contains(body, want) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	before := s.now
	for by, want := range map[string]time.Duration{"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "visit": 48 * time.Hour} {
		if resp, _ := b.post("/demo/wind", url.Values{"by": {by}}); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/demo" {
			t.Errorf("winding by %s: %s", by, resp.Status)
		}
		if got := s.now.Sub(before); got != want {
			t.Errorf("winding by %s moved the clock by %s", by, got)
		}
		before = s.now
	}
	if resp, _ := b.post("/demo/wind", url.Values{"by": {"year"}}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("winding by a year: %s", resp.Status)
	}
	if _, body := b.get("/demo"); !strings.Contains(body, "stop") && !strings.Contains(body, "STOP") {
		t.Error("no phone shows the welcome")
	}
	id := s.status(reminders.Filter{})[0].Person.ID
	if resp, _ := b.post("/demo/write", url.Values{"person": {fmt.Sprint(id)}, "channel": {"sms"}, "text": {" STOP "}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("writing: %s", resp.Status)
	}
	if s.status(reminders.Filter{PersonID: id})[0].Person.OptedOutAt.IsZero() {
		t.Error("what was written on the phone did nothing")
	}
	_, _ = b.post("/demo/autopilot", url.Values{"on": {"1"}})
	if _, body := b.get("/demo"); !world.auto || !strings.Contains(body, `aria-checked="true"`) {
		t.Error("the autopilot is not on")
	}
	if resp, _ := b.post("/demo/wind", url.Values{"by": {"week"}}, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("another site winds the clock: %s", resp.Status)
	}
}
