package web

import (
	"net/http"
	"slices"
	"time"

	"efterkurs/reminders"
)

// visitsData are the visits by what is to be done about them.
type visitsData struct {
	Now                    time.Time
	Unplaced, Coming, Past []visitView
	CalendarAddress        string // of the visitor's own feed; "" = none
	Ill, IllOther          bool   // the visitor may say that a consultant is ill; IllOther: of anybody
}

func (p *pages) visitsPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	all, err := p.Store.Status(r.Context(), v.sees(p))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	data := visitsData{Now: v.Now, Ill: v.User.Role != reminders.Teacher || p.Demo != nil, IllOther: v.User.Role == reminders.Admin}
	visits := visitsOf(all)
	ids := make([]int64, len(visits))
	for i, visit := range visits {
		ids[i] = visit.Visit.ID
	}
	answers, err := p.Store.VisitAnswers(r.Context(), ids)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	for _, visit := range visits {
		visit.Answers = answers[visit.Visit.ID]
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
