package web

import (
	"io/fs"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"efterkurs/bot/calendar"
	"efterkurs/bot/email"
	"efterkurs/reminders"
	"efterkurs/templates"
)

// The keys that templates put together from a word of the domain: all of the domain's words have one.
func composedKeys() []string {
	var keys []string
	add := func(prefix string, words ...string) {
		for _, w := range words {
			keys = append(keys, prefix+key(w))
		}
	}
	add("channel-", reminders.SMS, reminders.Slack, reminders.Email)
	add("shift-", string(reminders.DayShift), string(reminders.EveningShift), string(reminders.NightShift))
	for _, s := range []reminders.State{reminders.Planned, reminders.Claimed, reminders.Sending, reminders.Unknown, reminders.Accepted,
		reminders.Sent, reminders.Delivered, reminders.Undelivered, reminders.Failed, reminders.Skipped} {
		add("state-", string(s))
	}
	for _, k := range []reminders.Kind{reminders.KindWelcome, reminders.KindExercise, reminders.KindNudge, reminders.KindBuddy, reminders.KindCheckin,
		reminders.KindCheckinAgain, reminders.KindBuddyJoined, reminders.KindBuddyLeft, reminders.KindBuddyShare, reminders.KindVisitDay, reminders.KindLeader, reminders.KindVisitProposal, reminders.KindVisitAgain,
		reminders.KindVisitReminder, reminders.KindStaffReminder, reminders.KindStaffBooked, reminders.KindBrief, reminders.KindVisitLetter, reminders.KindVisitAgreed, reminders.KindVisitFollowup, reminders.KindReply, reminders.KindNote,
		reminders.KindVisitInvitation, reminders.KindVisitMoved, reminders.KindVisitCancelled, reminders.KindStaffCancelled} {
		add("step-", string(k))
	}
	for reason := range reasons {
		add("reason-", reason)
	}
	for _, fault := range faults {
		add("fault-", fault)
	}
	add("visit-", reminders.VisitPlanned, reminders.VisitProposed, reminders.VisitBooked, reminders.VisitHeld, reminders.VisitCancelled, reminders.VisitUnplaced)
	add("kind-", reminders.ReplyStop, reminders.ReplyStart, reminders.ReplyAnswer, reminders.ReplyCommand, reminders.ReplyText, reminders.ReplyUnknown, reminders.ReplyAuto,
		reminders.ReplyDoubt, reminders.ReplyTrouble, reminders.ReplyWho, reminders.ReplyCalendar)
	add("invitation-", calendar.Accepted, calendar.Declined, calendar.Tentative)
	add("meaning-", "yes", "no", "partly", "plan", "none", "rating", "slot", "again")
	add("why-", "same class", "same shift", "overlapping hours", "same company", "best found", "same language", "different teams", "a pair before")
	add("", "unmet-shifts", "unmet-half", "unmet-time", "unmet-silent", "buddies-changed", "buddies-published", "buddies-invalid")
	add("checkin-", reminders.CheckinOpen, reminders.CheckinHalf, reminders.CheckinConfirmed, reminders.CheckinNotYet)
	add("outcome-fault-", "held", "long", "what", "step", "date", "sms", "link", "begun")
	add("outcome-followup-", "yes", "partly", "no")
	add("", "outcome-read-only")
	add("visit-checkin-", "confirmed", "half", "open")
	add("visit-leader-", reminders.LeaderAsked, reminders.LeaderHeld, reminders.LeaderNotYet)
	add("look-", lookSent, lookSilent, lookFault, lookUnknown, lookSkipped, lookNone)
	add("legend-", lookYes, lookPart, lookNo, lookOther, lookSent, lookSilent, lookPlanned, lookSkipped, lookFault, lookUnknown, "nudge")
	add("canned-", "unknown", "1", "2", "3", "4", "5", "6")
	add("", "answer-fault-empty", "answer-fault-long", "note-subject", "inbox-read-only", "span-minutes", "span-hours-one", "span-hours-many", "span-days-one", "span-days-many")
	add("visit-", "read-only", "conflict", "move-wrong", "move-same", "no-consultant", "cancel-wrong", "reassign-same", "no-colleague", "ill-wrong", "ill-other", "ill-none")
	add("need-", "undelivered", "failed", "unknown", "no-address", "wrong-address")
	for _, c := range gridColumns {
		add("column-", string(c.Kind))
	}
	add("health-", reminders.FoundNoTick, reminders.FoundLateTick, reminders.FoundHalt, reminders.FoundTickError, reminders.FoundThrottle, reminders.FoundOff, reminders.FoundDeaf)
	add("try-", "open", string(reminders.OutcomeAccepted), string(reminders.OutcomeRetry), string(reminders.OutcomeFailed), string(reminders.OutcomeUnknown), string(reminders.OutcomeHalt))
	add("decision-", reminders.DecisionFound, reminders.DecisionReported, reminders.DecisionUnsent, reminders.DecisionAgain, reminders.DecisionLeft, reminders.DecisionEarlier)
	for _, several := range []string{reminders.FoundStuck, reminders.FoundLapsed, reminders.FoundUnknown, reminders.FoundOldDoubt, reminders.FoundUnread} {
		add("health-", several, several+"-one")
	}
	for _, codes := range haltWords {
		for _, word := range codes {
			add("halt-", word)
		}
	}
	add("line-", "at", "soon", "any", "stopped", "missed", "late")
	add("", "rate-fast", "rate-slow", "at-clock", "thousands", "decimals")
	add("answer-", "empty", "long")
	add("", "months", "weekdays", "day", "days", "clock", "today", "tomorrow", "yesterday", "in-days", "days-ago", "fault-code", "admins-only",
		"login-wrong", "login-throttled", "slack-command-seen", email.WordAnswer, email.WordFooter, email.WordSee, email.WordUnsubscribe)
	return append(keys, slackKeys()...)
}

var (
	keyInTemplate = regexp.MustCompile(`\(?\bt "([a-z0-9-]+)"`)
	counted       = regexp.MustCompile(`\btn "([a-z0-9-]+)"`)
)

func TestEveryWordOnThePagesIsThereInBothLanguages(t *testing.T) {
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{}
	for _, k := range composedKeys() {
		wanted[k] = true
	}
	files, err := fs.Glob(texts.Pages(), "*.html")
	if err != nil || len(files) < len(pageFiles)+3 {
		t.Fatalf("%d templates found: %v", len(files), err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(texts.Pages(), file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range keyInTemplate.FindAllStringSubmatch(string(text), -1) {
			wanted[m[1]] = true
		}
		for _, m := range counted.FindAllStringSubmatch(string(text), -1) {
			wanted[m[1]+"-one"], wanted[m[1]+"-many"] = true, true
		}
	}
	for _, title := range []string{"overview", "classes", "visits", "inbox", "health", "demo", "login", "missing"} {
		wanted[title+"-title"] = true
	}
	for _, lang := range languages {
		text, err := fs.ReadFile(texts.Pages(), lang+".toml")
		if err != nil {
			t.Fatal(err)
		}
		words := map[string]string{}
		if err := toml.Unmarshal(text, &words); err != nil {
			t.Fatalf("%s.toml: %v", lang, err)
		}
		for k := range wanted {
			if strings.TrimSpace(words[k]) == "" {
				t.Errorf("%s.toml has no %s", lang, k)
			}
		}
		for k := range words {
			if !wanted[k] {
				t.Errorf("%s.toml has %s, which nothing shows", lang, k)
			}
		}
	}
}

func testWords(t *testing.T, lang string) words {
	t.Helper()
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	location, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	p := &pages{Server: &Server{Config: Config{Texts: texts, Calendar: &reminders.Calendar{Location: location}, Log: slog.New(slog.DiscardHandler)}}}
	return words{p, lang}
}

func TestDatesAreAsDanesWriteThem(t *testing.T) {
	da, en := testWords(t, "da"), testWords(t, "en")
	at := time.Date(2027, 2, 2, 8, 5, 0, 0, time.UTC) // 9.05 in Copenhagen
	date := func(y int, m time.Month, d int) reminders.Date { return reminders.Date{Year: y, Month: m, Day: d} }
	for _, c := range []struct{ got, want string }{
		{da.moment(at), "tirs. 2. feb. 9.05"}, {en.moment(at), "Tue 2 Feb 9:05"},
		{da.day(at), "2. feb."}, {en.day(at), "2 Feb"},
		{da.dates(date(2026, 11, 23), date(2026, 11, 24)), "23.–24. nov. 2026"}, {en.dates(date(2026, 11, 23), date(2026, 11, 24)), "23–24 Nov 2026"},
		{da.dates(date(2026, 11, 30), date(2026, 12, 1)), "30. nov. – 1. dec. 2026"},
		{da.dates(reminders.Date{}, date(2026, 12, 1)), "1. dec. 2026"},
		{da.minute(14 * 60), "14.00"},
		{da.until(at, at.Add(days(1))), "i morgen"}, {da.until(at, at.Add(days(-2))), "for 2 dage siden"}, {en.until(at, at.Add(days(5))), "in 5 days"},
		{da.count("people", 1), "1 deltager"}, {da.count("people", 12), "12 deltagere"},
		{da.step(reminders.KindExercise, 3), "Øvelse 3"}, {da.fault("30005"), "nummeret findes ikke"}, {da.fault("99"), "kode 99"},
		{da.reason(reminders.ReasonOptedOut), "afmeldt"}, {da.reason("something new"), "something new"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestRedirectsStayOnThisSite(t *testing.T) {
	for next, want := range map[string]string{"": "/", "/classes/3?x=1#g": "/classes/3?x=1#g", "//evil.example": "/", "https://evil.example": "/",
		"/\\evil.example": "/", "/\t/evil.example": "/", "javascript:alert(1)": "/", "/\n/evil.example": "/"} {
		if got := localPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestEveryPageHasItsTemplate(t *testing.T) {
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := fs.Glob(texts.Pages(), "*.html")
	for _, file := range files {
		name := strings.TrimSuffix(file, ".html")
		if !slices.Contains(append([]string{"layout", "partials", "answer", "visitmove"}, pageFiles...), name) {
			t.Errorf("%s is no page that the server knows", file)
		}
	}
}
