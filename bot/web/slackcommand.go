package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"efterkurs/bot"
	"efterkurs/bot/meaning"
	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

// /efterkurs: what a consultant wants to know between two other things. Who it is, is the e-mail in their Slack profile.
// That is the workspace's word, not ours: in a company's own workspace its administrators could write a consultant's
// address into a profile. So a company's workspace tells of that workspace's companies only; the school's own of all.

// slackCommands acknowledges a command, and answers it behind that.
func (s *Server) slackCommands(w http.ResponseWriter, r *http.Request) {
	form, ok := s.slackForm(w, r)
	if !ok {
		return
	}
	command, err := slack.ParseCommand(form)
	if err != nil {
		http.Error(w, "This is not a command.", http.StatusBadRequest)
		return
	}
	user, email, asked, ok := s.commander(r.Context(), command)
	if ok {
		s.errands.call(func(ctx context.Context) { s.answerCommand(ctx, command, user) })
		s.Metrics.webhook("slack", "command")
		w.WriteHeader(http.StatusOK) // an empty answer shows nothing: what they asked for comes in a moment
		return
	}
	// Everybody else: what they wrote is taken in like any other text.
	text := command.Text
	if text == "" {
		text = "hjælp"
	}
	in := bot.Inbound{Channel: reminders.Slack, From: command.UserID, Text: text, At: s.Now(),
		Attributes: map[string]string{"team_id": command.TeamID, "command": command.Command}}
	if email != "" {
		in.Attributes["email"] = email
	}
	if command.TriggerID != "" { // without one two commands cannot be told from one that came twice: both are kept
		in.ProviderID = "command:" + command.TriggerID
	}
	if !s.slackTake(w, r, in, asked, nil) {
		return
	}
	s.Metrics.webhook("slack", "command")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"response_type": "ephemeral", "text": s.Texts.Page(languages[0], "slack-command-seen")})
}

// commander is the user at the school who gave a command; false where it is nobody we know, or where Slack does not say
// who it is in time. Nobody who wants to be left alone is asked who they are. email is what Slack said where it was asked; it is not asked again.
func (s *Server) commander(ctx context.Context, command slack.Command) (user reminders.User, email string, asked, ok bool) {
	defer s.errands.storing.begin()()
	if s.Slack == nil || s.Bot.Reader.Of(command.Text, nil, "da").Kind == meaning.Stop {
		return user, "", false, false
	}
	asking, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	email, err := s.Slack.UserEmail(asking, command.TeamID, command.UserID)
	if err != nil || email == "" {
		if err != nil {
			s.Log.Warn("looking up who gave a command in Slack", "workspace", command.TeamID, "error", err)
		}
		return user, email, true, false
	}
	user, err = s.Store.UserByEmail(ctx, email)
	if err != nil || !user.DisabledAt.IsZero() {
		return user, email, true, false
	}
	return user, email, true, true
}

func (s *Server) answerCommand(ctx context.Context, command slack.Command, user reminders.User) {
	lang := languages[0]
	if slices.Contains(languages, user.Language) {
		lang = user.Language
	}
	f := words{s.pagesOrNone(), lang}
	text, err := s.commandText(ctx, command, user, f)
	if err != nil {
		s.Log.Error("answering a command in Slack", "user", user.ID, "error", err)
		text = f.text("slack-command-failed")
	}
	if err := s.Slack.Respond(ctx, command, text); err != nil {
		s.Log.Warn("answering a command in Slack", "user", user.ID, "error", err)
	}
}

func (s *Server) pagesOrNone() *pages {
	if s.pages != nil {
		return s.pages
	}
	return &pages{Server: s}
}

func (s *Server) commandText(ctx context.Context, command slack.Command, user reminders.User, f words) (string, error) {
	v := &visitor{User: user, Lang: f.lang, Now: s.Now()}
	all, err := s.Store.Status(ctx, v.sees(f.p))
	if err != nil {
		return "", err
	}
	workspaces, err := s.Store.Workspaces(ctx)
	if err != nil {
		return "", err
	}
	within := "" // the workspace that limits what is told
	if slices.ContainsFunc(workspaces, func(w reminders.Workspace) bool { return w.TeamID == command.TeamID }) {
		within = command.TeamID
		all = slices.DeleteFunc(all, func(e reminders.EnrolmentStatus) bool { return e.Company.Workspace != within })
	}
	asked := strings.ToLower(command.Text)
	if asked == "" || slices.Contains([]string{"uge", "min uge", "week", "my week"}, asked) {
		return s.week(ctx, v, f, all, within)
	}
	return s.companyStatus(v, f, all, asked), nil
}

// companyStatus is how a company does, in counts; or which companies are meant.
func (s *Server) companyStatus(v *visitor, f words, all []reminders.EnrolmentStatus, asked string) string {
	names := map[string][]reminders.EnrolmentStatus{}
	for _, e := range all {
		if strings.Contains(strings.ToLower(e.Company.Name), asked) {
			names[e.Company.Name] = append(names[e.Company.Name], e)
		}
	}
	for name := range names {
		if strings.EqualFold(name, asked) { // the whole name is that one, whatever else has it in it
			return s.statusOf(v, f, name, names[name])
		}
	}
	switch len(names) {
	case 0:
		return f.text("slack-company-none", "name", asked)
	case 1:
		for name, of := range names {
			return s.statusOf(v, f, name, of)
		}
	}
	var list []string
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return f.text("slack-company-many", "names", strings.Join(list, ", "))
}

func (s *Server) statusOf(v *visitor, f words, name string, of []reminders.EnrolmentStatus) string {
	quiet := map[int64]bool{}
	people := map[int64]bool{}
	for _, e := range reminders.Views(of, v.Now) {
		people[e.Person.ID] = true
		if e.Quiet {
			quiet[e.Person.ID] = true
		}
	}
	lines := []string{name, f.count("people", len(people))}
	rates := rates(of, v.Now)
	for week := range slices.Backward(rates.Weeks[:]) {
		if w := rates.Weeks[week]; w.Sent > 0 {
			lines = append(lines, f.text("slack-status-answers", "week", w.Week, "answered", w.Answered, "sent", w.Sent))
			break
		}
	}
	lines = append(lines, f.text("slack-status-quiet", "n", len(quiet)))
	next := f.text("slack-status-no-visit")
	for _, visit := range visitsOf(of) {
		if visit.Visit.State == reminders.VisitBooked && visit.Visit.End.After(v.Now) {
			next = f.text("slack-status-visit", "at", f.date(visit.Visit.Start)+" "+f.clock(visit.Visit.Start))
			break
		}
	}
	return strings.Join(append(lines, next), "\n")
}

// mostTalks is how many waiting conversations are counted: beyond it the number says nothing more.
const mostTalks = 500

// week is what needs the visitor, and their visits of the next seven days. No names: somebody may look over a shoulder.
func (s *Server) week(ctx context.Context, v *visitor, f words, all []reminders.EnrolmentStatus, within string) (string, error) {
	needs := needsOf(all, v.Now)
	replies, err := f.p.Store.Talks(ctx, reminders.TalkFilter{Viewer: v.viewer(f.p), View: v.tasks(f.p), Limit: mostTalks})
	if err != nil {
		return "", err
	}
	if within != "" {
		companies := companiesOf(all)
		replies = slices.DeleteFunc(replies, func(talk reminders.Talk) bool {
			_, own := companies[talk.Reply.PersonID]
			return !own
		})
	}
	lines := []string{f.text("slack-week")}
	add := func(key string, n int) {
		if n > 0 {
			lines = append(lines, "• "+f.count(key, n))
		}
	}
	add("slack-week-replies", len(replies))
	add("slack-week-quiet", len(needs.Quiet))
	add("slack-week-troubles", len(needs.Troubles))
	add("slack-week-unplaced", len(needs.Unplaced))
	if len(lines) == 1 {
		lines = append(lines, f.text("slack-week-calm"))
	}
	for _, visit := range needs.Soon {
		lines = append(lines, "• "+f.text("slack-week-visit", "company", visit.Company.Name, "at", f.date(visit.Visit.Start)+" "+f.clock(visit.Visit.Start)))
	}
	if len(needs.Soon) == 0 {
		lines = append(lines, f.text("slack-week-no-visits", "days", int(soon/(24*time.Hour))))
	}
	if within != "" {
		lines = append(lines, f.text("slack-week-within"))
	}
	return strings.Join(lines, "\n"), nil
}
