package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/reminders"
)

// What a person does to a visit: another time, called off, times to choose from anew, somebody else, and all of a day at
// once where a consultant is ill. Each is one POST and one transaction; what is wrong with it is one sentence, and nothing changed.

// sentence answers with one sentence of the pages' texts.
func (p *pages) sentence(w http.ResponseWriter, v *visitor, status int, key string) {
	http.Error(w, p.Texts.Page(v.Lang, key), status)
}

// may says whether the visitor deals with a visit: who holds it, or looks after the company. A teacher comes along.
func (v *visitor) mayMove(p *pages, visit reminders.Visit, company reminders.Company) bool {
	return v.sees(p) == (reminders.Filter{}) || v.User.Role != reminders.Teacher && (visit.ConsultantID == v.User.ID || company.ConsultantID == v.User.ID)
}

// wrong is a mistake in what was sent, with the key of its sentence.
type wrong string

func (w wrong) Error() string { return string(w) }

// changeVisit does one thing to the visit in the address.
func (p *pages) changeVisit(w http.ResponseWriter, r *http.Request, v *visitor, what string, do func(visit reminders.Visit) (reminders.VisitChange, error)) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		p.missing(w, r, v)
		return
	}
	visit, err := p.Store.Visit(r.Context(), id)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	company, err := p.Store.Company(r.Context(), visit.CompanyID)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	if !v.mayMove(p, visit, company) {
		if visit.TeacherID == v.User.ID {
			p.sentence(w, v, http.StatusForbidden, "visit-read-only")
			return
		}
		p.missing(w, r, v)
		return
	}
	if known, err := strconv.Atoi(r.PostFormValue("known")); err != nil || known != visit.Sequence { // the page is older than the visit
		p.sentence(w, v, http.StatusConflict, "visit-conflict")
		return
	}
	change, err := do(visit)
	if err == nil {
		err = p.make(r.Context(), v, what, []reminders.VisitChange{change})
	}
	p.done(w, r, v, err, "/visits/"+strconv.FormatInt(id, 10))
}

// make tells of changes and makes them, all or none.
func (p *pages) make(ctx context.Context, v *visitor, what string, changes []reminders.VisitChange) error {
	for i, c := range changes {
		company, err := p.Store.Company(ctx, c.After.CompanyID)
		if err != nil {
			return err
		}
		var contact *reminders.Person
		if company.ContactID != 0 {
			person, err := p.Store.Person(ctx, company.ContactID)
			if err != nil {
				return err
			}
			contact = &person
		}
		p.Calendar.Tell(v.Now, &changes[i], company, contact)
	}
	if err := p.Store.ChangeVisits(ctx, v.Now, changes...); err != nil {
		return err
	}
	for _, c := range changes {
		p.Log.Info("a visit was changed", "what", what, "visit", c.Before.ID, "state", c.After.State, "user", v.User.ID)
	}
	return nil
}

func (p *pages) done(w http.ResponseWriter, r *http.Request, v *visitor, err error, then string) {
	if mistake, ok := err.(wrong); ok {
		p.sentence(w, v, http.StatusBadRequest, string(mistake))
		return
	}
	switch reminders.ErrorCode(err) {
	case "":
		http.Redirect(w, r, then, http.StatusSeeOther)
	case reminders.ECONFLICT:
		p.sentence(w, v, http.StatusConflict, "visit-conflict")
	default:
		p.fail(w, r, v, err)
	}
}

// farthest is how far ahead a visit can be put: a year mistyped is none of ours.
const farthest = 366 * 24 * time.Hour

func (p *pages) moveVisit(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.changeVisit(w, r, v, "move", func(visit reminders.Visit) (reminders.VisitChange, error) {
		start, err := time.ParseInLocation("2006-01-02 15:04", r.PostFormValue("date")+" "+r.PostFormValue("time"), p.Calendar.Location)
		if err != nil || !start.After(v.Now) || start.Sub(v.Now) > farthest {
			return reminders.VisitChange{}, wrong("visit-move-wrong")
		}
		if visit.ConsultantID == 0 {
			return reminders.VisitChange{}, wrong("visit-no-consultant")
		}
		if visit.State == reminders.VisitBooked && start.Equal(visit.Start) {
			return reminders.VisitChange{}, wrong("visit-move-same")
		}
		return reminders.MoveVisit(v.Now, visit, start)
	})
}

// longestWhy is how many bytes the reason of a cancellation has at most.
const longestWhy = 500

func (p *pages) cancelVisit(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.changeVisit(w, r, v, "cancel", func(visit reminders.Visit) (reminders.VisitChange, error) {
		why := strings.TrimSpace(r.PostFormValue("why"))
		if why == "" || len(why) > longestWhy {
			return reminders.VisitChange{}, wrong("visit-cancel-wrong")
		}
		return reminders.CancelVisit(v.Now, visit, why)
	})
}

func (p *pages) releaseVisit(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.changeVisit(w, r, v, "release", func(visit reminders.Visit) (reminders.VisitChange, error) {
		return p.released(r.Context(), v.Now, visit, p.Store)
	})
}

func (p *pages) reassignVisit(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.changeVisit(w, r, v, "reassign", func(visit reminders.Visit) (reminders.VisitChange, error) {
		to, err := p.colleague(r.Context(), r.PostFormValue("consultant"))
		if err != nil {
			return reminders.VisitChange{}, err
		}
		if to.ID == visit.ConsultantID {
			return reminders.VisitChange{}, wrong("visit-reassign-same")
		}
		return reminders.ReassignVisit(v.Now, visit, to.ID)
	})
}

// colleague is the consultant with an e-mail address.
func (p *pages) colleague(ctx context.Context, email string) (reminders.User, error) {
	u, err := p.Store.UserByEmail(ctx, email)
	if reminders.ErrorCode(err) == reminders.ENOTFOUND || err == nil && (u.Role == reminders.Teacher || !u.DisabledAt.IsZero()) {
		return u, wrong("visit-no-colleague")
	}
	return u, err
}

// released gives a visit three times that it did not have before, and none of the day it was on.
func (p *pages) released(ctx context.Context, now time.Time, visit reminders.Visit, diary reminders.Diary) (reminders.VisitChange, error) {
	company, err := p.Store.Company(ctx, visit.CompanyID)
	if err != nil {
		return reminders.VisitChange{}, err
	}
	sought := visit
	if visit.State == reminders.VisitBooked {
		if next := p.Calendar.Today(visit.Start).AddDays(1); sought.Earliest.Before(next) {
			sought.Earliest = next
		}
	}
	var slots []time.Time
	for round := 1; visit.ConsultantID != 0 && len(slots) < slotsShown; round++ {
		found, err := reminders.FindSlots(ctx, diary, p.Calendar, now, sought, company.ClosedWeeks, round)
		if err != nil {
			return reminders.VisitChange{}, err
		}
		for _, slot := range found {
			if len(slots) < slotsShown && !slices.ContainsFunc(visit.Slots, slot.Equal) {
				slots = append(slots, slot)
			}
		}
		if len(found) < slotsShown {
			break
		}
	}
	slices.SortFunc(slots, time.Time.Compare)
	return reminders.ReleaseVisit(now, visit, slots)
}

// slotsShown is how many times a contact chooses from.
const slotsShown = 3

// planned is a diary in which what is about to be changed stands already.
type planned struct {
	reminders.Diary
	visits map[int64][]reminders.AgendaVisit // by consultant
}

func (d planned) Agenda(ctx context.Context, visit reminders.Visit, within reminders.Span) (reminders.Agenda, error) {
	a, err := d.Diary.Agenda(ctx, visit, within)
	a.Visits = slices.Concat(a.Visits, d.visits[visit.ConsultantID])
	return a, err
}

func (d planned) take(consultantID int64, postcode string, starts ...time.Time) {
	for _, start := range starts {
		d.visits[consultantID] = append(d.visits[consultantID], reminders.AgendaVisit{Span: reminders.Span{From: start, To: start.Add(reminders.VisitLength)}, Postcode: postcode})
	}
}

// illVisits hands all visits of a consultant on a day to colleagues who are free then, the least busy first; what nobody can
// take goes back to a choice of times. Consultants say it of themselves, administrators of anybody.
func (p *pages) illVisits(w http.ResponseWriter, r *http.Request, v *visitor) {
	if v.User.Role == reminders.Teacher && p.Demo == nil {
		p.sentence(w, v, http.StatusForbidden, "visit-read-only")
		return
	}
	p.done(w, r, v, p.ill(r, v), "/visits")
}

func (p *pages) ill(r *http.Request, v *visitor) error {
	ctx := r.Context()
	day, err := reminders.ParseDate(r.PostFormValue("date"))
	if err != nil || day.Before(p.Calendar.Today(v.Now)) {
		return wrong("visit-ill-wrong")
	}
	who := v.User
	if email := strings.TrimSpace(r.PostFormValue("consultant")); email != "" && !strings.EqualFold(email, who.Email) {
		if v.sees(p) != (reminders.Filter{}) {
			return wrong("visit-ill-other")
		}
		if who, err = p.Store.UserByEmail(ctx, email); reminders.ErrorCode(err) == reminders.ENOTFOUND {
			return wrong("visit-no-colleague")
		} else if err != nil {
			return err
		}
	}
	visits, err := p.Store.Visits(ctx, reminders.VisitFilter{UserID: who.ID, States: []string{reminders.VisitBooked},
		From: day.At(0, p.Calendar.Location), To: day.AddDays(1).At(0, p.Calendar.Location)})
	if err != nil {
		return err
	}
	visits = slices.DeleteFunc(visits, func(visit reminders.Visit) bool { return visit.ConsultantID != who.ID || !visit.Start.After(v.Now) })
	if len(visits) == 0 {
		return wrong("visit-ill-none")
	}
	users, err := p.Store.Users(ctx)
	if err != nil {
		return err
	}
	colleagues := slices.DeleteFunc(users, func(u reminders.User) bool {
		return u.Role != reminders.Consultant || !u.DisabledAt.IsZero() || u.ID == who.ID
	})
	diary := planned{p.Store, map[int64][]reminders.AgendaVisit{}}
	changes := make([]reminders.VisitChange, len(visits))
	for i, visit := range visits {
		if changes[i], err = p.standIn(ctx, v.Now, visit, colleagues, diary); err != nil {
			return err
		}
	}
	return p.make(ctx, v, "ill", changes)
}

// standIn gives a visit to a colleague who is free, else to other times.
func (p *pages) standIn(ctx context.Context, now time.Time, visit reminders.Visit, colleagues []reminders.User, diary planned) (reminders.VisitChange, error) {
	around := reminders.Span{From: visit.Start.Add(-24 * time.Hour), To: visit.End.Add(24 * time.Hour)}
	best, least, postcode := int64(0), 0, ""
	for _, u := range colleagues {
		theirs := visit
		theirs.ConsultantID = u.ID
		agenda, err := diary.Agenda(ctx, theirs, around)
		if err != nil {
			return reminders.VisitChange{}, err
		}
		if n := len(agenda.Visits) + len(agenda.Busy); p.Calendar.Free(agenda, visit.Start) && (best == 0 || n < least) {
			best, least = u.ID, n
		}
		postcode = agenda.Postcode
	}
	if best != 0 {
		diary.take(best, postcode, visit.Start)
		return reminders.ReassignVisit(now, visit, best)
	}
	change, err := p.released(ctx, now, visit, diary)
	diary.take(visit.ConsultantID, postcode, change.After.Slots...)
	return change, err
}

// renewCalendar gives the visitor's feed another address; whoever had the old one has nothing now.
func (p *pages) renewCalendar(w http.ResponseWriter, r *http.Request, v *visitor) {
	_, err := p.Store.RenewCalendar(r.Context(), v.Now, v.User.Email)
	if err == nil {
		p.Log.Info("a calendar's address was renewed", "user", v.User.ID)
	}
	p.done(w, r, v, err, "/visits#feed-title")
}
