package bot

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"efterkurs/bot/meaning"
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
		m = meaning.Meaning{Kind: meaning.Stop, Why: "the provider says they opted out"}
	}
	if t.bot.subjectStop(in) {
		m = meaning.Meaning{Kind: meaning.Stop, Why: "asked to stop in the subject"}
	}
	t.effects.Kind, t.effects.Why = kindOf(m), m.Why
	if t.post(m) {
		return nil
	}
	if t.rc.Person == nil {
		t.stranger(m)
		return nil
	}
	t.effects.PersonID = t.rc.Person.ID
	if len(in.Media) > 0 { // only a person can look at a picture, whatever is written beside it
		t.effects.State = reminders.ReplyInbox
	}
	optedOut := !t.rc.Person.OptedOutAt.IsZero()
	switch {
	case t.rc.Overtaken && (m.Kind == meaning.Stop || m.Kind == meaning.Start):
		t.effects.Why += ", and has said otherwise since"
		return nil
	case m.Kind == meaning.Stop:
		t.effects.OptOut = true
		return nil // nobody who said STOP is written to, not even to say so
	case m.Kind == meaning.Start || in.OptOut == "START" && optedOut:
		t.effects.Kind, t.effects.OptIn, t.effects.Unpause = reminders.ReplyStart, true, true
		t.say(t.forRole("started", "contact-help"), nil)
		return nil
	case optedOut:
		t.effects.State, t.effects.Urgent = reminders.ReplyInbox, m.Kind == meaning.Trouble
		return nil
	case m.Kind != meaning.Answer && (m.Kind != meaning.Command || m.Word == meaning.Help) && t.machine():
		// Two machines that answer each other would never end. A person looks at it.
		t.effects.State, t.effects.Mute = reminders.ReplyInbox, true
		t.effects.Why += ", again and again: a machine seems to answer"
		return nil
	case m.Kind == meaning.Trouble:
		t.human("trouble")
		if question != nil { // kept with the question, as its writer's words
			t.give(t.root(question), reminders.Choice{})
		}
		return nil
	case t.callsOff(m) != nil:
		t.refused(*t.callsOff(m))
		return nil
	case m.Kind == meaning.Doubt:
		t.doubt()
		return nil
	case m.Kind == meaning.Command:
		return t.command(ctx, m, question)
	case m.Kind == meaning.Answer && (m.Sure() || t.root(question).Answer == ""):
		return t.answer(ctx, question, m) // an answer that was given is changed by one as clear, not by words that lean one way
	case m.Kind == meaning.Thanks && len(in.Media) == 0:
		return nil // it wants nothing
	case len(in.Media) > 0:
		if question != nil && strings.ContainsFunc(in.Text, unicode.IsLetter) { // what stands beside it is kept
			t.give(t.root(question), reminders.Choice{})
		}
		t.say(t.forRole("only-text", "contact-thanks"), nil)
		return nil
	case m.Kind == meaning.Question:
		t.asks(question)
		return nil
	}
	t.words(question, m)
	return nil
}

// kindOf is what a meaning is filed as.
func kindOf(m meaning.Meaning) string {
	switch m.Kind {
	case meaning.Stop:
		return reminders.ReplyStop
	case meaning.Doubt:
		return reminders.ReplyDoubt
	case meaning.Trouble:
		return reminders.ReplyTrouble
	case meaning.Start:
		return reminders.ReplyStart
	case meaning.Command:
		return reminders.ReplyCommand
	case meaning.Answer:
		return reminders.ReplyAnswer
	}
	return reminders.ReplyText
}

const (
	// mostSame is how often somebody may write the same text in ten minutes, and mostSaid how often they are answered in them.
	mostSame = 3
	mostSaid = 8
)

// machine says whether a machine seems to answer.
func (t *turn) machine() bool {
	return t.rc.Said >= mostSame && t.rc.Same > mostSame || t.rc.Said >= mostSaid
}

// human hands a reply to a person at once, and says who will call.
func (t *turn) human(key string) {
	t.effects.State, t.effects.Urgent = reminders.ReplyInbox, true
	t.say(key, nil)
	consultant, company := t.consultant()
	if consultant == nil {
		return
	}
	in := t.rc.Reply
	t.effects.Say = append(t.effects.Say, reminders.Message{Subject: reminders.ReplySubject(in.ID), Step: "urgent", Kind: reminders.KindStaffUrgent, UserID: consultant.ID,
		CompanyID: company, Priority: reminders.PriorityReply, State: reminders.Planned, DueAt: t.now, RunAt: t.now})
}

// consultant is who looks after the sender's company, nil where nobody does.
func (t *turn) consultant() (*reminders.User, int64) {
	for _, p := range t.rc.Participations {
		if p.Consultant != nil {
			return p.Consultant, p.Company.ID
		}
	}
	for _, l := range t.rc.Leads {
		if l.Consultant != nil {
			return l.Consultant, l.ID
		}
	}
	return nil, 0
}

// doubt asks once whether somebody wants to stop; until they have said, nothing else is sent to them.
func (t *turn) doubt() {
	t.effects.State, t.effects.Doubt = reminders.ReplyInbox, true // shown to a person until it is answered
	if !t.rc.Person.DoubtAt.IsZero() {
		return
	}
	t.say(t.forRole("stop-asked", "contact-stop-asked"), nil)
}

// asks hands a question to a person and says so.
func (t *turn) asks(q *reminders.Question) {
	t.effects.State = reminders.ReplyInbox
	if q != nil && !isSlots(q.Choices) && !isControl(q.Choices) && !ofLeader(q) {
		t.give(t.root(q), reminders.Choice{})
	}
	t.say(t.forRole("asked", "contact-thanks"), nil)
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

func (t *turn) answer(ctx context.Context, asked *reminders.Question, m meaning.Meaning) error {
	i := slices.IndexFunc(asked.Choices, func(c reminders.Choice) bool { return c.Digit == m.Digit })
	choice := asked.Choices[i]
	kind, detail, _ := strings.Cut(choice.Meaning, ":")
	switch kind {
	case "slot":
		return t.book(ctx, asked, choice)
	case "stop", "go-on", "pause", "erase", "share", "keep":
		return t.control(asked, choice, kind, detail)
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
	switch {
	case root.Answer != "":
		t.say("changed", map[string]string{"answer": choice.Label}, about(root))
	case root.Kind == reminders.KindLeader:
		t.say("leader-thanks-"+yesNo(choice.Meaning), nil, about(root))
	case root.Kind == reminders.KindVisitFollowup:
		t.say("visit-followup-"+kind, nil, about(root))
	case root.Kind == reminders.KindCheckin || root.Kind == reminders.KindCheckinAgain:
		t.say("thanks-checkin-"+yesNo(choice.Meaning), nil, about(root))
	case kind == "no" && t.newest(root) && !t.awaited(root):
		t.say("why-not", nil, about(root), func(msg *reminders.Message) {
			// The key makes it once an exercise. It is a question of its own, about the same week.
			msg.Subject, msg.Step = reminders.MessageSubject(root.ID), whyNot
		})
	case kind == "barrier":
		t.say("help-"+detail, map[string]string{"kind": detail}, about(root))
	case kind == "rating" && t.lastPlan(root):
		t.say("thanks-rating-plan", nil, about(root))
	default:
		t.say("thanks-"+kind, map[string]string{"answer": choice.Label, "kind": detail}, about(root))
	}
	return nil
}

const whyNot = "why-not"

// awaited says whether another question waits for an answer too: a digit is then for that one.
func (t *turn) awaited(but *reminders.Question) bool {
	open, _ := t.candidates()
	return slices.ContainsFunc(open, func(q *reminders.Question) bool { return t.root(q).ID != but.ID })
}

// newest says whether q is the last exercise of its course: of an older one nobody is asked why it was not done.
func (t *turn) newest(q *reminders.Question) bool {
	i := slices.IndexFunc(t.rc.Questions, func(o reminders.Question) bool {
		return o.Kind == reminders.KindExercise && o.EnrolmentID == q.EnrolmentID
	})
	return i >= 0 && t.rc.Questions[i].ID == q.ID
}

// lastPlan says whether the writer's own if–then plan of week 1 is known, to be given back to them at the end.
func (t *turn) lastPlan(q *reminders.Question) bool {
	for _, p := range t.rc.Participations {
		if p.Enrolment.ID == q.EnrolmentID {
			return p.Plan != "" && utf8.RuneCountInString(p.Plan) <= longestPlan
		}
	}
	return false
}

// longestPlan is how many letters of a plan fit into a short text beside the thanks.
const longestPlan = 90

// control does what a question about the service itself was answered with.
func (t *turn) control(asked *reminders.Question, choice reminders.Choice, kind, detail string) error {
	t.give(asked, choice)
	t.effects.Kind = reminders.ReplyCommand
	switch kind {
	case "stop":
		t.effects.Kind, t.effects.OptOut = reminders.ReplyStop, true
	case "erase":
		t.effects.Erase = true
	case "share", "keep":
		t.share(asked, kind == "share")
	case "go-on":
		t.effects.Certain = true
		t.say(t.forRole("going-on", "contact-help"), nil)
	case "pause":
		weeks, err := strconv.Atoi(detail)
		if err != nil {
			return fmt.Errorf("weeks of a pause: %w", err)
		}
		t.pauseWeeks(weeks)
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
// what comes then, and what belongs to no question, waits for a person.
func (t *turn) words(q *reminders.Question, m meaning.Meaning) {
	in := t.rc.Reply
	t.effects.Kind = reminders.ReplyText
	if q == nil || isSlots(q.Choices) || isControl(q.Choices) || ofLeader(q) {
		t.effects.State = reminders.ReplyInbox
		switch {
		case q != nil && (isSlots(q.Choices) || ofLeader(q)) || len(t.rc.Participations) == 0:
			t.say("contact-thanks", nil)
		case strings.TrimSpace(in.Text) != "":
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
	case root.Answer != "" && m.Kind != meaning.Unclear:
		if !spoken { // a digit that was never a choice
			t.effects.State = reminders.ReplyInbox
		}
		t.say("saved", nil, about(root))
	case askedAgain:
		t.effects.State = reminders.ReplyInbox
	default:
		key := didYouMean
		if m.Kind == meaning.Unclear {
			key = "which"
		}
		t.say(key, nil, about(root), func(msg *reminders.Message) {
			// The key makes it at most one a question, whatever comes at once.
			msg.Subject, msg.Step, msg.QuestionID, msg.Choices = reminders.MessageSubject(root.ID), didYouMean, root.ID, root.Choices
		})
	}
}

const didYouMean = "did-you-mean"
