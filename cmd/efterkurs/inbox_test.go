package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"efterkurs/bot/providertest"
	"efterkurs/bot/web"
	"efterkurs/reminders"
)

const inboxPassword = "en lang adgangskode"

// inboxTown is three weeks of a class of five at one company, with what people wrote that no rule could answer.
func inboxTown(t *testing.T) (a *app, clock *handClock, tw *providertest.Twilio, address string) {
	t.Helper()
	a, clock, tw, address = served(t)
	hash, err := web.HashPassword(inboxPassword)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []reminders.User{
		{Email: "mette@skolen.example", Name: "Mette Krogh", Role: reminders.Consultant, Language: "da"},
		{Email: "bent@skolen.example", Name: "Bent Juul", Role: reminders.Admin, Language: "da"},
	} {
		u.PasswordHash = hash
		if _, err := a.store.SaveUser(t.Context(), clock.Now(), u); err != nil {
			t.Fatal(err)
		}
	}
	csv := "name,company,course,class,start,end,phone,team,goal,shift,consultant\n"
	for i, name := range []string{"Ali Hassan", "Birgit Lund", "Carsten Bay", "Dorte Friis", "Emil Sand"} {
		csv += fmt.Sprintf("%s,Nordfald Metal A/S,5s,Hold 7,2031-09-01,2031-09-02,+4520116%03d,Montage,Finde værktøjet uden at lede,day,mette@skolen.example\n", name, i)
	}
	a.take(t, csv)
	for _, day := range []string{"2031-09-02", "2031-09-09", "2031-09-11", "2031-09-12", "2031-09-16"} {
		a.ticks(t, clock, day+" 14:30")
		a.ticks(t, clock, day+" 14:31")
		for _, m := range tw.Messages() {
			if m.Direction == "outbound-api" && m.Status != "delivered" {
				if _, err := tw.Callback(t.Context(), http.DefaultClient, m.SID, "delivered", ""); err != nil {
					t.Fatal(err)
				}
			}
		}
		if day == "2031-09-09" {
			a.writes(t, clock, tw, "+4520116000", "1 når jeg møder ind, så tjekker jeg tavlen")
			a.writes(t, clock, tw, "+4520116001", "2")
		}
	}
	a.writes(t, clock, tw, "+4520116000", "Må jeg vise tavlen til natholdet? De spørger hver aften")
	clock.set(clock.Now().Add(25 * time.Minute))
	a.writes(t, clock, tw, "+4561234567", "Hej det er Emil, jeg har fået nyt nummer")
	clock.set(clock.Now().Add(20 * time.Minute))
	a.writes(t, clock, tw, "+4520116003", "Hvornår kommer I forbi? Vi har flyttet hele reolen og vil gerne vise den frem, men vi ved ikke hvem vi skal aftale det med her i huset?")
	clock.set(clock.Now().Add(2 * time.Minute))
	in := reminders.Inbound{Channel: reminders.SMS, ProviderID: "SMurgent", From: "+4520116002", To: tw.Number, Text: "Jeg har klemt hånden og er på skadestuen", At: clock.Now()}
	id, _, err := a.store.SaveReply(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	person := a.personByPhone(t, in.From)
	if _, err := a.store.ApplyReply(t.Context(), clock.Now(), reminders.Effects{ReplyID: id, Kind: reminders.ReplyTrouble, State: reminders.ReplyInbox, PersonID: person, Urgent: true}); err != nil {
		t.Fatal(err)
	}
	clock.set(clock.Now().Add(3 * time.Minute))
	return a, clock, tw, address
}

func (a *app) personByPhone(t *testing.T, phone string) int64 {
	t.Helper()
	found, err := a.store.FindPersons(t.Context(), phone)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d have %s, %v", len(found), phone, err)
	}
	return found[0].ID
}

// writes is a person writing to the school's number, by way of the signed webhook.
func (a *app) writes(t *testing.T, clock *handClock, tw *providertest.Twilio, from, text string) {
	t.Helper()
	res, err := tw.Inbound(t.Context(), "http://127.0.0.1:9/webhooks/twilio/inbound", "", from, tw.Number, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Fatalf("writing: %s", res.Status)
	}
	if _, err := a.engine.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (a *app) replyWith(t *testing.T, words string) reminders.Reply {
	t.Helper()
	all, err := a.store.Replies(t.Context(), reminders.ReplyFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if strings.Contains(r.Text, words) {
			return r
		}
	}
	t.Fatalf("nobody wrote %q", words)
	return reminders.Reply{}
}

// signIn opens the front page of somebody who has an account.
func signIn(t *testing.T, ctx context.Context, address, email string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(address+"/login"), chromedp.SendKeys(chromedp.CSS("input[name=email]"), email),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), inboxPassword+"\n"), chromedp.WaitVisible(chromedp.CSS(".needs")))
}

// TestInboxAnsweredOnAPhone is a consultant between two visits: signs in, sees what waits, answers with a thumb, and it arrives.
func TestInboxAnsweredOnAPhone(t *testing.T) {
	a, clock, tw, address := inboxTown(t)
	reply := a.replyWith(t, "natholdet")
	ctx := browser(t, 390, 844)
	do(t, ctx, chromedp.EmulateViewport(390, 844))
	signIn(t, ctx, address, "mette@skolen.example")
	do(t, ctx, chromedp.Click(chromedp.CSS(fmt.Sprintf(`.needs a[href="/inbox/%d"]`, reply.ID))), chromedp.WaitVisible(chromedp.CSS("#text")))
	if look[bool](t, ctx, `document.documentElement.scrollWidth > window.innerWidth + 1`) {
		t.Error("the conversation is wider than the phone")
	}
	if words := look[string](t, ctx, `document.querySelector(".waits .said").textContent`); !strings.Contains(words, "natholdet") {
		t.Errorf("what waits is %q", words)
	}
	// A ready-made sentence, and words of one's own; the counter counts as the provider does.
	do(t, ctx, chromedp.Click(chromedp.CSS(".canned summary")), chromedp.Click(chromedp.CSS(".canned button")), chromedp.SendKeys(chromedp.CSS("#text"), " Ja, vis dem den – gerne i aften."),
		chromedp.WaitVisible(chromedp.Search(`//*[@id="count"][contains(., "61 tegn · 1 SMS")]`)), chromedp.Click(chromedp.CSS("#answer-form .main-button")),
		chromedp.WaitVisible(chromedp.CSS(".thread .note")))
	picture(t, ctx, "answered-390")
	const text = "Hej Ali. Tak for din besked. Ja, vis dem den - gerne i aften."
	if _, err := a.engine.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sid string
	for _, m := range tw.Messages() {
		if m.To == "+4520116000" && m.Body == text {
			if sid != "" {
				t.Error("it arrived twice")
			}
			sid = m.SID
		}
	}
	if sid == "" {
		t.Fatal("it did not arrive at the provider")
	}
	clock.set(clock.Now().Add(time.Minute))
	if status, err := tw.Callback(t.Context(), http.DefaultClient, sid, "delivered", ""); err != nil || status >= 300 {
		t.Fatalf("the receipt: %d, %v", status, err)
	}
	do(t, ctx, chromedp.Navigate(fmt.Sprintf("%s/inbox/%d", address, reply.ID)), chromedp.WaitVisible(chromedp.Search(`//li[contains(@class, "note")][contains(., "nået frem")]`)))
	if said := look[string](t, ctx, `document.querySelector("#thread").textContent`); !strings.Contains(said, "besvaret efter 50 min.") || !strings.Contains(said, "Mette Krogh") {
		t.Errorf("the conversation does not say who answered after how long: %s", said)
	}
	do(t, ctx, chromedp.Navigate(address+"/inbox"), chromedp.WaitVisible(chromedp.CSS(".talks")))
	if rows := look[string](t, ctx, `document.querySelector(".talks").textContent`); strings.Contains(rows, "natholdet") || !strings.Contains(rows, "skadestuen") {
		t.Errorf("the list is %s", rows)
	}
}

// TestInboxByKeys is the same at a desk, without a mouse, while things arrive.
func TestInboxByKeys(t *testing.T) {
	t.Parallel() // it waits more than it works
	a, clock, tw, address := inboxTown(t)
	ctx := browser(t, 1440, 900)
	do(t, ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error { // as a window that somebody sits at
		_, err := cdp.Call(ctx, target, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}))
	signIn(t, ctx, address, "mette@skolen.example")
	row := func(words string) chromedp.Search {
		return chromedp.Search(fmt.Sprintf(`//ol[@class="talks"]/li[contains(., %q)]`, words))
	}
	focused := func() string { return look[string](t, ctx, `document.activeElement.textContent`) }
	do(t, ctx, chromedp.Navigate(address+"/inbox"), chromedp.WaitVisible(row("skadestuen")), chromedp.WaitVisible(chromedp.CSS(".keys kbd")), chromedp.KeyEvent("jj"))
	if at := focused(); !strings.Contains(at, "Ali Hassan") {
		t.Fatalf("after two j the focus is on %q", at)
	}
	// What comes in stands there by itself, and the focus stays.
	a.writes(t, clock, tw, "+4520116004", "Får vi et bevis for kurset?")
	do(t, ctx, chromedp.WaitVisible(row("bevis for")))
	if at := focused(); !strings.Contains(at, "Ali Hassan") {
		t.Errorf("when something came in the focus moved to %q", at)
	}
	do(t, ctx, chromedp.KeyEvent("k"))
	if at := focused(); !strings.Contains(at, "Carsten Bay") {
		t.Errorf("after k the focus is on %q", at)
	}
	// r opens it with the cursor in the field, where letters are letters.
	do(t, ctx, chromedp.KeyEvent("r"), chromedp.WaitVisible(chromedp.CSS("#text")))
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS("#text:focus")), chromedp.KeyEvent("jker"))
	if typed := look[string](t, ctx, `document.querySelector("#text").value`); typed != "jker" {
		t.Errorf("typed %q", typed)
	}
	// A colleague answers meanwhile: it is told, the typed words stay, and once it is shown they can be sent.
	reply := a.replyWith(t, "skadestuen")
	bentAnswers(t, a, clock, reply.ID, "Jeg ringer nu")
	do(t, ctx, chromedp.WaitVisible(chromedp.Search(`//*[@id="news"][contains(., "Bent Juul svarede")]`)))
	picture(t, ctx, "news-1440")
	// htmx takes a new part over a moment after it is shown: until then the link leads to the whole page anew.
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS("#news:not(.htmx-added):not(.htmx-settling) a")), chromedp.Click(chromedp.CSS("#news a")), chromedp.WaitVisible(chromedp.Search(`//*[@id="thread"]//li[contains(@class, "note")][contains(., "Jeg ringer nu")]`)))
	if typed := look[string](t, ctx, `document.querySelector("#text").value`); typed != "jker" {
		t.Errorf("what was typed became %q", typed)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#answer-form .main-button")), chromedp.WaitVisible(chromedp.Search(`//li[contains(@class, "note")][contains(., "jker")]`)))
	// j goes on to the next one that waits, e is done with it and goes on, and it can be undone.
	do(t, ctx, chromedp.KeyEvent("j"), chromedp.WaitVisible(chromedp.Search(`//h1[.="Ali Hassan"]`)), chromedp.KeyEvent("e"), chromedp.WaitVisible(chromedp.CSS(".notice.good")))
	if r := a.replyWith(t, "natholdet"); r.State != reminders.ReplyHandled {
		t.Errorf("after e it is %s", r.State)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(".notice.good button")), chromedp.WaitVisible(chromedp.Search(`//h1[.="Ali Hassan"]`)))
	if r := a.replyWith(t, "natholdet"); r.State != reminders.ReplyInbox {
		t.Errorf("undone it is %s", r.State)
	}
}

// bentAnswers is a colleague writing back from another desk.
func bentAnswers(t *testing.T, a *app, clock *handClock, replyID int64, text string) {
	t.Helper()
	bent, err := a.store.UserByEmail(t.Context(), "bent@skolen.example")
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.store.Conversation(t.Context(), clock.Now(), reminders.Viewer{UserID: bent.ID, Role: bent.Role, All: true}, replyID)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.store.AnswerReply(t.Context(), clock.Now(), reminders.Written{ReplyID: replyID, AuthorID: bent.ID, Text: text, Known: c.Known, RunAt: clock.Now()}); err != nil {
		t.Fatal(err)
	}
}

// TestInboxPictures takes pictures, where somebody wants to look at them.
func TestInboxPictures(t *testing.T) {
	if os.Getenv("EFTERKURS_TEST_PICTURES") == "" {
		t.Skip("skipped: EFTERKURS_TEST_PICTURES names no folder")
	}
	a, clock, _, address := inboxTown(t)
	ctx := browser(t, 1440, 900)
	signIn(t, ctx, address, "mette@skolen.example")
	pages := map[string]string{"overview": "/", "list": "/inbox", "urgent": fmt.Sprintf("/inbox/%d", a.replyWith(t, "skadestuen").ID), "talk": fmt.Sprintf("/inbox/%d", a.replyWith(t, "natholdet").ID),
		"move":     fmt.Sprintf("/inbox/%d?move=%[1]d", a.replyWith(t, "natholdet").ID),
		"stranger": fmt.Sprintf("/inbox/%d?find=emil", a.replyWith(t, "nyt nummer").ID), "participant": fmt.Sprintf("/participants/%d", a.personByPhone(t, "+4520116000")), "health": "/health"}
	for _, scheme := range []string{"light", "dark"} {
		do(t, ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			return err
		}))
		for _, width := range []int64{1440, 390} {
			for name, page := range pages {
				do(t, ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(address+page), chromedp.WaitReady(chromedp.CSS("main h1")))
				if look[bool](t, ctx, `document.documentElement.scrollWidth > window.innerWidth + 1`) {
					t.Errorf("%s is wider than a screen of %d", page, width)
				}
				picture(t, ctx, fmt.Sprintf("%s-%d-%s", name, width, scheme))
			}
		}
	}
	// Late in the evening it is proposed to wait.
	clock.set(clock.Now().Add(6 * time.Hour))
	do(t, ctx, chromedp.EmulateViewport(390, 900), chromedp.Navigate(address+pages["talk"]), chromedp.WaitReady(chromedp.CSS(".hours")))
	picture(t, ctx, "evening-390-dark")
}
