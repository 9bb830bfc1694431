package store

import (
	"context"
	"fmt"
	"strings"

	"efterkurs/reminders"
)

// loadClaims adds to messages all that their texts and the decision about them depend on: some ten
// statements a batch, however large it is.
func loadClaims(ctx context.Context, t *tx, messages []reminders.Message) ([]reminders.Claim, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	persons, users, enrolments, companies, classes, visitIDs := set{}, set{}, set{}, set{}, set{}, set{}
	for _, m := range messages {
		persons.add(m.PersonID)
		users.add(m.UserID)
		enrolments.add(m.EnrolmentID)
		companies.add(m.CompanyID)
		classes.add(m.ClassID)
		visitIDs.add(m.VisitID)
	}
	enrolmentByID, err := findEnrolments(ctx, t, enrolments.ids())
	if err != nil {
		return nil, err
	}
	classByID, err := findClasses(ctx, t, classes.ids())
	if err != nil {
		return nil, err
	}
	companyByID, err := findCompanies(ctx, t, companies.ids())
	if err != nil {
		return nil, err
	}
	for _, c := range classByID {
		users.add(c.TeacherID)
	}
	for _, c := range companyByID {
		users.add(c.ConsultantID)
		if len(visitIDs) > 0 {
			persons.add(c.ContactID)
		}
	}
	visitByID, err := findVisits(ctx, t, visitIDs.ids())
	if err != nil {
		return nil, err
	}
	for _, v := range visitByID {
		users.add(v.ConsultantID)
		users.add(v.TeacherID)
	}
	userByID, err := findUsers(ctx, t, users.ids())
	if err != nil {
		return nil, err
	}
	groups, err := groupsOf(ctx, t, enrolments.ids())
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		for _, m := range g {
			persons.add(m.PersonID)
		}
	}
	personByID, err := findPersons(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	visitByPair, err := visitsOf(ctx, t, classes.ids())
	if err != nil {
		return nil, err
	}
	questions, err := questionsOf(ctx, t, messages)
	if err != nil {
		return nil, err
	}
	people, err := countPeople(ctx, t, classes.ids())
	if err != nil {
		return nil, err
	}
	plans, err := ownPlans(ctx, t, enrolments.ids())
	if err != nil {
		return nil, err
	}
	claims := make([]reminders.Claim, len(messages))
	for i, m := range messages {
		p := pair{m.ClassID, m.CompanyID}
		c := reminders.Claim{Message: m, Person: at(personByID, m.PersonID), User: at(userByID, m.UserID), Enrolment: at(enrolmentByID, m.EnrolmentID),
			Class: at(classByID, m.ClassID), Company: at(companyByID, m.CompanyID), Visit: at(visitByID, m.VisitID),
			Question: at(questions, m.ID), People: people[p], Plan: plans[m.EnrolmentID]}
		if c.Visit == nil {
			c.Visit = at(visitByPair, p)
		}
		if c.Class != nil {
			c.Teacher = at(userByID, c.Class.TeacherID)
		}
		if c.Company != nil {
			c.Consultant = at(userByID, c.Company.ConsultantID)
		}
		if v := at(visitByID, m.VisitID); v != nil {
			if c.Company != nil {
				c.Contact = at(personByID, c.Company.ContactID)
			}
			if u := at(userByID, v.ConsultantID); u != nil { // another may stand in for the company's
				c.Consultant = u
			}
			if u := at(userByID, v.TeacherID); u != nil {
				c.Teacher = u
			}
		}
		c.Buddies, c.Starter = buddiesOf(groups[m.EnrolmentID], m.EnrolmentID, personByID)
		if of := groups[m.EnrolmentID]; len(of) > 0 {
			c.Group = of[0].GroupID
		}
		claims[i] = c
	}
	return claims, nil
}

// memberRow is one of a buddy group.
type memberRow struct {
	GroupID     int64  `db:"group_id"`
	EnrolmentID int64  `db:"enrolment_id"`
	PersonID    int64  `db:"person_id"`
	Starter     bool   `db:"starter"`
	Shared      millis `db:"shared_at"`
}

// groupsOf returns the members, themselves included, of the published groups that enrolments are in, by enrolment.
func groupsOf(ctx context.Context, t *tx, enrolmentIDs []int64) (map[int64][]memberRow, error) {
	type row struct {
		Of int64 `db:"of_enrolment"`
		memberRow
	}
	rows, err := allIn[row](ctx, t, `SELECT b.enrolment_id AS of_enrolment, o.group_id, o.enrolment_id, o.person_id, o.starter, o.shared_at
		FROM buddy_members AS b JOIN buddy_members AS o ON o.group_id = b.group_id AND o.left_at = 0
			JOIN buddy_groups AS g ON g.id = b.group_id AND g.published_at > 0 JOIN persons AS p ON p.id = o.person_id AND p.erased_at = 0
		WHERE b.enrolment_id IN (%s) AND b.left_at = 0 ORDER BY o.enrolment_id`, enrolmentIDs)
	if err != nil {
		return nil, fmt.Errorf("reading buddy groups: %w", err)
	}
	groups := map[int64][]memberRow{}
	for _, r := range rows {
		groups[r.Of] = append(groups[r.Of], r.memberRow)
	}
	return groups, nil
}

// buddiesOf returns the others of a group, and who starts.
func buddiesOf(group []memberRow, self int64, persons map[int64]reminders.Person) (buddies []reminders.Person, starter int64) {
	for _, m := range group {
		if m.Starter {
			starter = m.PersonID
		}
		if m.EnrolmentID != self {
			buddies = append(buddies, persons[m.PersonID])
		}
	}
	return buddies, starter
}

// questionsOf returns, by message, the question that it reminds of, with the answer that counts.
func questionsOf(ctx context.Context, t *tx, messages []reminders.Message) (map[int64]reminders.Question, error) {
	wanted := map[string]string{} // subject and step
	var subjects []string
	for _, m := range messages {
		if step := reminders.QuestionStep(m.Kind, m.Week); step != "" {
			wanted[m.Subject+" "+step] = ""
			subjects = append(subjects, m.Subject)
		}
	}
	if len(subjects) == 0 {
		return nil, nil
	}
	found := map[string]reminders.Message{}
	var ids []int64
	err := textChunks(subjects, func(list string, args []any) error {
		var rows []messageRow
		if err := t.all(ctx, &rows, `SELECT `+messageColumns+` FROM messages AS m WHERE m.subject IN (`+list+`)`, args...); err != nil {
			return err
		}
		for _, r := range rows {
			if _, ok := wanted[r.Subject+" "+r.Step]; ok {
				found[r.Subject+" "+r.Step] = r.message()
				ids = append(ids, r.ID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading questions: %w", err)
	}
	answers, err := latestAnswers(ctx, t, ids)
	if err != nil {
		return nil, err
	}
	out := map[int64]reminders.Question{}
	for _, m := range messages {
		if q, ok := found[m.Subject+" "+reminders.QuestionStep(m.Kind, m.Week)]; ok {
			out[m.ID] = reminders.Question{Message: q, Answer: answers[q.ID].Digit, Meaning: answers[q.ID].Meaning}
		}
	}
	return out, nil
}

type answerRow struct {
	QuestionID int64  `db:"question_id"`
	Digit      string `db:"digit"`
	Meaning    string `db:"meaning"`
}

// latestAnswers returns the answers that count, by question (index answers_question): those written last, whenever
// they were taken in.
func latestAnswers(ctx context.Context, t *tx, questionIDs []int64) (map[int64]answerRow, error) {
	rows, err := allIn[answerRow](ctx, t, `SELECT a.question_id, a.digit, a.meaning FROM answers AS a
		WHERE a.question_id IN (%s) AND a.digit <> '' AND a.moved_at = 0 ORDER BY a.at, a.id`, questionIDs)
	if err != nil {
		return nil, fmt.Errorf("reading answers: %w", err)
	}
	out := make(map[int64]answerRow, len(rows))
	for _, r := range rows {
		out[r.QuestionID] = r
	}
	return out, nil
}

// countPeople counts participants, by class and company.
func countPeople(ctx context.Context, t *tx, classIDs []int64) (map[pair]int, error) {
	type row struct {
		ClassID   int64 `db:"class_id"`
		CompanyID int64 `db:"company_id"`
		N         int   `db:"n"`
	}
	rows, err := allIn[row](ctx, t, `SELECT e.class_id, e.company_id, COUNT(*) AS n FROM enrolments AS e WHERE e.class_id IN (%s)
		GROUP BY e.class_id, e.company_id`, classIDs)
	if err != nil {
		return nil, fmt.Errorf("counting participants: %w", err)
	}
	out := make(map[pair]int, len(rows))
	for _, r := range rows {
		out[pair{r.ClassID, r.CompanyID}] = r.N
	}
	return out, nil
}

// ownPlans returns, by enrolment, what persons last wrote for exercise 1 besides the digit: their if–then plan.
func ownPlans(ctx context.Context, t *tx, enrolmentIDs []int64) (map[int64]string, error) {
	type row struct {
		EnrolmentID int64  `db:"enrolment_id"`
		Digit       string `db:"digit"`
		Body        string `db:"body"`
	}
	rows, err := allIn[row](ctx, t, `SELECT a.enrolment_id, a.digit, r.body FROM answers AS a JOIN replies AS r ON r.id = a.reply_id
		WHERE a.enrolment_id IN (%s) AND a.step = 'exercise-1' AND r.withdrawn_at = 0 AND a.moved_at = 0 ORDER BY a.id`, enrolmentIDs)
	if err != nil {
		return nil, fmt.Errorf("reading plans: %w", err)
	}
	out := map[int64]string{}
	for _, r := range rows {
		if words := wordsOf(r.Body, r.Digit); words != "" {
			out[r.EnrolmentID] = words
		}
	}
	return out, nil
}

// wordsOf is what a reply says besides its digit: "1. Når jeg møder, så …" has words, "1", "1️⃣" and "ja!" have none.
func wordsOf(body, digit string) string {
	text := strings.TrimSpace(body)
	if digit != "" {
		if rest, ok := strings.CutPrefix(text, digit); ok && !strings.HasPrefix(rest, "0") {
			text = rest
		}
	}
	text = strings.TrimLeft(text, " \t\r\n.,:;)!-–—\uFE0F\u20E3")
	if digit != "" && !strings.ContainsAny(text, " \n") { // one word that was taken for the digit
		return ""
	}
	return text
}
