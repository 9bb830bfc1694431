package bot

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/bot/calendar"
	"efterkurs/bot/meaning"
	"efterkurs/reminders"
)

// book takes the slot that the contact chose.
func (t *turn) book(ctx context.Context, q *reminders.Question, choice reminders.Choice) error {
	v := t.visit(q)
	if v == nil || v.State != reminders.VisitProposed {
		// Chosen already, or gone: a person looks at it.
		t.effects.State = reminders.ReplyInbox
		t.say("contact-thanks", nil, about(q))
		return nil
	}
	i := slices.IndexFunc(v.Slots, func(slot time.Time) bool { return t.shows(choice, slot) })
	if i < 0 || !v.Slots[i].After(t.now) {
		return t.offer(ctx, q, v, "visit-taken")
	}
	start := v.Slots[i]
	t.effects.Book = &reminders.Booking{VisitID: v.ID, Span: reminders.Span{From: start, To: start.Add(reminders.VisitLength)}}
	t.give(t.root(q), choice)
	t.say("visit-booked", nil, about(q), func(m *reminders.Message) {
		m.VisitID = v.ID
		m.Params["at"] = start.UTC().Format(timeParam)
	})
	return nil
}

// shows says whether slot is the time that choice showed. The digit alone does not: the question may be an older one than
// the times that are proposed now.
func (t *turn) shows(choice reminders.Choice, slot time.Time) bool {
	return slices.ContainsFunc(t.bot.Texts.Languages(), func(lang string) bool {
		return strings.Contains(choice.Label, t.bot.moment(lang, slot))
	})
}

// timeParam is how an instant travels in Params.
const timeParam = "2006-01-02T15:04:05Z07:00"

// taken replaces a booking that came a moment too late.
func (t *turn) taken(ctx context.Context) error {
	v := t.effects.Book.VisitID
	t.effects.Book, t.effects.Answers, t.effects.Say = nil, nil, nil
	for i := range t.rc.Questions {
		q := &t.rc.Questions[i]
		if visit := t.visit(q); isSlots(q.Choices) && visit != nil && visit.ID == v {
			return t.offer(ctx, q, visit, "visit-taken")
		}
	}
	return reminders.Errorf(reminders.EINTERNAL, "visit %d has no question to offer other times to", v)
}

// other answers "ny": three more times.
func (t *turn) other(ctx context.Context, q *reminders.Question) error {
	v := t.visit(q)
	if v == nil || v.State != reminders.VisitProposed {
		t.effects.State = reminders.ReplyInbox
		t.say("contact-thanks", nil, about(q))
		return nil
	}
	return t.offer(ctx, q, v, "visit-new")
}

// offer proposes the next three times, or hands the visit to the consultant where there are none.
func (t *turn) offer(ctx context.Context, q *reminders.Question, v *reminders.Visit, key string) error {
	var company reminders.Company
	for _, c := range t.rc.Leads {
		if c.ID == v.CompanyID {
			company = c.Company
		}
	}
	slots, err := t.unseen(ctx, v, company.ClosedWeeks)
	if err != nil {
		return err
	}
	next := *v
	next.Round, next.ProposedAt = v.Round+1, t.now
	if len(slots) < slotsOffered {
		next.State, next.Slots = reminders.VisitUnplaced, nil
		t.effects.NewSlots, t.effects.State = &next, reminders.ReplyInbox
		t.say("contact-thanks", nil, about(q))
		return nil
	}
	next.State, next.Slots = reminders.VisitProposed, slots
	t.effects.NewSlots = &next
	t.say(key, nil, about(q), func(m *reminders.Message) {
		m.VisitID = v.ID
		for i, s := range slots {
			m.Params["slot"+strconv.Itoa(i+1)] = s.Format(timeParam)
		}
	})
	return nil
}

// slotsOffered is how many times are proposed at once.
const slotsOffered = 3

// unseen are the next three times that were not proposed for v before. Counting rounds would not do: what is free
// changes between them, and a time that was turned down would come again.
func (t *turn) unseen(ctx context.Context, v *reminders.Visit, closed reminders.ClosedWeeks) ([]time.Time, error) {
	var out []time.Time
	for round := 1; ; round++ {
		slots, err := reminders.FindSlots(ctx, t.bot.Store, t.bot.Calendar, t.now, *v, closed, round)
		if err != nil {
			return nil, err
		}
		for _, slot := range slots {
			if len(out) < slotsOffered && !t.offered(v, slot) {
				out = append(out, slot)
			}
		}
		if len(out) == slotsOffered || len(slots) < slotsOffered {
			slices.SortFunc(out, time.Time.Compare)
			return out, nil
		}
	}
}

// offered says whether slot was proposed for v, now or in a question before.
func (t *turn) offered(v *reminders.Visit, slot time.Time) bool {
	return slices.ContainsFunc(v.Slots, slot.Equal) || slices.ContainsFunc(t.rc.Questions, func(q reminders.Question) bool {
		asked := t.visit(&q)
		return isSlots(q.Choices) && asked != nil && asked.ID == v.ID &&
			slices.ContainsFunc(q.Choices, func(c reminders.Choice) bool { return t.shows(c, slot) })
	})
}

var (
	offAgain   = regexp.MustCompile(`(?i)(^|[^\pL])(flyt(te)?|afly(s|se|st)|afbud|udsæt(te)?|ombook(e)?|move|resched\pL*|postpon\pL*|cancel(l?ed)?|call off)($|[^\pL])`)
	ofTheVisit = regexp.MustCompile(`(?i)besøg|visit`)
)

// callsOff is the booked visit that a contact wants to move or call off, as far as one can tell; nil = none. Who is also on a
// course has said so only where the visit is named: they may move a board.
func (t *turn) callsOff(m meaning.Meaning) *reminders.Visit {
	text := t.rc.Reply.Text
	asks := offAgain.MatchString(text) && (len(t.rc.Participations) == 0 || ofTheVisit.MatchString(text)) || m.Kind == meaning.Command && m.Word == meaning.New
	if m.Kind == meaning.Answer || !asks {
		return nil
	}
	for i, v := range t.rc.Visits { // soonest first
		if v.State == reminders.VisitProposed { // a choice is open: it says what it means there
			return nil
		}
		if v.State == reminders.VisitBooked && v.Start.After(t.now) {
			return &t.rc.Visits[i]
		}
	}
	return nil
}

// refused hands a visit that its contact cannot keep to its consultant at once. Nothing is moved by a word that may be
// misread: the pages offer new times in one press.
func (t *turn) refused(v reminders.Visit) {
	t.effects.Kind, t.effects.Why = reminders.ReplyText, "may want to move or call off a visit"
	t.say("contact-thanks", nil, func(m *reminders.Message) { m.CompanyID, m.ClassID, m.VisitID = v.CompanyID, v.ClassID, v.ID })
	t.tellConsultant(v)
}

// tellConsultant keeps a reply for a person, and mails whoever holds the visit.
func (t *turn) tellConsultant(v reminders.Visit) {
	t.effects.State, t.effects.Urgent = reminders.ReplyInbox, true
	if v.ConsultantID == 0 {
		return
	}
	t.effects.Say = append(t.effects.Say, reminders.Message{Subject: reminders.ReplySubject(t.rc.Reply.ID), Step: "urgent", Kind: reminders.KindStaffUrgent, UserID: v.ConsultantID,
		CompanyID: v.CompanyID, ClassID: v.ClassID, VisitID: v.ID, Params: map[string]string{reminders.ParamChange: calendar.Declined},
		Priority: reminders.PriorityReply, State: reminders.Planned, DueAt: t.now, RunAt: t.now})
}
