package bot

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/bot/meaning"
	"efterkurs/reminders"
	"efterkurs/templates"
)

// command does what a person asks the bot to do. Whoever asks for something wants to be written to: what was in doubt is
// settled by it.
func (t *turn) command(ctx context.Context, m meaning.Meaning, q *reminders.Question) error {
	participant := len(t.rc.Participations) > 0
	t.effects.Certain = true
	switch m.Word {
	case meaning.Help:
		if t.rc.Reply.OptOut == "HELP" {
			return nil // the provider has answered this one by itself
		}
		t.say(t.forRole("help", "contact-help"), nil)
	case meaning.Buddy:
		t.buddy()
	case meaning.Pause:
		if !participant { // visits are not paused: whoever keeps the calendar has to know
			t.effects.State = reminders.ReplyInbox
			t.say("contact-thanks", nil)
			return nil
		}
		t.pause(m)
	case meaning.Language:
		t.effects.Language = m.Arg
		key := "language-set"
		if !t.bot.Texts.Speaks(m.Arg) {
			key = "language-later"
		}
		t.say(key, map[string]string{"language": m.Arg}, func(msg *reminders.Message) {
			if t.bot.Texts.Speaks(m.Arg) {
				msg.Params["in"] = m.Arg
			}
		})
	case meaning.Later:
		t.later(m, q)
	case meaning.Answers:
		t.ownAnswers()
	case meaning.Delete:
		t.say("erase-sure", nil)
	case meaning.CallMe:
		t.human("call-you")
	case meaning.New:
		if q != nil && isSlots(q.Choices) {
			return t.other(ctx, q)
		}
		t.effects.Kind, t.effects.Certain = reminders.ReplyText, false
		t.words(q, m)
	default:
		return fmt.Errorf("nobody knows the command %s", m.Word)
	}
	return nil
}

func (t *turn) buddy() {
	for _, p := range t.rc.Participations {
		if len(p.Buddies) > 0 {
			t.whoIs(p)
			return
		}
	}
	t.say(t.forRole("buddy-none", "contact-help"), nil)
}

// whoIs names somebody's buddies, with the number of those who agreed to it; where nobody was asked, it asks.
func (t *turn) whoIs(p reminders.Participation) {
	own := func(m *reminders.Message) {
		m.EnrolmentID, m.CompanyID, m.ClassID = p.Enrolment.ID, p.Company.ID, p.Class.ID
	}
	mutual := slices.Contains(p.Shared, t.rc.Person.ID)
	reachable := t.rc.Person.Phone != "" && slices.ContainsFunc(p.Buddies, func(b reminders.Person) bool { return b.Phone != "" })
	for _, b := range p.Buddies {
		if mutual && b.Phone != "" && slices.Contains(p.Shared, b.ID) {
			t.say("buddy-number", map[string]string{"of": strconv.FormatInt(b.ID, 10)}, own)
			return
		}
	}
	key := "buddy-who"
	if reachable && !mutual {
		key = "buddy-who-share"
	}
	t.say(key, map[string]string{"buddy": t.bot.join(t.rc.Person.Language, p.Buddies)}, own)
}

// share keeps what somebody said of their number. The number itself is said by the store, to both at once.
func (t *turn) share(q *reminders.Question, yes bool) {
	i := slices.IndexFunc(t.rc.Participations, func(p reminders.Participation) bool { return p.Enrolment.ID == q.EnrolmentID && len(p.Buddies) > 0 })
	if i < 0 {
		t.say("buddy-none", nil)
		return
	}
	p := t.rc.Participations[i]
	t.effects.Share = &reminders.Share{EnrolmentID: p.Enrolment.ID, Yes: yes}
	switch {
	case !yes:
		t.say("buddy-share-no", nil, about(q))
	case !slices.ContainsFunc(p.Buddies, func(b reminders.Person) bool { return b.Phone != "" && slices.Contains(p.Shared, b.ID) }):
		t.say("buddy-share-waits", map[string]string{"buddy": t.bot.join(t.language(), p.Buddies)}, about(q))
	}
}

// longestPause is how many weeks ahead somebody may pause by themselves.
const longestPause = 26

// pause takes the break that was asked for, and offers one where it was not said how long.
func (t *turn) pause(m meaning.Meaning) {
	c := t.bot.Calendar
	switch until, ok := resolve(m.Until, c.Today(t.written())); {
	case m.Weeks > 0:
		t.pauseWeeks(m.Weeks)
	case ok && until.Sub(c.Today(t.now)) <= 7*longestPause:
		t.effects.PauseUntil = until.At(0, c.Location)
		t.say("paused-until", nil)
	default:
		t.say("pause-offer", nil)
	}
}

// pauseWeeks pauses for whole days: what is due on the last one must not depend on the hour at which it was asked for.
func (t *turn) pauseWeeks(weeks int) {
	c := t.bot.Calendar
	t.effects.PauseUntil = c.Today(t.now).AddDays(7*weeks).At(0, c.Location)
	key := "paused"
	if weeks == 1 {
		key = "paused-week"
	}
	t.say(key, map[string]string{"weeks": strconv.Itoa(weeks)})
}

// resolve finds the day that somebody means who writes it on today: the next one of that name.
func resolve(d meaning.Day, today reminders.Date) (reminders.Date, bool) {
	if d.IsZero() {
		return reminders.Date{}, false
	}
	for i := 1; i <= 366; i++ {
		day := today.AddDays(i)
		if d.IsWeekday && day.Weekday() == d.Weekday || !d.IsWeekday && day.Day == d.Day && int(day.Month) == d.Month {
			return day, true
		}
	}
	return reminders.Date{}, false
}

const (
	// laterBy is when "later" is, where no hour is said, but not after latest.
	laterBy = 3 * time.Hour
	latest  = 21 * 60
)

// later asks the open question once more, at the hour that its reader chose.
func (t *turn) later(m meaning.Meaning, q *reminders.Question) {
	if q == nil || t.closed(q) || isSlots(q.Choices) || isControl(q.Choices) {
		t.say(t.forRole("later-none", "contact-thanks"), nil)
		if len(t.rc.Participations) == 0 {
			t.effects.State = reminders.ReplyInbox
		}
		return
	}
	root, c := t.root(q), t.bot.Calendar
	at := t.now.Add(laterBy)
	if m.Clock >= 0 {
		at = c.Today(t.now).At(reminders.Minute(m.Clock), c.Location)
	} else if end := c.Today(t.now).At(latest, c.Location); at.After(end) {
		at = end
	}
	if !at.After(t.now.Add(time.Minute)) {
		t.say("later-tomorrow", nil, about(root)) // that hour has gone by: the reminder comes by itself
		return
	}
	t.say("later-ok", map[string]string{"time": t.bot.Texts.FormatTime(t.language(), at.In(c.Location))}, about(root))
	asked, _, _ := strings.Cut(root.Body, "\n"+templates.WithChoices("", choicesOf(root.Choices)))
	again := reminders.Message{
		Subject: reminders.ReplySubject(t.rc.Reply.ID), Step: "later", Kind: reminders.KindReply, PersonID: t.rc.Person.ID, QuestionID: root.ID, Choices: root.Choices,
		Priority: reminders.PriorityReply, State: reminders.Planned, DueAt: at, RunAt: at, Channel: t.rc.Reply.Channel, Address: t.backTo(),
		Params: map[string]string{"key": "later-again", "question": asked},
	}
	about(root)(&again)
	t.effects.Say = append(t.effects.Say, again)
}

func choicesOf(choices []reminders.Choice) (out []templates.Choice) {
	for _, c := range choices {
		out = append(out, templates.Choice(c))
	}
	return out
}

// ownAnswers tells a person what they have answered, the newest course only.
func (t *turn) ownAnswers() {
	if len(t.rc.Participations) == 0 {
		t.say("contact-help", nil)
		return
	}
	byWeek := map[int]string{}
	for i := range t.rc.Questions {
		q := &t.rc.Questions[i]
		if q.Kind != reminders.KindExercise || q.EnrolmentID != t.rc.Participations[0].Enrolment.ID || q.Answer == "" {
			continue
		}
		for _, c := range q.Choices {
			if c.Digit == q.Answer {
				byWeek[q.Week] = c.Label
			}
		}
	}
	var lines []string
	for week := 1; week <= reminders.Exercises; week++ {
		if label := byWeek[week]; label != "" {
			lines = append(lines, fmt.Sprintf("%s %d: %s", t.bot.Texts.Word(t.language(), "brief-week"), week, label))
		}
	}
	if len(lines) == 0 {
		t.say("answers-none", nil)
		return
	}
	t.say("answers", map[string]string{"answers": strings.Join(lines, "\n")})
}

// language is the one that the sender is answered in.
func (t *turn) language() string {
	if t.rc.Person != nil && t.rc.Person.Language != "" {
		return t.rc.Person.Language
	}
	return "da"
}
