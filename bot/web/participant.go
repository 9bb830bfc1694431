package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"efterkurs/reminders"
)

// participantData is a person with one timeline, past and coming. A company's contact has one as well.
type participantData struct {
	Now        time.Time
	Person     reminders.Person
	Channel    string // the one that texts go out on now; "" = no address
	Address    string
	Enrolments []reminders.EnrolmentStatus
	Leads      []string // companies whose contact the person is
	Window     reminders.Window
	Quiet      []int
	Past       []entry
	Coming     []entry
	May        bool  // place a reply on another question
	Moving     int64 // the reply whose question is being chosen
	Questions  []reminders.Question
}

// entry is a line of the timeline: a text out, or a reply in.
type entry struct {
	At      time.Time
	Look    string
	Message *reminders.Message
	Reply   *reminders.Reply
	Answer  string // what the reply was counted as: the meaning
	Course  string // where the person is on more than one
	Tries   []reminders.Attempt
	Placed  []reminders.Placed
	Moving  bool
}

func (p *pages) participantPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		p.missing(w, r, v)
		return
	}
	data, err := p.participant(r.Context(), v, id)
	if err == nil {
		err = p.placing(r, v, &data)
	}
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.show(w, r, v, http.StatusOK, "participant", data.Person.Name, data)
}

func (p *pages) participant(ctx context.Context, v *visitor, id int64) (participantData, error) {
	data := participantData{Now: v.Now}
	filter := v.sees(p)
	filter.PersonID = id
	var err error
	if data.Enrolments, err = p.Store.Status(ctx, filter); err != nil {
		return data, err
	}
	if err := p.leads(ctx, v, id, &data); err != nil {
		return data, err
	}
	if len(data.Enrolments) == 0 && len(data.Leads) == 0 && v.sees(p) != (reminders.Filter{}) {
		return data, reminders.Errorf(reminders.ENOTFOUND, "person %d is not for user %d to see", id, v.User.ID)
	}
	if data.Person, err = p.Store.Person(ctx, id); err != nil {
		return data, err
	}
	data.Channel, data.Address = data.Person.Address()
	data.Window = reminders.WindowOf(data.Person, reminders.Company{})
	for _, e := range reminders.Views(data.Enrolments, v.Now) {
		data.Window = reminders.WindowOf(data.Person, e.Company)
		if weeks := quietWeeks(e); weeks != nil {
			data.Quiet = weeks
		}
	}
	messages, err := p.Store.Messages(ctx, reminders.MessageFilter{PersonID: id})
	if err != nil {
		return data, err
	}
	replies, err := p.Store.Replies(ctx, reminders.ReplyFilter{PersonID: id})
	if err != nil {
		return data, err
	}
	replies, messages = p.readable(v, data, replies, messages)
	tries, err := p.Store.Tries(ctx, id)
	if err != nil {
		return data, err
	}
	data.timeline(messages, replies, tries)
	return data, nil
}

// readable leaves out what sounds like trouble, and what was said back to it, for a teacher: that is for the company's consultant.
func (p *pages) readable(v *visitor, d participantData, replies []reminders.Reply, messages []reminders.Message) ([]reminders.Reply, []reminders.Message) {
	own := func(e reminders.EnrolmentStatus) bool { return e.Company.ConsultantID == v.User.ID }
	if v.User.Role != reminders.Teacher || p.Demo != nil || slices.ContainsFunc(d.Enrolments, own) {
		return replies, messages
	}
	hidden := map[string]bool{}
	replies = slices.DeleteFunc(replies, func(r reminders.Reply) bool {
		trouble := r.Kind == reminders.ReplyTrouble
		if trouble {
			hidden[reminders.ReplySubject(r.ID)] = true
		}
		return trouble
	})
	return replies, slices.DeleteFunc(messages, func(m reminders.Message) bool { return hidden[m.Subject] })
}

// placing adds what each reply was counted as, and, for the one that is asked for, what else it could answer.
func (p *pages) placing(r *http.Request, v *visitor, d *participantData) error {
	d.May = v.mayAnswer()
	d.Moving, _ = strconv.ParseInt(r.URL.Query().Get("move"), 10, 64)
	var replies []reminders.Reply
	for _, e := range d.Past {
		if e.Reply != nil {
			replies = append(replies, *e.Reply)
		}
	}
	placed, err := p.Store.Placed(r.Context(), replies)
	if err != nil {
		return err
	}
	for i, e := range d.Past {
		if e.Reply != nil {
			d.Past[i].Placed, d.Past[i].Moving = placed[e.Reply.ID], e.Reply.ID == d.Moving
		}
	}
	if d.Moving != 0 && d.May {
		d.Questions, err = p.Store.Asked(r.Context(), v.Now, d.Person.ID)
	}
	return err
}

// leads finds the companies whose contact the person is, among those that the visitor sees.
func (p *pages) leads(ctx context.Context, v *visitor, id int64, data *participantData) error {
	if len(data.Enrolments) > 0 {
		return nil
	}
	all, err := p.Store.Status(ctx, v.sees(p))
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Company.ContactID == id && !slices.Contains(data.Leads, s.Company.Name) {
			data.Leads = append(data.Leads, s.Company.Name)
		}
	}
	return nil
}

// timeline puts what went out, what came in and what is to come in order.
func (d *participantData) timeline(messages []reminders.Message, replies []reminders.Reply, tries []reminders.Attempt) {
	tried := map[int64][]reminders.Attempt{}
	for _, t := range tries {
		tried[t.MessageID] = append(tried[t.MessageID], t)
	}
	status := map[int64]reminders.StepStatus{}
	of := map[int64]reminders.EnrolmentStatus{}
	for _, s := range d.Enrolments {
		for _, step := range s.Steps {
			status[step.MessageID], of[step.MessageID] = step, s
		}
	}
	for i := range messages {
		m := &messages[i]
		step, known := status[m.ID]
		if !known {
			step = reminders.StepStatus{Kind: m.Kind, Week: m.Week, State: m.State, SentAt: m.SentAt}
		}
		if m.State.Open() && m.State != reminders.Unknown {
			if known && !comesOut(of[m.ID], step) {
				continue
			}
			d.Coming = append(d.Coming, entry{At: m.RunAt, Look: lookPlanned, Message: m, Tries: tried[m.ID]})
			continue
		}
		if m.State == reminders.Skipped && !notable(reminders.StepStatus{Kind: m.Kind, State: m.State, Reason: m.Reason}) {
			continue
		}
		at := m.SentAt
		if at.IsZero() {
			at = m.RunAt
		}
		e := entry{At: at, Look: lookOf(step, d.Now), Message: m, Tries: tried[m.ID]}
		if step.Answer != "" {
			e.Answer = step.Meaning
		}
		d.Past = append(d.Past, e)
	}
	for i := range replies {
		d.Past = append(d.Past, entry{At: replies[i].At, Reply: &replies[i]})
	}
	if len(d.Enrolments) > 1 {
		for _, entries := range [][]entry{d.Past, d.Coming} {
			for i := range entries {
				if m := entries[i].Message; m != nil {
					entries[i].Course = of[m.ID].Class.Course
				}
			}
		}
	}
	// What is said back to a text stands below it, also where both are of the same instant.
	said := func(e entry) int {
		if e.Message != nil && (e.Message.Kind == reminders.KindReply || e.Message.Kind == reminders.KindNote) {
			return 1
		}
		return 0
	}
	byTime := func(a, b entry) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(said(a), said(b))) }
	slices.SortStableFunc(d.Past, byTime)
	slices.SortStableFunc(d.Coming, byTime)
}
