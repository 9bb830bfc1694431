package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"efterkurs/bot/providertest"
	"efterkurs/bot/web"
	"efterkurs/reminders"
)

// visitTown is a class of twelve from one company, after six weeks in which everybody wrote something typical, with a visit booked.
type visitTown struct {
	*app
	clock  *handClock
	twilio *providertest.Twilio
	mail   *providertest.SMTP
	site   http.Handler
	visit  reminders.Visit
}

// typical is what people write with their digits, by week.
var typical = map[int][]string{
	1: {"1 Når jeg møder ind, så rydder jeg bordet ved presse 4", "1 Når skiftet slutter, så fejer jeg", "1 Når der er pause, så ser jeg tavlen efter"},
	2: {"1 Vi har ryddet op omkring pressen, og nu kan man se gulvet", "2 Vi fik mærket halvdelen af hylderne", "1 Tavlen er sat op"},
	3: {"1", "2", "1 Vi har talt om værktøjsvognen"},
	4: {"1 Vi har for travlt på aftenholdet", "3 Der mangler krogene til tavlen", "1"},
	5: {"1 Jeg viste det til de nye", "2", "3"},
	6: {"2", "3", "3"},
}

func newVisitTown(t *testing.T) *visitTown {
	t.Helper()
	w := &visitTown{clock: &handClock{}, twilio: providertest.NewTwilio(t), mail: providertest.NewSMTP(t)}
	w.clock.set(time.Date(2031, 9, 2, 8, 0, 0, 0, danish))
	w.twilio.SetNow(w.clock.Now)
	env := map[string]string{"DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "efterkurs.db"), "EFTERKURS_SECRET": worldSecret, "PUBLIC_URL": "http://127.0.0.1:9", "EFTERKURS_LOG": "error",
		"TWILIO_ACCOUNT_SID": w.twilio.AccountSID, "TWILIO_AUTH_TOKEN": w.twilio.AuthToken, "TWILIO_FROM": w.twilio.Number, "TWILIO_BASE_URL": w.twilio.URL, "TWILIO_RATE": "5000",
		"SMTP_URL": w.mail.URL, "MAIL_FROM": "kurser@skolen.example"}
	p := &program{stdout: t.Output(), stderr: t.Output(), env: func(name string) string { return env[name] }}
	a, err := p.open(t.Context(), w.clock.Now, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	w.app = a
	server, err := a.server(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.site = server.Handler
	hooks := httptest.NewServer(w.site)
	t.Cleanup(hooks.Close)
	w.twilio.Route("http://127.0.0.1:9", hooks.URL)
	hash, err := web.HashPassword(inboxPassword)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []reminders.User{{Email: "mette@skolen.example", Name: "Mette Krogh", Role: reminders.Consultant}, {Email: "bent@skolen.example", Name: "Bent Juul", Role: reminders.Admin}} {
		u.Language, u.PasswordHash = "da", hash
		if _, err := a.store.SaveUser(t.Context(), w.clock.Now(), u); err != nil {
			t.Fatal(err)
		}
	}
	csv := "name,company,course,class,start,end,phone,team,goal,shift,consultant,teacher,contact,contact_phone,contact_email\n"
	names := []string{"Ali Hassan", "Birgit Lund", "Carsten Bay", "Dorte Friis", "Emil Sand", "Fatima Noor", "Gert Holm", "Hanne Toft", "Ivan Petrov", "Jytte Dahl", "Kurt Vang", "Lone Krag"}
	for i, name := range names {
		csv += fmt.Sprintf("%s,Nordfald Metal A/S,5s,Hold 7,2031-09-01,2031-09-02,+4520116%03d,Montage,%s,day,mette@skolen.example,frits@skolen.example,Lis Leder,+4520116100,lis@nordfald.example\n",
			name, i, []string{"Finde værktøjet uden at lede", "Kortere omstilling på presse 4", "Orden på fællespladsen"}[i%3])
	}
	a.take(t, csv)
	for day := time.Date(2031, 9, 2, 14, 30, 0, 0, danish); day.Before(time.Date(2031, 10, 20, 0, 0, 0, 0, danish)); day = day.AddDate(0, 0, 1) {
		a.ticks(t, w.clock, day.Format("2006-01-02 15:04"))
		w.clock.set(w.clock.Now().Add(time.Minute))
		for week := 1; week <= 6; week++ {
			if day.Equal(time.Date(2031, 9, 2+7*week, 14, 30, 0, 0, danish)) {
				for i := range names {
					if i != 11 || week < 5 { // the last one goes quiet
						w.says(t, fmt.Sprintf("+4520116%03d", i), typical[week][i%3])
					}
				}
			}
		}
		if day.Month() == 10 && day.Day() == 1 {
			w.says(t, "+4520116100", "1")
		}
	}
	visits, err := a.store.Visits(t.Context(), reminders.VisitFilter{States: []string{reminders.VisitBooked}})
	if err != nil || len(visits) != 1 {
		t.Fatalf("%d visits booked, %v", len(visits), err)
	}
	w.visit = visits[0]
	return w
}

// says is a text to the school's number, by way of the signed webhook.
func (w *visitTown) says(t *testing.T, from, text string) {
	t.Helper()
	res, err := w.twilio.Inbound(t.Context(), "http://127.0.0.1:9/webhooks/twilio/inbound", "", from, w.twilio.Number, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Fatalf("writing: %s", res.Status)
	}
}

func (w *visitTown) path() string { return fmt.Sprintf("/visits/%d", w.visit.ID) }

// scheme makes the browser light or dark.
func scheme(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	do(t, ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
		return err
	}))
}

var pdfPage = regexp.MustCompile(`/Type\s*/Page[^s]`)

// A consultant takes the brief along on paper: one sheet, also for twelve who all wrote.
func TestTheBriefOfTwelveIsOnePageOfA4(t *testing.T) {
	w := newVisitTown(t)
	site := httptest.NewServer(w.site)
	t.Cleanup(site.Close)
	ctx := browser(t, 1440, 1000)
	signIn(t, ctx, site.URL, "mette@skolen.example")
	for _, colours := range []string{"light", "dark"} {
		scheme(t, ctx, colours)
		for _, width := range []int64{1440, 390} {
			do(t, ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(site.URL+w.path()), chromedp.WaitVisible(chromedp.CSS(".ask li")))
			if look[bool](t, ctx, `document.documentElement.scrollWidth > window.innerWidth + 1`) {
				t.Errorf("the visit is wider than a screen of %d", width)
			}
			picture(t, ctx, fmt.Sprintf("visit-%d-%s", width, colours))
		}
	}
	if n := look[int](t, ctx, `document.querySelectorAll(".voices li").length + document.querySelectorAll(".said-of, .quotes li").length`); n < 12+12+30 { // twelve people, their goals and words
		t.Fatalf("only %d quotes: the page is not the one that was meant", n)
	}
	var pdf []byte
	yes := true
	do(t, ctx, chromedp.EmulateViewport(1440, 900), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		printed, err := cdp.Call(ctx, target, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: &yes, PrintBackground: &yes})
		if err == nil {
			pdf = []byte(printed.Data)
		}
		return err
	}))
	do(t, ctx, chromedp.EmulateViewport(703, 1031), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error { // A4 within its margins
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}))
	picture(t, ctx, "visit-print")
	if n := len(pdfPage.FindAll(pdf, -1)); n != 1 {
		t.Errorf("the brief takes %d pages", n)
	}
}

// hall is a server that can be out of reach, always at the same address.
type hall struct {
	t       *testing.T
	handler http.Handler
	address string
	server  *http.Server
	done    chan struct{}
}

func newHall(t *testing.T, handler http.Handler) *hall {
	t.Helper()
	h := &hall{t: t, handler: handler, address: "127.0.0.1:0"}
	h.start()
	t.Cleanup(h.stop)
	return h
}

func (h *hall) start() {
	h.t.Helper()
	listener, err := net.Listen("tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.address = listener.Addr().String()
	h.server, h.done = &http.Server{Handler: h.handler, ReadHeaderTimeout: time.Minute}, make(chan struct{})
	go func(server *http.Server, done chan struct{}) {
		defer close(done)
		_ = server.Serve(listener) // it ends when it is closed
	}(h.server, h.done)
}

func (h *hall) stop() {
	_ = h.server.Close()
	<-h.done
}

// begun sets the clock to half an hour after the visit began.
func (w *visitTown) begun(t *testing.T) {
	t.Helper()
	w.clock.set(w.visit.Start.Add(30 * time.Minute))
	if _, err := w.engine.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func says(what string) chromedp.CSS {
	return chromedp.CSS(`.save-bar .kept-line[data-says="` + what + `"]`)
}

func set(selector, value string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.value = %q; e.dispatchEvent(new Event("input", { bubbles: true })); })()`, selector, value))
}

// What is typed in a factory hall with no signal is there again after a reload, and is saved when the signal is back.
func TestAnOutcomeTypedWithoutSignalIsNotLost(t *testing.T) {
	w := newVisitTown(t)
	w.begun(t)
	for i, width := range []int64{390, 1440} {
		h := newHall(t, w.site)
		site := "http://" + h.address
		ctx := browser(t, int(width), 844, "Failed to load resource: net::ERR_CONNECTION_REFUSED")
		do(t, ctx, chromedp.EmulateViewport(width, 844))
		signIn(t, ctx, site, "mette@skolen.example")
		do(t, ctx, chromedp.Navigate(site+w.path()))
		if i == 1 {
			do(t, ctx, chromedp.WaitVisible(chromedp.CSS(".change summary")), chromedp.Click(chromedp.CSS(".change summary")))
		} else {
			do(t, ctx, chromedp.WaitVisible(chromedp.CSS("#held-yes")))
			picture(t, ctx, "outcome-empty-390")
			do(t, ctx, chromedp.Click(chromedp.CSS("#held-yes")))
		}
		used := fmt.Sprintf("Tavlen ved presse 4, gang %d", i+1)
		do(t, ctx, chromedp.WaitVisible(chromedp.CSS("#used")), set("#used", ""), chromedp.SendKeys(chromedp.CSS("#used"), used), chromedp.WaitVisible(says("kept")))
		if i == 0 {
			do(t, ctx, chromedp.SendKeys(chromedp.CSS("#met"), "Lis, Ali og to fra aftenholdet"), chromedp.SendKeys(chromedp.CSS("#what1"), "Kroge til tavlen kommer op"),
				chromedp.SendKeys(chromedp.CSS("input[name=who1]"), "holdlederen"), set("#by1", "2031-11-14"), chromedp.WaitVisible(chromedp.CSS("#what2")),
				chromedp.SendKeys(chromedp.CSS("#what2"), "Ali viser natholdet tavlen"), chromedp.Click(chromedp.CSS(`input[value="daily_run"]`)))
			if agreed := look[string](t, ctx, `document.querySelector("#agreed").value`); agreed != "Kroge til tavlen kommer op" {
				t.Errorf("the participants' sentence is %q", agreed)
			}
		}
		h.stop()
		do(t, ctx, chromedp.SendKeys(chromedp.CSS("#unused"), "Rundgangen"), chromedp.Click(chromedp.CSS(".outcome .main-button")), chromedp.WaitVisible(says("failed")))
		picture(t, ctx, fmt.Sprintf("outcome-failed-%d", width))
		if look[string](t, ctx, `document.querySelector("#used").value`) != used {
			t.Error("the text is gone when the save has failed")
		}
		h.start()
		do(t, ctx, chromedp.Navigate(site+w.path()), chromedp.WaitVisible(says("restored")))
		for selector, want := range map[string]string{"#used": used, "#unused": map[int]string{0: "Rundgangen", 1: "RundgangenRundgangen"}[i], "#what1": "Kroge til tavlen kommer op",
			"#by1": "2031-11-14", "#agreed": "Kroge til tavlen kommer op"} {
			if got := look[string](t, ctx, fmt.Sprintf(`document.querySelector(%q).value`, selector)); got != want {
				t.Errorf("%d: after the reload %s is %q, want %q", width, selector, got, want)
			}
		}
		if !look[bool](t, ctx, `document.querySelector("#held-yes").checked && document.querySelector('input[value="daily_run"]').checked`) {
			t.Error("what was ticked is gone")
		}
		if look[bool](t, ctx, `document.documentElement.scrollWidth > window.innerWidth + 1`) {
			t.Errorf("the form is wider than a screen of %d", width)
		}
		for _, colours := range []string{"light", "dark"} {
			scheme(t, ctx, colours)
			picture(t, ctx, fmt.Sprintf("outcome-form-%d-%s", width, colours))
		}
		do(t, ctx, chromedp.Click(chromedp.CSS(".outcome .main-button")), chromedp.WaitVisible(chromedp.CSS(".outcome .notice.good")))
		for _, colours := range []string{"dark", "light"} {
			scheme(t, ctx, colours)
			picture(t, ctx, fmt.Sprintf("outcome-saved-%d-%s", width, colours))
		}
		if look[int](t, ctx, `localStorage.length`) != 0 {
			t.Error("the browser keeps what is saved")
		}
		o, err := w.store.Outcome(t.Context(), w.visit.ID)
		if err != nil || o.Version != i+1 || o.Used != used || len(o.Steps) != 2 || !o.Tell || o.Agreed != "Kroge til tavlen kommer op" {
			t.Fatalf("stored: %+v, %v", o, err)
		}
		h.stop()
	}
	// Somebody else has saved since: the one who types is told, and has both.
	h := newHall(t, w.site)
	ctx := browser(t, 1440, 900, "Failed to load resource: the server responded with a status of 409")
	signIn(t, ctx, "http://"+h.address, "mette@skolen.example")
	do(t, ctx, chromedp.Navigate("http://"+h.address+w.path()), chromedp.WaitVisible(chromedp.CSS(".change summary")), chromedp.Click(chromedp.CSS(".change summary")),
		chromedp.WaitVisible(chromedp.CSS("#note")), chromedp.SendKeys(chromedp.CSS("#note"), "Ring til Lis"))
	bent, err := w.store.UserByEmail(t.Context(), "bent@skolen.example")
	if err != nil {
		t.Fatal(err)
	}
	o, err := w.store.Outcome(t.Context(), w.visit.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.SavedBy, o.Used = bent.ID, "Bent så også vognen"
	if _, err := w.store.SaveOutcome(t.Context(), w.clock.Now(), o, nil); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(".outcome .main-button")), chromedp.WaitVisible(chromedp.CSS(".others")))
	picture(t, ctx, "outcome-others-1440")
	if others := look[string](t, ctx, `document.querySelector(".others").textContent`); !strings.Contains(others, "Bent Juul") || !strings.Contains(others, "Bent så også vognen") {
		t.Errorf("the news are %s", others)
	}
	if note := look[string](t, ctx, `document.querySelector("#note").value`); note != "Ring til Lis" {
		t.Errorf("the note is %q", note)
	}
	// Signed out meanwhile: it says so, and keeps the text.
	do(t, ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}), chromedp.Click(chromedp.CSS(".outcome .main-button")), chromedp.WaitVisible(says("signedOut")))
	signIn(t, ctx, "http://"+h.address, "mette@skolen.example")
	do(t, ctx, chromedp.Navigate("http://"+h.address+w.path()), chromedp.WaitVisible(says("restored")))
	do(t, ctx, chromedp.Click(chromedp.CSS(".outcome .main-button")), chromedp.WaitVisible(chromedp.CSS(".outcome .notice.good")))
	if o, err = w.store.Outcome(t.Context(), w.visit.ID); err != nil || o.Version != 4 || o.Note != "Ring til Lis" {
		t.Errorf("stored: %+v, %v", o, err)
	}
}

// What follows a visit leaves through the providers, each once: the letter, the texts, and four weeks after the question.
func TestAfterAVisitEverybodyHearsOnceWhatWasAgreed(t *testing.T) {
	w := newVisitTown(t)
	w.begun(t)
	before := len(w.mail.Messages())
	status, err := w.store.Status(t.Context(), reminders.Filter{ClassID: w.visit.ClassID})
	if err != nil {
		t.Fatal(err)
	}
	contact, err := w.store.Person(t.Context(), status[0].Company.ContactID)
	if err != nil {
		t.Fatal(err)
	}
	o := reminders.VisitOutcome{VisitID: w.visit.ID, Held: true, Met: "Lis og Ali", Used: "Tavlen ved presse 4", Note: "Dorte vil holde op", Barriers: []string{"product"}, Tell: true, Agreed: "Krogene kommer op i uge 46",
		Steps: []reminders.AgreedStep{{What: "Kroge til tavlen, Ali henter dem", Who: "Lis Leder og Ali Hassan", By: reminders.Date{Year: 2031, Month: 11, Day: 14}}}, SavedBy: w.visit.ConsultantID}
	save := func() {
		t.Helper()
		say := w.calendar.AfterVisit(w.clock.Now(), reminders.OutcomeSubject{Visit: w.visit, Company: status[0].Company, Contact: &contact, People: status, Outcome: o})
		saved, err := w.store.SaveOutcome(t.Context(), w.clock.Now(), o, say)
		if err != nil {
			t.Fatal(err)
		}
		o.Version = saved.Version
	}
	save()
	day := func(days int) string {
		return w.visit.Start.In(danish).AddDate(0, 0, days).Format("2006-01-02") + " 14:30"
	}
	w.ticks(t, w.clock, day(0))
	o.Note = "Dorte vil holde op. Ring!"
	save() // and it is saved once more
	for d := range 4 {
		w.ticks(t, w.clock, day(d))
	}
	var letters []providertest.Mail
	for _, m := range w.mail.Messages()[before:] {
		if slices.Contains(m.To, "lis@nordfald.example") {
			letters = append(letters, m)
		}
	}
	if len(letters) != 1 {
		t.Fatalf("%d letters", len(letters))
	}
	letter := letters[0].Text
	for _, want := range []string{"Kroge til tavlen, en deltager henter dem (Lis Leder og en deltager), senest fredag 14. november", "Deltagere: 12", "67/72", "gennemsnit): 2,6", "I vejen: travlhed: 8", "I vejen: ledelsen: 4", "Mette Krogh"} {
		if !strings.Contains(letter, want) {
			t.Errorf("the letter does not say %q:\n%s", want, letter)
		}
	}
	for _, s := range status {
		for _, name := range strings.Fields(s.Person.Name) {
			if strings.Contains(letter, name) {
				t.Errorf("the letter names %s:\n%s", name, letter)
			}
		}
	}
	for _, words := range []string{"presse 4", "holde op", "fejer", "krogene til tavlen"} { // what people wrote, and our own notes
		if strings.Contains(letter, words) {
			t.Errorf("the letter says %q", words)
		}
	}
	count := func(to, words string) (n int) {
		for _, m := range w.twilio.Messages() {
			if m.Direction == "outbound-api" && m.To == to && strings.Contains(m.Body, words) {
				n++
			}
		}
		return n
	}
	for i, s := range status {
		text := "Hej " + s.Person.FirstName() + ". Aftalt ved besøget: Krogene kommer op i uge 46"
		if n := count(s.Person.Phone, text); n != 1 {
			t.Errorf("participant %d was told %d times", i, n)
		}
	}
	if n := count("+4520116100", "Aftalt ved besøget"); n != 0 {
		t.Error("the contact got the participants' text")
	}
	for _, d := range []int{27, 28, 29, 30} {
		w.ticks(t, w.clock, day(d))
		if d == 27 && count("+4520116100", "Er det gjort?") != 0 {
			t.Error("the question came early")
		}
	}
	if n := count("+4520116100", "Er det gjort?"); n != 1 {
		t.Fatalf("the contact was asked %d times", n)
	}
	w.says(t, "+4520116100", "3")
	w.ticks(t, w.clock, day(31))
	if n := count("+4520116100", "Mette Krogh ringer til dig"); n != 1 {
		t.Errorf("the contact was answered %d times", n)
	}
	undone, err := w.store.NotYetDone(t.Context())
	if err != nil || undone[w.visit.ID].IsZero() {
		t.Errorf("not yet: %v, %v", undone, err)
	}
}
