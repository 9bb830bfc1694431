package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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

// slackForm is slackBody for what comes as a form.
func (s *Server) slackForm(w http.ResponseWriter, r *http.Request) (form url.Values, ok bool) {
	body, ok := s.slackBody(w, r)
	if !ok {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, "The body is not a form.", http.StatusBadRequest)
		return nil, false
	}
	return form, true
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
	case event.Challenge != "": // answered only after the signature
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(event.Challenge))
	case event.Uninstalled:
		s.slackLost(w, r, event)
	case event.Withdrawn != "":
		s.slackWithdraw(w, r, event)
	case event.Home != "":
		s.publishHome(event.TeamID, event.Home)
		w.WriteHeader(http.StatusOK)
	case event.Inbound != nil:
		s.slackReceive(w, r, *event.Inbound, nil)
	default: // bots, ourselves, channels
		w.WriteHeader(http.StatusOK)
	}
}

// slackLost records that a workspace removed the app. The single workspace's is found out by what is sent next.
func (s *Server) slackLost(w http.ResponseWriter, r *http.Request, event slack.Event) {
	// Slack's clock has whole seconds here: what it says of one belongs to its end.
	lost, err := s.Store.LoseWorkspace(r.Context(), s.Now(), event.TeamID, event.At.Add(time.Second-time.Millisecond), event.Reason)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if lost {
		s.Log.Error("workspace lost", "workspace", event.TeamID, "code", event.Reason)
	}
	w.WriteHeader(http.StatusOK)
}

// slackWithdraw shows no more what its writer deleted. Where that was not taken in yet it is first: it was said.
func (s *Server) slackWithdraw(w http.ResponseWriter, r *http.Request, event slack.Event) {
	known, err := s.Store.WithdrawReply(r.Context(), s.Now(), reminders.Slack, event.Withdrawn)
	if err == nil && !known && event.Inbound != nil {
		if err = s.nameSlackUser(r, event.Inbound); err == nil {
			err = s.Bot.Receive(r.Context(), *event.Inbound)
		}
		if err == nil {
			_, err = s.Store.WithdrawReply(r.Context(), s.Now(), reminders.Slack, event.Withdrawn)
		}
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Server) slackInteractive(w http.ResponseWriter, r *http.Request) {
	form, ok := s.slackForm(w, r)
	if !ok {
		return
	}
	press, err := slack.ParseInteraction(form)
	if err != nil {
		http.Error(w, "This is not a press of a button we know.", http.StatusBadRequest)
		return
	}
	then := func(ctx context.Context) { s.showChosen(ctx, press) }
	if press.Home {
		then = func(ctx context.Context) { s.home(ctx, press.Inbound.Attributes["team_id"], press.Inbound.From) }
	}
	s.slackReceive(w, r, press.Inbound, then)
}

// slackReceive stores and acknowledges within Slack's three seconds. What the text asks for, and then what is to be done,
// goes on behind the acknowledgement where it takes longer; a STOP holds before it.
func (s *Server) slackReceive(w http.ResponseWriter, r *http.Request, in bot.Inbound, then func(ctx context.Context)) {
	if s.slackTake(w, r, in, false, then) {
		w.WriteHeader(http.StatusOK)
	}
}

// slackTake is slackReceive without the acknowledgement; it has answered the request where it is false. named says that Slack was
// asked already whose it is, whatever it said.
func (s *Server) slackTake(w http.ResponseWriter, r *http.Request, in bot.Inbound, named bool, then func(ctx context.Context)) bool {
	kept, err := s.slackKeep(r, in, named)
	if err != nil {
		s.Metrics.webhook("slack", "failed")
		s.missed.note(reminders.Source(reminders.Slack, in.Attributes["team_id"]), s.Now())
		s.refuse(w, r, err)
		return false
	}
	if kept.Stop {
		kept.Interpret(r.Context())
	}
	done := s.errands.read(func(ctx context.Context) {
		if !kept.Stop {
			kept.Interpret(ctx)
		}
	})
	if then != nil {
		s.errands.call(func(ctx context.Context) {
			<-done
			then(ctx)
		})
	}
	s.errands.inMoment(done)
	s.Metrics.webhook("slack", "inbound")
	return true
}

// slackKeep stores what was written, and who wrote it.
func (s *Server) slackKeep(r *http.Request, in bot.Inbound, named bool) (bot.Kept, error) {
	defer s.errands.storing.begin()()
	if !named {
		if err := s.nameSlackUser(r, &in); err != nil {
			return bot.Kept{}, err
		}
	}
	return s.Bot.Keep(r.Context(), in)
}

const (
	// lookUpLimit is how long a webhook waits for Slack to say who a user is.
	lookUpLimit = 1500 * time.Millisecond
	// slackRetries is how often Slack comes again: at once, after a minute and after five.
	slackRetries = 3
)

// nameSlackUser adds the e-mail of a user whose Slack id nobody in the roster has: people on Slack may be
// known by their e-mail only. Where Slack cannot say who it is, it is asked to come again (EUNAVAILABLE), since a STOP
// from nobody we know would stop nobody; the last time the text is taken in as it is, for a person to read.
func (s *Server) nameSlackUser(r *http.Request, in *bot.Inbound) error {
	if s.Slack == nil || in.QuestionID != 0 {
		return nil
	}
	team := in.Attributes["team_id"]
	known, err := s.Store.KnowsSlackUser(r.Context(), team, in.From)
	if err != nil || known {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookUpLimit)
	defer cancel()
	email, err := s.Slack.UserEmail(ctx, team, in.From)
	if err != nil {
		s.Log.Warn("looking a Slack user up", "workspace", team, "error", err)
		if retry, _ := strconv.Atoi(r.Header.Get("X-Slack-Retry-Num")); reminders.ErrorCode(err) == reminders.EUNAVAILABLE && retry < slackRetries {
			return reminders.Errorf(reminders.EUNAVAILABLE, "looking a Slack user up: %w", err)
		}
		return nil
	}
	if in.Attributes == nil {
		in.Attributes = map[string]string{}
	}
	in.Attributes["email"] = email
	return nil
}

// showChosen puts what was chosen in the place of the buttons. It is for the eyes: that it could not be done is logged,
// and the answer is kept all the same.
func (s *Server) showChosen(ctx context.Context, press slack.Interaction) {
	if s.Slack == nil {
		return
	}
	message, err := s.Store.Message(ctx, press.Inbound.QuestionID)
	if err != nil {
		s.Log.Warn("showing what was chosen", "message", press.Inbound.QuestionID, "error", err)
		return
	}
	lang := languages[0]
	if person, err := s.Store.Person(ctx, message.PersonID); err == nil && person.Language != "" {
		lang = person.Language
	}
	label := press.Inbound.Text
	for _, choice := range message.Choices {
		if choice.Digit == press.Inbound.Text {
			label += " " + choice.Label
		}
	}
	text := message.Body + "\n\n" + strings.ReplaceAll(s.Texts.Word(lang, "chosen"), "{answer}", label)
	if err := s.Slack.Replace(ctx, press, text); err != nil {
		s.Log.Warn("showing what was chosen", "message", message.ID, "error", err)
	}
}
