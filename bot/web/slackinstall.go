package web

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

// "Add to Slack": each company has a workspace of its own, and the app is added to it from here. The way there and
// back leads through the consultant's browser, so what comes back is believed only with a state that we signed, a
// moment ago, for this very session.

// slackView is the page of companies and their workspaces.
type slackView struct {
	Rows    []slackRow
	On      bool // the app can be added
	Single  bool // there is a workspace for companies without one of their own
	May     bool // this visitor may add it
	Fault   string
	Company string
	Has     string // of Fault: the workspace the company has
	Chosen  string // … and the one that was chosen
	Done    string // the company that was connected a moment ago
}

type slackRow struct {
	Company   reminders.Company
	Workspace *reminders.Workspace // nil = none of its own
}

// Faults of an installation; each has a sentence of its own, "slack-fault-…".
const (
	installCancelled = "cancelled"
	installState     = "state"
	installExpired   = "expired"
	installOther     = "other"   // the workspace is another company's
	installChosen    = "chosen"  // the company has another one, which works
	installSecret    = "no-key"  // there is nothing to seal the token with
	installUnknown   = "unknown" // whatever else Slack said
)

func (p *pages) slackPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.showSlack(w, r, v, http.StatusOK, slackView{Done: p.sessions.PopString(r.Context(), sessionConnected)})
}

func (p *pages) showSlack(w http.ResponseWriter, r *http.Request, v *visitor, status int, view slackView) {
	ctx := r.Context()
	companies, err := p.Store.Companies(ctx, v.sees(p).UserID)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	workspaces, err := p.Store.Workspaces(ctx)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	for _, c := range companies {
		row := slackRow{Company: c}
		if i := slices.IndexFunc(workspaces, func(w reminders.Workspace) bool { return w.TeamID == c.Workspace }); i >= 0 {
			row.Workspace = &workspaces[i]
		}
		view.Rows = append(view.Rows, row)
	}
	view.On = p.Slack != nil && p.Slack.Installs()
	view.Single = p.Slack != nil && p.Slack.Reaches("")
	view.May = mayInstall(v)
	p.show(w, r, v, status, "slack", p.Texts.Page(v.Lang, "slack-title"), view)
}

// mayInstall says who connects companies: not teachers, whose classes are many companies'.
func mayInstall(v *visitor) bool {
	return v.User.Role == reminders.Admin || v.User.Role == reminders.Consultant
}

// companyOf is a company that the visitor may connect; ENOTFOUND for any other.
func (p *pages) companyOf(r *http.Request, v *visitor, id int64) (reminders.Company, error) {
	companies, err := p.Store.Companies(r.Context(), v.sees(p).UserID)
	if err != nil {
		return reminders.Company{}, err
	}
	i := slices.IndexFunc(companies, func(c reminders.Company) bool { return c.ID == id })
	if i < 0 || !mayInstall(v) {
		return reminders.Company{}, reminders.Errorf(reminders.ENOTFOUND, "company %d is not for user %d to connect", id, v.User.ID)
	}
	return companies[i], nil
}

// slackInstall sends the browser to Slack.
func (p *pages) slackInstall(w http.ResponseWriter, r *http.Request, v *visitor) {
	if p.Slack == nil || !p.Slack.Installs() {
		p.showSlack(w, r, v, http.StatusServiceUnavailable, slackView{})
		return
	}
	id, _ := strconv.ParseInt(r.URL.Query().Get("company"), 10, 64)
	company, err := p.companyOf(r, v, id)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	bound := p.sessions.GetString(r.Context(), sessionSlack)
	if bound == "" {
		raw := make([]byte, 16)
		_, _ = rand.Read(raw) // never fails (crypto/rand)
		bound = hex.EncodeToString(raw)
		p.sessions.Put(r.Context(), sessionSlack, bound)
	}
	state := p.slackState().sign(installation{company: company.ID, user: v.User.ID, until: v.Now.Add(stateLife)}, bound)
	http.Redirect(w, r, p.Slack.AuthorizeURL(state), http.StatusSeeOther)
}

// slackCallback takes the browser back from Slack.
func (p *pages) slackCallback(w http.ResponseWriter, r *http.Request, v *visitor) {
	if p.Slack == nil || !p.Slack.Installs() {
		p.showSlack(w, r, v, http.StatusServiceUnavailable, slackView{})
		return
	}
	ctx, q := r.Context(), r.URL.Query()
	refuse := func(status int, view slackView) {
		p.Log.Info("a workspace was not added", "fault", view.Fault, "user", v.User.ID)
		p.showSlack(w, r, v, status, view)
	}
	given, ok := p.slackState().open(q.Get("state"), p.sessions.GetString(ctx, sessionSlack))
	if !ok || given.user != v.User.ID {
		refuse(http.StatusBadRequest, slackView{Fault: installState})
		return
	}
	company, err := p.companyOf(r, v, given.company)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	switch {
	case !v.Now.Before(given.until):
		refuse(http.StatusBadRequest, slackView{Fault: installExpired, Company: company.Name})
		return
	case q.Get("error") == "access_denied":
		refuse(http.StatusOK, slackView{Fault: installCancelled, Company: company.Name})
		return
	case q.Get("error") != "" || q.Get("code") == "":
		refuse(http.StatusBadRequest, slackView{Fault: installUnknown, Company: company.Name})
		return
	}
	workspace, err := p.Slack.Exchange(ctx, q.Get("code"))
	var fault *slack.ExchangeFault
	if errors.As(err, &fault) {
		p.Log.Warn("exchanging a code with Slack", "fault", fault.Fault, "code", fault.Code)
		refuse(status(err), slackView{Fault: fault.Fault, Company: company.Name})
		return
	}
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	may, err := p.ownCompanies(r, v)
	if err == nil {
		err = p.Store.Install(ctx, v.Now, company.ID, workspace, may)
	}
	var other *reminders.OtherWorkspace
	switch {
	case errors.As(err, &other) && other.Has == "":
		refuse(http.StatusConflict, slackView{Fault: installOther, Company: company.Name, Chosen: other.Chosen})
	case errors.As(err, &other):
		refuse(http.StatusConflict, slackView{Fault: installChosen, Company: company.Name, Has: other.Has, Chosen: other.Chosen})
	case reminders.ErrorCode(err) == reminders.EINVALID:
		refuse(http.StatusInternalServerError, slackView{Fault: installSecret, Company: company.Name})
	case err != nil:
		p.fail(w, r, v, err)
	default:
		p.Log.Info("a workspace was added", "workspace", workspace.TeamID, "company", company.ID, "user", v.User.ID)
		if p.Bot.Wake != nil { // what waited for it
			p.Bot.Wake()
		}
		p.sessions.Put(ctx, sessionConnected, company.Name)
		http.Redirect(w, r, "/slack", http.StatusSeeOther) // the code is spent: it does not stay in the address bar
	}
}

// ownCompanies says of a company whether the visitor sees it; nil for who sees all.
func (p *pages) ownCompanies(r *http.Request, v *visitor) (func(int64) bool, error) {
	if v.Admin() {
		return nil, nil
	}
	own := map[int64]bool{}
	companies, err := p.Store.Companies(r.Context(), v.sees(p).UserID)
	for _, c := range companies {
		own[c.ID] = true
	}
	return func(id int64) bool { return own[id] }, err
}

// sessionSlack is the random text that states of a session are signed with, besides our key.
const (
	sessionSlack     = "slack"
	sessionConnected = "slack-connected"
)

// stateLife is how long somebody may take at Slack: to find an administrator's password, say.
const stateLife = 20 * time.Minute

// installation is what a state says.
type installation struct {
	company, user int64
	until         time.Time
}

// stateSigner signs states.
type stateSigner struct{ key []byte }

func (p *pages) slackState() stateSigner {
	key, err := hkdf.Key(sha256.New, p.Tokens.Key, nil, "efterkurs slack state 1", sha256.Size)
	if err != nil {
		panic("a key of a hash's own length cannot be derived: " + err.Error())
	}
	return stateSigner{key}
}

func (s stateSigner) sign(i installation, session string) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(i.company))
	raw = binary.BigEndian.AppendUint64(raw, uint64(i.user))
	raw = binary.BigEndian.AppendUint64(raw, uint64(i.until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(raw, s.mac(raw, session)...))
}

// open is what a state says; false where we did not sign it for this session.
func (s stateSigner) open(state, session string) (installation, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil || len(raw) != 24+sha256.Size || session == "" || !hmac.Equal(raw[24:], s.mac(raw[:24], session)) {
		return installation{}, false
	}
	return installation{company: int64(binary.BigEndian.Uint64(raw)), user: int64(binary.BigEndian.Uint64(raw[8:])),
		until: time.Unix(int64(binary.BigEndian.Uint64(raw[16:])), 0)}, true
}

func (s stateSigner) mac(raw []byte, session string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(raw)
	mac.Write([]byte(session))
	return mac.Sum(nil)
}
