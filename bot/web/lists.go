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
