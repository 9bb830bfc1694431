package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// inSlack is a row of somebody known by a Slack id alone.
func inSlack(n int, name, company, id string) reminders.RosterRow {
	return row(n, func(r *reminders.RosterRow) {
		r.Person.Name, r.Person.Phone, r.Person.SlackID, r.Person.Channel, r.Company = name, "", id, reminders.Slack, company
		r.Contact = reminders.Person{}
	})
}

func companyID(t *testing.T, s *store.Store, name string) int64 {
	t.Helper()
	for _, c := range must[[]reminders.Company](t)(s.Companies(ctx, 0)) {
		if c.Name == name {
			return c.ID
		}
	}
	t.Fatalf("no company %s", name)
	return 0
}

func workspace(team string) reminders.Workspace {
	return reminders.Workspace{TeamID: team, Name: "Slack of " + team, BotUserID: "UBOT", Token: "xoxb-secret-" + team, Scopes: "chat:write"}
}

func slackReply(t *testing.T, s *store.Store, team, user, text string, at time.Time) int64 {
	t.Helper()
	id, _, err := s.SaveReply(ctx, reminders.Inbound{Channel: reminders.Slack, ProviderID: fmt.Sprint(team, ":D1:", replies.Add(1)), From: user, To: "D1", Text: text, At: at,
		Attributes: map[string]string{"team_id": team, "channel_id": "D1"}})
	ok(t, err)
	return id
}

// TestTheSameUserIDInTwoWorkspacesIsTwoPeople fails where persons, senders or a STOP are known by a Slack id alone.
func TestTheSameUserIDInTwoWorkspacesIsTwoPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		rows := []reminders.RosterRow{inSlack(1, "Ali Hassan", "Nordfald", "U1"), inSlack(2, "Hanne Toft", "Skovby", "U1"), inSlack(3, "Bo Lind", "Smed & Søn", "U1")}
		imported(t, s, rows...)
		if again := must[reminders.ImportResult](t)(s.Import(ctx, start, rows)); again.Unchanged != 3 || again.People != 0 {
			t.Fatalf("the same roster again: %+v", again)
		}
		ok(t, s.Install(ctx, start, companyID(t, s, "Nordfald"), workspace("T1"), nil))
		ok(t, s.Install(ctx, start, companyID(t, s, "Skovby"), workspace("T2"), nil))
		for team, name := range map[string]string{"T1": "Ali Hassan", "T2": "Hanne Toft", "T0SINGLE": "Bo Lind"} {
			id := slackReply(t, s, team, "U1", "1", start)
			rc := must[reminders.ReplyContext](t)(s.ReplyContext(ctx, id))
			if rc.Person == nil || rc.Person.Name != name {
				t.Errorf("U1 of %s is %+v, want %s", team, rc.Person, name)
			}
			// Nobody is sent anything while a text of theirs is not read. Whose it is, is not told here.
			apply(t, s, start, reminders.Effects{ReplyID: id, State: reminders.ReplyHandled, Kind: reminders.ReplyText})
		}
		stopped := slackReply(t, s, "T2", "U1", "STOP", start)
		hanne := must[reminders.ReplyContext](t)(s.ReplyContext(ctx, stopped)).Person
		if hanne == nil {
			t.Fatal("nobody wrote STOP")
		}
		apply(t, s, start, reminders.Effects{ReplyID: stopped, Kind: reminders.ReplyStop, PersonID: hanne.ID, OptOut: true})
		planAll(t, s, start)
		for _, c := range claim(t, s, "w", due, 1000) {
			if c.Person == nil {
				continue
			}
			in := intent(c)
			in.Channel, in.Address, in.Workspace = reminders.Slack, "U1", c.Company.Workspace
			fate := must[map[int64]reminders.Began](t)(s.Begin(ctx, due, []reminders.Intent{in}))[c.ID]
			if (fate == reminders.OptedOut) != (c.Company.Name == "Skovby") {
				t.Errorf("%s of %s: %s", c.Step, c.Person.Name, fate)
			}
			if c.Kind == reminders.KindWelcome && fate == reminders.Begun {
				change := accept(c, "D1:"+c.Company.Name, due)
				change.Workspace = c.Company.Workspace
				ok(t, s.Record(ctx, due, []reminders.Change{change}))
			}
		}
		teams := map[string]string{}
		for _, st := range status(t, s) {
			teams[st.Person.Name] = st.Person.SlackTeam
		}
		if teams["Ali Hassan"] != "T1" || teams["Hanne Toft"] != "T2" || teams["Bo Lind"] != "" {
			t.Errorf("the workspaces that were learnt: %v", teams)
		}
		if known := must[bool](t)(s.KnowsSlackUser(ctx, "T9", "U9")); known {
			t.Error("somebody nobody knows is known")
		}
	})
}

// TestAStopOfAStrangerStopsNobodyElsewhere fails where an address that nobody has is suppressed in all workspaces.
func TestAStopOfAStrangerStopsNobodyElsewhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, inSlack(1, "Ali Hassan", "Nordfald", "U1"), inSlack(2, "Hanne Toft", "Skovby", "U2"))
		ok(t, s.Install(ctx, start, companyID(t, s, "Nordfald"), workspace("T1"), nil))
		ok(t, s.Install(ctx, start, companyID(t, s, "Skovby"), workspace("T2"), nil))
		id := slackReply(t, s, "T2", "U1", "STOP", start)
		if p := must[reminders.ReplyContext](t)(s.ReplyContext(ctx, id)).Person; p != nil {
			t.Fatalf("a stranger is %s", p.Name)
		}
		apply(t, s, start, reminders.Effects{ReplyID: id, Kind: reminders.ReplyStop, State: reminders.ReplyInbox, OptOut: true})
		for _, st := range status(t, s) {
			if !st.Person.OptedOutAt.IsZero() {
				t.Errorf("%s was stopped", st.Person.Name)
			}
		}
	})
}

// TestATokenIsSealed fails where a workspace's token can be read from the database, or opens with another secret.
func TestATokenIsSealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, inSlack(1, "Ali Hassan", "Nordfald", "U1"))
		ok(t, s.Install(ctx, start, companyID(t, s, "Nordfald"), workspace("T1"), nil))
		if kept := must[string](t)(store.Text(ctx, s, `SELECT token FROM workspaces`)); kept == "" || strings.Contains(kept, "secret") {
			t.Errorf("the database holds %q", kept)
		}
		if w := must[reminders.Workspace](t)(s.WorkspaceToken(ctx, "T1")); w.Token != "xoxb-secret-T1" || w.Name != "Slack of T1" {
			t.Errorf("opened: %+v", w)
		}
		s.SetSecret([]byte("another secret of thirty-two bytes"))
		_, err := s.WorkspaceToken(ctx, "T1")
		code(t, err, reminders.EINVALID)
		if !strings.Contains(err.Error(), "EFTERKURS_SECRET") || strings.Contains(err.Error(), "xoxb") {
			t.Errorf("it says %q", err)
		}
		health := must[reminders.Health](t)(s.Health(ctx, start))
		if len(health.Lost) != 1 || health.Lost[0].LostReason != reminders.LostSealed || len(health.Lost[0].Companies) != 1 {
			t.Errorf("health: %+v", health.Lost)
		}
		s.SetSecret(storetest.Secret)
		if health := must[reminders.Health](t)(s.Health(ctx, start)); len(health.Lost) != 0 {
			t.Errorf("with the right secret again: %+v", health.Lost)
		}
		// Moved to another row it opens nothing.
		ok(t, store.Exec(ctx, s, `INSERT INTO workspaces (team_id, token, installed_at, updated_at) SELECT 'T2', token, 1, 1 FROM workspaces WHERE team_id = 'T1'`))
		code(t, errOf(s.WorkspaceToken(ctx, "T2")), reminders.EINVALID)
	})
}

// TestAWorkspaceIsLostAndFound fails where what is said of an older installation ends a newer one, or where a lost
// workspace keeps its token.
func TestAWorkspaceIsLostAndFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, inSlack(1, "Ali Hassan", "Nordfald", "U1"), inSlack(2, "Hanne Toft", "Skovby", "U2"), inSlack(3, "Bo Lind", "Smed & Søn", "U3"))
		nordfald, skovby := companyID(t, s, "Nordfald"), companyID(t, s, "Skovby")
		ok(t, s.Install(ctx, start, nordfald, workspace("T1"), nil))
		ok(t, s.Install(ctx, start, skovby, workspace("T1"), nil)) // two companies of one group
		own := func(ids ...int64) func(int64) bool {
			return func(id int64) bool {
				for _, o := range ids {
					if o == id {
						return true
					}
				}
				return false
			}
		}
		var other *reminders.OtherWorkspace
		err := s.Install(ctx, start, companyID(t, s, "Smed & Søn"), workspace("T1"), own(companyID(t, s, "Smed & Søn")))
		if code(t, err, reminders.ECONFLICT); !errors.As(err, &other) || other.Has != "" {
			t.Errorf("another's workspace: %v", err)
		}
		err = s.Install(ctx, start, nordfald, workspace("T2"), nil)
		if code(t, err, reminders.ECONFLICT); !errors.As(err, &other) || other.Has != "Slack of T1" {
			t.Errorf("another workspace than it has: %v", err)
		}
		if _, err := s.WorkspaceToken(ctx, "T2"); reminders.ErrorCode(err) != reminders.ENOTFOUND {
			t.Errorf("what was refused is stored: %v", err)
		}
		code(t, s.Install(ctx, start, 404, workspace("T3"), nil), reminders.ENOTFOUND)

		if lost := must[bool](t)(s.LoseWorkspace(ctx, start.Add(time.Hour), "T1", start.Add(-time.Second), "app_uninstalled")); lost {
			t.Error("lost by what was said before it was installed")
		}
		if lost := must[bool](t)(s.LoseWorkspace(ctx, start.Add(time.Hour), "T1", start.Add(time.Hour), "app_uninstalled")); !lost {
			t.Fatal("not lost")
		}
		code(t, errOf(s.WorkspaceToken(ctx, "T1")), reminders.ENOTFOUND)
		if kept := must[string](t)(store.Text(ctx, s, `SELECT token FROM workspaces`)); kept != "" {
			t.Errorf("a lost workspace keeps %q", kept)
		}
		all := must[[]reminders.Workspace](t)(s.Workspaces(ctx))
		if len(all) != 1 || all[0].LostReason != "app_uninstalled" || fmt.Sprint(all[0].Companies) != "[Nordfald Skovby]" {
			t.Errorf("workspaces: %+v", all)
		}
		ok(t, s.Heard(ctx, reminders.Slack, start.Add(2*time.Hour), 24*time.Hour))
		if heard := must[reminders.Listening](t)(s.Listening(ctx, "slack/T1")); heard.MissedSince.IsZero() {
			t.Error("what people write while it is lost is not asked for")
		}
		ok(t, s.Install(ctx, start.Add(3*time.Hour), skovby, workspace("T1"), nil))
		if w := must[reminders.Workspace](t)(s.WorkspaceToken(ctx, "T1")); !w.LostAt.IsZero() {
			t.Errorf("found again: %+v", w)
		}
	})
}

// TestAGroupIsAskedAsOne fails where a STOP of any of those that a text goes to at once is not asked for with the intent.
func TestAGroupIsAskedAsOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, inSlack(1, "Ali Hassan", "Nordfald", "U1"), inSlack(2, "Birgit Lund", "Nordfald", "U2"))
		planAll(t, s, start)
		all := status(t, s)
		group := []reminders.Recipient{{PersonID: all[0].Person.ID, Address: "U1"}, {PersonID: all[1].Person.ID, Address: "U2"}}
		claims := claim(t, s, "w", due, 1000)
		try := func(step string) reminders.Began {
			c := byStep(t, claims, step)
			in := intent(c)
			in.Channel, in.Address, in.Group, in.Day = reminders.Slack, "U1,U2", group, reminders.Date{}
			return must[map[int64]reminders.Began](t)(s.Begin(ctx, due, []reminders.Intent{in}))[c.ID]
		}
		if fate := try("exercise-1"); fate != reminders.Begun {
			t.Errorf("before: %s", fate)
		}
		id := slackReply(t, s, "T0", "U2", "STOP", due)
		apply(t, s, due, reminders.Effects{ReplyID: id, Kind: reminders.ReplyStop, PersonID: all[1].Person.ID, OptOut: true})
		for _, c := range claims {
			if c.PersonID != all[0].Person.ID || c.Kind != reminders.KindExercise || c.Week != 3 {
				continue
			}
			in := intent(c)
			in.Channel, in.Address, in.Group, in.Day = reminders.Slack, "U1,U2", group, reminders.Date{}
			if fate := must[map[int64]reminders.Began](t)(s.Begin(ctx, due, []reminders.Intent{in}))[c.ID]; fate != reminders.OptedOut {
				t.Errorf("with a STOP of one of them: %s", fate)
			}
			return
		}
		t.Fatal("nothing was tried")
	})
}
