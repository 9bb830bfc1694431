package web

import (
	"crypto/rand"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"efterkurs/reminders"
)

const (
	sessionUser = "user"              // the signed-in user's id
	sessionLife = 30 * 24 * time.Hour // at most, then the password is asked for again
	sessionIdle = 7 * 24 * time.Hour  // without a look at any page
	sessionName = "efterkurs"         // the cookie
	maxNext     = 500                 // bytes of the address to go back to
)

// guardLogins sets up sessions and what keeps other sites from posting here.
func (p *pages) guardLogins() error {
	p.crossOrigin = http.NewCrossOriginProtection()
	if p.PublicURL != "" {
		// A proxy may hand on another Host than the one in people's browsers.
		if err := p.crossOrigin.AddTrustedOrigin(p.PublicURL); err != nil {
			return fmt.Errorf("PUBLIC_URL %q is not an origin such as https://efterkurs.example.dk: %w", p.PublicURL, err)
		}
	}
	p.crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "This request came from another site and was not carried out.", http.StatusForbidden)
	}))
	nobody, err := HashPassword(rand.Text())
	if err != nil {
		return fmt.Errorf("the hash for unknown users: %w", err)
	}
	p.nobody = nobody
	m := scs.New() // keeps sessions in memory, which is enough for the demo
	switch {
	case p.Sessions != nil:
		m.Store = p.Sessions
	case p.Demo == nil:
		return reminders.Errorf(reminders.EINVALID, "the pages need a store for their sessions")
	}
	m.Lifetime, m.IdleTimeout, m.HashTokenInStore = sessionLife, sessionIdle, true
	m.Cookie.Name, m.Cookie.HttpOnly, m.Cookie.SameSite, m.Cookie.Secure = sessionName, true, http.SameSiteLaxMode, p.secure()
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		p.refuse(w, r, fmt.Errorf("the session: %w", err))
	}
	p.sessions = m
	return nil
}

// session loads who is signed in, and refuses posts that come from other sites.
func (p *pages) session(next http.Handler) http.Handler {
	return p.crossOrigin.Handler(p.sessions.LoadAndSave(next))
}

// member lets through who is signed in. The user is looked up at each request: who is disabled is out at once.
func (p *pages) member(next pageHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, ok, err := p.user(r)
		switch {
		case err != nil:
			p.refuse(w, r, err)
		case ok:
			next(w, r, &visitor{User: user, Lang: p.language(r, user), Now: p.Now()})
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			target := "/login"
			if here := r.URL.RequestURI(); here != "/" && len(here) <= maxNext {
				target += "?next=" + url.QueryEscape(here)
			}
			http.Redirect(w, r, target, http.StatusSeeOther)
		default:
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		}
	})
}

// glance is member for what a page asks by itself, again and again: it keeps no session alive that nobody sits at,
// and who is not signed in gets no login page to put into the middle of another.
func (p *pages) glance(next pageHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := ""
		if c, err := r.Cookie(p.sessions.Cookie.Name); err == nil {
			token = c.Value
		}
		ctx, err := p.sessions.Load(r.Context(), token)
		if err != nil {
			p.refuse(w, r, err)
			return
		}
		r = r.WithContext(ctx)
		user, ok, err := p.user(r)
		switch {
		case err != nil:
			p.refuse(w, r, err)
		case ok:
			next(w, r, &visitor{User: user, Lang: p.language(r, user), Now: p.Now()})
		default:
			http.Error(w, "Sign in first.", http.StatusUnauthorized)
		}
	})
}

func (p *pages) user(r *http.Request) (user reminders.User, ok bool, err error) {
	id := p.sessions.GetInt64(r.Context(), sessionUser)
	if p.Demo != nil { // everybody is the demo's consultant
		user, err = p.Store.UserByEmail(r.Context(), p.Demo.Consultant)
		return user, err == nil, err
	}
	if id == 0 {
		return user, false, nil
	}
	user, err = p.Store.User(r.Context(), id)
	if err == nil && user.DisabledAt.IsZero() {
		return user, true, nil
	}
	if err != nil && reminders.ErrorCode(err) != reminders.ENOTFOUND {
		return user, false, err
	}
	return reminders.User{}, false, p.sessions.Destroy(r.Context())
}

type loginView struct {
	Email, Next, Fault string // Fault is the key of a sentence
	Minutes            int    // to wait
}

func (p *pages) loginPage(w http.ResponseWriter, r *http.Request) {
	if _, ok, err := p.user(r); err == nil && ok {
		http.Redirect(w, r, localPath(r.URL.Query().Get("next")), http.StatusSeeOther)
		return
	}
	p.showLogin(w, r, http.StatusOK, loginView{Next: r.URL.Query().Get("next")})
}

func (p *pages) showLogin(w http.ResponseWriter, r *http.Request, status int, data loginView) {
	v := &visitor{Lang: p.language(r, reminders.User{}), Now: p.Now()}
	p.show(w, r, v, status, "login", p.Texts.Page(v.Lang, "login-title"), data)
}

// login checks a password. It takes the same time and says the same whether the user is unknown, disabled,
// without a password, or the password is wrong.
func (p *pages) login(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	ctx := r.Context()
	data := loginView{Email: strings.TrimSpace(r.PostForm.Get("email")), Next: r.PostForm.Get("next")}
	key := strings.ToLower(data.Email) + " " + remoteIP(r)
	if wait := p.throttle.wait(key, p.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		data.Fault, data.Minutes = "login-throttled", int(math.Ceil(wait.Minutes()))
		p.showLogin(w, r, http.StatusTooManyRequests, data)
		return
	}
	user, err := p.Store.UserByEmail(ctx, data.Email)
	if err != nil && reminders.ErrorCode(err) != reminders.ENOTFOUND {
		p.refuse(w, r, err)
		return
	}
	known := err == nil && user.DisabledAt.IsZero() && user.PasswordHash != ""
	hash := p.nobody
	if known {
		hash = user.PasswordHash
	}
	if !CheckPassword(hash, r.PostForm.Get("password")) || !known {
		data.Fault = "login-wrong"
		p.showLogin(w, r, http.StatusUnauthorized, data)
		return
	}
	p.throttle.succeeded(key)
	// A new token: one that somebody planted before the login is worth nothing after it.
	if err := p.sessions.RenewToken(ctx); err != nil {
		p.refuse(w, r, fmt.Errorf("renewing the session: %w", err))
		return
	}
	p.sessions.Put(ctx, sessionUser, user.ID)
	p.Log.Info("signed in", "user", user.ID)
	http.Redirect(w, r, localPath(data.Next), http.StatusSeeOther)
}

func (p *pages) logout(w http.ResponseWriter, r *http.Request) {
	if err := p.sessions.Destroy(r.Context()); err != nil {
		p.refuse(w, r, fmt.Errorf("ending the session: %w", err))
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// remoteIP is the address that the connection came from: behind a proxy the proxy's, because a header can
// be written by anybody. The e-mail in the key still keeps people apart.
func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
