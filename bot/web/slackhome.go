package web

import (
	"context"
	"strings"

	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

// App Home: what a participant finds when they open the app in Slack. It is made anew whenever it is opened, and after
// each press of its buttons; those say what the words would.

// publishHome shows somebody their Home, behind the acknowledgement.
func (s *Server) publishHome(team, user string) {
	if s.Slack != nil {
		s.errands.call(func(ctx context.Context) { s.home(ctx, team, user) })
	}
}

func (s *Server) home(ctx context.Context, team, user string) {
	if s.Slack == nil {
		return
	}
	home, err := s.homeOf(ctx, team, user)
	if err == nil {
		err = s.Slack.Publish(ctx, team, user, home)
	}
	if err != nil {
		s.Log.Warn("showing App Home", "workspace", team, "error", err)
	}
}

func (s *Server) homeOf(ctx context.Context, team, user string) ([]slack.HomePart, error) {
	email, err := s.Slack.UserEmail(ctx, team, user)
	if err != nil { // whose id is known needs none
		email = ""
	}
	person, err := s.Store.PersonInSlack(ctx, team, user, email)
	lang := person.Language
	if lang == "" {
		lang = languages[0]
	}
	say := func(key string, args ...string) string {
		return strings.NewReplacer(args...).Replace(s.Texts.Word(lang, key))
	}
	if reminders.ErrorCode(err) == reminders.ENOTFOUND {
		return []slack.HomePart{{Title: s.School, Text: say("home-unknown", "{school}", s.School)}}, nil
	}
	if err != nil {
		return nil, err
	}
	enrolments, err := s.Store.Status(ctx, reminders.Filter{PersonID: person.ID})
	if err != nil {
		return nil, err
	}
	home := []slack.HomePart{{Title: say("home-hello", "{first_name}", person.FirstName()), Text: say("home-what", "{school}", s.School)}}
	for _, e := range enrolments {
		home = append(home, s.homeCourse(e, lang, say))
	}
	return append(home, s.homePause(person, lang, say)), nil
}

// homeCourse is what somebody did on one course: their exercises with their answers, and their buddy.
func (s *Server) homeCourse(e reminders.EnrolmentStatus, lang string, say func(string, ...string) string) slack.HomePart {
	title := e.Class.Course
	course, err := s.Texts.Course(e.Class.Course, lang)
	if err == nil {
		title = course.Title
	}
	var lines []string
	for _, step := range e.Steps {
		if step.Kind != reminders.KindExercise || !step.State.HasLeft() || step.Week < 1 || step.Week > len(course.Exercises) {
			continue
		}
		exercise := course.Exercises[step.Week-1]
		answer := say("home-unanswered")
		for _, choice := range exercise.Choices {
			if step.Answer == choice.Digit {
				answer = say("chosen", "{answer}", choice.Digit+" "+choice.Label)
			}
		}
		lines = append(lines, say("home-exercise", "{week}", string(rune('0'+step.Week)), "{title}", exercise.Title, "{answer}", answer))
	}
	if lines == nil {
		lines = []string{say("home-none")}
	}
	if len(e.Buddies) > 0 {
		names := make([]string, len(e.Buddies))
		for i, name := range e.Buddies {
			names[i] = reminders.Person{Name: name}.FirstName()
		}
		lines = append(lines, "", say("home-buddy", "{buddy}", strings.Join(names, ", ")))
	}
	return slack.HomePart{Title: title, Text: strings.Join(lines, "\n")}
}

// homePause is how to stop for a while, and to go on.
func (s *Server) homePause(person reminders.Person, lang string, say func(string, ...string) string) slack.HomePart {
	again := []slack.HomeButton{{Word: "START", Label: say("home-start")}}
	switch {
	case !person.OptedOutAt.IsZero():
		return slack.HomePart{Text: say("home-stopped"), Buttons: again}
	case person.PausedUntil.After(s.Now()):
		return slack.HomePart{Text: say("home-paused", "{date}", s.Texts.FormatDate(lang, person.PausedUntil.In(s.Calendar.Location))), Buttons: again}
	}
	return slack.HomePart{Text: say("home-pause"), Buttons: []slack.HomeButton{{Word: "PAUSE 1", Label: say("home-pause-1")},
		{Word: "PAUSE 2", Label: say("home-pause-2")}, {Word: "PAUSE 4", Label: say("home-pause-4")}}}
}
