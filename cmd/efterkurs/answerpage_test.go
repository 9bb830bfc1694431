package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"efterkurs/bot/providertest"
)

// The answer page on a phone of 390 px: nothing to scroll sideways to, buttons that a thumb hits, each field with its label,
// the button from the mail in focus, by keyboard alone; STOP and back.
func TestTheAnswerPageOnAPhone(t *testing.T) {
	w := newMailWorld(t, "sqlite:efterkurs.db", "Maja")
	w.tick("2031-09-02 14:30")
	w.tick("2031-09-09 14:30")
	var exercise providertest.Mail
	for _, m := range w.got("Maja") {
		if strings.Contains(m.HTML, "?v=1") {
			exercise = m
		}
	}
	w.serve("--no-worker")
	ctx := browser(t, 390, 844)
	link := answerLink.FindString(exercise.Text)
	sound := func(name string) {
		t.Helper()
		picture(t, ctx, "answer-"+name)
		if look[bool](t, ctx, `document.documentElement.scrollWidth > window.innerWidth + 1`) {
			t.Errorf("%s is wider than the screen", name)
		}
		if small := look[string](t, ctx, `[...document.querySelectorAll("button")].filter(b => b.getBoundingClientRect().height < 44).map(b => b.textContent).join("|")`); small != "" {
			t.Errorf("%s has small buttons: %s", name, small)
		}
		if bare := look[int](t, ctx, `[...document.querySelectorAll("textarea, input:not([type=hidden])")].filter(e => !e.labels.length).length`); bare != 0 {
			t.Errorf("%s has %d fields without a label", name, bare)
		}
		if n := look[int](t, ctx, `document.scripts.length`); n != 0 {
			t.Errorf("%s needs %d scripts", name, n)
		}
	}
	do(t, ctx, chromedp.Navigate(link+"?v=2"), chromedp.WaitVisible(chromedp.CSS(".choice")))
	sound("asked")
	if at := look[string](t, ctx, `document.activeElement.value`); at != "2" {
		t.Errorf("the button in focus is %q", at)
	}
	do(t, ctx, chromedp.SendKeys(chromedp.CSS(".choice.chosen"), "\r"), chromedp.WaitVisible(chromedp.CSS(".given")))
	sound("answered")
	if s := w.step("Maja", "exercise-1"); !s.answered("2") {
		t.Errorf("the exercise is %+v", s)
	}
	if at := look[string](t, ctx, `document.activeElement.tagName`); at != "H1" {
		t.Errorf("what was done is not in focus: %s", at)
	}
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#text"), "vi manglede en holder"), chromedp.Click(chromedp.CSS(".main-button")), chromedp.WaitVisible(chromedp.CSS(".sent")))
	sound("written")
	do(t, ctx, chromedp.Click(chromedp.CSS(".way-out button")), chromedp.WaitVisible(chromedp.CSS("button[value=start]")))
	sound("stopped")
	if l := w.line("Maja"); l.State != "opted_out" {
		t.Errorf("Maja is %s", l.State)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("button[value=start]")), chromedp.WaitVisible(chromedp.CSS(".choice")))
	sound("started")
	do(t, ctx, chromedp.Navigate(strings.Replace(link, "/answer/", "/unsubscribe/", 1)), chromedp.WaitVisible(chromedp.CSS("button")))
	sound("unsubscribe")
	if n := look[int](t, ctx, `document.querySelectorAll("button").length`); n != 1 {
		t.Errorf("the page of the header has %d buttons", n)
	}
}
