package web

import (
	"context"
	"time"

	"efterkurs/reminders"
)

// Store is what the web needs of a database.
type Store interface {
	// Webhooks and the answer page.
	Report(ctx context.Context, now time.Time, report reminders.StatusReport) error
	// Missed and Heard keep how far incoming texts are known to be in.
	Missed(ctx context.Context, channel string, since time.Time) error
	Heard(ctx context.Context, channel string, now time.Time, gap time.Duration) error
	// PersonInSlack is who has a user id, or the e-mail in its profile, in the workspace of team; ENOTFOUND.
	PersonInSlack(ctx context.Context, team, userID, email string) (reminders.Person, error)
	WithdrawReply(ctx context.Context, now time.Time, channel, providerID string) (known bool, err error)
	KnowsSlackUser(ctx context.Context, team, slackID string) (bool, error)
	Workspaces(ctx context.Context) ([]reminders.Workspace, error)
	LoseWorkspace(ctx context.Context, now time.Time, team string, at time.Time, reason string) (lost bool, err error)
	Message(ctx context.Context, id int64) (reminders.Message, error)
	Person(ctx context.Context, id int64) (reminders.Person, error)
	// AnswerTo is the digit that counts as the answer to what a message asks; "" = it is unanswered.
	AnswerTo(ctx context.Context, messageID int64) (string, error)

	// Calendar feeds and visits.
	reminders.Diary
	Visit(ctx context.Context, id int64) (reminders.Visit, error)
	// ChangeVisits makes all changes or none; ECONFLICT where somebody was faster, or a consultant is taken then.
	ChangeVisits(ctx context.Context, now time.Time, changes ...reminders.VisitChange) error
	// VisitAnswers are the latest answers to invitations to visits as they are now, by visit.
	VisitAnswers(ctx context.Context, visitIDs []int64) (map[int64][]reminders.VisitAnswer, error)
	RenewCalendar(ctx context.Context, now time.Time, email string) (reminders.User, error)
	UserByCalendarToken(ctx context.Context, token string) (reminders.User, error)
	Visits(ctx context.Context, filter reminders.VisitFilter) ([]reminders.Visit, error)
	Company(ctx context.Context, id int64) (reminders.Company, error)
	Class(ctx context.Context, id int64) (reminders.Class, error)

	// Health.
	Ping(ctx context.Context) error
	Health(ctx context.Context, now time.Time) (reminders.Health, error)
	Waiting(ctx context.Context, now time.Time) ([]reminders.Waiting, error)
	Census(ctx context.Context) (reminders.Census, error)

	Views
}
