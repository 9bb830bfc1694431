package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"efterkurs/bot/sms"
	"efterkurs/reminders"
)

// emptyTwiML says nothing back: what we have to say goes out through the outbox, because a reply in the
// answer to a webhook is said again when the webhook is retried.
const emptyTwiML = `<?xml version="1.0" encoding="UTF-8"?><Response/>`

// twilioForm checks the signature over the body as it came and returns its parameters; it has answered
// the request where ok is false. Without a token in the configuration everything is refused.
func (s *Server) twilioForm(w http.ResponseWriter, r *http.Request) (form url.Values, ok bool) {
	body, ok := s.body(w, r)
	if !ok {
		return nil, false
	}
	if !sms.VerifySignature(s.TwilioAuthToken, s.PublicURL, r, body) {
		s.Metrics.webhook("twilio", "unsigned")
		http.Error(w, "This request is not signed by Twilio.", http.StatusForbidden)
		return nil, false
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		http.Error(w, "Expected the content type application/x-www-form-urlencoded.", http.StatusUnsupportedMediaType)
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, "The body is not a form.", http.StatusBadRequest)
		return nil, false
	}
	return form, true
}

// body reads the whole request body, or answers 413 or 400 itself.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		return body, true
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		http.Error(w, "The body is too large.", http.StatusRequestEntityTooLarge)
	} else {
		http.Error(w, "The body could not be read.", http.StatusBadRequest)
	}
	return nil, false
}

func (s *Server) twilioInbound(w http.ResponseWriter, r *http.Request) {
	form, ok := s.twilioForm(w, r)
	if !ok {
		return
	}
	in, err := sms.ParseInbound(form, s.Now())
	if err == nil && !sms.IsSID(in.ProviderID) {
		err = reminders.Errorf(reminders.EINVALID, "its MessageSid is none")
	}
	if err != nil {
		s.refuse(w, r, reminders.Errorf(reminders.EINVALID, "not an incoming message: %w", err))
		return
	}
	// A 500 makes the provider come again; an acknowledgement says that the text is stored.
	if err := s.Bot.Receive(r.Context(), in); err != nil {
		s.Metrics.webhook("twilio", "failed")
		s.missed.note(reminders.SMS, in.At)
		s.refuse(w, r, err)
		return
	}
	s.Metrics.webhook("twilio", "inbound")
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, emptyTwiML) // the provider hung up: it will come again, and find its text stored
}

func (s *Server) twilioStatus(w http.ResponseWriter, r *http.Request) {
	form, ok := s.twilioForm(w, r)
	if !ok {
		return
	}
	report, err := sms.ParseStatus(r.URL.Query(), form)
	if err != nil {
		s.refuse(w, r, reminders.Errorf(reminders.EINVALID, "not a status: %w", err))
		return
	}
	now := s.Now()
	report.Channel = reminders.SMS
	judge(&report, now)
	err = s.Store.Report(r.Context(), now, report)
	if reminders.ErrorCode(err) == reminders.ENOTFOUND {
		// Not a message of ours, or one erased since: nothing to keep, and no reason to come again.
		s.Metrics.webhook("twilio", "unknown")
		s.Log.Info("a status for a message we do not know", "message", report.MessageID, "status", report.Raw)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Metrics.webhook("twilio", "status")
	w.WriteHeader(http.StatusNoContent)
}

// judge adds what the error table says of a report's code.
func judge(report *reminders.StatusReport, now time.Time) {
	if report.Code == "" || report.State != reminders.Failed && report.State != reminders.Undelivered {
		return
	}
	rule := sms.Policy(report.Code)
	report.OptOut, report.BadAddress, report.Mute = rule.OptOut, rule.BadAddress, rule.StopReplies
	report.HaltAfter, report.Detail = rule.HaltAfter, rule.Detail
	switch rule.Outcome {
	case reminders.OutcomeRetry:
		report.RetryAt, report.NextWindow, report.MaxAttempts = now.Add(rule.Wait), rule.NextWindow, 1+rule.MaxRetries
	case reminders.OutcomeHalt: // the first one says it all
		report.HaltAfter = 1
	}
}
