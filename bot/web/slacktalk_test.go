package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/reminders"
)

// slackAsked is a school whose people have been asked exercise 1: Amir and Bodil in their company's own workspace.
func slackAsked(t *testing.T) (*slackSchool, *providertest.Slack) {
	t.Helper()
	s := openSlackSchool(t, true)
	nordfald := s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT")
	s.forward(0)
	s.forward(7)
	return s, nordfald
}

func (s *slackSchool) press(w *providertest.Slack, m providertest.SlackMessage, digit string) {
	s.t.Helper()
	s.fine(w.Press(s.t.Context(), s.hook("interactive"), m, digit, ""))
}

// look is a message as it looks in Slack at the moment.
func look(w *providertest.Slack, m providertest.SlackMessage) providertest.SlackMessage {
	for _, o := range w.Messages() {
		if o.Channel == m.Channel && o.TS == m.TS {
			return o
		}
	}
	return providertest.SlackMessage{}
}

func buttoned(m providertest.SlackMessage) bool {
	return strings.Contains(string(m.Blocks), `"button"`)
}

// TestAButtonTurnsIntoWhatWasChosen fails where the buttons stay, in either kind of workspace, or what was asked goes with them.
func TestAButtonTurnsIntoWhatWasChosen(t *testing.T) {
	s, nordfald := slackAsked(t)
	for user, of := range map[string]struct {
		w    *providertest.Slack
		name string
	}{"U0ALI": {nordfald, "Amir Slot"}, "U0OVE": {s.fake, "Ove Bro"}} {
		q := s.question(of.w, user)
		s.press(of.w, q, "1")
		s.await(of.name+"'s buttons", func() bool { return !buttoned(look(of.w, q)) })
		if now := look(of.w, q); !strings.HasPrefix(now.Text, q.Text) || !strings.Contains(now.Text, "Du svarede: 1 ") {
			t.Errorf("%s sees %q", of.name, now.Text)
		}
		if step := s.step(of.name, "exercise-1"); step.Answer != "1" {
			t.Errorf("%s's answer is %q", of.name, step.Answer)
		}
	}
}

// TestAFailedUpdateLosesNoAnswer fails where the answer hangs on what Slack makes of the buttons.
func TestAFailedUpdateLosesNoAnswer(t *testing.T) {
	s, nordfald := slackAsked(t)
	q := s.question(nordfald, "U0ALI")
	nordfald.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method == "chat.update" {
			return providertest.Refused("msg_too_long", 200)
		}
		return providertest.Behaviour{}
	})
	nordfald.RefuseResponses()
	resp, err := nordfald.Press(t.Context(), s.hook("interactive"), q, "2", "")
	s.fine(resp, err)
	if step := s.step("Amir Slot", "exercise-1"); step.Answer != "2" {
		t.Errorf("the answer is %q", step.Answer)
	}
	// The press's own address may be refused: then the message is changed by its id.
	nordfald.Script(nil)
	other := s.question(nordfald, "U0BIRGIT")
	s.press(nordfald, other, "1")
	s.await("chat.update", func() bool { return nordfald.Calls("chat.update") > 0 && !buttoned(look(nordfald, other)) })
}

// TestAThreadAnswersWhatItStandsUnder fails where an answer in a thread goes to the latest question instead.
func TestAThreadAnswersWhatItStandsUnder(t *testing.T) {
	s, nordfald := slackAsked(t)
	first := s.question(nordfald, "U0ALI")
	s.forward(7)
	if second := s.question(nordfald, "U0ALI"); second.TS == first.TS {
		t.Fatal("no second exercise")
	}
	own := s.say(nordfald, "U0ALI", "2", first.TS)
	if a, b := s.step("Amir Slot", "exercise-1").Answer, s.step("Amir Slot", "exercise-2").Answer; a != "2" || b != "" {
		t.Errorf("exercise 1 is answered %q, exercise 2 %q", a, b)
	}
	s.say(nordfald, "U0ALI", "1", own.TS) // under their own answer
	if a := s.step("Amir Slot", "exercise-1").Answer; a != "1" {
		t.Errorf("changed in a thread under it: %q", a)
	}
	// The same id of a message in another workspace is another question.
	s.say(s.fake, "U0OVE", "2", first.TS)
	if a := s.step("Amir Slot", "exercise-1").Answer; a != "1" {
		t.Errorf("somebody else's thread answered it: %q", a)
	}
}

// TestAnEditedMessageIsAChangedAnswer fails where an edit is left out, goes to another question, or takes the place of
// what was written first.
func TestAnEditedMessageIsAChangedAnswer(t *testing.T) {
	s, nordfald := slackAsked(t)
	m := s.say(nordfald, "U0ALI", "1", "")
	s.forward(7)
	s.fine(nordfald.Edit(t.Context(), s.hook("events"), m, "2 vi havde travlt"))
	if a, b := s.step("Amir Slot", "exercise-1").Answer, s.step("Amir Slot", "exercise-2").Answer; a != "2" || b != "" {
		t.Errorf("exercise 1 is answered %q, exercise 2 %q", a, b)
	}
	replies, err := s.store.Replies(t.Context(), reminders.ReplyFilter{PersonID: s.enrolment("Amir Slot").Person.ID})
	if err != nil || len(replies) != 2 || replies[1].Text != "1" || replies[0].Text != "2 vi havde travlt" {
		t.Fatalf("kept: %+v, %v", replies, err)
	}
	original, edit := replies[1], replies[0]
	if edit.Attributes["replaces"] != original.ProviderID || !strings.HasPrefix(edit.ProviderID, original.ProviderID+":") || edit.QuestionID == 0 {
		t.Errorf("the edit is %+v", edit)
	}
	// A link that is unfolded is no edit.
	s.fine(nordfald.Event(t.Context(), s.hook("events"), "", map[string]any{"type": "message", "subtype": "message_changed", "channel": m.Channel, "channel_type": "im",
		"message": map[string]any{"user": "U0ALI", "text": "2 vi havde travlt", "ts": m.TS}, "previous_message": map[string]any{"user": "U0ALI", "text": "2 vi havde travlt", "ts": m.TS}}))
	if replies, err = s.store.Replies(t.Context(), reminders.ReplyFilter{PersonID: original.PersonID}); err != nil || len(replies) != 2 {
		t.Errorf("%d texts, %v", len(replies), err)
	}
	// To STOP, it is one.
	s.fine(nordfald.Edit(t.Context(), s.hook("events"), m, "STOP"))
	if s.enrolment("Amir Slot").Person.OptedOutAt.IsZero() {
		t.Error("edited to STOP, it was none")
	}
}

// TestADeletedMessageIsShownNoMore fails where a consultant still reads it, or its answer goes with it.
func TestADeletedMessageIsShownNoMore(t *testing.T) {
	s, nordfald := slackAsked(t)
	m := s.say(nordfald, "U0ALI", "1 Når jeg møder, så rydder jeg bordet", "")
	secret := s.say(nordfald, "U0ALI", "hvad gør jeg med det hemmelige?", "")
	mette := s.signedIn("mette@skolen.example")
	pages := []string{"/inbox", "/", "/participants/" + itoa(s.enrolment("Amir Slot").Person.ID)}
	if _, page := mette.get(pages[2]); !strings.Contains(page, "rydder jeg bordet") || !strings.Contains(page, "hemmelige") {
		t.Fatal("the page does not show what was written at first")
	}
	s.fine(nordfald.Delete(t.Context(), s.hook("events"), m))
	s.fine(nordfald.Delete(t.Context(), s.hook("events"), secret))
	for _, path := range pages {
		_, page := mette.get(path)
		if strings.Contains(page, "rydder jeg bordet") || strings.Contains(page, "hemmelige") {
			t.Errorf("%s shows what was deleted", path)
		}
		if !strings.Contains(page, "slettet af den, der skrev") {
			t.Errorf("%s does not say that it was deleted", path)
		}
	}
	if step := s.step("Amir Slot", "exercise-1"); step.Answer != "1" {
		t.Errorf("the answer is %q", step.Answer)
	}
	export, err := s.store.Export(t.Context(), s.enrolment("Amir Slot").Person.ID)
	if err != nil {
		t.Fatal(err)
	}
	if raw, _ := json.Marshal(export.Replies); strings.Contains(string(raw), "bordet") {
		t.Error("the export has it")
	}
	for _, visit := range visitsOf(s.status(reminders.Filter{Company: "Nordfald Slack"})) {
		brief, err := s.store.Brief(t.Context(), visit.Visit.ID)
		if raw, _ := json.Marshal(brief); err != nil || strings.Contains(string(raw), "bordet") {
			t.Errorf("the brief has it: %v", err)
		}
	}
}

// TestAStopDeletedAtOnceIsOne fails where a deletion that comes before what it deletes makes it unsaid.
func TestAStopDeletedAtOnceIsOne(t *testing.T) {
	s, nordfald := slackAsked(t)
	m := nordfald.Write("U0ALI", "STOP", "")
	s.fine(nordfald.Delete(t.Context(), s.hook("events"), m))
	if s.enrolment("Amir Slot").Person.OptedOutAt.IsZero() {
		t.Error("it was not taken in")
	}
	s.fine(nordfald.Tell(t.Context(), s.hook("events"), "", m)) // the event that was on its way
	replies, err := s.store.Replies(t.Context(), reminders.ReplyFilter{PersonID: s.enrolment("Amir Slot").Person.ID})
	if err != nil || len(replies) != 1 || replies[0].Text != "" || replies[0].WithdrawnAt.IsZero() {
		t.Errorf("kept: %+v, %v", replies, err)
	}
}

// TestWhoLeftSlackIsWrittenToElsewhere fails where somebody who left the workspace is written to in vain, is not shown, or is
// given up where there is another way.
func TestWhoLeftSlackIsWrittenToElsewhere(t *testing.T) {
	other := inSlack("Gerda Holm", "U0GERDA", "Nordfald Slack", "mette@skolen.example")
	other.Person.Phone = "+4520100077"
	s := openSlackSchool(t, true, other)
	nordfald := s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT", "U0GERDA")
	s.forward(0)
	nordfald.Leave("U0GERDA")
	nordfald.Leave("U0ALI")
	s.forward(7)
	gerda := s.step("Gerda Holm", "exercise-1")
	if !gerda.State.HasLeft() || gerda.Channel != reminders.SMS {
		t.Errorf("Gerda's exercise is %s by %s (%s)", gerda.State, gerda.Channel, gerda.Reason)
	}
	amir := s.step("Amir Slot", "exercise-1")
	if amir.State != reminders.Planned {
		t.Errorf("Amir's exercise is %s (%s)", amir.State, amir.Reason)
	}
	if bodil := s.step("Bodil Kær", "exercise-1"); !bodil.State.HasLeft() {
		t.Errorf("Bodil's exercise is %s (%s)", bodil.State, bodil.Reason)
	}
	mette := s.signedIn("mette@skolen.example")
	if _, page := mette.get("/"); !strings.Contains(page, "Amir Slot</b> ") || !strings.Contains(page, "findes ikke i Slack") {
		t.Error("the overview does not say that Amir has left")
	}
	if _, page := mette.get("/participants/" + itoa(s.enrolment("Gerda Holm").Person.ID)); !strings.Contains(page, "Findes ikke i Slack mere") {
		t.Error("Gerda's page does not say where she is written to now")
	}
	// Once somebody has given another address, what waited leaves.
	row := inSlack("Amir Slot", "U0ALI", "Nordfald Slack", "mette@skolen.example")
	row.Line, row.Person.Phone = 2, "+4520100078"
	if _, err := s.store.Import(t.Context(), s.now, []reminders.RosterRow{row}); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(10 * time.Minute)
	s.tick()
	if amir := s.step("Amir Slot", "exercise-1"); !amir.State.HasLeft() || amir.Channel != reminders.SMS {
		t.Errorf("with a phone Amir's exercise is %s by %s (%s)", amir.State, amir.Channel, amir.Reason)
	}
}

// TestAppHomeShowsMyExercises fails where it does not, in the participant's language, or where its buttons are not
// the words they stand for.
func TestAppHomeShowsMyExercises(t *testing.T) {
	english := inSlack("Erik North", "U0ERIK", "Nordfald Slack", "mette@skolen.example")
	english.Person.Language = "en"
	s := openSlackSchool(t, true, english)
	nordfald := s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT", "U0ERIK", "U0STRANGER")
	s.forward(0)
	s.forward(7)
	s.press(nordfald, s.question(nordfald, "U0ALI"), "1")
	home := func(user string, has ...string) {
		t.Helper()
		s.fine(nordfald.OpenHome(t.Context(), s.hook("events"), user))
		s.await("the Home of "+user, func() bool {
			for _, text := range has {
				if !strings.Contains(string(nordfald.Home(user)), text) {
					return false
				}
			}
			return true
		})
	}
	home("U0ALI", "Hej Amir", "Uge 1: ", "Du svarede: 1 ", "Din makker: ", "Pause 2 uger")
	home("U0ERIK", "Hi Erik", "Week 1: ", "No answer yet", "Pause 2 weeks")
	home("U0STRANGER", "Vi kender dig ikke endnu")

	s.fine(nordfald.PressHome(t.Context(), s.hook("interactive"), "U0ALI", "home_pause_2"))
	if until := s.enrolment("Amir Slot").Person.PausedUntil; until.Before(s.now.AddDate(0, 0, 13)) {
		t.Errorf("paused until %v", until)
	}
	s.await("the pause", func() bool { return strings.Contains(string(nordfald.Home("U0ALI")), "Du holder pause til") })
	s.fine(nordfald.PressHome(t.Context(), s.hook("interactive"), "U0ALI", "home_start"))
	if until := s.enrolment("Amir Slot").Person.PausedUntil; !until.IsZero() {
		t.Errorf("still paused until %v", until)
	}
	s.await("the end of the pause", func() bool { return strings.Contains(string(nordfald.Home("U0ALI")), "Pause 2 uger") })
	replies, err := s.store.Replies(t.Context(), reminders.ReplyFilter{PersonID: s.enrolment("Amir Slot").Person.ID})
	if err != nil || len(replies) != 3 || replies[1].Text != "PAUSE 2" || replies[0].Text != "START" {
		t.Errorf("taken in: %+v, %v", replies, err)
	}
	// A value of nobody's is no button of ours.
	raw, _ := json.Marshal(map[string]any{"type": "block_actions", "team": map[string]any{"id": "T0NORD"}, "user": map[string]any{"id": "U0ALI"},
		"actions": []map[string]any{{"action_id": "home_stop", "value": "STOP", "action_ts": "1.2"}}})
	resp, err := nordfald.Form(t.Context(), s.hook("interactive"), url.Values{"payload": {string(raw)}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("another button: %s", resp.Status)
	}
}

// command is somebody using /efterkurs; it returns what they are told at once.
func (s *slackSchool) command(w *providertest.Slack, user, text string) string {
	s.t.Helper()
	began := time.Now()
	said := s.fine(w.Command(s.t.Context(), s.hook("commands"), user, "/efterkurs", text))
	if took := time.Since(began); took > 3*time.Second {
		s.t.Errorf("/efterkurs %s took %s", text, took)
	}
	return said
}

// told is the next answer to a command of user's.
func (s *slackSchool) told(user string, n int) string {
	s.t.Helper()
	var out string
	s.await("an answer to /efterkurs", func() bool {
		all := s.fake.Responses()
		var own []providertest.SlackResponse
		for _, r := range all {
			if r.User == user {
				own = append(own, r)
			}
		}
		if len(own) <= n {
			return false
		}
		out = own[n].Text
		return true
	})
	return out
}

// TestConsultantsAskBySlashCommand fails where a consultant does not get a company's counts and their week, somebody else
// gets them, or a company's workspace tells of other companies.
func TestConsultantsAskBySlashCommand(t *testing.T) {
	s := openSlackSchool(t, true)
	nordfald := s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT")
	s.fake.AddUser("U0METTE", "Mette@Skolen.example")
	nordfald.AddUser("U0METTE", "mette@skolen.example")
	s.forward(0)
	s.forward(7)
	s.press(nordfald, s.question(nordfald, "U0ALI"), "1")
	s.say(nordfald, "U0BIRGIT", "hvem er det?", "")
	s.say(nordfald, "U0BIRGIT", "hvem er det nu?", "")

	if said := s.command(s.fake, "U0METTE", "nordfald sl"); said != "" {
		t.Errorf("at once: %q", said)
	}
	if text := s.told("U0METTE", 0); !strings.Contains(text, "Nordfald Slack") || !strings.Contains(text, "2 deltagere") || !strings.Contains(text, "Uge 1: 1 af 2 har svaret") ||
		!strings.Contains(text, "Stille i to uger: 0") || !strings.Contains(text, "Intet besøg er aftalt") || strings.Contains(text, "Amir") {
		t.Errorf("the company: %q", text)
	}
	s.command(s.fake, "U0METTE", "uge")
	if text := s.told("U0METTE", 1); !strings.Contains(text, "Din uge") || !strings.Contains(text, "Ingen besøg de næste 7 dage") {
		t.Errorf("the week: %q", text)
	}
	s.command(s.fake, "U0METTE", "skovby") // another consultant's
	if text := s.told("U0METTE", 2); !strings.Contains(text, "Ingen af dine virksomheder") {
		t.Errorf("another consultant's company: %q", text)
	}
	s.command(s.fake, "U0METTE", "slack")
	if text := s.told("U0METTE", 3); !strings.Contains(text, "Fjord Slack, Nordfald Slack") {
		t.Errorf("two companies: %q", text)
	}
	// Whose e-mail stands in a profile there is the company's word: it tells of that company only.
	s.command(nordfald, "U0METTE", "fjord slack")
	if text := s.told("U0METTE", 4); !strings.Contains(text, "Ingen af dine virksomheder") {
		t.Errorf("another company, in Nordfald's workspace: %q", text)
	}
	s.command(nordfald, "U0METTE", "")
	if text := s.told("U0METTE", 5); !strings.Contains(text, "står kun det, der handler om den") {
		t.Errorf("the week, in Nordfald's workspace: %q", text)
	}
	if said := s.command(nordfald, "U0ALI", "nordfald"); !strings.Contains(said, s.server.Texts.Page("da", "slack-command-seen")) || strings.Contains(said, "deltagere") {
		t.Errorf("a participant is told %q", said)
	}
	s.command(nordfald, "U0ALI", "stop nu")
	if s.enrolment("Amir Slot").Person.OptedOutAt.IsZero() {
		t.Error("a STOP by command is none")
	}
}

// TestAStrangersTextWaitsForTheirName fails where a webhook waits for a Slack that hangs, where a text of somebody who may be known
// by e-mail alone is taken in as nobody's at the first try, or is lost at the last.
func TestAStrangersTextWaitsForTheirName(t *testing.T) {
	byMail := inSlack("Karl Vang", "", "Fjord Slack", "mette@skolen.example")
	byMail.Person.Email = "karl@fjord.example"
	s := openSlackSchool(t, true, byMail)
	s.fake.AddUser("U0KARL", "karl@fjord.example")
	hold := make(chan struct{})
	s.fake.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method == "users.info" {
			return providertest.Behaviour{Hold: hold}
		}
		return providertest.Behaviour{}
	})
	bring := func(m providertest.SlackMessage, retry string) int {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"type": "event_callback", "team_id": s.fake.TeamID, "event_id": "Ev" + m.TS, "event_time": s.now.Unix(),
			"event": map[string]any{"type": "message", "channel_type": "im", "channel": m.Channel, "user": m.User, "text": m.Text, "ts": m.TS}})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.hook("events"), strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = s.fake.Sign(strconv.FormatInt(time.Now().Unix(), 10), body)
		r.Header.Set("X-Slack-Retry-Num", retry)
		began := time.Now()
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("answered after %s", took)
		}
		return resp.StatusCode
	}
	stop, words := s.fake.Write("U0KARL", "STOP", ""), s.fake.Write("U0KARL", "hej", "")
	if code := bring(stop, "1"); code != http.StatusServiceUnavailable {
		t.Errorf("the first time: %d", code)
	}
	if code := bring(words, "3"); code != http.StatusOK {
		t.Errorf("the last time: %d", code)
	}
	if inbox, err := s.store.Replies(t.Context(), reminders.ReplyFilter{State: reminders.ReplyInbox}); err != nil || len(inbox) != 1 || inbox[0].Text != "hej" {
		t.Errorf("for a person to read: %+v, %v", inbox, err)
	}
	close(hold)
	s.fake.Script(nil)
	if code := bring(stop, "2"); code != http.StatusOK {
		t.Errorf("again: %d", code)
	}
	if s.enrolment("Karl Vang").Person.OptedOutAt.IsZero() {
		t.Error("a STOP of somebody known by e-mail alone stopped nobody")
	}
}
