package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	slackapi "github.com/slack-go/slack"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// Tokens is where the tokens of workspaces are kept.
type Tokens interface {
	// WorkspaceToken is a workspace with its token. ENOTFOUND where the app was not installed into it by us or it is
	// lost, EINVALID where the token was sealed with another secret.
	WorkspaceToken(ctx context.Context, team string) (reminders.Workspace, error)
	// LoseWorkspace records that a workspace, as it was installed by at, does not let us in any more.
	LoseWorkspace(ctx context.Context, now time.Time, team string, at time.Time, reason string) (lost bool, err error)
	Workspaces(ctx context.Context) ([]reminders.Workspace, error)
}

// WorkspacesConfig is what Workspaces needs: a token for all companies without a workspace of their own, or an app
// that can be added to workspaces, or both.
type WorkspacesConfig struct {
	Config                 // BotToken "" = no single workspace
	ClientID, ClientSecret string
	PublicURL              string
	Tokens                 Tokens
}

// Workspaces is the Channel to all workspaces: the single one that is configured, and those that the app was added to,
// each with a Channel of its own. A workspace's token is read from Tokens at every use, so that all processes know at once of one
// that was lost or found again.
type Workspaces struct {
	config WorkspacesConfig
	single *Channel // nil = none

	mu     sync.Mutex
	opened map[string]*Channel // by team, with the token they were last used with
}

var (
	_ bot.Channel    = (*Workspaces)(nil)
	_ bot.Sweeper    = (*Workspaces)(nil)
	_ bot.Workspaced = (*Workspaces)(nil)
)

// NewWorkspaces checks the configuration; EINVALID names the variable that is wrong.
func NewWorkspaces(config WorkspacesConfig) (*Workspaces, error) {
	w := &Workspaces{config: config, opened: map[string]*Channel{}}
	var err error
	if config.BotToken != "" || config.ClientID == "" {
		if w.single, err = New(config.Config); err != nil {
			return nil, err
		}
	} else if config.BaseURL, err = baseURL(config.BaseURL); err != nil {
		return nil, err
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	config.BaseURL, _ = baseURL(config.BaseURL) // checked above, one way or the other
	w.config = config
	return w, nil
}

// Name is "slack".
func (w *Workspaces) Name() string { return reminders.Slack }

// Reaches says whether there is a single workspace, or workspaces that the app was added to are written into.
func (w *Workspaces) Reaches(workspace string) bool {
	return workspace == "" && w.single != nil || workspace != "" && w.config.Tokens != nil
}

// In is the channel into a workspace. Codes as of bot.Workspaced.
func (w *Workspaces) In(ctx context.Context, workspace string) (bot.Channel, error) {
	c, err := w.channel(ctx, workspace)
	if err != nil {
		return nil, err // not a nil *Channel within an interface
	}
	return c, nil
}

func (w *Workspaces) channel(ctx context.Context, workspace string) (*Channel, error) {
	if workspace == "" {
		if w.single == nil {
			return nil, reminders.Errorf(reminders.ENOTFOUND, "SLACK_BOT_TOKEN is not set: only workspaces that the app was added to can be reached")
		}
		return w.single, nil
	}
	if w.config.Tokens == nil {
		return nil, reminders.Errorf(reminders.ENOTFOUND, "the app was not added to the Slack workspace %s", workspace)
	}
	installed, err := w.config.Tokens.WorkspaceToken(ctx, workspace)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.opened[workspace]; c != nil && c.config.BotToken == installed.Token {
		return c, nil
	}
	config := w.config.Config
	config.BotToken = installed.Token
	c, err := New(config)
	if err != nil {
		return nil, err
	}
	c.lost = func(ctx context.Context, code string) { w.lose(ctx, installed, code) }
	w.opened[workspace] = c
	return c, nil
}

// lose is called where Slack does not take a workspace's token any more.
func (w *Workspaces) lose(ctx context.Context, installed reminders.Workspace, code string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loseTimeout)
	defer cancel()
	// An error is no matter: whoever uses the token next is told the same by Slack.
	_, _ = w.config.Tokens.LoseWorkspace(ctx, w.config.Now(), installed.TeamID, installed.InstalledAt, code)
}

const loseTimeout = 10 * time.Second

// of is the channel into the workspace of an event's team: its own where the app was added to it, else the single one.
func (w *Workspaces) of(ctx context.Context, team string) (*Channel, error) {
	c, err := w.channel(ctx, team)
	if reminders.ErrorCode(err) != reminders.ENOTFOUND || team == "" {
		return c, err
	}
	all, listErr := w.known(ctx)
	if listErr != nil {
		return nil, listErr
	}
	for _, known := range all {
		if known.TeamID == team { // ours, and lost
			return nil, err
		}
	}
	return w.channel(ctx, "")
}

// known are the workspaces that the app was added to, lost ones too.
func (w *Workspaces) known(ctx context.Context) ([]reminders.Workspace, error) {
	if w.config.Tokens == nil {
		return nil, nil
	}
	return w.config.Tokens.Workspaces(ctx)
}

// Send makes one try in the message's workspace. What is wrong with a workspace's token halts that workspace alone.
func (w *Workspaces) Send(ctx context.Context, out reminders.Outgoing) reminders.Result {
	c, err := w.channel(ctx, out.Workspace)
	switch {
	case err == nil:
		result := c.Send(ctx, out)
		if result.Outcome == reminders.OutcomeHalt && c.lost != nil { // also where a scope is missing, which other calls can do without
			c.lost(ctx, result.Code)
		}
		return result
	case reminders.ErrorCode(err) == reminders.ENOTFOUND && out.Workspace != "":
		return reminders.Result{Outcome: reminders.OutcomeHalt, Code: reminders.LostRevoked, Detail: "the workspace does not let the app in any more"}
	case reminders.ErrorCode(err) == reminders.EINVALID:
		return reminders.Result{Outcome: reminders.OutcomeHalt, Code: reminders.LostSealed, Detail: "the workspace's token was stored with another EFTERKURS_SECRET"}
	}
	return reminders.Result{Outcome: reminders.OutcomeRetry, Detail: "the workspace's token could not be read"}
}

// Sweep is the single workspace's.
func (w *Workspaces) Sweep(ctx context.Context, since time.Time, left bool, conversations func(context.Context) ([]string, error)) (reminders.Seen, error) {
	if w.single == nil {
		return reminders.Seen{}, reminders.ErrNoRecord
	}
	return w.single.Sweep(ctx, since, left, conversations)
}

// Check tries every token without writing to anybody.
func (w *Workspaces) Check(ctx context.Context) error {
	var errs []error
	if w.single != nil {
		errs = append(errs, w.single.Check(ctx))
	}
	all, err := w.known(ctx)
	if err != nil {
		return err
	}
	for _, known := range all {
		name := fmt.Sprintf("the Slack workspace %s (%s)", known.Name, strings.Join(known.Companies, ", "))
		switch c, err := w.channel(ctx, known.TeamID); {
		case known.LostReason == reminders.LostSealed:
			errs = append(errs, err)
		case !known.LostAt.IsZero():
			errs = append(errs, reminders.Errorf(reminders.EINVALID, "%s does not let the app in any more: add it again from the page Slack", name))
		case err != nil:
			errs = append(errs, err)
		default:
			if err := c.Check(ctx); err != nil {
				errs = append(errs, reminders.Errorf(reminders.ErrorCode(err), "%s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// UserEmail is Channel.UserEmail in the workspace of an event's team.
func (w *Workspaces) UserEmail(ctx context.Context, team, userID string) (string, error) {
	c, err := w.of(ctx, team)
	if err != nil {
		return "", err
	}
	return c.UserEmail(ctx, userID)
}

// BotScopes are those the app asks for when it is added to a workspace; the manifest names the same.
var BotScopes = []string{"chat:write", "commands", "im:history", "im:write", "mpim:history", "mpim:write", "users:read", "users:read.email"}

// CallbackPath is where Slack sends the browser back to.
const CallbackPath = "/slack/oauth"

// Installs says whether the app can be added to workspaces.
func (w *Workspaces) Installs() bool {
	return w.config.ClientID != "" && w.config.ClientSecret != "" && w.config.PublicURL != ""
}

// AuthorizeURL is where "Add to Slack" leads. state comes back with the answer.
func (w *Workspaces) AuthorizeURL(state string) string {
	return strings.TrimSuffix(w.config.BaseURL, "/api/") + "/oauth/v2/authorize?" + url.Values{"client_id": {w.config.ClientID},
		"scope": {strings.Join(BotScopes, ",")}, "redirect_uri": {w.config.PublicURL + CallbackPath}, "state": {state}}.Encode()
}

// Faults of an exchange that the person at the browser can do something about; ExchangeFault tells them apart.
const (
	FaultCodeUsed   = "code-used"   // the code was used already, is too old, or is no code
	FaultWhole      = "whole-org"   // the app was approved for a whole organisation instead of one workspace
	FaultConfigured = "configured"  // our client id, secret or address are not what Slack knows
	FaultUnreached  = "unreachable" // Slack did not answer: the same again may do
)

// ExchangeFault is why a code could not be exchanged for a token.
type ExchangeFault struct{ Fault, Code string }

func (e *ExchangeFault) Error() string {
	return "exchange a code with Slack: " + e.Fault + " " + e.Code
}

// Unwrap gives it a code of ours.
func (e *ExchangeFault) Unwrap() error {
	if e.Fault == FaultUnreached {
		return reminders.Errorf(reminders.EUNAVAILABLE, "Slack did not answer")
	}
	return reminders.Errorf(reminders.EINVALID, "Slack did not take the code")
}

// Exchange turns the code that came with the browser into a workspace and its token. The error is an *ExchangeFault.
func (w *Workspaces) Exchange(ctx context.Context, code string) (reminders.Workspace, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := w.config.HTTPClient
	if client == nil {
		client = &http.Client{Timeout: timeout}
	}
	r, err := slackapi.GetOAuthV2ResponseContext(ctx, client, w.config.ClientID, w.config.ClientSecret, code, w.config.PublicURL+CallbackPath,
		slackapi.OAuthOptionAPIURL(w.config.BaseURL))
	var said slackapi.SlackErrorResponse
	switch {
	case errors.As(err, &said):
		fault := FaultConfigured
		switch said.Err {
		case "code_already_used", "code_expired", "invalid_code":
			fault = FaultCodeUsed
		case "fatal_error", "internal_error", "service_unavailable", "ratelimited", "request_timeout":
			fault = FaultUnreached
		}
		return reminders.Workspace{}, &ExchangeFault{fault, said.Err}
	case err != nil || r.AccessToken == "":
		return reminders.Workspace{}, &ExchangeFault{FaultUnreached, ""}
	case r.IsEnterpriseInstall || r.Team.ID == "":
		return reminders.Workspace{}, &ExchangeFault{FaultWhole, ""}
	}
	return reminders.Workspace{TeamID: r.Team.ID, Name: r.Team.Name, BotUserID: r.BotUserID, Token: r.AccessToken, Scopes: r.Scope}, nil
}
