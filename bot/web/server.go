// Package web is everything that is asked of efterkurs over HTTP: the providers' webhooks, the answer page
// of an e-mail, calendar feeds, health, and the pages of consultants. One handler a file.
package web

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"efterkurs/bot"
	"efterkurs/bot/slack"
	"efterkurs/reminders"
	"efterkurs/templates"
)

// Config is what a Server is made of. What is empty is off: a webhook without its secret refuses everything.
type Config struct {
	Store    Store
	Bot      *bot.Bot
	Tokens   bot.Tokens
	Texts    *templates.Texts
	Calendar *reminders.Calendar
	School   string
	Now      func() time.Time
	Log      *slog.Logger

	PublicURL          string // as the providers and people's browsers have it, without a slash at the end
	TwilioAuthToken    string
	SlackSigningSecret string
	Slack              *slack.Workspaces // nil = off, and nobody can be looked up

	Metrics *Metrics // of the process; nil = the server's own

	Pages    bool     // serve the consultants' pages, not only webhooks
	Sessions Sessions // of the pages; nil only in the demo
	Demo     *Demo    // nil outside the demo
}

// Server answers all requests.
type Server struct {
	Config
	ready   question[reminders.Health]
	scraped question[reminders.Health]
	counted lastCensus // of everything, at most once a while
	missed  *missed
	errands errands
	pages   *pages
}

// New checks the templates of the pages and builds the server.
func New(cfg Config) (*Server, error) {
	s := &Server{Config: cfg, missed: newMissed(), errands: newErrands()}
	if s.Metrics == nil {
		s.Metrics = NewMetrics()
	}
	if cfg.Pages {
		p, err := newPages(s)
		if err != nil {
			return nil, err
		}
		s.pages = p
	}
	return s, nil
}

// maxBody bounds every request body but an uploaded roster: the largest honest webhook is a few kilobytes.
const maxBody = 256 << 10

// Handler is all routes with what guards them.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for route, handle := range map[string]http.HandlerFunc{
		"/webhooks/twilio/inbound": s.twilioInbound, "/webhooks/twilio/status": s.twilioStatus, "/webhooks/slack/events": s.slackEvents,
		"/webhooks/slack/interactive": s.slackInteractive, "/webhooks/slack/commands": s.slackCommands,
	} {
		mux.HandleFunc("POST "+route, s.Metrics.timed(route, handle))
	}
	mux.HandleFunc("GET /webhooks/", func(w http.ResponseWriter, _ *http.Request) { // not the pages' business, which would ask to sign in
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Webhooks are called by POST.", http.StatusMethodNotAllowed)
	})
	mux.HandleFunc("GET /answer/{token}", s.answerPage)
	mux.HandleFunc("POST /answer/{token}", s.Metrics.timed("/answer", s.answerRecord))
	mux.HandleFunc("GET /unsubscribe/{token}", s.unsubscribePage)
	mux.HandleFunc("POST /unsubscribe/{token}", s.Metrics.timed("/unsubscribe", s.unsubscribe))
	mux.HandleFunc("GET /calendar/{file}", s.calendarFeed)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /metrics", s.metrics)
	if s.pages != nil {
		s.pages.routes(mux)
	}
	return s.guard(inTime(mux))
}

// webhookLimit is how long a webhook may wait for the database. Twilio hangs up after 15 s, and whoever hangs
// up has not been told that it should come again.
const webhookLimit = 10 * time.Second

// inTime answers a webhook that takes too long with 503. What it was busy with may still be stored; the same
// text brought again is then the same.
func inTime(next http.Handler) http.Handler {
	limited := http.TimeoutHandler(next, webhookLimit, "This takes longer than it should; please try again.")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/webhooks/") {
			limited.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// guard bounds bodies, sets the headers every answer bears, and keeps a panic to its own request.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				s.Log.Error("a request panicked", "path", r.Pattern, "panic", p)
				http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
			}
		}()
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// status maps an error's code to an HTTP status, here and nowhere else.
func status(err error) int {
	switch reminders.ErrorCode(err) {
	case "":
		return http.StatusOK
	case reminders.EINVALID:
		return http.StatusBadRequest
	case reminders.ENOTFOUND:
		return http.StatusNotFound
	case reminders.ECONFLICT:
		return http.StatusConflict
	case reminders.EUNAVAILABLE:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// refuse answers err with one sentence. Internals go to the log.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	code := status(err)
	text := err.Error()
	if code >= 500 {
		s.Log.Error("a request failed", "path", r.Pattern, "error", err)
		text = "Something went wrong on our side. Nothing was lost that we had said yes to; please try again."
	}
	http.Error(w, text, code)
}
