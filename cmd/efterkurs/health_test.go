package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"efterkurs/bot/providertest"
)

// An administrator reads in plain words why SMS is stopped, presses the one button, and the bulk goes on from
// where it stood; a consultant reads the same and has no button; doctor and resume say the same in a terminal. It
// fails where the button's form is refused by our own policy, where halting loses what waits, or where the words
// differ.
func TestAHaltedChannelIsResumedByOneButton(t *testing.T) {
	const people = 600
	w := newWorld(t, "sqlite:efterkurs.db")
	w.env = append(w.env, "TWILIO_RATE=4")
	csv := "name,company,course,start,end,phone,shift\n"
	for i := range people {
		csv += fmt.Sprintf("Person%d Dahl,Nordfald %d,5s,2031-09-01,2031-09-02,+4520115%03d,day\n", i, i%20, i)
	}
	w.run("import", w.file("roster.csv", csv))
	for _, role := range []string{"admin", "consultant"} {
		if _, errs, code := w.try("hver mandag kl. syv\n", "user", "add", role+"@skolen.example", "--name", "Anne Krogh", "--role", role, "--password-stdin"); code != 0 {
			t.Fatal(errs)
		}
	}
	w.twilio.Script(func(int, url.Values) providertest.Behaviour { return providertest.Refused("20003", 401) })
	w.run("tick", "--as-of", "2031-09-02T14:30:00+02:00")
	w.twilio.Script(nil)
	stop := w.serve("--no-worker")
	out, _, code := w.try("", "doctor")
	for _, says := range []string{"FAULT SMS has been stopped since 14:30. Twilio does not accept the password.", "efterkurs resume sms", "SMS: 600 wait until SMS can send again."} {
		if code == 0 || !strings.Contains(out, says) {
			t.Errorf("doctor exits %d without %q\n%s", code, says, out)
		}
	}
	ctx := browser(t, 1440, 1000)
	text := func(selector string) string {
		return strings.Join(strings.Fields(look[string](t, ctx, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.textContent).join(" ")`, selector))), " ")
	}
	signIn := func(role string) {
		do(t, ctx, chromedp.Navigate(w.public+"/login"), chromedp.WaitVisible(chromedp.CSS("input[name=email]")),
			chromedp.SendKeys(chromedp.CSS("input[name=email]"), role+"@skolen.example"), chromedp.SendKeys(chromedp.CSS("input[name=password]"), "hver mandag kl. syv\n"),
			chromedp.WaitReady(chromedp.CSS(".needs")))
	}
	see := func(name string, says ...string) {
		t.Helper()
		for _, width := range []int64{1440, 390} {
			do(t, ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(w.public+"/health"), chromedp.WaitReady(chromedp.CSS(".numbers")))
			picture(t, ctx, fmt.Sprintf("health-%s-%d", name, width))
			if look[bool](t, ctx, `document.documentElement.scrollWidth > window.innerWidth + 1`) {
				t.Errorf("%s is wider than a screen of %d", name, width)
			}
		}
		for _, words := range says {
			if said := text("main"); !strings.Contains(said, words) {
				t.Errorf("%s does not say %q:\n%s", name, words, said)
			}
		}
	}
	signIn("consultant")
	picture(t, ctx, "health-overview")
	if said := text(".needs"); !strings.Contains(said, "SMS er stoppet. Twilio godkender ikke adgangskoden.") {
		t.Errorf("the first page says %q", said)
	}
	see("halted-consultant", "SMS er stoppet siden kl. 14.30. Twilio godkender ikke adgangskoden.", "Kun en administrator", "SMS: 600 venter, til SMS kan sende igen.")
	if look[bool](t, ctx, `document.querySelector("form[action='/health/resume']") !== null`) {
		t.Error("a consultant has the button")
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("form.who button")), chromedp.WaitVisible(chromedp.CSS("input[name=email]")))
	signIn("admin")
	see("halted", "SMS er stoppet siden kl. 14.30.", "Tryk på knappen, når det er rettet.")
	do(t, ctx, chromedp.Click(chromedp.CSS("form[action='/health/resume'] button")), chromedp.WaitVisible(chromedp.CSS(".notice.good")))
	see("resumed", "Alt kører.", "SMS: 600 venter. Med 4 i sekundet er de sidste sendt ca. kl. 14.3")
	if out, errs, code := w.try("", "resume", "sms"); code == 0 || !strings.Contains(errs, "the channel sms is not halted") {
		t.Errorf("resuming it once more exits %d: %s%s", code, out, errs)
	}
	stop()
	w.env = append(w.env, "TWILIO_RATE=5000")
	w.run("tick", "--as-of", "2031-09-02T14:36:00+02:00")
	got := map[string]int{}
	for _, m := range w.twilio.Messages() {
		got[m.To]++
	}
	if len(got) != people || len(w.twilio.Messages()) != people {
		t.Errorf("%d texts went out to %d people, of %d", len(w.twilio.Messages()), len(got), people)
	}
}

// Before a bulk the log says how many are due and when the last of them leaves; before a handful it says nothing.
// It fails where the line is only reckoned for the page.
func TestTheLogSaysWhenABulkWillBeThrough(t *testing.T) {
	a, clock, _ := twilioApp(t, "sqlite:"+filepath.Join(t.TempDir(), "efterkurs.db"), bulk)
	a.ticks(t, clock, "2031-09-02 08:00") // plans, and sends nothing before noon
	var log bytes.Buffer
	a.log = slog.New(slog.NewJSONHandler(&log, nil))
	a.sayBulk(t.Context())
	if log.Len() > 0 {
		t.Errorf("in the morning it says %s", log.String())
	}
	clock.set(clock.Now().Add(4 * 3600e9))
	a.sayBulk(t.Context())
	if said := log.String(); !strings.Contains(said, `"msg":"a bulk is due","channel":"sms","due":500,"through":"2031-09-02T10:00:00Z","next_window":0`) {
		t.Errorf("at noon it says %s", said)
	}
}
