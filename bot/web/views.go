package web

import (
	"context"
	"time"

	"github.com/alexedwards/scs/v2"

	"efterkurs/reminders"
)

// Views is what the pages need of a database.
type Views interface {
	Status(ctx context.Context, filter reminders.Filter) ([]reminders.EnrolmentStatus, error)
	Messages(ctx context.Context, filter reminders.MessageFilter) ([]reminders.Message, error)
	// Tries lists the tries to reach a person that are worth telling of.
	Tries(ctx context.Context, personID int64) ([]reminders.Attempt, error)
	Replies(ctx context.Context, filter reminders.ReplyFilter) ([]reminders.Reply, error)
	SettleReply(ctx context.Context, now time.Time, replyID int64) error
	Resume(ctx context.Context, channel string) error

	UserByEmail(ctx context.Context, email string) (reminders.User, error)
	Companies(ctx context.Context, viewer int64) ([]reminders.Company, error)
	// Install stores a workspace and gives it to a company; the error may be a *reminders.OtherWorkspace.
	Install(ctx context.Context, now time.Time, companyID int64, w reminders.Workspace, may func(companyID int64) bool) error

	User(ctx context.Context, id int64) (reminders.User, error)
	Users(ctx context.Context) ([]reminders.User, error)
}

// Sessions keeps logins, so that they outlive a restart and are the same on every machine.
type Sessions = scs.CtxStore
