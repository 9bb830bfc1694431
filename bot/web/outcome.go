package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"efterkurs/reminders"
	"efterkurs/templates"
)

// outcomeForm is what came of a visit as it is being typed: also what cannot be saved comes back as it was.
type outcomeForm struct {
	Keep      string // under which a browser keeps it until it is saved
	Version   int    // that its writer knew
	Held      string // yes, no; "" = not said yet
	Met       string
	Used      string
	Unused    string
	Barriers  []string
	Steps     [reminders.AgreedSteps]typedStep
	Next      string // a day
	Note      string
	Tell      bool
	Agreed    string
	Typed     bool   // it came from a form, not from the database
	Fault     string // what is wrong: a text's key
	Field     string // … and where: an id on the page
	Sample    string // a participant's text, with the place of the sentence marked
	Confirmed bool   // the server has just said that it is saved
	Others    *reminders.VisitOutcome
	OthersBy  string // who saved Others meanwhile
}

type typedStep struct{ What, Who, By string }

// Limits of what is typed, in letters.
const (
	longestStep    = 140
	longestOutcome = 2000
)

// outcomeFormOf is the form of what is saved, or an empty one.
func outcomeFormOf(o reminders.VisitOutcome) *outcomeForm {
	f := &outcomeForm{Version: o.Version, Met: o.Met, Used: o.Used, Unused: o.Unused, Barriers: o.Barriers, Note: o.Note, Agreed: o.Agreed,
		Tell: o.Tell || o.Agreed == "" && len(o.Steps) == 0, Next: isoDay(o.NextContact)}
	if o.Version > 0 && o.Held {
		f.Held = "yes"
	}
	for i, step := range o.Steps {
		f.Steps[i] = typedStep{step.What, step.Who, isoDay(step.By)}
	}
	return f
}

func isoDay(d reminders.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// typedOutcome reads a form.
func typedOutcome(r *http.Request) *outcomeForm {
	value := func(name string) string {
		return strings.TrimSpace(strings.ReplaceAll(r.PostFormValue(name), "\r\n", "\n"))
	}
	f := &outcomeForm{Typed: true, Held: value("held"), Met: value("met"), Used: value("used"), Unused: value("unused"), Next: value("next"),
		Note: value("note"), Tell: value("tell") != "", Agreed: strings.Join(strings.Fields(value("agreed")), " ")}
	f.Version, _ = strconv.Atoi(value("version"))
	for _, kind := range reminders.BarrierKinds {
		if slices.Contains(r.PostForm["barrier"], kind) {
			f.Barriers = append(f.Barriers, kind)
		}
	}
	for i := range f.Steps {
		n := strconv.Itoa(i + 1)
		f.Steps[i] = typedStep{value("what" + n), value("who" + n), value("by" + n)}
	}
	return f
}

// Named says whether a kind of barrier is chosen.
func (f *outcomeForm) Named(kind string) bool { return slices.Contains(f.Barriers, kind) }

// outcome is what the form says; where something is wrong Fault and Field say what.
func (f *outcomeForm) outcome() (o reminders.VisitOutcome, ok bool) {
	wrong := func(field, fault string) (reminders.VisitOutcome, bool) {
		f.Field, f.Fault = field, fault
		return o, false
	}
	o = reminders.VisitOutcome{Version: f.Version, Held: f.Held == "yes", Met: f.Met, Used: f.Used, Unused: f.Unused, Barriers: f.Barriers, Note: f.Note}
	if f.Held != "yes" && f.Held != "no" {
		return wrong("held-yes", "outcome-fault-held")
	}
	for _, field := range []struct{ name, text string }{{"met", f.Met}, {"used", f.Used}, {"unused", f.Unused}, {"note", f.Note}} {
		if utf8.RuneCountInString(field.text) > longestOutcome {
			return wrong(field.name, "outcome-fault-long")
		}
	}
	for i, s := range f.Steps {
		n := strconv.Itoa(i + 1)
		if s == (typedStep{}) {
			continue
		}
		step := reminders.AgreedStep{What: s.What, Who: s.Who}
		switch {
		case s.What == "":
			return wrong("what"+n, "outcome-fault-what")
		case utf8.RuneCountInString(s.What) > longestStep || utf8.RuneCountInString(s.Who) > longestStep:
			return wrong("what"+n, "outcome-fault-step")
		case s.By != "":
			day, err := reminders.ParseDate(s.By)
			if err != nil {
				return wrong("by"+n, "outcome-fault-date")
			}
			step.By = day
		}
		o.Steps = append(o.Steps, step)
	}
	if f.Next != "" {
		day, err := reminders.ParseDate(f.Next)
		if err != nil {
			return wrong("next", "outcome-fault-date")
		}
		o.NextContact = day
	}
	if f.Agreed == "" && f.Tell && len(o.Steps) > 0 {
		f.Agreed = o.Steps[0].What
	}
	o.Agreed, o.Tell = f.Agreed, f.Tell && f.Agreed != "" && o.Held
	return o, true
}

// checkText refuses what is no single SMS in some participant's language, or looks like a link, which operators block.
func (p *pages) checkText(f *outcomeForm, o reminders.VisitOutcome, people []reminders.EnrolmentStatus) (ok bool, err error) {
	if !o.Tell {
		return true, nil
	}
	for _, s := range people {
		text, err := p.agreedText(s.Person, o.Agreed)
		if err != nil {
			return false, err
		}
		if templates.CountSegments(templates.NormaliseSMS(text)).Segments > 1 {
			f.Field, f.Fault = "agreed", "outcome-fault-sms"
			return false, nil
		}
	}
	if lower := strings.ToLower(o.Agreed); strings.Contains(lower, "://") || strings.Contains(lower, "www.") {
		f.Field, f.Fault = "agreed", "outcome-fault-link"
		return false, nil
	}
	return true, nil
}

// agreedText is what a participant reads.
func (p *pages) agreedText(to reminders.Person, agreed string) (string, error) {
	lang := to.Language
	if lang == "" {
		lang = languages[0]
	}
	m, err := p.Texts.Message(lang, string(reminders.KindVisitAgreed))
	if err != nil {
		return "", err
	}
	return templates.Fill(m.SMS, map[string]string{"first_name": to.FirstName(), "agreed": agreed})
}

// addOutcome adds what is known of the time after a visit, and the form where it can be written down.
func (p *pages) addOutcome(ctx context.Context, v *visitor, d *visitData) (err error) {
	if d.Outcome, err = p.Store.Outcome(ctx, d.Visit.ID); err != nil {
		return err
	}
	if d.After, err = p.Store.AfterVisit(ctx, d.Visit.ID); err != nil {
		return err
	}
	if d.Outcome.Version > 0 {
		if d.SavedBy, err = p.employee(ctx, d.Outcome.SavedBy); err != nil {
			return err
		}
	}
	if d.Visit.Begun(v.Now) && v.mayAnswer() {
		return p.offerForm(v, d, outcomeFormOf(d.Outcome))
	}
	return nil
}

func (p *pages) offerForm(v *visitor, d *visitData, f *outcomeForm) error {
	f.Keep = fmt.Sprintf("visit-%d-%d", d.Visit.ID, v.User.ID)
	to := reminders.Person{Name: "Kathrine"}
	if len(d.Members) > 0 {
		to = d.Members[0].Person
	}
	text, err := p.agreedText(to, "…")
	f.Sample, d.Form = text, f
	return err
}

// saveOutcome stores what came of a visit. What cannot be stored comes back as it was typed, with one sentence.
func (p *pages) saveOutcome(w http.ResponseWriter, r *http.Request, v *visitor) {
	ctx, id := r.Context(), visitID(r)
	data, err := p.visit(ctx, v, id)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	if !v.mayAnswer() {
		http.Error(w, p.Texts.Page(v.Lang, "outcome-read-only"), http.StatusForbidden)
		return
	}
	form := typedOutcome(r)
	if err := p.offerForm(v, &data, form); err != nil {
		p.fail(w, r, v, err)
		return
	}
	outcome, ok := form.outcome()
	if ok {
		if ok, err = p.checkText(form, outcome, data.Members); err != nil {
			p.fail(w, r, v, err)
			return
		}
	}
	if !ok {
		p.showVisit(w, r, v, http.StatusBadRequest, data)
		return
	}
	outcome.VisitID, outcome.SavedBy = id, v.User.ID
	var say []reminders.Message
	if c := data.Contact; outcome.Held || c != nil && c.OptedOutAt.IsZero() {
		say = p.Calendar.AfterVisit(v.Now, reminders.OutcomeSubject{Visit: data.Visit, Company: data.Company, Contact: c, People: data.Members, Outcome: outcome})
	}
	saved, err := p.Store.SaveOutcome(ctx, v.Now, outcome, say)
	switch reminders.ErrorCode(err) {
	case "":
		p.Log.Info("what came of a visit was saved", "visit", id, "user", v.User.ID, "version", saved.Version, "held", saved.Held)
		if p.Bot.Wake != nil { // what may leave now does
			p.Bot.Wake()
		}
		http.Redirect(w, r, fmt.Sprintf("/visits/%d?saved=%d#outcome", id, saved.Version), http.StatusSeeOther)
	case reminders.ECONFLICT:
		p.Log.Info("somebody else was faster with a visit", "visit", id, "user", v.User.ID)
		p.outcomeConflict(w, r, v, form)
	default:
		p.fail(w, r, v, err)
	}
}

// outcomeConflict shows what somebody else saved above what was typed: the same button then saves over it.
func (p *pages) outcomeConflict(w http.ResponseWriter, r *http.Request, v *visitor, form *outcomeForm) {
	data, err := p.visit(r.Context(), v, visitID(r))
	if err == nil {
		err = p.offerForm(v, &data, form)
	}
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	if data.Outcome.Version == form.Version {
		form.Fault = "outcome-fault-begun"
	} else {
		form.Others, form.Version = &data.Outcome, data.Outcome.Version
		if data.SavedBy != nil {
			form.OthersBy = data.SavedBy.Name
		}
	}
	p.showVisit(w, r, v, http.StatusConflict, data)
}
