package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"efterkurs/reminders"
)

// Brief gathers what consultant and teacher should know before a visit; ENOTFOUND where there is none.
func (s *Store) Brief(ctx context.Context, visitID int64) (brief reminders.Brief, err error) {
	err = s.read(ctx, func(t *tx) error {
		brief, err = findBrief(ctx, t, visitID)
		return err
	})
	return brief, err
}

func findBrief(ctx context.Context, t *tx, visitID int64) (b reminders.Brief, err error) {
	visits, err := findVisits(ctx, t, []int64{visitID})
	if err != nil {
		return b, err
	}
	v, ok := visits[visitID]
	if !ok {
		return b, reminders.Errorf(reminders.ENOTFOUND, "there is no visit %d", visitID)
	}
	b = reminders.Brief{Visit: v, Barriers: map[string]int{}, Checkins: map[string]int{}}
	classes, err := findClasses(ctx, t, []int64{v.ClassID})
	if err != nil {
		return b, err
	}
	companies, err := findCompanies(ctx, t, []int64{v.CompanyID})
	if err != nil {
		return b, err
	}
	b.Class, b.Company = classes[v.ClassID], companies[v.CompanyID]
	if b.Company.ContactID != 0 {
		persons, err := findPersons(ctx, t, []int64{b.Company.ContactID})
		if err != nil {
			return b, err
		}
		b.Contact = at(persons, b.Company.ContactID)
	}
	people, err := statuses(ctx, t, reminders.Filter{ClassID: v.ClassID, CompanyID: v.CompanyID})
	if err != nil {
		return b, err
	}
	b.People = len(people)
	// Who is quiet is asked as of the visit; where it has no time yet, every exercise has had its days.
	asOf := v.Start
	if asOf.IsZero() {
		asOf = v.Earliest.AddDays(365).At(0, time.UTC)
	}
	groups := map[string]string{} // state of a check-in, by group and step: each of a group sees the same
	for _, p := range reminders.Views(people, asOf) {
		b.Names = append(b.Names, p.Person.Name)
		if p.Quiet {
			b.Quiet = append(b.Quiet, p.Person.Name)
		}
		if p.Goal != "" {
			b.Goals = append(b.Goals, reminders.BriefWords{Name: p.Person.Name, Text: p.Goal})
		}
		for _, c := range p.Checkins {
			if p.Group != 0 {
				groups[fmt.Sprint(p.Group, " ", c.Step)] = c.State
			}
		}
		for _, step := range p.Steps {
			countStep(&b, step)
		}
	}
	for _, state := range groups {
		switch state {
		case reminders.CheckinConfirmed, reminders.CheckinHalf:
			b.Checkins[state]++
		case reminders.CheckinOpen, reminders.CheckinNotYet:
			b.Checkins[reminders.CheckinOpen]++
		}
	}
	if b.Words, err = words(ctx, t, people, b.Class); err != nil {
		return b, err
	}
	b.Leader, err = leaderTalk(ctx, t, v)
	return b, err
}

// leaderTalk is what the contact has said of the talk with their people.
func leaderTalk(ctx context.Context, t *tx, v reminders.Visit) (string, error) {
	var asked []struct {
		ID    int64  `db:"id"`
		State string `db:"state"`
	}
	if err := t.all(ctx, &asked, `SELECT m.id, m.state FROM messages AS m WHERE m.subject = $1 AND m.step = $2`,
		reminders.CompanySubject(v.ClassID, v.CompanyID), reminders.StepLeader); err != nil {
		return "", fmt.Errorf("reading the leader's talk of visit %d: %w", v.ID, err)
	}
	if len(asked) == 0 {
		return "", nil
	}
	answers, err := latestAnswers(ctx, t, []int64{asked[0].ID})
	if err != nil {
		return "", err
	}
	switch answers[asked[0].ID].Meaning {
	case "yes":
		return reminders.LeaderHeld, nil
	case "no":
		return reminders.LeaderNotYet, nil
	}
	if reminders.State(asked[0].State).HasLeft() {
		return reminders.LeaderAsked, nil
	}
	return "", nil
}

// words returns what people wrote besides digits: about a step, and otherwise since the class, oldest first.
func words(ctx context.Context, t *tx, people []reminders.EnrolmentStatus, class reminders.Class) ([]reminders.BriefWords, error) {
	names := map[int64]string{}
	var persons, enrolments []int64
	for _, p := range people {
		names[p.Person.ID] = p.Person.Name
		persons = append(persons, p.Person.ID)
		enrolments = append(enrolments, p.EnrolmentID)
	}
	type row struct {
		PersonID    int64  `db:"person_id"`
		Body        string `db:"body"`
		Digit       string `db:"digit"`
		Meaning     string `db:"meaning"`
		Week        int    `db:"week"`
		EnrolmentID ref    `db:"enrolment_id"`
	}
	mine := map[int64]bool{}
	for _, id := range enrolments {
		mine[id] = true
	}
	rows, err := allIn[row](ctx, t, `SELECT r.person_id, r.body, COALESCE(a.digit, '') AS digit, COALESCE(a.meaning, '') AS meaning, COALESCE(m.week, 0) AS week, a.enrolment_id
		FROM replies AS r LEFT JOIN answers AS a ON a.id = (SELECT MAX(x.id) FROM answers AS x WHERE x.reply_id = r.id AND x.moved_at = 0)
		LEFT JOIN messages AS m ON m.id = a.question_id
		WHERE r.person_id IN (%s) AND r.kind IN ('answer', 'text') AND r.withdrawn_at = 0 AND r.at >= $1 ORDER BY r.id`,
		persons, ms(class.Start.At(0, t.s.loc)))
	if err != nil {
		return nil, fmt.Errorf("reading what people wrote: %w", err)
	}
	var out []reminders.BriefWords
	for _, r := range rows {
		if r.EnrolmentID != 0 && !mine[int64(r.EnrolmentID)] {
			continue // about another course
		}
		if text := wordsOf(r.Body, r.Digit); strings.ContainsFunc(text, unicode.IsLetter) { // a digit that was no choice says nothing here
			barrier, _ := strings.CutPrefix(r.Meaning, "barrier:")
			if barrier == r.Meaning {
				barrier = ""
			}
			out = append(out, reminders.BriefWords{Name: names[r.PersonID], Week: r.Week, Text: text, Barrier: barrier})
		}
	}
	return out, nil
}

func countStep(b *reminders.Brief, step reminders.StepStatus) {
	if step.Kind != reminders.KindExercise || step.Week < 1 || step.Week > len(b.Weeks) {
		return
	}
	week := &b.Weeks[step.Week-1]
	if step.State.HasLeft() {
		week.Sent++
	}
	if step.Answer == "" {
		return
	}
	week.Answered++
	meaning, barrier, _ := strings.Cut(step.Meaning, ":")
	switch meaning {
	case "yes", "plan", "none": // "none" stands in the way
		week.Yes++
	case "partly":
		week.Partly++
	case "no":
		week.No++
	case "rating":
		if n, err := strconv.Atoi(step.Answer); err == nil {
			b.Ratings = append(b.Ratings, n)
		}
	case "barrier":
		b.Barriers[barrier]++
	}
}
