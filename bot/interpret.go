package bot

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"efterkurs/reminders"
)

// interpret says what a stored reply means and applies it, once.
func (b *Bot) interpret(ctx context.Context, id int64) error {
	rc, err := b.Store.ReplyContext(ctx, id)
	if err != nil {
		return fmt.Errorf("reply %d: %w", id, err)
	}
	if rc.Reply.State != reminders.ReplyReceived {
		return nil
	}
	now := b.Now()
	turn := &turn{bot: b, now: now, rc: rc, effects: reminders.Effects{ReplyID: id, State: reminders.ReplyHandled}}
	if err := turn.read(ctx); err != nil {
		return fmt.Errorf("reply %d: %w", id, err)
	}
	_, err = b.Store.ApplyReply(ctx, now, turn.effects)
	if reminders.ErrorCode(err) == reminders.ECONFLICT && turn.effects.Book != nil {
		// Somebody else got the time a moment ago: say so, and offer others.
		if err := turn.taken(ctx); err != nil {
			return fmt.Errorf("reply %d: %w", id, err)
		}
		_, err = b.Store.ApplyReply(ctx, now, turn.effects)
	}
	if err != nil {
		return fmt.Errorf("reply %d: %w", id, err)
	}
	return nil
}

// turn is one reply and what comes of it.
type turn struct {
	bot     *Bot
	now     time.Time
	rc      reminders.ReplyContext
	effects reminders.Effects
}

func (t *turn) read(ctx context.Context) error {
	in := t.rc.Reply
	question, m := t.understand()
	if in.OptOut == "STOP" { // the provider has acted on it already, whatever we make of the text
		m = Meaning{Kind: reminders.ReplyStop, Why: "the provider says they opted out"}
	}
	if subjectStop(in) {
		m = Meaning{Kind: reminders.ReplyStop, Why: "asked to stop in the subject"}
	}
	t.effects.Kind, t.effects.Why = m.Kind, m.Why
	if t.post(m) {
		return nil
	}

	if t.rc.Person == nil {
		t.effects.State = reminders.ReplyInbox
		if m.Kind == reminders.ReplyStop { // whoever it is: nobody is written to at this address any more
			t.effects.OptOut = true
		} else {
			t.effects.Kind = reminders.ReplyUnknown
		}
		return nil
	}
	t.effects.PersonID = t.rc.Person.ID
	if len(in.Media) > 0 { // only a person can look at a picture, whatever is written beside it
		t.effects.State = reminders.ReplyInbox
	}
	optedOut := !t.rc.Person.OptedOutAt.IsZero()
	switch {
	case t.rc.Overtaken && (m.Kind == reminders.ReplyStop || m.Kind == reminders.ReplyStart):
		t.effects.Why += ", and has said otherwise since"
		return nil
	case m.Kind == reminders.ReplyStop:
		t.effects.OptOut = true
		return nil // nobody who said STOP is written to, not even to say so
	case m.Kind == reminders.ReplyStart || in.OptOut == "START" && optedOut:
		t.effects.Kind, t.effects.OptIn, t.effects.Unpause = reminders.ReplyStart, true, true
		t.say(t.forRole("started", "contact-help"), nil)
		return nil
	case optedOut:
		t.effects.State = reminders.ReplyInbox
		return nil
	case m.Kind == reminders.ReplyCommand:
		return t.command(ctx, m, question)
	case t.closed(question) && courteous(in.Text):
		t.effects.Kind, t.effects.Why = reminders.ReplyText, "a thank-you"
		return nil // two polite machines would never end
	case m.Kind == reminders.ReplyAnswer:
		return t.answer(ctx, question, m)
	}
	t.words(question)
	return nil
}

// forRole is the text's key for a participant, or for who is only a company's contact.
func (t *turn) forRole(participant, contact string) string {
	if len(t.rc.Participations) > 0 {
		return participant
	}
	return contact
}

// written is when the reply was written: earlier than now where no webhook brought it.
func (t *turn) written() time.Time {
	if at := t.rc.Reply.At; !at.IsZero() && at.Before(t.now) {
		return at
	}
	return t.now
}

// say adds what is said back: one text for one text, on the channel it came by.
func (t *turn) say(key string, params map[string]string, with ...func(*reminders.Message)) {
	in := t.rc.Reply
	m := reminders.Message{
		Subject: reminders.ReplySubject(in.ID), Step: "say", Kind: reminders.KindReply, PersonID: t.rc.Person.ID,
		Priority: reminders.PriorityReply, State: reminders.Planned, DueAt: t.written(), RunAt: t.now,
		Channel: in.Channel, Address: t.backTo(), Params: map[string]string{"key": key},
	}
	if len(t.rc.Participations) > 0 {
		p := t.rc.Participations[0]
		m.EnrolmentID, m.CompanyID, m.ClassID = p.Enrolment.ID, p.Company.ID, p.Class.ID
	} else if len(t.rc.Leads) > 0 {
		m.CompanyID = t.rc.Leads[0].ID
	}
	for k, v := range params {
		m.Params[k] = v
	}
	for _, f := range with {
		f(&m)
	}
	t.effects.Say = append(t.effects.Say, m)
}

// about makes what is said belong to what was asked.
func about(q *reminders.Question) func(*reminders.Message) {
	return func(m *reminders.Message) {
		m.EnrolmentID, m.CompanyID, m.ClassID, m.VisitID, m.Week = q.EnrolmentID, q.CompanyID, q.ClassID, q.VisitID, q.Week
	}
}

func (t *turn) answer(ctx context.Context, asked *reminders.Question, m Meaning) error {
	i := slices.IndexFunc(asked.Choices, func(c reminders.Choice) bool { return c.Digit == m.Digit })
	choice := asked.Choices[i]
	if choice.Meaning == "slot" {
		return t.book(ctx, asked, choice)
	}
	root := t.root(asked)
	t.give(root, choice)
	if first := t.checkinOf(root); first != nil { // the pair's answer is one, however often it was asked
		t.give(first, choice)
	}
	if root.Answer == choice.Digit {
		return nil // the same again: it counts once, and there is nothing new to say
	}
	if root.Kind == reminders.KindCheckin && choice.Meaning == "no" {
		t.askAgain(root)
	}
	kind, barrier, _ := strings.Cut(choice.Meaning, ":")
	switch {
	case root.Answer != "":
		t.say("changed", map[string]string{"answer": choice.Label}, about(root))
	case root.Kind == reminders.KindCheckin || root.Kind == reminders.KindCheckinAgain:
		t.say("thanks-checkin-"+yesNo(choice.Meaning), nil, about(root))
	default:
		t.say("thanks-"+kind, map[string]string{"answer": choice.Label, "kind": barrier}, about(root))
	}
	return nil
}

// give makes choice the answer to q.
func (t *turn) give(q *reminders.Question, choice reminders.Choice) {
	step := q.Step
	if q.Kind == reminders.KindNudge { // its exercise was asked on another channel
		step = reminders.QuestionStep(q.Kind, q.Week)
	}
	t.effects.Answers = append(t.effects.Answers, reminders.AnswerGiven{QuestionID: q.ID, EnrolmentID: q.EnrolmentID, Step: step,
		Digit: choice.Digit, Meaning: choice.Meaning})
}

func yesNo(meaning string) string {
	if meaning == "yes" {
		return "yes"
	}
	return "no"
}

// checkinAgainAfter is how many days after "not yet" a pair is asked once more.
const checkinAgainAfter = 2

// askAgain plans the one more time that a check-in is asked.
func (t *turn) askAgain(q *reminders.Question) {
	company, person := reminders.Company{}, *t.rc.Person
	for _, p := range t.rc.Participations {
		if p.Enrolment.ID == q.EnrolmentID {
			company = p.Company
		}
	}
	c := t.bot.Calendar
	day := c.NextWorking(c.Today(t.now).AddDays(checkinAgainAfter), company.ClosedWeeks)
	from, to := c.Span(day, reminders.WindowOf(person, company))
	t.effects.Say = append(t.effects.Say, reminders.Message{
		Subject: q.Subject, Step: reminders.CheckinAgainStep(q.Week), Kind: reminders.KindCheckinAgain, Week: q.Week,
		PersonID: person.ID, EnrolmentID: q.EnrolmentID, CompanyID: q.CompanyID, ClassID: q.ClassID, QuestionID: q.ID,
		Priority: reminders.PriorityBulk, State: reminders.Planned, DueAt: from, RunAt: from, ValidUntil: to,
	})
}

// checkinOf is the check-in that again asks once more; nil for any other question.
func (t *turn) checkinOf(again *reminders.Question) *reminders.Question {
	if again.Kind != reminders.KindCheckinAgain {
		return nil
	}
	for i := range t.rc.Questions {
		if q := &t.rc.Questions[i]; q.Subject == again.Subject && q.Step == reminders.CheckinStep(again.Week) {
			return q
		}
	}
	return nil
}

// words keeps what is neither a command nor an answer. Where a question is open it asks once for a digit;
// what comes then, what belongs to no question, and every question of theirs, waits for a person.
func (t *turn) words(q *reminders.Question) {
	in := t.rc.Reply
	asks := strings.Contains(in.Text, "?") || len(in.Media) > 0
	if q == nil || isSlots(q.Choices) {
		t.effects.State = reminders.ReplyInbox
		if q != nil || len(t.rc.Participations) == 0 {
			t.say("contact-thanks", nil)
		} else if !asks {
			t.say("saved", nil)
		}
		return
	}
	root := t.root(q)
	spoken := strings.ContainsFunc(in.Text, unicode.IsLetter)
	if spoken { // kept as a reflection on the question, without an answer to it
		t.give(root, reminders.Choice{})
	}
	askedAgain := slices.ContainsFunc(t.rc.Questions, func(o reminders.Question) bool {
		return o.Step == didYouMean && o.QuestionID == root.ID
	})
	switch {
	case root.Answer != "" && !asks:
		if !spoken { // a digit that was never a choice
			t.effects.State = reminders.ReplyInbox
		}
		t.say("saved", nil, about(root))
	case asks || askedAgain:
		t.effects.State = reminders.ReplyInbox
	default:
		t.say("did-you-mean", nil, about(root), func(m *reminders.Message) {
			// The key makes it at most one a question, whatever comes at once.
			m.Subject, m.Step, m.QuestionID, m.Choices = reminders.MessageSubject(root.ID), didYouMean, root.ID, root.Choices
		})
	}
}

const didYouMean = "did-you-mean"

func (t *turn) command(ctx context.Context, m Meaning, q *reminders.Question) error {
	participant := len(t.rc.Participations) > 0
	switch m.Word {
	case "help":
		if t.rc.Reply.OptOut == "HELP" {
			return nil // the provider has answered this one by itself
		}
		t.say(t.forRole("help", "contact-help"), nil)
	case "buddy":
		i := slices.IndexFunc(t.rc.Participations, func(p reminders.Participation) bool { return len(p.Buddies) > 0 })
		if i < 0 {
			t.say(t.forRole("buddy-none", "contact-help"), nil)
			return nil
		}
		t.say("buddy-who", map[string]string{"buddy": t.bot.join(t.rc.Person.Language, t.rc.Participations[i].Buddies)})
	case "pause":
		if !participant { // visits are not paused: whoever keeps the calendar has to know
			t.effects.State = reminders.ReplyInbox
			t.say("contact-thanks", nil)
			return nil
		}
		weeks, err := strconv.Atoi(m.Arg)
		if err != nil {
			return fmt.Errorf("weeks of a pause: %w", err)
		}
		// Whole days: what is due on the last one must not depend on the hour at which the pause was asked for.
		c := t.bot.Calendar
		t.effects.PauseUntil = c.Today(t.now).AddDays(7*weeks).At(0, c.Location)
		t.say("paused", map[string]string{"weeks": m.Arg})
	case "language":
		t.effects.Language = m.Arg
		t.say("language-set", map[string]string{"language": m.Arg}, func(msg *reminders.Message) { msg.Params["in"] = m.Arg })
	case "delete":
		t.effects.State = reminders.ReplyInbox // a person does it, and sees that it is the right one
		t.say("delete-asked", nil)
	case "new":
		if q != nil && isSlots(q.Choices) {
			return t.other(ctx, q)
		}
		t.effects.Kind, t.effects.Why = reminders.ReplyText, "words"
		t.words(q)
	}
	return nil
}
