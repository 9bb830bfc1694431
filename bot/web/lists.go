package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"efterkurs/reminders"
)

// visitsData are the visits by what is to be done about them.
type visitsData struct {
	Now                    time.Time
	Unplaced, Coming, Past []visitView
	CalendarAddress        string // of the visitor's own feed; "" = none
}

func (p *pages) visitsPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	all, err := p.Store.Status(r.Context(), v.sees(p))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	data := visitsData{Now: v.Now}
	for _, visit := range visitsOf(all) {
		switch visit.Visit.State {
		case reminders.VisitUnplaced:
			data.Unplaced = append(data.Unplaced, visit)
		case reminders.VisitHeld, reminders.VisitCancelled:
			data.Past = append(data.Past, visit)
		default:
			data.Coming = append(data.Coming, visit)
		}
	}
	slices.Reverse(data.Past)
	if v.User.CalendarToken != "" {
		site := p.PublicURL
		if site == "" { // on one's own machine the address in the browser is the one
			site = "http://" + r.Host
		}
		data.CalendarAddress = site + "/calendar/" + v.User.CalendarToken + ".ics"
	}
	p.show(w, r, v, http.StatusOK, "visits", p.Texts.Page(v.Lang, "visits-title"), data)
}

func (p *pages) inboxPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	replies, err := p.ownInbox(r, v)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.show(w, r, v, http.StatusOK, "inbox", p.Texts.Page(v.Lang, "inbox-title"), replies)
}

func (p *pages) ownInbox(r *http.Request, v *visitor) ([]replyView, error) {
	all, err := p.Store.Status(r.Context(), v.sees(p))
	if err != nil {
		return nil, err
	}
	return p.inbox(r.Context(), v, all)
}

// inboxHandled takes a reply off the list. One that another person was faster with is gone already.
func (p *pages) inboxHandled(w http.ResponseWriter, r *http.Request, v *visitor) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	replies, listErr := p.ownInbox(r, v)
	if err != nil || listErr != nil {
		p.fail(w, r, v, reminders.Errorf(reminders.ENOTFOUND, "no reply %q", r.PathValue("id")))
		return
	}
	if slices.ContainsFunc(replies, func(o replyView) bool { return o.Reply.ID == id }) {
		if err := p.Store.SettleReply(r.Context(), v.Now, id); err != nil && reminders.ErrorCode(err) != reminders.ENOTFOUND {
			p.fail(w, r, v, err)
			return
		}
		p.Log.Info("a reply was handled", "reply", id, "user", v.User.ID)
	}
	http.Redirect(w, r, "/inbox", http.StatusSeeOther)
}

// healthData says in words and numbers how the installation is.
type healthData struct {
	Now    time.Time
	Health reminders.Health
	Late   bool // no tick for too long
	Halted []halt
	Admin  bool
}

func (p *pages) healthPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	health, err := p.Store.Health(r.Context(), v.Now)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	data := healthData{Now: v.Now, Health: health, Halted: haltsOf(health.Halted), Admin: v.Admin()}
	data.Late = health.LastTick.StartedAt.IsZero() || v.Now.Sub(health.LastTick.StartedAt.Add(health.LastTick.Took)) > readyTick
	p.show(w, r, v, http.StatusOK, "health", p.Texts.Page(v.Lang, "health-title"), data)
}

// resume lets a halted channel send again. Only an administrator does: the cause is an account or a number.
func (p *pages) resume(w http.ResponseWriter, r *http.Request, v *visitor) {
	if !v.Admin() {
		http.Error(w, p.Texts.Page(v.Lang, "admins-only"), http.StatusForbidden)
		return
	}
	channel := r.PostFormValue("channel")
	if !slices.Contains([]string{reminders.SMS, reminders.Slack, reminders.Email}, channel) {
		p.fail(w, r, v, reminders.Errorf(reminders.EINVALID, "%q is not a channel", channel))
		return
	}
	if err := p.Store.Resume(r.Context(), channel); err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.Log.Info("a channel was resumed", "channel", channel, "user", v.User.ID)
	http.Redirect(w, r, "/health", http.StatusSeeOther)
}
