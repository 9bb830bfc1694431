package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

// languages of the pages; the first is for those who chose none.
var languages = []string{"da", "en"}

// pageFiles are the templates that are a page each, inside layout.html; partials.html and visitmove.html are known to all of them.
var pageFiles = []string{"login", "overview", "classes", "class", "participant", "visits", "visit", "buddies", "inbox", "conversation", "slack", "health", "missing", "demo"}

// pages are what consultants and teachers see.
type pages struct {
	*Server
	sessions    *scs.SessionManager
	crossOrigin *http.CrossOriginProtection
	throttle    *throttle
	nobody      string                                   // the hash that unknown users are checked against
	templates   map[string]map[string]*template.Template // by language and page
	static      map[string]asset
	wound       wound
}

// asset is a file for browsers, with the address that names its content.
type asset struct {
	body        []byte
	kind, stamp string
}

var staticFiles = []string{"efterkurs.css", "efterkurs.svg", "demo.js", "inbox.js", "visit.js", "htmx.min.js"}

var assetKinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// newPages parses every page in every language, so that a broken one stops the start and not a consultant.
func newPages(s *Server) (*pages, error) {
	p := &pages{Server: s, throttle: newThrottle(), static: map[string]asset{}, templates: map[string]map[string]*template.Template{}}
	files := s.Texts.Pages()
	if err := p.loadStatic(files); err != nil {
		return nil, err
	}
	for _, lang := range languages {
		p.templates[lang] = map[string]*template.Template{}
		base, err := template.New("layout.html").Funcs(p.funcs(lang)).ParseFS(files, "layout.html", "partials.html", "visitmove.html")
		if err != nil {
			return nil, fmt.Errorf("the pages' layout: %w", err)
		}
		for _, name := range pageFiles {
			t, err := base.Clone()
			if err == nil {
				t, err = t.ParseFS(files, name+".html")
			}
			if err != nil {
				return nil, fmt.Errorf("the page %s: %w", name, err)
			}
			p.templates[lang][name] = t
		}
		if _, err := template.New("answer.html").Funcs(p.funcs(lang)).ParseFS(files, "answer.html"); err != nil {
			return nil, fmt.Errorf("the page answer: %w", err)
		}
	}
	if err := p.guardLogins(); err != nil {
		return nil, err
	}
	return p, nil
}

// loadStatic reads the files by name: the folder may have others laid over it, and is not listed.
func (p *pages) loadStatic(files fs.FS) error {
	for _, name := range staticFiles {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("the file %s of the pages: %w", name, err)
		}
		sum := sha256.Sum256(body)
		p.static[name] = asset{body, assetKinds[path.Ext(name)], hex.EncodeToString(sum[:6])}
	}
	return nil
}

// routes registers all pages. Each but the login is for people who are signed in.
func (p *pages) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /static/{name...}", p.serveStatic)
	open := func(pattern string, h http.HandlerFunc) { mux.Handle(pattern, p.session(h)) }
	signedIn := func(pattern string, h pageHandler) { mux.Handle(pattern, p.session(p.member(h))) }

	open("GET /login", p.loginPage)
	open("POST /login", p.login)
	open("POST /logout", p.logout)
	open("POST /language", p.chooseLanguage)
	signedIn("GET /{$}", p.overviewPage)
	signedIn("GET /classes", p.classesPage)
	signedIn("GET /classes/{id}", p.classPage)
	signedIn("GET /participants/{id}", p.participantPage)
	signedIn("GET /buddies", p.buddiesPage)
	signedIn("POST /buddies/{company}/{act}", p.changeDraft)
	signedIn("GET /buddies/{company}/{act}", func(w http.ResponseWriter, r *http.Request, _ *visitor) { // where a page that came back stands
		http.Redirect(w, r, "/buddies", http.StatusSeeOther)
	})
	signedIn("GET /visits", p.visitsPage)
	signedIn("GET /visits/{id}", p.visitPage)
	signedIn("POST /visits/{id}/outcome", p.saveOutcome)
	signedIn("GET /visits/{id}/outcome", func(w http.ResponseWriter, r *http.Request, _ *visitor) { // where a form that came back stands
		http.Redirect(w, r, "/visits/"+strconv.FormatInt(visitID(r), 10), http.StatusSeeOther)
	})
	signedIn("POST /visits/{id}/move", p.moveVisit)
	signedIn("POST /visits/{id}/cancel", p.cancelVisit)
	signedIn("POST /visits/{id}/release", p.releaseVisit)
	signedIn("POST /visits/{id}/reassign", p.reassignVisit)
	signedIn("POST /visits/ill", p.illVisits)
	signedIn("POST /visits/calendar", p.renewCalendar)
	signedIn("GET /inbox", p.inboxPage)
	signedIn("GET /slack", p.slackPage)
	signedIn("GET /slack/install", p.slackInstall)
	signedIn("GET "+slack.CallbackPath, p.slackCallback)
	mux.Handle("GET /inbox/live", p.glance(p.inboxLive))
	signedIn("GET /inbox/{id}", p.conversationPage)
	mux.Handle("GET /inbox/{id}/news", p.glance(p.conversationNews))
	signedIn("GET /inbox/{id}/{act}", func(w http.ResponseWriter, r *http.Request, _ *visitor) { // where a page that came back stands
		http.Redirect(w, r, "/inbox/"+strconv.FormatInt(replyID(r), 10), http.StatusSeeOther)
	})
	signedIn("POST /inbox/{id}/count", p.countText)
	signedIn("POST /inbox/{id}/draft", p.draft)
	signedIn("POST /inbox/{id}/answer", p.answerReply)
	signedIn("POST /inbox/{id}/take", p.takeReply)
	signedIn("POST /inbox/{id}/release", p.releaseReply)
	signedIn("POST /inbox/{id}/handled", p.settleReply)
	signedIn("POST /inbox/{id}/reopen", p.reopenReply)
	signedIn("POST /inbox/{id}/move", p.moveReply)
	signedIn("POST /inbox/{id}/attach", p.attachSender)
	signedIn("GET /health", p.healthPage)
	signedIn("POST /health/resume", p.resume)
	if p.Demo != nil {
		signedIn("GET /demo", p.demoPage)
		signedIn("POST /demo/wind", p.demoWind)
		signedIn("POST /demo/write", p.demoWrite)
		signedIn("POST /demo/autopilot", p.demoAutopilot)
	}
	signedIn("GET /", func(w http.ResponseWriter, r *http.Request, v *visitor) { p.missing(w, r, v) })
}

// visitor is who looks at a page, and how.
type visitor struct {
	User reminders.User
	Lang string
	Now  time.Time
}

// sees is the filter of what the visitor may see: a consultant own companies, a teacher own classes.
func (v *visitor) sees(p *pages) reminders.Filter {
	if v.User.Role == reminders.Admin || p.Demo != nil {
		return reminders.Filter{}
	}
	return reminders.Filter{UserID: v.User.ID}
}

// Admin says whether the visitor may do what concerns everybody.
func (v *visitor) Admin() bool { return v.User.Role == reminders.Admin }

type pageHandler func(w http.ResponseWriter, r *http.Request, v *visitor)

// view is what every template gets.
type view struct {
	Visitor *visitor
	Title   string
	Here    string // the address, for the navigation
	Demo    bool
	Data    any
}

// show renders a page whole before its first byte leaves, so that a fault is an error and not half a page.
func (p *pages) show(w http.ResponseWriter, r *http.Request, v *visitor, status int, name, title string, data any) {
	var out bytes.Buffer
	err := p.templates[v.Lang][name].ExecuteTemplate(&out, "layout.html",
		view{Visitor: v, Title: title, Here: r.URL.Path, Demo: p.Demo != nil, Data: data})
	if err != nil {
		p.refuse(w, r, fmt.Errorf("rendering the page %s: %w", name, err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Set("Cache-Control", "no-store") // people's words stay out of the browser's cache on a shared laptop
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// part renders a piece of a page, for who has the rest of it.
func (p *pages) part(w http.ResponseWriter, r *http.Request, v *visitor, page, block string, data any) {
	var out bytes.Buffer
	if err := p.templates[v.Lang][page].ExecuteTemplate(&out, block, data); err != nil {
		p.refuse(w, r, fmt.Errorf("rendering %s of the page %s: %w", block, page, err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(out.Bytes())
}

// fail shows what went wrong: a page for what is not there, one sentence for the rest.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, v *visitor, err error) {
	if reminders.ErrorCode(err) == reminders.ENOTFOUND {
		p.missing(w, r, v)
		return
	}
	if r.Context().Err() != nil && errors.Is(err, r.Context().Err()) {
		return // the browser left
	}
	p.refuse(w, r, err)
}

func (p *pages) missing(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.show(w, r, v, http.StatusNotFound, "missing", p.Texts.Page(v.Lang, "missing-title"), nil)
}

// serveStatic hands out a file. At the address that bears its stamp it may be kept for a year.
func (p *pages) serveStatic(w http.ResponseWriter, r *http.Request) {
	a, ok := p.static[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", `"`+a.stamp+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.stamp {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

// language is the one chosen at the foot of a page, else the user's, else Danish.
func (p *pages) language(r *http.Request, user reminders.User) string {
	chosen := user.Language
	if c, err := r.Cookie(languageCookie); err == nil {
		chosen = c.Value
	}
	for _, lang := range languages {
		if lang == chosen {
			return lang
		}
	}
	return languages[0]
}

const languageCookie = "lang"

// chooseLanguage remembers the language in this browser and goes back to where it was chosen.
func (p *pages) chooseLanguage(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: r.PostFormValue("lang"), Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: p.secure()})
	http.Redirect(w, r, localPath(r.PostFormValue("next")), http.StatusSeeOther)
}

func (p *pages) secure() bool { return strings.HasPrefix(p.PublicURL, "https://") }

// localPath keeps a redirect on this site. Browsers read a backslash as a slash, and drop tabs and newlines.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\t\r\n") {
		return "/"
	}
	return next
}
