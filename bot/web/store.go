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
	KnowsSlackUser(ctx context.Context, slackID string) (bool, error)
	Message(ctx context.Context, id int64) (reminders.Message, error)
	Person(ctx context.Context, id int64) (reminders.Person, error)
	// AnswerTo is the digit that counts as the answer to what a message asks; "" = it is unanswered.
	AnswerTo(ctx context.Context, messageID int64) (string, error)

	// Calendar feeds.
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
