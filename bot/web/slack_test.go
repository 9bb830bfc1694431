package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"efterkurs/bot"
	"efterkurs/bot/handset"
	"efterkurs/bot/providertest"
	"efterkurs/bot/slack"
	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
	"efterkurs/templates"
)

// slackSchool is a school some of whose companies use Slack: the whole program but its binary, in a time of its own,
// against a Slack on loopback.
type slackSchool struct {
	*school
	fake  *providertest.Slack // the school's own workspace, "Fjordens"
	slack *slack.Workspaces
}

// inSlack is a participant known by their Slack id.
func inSlack(name, id, company, consultant string) reminders.RosterRow {
	return reminders.RosterRow{Person: reminders.Person{Name: name, SlackID: id, Channel: reminders.Slack, Language: "da", Shift: reminders.DayShift}, Company: company,
		Class: reminders.Class{Course: "5s", Name: "5s hos " + company, Start: lastDay.AddDays(-1), End: lastDay}, Basis: "consent", ConsultantEmail: consultant}
}

// openSlackSchool has Ali and Birgit at Nordfald, Hanne at Skovby, whose Slack id is the same as Ali's, and Ove and Pia at
// Fjord, who use the school's own workspace. single = there is one.
func openSlackSchool(t *testing.T, single bool, more ...reminders.RosterRow) *slackSchool {
	t.Helper()
	location, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	s := &slackSchool{school: &school{t: t, now: lastDay.At(9*60, location), cal: reminders.NewCalendar(location)}, fake: providertest.NewSlack(t)}
	clock := func() time.Time { return s.now }
	s.fake.SetNow(clock)
	log := slog.New(slog.DiscardHandler)
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s.store = storetest.Open(t, storetest.SQLite(t))
	s.site = httptest.NewUnstartedServer(nil)
	public := "http://" + s.site.Listener.Addr().String()
	config := slack.WorkspacesConfig{Config: slack.Config{BaseURL: s.fake.URL, Now: clock}, ClientID: s.fake.ClientID, ClientSecret: s.fake.ClientSecret,
		PublicURL: public, Tokens: s.store}
	if single {
		config.BotToken = s.fake.Token
	}
	if s.slack, err = slack.NewWorkspaces(config); err != nil {
		t.Fatal(err)
	}
	channels := map[string]bot.Channel{reminders.Slack: s.slack, reminders.SMS: handset.New(reminders.SMS), reminders.Email: handset.New(reminders.Email)}
	s.bot = &bot.Bot{Channels: channels, Texts: texts, Reader: reader, Store: s.store, Calendar: s.cal, School: "Fjordens Erhvervsskole", Now: clock, Log: log}
	s.engine = &reminders.Engine{Store: s.store, Desk: s.bot, Calendar: s.cal, Now: clock, Log: log, Worker: "test"}
	if s.server, err = New(Config{Store: s.store, Sessions: store.Sessions{Store: s.store}, Bot: s.bot, Tokens: bot.Tokens{Key: storetest.Secret}, Texts: texts,
		Calendar: s.cal, School: "Fjordens Erhvervsskole", Now: clock, Log: log, Pages: true, PublicURL: public,
		SlackSigningSecret: s.fake.SigningSecret, Slack: s.slack}); err != nil {
		t.Fatal(err)
	}
	s.site.Config.Handler = s.server.Handler()
	s.site.Start()
	t.Cleanup(func() {
		s.server.Finish(context.Background())
		s.site.Close()
	})
	s.people()
	rows := append([]reminders.RosterRow{inSlack("Amir Slot", "U0ALI", "Nordfald Slack", "mette@skolen.example"), inSlack("Bodil Kær", "U0BIRGIT", "Nordfald Slack", "mette@skolen.example"),
		inSlack("Hanna Vig", "U0ALI", "Skovby Slack", "bent@skolen.example"),
		inSlack("Ove Bro", "U0OVE", "Fjord Slack", "mette@skolen.example"), inSlack("Pia Dam", "U0PIA", "Fjord Slack", "mette@skolen.example")}, more...)
	for i := range rows {
		rows[i].Line = i + 2
	}
	if _, err := s.store.Import(t.Context(), s.now, rows); err != nil {
		t.Fatal(err)
	}
	s.fake.AddUser("U0OVE", "ove@fjord.example")
	s.fake.AddUser("U0PIA", "pia@fjord.example")
	return s
}

func (s *slackSchool) company(name string) reminders.Company {
	s.t.Helper()
	companies, err := s.store.Companies(s.t.Context(), 0)
	if err != nil {
		s.t.Fatal(err)
	}
	i := slices.IndexFunc(companies, func(c reminders.Company) bool { return c.Name == name })
	if i < 0 {
		s.t.Fatalf("no company %s", name)
	}
	return companies[i]
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

// approve is a consultant adding the app for a company to a workspace, all the way, and what they see then.
func (s *slackSchool) approve(b *browser, company string, to *providertest.Slack) (*http.Response, string) {
	s.t.Helper()
	callback, err := to.Approve(s.begin(b, company))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.comeBack(b, callback)
}

// begin follows the link on the page as far as Slack.
func (s *slackSchool) begin(b *browser, company string) string {
	s.t.Helper()
	_, page := b.get("/slack")
	link := regexp.MustCompile(`href="(/slack/install\?company=` + itoa(s.company(company).ID) + `)"`).FindStringSubmatch(page)
	if link == nil {
		s.t.Fatalf("no link to add Slack for %s:\n%s", company, page)
	}
	resp, body := b.get(link[1])
	if resp.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("%s: %s %s", link[1], resp.Status, body)
	}
	return resp.Header.Get("Location")
}

// comeBack follows Slack's redirect, and ours.
func (s *slackSchool) comeBack(b *browser, callback string) (*http.Response, string) {
	s.t.Helper()
	path, ok := strings.CutPrefix(callback, s.site.URL)
	if !ok {
		s.t.Fatalf("Slack sends the browser to %s", callback)
	}
	resp, body := b.get(path)
	if resp.StatusCode == http.StatusSeeOther {
		return b.get(resp.Header.Get("Location"))
	}
	return resp, body
}

// connect adds the app to a workspace of a company's own.
func (s *slackSchool) connect(company, team string, members ...string) *providertest.Slack {
	s.t.Helper()
	w := s.fake.Workspace(team, "Slack hos "+company)
	for _, id := range members {
		w.AddUser(id, strings.ToLower(id)+"@"+strings.ToLower(team)+".example")
	}
	consultant := "mette@skolen.example"
	if company == "Skovby Slack" {
		consultant = "bent@skolen.example"
	}
	if resp, page := s.approve(s.signedIn(consultant), company, w); resp.StatusCode != http.StatusOK || !strings.Contains(page, "notice good") {
		s.t.Fatalf("%s was not connected: %s\n%s", company, resp.Status, page)
	}
	return w
}

func (s *slackSchool) tick() {
	s.t.Helper()
	if _, err := s.engine.Tick(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// forward winds the clock to three in the afternoon, days on, and ticks.
func (s *slackSchool) forward(days int) {
	s.t.Helper()
	s.now = reminders.DateOf(s.now.In(s.cal.Location)).AddDays(days).At(15*60, s.cal.Location)
	s.tick()
}

// fine closes the answer to a webhook, which must be 200.
func (s *slackSchool) fine(resp *http.Response, err error) string {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("the webhook was answered with %s: %s", resp.Status, body)
	}
	return string(body)
}

func (s *slackSchool) hook(kind string) string { return s.site.URL + "/webhooks/slack/" + kind }

// say is somebody writing in their direct message.
func (s *slackSchool) say(w *providertest.Slack, user, text, thread string) providertest.SlackMessage {
	s.t.Helper()
	m := w.Write(user, text, thread)
	s.fine(w.Tell(s.t.Context(), s.hook("events"), "", m))
	return m
}

func (s *slackSchool) enrolment(name string) reminders.EnrolmentStatus {
	s.t.Helper()
	for _, e := range s.status(reminders.Filter{}) {
		if e.Person.Name == name {
			return e
		}
	}
	s.t.Fatalf("nobody is called %s", name)
	return reminders.EnrolmentStatus{}
}

func (s *slackSchool) step(name, step string) reminders.StepStatus {
	s.t.Helper()
	for _, st := range s.enrolment(name).Steps {
		if st.Step == step {
			return st
		}
	}
	s.t.Fatalf("%s has no %s", name, step)
	return reminders.StepStatus{}
}

// to lists what the bot wrote to a user in a workspace.
func to(w *providertest.Slack, user string) (out []providertest.SlackMessage) {
	for _, m := range w.Messages() {
		if m.FromBot && m.User == user {
			out = append(out, m)
		}
	}
	return out
}

// question is the last message to a user that has buttons.
func (s *slackSchool) question(w *providertest.Slack, user string) providertest.SlackMessage {
	s.t.Helper()
	all := to(w, user)
	for _, m := range slices.Backward(all) {
		if strings.Contains(string(m.Blocks), `"button"`) {
			return m
		}
	}
	s.t.Fatalf("%s was asked nothing: %d messages", user, len(all))
	return providertest.SlackMessage{}
}

// await waits for Slack to have been told something.
func (s *slackSchool) await(what string, holds func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	if err := s.fake.Await(ctx, holds); err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
}

// TestSlackIsAddedForACompany fails where the way to Slack and back does not end with that company's texts leaving through
// its own workspace, and everybody else's through the school's.
func TestSlackIsAddedForACompany(t *testing.T) {
	s := openSlackSchool(t, true)
	nordfald := s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT")
	skovby := s.connect("Skovby Slack", "T0SKOV", "U0ALI")
	if got := s.company("Nordfald Slack").Workspace; got != "T0NORD" {
		t.Errorf("Nordfald's workspace is %q", got)
	}
	s.forward(0)
	s.forward(7)
	for name, of := range map[string]struct {
		w     *providertest.Slack
		users []string
	}{"Nordfald": {nordfald, []string{"U0ALI", "U0BIRGIT"}}, "Skovby": {skovby, []string{"U0ALI"}}, "Fjord": {s.fake, []string{"U0OVE", "U0PIA"}}} {
		for _, user := range of.users {
			if n := len(to(of.w, user)); n < 2 {
				t.Errorf("%s of %s got %d texts", user, name, n)
			}
		}
		for _, m := range of.w.Messages() {
			if m.User != strings.Join(of.users, ",") && !slices.Contains(of.users, m.User) { // one of them, or the pair
				t.Errorf("%s got a text through the workspace of %s", m.User, name)
			}
		}
	}
	if !strings.Contains(to(nordfald, "U0ALI")[0].Text, "Amir") || !strings.Contains(to(skovby, "U0ALI")[0].Text, "Hanna") {
		t.Error("the same id in two workspaces is one person")
	}
}

// TestEveryFaultOfAnInstallationHasItsSentence fails where one of them is not said, or loses what was there before.
func TestEveryFaultOfAnInstallationHasItsSentence(t *testing.T) {
	s := openSlackSchool(t, true)
	nordfald := s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT")
	mette, bent := s.signedIn("mette@skolen.example"), s.signedIn("bent@skolen.example")
	admin := s.signedIn("admin@skolen.example")
	said := func(key string) string { return strings.SplitN(s.server.Texts.Page("da", key), "{", 2)[0] }
	must := func(name string, resp *http.Response, page, sentence string) {
		t.Helper()
		if sentence == "" || !strings.Contains(page, sentence) {
			t.Errorf("%s: %s, and not %q", name, resp.Status, sentence)
		}
		if c := s.company("Nordfald Slack"); c.Workspace != "T0NORD" {
			t.Errorf("%s: Nordfald's workspace is %q now", name, c.Workspace)
		}
		if _, err := s.store.WorkspaceToken(t.Context(), "T0NORD"); err != nil {
			t.Errorf("%s: Nordfald's token: %v", name, err)
		}
	}

	callback, err := nordfald.Cancel(s.begin(mette, "Fjord Slack"))
	if err != nil {
		t.Fatal(err)
	}
	resp, page := s.comeBack(mette, callback)
	must("cancelled", resp, page, said("slack-fault-cancelled"))

	link := s.begin(mette, "Fjord Slack")
	callback, _ = s.fake.Workspace("T0FJORD", "Fjord").Approve(link)
	u, _ := url.Parse(callback)
	changed := []byte(u.Query().Get("state"))
	if changed[40]++; changed[40] > 'Z' || changed[40] < 'A' { // another letter, whichever it was
		changed[40] = 'A'
	}
	for name, state := range map[string]string{"no state": "", "a state of nobody's": "AAAA", "a changed one": string(changed)} {
		q := u.Query()
		q.Set("state", state)
		resp, page := s.comeBack(mette, s.site.URL+u.Path+"?"+q.Encode())
		must(name, resp, page, said("slack-fault-state"))
	}
	elsewhere := s.signedIn("mette@skolen.example") // the same person, in another browser, who has begun there too
	s.begin(elsewhere, "Fjord Slack")
	resp, page = s.comeBack(elsewhere, callback)
	must("another session", resp, page, said("slack-fault-state"))
	resp, page = s.comeBack(admin, callback)
	must("another person", resp, page, said("slack-fault-state"))
	before := s.now
	s.now = s.now.Add(stateLife)
	resp, page = s.comeBack(mette, callback)
	must("expired", resp, page, said("slack-fault-expired"))
	s.now = before

	if resp, page = s.comeBack(mette, callback); !strings.Contains(page, "notice good") { // all of that cost nothing
		t.Fatalf("the honest one: %s\n%s", resp.Status, page)
	}
	resp, page = s.comeBack(mette, callback)
	must("the code used", resp, page, said("slack-fault-code-used"))

	resp, page = s.approve(bent, "Skovby Slack", nordfald)
	must("another company's workspace", resp, page, "another company&#39;s Slack")
	resp, page = s.approve(mette, "Nordfald Slack", s.fake.Workspace("T0ELSE", "Et andet"))
	must("another workspace than it has", resp, page, "Et andet")
	if c := s.company("Skovby Slack"); c.Workspace != "" {
		t.Errorf("Skovby was given %q", c.Workspace)
	}

	s.fake.ClientSecret = "changed"
	resp, page = s.approve(mette, "Nordfald Slack", nordfald)
	must("our secret is wrong", resp, page, said("slack-fault-configured"))

	// Who may not see a company cannot connect it, and who is not signed in connects nothing.
	if resp, _ := bent.get("/slack/install?company=" + itoa(s.company("Nordfald Slack").ID)); resp.StatusCode != http.StatusNotFound {
		t.Errorf("another consultant's company: %s", resp.Status)
	}
	if resp, _ := s.browser().get(u.RequestURI()); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/login") {
		t.Errorf("not signed in: %s %s", resp.Status, resp.Header.Get("Location"))
	}
}

// TestALostWorkspaceHoldsOnlyItsOwnTexts fails where one company's removing the app keeps another's texts from leaving,
// loses one of its own, or is shown to nobody.
func TestALostWorkspaceHoldsOnlyItsOwnTexts(t *testing.T) {
	for name, lose := range map[string]func(s *slackSchool, w *providertest.Slack){
		"the app was removed": func(s *slackSchool, w *providertest.Slack) {
			if err := w.Uninstall(s.t.Context(), s.hook("events")); err != nil {
				s.t.Fatal(err)
			}
		},
		"token_revoked":    func(_ *slackSchool, w *providertest.Slack) { w.Refuse("token_revoked") }, // and nobody told us
		"account_inactive": func(_ *slackSchool, w *providertest.Slack) { w.Refuse("account_inactive") },
		"invalid_auth":     func(_ *slackSchool, w *providertest.Slack) { w.Refuse("invalid_auth") },
	} {
		t.Run(name, func(t *testing.T) {
			s := openSlackSchool(t, true)
			nordfald := s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT")
			skovby := s.connect("Skovby Slack", "T0SKOV", "U0ALI")
			s.forward(0)
			lose(s, nordfald)
			had := len(nordfald.Messages())
			s.forward(7)
			if n := len(nordfald.Messages()); n != had {
				t.Errorf("%d texts came into a workspace that we are not in", n-had)
			}
			if n := len(to(skovby, "U0ALI")); n < 2 {
				t.Errorf("another company's got %d texts", n)
			}
			if n := len(to(s.fake, "U0OVE")); n < 2 {
				t.Errorf("the school's own workspace got %d texts", n)
			}
			exercise := s.step("Amir Slot", "exercise-1")
			if exercise.State != reminders.Planned {
				t.Fatalf("the exercise is %s (%s)", exercise.State, exercise.Reason)
			}
			health, err := s.store.Health(t.Context(), s.now)
			if err != nil {
				t.Fatal(err)
			}
			if len(health.Halted) != 0 || len(health.Lost) != 1 || health.Lost[0].TeamID != "T0NORD" || health.Lost[0].LostReason == "" {
				t.Errorf("halted %v, lost %+v", health.Halted, health.Lost)
			}
			if worst := reminders.Worst(health.Findings(s.now)); worst == reminders.Bad {
				t.Errorf("one company's workspace makes the whole not ready: %+v", health.Findings(s.now))
			}
			mette, english := s.signedIn("mette@skolen.example"), s.signedIn("bent@skolen.example")
			for path, b := range map[string]*browser{"/health": mette, "/": mette, "/slack": mette, "/classes/" + itoa(s.enrolment("Amir Slot").Class.ID): mette} {
				if _, page := b.get(path); !strings.Contains(page, "Nordfald Slack") || !strings.Contains(page, "på siden Slack") {
					t.Errorf("%s does not say what to do", path)
				}
			}
			if _, page := english.get("/health"); !strings.Contains(page, "on the page Slack") {
				t.Error("the health page does not say it in English")
			}
			if _, page := english.get("/"); strings.Contains(page, "Nordfald") {
				t.Error("another consultant has it among their tasks")
			}

			// Installed again, it goes on where it stood: what was written meanwhile is read first.
			if resp, page := s.approve(mette, "Nordfald Slack", nordfald); resp.StatusCode != http.StatusOK || !strings.Contains(page, "notice good") {
				t.Fatalf("not installed again: %s", resp.Status)
			}
			nordfald.Write("U0BIRGIT", "STOP", "")
			s.tick()
			if exercise := s.step("Amir Slot", "exercise-1"); !exercise.State.HasLeft() {
				t.Errorf("the exercise is %s (%s)", exercise.State, exercise.Reason)
			}
			if s.enrolment("Bodil Kær").Person.OptedOutAt.IsZero() || s.step("Bodil Kær", "exercise-1").State.HasLeft() {
				t.Error("a STOP that was written while it was lost was not read before anything was sent")
			}
			if n := len(s.question(nordfald, "U0ALI").Text); n == 0 {
				t.Error("Ali was asked nothing")
			}
			if health, err = s.store.Health(t.Context(), s.now); err != nil || len(health.Lost) != 0 {
				t.Errorf("still lost: %+v, %v", health.Lost, err)
			}
		})
	}
}

// TestALateRemovalDoesNotEndANewInstallation fails where an event about an older installation, which Slack brings again
// for minutes, ends the one that was made since.
func TestALateRemovalDoesNotEndANewInstallation(t *testing.T) {
	s := openSlackSchool(t, true)
	nordfald := s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT")
	removed := s.now
	s.now = s.now.Add(time.Minute)
	if resp, _ := s.approve(s.signedIn("mette@skolen.example"), "Nordfald Slack", nordfald); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	again := s.now
	s.now = removed.Add(10 * time.Second) // the event says when it happened
	s.fine(nordfald.Event(t.Context(), s.hook("events"), "", map[string]any{"type": "app_uninstalled"}))
	s.now = again
	if _, err := s.store.WorkspaceToken(t.Context(), "T0NORD"); err != nil {
		t.Errorf("the new installation: %v", err)
	}
}

// TestAStopInOneWorkspaceStopsNobodyInAnother fails where events are told apart by user id alone.
func TestAStopInOneWorkspaceStopsNobodyInAnother(t *testing.T) {
	s := openSlackSchool(t, false)
	s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT")
	skovby := s.connect("Skovby Slack", "T0SKOV", "U0ALI")
	s.forward(0)
	s.say(skovby, "U0ALI", "STOP", "")
	if s.enrolment("Hanna Vig").Person.OptedOutAt.IsZero() || !s.enrolment("Amir Slot").Person.OptedOutAt.IsZero() {
		t.Errorf("stopped: Hanne %v, Ali %v", s.enrolment("Hanna Vig").Person.OptedOutAt, s.enrolment("Amir Slot").Person.OptedOutAt)
	}
	if team := s.enrolment("Hanna Vig").Person.SlackTeam; team != "T0SKOV" {
		t.Errorf("Hanne's workspace was learnt as %q", team)
	}
	// Without a workspace of the school's own those of other companies wait, and are told apart from what is broken.
	if ove := s.step("Ove Bro", "welcome"); ove.State.HasLeft() || ove.State == reminders.Failed {
		t.Errorf("Ove's welcome is %s (%s)", ove.State, ove.Reason)
	}
}

// TestAWorkspaceThatCannotBeReadHoldsOnlyItself fails where one workspace whose conversations cannot be read keeps another's
// texts from leaving, or is written to although a STOP may be among what was not read.
func TestAWorkspaceThatCannotBeReadHoldsOnlyItself(t *testing.T) {
	s := openSlackSchool(t, true)
	nordfald := s.connect("Nordfald Slack", "T0NORD", "U0ALI", "U0BIRGIT")
	skovby := s.connect("Skovby Slack", "T0SKOV", "U0ALI")
	s.forward(0)
	nordfald.Write("U0ALI", "STOP", "") // while nobody listened
	nordfald.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method == "conversations.history" {
			return providertest.Refused("fatal_error", 200)
		}
		return providertest.Behaviour{}
	})
	s.forward(7)
	if step := s.step("Bodil Kær", "exercise-1"); step.State.HasLeft() {
		t.Error("a workspace whose texts were not read was written to")
	}
	if step := s.step("Hanna Vig", "exercise-1"); !step.State.HasLeft() {
		t.Errorf("another's exercise is %s (%s)", step.State, step.Reason)
	}
	if len(to(skovby, "U0ALI")) < 2 || len(to(s.fake, "U0OVE")) < 2 {
		t.Error("the others were not written to")
	}
	s.now = s.now.Add(6 * time.Minute)
	s.tick()
	health, err := s.store.Health(t.Context(), s.now)
	if err != nil {
		t.Fatal(err)
	}
	if all := health.Findings(s.now); !slices.ContainsFunc(all, func(f reminders.Finding) bool { return f.Key == reminders.FoundDeaf && f.Level == reminders.Warn }) {
		t.Errorf("nobody is told: %+v", all)
	}
	nordfald.Script(nil)
	s.now = s.now.Add(2 * time.Minute)
	s.tick()
	if s.enrolment("Amir Slot").Person.OptedOutAt.IsZero() || s.step("Amir Slot", "exercise-1").State.HasLeft() {
		t.Error("the STOP was not read first")
	}
	if step := s.step("Bodil Kær", "exercise-1"); !step.State.HasLeft() {
		t.Errorf("read, Bodil's exercise is %s (%s)", step.State, step.Reason)
	}
}
