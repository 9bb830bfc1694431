package slack

import (
	"context"
	"time"

	"efterkurs/reminders"
)

type userEmail struct {
	email string
	at    time.Time
}

// A profile changes seldom; who writes ten texts is looked up once.
const (
	emailKept  = 10 * time.Minute
	emailsKept = 10_000
)

// UserEmail is the address in a user's profile, "" where they hide it: people may be known to the roster by
// e-mail only, and write before they were ever written to. It needs the scopes users:read and users:read.email.
// EUNAVAILABLE where Slack cannot say now, ENOTFOUND where it knows nobody by this id.
func (c *Channel) UserEmail(ctx context.Context, userID string) (string, error) {
	c.mu.Lock()
	known, ok := c.emails[userID]
	c.mu.Unlock()
	if ok && c.config.Now().Sub(known.at) < emailKept {
		return known.email, nil
	}
	call := c.call(ctx)
	user, err := call.api().GetUserInfoContext(ctx, userID)
	if err != nil {
		result := call.result(err)
		if result.Outcome == reminders.OutcomeFailed { // there is no such user: asking again changes nothing
			return "", reminders.Errorf(reminders.ENOTFOUND, "ask Slack for a user: %s", result.Detail)
		}
		return "", reminders.Errorf(reminders.EUNAVAILABLE, "ask Slack for a user: %s", result.Detail)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.emails) >= emailsKept {
		clear(c.emails)
	}
	c.emails[userID] = userEmail{user.Profile.Email, c.config.Now()}
	return user.Profile.Email, nil
}
