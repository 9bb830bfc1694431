package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"efterkurs/bot"
	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

// slackBody checks the signature over the raw body; it has answered the request where ok is false.
func (s *Server) slackBody(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	if body, ok = s.body(w, r); !ok {
		return nil, false
	}
	if err := slack.Verify(s.SlackSigningSecret, r.Header, body, time.Now()); err != nil {
		s.Metrics.webhook("slack", "unsigned")
		http.Error(w, "This request is not signed by Slack.", http.StatusForbidden)
		return nil, false
	}
	return body, true
}

func (s *Server) slackEvents(w http.ResponseWriter, r *http.Request) {
	body, ok := s.slackBody(w, r)
	if !ok {
		return
	}
	event, err := slack.ParseEvent(body)
	switch {
	case err != nil:
		http.Error(w, "This is not an event.", http.StatusBadRequest)
		return
	case event.Challenge != "": // answered only after the signature
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(event.Challenge))
		return
	case event.Inbound == nil: // bots, ourselves, edits, channels
		w.WriteHeader(http.StatusOK)
		return
	}
	s.slackReceive(w, r, *event.Inbound)
}

func (s *Server) slackInteractive(w http.ResponseWriter, r *http.Request) {
	body, ok := s.slackBody(w, r)
	if !ok {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, "The body is not a form.", http.StatusBadRequest)
		return
	}
	press, err := slack.ParseInteraction(form)
	if err != nil {
		http.Error(w, "This is not a press of a button we know.", http.StatusBadRequest)
		return
	}
	s.slackReceive(w, r, press.Inbound)
}

// slackReceive stores and acknowledges within Slack's three seconds.
func (s *Server) slackReceive(w http.ResponseWriter, r *http.Request, in bot.Inbound) {
	s.nameSlackUser(r.Context(), &in)
	if err := s.Bot.Receive(r.Context(), in); err != nil {
		s.Metrics.webhook("slack", "failed")
		s.missed.note(reminders.Slack, s.Now())
		s.refuse(w, r, err)
		return
	}
	s.Metrics.webhook("slack", "inbound")
	w.WriteHeader(http.StatusOK)
}

// nameSlackUser adds the e-mail of a user whose Slack id nobody in the roster has: people on Slack may be
// known by their e-mail only. A look-up that fails loses nothing: the text is stored all the same.
func (s *Server) nameSlackUser(ctx context.Context, in *bot.Inbound) {
	if s.SlackUserEmail == nil || in.QuestionID != 0 {
		return
	}
	known, err := s.Store.KnowsSlackUser(ctx, in.From)
	if err != nil || known {
		return
	}
	email, err := s.SlackUserEmail(ctx, in.From)
	if err != nil {
		s.Log.Warn("looking a Slack user up", "error", err)
		return
	}
	if in.Attributes == nil {
		in.Attributes = map[string]string{}
	}
	in.Attributes["email"] = email
}

// slackCommands answers /efterkurs with what it can do; the text itself is taken in like any other.
func (s *Server) slackCommands(w http.ResponseWriter, r *http.Request) {
	body, ok := s.slackBody(w, r)
	if !ok {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, "The body is not a form.", http.StatusBadRequest)
		return
	}
	command, err := slack.ParseCommand(form)
	if err != nil {
		http.Error(w, "This is not a command.", http.StatusBadRequest)
		return
	}
	text := command.Text
	if text == "" {
		text = "hjælp"
	}
	in := bot.Inbound{Channel: "slack", From: command.UserID, Text: text, At: s.Now(),
		Attributes: map[string]string{"team_id": command.TeamID, "command": command.Command}}
	if command.TriggerID != "" { // without one two commands cannot be told from one that came twice: both are kept
		in.ProviderID = "command:" + command.TriggerID
	}
	s.nameSlackUser(r.Context(), &in)
	if err := s.Bot.Receive(r.Context(), in); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Metrics.webhook("slack", "command")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"response_type": "ephemeral", "text": s.Texts.Page("da", "slack-command-seen")})
}
