// Package slack is the Channel to Slack workspaces: a direct message with a button for each choice. It sends, looks for
// a message whose answer nobody saw, deletes, shows App Home, adds the app to workspaces and reads Slack's webhooks.
// Channel is one workspace, Workspaces all of them. It holds no rules.
//
// Slack has no idempotency key for chat.postMessage: our message id goes along as metadata, and Find looks
// for it in the conversation before anybody sends again.
package slack

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	slackapi "github.com/slack-go/slack"

	"efterkurs/bot"
	"efterkurs/reminders"
)

const (
	defaultBaseURL = "https://slack.com/api/"
	timeout        = 20 * time.Second

	eventType  = "efterkurs_message" // of the metadata
	payloadKey = "message"           // in it, our message id as text

	maxSection = 3000 // characters in a section
	maxLabel   = 75   // characters on a button
	maxButtons = 25   // in a message; no question has more than nine choices
	rowButtons = 5    // in a block, as many as stand beside each other on a phone
)

// Config is what the channel needs: one workspace's bot token.
type Config struct {
	BotToken   string
	BaseURL    string           // "" = https://slack.com/api/
	HTTPClient *http.Client     // nil = one of its own; without a time-out it gets one of 20 s
	Now        func() time.Time // nil = the machine's clock
}

// Channel writes to the people of one workspace. It is safe for concurrent use.
type Channel struct {
	config Config
	http   *http.Client
	lost   func(ctx context.Context, code string) // told where the token is not taken; nil = nobody is

	mu     sync.Mutex
	users  map[string]string    // e-mail → user id
	rooms  map[string]string    // user id → channel id of the direct message
	emails map[string]userEmail // by user id
	me     *identity            // nil = not asked yet

	sweeping sync.Mutex // held by the one sweep under way; guards what follows
	sweep    *sweep     // how far it has come; nil = none is begun
	rest     time.Time  // until then Slack wants no more sweeping
}

var (
	_ bot.Channel   = (*Channel)(nil)
	_ bot.Finder    = (*Channel)(nil)
	_ bot.Forgetter = (*Channel)(nil)
	_ bot.Sweeper   = (*Channel)(nil)
)

// New checks the configuration; EINVALID names the variable that is wrong.
func New(config Config) (*Channel, error) {
	if config.BotToken == "" {
		return nil, reminders.Errorf(reminders.EINVALID, "SLACK_BOT_TOKEN is missing")
	}
	var err error
	if config.BaseURL, err = baseURL(config.BaseURL); err != nil {
		return nil, err
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	client := http.Client{Timeout: timeout}
	if config.HTTPClient != nil {
		client = *config.HTTPClient
		if client.Timeout == 0 {
			client.Timeout = timeout
		}
	}
	// A redirect is not followed: a POST sent on to somewhere else is one nobody decided to send.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Channel{config: config, http: &client, users: map[string]string{}, rooms: map[string]string{}, emails: map[string]userEmail{}}, nil
}

func baseURL(address string) (string, error) {
	if address == "" {
		address = defaultBaseURL
	}
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return "", reminders.Errorf(reminders.EINVALID, "SLACK_BASE_URL is not an http or https address")
	}
	return strings.TrimRight(address, "/") + "/", nil // slack-go puts the method's name right after it
}

// Name is "slack".
func (c *Channel) Name() string { return reminders.Slack }

// Send posts one direct message. out.To is a user id or an e-mail. ProviderID is channel:ts.
func (c *Channel) Send(ctx context.Context, out reminders.Outgoing) reminders.Result {
	if strings.Contains(out.To, ",") {
		return c.sendGroup(ctx, out)
	}
	// Nothing before chat.postMessage writes to anybody: whatever breaks until then is proven unsent.
	room, failure := c.room(ctx, out.To)
	if failure != nil {
		return *failure
	}
	result := c.post(ctx, room, out)
	if result.BadAddress {
		c.forgetRoom(room) // and who it was with: the address may become somebody else's
	}
	if result.Code != "channel_not_found" && result.Code != "is_archived" {
		return result
	}
	// The direct message was closed since it was opened: look up and open it again, once.
	c.forgetRoom(room)
	again, failure := c.room(ctx, out.To)
	if failure != nil {
		return *failure
	}
	return c.post(ctx, again, out)
}

// sendGroup posts to several people at once, in a conversation of theirs. What is wrong with one of them, or with the right to
// open such conversations, says nothing of the others' addresses nor of the workspace.
func (c *Channel) sendGroup(ctx context.Context, out reminders.Outgoing) reminders.Result {
	room, failure := c.room(ctx, out.To)
	if failure == nil {
		result := c.post(ctx, room, out)
		failure = &result
	}
	failure.BadAddress = false
	if failure.Code == "missing_scope" {
		failure.Outcome, failure.Detail = reminders.OutcomeFailed, "the app may not open conversations of several; add it to the workspace again"
	}
	return *failure
}

func (c *Channel) post(ctx context.Context, room string, out reminders.Outgoing) reminders.Result {
	call := c.call(ctx)
	channel, ts, err := call.api().PostMessageContext(ctx, room, options(out)...)
	if err != nil {
		return call.result(err)
	}
	if ts == "" {
		return reminders.Result{Outcome: reminders.OutcomeUnknown, Detail: "Slack's answer could not be read"}
	}
	return accepted(channel, ts)
}

func accepted(channel, ts string) reminders.Result {
	return reminders.Result{Outcome: reminders.OutcomeAccepted, ProviderID: channel + ":" + ts, Status: "ok"}
}

// options is the message: text for notifications, the same in a section, a button for each choice.
func options(out reminders.Outgoing) []slackapi.MsgOption {
	blocks := sections(out.Text)
	var row []slackapi.BlockElement
	for i, choice := range out.Choices[:min(len(out.Choices), maxButtons)] {
		label := slackapi.NewTextBlockObject(slackapi.PlainTextType, cut(choice.Digit+" "+choice.Label, maxLabel), false, false)
		value := strconv.FormatInt(out.MessageID, 10) + ":" + choice.Digit
		row = append(row, slackapi.NewButtonBlockElement(actionPrefix+choice.Digit, value, label))
		if len(row) == rowButtons || i == min(len(out.Choices), maxButtons)-1 {
			blocks = append(blocks, slackapi.NewActionBlock("", row...))
			row = nil
		}
	}
	return []slackapi.MsgOption{
		slackapi.MsgOptionText(out.Text, true),
		slackapi.MsgOptionBlocks(blocks...),
		slackapi.MsgOptionMetadata(slackapi.SlackMetadata{EventType: eventType,
			EventPayload: map[string]any{payloadKey: strconv.FormatInt(out.MessageID, 10)}}),
		slackapi.MsgOptionDisableLinkUnfurl(), slackapi.MsgOptionDisableMediaUnfurl(),
	}
}

// sections is the text in blocks of at most 3000 characters. It is escaped, so that nothing a person wrote
// becomes a mention, and mrkdwn, so that an address can be pressed.
func sections(text string) []slackapi.Block {
	var blocks []slackapi.Block
	for rest := []rune(strings.TrimSpace(text)); len(rest) > 0; {
		n := min(len(rest), maxSection/5) // "&" becomes "&amp;": five times as long
		if len(rest) <= maxSection && utf8.RuneCountInString(escape(string(rest))) <= maxSection {
			n = len(rest)
		}
		blocks = append(blocks, slackapi.NewSectionBlock(slackapi.NewTextBlockObject(slackapi.MarkdownType, escape(string(rest[:n])), false, false), nil, nil))
		rest = rest[n:]
	}
	return blocks
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// room is the channel of the direct message with somebody, or with several, opened where it has to be.
func (c *Channel) room(ctx context.Context, to string) (string, *reminders.Result) {
	var users []string
	for address := range strings.SplitSeq(to, ",") {
		user, failure := c.user(ctx, address)
		if failure != nil {
			return "", failure
		}
		users = append(users, user)
	}
	slices.Sort(users)
	user := strings.Join(users, ",")
	c.mu.Lock()
	room := c.rooms[user]
	c.mu.Unlock()
	if room != "" {
		return room, nil
	}
	call := c.call(ctx)
	opened, _, _, err := call.api().OpenConversationContext(ctx, &slackapi.OpenConversationParameters{Users: users})
	if err != nil || opened == nil || opened.ID == "" {
		return "", call.unsent(err)
	}
	c.mu.Lock()
	c.rooms[user] = opened.ID
	c.mu.Unlock()
	return opened.ID, nil
}

// user is the id of somebody whose id or e-mail is given.
func (c *Channel) user(ctx context.Context, to string) (string, *reminders.Result) {
	if !strings.Contains(to, "@") {
		return to, nil
	}
	c.mu.Lock()
	user := c.users[strings.ToLower(to)]
	c.mu.Unlock()
	if user != "" {
		return user, nil
	}
	call := c.call(ctx)
	found, err := call.api().GetUserByEmailContext(ctx, to)
	if err != nil || found.ID == "" {
		return "", call.unsent(err)
	}
	c.mu.Lock()
	c.users[strings.ToLower(to)] = found.ID
	c.mu.Unlock()
	return found.ID, nil
}

// forgetRoom drops what was cached about a direct message: its channel and its person's address.
func (c *Channel) forgetRoom(room string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for user, of := range c.rooms {
		if of == room {
			delete(c.rooms, user)
			maps.DeleteFunc(c.users, func(_, known string) bool { return known == user })
		}
	}
}

// findSkew is how wrong our clock may have been at a try: a day ahead, say, and set back before anybody looks.
const findSkew = 25 * time.Hour

// Find looks in the conversation for our message id, in what was written since since, less findSkew. The id in the
// metadata decides, so that what is already known decides nothing.
func (c *Channel) Find(ctx context.Context, out reminders.Outgoing, since time.Time, _ func(string) bool) (reminders.Result, bool, error) {
	room, failure := c.room(ctx, out.To)
	if failure != nil {
		return reminders.Result{}, false, reminders.Errorf(reminders.EUNAVAILABLE, "find message %d in Slack: %s", out.MessageID, failure.Detail)
	}
	params := slackapi.GetConversationHistoryParameters{ChannelID: room, Inclusive: true, Limit: 200, IncludeAllMetadata: true,
		Oldest: strconv.FormatInt(since.Add(-findSkew).Unix(), 10) + ".000000"}
	for range 20 { // pages: 4000 messages in one conversation
		call := c.call(ctx)
		page, err := call.api().GetConversationHistoryContext(ctx, &params)
		if err != nil {
			result := call.result(err)
			if result.Code == "channel_not_found" || result.Code == "is_archived" {
				c.forgetRoom(room) // the next look opens it again
			}
			return reminders.Result{}, false, reminders.Errorf(reminders.EUNAVAILABLE, "find message %d in Slack: %s", out.MessageID, result.Detail)
		}
		if page.Messages == nil { // an empty page is [], and what holds none at all proves nothing unsent
			return reminders.Result{}, false, reminders.Errorf(reminders.EUNAVAILABLE, "find message %d in Slack: the answer holds no messages", out.MessageID)
		}
		for _, m := range page.Messages {
			if m.Metadata.EventType == eventType && m.Metadata.EventPayload[payloadKey] == strconv.FormatInt(out.MessageID, 10) {
				return accepted(room, m.Timestamp), true, nil
			}
		}
		if params.Cursor = page.ResponseMetaData.NextCursor; params.Cursor == "" {
			return reminders.Result{}, false, nil
		}
	}
	return reminders.Result{}, false, reminders.Errorf(reminders.EUNAVAILABLE, "find message %d in Slack: the conversation is longer than is read", out.MessageID)
}

// Forget deletes one of our messages. One that Slack does not have is forgotten.
// EUNAVAILABLE: Slack cannot be reached or asks to wait, try again later.
func (c *Channel) Forget(ctx context.Context, _, providerID string) error {
	room, ts, ok := strings.Cut(providerID, ":")
	if !ok {
		return reminders.Errorf(reminders.EINVALID, "forget in Slack: not a message's id")
	}
	call := c.call(ctx)
	_, _, err := call.api().DeleteMessageContext(ctx, room, ts)
	if err == nil {
		return nil
	}
	result := call.result(err)
	switch {
	case slices.Contains([]string{"message_not_found", "channel_not_found"}, result.Code):
		return nil
	case result.Outcome == reminders.OutcomeRetry, result.Outcome == reminders.OutcomeUnknown:
		return reminders.Errorf(reminders.EUNAVAILABLE, "forget %s in Slack: %s", providerID, result.Detail)
	}
	return reminders.Errorf(reminders.EINTERNAL, "forget %s in Slack: %s", providerID, result.Detail)
}

// Update replaces a message's text and takes its buttons away: what was chosen stands in their place. It is
// best effort, for the eyes only; the answer is already kept.
func (c *Channel) Update(ctx context.Context, channelID, ts, text string) error {
	call := c.call(ctx)
	_, _, _, err := call.api().UpdateMessageContext(ctx, channelID, ts, slackapi.MsgOptionText(text, true), slackapi.MsgOptionBlocks(sections(text)...))
	if err != nil {
		return reminders.Errorf(reminders.EUNAVAILABLE, "update %s:%s in Slack: %s", channelID, ts, call.result(err).Detail)
	}
	return nil
}

// needed are the scopes the bot cannot do without.
var needed = []string{"chat:write", "im:write", "im:history", "users:read", "users:read.email"}

// Check asks Slack whose token it is and what it may do. Nothing is sent.
func (c *Channel) Check(ctx context.Context) error {
	call := c.call(ctx)
	who, err := call.api().AuthTestContext(ctx)
	if err != nil {
		result := call.result(err)
		if result.Outcome == reminders.OutcomeHalt && c.lost != nil {
			return reminders.Errorf(reminders.EINVALID, "Slack does not let the app in: %s; add it again from the page Slack", result.Detail)
		}
		if result.Outcome == reminders.OutcomeHalt {
			return reminders.Errorf(reminders.EINVALID, "Slack does not accept SLACK_BOT_TOKEN: %s; install the app again and copy the new token", result.Detail)
		}
		return reminders.Errorf(reminders.EUNAVAILABLE, "Slack cannot be asked at %s: %s", c.config.BaseURL, result.Detail)
	}
	granted := strings.FieldsFunc(who.Header.Get("X-Oauth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	missing := slices.DeleteFunc(slices.Clone(needed), func(scope string) bool { return slices.Contains(granted, scope) })
	if len(missing) > 0 {
		return reminders.Errorf(reminders.EINVALID, "the Slack app lacks the scopes %s; add them under OAuth & Permissions and install the app again", strings.Join(missing, ", "))
	}
	return nil
}
