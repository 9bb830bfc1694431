package store

import (
	"context"
	"time"

	"efterkurs/reminders"
)

// Rows as the database has them, and how they become the domain's types. Each table's columns are listed
// once, with the alias that every statement uses for it.

const messageColumns = `m.id, m.subject, m.step, m.kind, m.week, m.person_id, m.user_id, m.enrolment_id, m.company_id, m.class_id,
	m.visit_id, m.question_id, m.params, m.priority, m.due_at, m.run_at, m.valid_until, m.state, m.reason, m.worker, m.lease_until,
	m.attempts, m.resend, m.day, m.channel, m.address, m.workspace, m.body, m.choices, m.provider_id, m.provider_status, m.error_code, m.sent_at, m.updated_at, m.author_id`

type messageRow struct {
	ID             int64  `db:"id"`
	Subject        string `db:"subject"`
	Step           string `db:"step"`
	Kind           string `db:"kind"`
	Week           int    `db:"week"`
	PersonID       ref    `db:"person_id"`
	UserID         ref    `db:"user_id"`
	EnrolmentID    ref    `db:"enrolment_id"`
	CompanyID      ref    `db:"company_id"`
	ClassID        ref    `db:"class_id"`
	VisitID        ref    `db:"visit_id"`
	QuestionID     ref    `db:"question_id"`
	Params         string `db:"params"`
	Priority       int    `db:"priority"`
	DueAt          millis `db:"due_at"`
	RunAt          millis `db:"run_at"`
	ValidUntil     millis `db:"valid_until"`
	State          string `db:"state"`
	Reason         string `db:"reason"`
	Worker         string `db:"worker"`
	LeaseUntil     millis `db:"lease_until"`
	Attempts       int    `db:"attempts"`
	Resend         bool   `db:"resend"`
	Day            date   `db:"day"`
	Channel        string `db:"channel"`
	Address        string `db:"address"`
	Workspace      string `db:"workspace"`
	Body           string `db:"body"`
	Choices        string `db:"choices"`
	ProviderID     string `db:"provider_id"`
	ProviderStatus string `db:"provider_status"`
	ErrorCode      string `db:"error_code"`
	SentAt         millis `db:"sent_at"`
	UpdatedAt      millis `db:"updated_at"`
	AuthorID       ref    `db:"author_id"`
}

func (r messageRow) message() reminders.Message {
	return reminders.Message{
		ID: r.ID, Subject: r.Subject, Step: r.Step, Kind: reminders.Kind(r.Kind), Week: r.Week,
		PersonID: int64(r.PersonID), UserID: int64(r.UserID), EnrolmentID: int64(r.EnrolmentID), CompanyID: int64(r.CompanyID),
		ClassID: int64(r.ClassID), VisitID: int64(r.VisitID), QuestionID: int64(r.QuestionID), AuthorID: int64(r.AuthorID),
		Params: fromJSON[map[string]string](r.Params), Priority: r.Priority,
		DueAt: r.DueAt.Time(), RunAt: r.RunAt.Time(), ValidUntil: r.ValidUntil.Time(),
		State: reminders.State(r.State), Reason: r.Reason, Worker: r.Worker, LeaseUntil: r.LeaseUntil.Time(), Attempts: r.Attempts, Resend: r.Resend,
		Channel: r.Channel, Address: r.Address, Workspace: r.Workspace, Body: r.Body, Choices: fromJSON[[]reminders.Choice](r.Choices),
		ProviderID: r.ProviderID, ProviderStatus: r.ProviderStatus, ErrorCode: r.ErrorCode, SentAt: r.SentAt.Time(), UpdatedAt: r.UpdatedAt.Time(),
	}
}

// plannedColumns are those that a new message is inserted with; see plannedRow.
const plannedColumns = `subject, step, kind, week, person_id, user_id, enrolment_id, company_id, class_id, visit_id, question_id, params,
	priority, due_at, run_at, valid_until, state, reason, channel, address, workspace, body, choices, author_id, created_at, updated_at`

func plannedRow(v *values, now time.Time, m reminders.Message) {
	state := m.State
	if state != reminders.Skipped {
		state = reminders.Planned
	}
	v.add(m.Subject, m.Step, string(m.Kind), m.Week, ref(m.PersonID), ref(m.UserID), ref(m.EnrolmentID), ref(m.CompanyID), ref(m.ClassID),
		ref(m.VisitID), ref(m.QuestionID), toJSON(m.Params), m.Priority, ms(m.DueAt), ms(m.RunAt), ms(m.ValidUntil),
		string(state), m.Reason, m.Channel, m.Address, m.Workspace, m.Body, toJSON(m.Choices), ref(m.AuthorID), ms(now), ms(now))
}

const personColumns = `p.id, p.person_key, p.name, p.phone, p.email, p.slack_id, p.slack_team, p.channel, p.language, p.easy, p.shift, p.window_from, p.window_to,
	p.opted_out_at, p.paused_until, p.address_fault, p.doubt_at, p.muted_at, p.erased_at`

type personRow struct {
	ID           int64  `db:"id"`
	Key          string `db:"person_key"`
	Name         string `db:"name"`
	Phone        string `db:"phone"`
	Email        string `db:"email"`
	SlackID      string `db:"slack_id"`
	SlackTeam    string `db:"slack_team"`
	Channel      string `db:"channel"`
	Language     string `db:"language"`
	Easy         bool   `db:"easy"`
	Shift        string `db:"shift"`
	From         int    `db:"window_from"`
	To           int    `db:"window_to"`
	OptedOutAt   millis `db:"opted_out_at"`
	PausedUntil  millis `db:"paused_until"`
	AddressFault string `db:"address_fault"`
	DoubtAt      millis `db:"doubt_at"`
	MutedAt      millis `db:"muted_at"`
	ErasedAt     millis `db:"erased_at"`
}

func (r personRow) person() reminders.Person {
	return reminders.Person{ID: r.ID, Name: r.Name, Phone: r.Phone, Email: r.Email, SlackID: r.SlackID, SlackTeam: r.SlackTeam, Channel: r.Channel, Language: r.Language,
		Easy: r.Easy, Shift: reminders.Shift(r.Shift), Window: window(r.From, r.To),
		OptedOutAt: r.OptedOutAt.Time(), PausedUntil: r.PausedUntil.Time(), AddressFault: r.AddressFault, DoubtAt: r.DoubtAt.Time(), MutedAt: r.MutedAt.Time()}
}

const userColumns = `u.id, u.email, u.name, u.role, u.language, u.password_hash, u.calendar_token, u.disabled_at, u.hours, u.postcode, u.busy_url, u.busy_fault`

type userRow struct {
	ID            int64  `db:"id"`
	Email         string `db:"email"`
	Name          string `db:"name"`
	Role          string `db:"role"`
	Language      string `db:"language"`
	PasswordHash  string `db:"password_hash"`
	CalendarToken string `db:"calendar_token"`
	DisabledAt    millis `db:"disabled_at"`
	Hours         string `db:"hours"`
	Postcode      string `db:"postcode"`
	BusyURL       string `db:"busy_url"`
	BusyFault     string `db:"busy_fault"`
}

func (r userRow) user() reminders.User {
	hours, err := reminders.ParseHours(r.Hours)
	if err != nil { // written by Hours.String: cannot be
		hours = reminders.DefaultHours
	}
	return reminders.User{ID: r.ID, Email: r.Email, Name: r.Name, Role: r.Role, Language: r.Language, PasswordHash: r.PasswordHash,
		CalendarToken: r.CalendarToken, DisabledAt: r.DisabledAt.Time(), Hours: hours, Postcode: r.Postcode, BusyURL: r.BusyURL, BusyFault: r.BusyFault}
}

const companyColumns = `co.id, co.name, co.postcode, co.window_from, co.window_to, co.closed_weeks, co.contact_id, co.consultant_id,
	COALESCE((SELECT w.team_id FROM workspaces AS w WHERE w.id = co.workspace_id), '') AS workspace`

type companyRow struct {
	ID           int64  `db:"id"`
	Postcode     string `db:"postcode"`
	Name         string `db:"name"`
	From         int    `db:"window_from"`
	To           int    `db:"window_to"`
	ClosedWeeks  string `db:"closed_weeks"`
	ContactID    ref    `db:"contact_id"`
	ConsultantID ref    `db:"consultant_id"`
	Workspace    string `db:"workspace"` // its team
}

func (r companyRow) company() reminders.Company {
	closed, err := reminders.ParseClosedWeeks(r.ClosedWeeks)
	if err != nil { // written by ClosedWeeks.String: cannot be
		closed = reminders.DefaultClosedWeeks
	}
	return reminders.Company{ID: r.ID, Name: r.Name, Postcode: r.Postcode, Window: window(r.From, r.To), ClosedWeeks: closed,
		ContactID: int64(r.ContactID), ConsultantID: int64(r.ConsultantID), Workspace: r.Workspace}
}

const classColumns = `cl.id, cl.course, cl.name, cl.start_date, cl.end_date, cl.weekday, cl.teacher_id`

type classRow struct {
	ID        int64  `db:"id"`
	Course    string `db:"course"`
	Name      string `db:"name"`
	Start     date   `db:"start_date"`
	End       date   `db:"end_date"`
	Weekday   int    `db:"weekday"`
	TeacherID ref    `db:"teacher_id"`
}

func (r classRow) class() reminders.Class {
	return reminders.Class{ID: r.ID, Course: r.Course, Name: r.Name, Start: reminders.Date(r.Start), End: reminders.Date(r.End),
		Weekday: time.Weekday(r.Weekday), TeacherID: int64(r.TeacherID)}
}

const enrolmentColumns = `e.id, e.person_id, e.class_id, e.company_id, e.team, e.goal, e.basis, e.plan_version, e.created_at`

type enrolmentRow struct {
	ID          int64  `db:"id"`
	PersonID    int64  `db:"person_id"`
	ClassID     int64  `db:"class_id"`
	CompanyID   int64  `db:"company_id"`
	Team        string `db:"team"`
	Goal        string `db:"goal"`
	Basis       string `db:"basis"`
	PlanVersion int64  `db:"plan_version"`
	CreatedAt   millis `db:"created_at"`
}

func (r enrolmentRow) enrolment() reminders.Enrolment {
	return reminders.Enrolment{ID: r.ID, PersonID: r.PersonID, ClassID: r.ClassID, CompanyID: r.CompanyID, Team: r.Team, Goal: r.Goal,
		Basis: r.Basis, CreatedAt: r.CreatedAt.Time()}
}

const visitColumns = `v.id, v.class_id, v.company_id, v.consultant_id, v.teacher_id, v.state, v.earliest, v.slots, v.round, v.start_at, v.end_at,
	v.uid, v.sequence, v.proposed_at, v.updated_at, v.why`

type visitRow struct {
	ID           int64  `db:"id"`
	ClassID      int64  `db:"class_id"`
	CompanyID    int64  `db:"company_id"`
	ConsultantID ref    `db:"consultant_id"`
	TeacherID    ref    `db:"teacher_id"`
	State        string `db:"state"`
	Earliest     date   `db:"earliest"`
	Slots        string `db:"slots"`
	Round        int    `db:"round"`
	Start        millis `db:"start_at"`
	End          millis `db:"end_at"`
	UID          string `db:"uid"`
	Sequence     int    `db:"sequence"`
	ProposedAt   millis `db:"proposed_at"`
	UpdatedAt    millis `db:"updated_at"`
	Why          string `db:"why"`
}

func (r visitRow) visit() reminders.Visit {
	v := reminders.Visit{ID: r.ID, ClassID: r.ClassID, CompanyID: r.CompanyID, ConsultantID: int64(r.ConsultantID), TeacherID: int64(r.TeacherID),
		State: r.State, Earliest: reminders.Date(r.Earliest), Round: r.Round, Start: r.Start.Time(), End: r.End.Time(),
		UID: r.UID, Sequence: r.Sequence, ProposedAt: r.ProposedAt.Time(), UpdatedAt: r.UpdatedAt.Time(), Why: r.Why}
	for _, at := range fromJSON[[]millis](r.Slots) {
		v.Slots = append(v.Slots, at.Time())
	}
	return v
}

// slotsJSON is the text of slots, and the last of them.
func slotsJSON(slots []time.Time) (text string, last millis) {
	list := make([]millis, len(slots))
	for i, at := range slots {
		list[i] = ms(at)
		last = max(last, list[i])
	}
	if text = toJSON(list); text == "" {
		text = "[]"
	}
	return text, last
}

const replyColumns = `r.id, r.channel, r.provider_id, r.from_address, r.to_address, r.body, r.question_id, r.media, r.opt_out, r.attributes, r.at,
	r.person_id, r.state, r.kind, r.why, r.handled_at, r.urgent, r.assigned_id, r.assigned_at, r.answered_at, r.withdrawn_at`

type replyRow struct {
	ID         int64  `db:"id"`
	Channel    string `db:"channel"`
	ProviderID string `db:"provider_id"`
	From       string `db:"from_address"`
	To         string `db:"to_address"`
	Body       string `db:"body"`
	QuestionID ref    `db:"question_id"`
	Media      string `db:"media"`
	OptOut     string `db:"opt_out"`
	Attributes string `db:"attributes"`
	At         millis `db:"at"`
	PersonID   ref    `db:"person_id"`
	State      string `db:"state"`
	Kind       string `db:"kind"`
	Why        string `db:"why"`
	HandledAt  millis `db:"handled_at"`
	Urgent     bool   `db:"urgent"`
	Assigned   ref    `db:"assigned_id"`
	AssignedAt millis `db:"assigned_at"`
	AnsweredAt millis `db:"answered_at"`
	Withdrawn  millis `db:"withdrawn_at"`
}

// shown is the reply as people may see it: one that its writer deleted without its words.
func (r replyRow) shown() reminders.Reply {
	if r.Withdrawn != 0 {
		r.Body, r.Media = "", ""
	}
	return r.reply()
}

func (r replyRow) reply() reminders.Reply {
	return reminders.Reply{ID: r.ID, PersonID: int64(r.PersonID), State: r.State, Kind: r.Kind, Why: r.Why, HandledAt: r.HandledAt.Time(),
		Urgent: r.Urgent, AssignedID: int64(r.Assigned), AssignedAt: r.AssignedAt.Time(), AnsweredAt: r.AnsweredAt.Time(), WithdrawnAt: r.Withdrawn.Time(),
		Inbound: reminders.Inbound{Channel: r.Channel, ProviderID: r.ProviderID, From: r.From, To: r.To, Text: r.Body,
			QuestionID: int64(r.QuestionID), Media: fromJSON[[]string](r.Media), OptOut: r.OptOut,
			Attributes: fromJSON[map[string]string](r.Attributes), At: r.At.Time()}}
}

// byID reads rows of one table and gives them back by id, as the domain's type.
func byID[R, D any](ctx context.Context, t *tx, query string, ids []int64, convert func(R) (int64, D)) (map[int64]D, error) {
	rows, err := allIn[R](ctx, t, query, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]D, len(rows))
	for _, row := range rows {
		id, d := convert(row)
		out[id] = d
	}
	return out, nil
}

func findPersons(ctx context.Context, t *tx, ids []int64) (map[int64]reminders.Person, error) {
	return byID(ctx, t, `SELECT `+personColumns+` FROM persons AS p WHERE p.id IN (%s)`, ids,
		func(r personRow) (int64, reminders.Person) { return r.ID, r.person() })
}

func findUsers(ctx context.Context, t *tx, ids []int64) (map[int64]reminders.User, error) {
	return byID(ctx, t, `SELECT `+userColumns+` FROM users AS u WHERE u.id IN (%s)`, ids,
		func(r userRow) (int64, reminders.User) { return r.ID, r.user() })
}

func findCompanies(ctx context.Context, t *tx, ids []int64) (map[int64]reminders.Company, error) {
	return byID(ctx, t, `SELECT `+companyColumns+` FROM companies AS co WHERE co.id IN (%s)`, ids,
		func(r companyRow) (int64, reminders.Company) { return r.ID, r.company() })
}

func findClasses(ctx context.Context, t *tx, ids []int64) (map[int64]reminders.Class, error) {
	return byID(ctx, t, `SELECT `+classColumns+` FROM classes AS cl WHERE cl.id IN (%s)`, ids,
		func(r classRow) (int64, reminders.Class) { return r.ID, r.class() })
}

func findEnrolments(ctx context.Context, t *tx, ids []int64) (map[int64]reminders.Enrolment, error) {
	return byID(ctx, t, `SELECT `+enrolmentColumns+` FROM enrolments AS e WHERE e.id IN (%s)`, ids,
		func(r enrolmentRow) (int64, reminders.Enrolment) { return r.ID, r.enrolment() })
}

func findVisits(ctx context.Context, t *tx, ids []int64) (map[int64]reminders.Visit, error) {
	return byID(ctx, t, `SELECT `+visitColumns+` FROM visits AS v WHERE v.id IN (%s)`, ids,
		func(r visitRow) (int64, reminders.Visit) { return r.ID, r.visit() })
}

// pair is a class and a company.
type pair struct{ class, company int64 }

// visitsOf returns the visits of classes, by class and company.
func visitsOf(ctx context.Context, t *tx, classIDs []int64) (map[pair]reminders.Visit, error) {
	rows, err := allIn[visitRow](ctx, t, `SELECT `+visitColumns+` FROM visits AS v WHERE v.class_id IN (%s)`, classIDs)
	if err != nil {
		return nil, err
	}
	out := make(map[pair]reminders.Visit, len(rows))
	for _, row := range rows {
		out[pair{row.ClassID, row.CompanyID}] = row.visit()
	}
	return out, nil
}

// at returns a pointer to a copy of m[id], nil where there is none.
func at[K comparable, V any](m map[K]V, id K) *V {
	if v, ok := m[id]; ok {
		return &v
	}
	return nil
}
