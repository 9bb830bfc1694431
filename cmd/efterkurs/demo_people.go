package main

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"efterkurs/bot"
	"efterkurs/bot/web"
	"efterkurs/reminders"
)

//go:embed demo/people.toml
var demoPeople string

// demoHabits say what each simulated person answers, by the end of their address. They are the demo's
// actors, not texts of the programme.
type demoHabits struct {
	Delay   int               // minutes until they answer
	Answers map[string]string // by step; "*" = any other question
}

type demoAnswer struct {
	at       time.Time
	personID int64
	question reminders.Message
	text     string
}

// listen looks at what came to the phones since last time and says who will answer when.
func (d *demoClock) listen(ctx context.Context) error {
	messages, err := d.app.store.Messages(ctx, reminders.MessageFilter{States: []reminders.State{reminders.Accepted, reminders.Sent, reminders.Delivered},
		From: d.Now().Add(-2 * demoStep)})
	if err != nil {
		return err
	}
	for _, m := range messages {
		if d.heard[m.ID] {
			continue
		}
		d.heard[m.ID] = true
		habits := d.habits[m.Address]
		text, ok := habits.Answers[m.Step]
		if !ok {
			text = habits.Answers["*"]
		}
		if len(m.Choices) > 0 && text != "" {
			d.due = append(d.due, demoAnswer{m.SentAt.Add(time.Duration(habits.Delay) * time.Minute), m.PersonID, m, text})
		}
	}
	slices.SortStableFunc(d.due, func(x, y demoAnswer) int { return x.at.Compare(y.at) })
	return nil
}

// Write is what a person types or presses on the simulated phone, taken in the same way as any other reply.
func (d *demoClock) Write(ctx context.Context, personID int64, channel, text string, questionID int64) error {
	person, err := d.app.store.Person(ctx, personID)
	if err != nil {
		return err
	}
	own, address := person.Address()
	if channel == "" {
		channel = own
	}
	if channel == reminders.SMS {
		address = person.Phone
	}
	now := d.Now()
	return d.app.bot.Receive(ctx, bot.Inbound{Channel: channel, ProviderID: fmt.Sprintf("demo-%d-%d", personID, now.UnixNano()),
		From: address, Text: text, QuestionID: questionID, At: now})
}

// People are everybody with a phone, and the school's own with their mailboxes.
func (d *demoClock) People(ctx context.Context) ([]web.DemoPerson, error) {
	s := d.app.store
	all, err := s.Status(ctx, reminders.Filter{})
	if err != nil {
		return nil, err
	}
	var people []web.DemoPerson
	leaders := map[int64]bool{}
	for _, e := range all {
		note := []string{}
		if e.Class.Course != "" {
			if course, err := d.app.texts.Course(e.Class.Course, "da"); err == nil {
				note = append(note, course.Title)
			}
		}
		if e.Person.Shift != "" {
			note = append(note, strings.ToLower(d.app.texts.Page("da", "shift-"+string(e.Person.Shift))))
		}
		if e.Person.Language != "da" {
			note = append(note, d.app.texts.Word("da", "language-"+e.Person.Language))
		}
		people = append(people, web.DemoPerson{Person: e.Person, Role: web.DemoParticipant, Company: e.Company.Name, Note: strings.Join(note, ", ")})
		if id := e.Company.ContactID; id != 0 && !leaders[id] {
			leaders[id] = true
			leader, err := s.Person(ctx, id)
			if err != nil {
				return nil, err
			}
			people = append(people, web.DemoPerson{Person: leader, Role: web.DemoContact, Company: e.Company.Name})
		}
	}
	slices.SortStableFunc(people, func(a, b web.DemoPerson) int { // the leader beside their people
		return cmp.Or(cmp.Compare(a.Company, b.Company), cmp.Compare(b.Role, a.Role))
	})
	for i := range people {
		if people[i].Texts, err = d.talk(ctx, people[i].Person); err != nil {
			return nil, err
		}
	}
	users, err := s.Users(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		messages, err := s.Messages(ctx, reminders.MessageFilter{UserID: u.ID})
		if err != nil {
			return nil, err
		}
		people = append(people, web.DemoPerson{Person: reminders.Person{ID: -u.ID, Name: u.Name, Email: u.Email, Channel: reminders.Email, Language: u.Language},
			Role: web.DemoStaff, Texts: sentTexts(messages)})
	}
	return people, nil
}

// talk is what a person got and wrote, oldest first.
func (d *demoClock) talk(ctx context.Context, p reminders.Person) ([]web.DemoText, error) {
	messages, err := d.app.store.Messages(ctx, reminders.MessageFilter{PersonID: p.ID})
	if err != nil {
		return nil, err
	}
	replies, err := d.app.store.Replies(ctx, reminders.ReplyFilter{PersonID: p.ID})
	if err != nil {
		return nil, err
	}
	texts := sentTexts(messages)
	for _, r := range replies {
		texts = append(texts, web.DemoText{At: r.At, Body: r.Text, Channel: r.Channel})
	}
	slices.SortStableFunc(texts, func(a, b web.DemoText) int { return a.At.Compare(b.At) })
	return texts, nil
}

// sentTexts are the messages that reached a phone, oldest first.
func sentTexts(messages []reminders.Message) []web.DemoText {
	var texts []web.DemoText
	for _, m := range messages {
		if m.SentAt.IsZero() {
			continue
		}
		texts = append(texts, web.DemoText{Out: true, At: m.SentAt, Body: m.Body, Channel: m.Channel, Choices: m.Choices, MessageID: m.ID, State: m.State})
	}
	slices.SortStableFunc(texts, func(a, b web.DemoText) int { return a.At.Compare(b.At) })
	return texts
}
