package web

import (
	"html/template"
	"net/http"
	"strings"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// answerStop is the value that the way out of an e-mail bears.
const answerStop = "stop"

// answerPage shows the question of an e-mail with its buttons. It records nothing: scanners of mail follow
// every link in it.
func (s *Server) answerPage(w http.ResponseWriter, r *http.Request) {
	message, person, ok := s.answered(w, r)
	if !ok {
		return
	}
	s.renderAnswer(w, http.StatusOK, answerView{Lang: person.Language, Question: message.Body, Choices: message.Choices,
		Chosen: r.URL.Query().Get("v"), Stop: r.URL.Query().Get("v") == answerStop})
}

// answerRecord takes the answer in like any other reply. The one-click unsubscribe of a mail program posts
// here as well (RFC 8058).
func (s *Server) answerRecord(w http.ResponseWriter, r *http.Request) {
	message, person, ok := s.answered(w, r)
	if !ok {
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	digit, words := strings.TrimSpace(r.PostForm.Get("v")), strings.TrimSpace(r.PostForm.Get("text"))
	if r.PostForm.Get("List-Unsubscribe") == "One-Click" {
		digit = answerStop
	}
	text := strings.TrimSpace(digit + " " + words)
	view := answerView{Lang: person.Language, Question: message.Body, Choices: message.Choices, Done: true, Stop: digit == answerStop}
	if view.Stop {
		text = "STOP"
	}
	if text == "" || len(text) > 4000 {
		view.Done = false
		s.renderAnswer(w, http.StatusBadRequest, view)
		return
	}
	now := s.Now()
	in := bot.Inbound{Channel: message.Channel, From: message.Address, Text: text, QuestionID: message.ID, At: now,
		// The same press twice within a minute is one answer; a changed mind is another.
		ProviderID: "page:" + s.Tokens.Answer(message.ID) + ":" + now.UTC().Format("200601021504") + ":" + text}
	if err := s.Bot.Receive(r.Context(), in); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Metrics.webhook("email", "answer")
	s.renderAnswer(w, http.StatusOK, view)
}

// answered finds the message that the address names, and who got it.
func (s *Server) answered(w http.ResponseWriter, r *http.Request) (m reminders.Message, p reminders.Person, ok bool) {
	id, ok := s.Tokens.Message(r.PathValue("token"))
	if ok {
		var err error
		if m, err = s.Store.Message(r.Context(), id); err == nil && m.PersonID != 0 {
			p, err = s.Store.Person(r.Context(), m.PersonID)
		}
		if err != nil && reminders.ErrorCode(err) != reminders.ENOTFOUND {
			s.refuse(w, r, err)
			return m, p, false
		}
		ok = err == nil && m.PersonID != 0
	}
	if !ok {
		s.renderAnswer(w, http.StatusNotFound, answerView{Lang: "da", Unknown: true})
	}
	return m, p, ok
}

type answerView struct {
	Lang, Question, Chosen string
	Choices                []reminders.Choice
	Done, Stop, Unknown    bool
}

func (s *Server) renderAnswer(w http.ResponseWriter, status int, view answerView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	t, err := template.New("answer.html").Funcs(template.FuncMap{"t": func(key string) string { return s.Texts.Page(view.Lang, key) }}).
		ParseFS(s.Texts.Pages(), "answer.html")
	if err == nil {
		err = t.Execute(w, view)
	}
	if err != nil {
		s.Log.Error("rendering the answer page", "error", err)
	}
}
