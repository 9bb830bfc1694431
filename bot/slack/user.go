package slack

import (
	"context"
	"fmt"
)

// UserEmail is the address in a user's profile, "" where they hide it: people may be known to the roster by
// e-mail only, and write before they were ever written to. It needs the scopes users:read and users:read.email.
func (c *Channel) UserEmail(ctx context.Context, userID string) (string, error) {
	user, err := c.call().api().GetUserInfoContext(ctx, userID)
	if err != nil {
		return "", fmt.Errorf("asking Slack for a user: %w", err)
	}
	return user.Profile.Email, nil
}
