package bot_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"efterkurs/bot"
	"efterkurs/reminders"
	"efterkurs/templates"
)

// scribe is a bot that only writes.
func scribe(t *testing.T) *bot.Bot {
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return &bot.Bot{Texts: texts, Calendar: reminders.NewCalendar(copenhagen(t)), School: "Fjordens Skole"}
}

var (
	slots      = []time.Time{day(2, 9), day(3, 13), day(4, 10)}
	consultant = &reminders.User{ID: 71, Name: "Karen Krogh", Email: "karen@skole.dk", Role: reminders.Consultant}
	teacher    = &reminders.User{ID: 72, Name: "Frits Friis", Email: "frits@skole.dk", Role: reminders.Teacher}
	smith      = &reminders.Company{ID: 2, Name: "Smed & Søn", ContactID: 9, ConsultantID: 71}
)

func day(d, hour int) time.Time { return time.Date(2026, 11, d, hour-1, 0, 0, 0, time.UTC) }

func params(pairs ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// participant, leader and staff are the context that the store gives a message to each of them.
func participant(c reminders.Claim) reminders.Claim {
	c.ID, c.PersonID, c.EnrolmentID, c.CompanyID, c.ClassID = 1, 3, 4, 2, 5
	c.Person = &reminders.Person{ID: 3, Name: "Maja Møller"}
	c.Enrolment = &reminders.Enrolment{ID: 4, PersonID: 3}
	c.Class = &reminders.Class{ID: 5, Course: "5s", Name: "Hold 1"}
	c.Company, c.Consultant, c.Teacher, c.People = smith, consultant, teacher, 6
	c.Buddies, c.Starter = []reminders.Person{{ID: 6, Name: "Bo Berg"}}, 6
	return c
}

func leader(c reminders.Claim) reminders.Claim {
	c = participant(c)
	c.EnrolmentID, c.Enrolment, c.Buddies, c.Starter = 0, nil, nil, 0
	c.Person, c.PersonID = &reminders.Person{ID: 9, Name: "Lis Lund"}, 9
	return c
}

// stranger has written to us and belongs to nothing: a contact of once.
func stranger(c reminders.Claim) reminders.Claim {
	c.ID, c.PersonID, c.Person = 1, 9, &reminders.Person{ID: 9, Name: "Lis Lund"}
	return c
}

func staff(u *reminders.User) func(reminders.Claim) reminders.Claim {
	return func(c reminders.Claim) reminders.Claim {
		c = leader(c)
		c.Person, c.PersonID, c.User, c.UserID = nil, 0, u, u.ID
		c.Brief = &reminders.Brief{People: 6, Contact: &reminders.Person{Name: "Lis Lund"}, Barriers: map[string]int{"daily_run": 2}, Ratings: []int{3, 4},
			Weeks: [6]reminders.BriefWeek{{Sent: 6, Answered: 4}}, Words: []reminders.BriefWords{{Name: "Maja", Week: 2, Text: "vi mangler {tape}"}},
			Checkins: map[string]int{"confirmed": 2, "half": 1}, Quiet: []string{"Bo Berg"}}
		return c
	}
}

func visiting(state string) *reminders.Visit {
	v := &reminders.Visit{ID: 8, State: state, Slots: slots, ConsultantID: 71, TeacherID: 72}
	if state == reminders.VisitBooked {
		v.Start, v.End = slots[0], slots[0].Add(reminders.VisitLength)
	}
	return v
}

// letter is one text and who gets it.
type letter struct {
	name  string
	claim reminders.Claim
}

// letters are all that the bot ever writes.
func letters() []letter {
	var all []letter
	add := func(name string, to func(reminders.Claim) reminders.Claim, c reminders.Claim) {
		all = append(all, letter{name, to(c)})
	}
	step := func(kind reminders.Kind, week int) reminders.Claim {
		return reminders.Claim{Message: reminders.Message{Kind: kind, Week: week, Step: string(kind)}}
	}
	said := func(key string, week int, pairs ...string) reminders.Claim {
		return reminders.Claim{Message: reminders.Message{Kind: reminders.KindReply, Week: week, Step: "say", Params: params(append(pairs, "key", key)...)}}
	}
	for _, course := range []string{"5s", "forretning", "smed", "problemloesning"} {
		onCourse := func(c reminders.Claim) reminders.Claim { c = participant(c); c.Class.Course = course; return c }
		for week := 1; week <= reminders.Exercises; week++ {
			add(fmt.Sprintf("exercise %d of %s", week, course), onCourse, step(reminders.KindExercise, week))
			add(fmt.Sprintf("reminder %d of %s", week, course), onCourse, step(reminders.KindNudge, week))
		}
	}
	group := func(buddies int, starter int64) func(reminders.Claim) reminders.Claim {
		return func(c reminders.Claim) reminders.Claim {
			c = participant(c)
			c.Buddies, c.Starter = []reminders.Person{{ID: 6, Name: "Bo Berg"}, {ID: 7, Name: "Eva Ek"}}[:buddies], starter
			return c
		}
	}
	for buddies := 1; buddies <= 2; buddies++ {
		for _, starter := range []int64{3, 6} {
			add(fmt.Sprintf("buddy, %d others, %d starts", buddies, starter), group(buddies, starter), step(reminders.KindBuddy, 0))
		}
		for _, week := range []int{2, 4, 6} {
			add(fmt.Sprintf("check-in %d, %d others", week, buddies), group(buddies, 6), step(reminders.KindCheckin, week))
			add(fmt.Sprintf("check-in %d again, %d others", week, buddies), group(buddies, 6), step(reminders.KindCheckinAgain, week))
		}
	}
	joined := step(reminders.KindBuddyJoined, 0)
	joined.Params = params("buddy", "Ib")
	add("buddy joined", group(2, 6), joined)
	add("welcome", participant, step(reminders.KindWelcome, 0))
	add("leader's nudge", leader, step(reminders.KindLeader, 0))
	visit := func(kind reminders.Kind, days int, state string) reminders.Claim {
		c := step(kind, days)
		c.Visit = visiting(state)
		return c
	}
	add("visit day", participant, visit(reminders.KindVisitDay, 0, reminders.VisitBooked))
	add("proposal", leader, visit(reminders.KindVisitProposal, 0, reminders.VisitProposed))
	add("proposal again", leader, visit(reminders.KindVisitAgain, 0, reminders.VisitProposed))
	for _, days := range []int{7, 1} {
		add(fmt.Sprintf("reminder of the visit, %d days", days), leader, visit(reminders.KindVisitReminder, days, reminders.VisitBooked))
	}
	changed := func(kind reminders.Kind, change, state string) reminders.Claim {
		c := visit(kind, 0, state)
		c.Params = params()
		if change != "" {
			c.Params = params(reminders.ParamChange, change, reminders.ParamWas, slots[0].Format(time.RFC3339))
		}
		return c
	}
	for _, change := range []string{"", reminders.ChangeMoved, reminders.ChangeOther, reminders.ChangeCancelled, reminders.ChangeReleased, reminders.ChangeUnplaced} {
		add("invitation "+change, leader, changed(reminders.KindVisitInvitation, change, reminders.VisitBooked))
	}
	for _, change := range []string{"", reminders.ChangeMoved, reminders.ChangeOther} {
		add("moved "+change, leader, changed(reminders.KindVisitMoved, change, reminders.VisitBooked))
	}
	for _, change := range []string{reminders.ChangeCancelled, reminders.ChangeUnplaced} {
		add("called off "+change, leader, changed(reminders.KindVisitCancelled, change, reminders.VisitCancelled))
	}
	add("released", leader, changed(reminders.KindVisitProposal, reminders.ChangeReleased, reminders.VisitProposed))
	for who, to := range map[string]func(reminders.Claim) reminders.Claim{"consultant": staff(consultant), "teacher": staff(teacher)} {
		for _, change := range []string{reminders.ChangeMoved, reminders.ChangeOther} {
			add("booked "+change+", to the "+who, to, changed(reminders.KindStaffBooked, change, reminders.VisitBooked))
		}
		for _, change := range []string{reminders.ChangeOther, reminders.ChangeCancelled, reminders.ChangeReleased, reminders.ChangeUnplaced} {
			add("called off "+change+", to the "+who, to, changed(reminders.KindStaffCancelled, change, reminders.VisitBooked))
		}
		add("declined, to the "+who, to, changed(reminders.KindStaffUrgent, "declined", reminders.VisitBooked))
		for _, days := range []int{7, 1} {
			add(fmt.Sprintf("reminder to the %s, %d days", who, days), to, visit(reminders.KindStaffReminder, days, reminders.VisitBooked))
		}
		add("booked, to the "+who, to, visit(reminders.KindStaffBooked, 0, reminders.VisitBooked))
		add("brief, to the "+who, to, visit(reminders.KindBrief, 2, reminders.VisitBooked))
	}
	for week := 1; week <= reminders.Exercises; week++ {
		for _, key := range []string{"thanks-yes", "thanks-partly", "thanks-no", "thanks-plan", "thanks-none", "thanks-rating", "thanks-checkin-yes", "thanks-checkin-no"} {
			add(fmt.Sprintf("%s, week %d", key, week), participant, said(key, week, "answer", "Ja", "kind", ""))
		}
		for _, kind := range reminders.BarrierKinds {
			add(fmt.Sprintf("thanks-barrier, %s, week %d", kind, week), participant, said("thanks-barrier", week, "answer", "Andet", "kind", kind))
		}
		add(fmt.Sprintf("changed, week %d", week), participant, said("changed", week, "answer", "Ja"))
		ask := said("did-you-mean", week)
		ask.Choices = []reminders.Choice{{Digit: "1", Label: "Ja", Meaning: "yes"}, {Digit: "2", Label: "Nej", Meaning: "no"}}
		add(fmt.Sprintf("did you mean, week %d", week), participant, ask)
	}
	everybody := map[string]func(reminders.Claim) reminders.Claim{"participant": participant, "leader": leader, "stranger": stranger}
	for who, to := range everybody {
		for _, key := range []string{"erase-sure", "who-are-you", "contact-thanks", "contact-help"} {
			add(key+" to a "+who, to, said(key, 0))
		}
		add("language to a "+who, to, said("language-set", 0, "language", "en", "in", "en"))
	}
	for _, key := range []string{"saved", "started", "help", "buddy-none"} {
		add(key, participant, said(key, 0))
	}
	add("buddy-who", participant, said("buddy-who", 0, "buddy", "Bo og Eva"))
	add("paused", participant, said("paused", 0, "weeks", "2"))
	offered := []string{"slot1", slots[0].Format(time.RFC3339), "slot2", slots[1].Format(time.RFC3339), "slot3", slots[2].Format(time.RFC3339)}
	add("other times", leader, said("visit-new", 0, offered...))
	add("time taken", leader, said("visit-taken", 0, offered...))
	add("visit booked", leader, said("visit-booked", 0, "at", slots[0].Format(time.RFC3339)))
	return all
}

// gap is what an empty value leaves behind.
var gap = regexp.MustCompile(`\{[a-z]|  | [.,?!](\s|$)|<nil>|%!`)

func TestEveryTextCanBeWrittenOnEveryChannelInEveryLanguage(t *testing.T) {
	b := scribe(t)
	for _, l := range letters() {
		for _, lang := range b.Texts.Languages() {
			for _, channel := range []string{reminders.SMS, reminders.Slack, reminders.Email} {
				for _, easy := range []bool{false, true} {
					c := l.claim
					c.Channel = channel
					switch {
					case c.Person != nil:
						p := *c.Person
						p.Language, p.Easy = lang, easy
						c.Person = &p
					case easy || channel != reminders.Email: // staff get e-mail
						continue
					default:
						u := *c.User
						u.Language = lang
						c.User = &u
					}
					name := fmt.Sprintf("%s, %s, %s, easy %v", l.name, lang, channel, easy)
					out, err := b.Compose(ctx, c)
					switch {
					case err != nil:
						t.Errorf("%s: %v", name, err)
						continue
					case out.Text == "" || gap.MatchString(strings.ReplaceAll(out.Text, "{tape}", "tape")):
						t.Errorf("%s reads %q", name, out.Text)
					case channel == reminders.Email && (out.Subject == "" || gap.MatchString(out.Subject)):
						t.Errorf("%s has the subject %q", name, out.Subject)
					case channel == reminders.SMS && templates.CountSegments(out.Text).Segments > 2:
						t.Errorf("%s is %d segments: %q", name, templates.CountSegments(out.Text).Segments, out.Text)
					}
					if shown := strings.Contains(out.Text, "1 = "); len(out.Choices) > 0 && shown != (channel == reminders.SMS) {
						t.Errorf("%s: choices in the text %v: %q", name, shown, out.Text)
					}
				}
			}
		}
	}
}

func TestLongTextsAreForSlackAndMailAndShortOnesForWhoWantsThem(t *testing.T) {
	b := scribe(t)
	course, err := b.Texts.Course("5s", "da")
	if err != nil {
		t.Fatal(err)
	}
	short, long := course.Exercises[1].SMS, course.Exercises[1].Long
	for _, c := range []struct {
		channel string
		easy    bool
		want    string
	}{
		{reminders.SMS, false, short}, {reminders.SMS, true, short},
		{reminders.Slack, false, long}, {reminders.Slack, true, short},
		{reminders.Email, false, long}, {reminders.Email, true, short},
	} {
		claim := participant(reminders.Claim{Message: reminders.Message{Kind: reminders.KindExercise, Week: 2, Channel: c.channel}})
		claim.Person.Easy = c.easy
		out, err := b.Compose(ctx, claim)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(out.Text, c.want) {
			t.Errorf("%s, easy %v: %q", c.channel, c.easy, out.Text)
		}
	}
}

func TestATextSentAgainSaysSo(t *testing.T) {
	b := scribe(t)
	for lang, want := range map[string]string{"da": "Måske får du denne besked to gange.\n", "en": ""} {
		c := leader(reminders.Claim{Message: reminders.Message{Kind: reminders.KindVisitReminder, Week: 1, Channel: reminders.SMS}, Visit: visiting(reminders.VisitBooked)})
		c.Person.Language = lang
		first, err := b.Compose(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		c.Resend = true
		again, err := b.Compose(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		note, ok := strings.CutSuffix(again.Text, first.Text)
		if !ok || note == "" || !strings.HasPrefix(note, want) {
			t.Errorf("%s: first %q, then %q", lang, first.Text, again.Text)
		}
	}
}

func TestAMessageToStaffNamesThePageThatItIsAbout(t *testing.T) {
	urgent := reminders.Message{Kind: reminders.KindStaffUrgent, Subject: reminders.ReplySubject(12), Step: "urgent"}
	for want, c := range map[string]reminders.Claim{
		"/inbox/12": staff(consultant)(reminders.Claim{Message: urgent}),
		"/visits/8": staff(teacher)(reminders.Claim{Message: reminders.Message{Kind: reminders.KindStaffBooked}, Visit: visiting(reminders.VisitBooked)}),
		"":          participant(reminders.Claim{Message: reminders.Message{Kind: reminders.KindWelcome}}),
	} {
		c.Channel = reminders.Email
		out, err := scribe(t).Compose(ctx, c)
		if err != nil || out.See != want {
			t.Errorf("%s leads to %q, %v; want %q", c.Kind, out.See, err, want)
		}
	}
}

func TestATextThatDoesNotExistIsNamedAsMissing(t *testing.T) {
	b := scribe(t)
	for name, c := range map[string]reminders.Claim{
		"course": {Message: reminders.Message{Kind: reminders.KindExercise, Week: 1}},
		"week":   {Message: reminders.Message{Kind: reminders.KindExercise, Week: 7}},
		"key":    {Message: reminders.Message{Kind: reminders.KindReply, Params: params("key", "nothing-of-the-kind")}},
	} {
		c = participant(c)
		if name == "course" {
			c.Class.Course = "madlavning"
		}
		if _, err := b.Compose(ctx, c); reminders.ErrorCode(err) != reminders.ENOTFOUND {
			t.Errorf("%s: %v", name, err)
		}
	}
}
