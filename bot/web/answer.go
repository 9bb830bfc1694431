package web

import (
	"context"
	"crypto/rand"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// What a button of the answer page bears beside a choice's digit.
const (
	answerStop  = "stop"
	answerStart = "start"
)

// maxWords is how many characters a person may write on the page: as many as an SMS can hold.
const maxWords = 1600

// answerPage shows the question of an e-mail with its buttons, and what was chosen. It records nothing: scanners of mail
// follow every link in it, by GET and by HEAD. What records is a form that nothing but a press sends.
func (s *Server) answerPage(w http.ResponseWriter, r *http.Request) {
	message, person, ok := s.answered(w, r)
	if !ok {
		return
	}
	preset := r.URL.Query().Get("v")
	s.showAnswer(w, r, http.StatusOK, message, person, answerView{Preset: preset, Stop: preset == answerStop})
}

// answerRecord takes the answer in like any other reply.
func (s *Server) answerRecord(w http.ResponseWriter, r *http.Request) {
	message, person, ok := s.answered(w, r)
	if !ok {
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	if r.PostForm.Get("List-Unsubscribe") == "One-Click" { // the header of mails sent before there was unsubscribe
		s.unsubscribe(w, r)
		return
	}
	digit, words := strings.TrimSpace(r.PostForm.Get("v")), strings.TrimSpace(r.PostForm.Get("text"))
	text := strings.TrimSpace(digit + " " + words)
	switch {
	case digit == answerStop:
		text = "STOP"
	case digit == answerStart:
		text = "START"
	case utf8.RuneCountInString(words) > maxWords:
		s.showAnswer(w, r, http.StatusBadRequest, message, person, answerView{Fault: "answer-long", Text: words, Preset: digit})
		return
	case text == "" || digit != "" && !slices.ContainsFunc(message.Choices, func(c reminders.Choice) bool { return c.Digit == digit }):
		s.showAnswer(w, r, http.StatusBadRequest, message, person, answerView{Fault: "answer-empty", Text: words})
		return
	}
	// The same page sent twice is one answer; a changed mind comes from a page of its own. A form without the page's
	// number goes by the minute.
	now, once := s.Now(), r.PostForm.Get("n")
	if len(once) == 0 || len(once) > 32 {
		once = now.UTC().Format("200601021504")
	}
	in := bot.Inbound{Channel: message.Channel, From: message.Address, Text: text, QuestionID: message.ID, At: now,
		ProviderID: "page:" + s.Tokens.Answer(message.ID) + ":" + once + ":" + text}
	if err := s.Bot.Receive(r.Context(), in); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Metrics.webhook("email", "answer")
	s.showAnswer(w, r, http.StatusOK, message, person, answerView{Done: true, Sent: words, Started: digit == answerStart})
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
		ok = err == nil && m.PersonID != 0 && m.Address != "" // which is gone with a person who is erased
	}
	if !ok {
		s.renderAnswer(w, http.StatusNotFound, answerView{Lang: s.pageLanguage(""), Unknown: true})
	}
	return m, p, ok
}

type answerView struct {
	Lang, Question string
	QuestionLang   string
	Choices        []reminders.Choice
	Preset         string            // the digit of the button that was pressed in the mail
	Answer         *reminders.Choice // the one that counts; nil = none does
	Sent           string            // the words that were taken in just now
	Text           string            // words that could not be
	Fault          string            // why, a word's key; "" = nothing is wrong
	Once           string            // the page's number
	Token          string
	Done           bool // something was taken in just now
	Started        bool // and it was that they want to go on
	Stop           bool // ask whether it is to end
	Stopped        bool // it has ended
	Unknown        bool
}

// showAnswer is the page as things stand now.
func (s *Server) showAnswer(w http.ResponseWriter, r *http.Request, status int, m reminders.Message, p reminders.Person, view answerView) {
	if err := s.asThingsStand(r.Context(), m, &p, &view); err != nil {
		s.refuse(w, r, err)
		return
	}
	view.Lang, view.QuestionLang, view.Question, view.Choices = s.pageLanguage(p.Language), p.Language, m.Body, m.Choices
	view.Once, view.Token = rand.Text()[:12], r.PathValue("token")
	view.Stopped = !p.OptedOutAt.IsZero()
	s.renderAnswer(w, status, view)
}

// asThingsStand looks again at what a form may have changed.
func (s *Server) asThingsStand(ctx context.Context, m reminders.Message, p *reminders.Person, view *answerView) (err error) {
	if view.Done {
		if *p, err = s.Store.Person(ctx, p.ID); err != nil {
			return err
		}
	}
	digit, err := s.Store.AnswerTo(ctx, m.ID)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(m.Choices, func(c reminders.Choice) bool { return c.Digit == digit }); i >= 0 {
		view.Answer = &m.Choices[i]
	}
	return nil
}

// pageLanguage is the language that the page's own words are in.
func (s *Server) pageLanguage(lang string) string {
	if slices.Contains(languages, lang) {
		return lang
	}
	return "da"
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
