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
	// Drafts and ChangeDraft are of buddies: store/draft.go.
	Drafts(ctx context.Context, viewer int64, near time.Time, past reminders.Date) ([]reminders.Draft, error)
	ChangeDraft(ctx context.Context, now, near time.Time, past reminders.Date, change reminders.DraftChange) error
	Resume(ctx context.Context, channel string) error

	Visit(ctx context.Context, id int64) (reminders.Visit, error)
	Brief(ctx context.Context, visitID int64) (reminders.Brief, error)
	Outcome(ctx context.Context, visitID int64) (reminders.VisitOutcome, error)
	SaveOutcome(ctx context.Context, now time.Time, o reminders.VisitOutcome, say []reminders.Message) (reminders.VisitOutcome, error)
	AfterVisit(ctx context.Context, visitID int64) (reminders.AfterVisit, error)
	// NotYetDone is when contacts said that what was agreed is not done, by visit.
	NotYetDone(ctx context.Context) (map[int64]time.Time, error)

	Inbox

	UserByEmail(ctx context.Context, email string) (reminders.User, error)
	Companies(ctx context.Context, viewer int64) ([]reminders.Company, error)
	// Install stores a workspace and gives it to a company; the error may be a *reminders.OtherWorkspace.
	Install(ctx context.Context, now time.Time, companyID int64, w reminders.Workspace, may func(companyID int64) bool) error

	User(ctx context.Context, id int64) (reminders.User, error)
	Users(ctx context.Context) ([]reminders.User, error)
}

// Inbox is what the inbox needs: store/inbox.go, talk.go, talkact.go and move.go say what each does.
type Inbox interface {
	Talks(ctx context.Context, filter reminders.TalkFilter) ([]reminders.Talk, error)
	CountTalks(ctx context.Context, viewer reminders.Viewer) (mine, all int, err error)
	Conversation(ctx context.Context, now time.Time, viewer reminders.Viewer, replyID int64) (reminders.Conversation, error)
	Asked(ctx context.Context, now time.Time, personID int64) ([]reminders.Question, error)
	Placed(ctx context.Context, replies []reminders.Reply) (map[int64][]reminders.Placed, error)
	Sees(ctx context.Context, viewer reminders.Viewer, personID int64) (bool, error)
	SearchPersons(ctx context.Context, viewer reminders.Viewer, query string, limit int) ([]reminders.Found, error)

	TakeReply(ctx context.Context, now time.Time, userID, replyID, owner int64) error
	ReleaseReply(ctx context.Context, userID, replyID int64) error
	SettleReply(ctx context.Context, now time.Time, userID, replyID int64, knew *reminders.Known) error
	ReopenReply(ctx context.Context, now time.Time, userID, replyID int64) error
	AnswerReply(ctx context.Context, now time.Time, w reminders.Written) error
	MoveReply(ctx context.Context, now time.Time, m reminders.Move) error
	AttachSender(ctx context.Context, now time.Time, userID, replyID, personID int64) error
}

// Sessions keeps logins, so that they outlive a restart and are the same on every machine.
type Sessions = scs.CtxStore
