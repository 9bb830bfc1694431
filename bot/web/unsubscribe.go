package web

import (
	"net/http"
	"strconv"

	"efterkurs/bot"
)

// unsubscribePage is what a person sees who follows the header's address: one button. It records nothing.
func (s *Server) unsubscribePage(w http.ResponseWriter, r *http.Request) {
	if message, person, ok := s.answered(w, r); ok {
		s.showAnswer(w, r, http.StatusOK, message, person, answerView{Stop: true})
	}
}

// unsubscribe is the one-click way out of a mail's List-Unsubscribe (RFC 8058): whatever is posted, and from wherever,
// since it is the mailbox's provider that posts. It is a STOP like any other, and asked for again it is one already.
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request) {
	message, person, ok := s.answered(w, r)
	if !ok {
		return
	}
	if person.OptedOutAt.IsZero() {
		now := s.Now()
		// A number of its own each time: who has started again meanwhile stops again.
		in := bot.Inbound{Channel: message.Channel, From: message.Address, Text: "STOP", QuestionID: message.ID, At: now, OptOut: "STOP",
			ProviderID: "unsubscribe:" + s.Tokens.Answer(message.ID) + ":" + strconv.FormatInt(now.UnixMilli(), 10)}
		if err := s.Bot.Receive(r.Context(), in); err != nil {
			s.refuse(w, r, err)
			return
		}
	}
	s.Metrics.webhook("email", "unsubscribe")
	s.showAnswer(w, r, http.StatusOK, message, person, answerView{Done: true})
}
