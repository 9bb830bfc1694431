package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"efterkurs/reminders"
)

// visitData is a visit with what to know before it.
type visitData struct {
	visitView
	Brief               reminders.Brief
	Contact             *reminders.Person
	Consultant, Teacher *reminders.User // nil = nobody
	Ask                 []string        // keys of words
	Mean                string          // of the self-ratings; "" = none
	Ratings             [5]int          // how many gave each, 1 to 5
	Barriers            []barrierLine
	Voices              []voice

	Members []reminders.EnrolmentStatus
	Outcome reminders.VisitOutcome // of Version 0 where nothing is saved
	SavedBy *reminders.User
	After   reminders.AfterVisit
	Texts   []textCount
	Form    *outcomeForm // nil = there is nothing to write down, or not by the visitor
}

// voice is what a person wanted before the course, and wrote since. What came with a barrier stands there.
type voice struct {
	Name, Goal string
	Words      []reminders.BriefWords
}

// textCount is how many texts to participants came to what.
type textCount struct {
	State reminders.State
	N     int
}

// barrierLine is a kind of barrier with what people wrote about it.
type barrierLine struct {
	Kind  string
	N     int
	Words []reminders.BriefWords
}

func (p *pages) visitPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	data, err := p.visit(r.Context(), v, visitID(r))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	if saved, err := strconv.Atoi(r.URL.Query().Get("saved")); err == nil && data.Form != nil && saved > 0 && saved <= data.Outcome.Version {
		data.Form.Confirmed = true
	}
	p.showVisit(w, r, v, http.StatusOK, data)
}

func (p *pages) showVisit(w http.ResponseWriter, r *http.Request, v *visitor, status int, data visitData) {
	p.show(w, r, v, status, "visit", data.Company.Name+" · "+p.Texts.Page(v.Lang, "visits-title"), data)
}

// visitID is the visit in the address; 0 = none can have it.
func visitID(r *http.Request) int64 {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0
	}
	return id
}

// visit gathers the page; ENOTFOUND also for who may not see it.
func (p *pages) visit(ctx context.Context, v *visitor, id int64) (visitData, error) {
	visit, err := p.Store.Visit(ctx, id)
	if err != nil {
		return visitData{}, err
	}
	filter := v.sees(p)
	filter.ClassID, filter.CompanyID = visit.ClassID, visit.CompanyID
	all, err := p.Store.Status(ctx, filter)
	if err != nil {
		return visitData{}, err
	}
	seen := visitsOf(all)
	if len(seen) == 0 {
		return visitData{}, reminders.Errorf(reminders.ENOTFOUND, "visit %d is not for user %d to see", id, v.User.ID)
	}
	data := visitData{visitView: seen[0], Members: all}
	data.Visit = visit
	if data.Brief, err = p.Store.Brief(ctx, id); err != nil {
		return data, err
	}
	data.Contact = data.Brief.Contact
	if data.Consultant, err = p.employee(ctx, visit.ConsultantID); err != nil {
		return data, err
	}
	if data.Teacher, err = p.employee(ctx, visit.TeacherID); err != nil {
		return data, err
	}
	data.sort(words{p, v.Lang})
	if err := p.addOutcome(ctx, v, &data); err != nil {
		return data, err
	}
	for _, m := range data.After.Texts {
		i := slices.IndexFunc(data.Texts, func(c textCount) bool { return c.State == m.State })
		if i < 0 {
			i, data.Texts = len(data.Texts), append(data.Texts, textCount{State: m.State})
		}
		data.Texts[i].N++
	}
	return data, nil
}

// employee is a user; nil for 0 and for who is not there any more.
func (p *pages) employee(ctx context.Context, id int64) (*reminders.User, error) {
	if id == 0 {
		return nil, nil
	}
	u, err := p.Store.User(ctx, id)
	if reminders.ErrorCode(err) == reminders.ENOTFOUND {
		return nil, nil
	}
	return &u, err
}

// sort puts the brief into the lines of the page.
func (d *visitData) sort(f words) {
	d.Ask = d.Brief.Ask()
	if len(d.Brief.Ratings) > 0 {
		d.Mean = strings.Replace(strconv.FormatFloat(d.Brief.MeanRating(), 'f', 1, 64), ".", f.text("decimals"), 1)
	}
	for _, r := range d.Brief.Ratings {
		if r >= 1 && r <= len(d.Ratings) {
			d.Ratings[r-1]++
		}
	}
	for _, kind := range reminders.BarrierKinds {
		line := barrierLine{Kind: kind, N: d.Brief.Barriers[kind]}
		for _, said := range d.Brief.Words {
			if said.Barrier == kind {
				line.Words = append(line.Words, said)
			}
		}
		if line.N > 0 || len(line.Words) > 0 {
			d.Barriers = append(d.Barriers, line)
		}
	}
	of := func(name string) *voice {
		i := slices.IndexFunc(d.Voices, func(v voice) bool { return v.Name == name })
		if i < 0 {
			i, d.Voices = len(d.Voices), append(d.Voices, voice{Name: name})
		}
		return &d.Voices[i]
	}
	for _, goal := range d.Brief.Goals {
		of(goal.Name).Goal = goal.Text
	}
	for _, said := range d.Brief.Words {
		if said.Barrier == "" {
			v := of(said.Name)
			v.Words = append(v.Words, said)
		}
	}
	slices.SortStableFunc(d.Voices, func(a, b voice) int { return strings.Compare(a.Name, b.Name) })
}
