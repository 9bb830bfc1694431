package bot

import (
	"slices"
	"strings"
	"time"

	"efterkurs/bot/meaning"
	"efterkurs/reminders"
)

// understand finds the question that the reply answers, nil where there is none, and what it means for it.
//
// A reply that names its question answers that one or none. Else the latest open question of which it is an
// answer has it: where a check-in asks for 1 or 2, the 5 is for the exercise before it. "Uge 3: 1" is for week 3, open or
// not. What answers none of the open ones, and changes an answer that was given, does that. What is no
// answer at all goes with the latest open question; where none is open, with the latest of all, whose answer may be changed.
func (t *turn) understand() (*reminders.Question, meaning.Meaning) {
	if named := t.rc.Reply.QuestionID; named != 0 {
		for i := range t.rc.Questions {
			if q := &t.rc.Questions[i]; q.ID == named {
				return q, t.means(q.Choices)
			}
		}
		// It names one that is too old, or that asks for no digit: no other question is meant.
		return nil, t.means(nil)
	}
	if week, rest := t.bot.Reader.Week(t.rc.Reply.Text, t.language()); week != 0 {
		if named := t.ofWeek(week); named != nil {
			if m := t.bot.Reader.Of(rest, named.Choices, t.language()); m.Kind == meaning.Answer {
				return named, m
			}
		}
	}
	open, closed := t.candidates()
	for _, q := range open {
		m := t.meansTo(q)
		if m.Kind == meaning.Answer || m.Kind == meaning.Command && m.Word == meaning.New && isSlots(q.Choices) {
			return q, m
		}
	}
	if t.bot.Reader.Nod(t.rc.Reply.Text, t.language()) { // it is no change of mind
		closed = nil
		if len(open) == 0 {
			return nil, t.means(nil)
		}
	}
	if len(open) > 0 {
		for _, q := range closed {
			if m := t.means(q.Choices); m.Kind == meaning.Answer && !m.Digits && !t.moot(q) && m.Digit != t.root(q).Answer {
				return q, m // "ja, nu er det gjort", when we have asked why not
			}
		}
		return open[0], t.meansTo(open[0])
	}
	if len(closed) > 0 {
		return closed[0], t.means(closed[0].Choices)
	}
	return nil, t.means(nil)
}

func (t *turn) means(choices []reminders.Choice) meaning.Meaning {
	return t.bot.Reader.Of(t.rc.Reply.Text, choices, t.language())
}

// meansTo is what the text means for q. A leader is asked in passing: what is a command, or leans one way only, is no answer.
func (t *turn) meansTo(q *reminders.Question) meaning.Meaning {
	m := t.means(q.Choices)
	if ofLeader(q) && m.Kind == meaning.Answer && !m.Digits {
		if bare := t.means(nil); bare.Kind == meaning.Command || !m.Sure() {
			return bare
		}
	}
	return m
}

// ofWeek is the exercise of a week, of the newest course that has one.
func (t *turn) ofWeek(week int) *reminders.Question {
	for i := range t.rc.Questions {
		if q := &t.rc.Questions[i]; q.Kind == reminders.KindExercise && q.Week == week {
			return q
		}
	}
	return nil
}

// candidates are the open questions and those whose answer may be changed, latest first.
func (t *turn) candidates() (open, closed []*reminders.Question) {
	for i := range t.rc.Questions {
		q := &t.rc.Questions[i]
		switch {
		case t.past(i), isControl(q.Choices) && t.over(i), t.overTalk(i):
		case t.moot(q):
			if i == 0 { // what they write now is about that visit
				closed = append(closed, q)
			}
		case t.root(q).Answer == "":
			open = append(open, q)
		default:
			closed = append(closed, q)
		}
	}
	return open, closed
}

// controlFor is how long a question about the service itself is open. One about STOP is until it is answered.
const controlFor = 48 * time.Hour

// isControl says whether a question is about the service itself: stop, pause, erase, whether buddies have one's number.
func isControl(choices []reminders.Choice) bool {
	return slices.ContainsFunc(choices, func(c reminders.Choice) bool {
		kind, _, _ := strings.Cut(c.Meaning, ":")
		return slices.Contains([]string{"stop", "erase", "pause", "share"}, kind)
	})
}

// over says whether a question about the service itself is answered, or so old that a digit is for something else.
func (t *turn) over(i int) bool {
	q := &t.rc.Questions[i]
	doubt := slices.ContainsFunc(q.Choices, func(c reminders.Choice) bool { return c.Meaning == "stop" })
	if q.Kind == reminders.KindBuddyShare { // asked in the asker's name, and it waits like an exercise
		return q.Answer != ""
	}
	return q.Answer != "" || !doubt && t.written().Sub(q.SentAt) > controlFor || doubt && t.rc.Person.DoubtAt.IsZero()
}

// past says whether question i was followed by the next exercise of the same course: who answers that one and then
// sends another digit has changed their mind, and does not come back to last week.
func (t *turn) past(i int) bool {
	q, root := &t.rc.Questions[i], t.root(&t.rc.Questions[i])
	return slices.ContainsFunc(t.rc.Questions[:i], func(o reminders.Question) bool {
		return o.Kind == reminders.KindExercise && o.EnrolmentID == q.EnrolmentID && q.EnrolmentID != 0 && o.ID != root.ID
	})
}

// ofLeader says whether a company's contact is asked: their words are for a person, never a reflection.
func ofLeader(q *reminders.Question) bool {
	return q.Kind == reminders.KindLeader || q.Kind == reminders.KindVisitFollowup
}

// overTalk says whether question i is about the leader's talk and something else was asked since, a visit's times or, where
// the leader takes part, an exercise: a digit is for that, and after it for nothing.
func (t *turn) overTalk(i int) bool {
	q := &t.rc.Questions[i]
	return q.Kind == reminders.KindLeader && slices.ContainsFunc(t.rc.Questions[:i], func(o reminders.Question) bool {
		return isSlots(o.Choices) && o.CompanyID == q.CompanyID || o.Kind == reminders.KindExercise
	})
}

// closed says whether nothing is asked any more: an answer or words would change or add.
func (t *turn) closed(q *reminders.Question) bool {
	return q == nil || t.moot(q) || !isSlots(q.Choices) && t.root(q).Answer != ""
}

// root is the question that q reminds of, or q itself: an answer to a reminder is one to its exercise.
func (t *turn) root(q *reminders.Question) *reminders.Question {
	step := reminders.QuestionStep(q.Kind, q.Week)
	for i := range t.rc.Questions {
		other := &t.rc.Questions[i]
		if q.QuestionID != 0 && other.ID == q.QuestionID || step != "" && other.Subject == q.Subject && other.Step == step {
			if q.Kind == reminders.KindCheckinAgain {
				continue // asked anew, and answered anew: see checkin
			}
			return other
		}
	}
	return q
}

// moot says whether a visit's question needs no answer any more.
func (t *turn) moot(q *reminders.Question) bool {
	if !isSlots(q.Choices) {
		return false
	}
	v := t.visit(q)
	return v == nil || v.State != reminders.VisitProposed
}

func isSlots(choices []reminders.Choice) bool {
	return slices.ContainsFunc(choices, func(c reminders.Choice) bool { return c.Meaning == "slot" })
}

// visit is the one that q asks about.
func (t *turn) visit(q *reminders.Question) *reminders.Visit {
	for i, v := range t.rc.Visits {
		if v.ID == q.VisitID || q.VisitID == 0 && v.ClassID == q.ClassID && v.CompanyID == q.CompanyID {
			return &t.rc.Visits[i]
		}
	}
	return nil
}
