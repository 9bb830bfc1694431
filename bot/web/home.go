package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"efterkurs/reminders"
)

// overview is the consultant's first page, and the panel beside the demo's phones.
type overview struct {
	Visitor *visitor
	Demo    bool
	Needs   needs
	Classes []classView
	Visits  []visitView // planned, proposed and booked ones
}

// needsReplies is how many conversations stand on the first page; the rest are in the inbox.
const needsReplies = 25

func (p *pages) overviewPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	if p.Demo != nil {
		http.Redirect(w, r, "/demo", http.StatusSeeOther)
		return
	}
	data, err := p.overview(r.Context(), v)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.show(w, r, v, http.StatusOK, "overview", p.Texts.Page(v.Lang, "overview-title"), data)
}

func (p *pages) overview(ctx context.Context, v *visitor) (overview, error) {
	out := overview{Visitor: v, Demo: p.Demo != nil}
	all, err := p.Store.Status(ctx, v.sees(p))
	if err != nil {
		return out, err
	}
	out.Needs = needsOf(all, v.Now)
	undone, err := p.Store.NotYetDone(ctx)
	if err != nil {
		return out, err
	}
	for _, visit := range visitsOf(all) {
		if at, ok := undone[visit.Visit.ID]; ok {
			out.Needs.Undone = append(out.Needs.Undone, undoneVisit{visit, at})
		}
	}
	contacts, err := p.contactTroubles(ctx, all, v.Now)
	if err != nil {
		return out, err
	}
	for _, t := range contacts {
		if !slices.ContainsFunc(out.Needs.Troubles, func(o trouble) bool { return o.Person.ID == t.Person.ID }) {
			out.Needs.Troubles = append(out.Needs.Troubles, t)
		}
	}
	if out.Needs.Replies, err = p.Store.Talks(ctx, reminders.TalkFilter{Viewer: v.viewer(p), View: v.tasks(p), Limit: needsReplies}); err != nil {
		return out, err
	}
	if out.Needs.Drafts, err = p.drafts(ctx, v); err != nil {
		return out, err
	}
	health, err := p.Store.Health(ctx, v.Now)
	if err != nil {
		return out, err
	}
	for _, f := range health.Findings(v.Now) {
		if f.Key == reminders.FoundHalt {
			out.Needs.Halted = append(out.Needs.Halted, f)
		}
	}
	if out.Needs.Lost, err = p.lost(ctx, v, all); err != nil {
		return out, err
	}
	out.Classes = classes(all, v.Now, p.Calendar.Location)
	for _, visit := range visitsOf(all) {
		switch visit.Visit.State {
		case reminders.VisitPlanned, reminders.VisitProposed, reminders.VisitBooked:
			out.Visits = append(out.Visits, visit)
		}
	}
	return out, nil
}

// lost says whose Slack does not let us in any more, of the companies of all.
func (p *pages) lost(ctx context.Context, v *visitor, all []reminders.EnrolmentStatus) (found []reminders.Finding, err error) {
	health, err := p.Store.Health(ctx, v.Now)
	if err != nil {
		return nil, err
	}
	for _, f := range health.Findings(v.Now) {
		if f.Key == reminders.FoundLost && slices.ContainsFunc(all, func(s reminders.EnrolmentStatus) bool { return s.Company.Workspace == f.Workspace }) {
			found = append(found, f)
		}
	}
	return found, nil
}

// contactTroubles lists whose last text did not arrive where it is no step of an enrolment: the companies' contacts, and
// whoever a consultant wrote back to.
func (p *pages) contactTroubles(ctx context.Context, all []reminders.EnrolmentStatus, now time.Time) ([]trouble, error) {
	contacts := map[int64]string{}
	for _, s := range all {
		contacts[s.Company.ContactID] = s.Company.Name
	}
	delete(contacts, 0)
	lost := []reminders.State{reminders.Undelivered, reminders.Failed, reminders.Unknown}
	messages, err := p.Store.Messages(ctx, reminders.MessageFilter{States: lost})
	if err != nil {
		return nil, err
	}
	var out []trouble
	everybody := companiesOf(all)
	for _, m := range messages { // newest first
		company, known := contacts[m.PersonID]
		if m.Kind == reminders.KindNote { // a person wrote it, and believes that it was read
			company, known = everybody[m.PersonID]
		}
		if !known || m.EnrolmentID != 0 && m.Kind != reminders.KindNote || now.Sub(m.RunAt) > troubleFor {
			continue
		}
		delete(contacts, m.PersonID) // one line a person
		delete(everybody, m.PersonID)
		person, err := p.Store.Person(ctx, m.PersonID)
		if err != nil {
			return nil, err
		}
		later, err := p.Store.Messages(ctx, reminders.MessageFilter{PersonID: m.PersonID, From: m.RunAt, Limit: 20})
		if err != nil {
			return nil, err
		}
		arrived := slices.ContainsFunc(later, func(o reminders.Message) bool {
			return o.ID != m.ID && o.State.HasLeft() && o.State != reminders.Undelivered
		})
		if arrived || !person.OptedOutAt.IsZero() {
			continue
		}
		out = append(out, trouble{Person: person, Company: company, Why: string(m.State),
			Step: reminders.StepStatus{MessageID: m.ID, Step: m.Step, Kind: m.Kind, Week: m.Week, State: m.State, ErrorCode: m.ErrorCode}})
	}
	return out, nil
}

// companiesOf names the company of each participant and each contact.
func companiesOf(all []reminders.EnrolmentStatus) map[int64]string {
	out := map[int64]string{}
	for _, s := range all {
		if s.Company.ContactID != 0 {
			out[s.Company.ContactID] = s.Company.Name
		}
	}
	for _, s := range all {
		out[s.Person.ID] = s.Company.Name
	}
	return out
}
