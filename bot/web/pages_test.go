package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
)

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
	s.write("+4561111111", "Hvem der?")
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
		{"/inbox?view=handled", "Her kommer de samtaler", "will be here"},
		{fmt.Sprintf("/inbox/%d?move=%[1]d", s.waits("flytte tavlen").ID), "Færdige sætninger", "Ready-made sentences"},
		{fmt.Sprintf("/inbox/%d?find=ali", s.waits("Hvem der?").ID), "Det er Ali Hassan", "It is Ali Hassan"},
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
	if err := s.store.Halt(t.Context(), s.now, reminders.SMS, "20003", "20003: the credentials are wrong"); err != nil {
		t.Fatal(err)
	}
	mette, admin := s.signedIn("mette@skolen.example"), s.signedIn("admin@skolen.example")
	if _, body := mette.get("/"); !strings.Contains(body, "SMS er stoppet") {
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
