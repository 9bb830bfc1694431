package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
)

// mailPage is a mail's question and a browser at its page.
type mailPage struct {
	*gate
	m    reminders.Message
	path string
	now  *time.Time
}

func askBy(t *testing.T) *mailPage {
	t.Helper()
	now := lastDay.At(13*60, time.UTC)
	server, s := site(t, now)
	m := mailed(t, server, s, &now)
	server.Now = func() time.Time { return now }
	server.Bot.Now = server.Now
	a := &mailPage{gate: &gate{t: t, server: server, store: s, site: httptest.NewServer(server.Handler())}, m: m, path: "/answer/" + server.Tokens.Answer(m.ID), now: &now}
	t.Cleanup(a.site.Close)
	return a
}

// look opens the page.
func (a *mailPage) look(query string) string {
	a.t.Helper()
	status, page := a.send("GET", a.path+query, "", "")
	if status != http.StatusOK {
		a.t.Fatalf("the page is answered %d", status)
	}
	return page
}

var pageNumber = regexp.MustCompile(`name="n" value="([^"]+)"`)

// press sends a form of page.
func (a *mailPage) press(page string, form url.Values) (int, string) {
	a.t.Helper()
	if n := pageNumber.FindStringSubmatch(page); n != nil {
		form.Set("n", n[1])
	}
	return a.send("POST", a.path, formed, form.Encode())
}

// counts fails unless digit is the answer that counts.
func (a *mailPage) counts(digit string) {
	a.t.Helper()
	if got, err := a.store.AnswerTo(a.t.Context(), a.m.ID); err != nil || got != digit {
		a.t.Fatalf("the answer is %q, %v, want %q", got, err, digit)
	}
}

func (a *mailPage) person() reminders.Person {
	a.t.Helper()
	p, err := a.store.Person(a.t.Context(), a.m.PersonID)
	if err != nil {
		a.t.Fatal(err)
	}
	return p
}

// The page shows what was chosen, on this look and the next, and lets it be changed, back and forth and within a minute; the
// same page sent twice is one answer. It fails where a press is lost, counted twice, or not shown.
func TestTheAnswerPageShowsWhatWasChosenAndLetsItBeChanged(t *testing.T) {
	a := askBy(t)
	given := func(page string) string {
		_, rest, _ := strings.Cut(page, `id="given">`)
		said, _, _ := strings.Cut(rest, "</p>")
		return said
	}
	page := a.look("?v=1")
	if given(page) != "" || !strings.Contains(page, `class="choice chosen" name="v" value="1" autofocus`) {
		t.Fatalf("before: %s", page)
	}
	for _, digit := range []string{"1", "2", "1"} {
		status, after := a.press(page, url.Values{"v": {digit}})
		a.counts(digit)
		if want := "<b>" + digit + " "; status != http.StatusOK || !strings.Contains(given(after), want) || !strings.Contains(after, "Tak for svaret.") {
			t.Fatalf("%s: %d %s", digit, status, after)
		}
		if page = a.look(""); !strings.Contains(given(page), "<b>"+digit+" ") || strings.Contains(page, "Tak for svaret") {
			t.Fatalf("%s, looked at again: %s", digit, page)
		}
	}
	before := len(a.replies())
	for range 3 { // pressed thrice, or sent again by going back
		a.press(page, url.Values{"v": {"2"}})
	}
	a.counts("2")
	if n := len(a.replies()) - before; n != 1 {
		t.Errorf("one page made %d replies", n)
	}
}

// Words go with an answer or alone, whole; what is too long or nothing at all comes back with what was written.
func TestTheAnswerPageTakesWords(t *testing.T) {
	a := askBy(t)
	long := strings.Repeat("ø", 1600)
	if status, page := a.press(a.look(""), url.Values{"v": {"2"}, "text": {long}}); status != http.StatusOK || !strings.Contains(page, long) {
		t.Errorf("1,600 characters: %d", status)
	}
	a.counts("2")
	if r := a.replies()[0]; r.Text != "2 "+long || r.QuestionID != a.m.ID {
		t.Errorf("taken in: %.40s", r.Text)
	}
	if status, page := a.press(a.look(""), url.Values{"v": {""}, "text": {"vi fik <ryddet> op"}}); status != http.StatusOK || !strings.Contains(page, "vi fik &lt;ryddet&gt; op") {
		t.Errorf("words alone: %d %s", status, page)
	}
	a.counts("2") // words change no answer
	before := len(a.replies())
	for name, form := range map[string]url.Values{"too long": {"text": {long + "ø"}}, "nothing": {"text": {" \n"}}, "no choice of it": {"v": {"9"}, "text": {"hej"}}} {
		status, page := a.press(a.look(""), form)
		if status != http.StatusBadRequest || !strings.Contains(page, `role="alert"`) || !strings.Contains(page, strings.TrimSpace(form.Get("text"))+"</textarea>") {
			t.Errorf("%s: %d %s", name, status, page)
		}
	}
	if n := len(a.replies()); n != before {
		t.Errorf("%d were taken in all the same", n-before)
	}
}

// STOP on the page is told kindly and can be taken back there. It fails where the page offers answers to who has stopped, or
// nothing at all.
func TestTheAnswerPageLetsStopBeTakenBack(t *testing.T) {
	a := askBy(t)
	page := a.look("?v=stop")
	if !a.person().OptedOutAt.IsZero() || strings.Count(page, "<button") != 1 {
		t.Fatalf("the question whether to stop: %s", page)
	}
	for range 2 { // and again after START, within the minute
		status, page := a.press(a.look("?v=stop"), url.Values{"v": {"stop"}})
		if status != http.StatusOK || a.person().OptedOutAt.IsZero() || !strings.Contains(page, "Du får ikke flere beskeder") || !strings.Contains(page, `value="start"`) || strings.Contains(page, "choice") {
			t.Fatalf("STOP: %d %s", status, page)
		}
		if page = a.look("?v=1"); !strings.Contains(page, `value="start"`) || strings.Contains(page, "choice") {
			t.Fatalf("afterwards: %s", page)
		}
		if status, page := a.press(page, url.Values{"v": {"start"}}); status != http.StatusOK || !a.person().OptedOutAt.IsZero() || !strings.Contains(page, "choice") {
			t.Fatalf("START: %d %s", status, page)
		}
	}
}

// The one-click way out is pressed by a mailbox's provider: from anywhere, in either form that RFC 8058 names, as often as it
// likes, and a look at it does nothing. It fails where a second press fails, makes a second STOP, or where who has started
// again cannot stop by the same mail.
func TestUnsubscribeIsOneClick(t *testing.T) {
	a := askBy(t)
	path := "/unsubscribe/" + a.server.Tokens.Answer(a.m.ID)
	for _, method := range []string{"GET", "HEAD"} {
		if status, page := a.send(method, path, "", "", "User-Agent", "Mail scanner"); status != http.StatusOK || method == "GET" && strings.Count(page, "<button") != 1 {
			t.Errorf("%s: %d %s", method, status, page)
		}
	}
	if n := len(a.replies()); n != 0 || !a.person().OptedOutAt.IsZero() {
		t.Fatalf("a look made %d replies", n)
	}
	form, parts := "List-Unsubscribe=One-Click", "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"
	for round := 1; round <= 2; round++ {
		for range 3 {
			*a.now = a.now.Add(time.Second)
			for _, c := range [][2]string{{formed, form}, {"multipart/form-data; boundary=x", parts}} {
				if status, _ := a.send("POST", path, c[0], c[1], "Sec-Fetch-Site", "cross-site", "Origin", "https://mail.example"); status != http.StatusOK {
					t.Fatalf("POST is answered %d", status)
				}
			}
		}
		stops := 0
		for _, r := range a.replies() {
			if r.Kind == reminders.ReplyStop {
				stops++
			}
		}
		if stops != round || a.person().OptedOutAt.IsZero() {
			t.Fatalf("round %d: %d STOPs, opted out %v", round, stops, a.person().OptedOutAt)
		}
		*a.now = a.now.Add(time.Second)
		a.press(a.look(""), url.Values{"v": {"start"}})
	}
	for _, bad := range []string{"nonsense", a.server.Tokens.Answer(1 << 40)} {
		if status, _ := a.send("POST", "/unsubscribe/"+bad, formed, form); status != http.StatusNotFound {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

// A reminder's page shows what was answered to its exercise, and the other way round.
func TestAReminderShowsItsExercisesAnswer(t *testing.T) {
	a := askBy(t)
	engine := &reminders.Engine{Store: a.store, Desk: a.server.Bot, Calendar: a.server.Calendar, Now: a.server.Now, Log: a.server.Log, Worker: "test"}
	nudge := reminders.Message{}
	for range 5 {
		if _, err := engine.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := a.store.Messages(t.Context(), reminders.MessageFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.Kind == reminders.KindNudge && m.Week == a.m.Week && m.State.HasLeft() {
				nudge = m
			}
		}
		*a.now = a.now.Add(24 * time.Hour)
	}
	if nudge.ID == 0 {
		t.Fatal("no reminder was sent")
	}
	a.press(a.look(""), url.Values{"v": {"2"}})
	for _, id := range []int64{a.m.ID, nudge.ID} {
		if got, err := a.store.AnswerTo(t.Context(), id); err != nil || got != "2" {
			t.Errorf("message %d is answered %q, %v", id, got, err)
		}
	}
}
