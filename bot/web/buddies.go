package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/reminders"
)

// buddiesData are drafts to look at, groups that have not met, and all others by company.
type buddiesData struct {
	Now     time.Time
	May     bool // the visitor may change drafts
	Drafts  []draftView
	Unmet   []unmetGroup
	Running []companyGroups
	Fault   string // what was wrong with the change that was wanted; "" = nothing
	Of      int64  // the company it was wanted for
}

// draftView is a draft with what can be done about each of its people.
type draftView struct {
	Draft  reminders.Draft
	Groups []draftGroup
}

type draftGroup struct {
	Why     []string
	Members []draftMember
}

type draftMember struct {
	reminders.Candidate
	Starts bool
	With   []reminders.Candidate // the others of the group
	Others []reminders.Candidate // those of other groups, whose place they may take
}

// companyGroups are the groups of a company whose programme is not over, and who is alone in it.
type companyGroups struct {
	Company string
	Groups  []group
	Alone   []reminders.Person
}

// unmetGroup is a group that has not confirmed a talk by the check-in of week 4.
type unmetGroup struct {
	group
	Suggestion string // the key of a page text
	Since      time.Time
}

func draftViewOf(d reminders.Draft) draftView {
	out := draftView{Draft: d}
	for _, g := range d.Groups {
		view := draftGroup{Why: whyOf(g.Why)}
		for _, m := range g.Members {
			member := draftMember{Candidate: d.Members[m.EnrolmentID], Starts: m.Starter}
			for _, o := range d.Groups {
				for _, other := range o.Members {
					switch {
					case other.EnrolmentID == m.EnrolmentID:
					case o.ID == g.ID:
						member.With = append(member.With, d.Members[other.EnrolmentID])
					default:
						member.Others = append(member.Others, d.Members[other.EnrolmentID])
					}
				}
			}
			slices.SortFunc(member.Others, func(a, b reminders.Candidate) int { return strings.Compare(a.Person.Name, b.Person.Name) })
			view.Members = append(view.Members, member)
		}
		out.Groups = append(out.Groups, view)
	}
	return out
}

// whyOf are the reasons of a group, as keys of page texts.
func whyOf(why string) (keys []string) {
	for reason := range strings.SplitSeq(why, ", ") {
		if reason != "" {
			keys = append(keys, "why-"+key(reason))
		}
	}
	return keys
}

// unmet lists the groups that were asked in weeks 2 and 4 and have confirmed neither, once the second has had its days.
func unmet(views []reminders.EnrolmentView, now time.Time) (out []unmetGroup) {
	groups, _ := groupsOf(views)
	asked := map[int64]time.Time{} // the last check-in of week 4 of a group
	over := map[int64]bool{}
	for _, v := range views {
		if step := stepOf(v.EnrolmentStatus, reminders.CheckinStep(4)); step.State.HasLeft() && step.SentAt.After(asked[v.Group]) {
			asked[v.Group] = step.SentAt
		}
		over[v.Group] = over[v.Group] || v.Visit != nil && v.Visit.State == reminders.VisitHeld
	}
	for _, g := range groups {
		at, ok := asked[g.ID]
		if !ok || now.Sub(at) < settleAfter || over[g.ID] || slices.ContainsFunc(g.Checkins, func(c groupCheckin) bool { return c.State == reminders.CheckinConfirmed }) {
			continue
		}
		out = append(out, unmetGroup{g, suggestion(g), at})
	}
	return out
}

// suggestion is what a consultant can do for a group that has not met.
func suggestion(g group) string {
	var shifts []reminders.Shift
	for _, m := range g.Members {
		if m.ID != 0 && m.Shift != "" && !slices.Contains(shifts, m.Shift) {
			shifts = append(shifts, m.Shift)
		}
	}
	last := g.Checkins[len(g.Checkins)-1].State
	switch {
	case len(shifts) > 1:
		return "unmet-shifts"
	case last == reminders.CheckinHalf:
		return "unmet-half"
	case last == reminders.CheckinNotYet:
		return "unmet-time"
	}
	return "unmet-silent"
}

// running are the groups of programmes that are not over, by company.
func running(views []reminders.EnrolmentView, over reminders.Date) (out []companyGroups) {
	byCompany := map[string][]reminders.EnrolmentView{}
	for _, v := range views {
		if !v.Class.End.Before(over) {
			byCompany[v.Company.Name] = append(byCompany[v.Company.Name], v)
		}
	}
	for company, own := range byCompany {
		c := companyGroups{Company: company}
		if c.Groups, c.Alone = groupsOf(own); len(c.Groups)+len(c.Alone) > 0 {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b companyGroups) int { return cmp.Compare(a.Company, b.Company) })
	return out
}

// drafts are those that the visitor sees.
func (p *pages) drafts(ctx context.Context, v *visitor) ([]reminders.Draft, error) {
	return p.Store.Drafts(ctx, v.sees(p).UserID, v.Now.Add(reminders.DraftAhead), p.Calendar.Over(v.Now))
}

func (p *pages) buddiesPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.showBuddies(w, r, v, http.StatusOK, "", 0)
}

func (p *pages) showBuddies(w http.ResponseWriter, r *http.Request, v *visitor, status int, fault string, company int64) {
	all, err := p.Store.Status(r.Context(), v.sees(p))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	drafts, err := p.drafts(r.Context(), v)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	views := reminders.Views(all, v.Now)
	data := buddiesData{Now: v.Now, May: v.mayAnswer(), Unmet: unmet(views, v.Now), Running: running(views, p.Calendar.Over(v.Now)), Fault: fault, Of: company}
	for _, d := range drafts {
		data.Drafts = append(data.Drafts, draftViewOf(d))
	}
	p.show(w, r, v, status, "buddies", p.Texts.Page(v.Lang, "buddies-title"), data)
}

// changeDraft makes one change of a company's draft: swap, block, unblock, publish.
func (p *pages) changeDraft(w http.ResponseWriter, r *http.Request, v *visitor) {
	if !v.mayAnswer() {
		http.Error(w, p.Texts.Page(v.Lang, "inbox-read-only"), http.StatusForbidden)
		return
	}
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return 0
		}
		return n
	}
	company := number(r.PathValue("company"))
	drafts, err := p.drafts(r.Context(), v)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	if !slices.ContainsFunc(drafts, func(d reminders.Draft) bool { return d.Company.ID == company }) {
		if companies, err := p.Store.Companies(r.Context(), v.sees(p).UserID); err != nil || !slices.ContainsFunc(companies, func(c reminders.Company) bool { return c.ID == company }) {
			p.missing(w, r, v)
			return
		}
		p.showBuddies(w, r, v, http.StatusConflict, "buddies-published", company) // by a colleague, or by itself
		return
	}
	change := reminders.DraftChange{CompanyID: company, UserID: v.User.ID, Known: r.PostFormValue("known")}
	two := [2]int64{number(r.PostFormValue("one")), number(r.PostFormValue("other"))}
	act := r.PathValue("act")
	switch act {
	case "swap":
		change.Swap = two
	case "block":
		change.Block = two
	case "unblock":
		change.Unblock = two
	case "publish":
		change.Publish = true
	default:
		p.missing(w, r, v)
		return
	}
	err = p.Store.ChangeDraft(r.Context(), v.Now, v.Now.Add(reminders.DraftAhead), p.Calendar.Over(v.Now), change)
	switch reminders.ErrorCode(err) {
	case "":
		p.Log.Info("a draft of buddies was changed", "what", act, "company", company, "user", v.User.ID)
		http.Redirect(w, r, "/buddies#c"+strconv.FormatInt(company, 10), http.StatusSeeOther)
	case reminders.ECONFLICT:
		p.showBuddies(w, r, v, http.StatusConflict, "buddies-changed", company)
	case reminders.ENOTFOUND:
		p.showBuddies(w, r, v, http.StatusConflict, "buddies-published", company)
	case reminders.EINVALID:
		p.showBuddies(w, r, v, http.StatusUnprocessableEntity, "buddies-invalid", company)
	default:
		p.fail(w, r, v, err)
	}
}
