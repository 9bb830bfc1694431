package bot

import (
	"slices"

	"efterkurs/reminders"
)

// understand finds the question that the reply answers, nil where there is none, and what it means for it.
//
// A reply that names its question answers that one or none. Else the latest open question of which it is an
// answer has it: where a check-in asks for 1 or 2, the 5 is for the exercise before it. What is no
// answer at all goes with the latest open question; where none is open, with the latest of all, whose answer may be changed.
func (t *turn) understand() (*reminders.Question, Meaning) {
	text := t.rc.Reply.Text
	if named := t.rc.Reply.QuestionID; named != 0 {
		for i := range t.rc.Questions {
			if q := &t.rc.Questions[i]; q.ID == named {
				return q, Understand(text, q.Choices)
			}
		}
		// It names one that is too old, or that asks for no digit: no other question is meant.
		return nil, Understand(text, nil)
	}
	candidates := t.candidates()
	for _, q := range candidates {
		m := Understand(text, q.Choices)
		if m.Kind == reminders.ReplyAnswer || m.Word == "new" && isSlots(q.Choices) {
			return q, m
		}
	}
	if len(candidates) == 0 {
		return nil, Understand(text, nil)
	}
	return candidates[0], Understand(text, candidates[0].Choices)
}

// candidates are the open questions, latest first; where none is open, those whose answer may be changed.
func (t *turn) candidates() []*reminders.Question {
	var open, closed []*reminders.Question
	for i := range t.rc.Questions {
		q := &t.rc.Questions[i]
		switch {
		case t.past(i):
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
	if len(open) > 0 {
		return open
	}
	return closed
}

// past says whether question i was followed by the next exercise of the same course: who answers that one and then
// sends another digit has changed their mind, and does not come back to last week.
func (t *turn) past(i int) bool {
	q, root := &t.rc.Questions[i], t.root(&t.rc.Questions[i])
	return slices.ContainsFunc(t.rc.Questions[:i], func(o reminders.Question) bool {
		return o.Kind == reminders.KindExercise && o.EnrolmentID == q.EnrolmentID && q.EnrolmentID != 0 && o.ID != root.ID
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
