package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"efterkurs/reminders"
	"efterkurs/templates"
)

// Compose writes the text of a message for its reader: in their language, at the length their channel
// bears, with the choices that can be answered.
func (b *Bot) Compose(_ context.Context, c reminders.Claim) (reminders.Outgoing, error) {
	lang := b.language(c)
	if c.Kind == reminders.KindNote {
		return b.note(c, lang), nil
	}
	text, err := b.text(c, lang)
	if errors.Is(err, templates.ErrUnknownCourse) || errors.Is(err, templates.ErrUnknownMessage) {
		return reminders.Outgoing{}, reminders.Errorf(reminders.ENOTFOUND, "text for %s: %w", c.Step, err)
	}
	if err != nil {
		return reminders.Outgoing{}, fmt.Errorf("text for %s: %w", c.Step, err)
	}
	values := b.values(c, lang)
	choices := make([]templates.Choice, len(text.Choices))
	for i, choice := range text.Choices {
		if choice.Label, err = templates.Fill(choice.Label, values); err != nil {
			return reminders.Outgoing{}, fmt.Errorf("choice %s of %s: %w", choice.Digit, c.Step, err)
		}
		choices[i] = choice
	}
	out := reminders.Outgoing{
		MessageID: c.ID, Kind: c.Kind, Channel: c.Channel, To: c.Address, Language: lang,
		ValidUntil: c.ValidUntil, Participant: c.UserID == 0,
	}
	for _, choice := range choices {
		out.Choices = append(out.Choices, reminders.Choice(choice))
	}
	body := text.SMS
	if c.Channel != reminders.SMS && text.Long != "" && (c.Person == nil || !c.Person.Easy) {
		body = text.Long
	}
	if c.Channel == reminders.SMS {
		body = templates.WithChoices(body, choices)
	} else { // there they are buttons
		body = strings.ReplaceAll(body, "{choices}", "")
	}
	if out.Text, err = templates.Fill(body, values); err != nil {
		return reminders.Outgoing{}, fmt.Errorf("text for %s: %w", c.Step, err)
	}
	if err := b.together(c, lang, values, &out); err != nil {
		return reminders.Outgoing{}, err
	}
	if c.Resend {
		note, err := b.Texts.Message(lang, "visit-resend-note")
		if err != nil {
			return reminders.Outgoing{}, fmt.Errorf("text for %s: %w", c.Step, err)
		}
		out.Text = note.SMS + "\n" + out.Text
	}
	if c.Channel == reminders.SMS {
		out.Text = templates.NormaliseSMS(out.Text)
	}
	if c.Kind == reminders.KindVisitLetter { // with nothing agreed and no counts its middle is empty
		out.Text = strings.ReplaceAll(out.Text, "\n\n\n\n", "\n\n")
	}
	out.Text = strings.TrimSpace(out.Text)
	if out.Subject, err = templates.Fill(text.Subject, values); err != nil {
		return reminders.Outgoing{}, fmt.Errorf("subject of %s: %w", c.Step, err)
	}
	if out.Invitation, err = b.invitation(c, lang); err != nil {
		return reminders.Outgoing{}, err
	}
	switch {
	case c.User != nil:
		out.Name, out.See = c.User.Name, see(c)
	case c.Person != nil:
		out.Name = c.Person.Name
	}
	return out, nil
}

// togetherWeeks are the exercises that are done with somebody. Each names who of a buddy group takes the first step: another
// one each time, whoever started at first.
var togetherWeeks = map[int]int{3: 1, 5: 2}

// together adds to an exercise who takes the first step, where the group and the text have room for it.
func (b *Bot) together(c reminders.Claim, lang string, values map[string]string, out *reminders.Outgoing) error {
	turn, ok := togetherWeeks[c.Week]
	if c.Kind != reminders.KindExercise || !ok || c.Person == nil || len(c.Buddies) == 0 || c.Starter == 0 {
		return nil
	}
	group := append([]reminders.Person{*c.Person}, c.Buddies...)
	slices.SortFunc(group, func(a, b reminders.Person) int { return cmp.Compare(a.ID, b.ID) })
	first := slices.IndexFunc(group, func(p reminders.Person) bool { return p.ID == c.Starter })
	if first < 0 {
		return nil
	}
	who := group[(first+turn)%len(group)]
	key, filled := "together-wait", maps.Clone(values)
	if filled["starter"] = who.FirstName(); who.ID == c.Person.ID {
		key = "together-start"
	}
	m, err := b.Texts.Message(lang, key)
	if err != nil {
		return fmt.Errorf("text for %s: %w", c.Step, err)
	}
	line, err := templates.Fill(m.SMS, filled)
	if err != nil {
		return fmt.Errorf("text for %s: %w", c.Step, err)
	}
	with := strings.TrimSpace(out.Text) + "\n\n" + line
	if c.Channel == reminders.SMS {
		with = strings.TrimSpace(out.Text) + "\n" + line
		if templates.CountSegments(templates.NormaliseSMS(with)).Segments > templates.CountSegments(templates.NormaliseSMS(out.Text)).Segments {
			return nil
		}
	}
	out.Text = with
	return nil
}

// note is what a person of the school wrote: nothing is filled into it or added.
func (b *Bot) note(c reminders.Claim, lang string) reminders.Outgoing {
	out := reminders.Outgoing{MessageID: c.ID, Kind: c.Kind, Channel: c.Channel, To: c.Address, Language: lang, ValidUntil: c.ValidUntil,
		Participant: true, Subject: c.Params["subject"], Text: c.Body}
	if c.Channel == reminders.SMS {
		out.Text = templates.NormaliseSMS(out.Text)
	}
	if c.Person != nil {
		out.Name = c.Person.Name
	}
	return out
}

// see is the page that a message to staff is about.
func see(c reminders.Claim) string {
	switch {
	case c.Kind == reminders.KindStaffUrgent:
		return "/inbox/" + strings.TrimPrefix(c.Subject, "reply/") // reminders.ReplySubject
	case c.Visit != nil:
		return "/visits/" + strconv.FormatInt(c.Visit.ID, 10)
	}
	return ""
}

func (b *Bot) language(c reminders.Claim) string {
	switch {
	case c.Params["in"] != "": // the answer to a change of language is in the new one
		return c.Params["in"]
	case c.Person != nil && c.Person.Language != "":
		return c.Person.Language
	case c.User != nil && c.User.Language != "":
		return c.User.Language
	}
	return "da"
}

// text finds the words of a message.
func (b *Bot) text(c reminders.Claim, lang string) (templates.Message, error) {
	message := func(key string) (templates.Message, error) { return b.Texts.Message(lang, key) }
	switch c.Kind {
	case reminders.KindExercise:
		e, course, err := b.exercise(c, lang)
		return templates.Message{Key: c.Step, Subject: course.Title + ": " + e.Title, SMS: e.SMS, Long: e.Long, Choices: e.Choices}, err
	case reminders.KindNudge:
		e, _, err := b.exercise(c, lang)
		if err != nil {
			return templates.Message{}, err
		}
		m, err := message("nudge")
		m.Choices = e.Choices
		return m, err
	case reminders.KindBuddy:
		key := "buddy-"
		if len(c.Buddies) > 1 {
			key += "trio-"
		}
		if c.Starter == c.PersonID {
			return message(key + "start")
		}
		return message(key + "wait")
	case reminders.KindBuddyLeft:
		if len(c.Buddies) == 0 {
			return message("buddy-left-alone")
		}
	case reminders.KindVisitReminder, reminders.KindStaffReminder:
		return message(fmt.Sprintf("%s-%d", c.Kind, c.Week))
	case reminders.KindVisitLetter:
		if c.Outcome != nil && len(c.Outcome.Steps) == 0 {
			return message("visit-letter-none")
		}
	case reminders.KindReply:
		return b.said(c, lang)
	}
	return message(visitKey(c.Message))
}

func (b *Bot) exercise(c reminders.Claim, lang string) (templates.Exercise, templates.Course, error) {
	if c.Class == nil {
		return templates.Exercise{}, templates.Course{}, fmt.Errorf("message %d has no class", c.ID)
	}
	course, err := b.Texts.Course(c.Class.Course, lang)
	if err != nil {
		return templates.Exercise{}, course, err
	}
	if c.Week < 1 || c.Week > len(course.Exercises) {
		return templates.Exercise{}, course, fmt.Errorf("course %s, week %d: %w", c.Class.Course, c.Week, templates.ErrUnknownMessage)
	}
	return course.Exercises[c.Week-1], course, nil
}

// said finds what is said back. Thanks come in variants, so that week 6 does not sound like week 1.
func (b *Bot) said(c reminders.Claim, lang string) (templates.Message, error) {
	key := c.Params["key"]
	if variant := c.Week % 3; variant > 0 && strings.HasPrefix(key, "thanks-") {
		if m, err := b.Texts.Message(lang, fmt.Sprintf("%s-%d", key, variant+1)); err == nil {
			return m, nil
		}
	}
	m, err := b.Texts.Message(lang, key)
	if of := c.Params["of"]; of != "" && !slices.ContainsFunc(c.Buddies, func(p reminders.Person) bool { return strconv.FormatInt(p.ID, 10) == of && p.Phone != "" }) {
		return m, fmt.Errorf("the number of somebody who is no buddy any more: %w", templates.ErrUnknownMessage)
	}
	if key == didYouMean || key == "which" || key == "later-again" || key == "who-of-you" {
		m.Choices = nil
		for _, choice := range c.Choices {
			m.Choices = append(m.Choices, templates.Choice(choice))
		}
	}
	return m, err
}

// values are what the placeholders of a text stand for.
func (b *Bot) values(c reminders.Claim, lang string) map[string]string {
	v := map[string]string{"school": b.School, "plan": c.Plan}
	if c.Week > 0 {
		v["week"] = strconv.Itoa(c.Week)
	}
	switch {
	case c.Person != nil:
		v["first_name"] = c.Person.FirstName()
	case c.User != nil:
		v["first_name"] = reminders.Person{Name: c.User.Name}.FirstName()
	}
	if c.Class != nil {
		v["course"] = c.Class.Course
		if course, err := b.Texts.Course(c.Class.Course, lang); err == nil {
			v["course"] = course.Title
			if c.Week >= 1 && c.Week <= len(course.Exercises) {
				v["title"] = course.Exercises[c.Week-1].Title
			}
		}
	}
	if c.Company != nil {
		v["company"], v["place"] = c.Company.Name, c.Company.Name
		v["count"] = strconv.Itoa(c.People)
	}
	if c.Enrolment != nil {
		v["goal"] = c.Enrolment.Goal
	}
	v["buddy"], v["starter"] = b.join(lang, c.Buddies), ""
	for _, p := range c.Buddies {
		if p.ID == c.Starter {
			v["starter"] = p.FirstName()
		}
	}
	v["consultant"] = b.School
	if c.Consultant != nil {
		v["consultant"], v["handled_by"] = c.Consultant.Name, c.Consultant.Name
	}
	v["handled_by"] = v["consultant"]
	if c.Teacher != nil {
		v["teacher"] = c.Teacher.Name
	}
	if visit := c.Visit; visit != nil {
		for i, slot := range visit.Slots {
			v["slot"+strconv.Itoa(i+1)] = b.moment(lang, slot)
		}
		if !visit.Start.IsZero() {
			b.when(v, lang, visit.Start)
		}
	}
	if c.Person != nil && !c.Person.PausedUntil.IsZero() {
		if _, ok := v["date"]; !ok {
			v["date"] = b.Texts.FormatDate(lang, c.Person.PausedUntil.In(b.Calendar.Location))
		}
	}
	if of := c.Params["of"]; of != "" {
		for _, p := range c.Buddies {
			if strconv.FormatInt(p.ID, 10) == of {
				v["buddy"], v["phone"] = p.FirstName(), phone(p.Phone)
			}
		}
	}
	for key, value := range c.Params {
		if at, err := time.Parse(timeParam, value); err == nil {
			if key == "at" {
				b.when(v, lang, at)
				continue
			}
			value = b.moment(lang, at)
		}
		v[key] = value
	}
	if kind := c.Params["kind"]; kind != "" {
		v["kind"] = b.Texts.Word(lang, "barrier-"+kind)
	}
	if c.Outcome != nil {
		b.outcome(v, lang, c)
	}
	if c.Brief != nil && c.Kind == reminders.KindBrief {
		v["brief"] = b.brief(lang, *c.Brief)
	}
	return v
}

// phone writes a number as people in its country do.
func phone(e164 string) string {
	number, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return e164
	}
	if number.GetCountryCode() == 45 {
		return phonenumbers.Format(number, phonenumbers.NATIONAL)
	}
	return phonenumbers.Format(number, phonenumbers.INTERNATIONAL)
}

func (b *Bot) when(v map[string]string, lang string, at time.Time) {
	at = at.In(b.Calendar.Location)
	v["date"], v["time"] = b.Texts.FormatDate(lang, at), b.Texts.FormatTime(lang, at)
}

// moment is a day and a time, as in "tirsdag 2. februar kl. 9.00".
func (b *Bot) moment(lang string, at time.Time) string {
	at = at.In(b.Calendar.Location)
	return b.Texts.FormatDate(lang, at) + " " + b.Texts.FormatTime(lang, at)
}

// join names people as one says it: "Bo og Eva".
func (b *Bot) join(lang string, people []reminders.Person) string {
	names := make([]string, len(people))
	for i, p := range people {
		names[i] = p.FirstName()
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + b.Texts.Word(lang, "and") + " " + names[len(names)-1]
}

// brief lists what to know before a visit. Its words come from the templates; the shape is here.
func (b *Bot) brief(lang string, brief reminders.Brief) string {
	word := func(key string) string { return b.Texts.Word(lang, key) }
	var s strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&s, format+"\n", args...) }
	line("%s: %d", word("brief-people"), brief.People)
	if brief.Contact != nil {
		line("%s: %s", word("brief-contact"), brief.Contact.Name)
	}
	list := func(title string, items []string) {
		if len(items) > 0 {
			line("\n%s", word(title))
			for _, item := range items {
				line("- %s", item)
			}
		}
	}
	var weeks []string
	for i, w := range brief.Weeks {
		if w.Sent > 0 {
			weeks = append(weeks, fmt.Sprintf("%s %d: %d/%d", word("brief-week"), i+1, w.Answered, w.Sent))
		}
	}
	list("brief-answers", weeks)
	var barriers []string
	for _, kind := range reminders.BarrierKinds {
		if n := brief.Barriers[kind]; n > 0 {
			barriers = append(barriers, fmt.Sprintf("%s: %d", word("barrier-"+kind), n))
		}
	}
	list("brief-barriers", barriers)
	if len(brief.Ratings) > 0 {
		sum := 0
		for _, r := range brief.Ratings {
			sum += r
		}
		list("brief-ratings", []string{fmt.Sprintf("%.1f (%d)", float64(sum)/float64(len(brief.Ratings)), len(brief.Ratings))})
	}
	spoken := func(all []reminders.BriefWords) (out []string) {
		for _, w := range all {
			said := w.Name
			if w.Week > 0 {
				said += fmt.Sprintf(" (%s %d)", strings.ToLower(word("brief-week")), w.Week)
			}
			out = append(out, said+": "+strings.Join(strings.Fields(w.Text), " "))
		}
		return out
	}
	list("brief-goals", spoken(brief.Goals))
	list("brief-words", spoken(brief.Words))
	var checkins []string
	for _, state := range []string{"confirmed", "half", "open"} {
		if n := brief.Checkins[state]; n > 0 {
			checkins = append(checkins, fmt.Sprintf("%s: %d", word("checkin-"+state), n))
		}
	}
	list("brief-checkins", checkins)
	list("brief-quiet", brief.Quiet)
	if brief.Leader != "" {
		list("brief-leader", []string{word("leader-" + brief.Leader)})
	}
	var ask []string
	for _, key := range brief.Ask() {
		ask = append(ask, word(key))
	}
	list("brief-ask", ask)
	return strings.TrimSpace(s.String())
}
