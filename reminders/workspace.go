package reminders

import (
	"fmt"
	"strings"
	"time"
)

// Workspace is a Slack workspace that the app is installed into. Two companies of one group may share one.
type Workspace struct {
	ID          int64
	TeamID      string
	Name        string
	BotUserID   string
	Token       string // only from Store.WorkspaceToken, and only in memory
	Scopes      string // granted, with commas
	InstalledAt time.Time
	LostAt      time.Time // zero = it lets us in
	LostReason  string    // the provider's word, or LostSealed
	Companies   []string  // names of those that use it
}

// Why a workspace is lost, where Slack's own word for it is not the whole truth.
const (
	LostUninstalled = "app_uninstalled"
	LostRevoked     = "tokens_revoked"
	LostSealed      = "token_sealed" // the token was sealed with another secret
)

// Source is where people write: a channel, or one workspace of it. Each is listened to by itself, so that one that
// cannot be read keeps no other waiting.
func Source(channel, workspace string) string {
	if workspace == "" {
		return channel
	}
	return channel + "/" + workspace
}

// CutSource is the channel and workspace of a source.
func CutSource(source string) (channel, workspace string) {
	channel, workspace, _ = strings.Cut(source, "/")
	return channel, workspace
}

// lostWorkspaces are the teams that do not let us in.
func lostWorkspaces(all []Workspace) map[string]bool {
	lost := map[string]bool{}
	for _, w := range all {
		if !w.LostAt.IsZero() {
			lost[w.TeamID] = true
		}
	}
	return lost
}

// way is the channel, address and workspace that a message to c's person leaves by; address "" = none.
//
// In Slack it is the company's workspace. An id is of one workspace only: who is known by an id of another is found
// by e-mail, else written to where the id is theirs.
func (c *Claim) way() (channel, address, workspace string) {
	channel, address = c.Person.Address()
	if channel != Slack {
		return channel, address, ""
	}
	if c.Company != nil {
		workspace = c.Company.Workspace
	}
	if team := c.Person.SlackTeam; team != "" && team != workspace && address == c.Person.SlackID {
		if workspace != "" && c.Person.Email != "" {
			return channel, c.Person.Email, workspace
		}
		workspace = team
	}
	return channel, address, workspace
}

// OtherWorkspace is the error where a company was about to be connected with a workspace that is not its own.
type OtherWorkspace struct {
	Company string
	Has     string // the workspace it is connected with; "" = the chosen one is another company's
	Chosen  string
}

func (e *OtherWorkspace) Error() string {
	if e.Has == "" {
		return fmt.Sprintf("the Slack workspace %s belongs to another company than %s", e.Chosen, e.Company)
	}
	return fmt.Sprintf("%s is connected with the Slack workspace %s, and %s was chosen", e.Company, e.Has, e.Chosen)
}

// Unwrap gives it the code ECONFLICT.
func (e *OtherWorkspace) Unwrap() error { return Errorf(ECONFLICT, "another workspace") }
