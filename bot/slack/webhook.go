package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// actionPrefix begins the action_id of our buttons; the digit follows.
const actionPrefix = "answer_"

// freshness is how far a request's timestamp may be from now, either way: a recorded one is of no use later.
const freshness = 5 * time.Minute

// Verify says whether Slack, knowing the signing secret, sent this body just now: nil or EINVALID. Without a
// secret nothing is genuine. Slack's url_verification is answered after it too.
func Verify(secret string, header http.Header, body []byte, now time.Time) error {
	if secret == "" {
		return reminders.Errorf(reminders.EINVALID, "SLACK_SIGNING_SECRET is missing: no request is taken")
	}
	timestamp := header.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return reminders.Errorf(reminders.EINVALID, "the request has no timestamp")
	}
	given, ok := strings.CutPrefix(header.Get("X-Slack-Signature"), "v0=")
	signature, err := hex.DecodeString(given)
	if !ok || err != nil {
		return reminders.Errorf(reminders.EINVALID, "the request has no signature")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + timestamp + ":"))
	mac.Write(body)
	if !hmac.Equal(mac.Sum(nil), signature) {
		return reminders.Errorf(reminders.EINVALID, "the request's signature is wrong")
	}
	// In whole seconds: a duration overflows on the years a forger may write.
	if limit := int64(freshness / time.Second); seconds < now.Unix()-limit || seconds > now.Unix()+limit {
		return reminders.Errorf(reminders.EINVALID, "the request is older or newer than %s", freshness)
	}
	return nil
}

// Event is what came to the events address.
type Event struct {
	Challenge   string       // not "": answer it, and nothing else is here
	EventID     string       // the same on every retry
	TeamID      string       // whose workspace
	At          time.Time    // when it happened, in whole seconds
	Inbound     *bot.Inbound // nil = nothing a person wrote to the bot
	Withdrawn   string       // the ProviderID of a text that its writer deleted; Inbound is then that text, where it was written lately
	Home        string       // the user who opened App Home
	Uninstalled bool         // the workspace removed the app: its token is void
	Reason      string       // of Uninstalled: reminders.LostUninstalled or LostRevoked
}

type envelope struct {
	Type           string `json:"type"`
	Challenge      string `json:"challenge"`
	TeamID         string `json:"team_id"`
	EventID        string `json:"event_id"`
	EventTime      int64  `json:"event_time"` // Unix seconds
	Authorizations []struct {
		UserID string `json:"user_id"`
	} `json:"authorizations"`
	Event struct {
		written
		Type        string `json:"type"`
		Channel     string `json:"channel"`
		ChannelType string `json:"channel_type"`
		Tokens      struct {
			Bot []string `json:"bot"`
		} `json:"tokens"`
		Tab       string  `json:"tab"`
		Message   written `json:"message"`          // as it is after an edit
		Previous  written `json:"previous_message"` // as it was before an edit or a deletion
		DeletedTS string  `json:"deleted_ts"`
	} `json:"event"`
}

// ParseEvent reads the body of a request to the events address, after Verify. EINVALID where it is none.
// Whatever Slack sends that no person wrote to the bot directly has no Inbound. The ProviderID of one is
// team:channel:ts, which the conversation's history shows as well.
func ParseEvent(body []byte) (Event, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, reminders.Errorf(reminders.EINVALID, "the event is not readable JSON")
	}
	switch {
	case e.Type == "url_verification" && e.Challenge != "":
		return Event{Challenge: e.Challenge}, nil
	case e.Type != "event_callback":
		return Event{TeamID: e.TeamID, EventID: e.EventID}, nil // app_rate_limited and what is yet to come
	case e.EventID == "" || e.TeamID == "":
		return Event{}, reminders.Errorf(reminders.EINVALID, "the event has no event_id or no team_id")
	}
	event := Event{EventID: e.EventID, TeamID: e.TeamID, At: moment(strconv.FormatInt(e.EventTime, 10))}
	switch e.Event.Type {
	case "app_uninstalled":
		event.Uninstalled, event.Reason = true, reminders.LostUninstalled
	case "tokens_revoked":
		event.Uninstalled, event.Reason = len(e.Event.Tokens.Bot) > 0, reminders.LostRevoked
	case "app_home_opened":
		if e.Event.Tab == "home" {
			event.Home = e.Event.User
		}
	case "message":
		if e.Event.ChannelType == "im" && e.Event.Channel != "" {
			e.message(&event)
		}
	}
	return event, nil
}

// message is what somebody did in their direct message with the bot: wrote, edited or deleted.
func (e *envelope) message(event *Event) {
	m := &e.Event
	switch {
	case m.Subtype == "message_changed":
		// A link that is unfolded changes a message too; nobody has edited it then.
		if m.Message.byPerson(e.us()) && m.Message.edited() && m.Message.Text != m.Previous.Text {
			event.Inbound = m.Message.inbound(e.TeamID, m.Channel)
		}
	case m.Subtype == "message_deleted":
		if m.DeletedTS != "" && m.Previous.byPerson(e.us()) && m.Previous.TS == m.DeletedTS {
			event.Withdrawn = e.TeamID + ":" + m.Channel + ":" + m.DeletedTS
			// The event of its writing may still be on its way: a STOP that is deleted at once was said all the same.
			if at := moment(m.DeletedTS); event.At.Sub(at) < lately {
				before := m.Previous
				before.Edited.TS = ""
				event.Inbound = before.inbound(e.TeamID, m.Channel)
			}
		}
	case m.byPerson(e.us()):
		event.Inbound = m.inbound(e.TeamID, m.Channel)
	}
}

// lately is longer than Slack goes on telling us of what it could not tell at first.
const lately = time.Hour

// us is the bot's user ids: whom the event was delivered for.
func (e *envelope) us() []string {
	var ids []string
	for _, authorization := range e.Authorizations {
		ids = append(ids, authorization.UserID)
	}
	return ids
}

// written is a message as an event and the conversation's history both have it: from either comes the same text,
// so that one taken in by both is known again.
type written struct {
	Subtype  string `json:"subtype"`
	User     string `json:"user"`
	BotID    string `json:"bot_id"`
	Text     string `json:"text"`
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts"`
	Files    []file `json:"files"`
	Edited   struct {
		User string `json:"user"`
		TS   string `json:"ts"`
	} `json:"edited"`
}

// edited says whether its writer has changed it.
func (m written) edited() bool { return m.Edited.TS != "" && m.Edited.User == m.User }

type file struct {
	Permalink string `json:"permalink"`
}

// byPerson says whether somebody wrote this to the bot: not a bot, not ourselves, not an edit, a deletion or a
// notice (they have a subtype).
func (m written) byPerson(us []string) bool {
	plain := m.Subtype == "" || m.Subtype == "file_share" || m.Subtype == "thread_broadcast" || m.Subtype == "me_message"
	return plain && m.BotID == "" && m.User != "" && m.User != "USLACKBOT" && !slices.Contains(us, m.User) && m.TS != ""
}

// inbound is the text. An event's id is not kept with it: the history has none. One that was edited is a text of its
// own, written when it was edited, in the place of the one it was.
func (m written) inbound(team, channel string) *bot.Inbound {
	in := &bot.Inbound{Channel: reminders.Slack, ProviderID: team + ":" + channel + ":" + m.TS, From: m.User, To: channel,
		Text: unescape(m.Text), Attributes: map[string]string{"team_id": team, "channel_id": channel, "ts": m.TS}, At: moment(m.TS)}
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		in.Attributes["thread_ts"] = m.ThreadTS
	}
	if m.edited() {
		in.Attributes["replaces"] = in.ProviderID
		in.ProviderID += ":" + m.Edited.TS
		in.At = moment(m.Edited.TS)
	}
	for _, file := range m.Files {
		if file.Permalink != "" {
			in.Media = append(in.Media, file.Permalink)
		}
	}
	return in
}

// unescape undoes the three characters Slack escapes in what people write.
var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace

// moment is the instant in a ts: seconds, a point, microseconds. Zero where it is none.
func moment(ts string) time.Time {
	seconds, rest, _ := strings.Cut(ts, ".")
	whole, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || whole < 0 || whole > 1<<40 {
		return time.Time{}
	}
	micros, _ := strconv.ParseInt(rest, 10, 32)
	return time.Unix(whole, micros*1000).UTC()
}

// Interaction is a button somebody pressed.
type Interaction struct {
	Inbound     bot.Inbound
	ResponseURL string
	ChannelID   string // with MessageTS: what Update replaces
	MessageTS   string
	Home        bool // pressed in App Home
}

// ParseInteraction reads the form of a pressed button, after Verify. The ProviderID is team, user and the
// press's own instant: a retry of the press is the same, a second press is another. EINVALID where it is none
// of our buttons.
func ParseInteraction(form url.Values) (Interaction, error) {
	var p struct {
		Type        string `json:"type"`
		ResponseURL string `json:"response_url"`
		Team        struct {
			ID string `json:"id"`
		} `json:"team"`
		User struct {
			ID     string `json:"id"`
			TeamID string `json:"team_id"`
		} `json:"user"`
		Channel struct {
			ID string `json:"id"`
		} `json:"channel"`
		Message struct {
			TS string `json:"ts"`
		} `json:"message"`
		Container struct {
			MessageTS string `json:"message_ts"`
			ChannelID string `json:"channel_id"`
		} `json:"container"`
		Actions []struct {
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
			ActionTS string `json:"action_ts"`
		} `json:"actions"`
	}
	if err := json.Unmarshal([]byte(form.Get("payload")), &p); err != nil {
		return Interaction{}, reminders.Errorf(reminders.EINVALID, "the interaction is not readable JSON")
	}
	team := either(p.Team.ID, p.User.TeamID) // a workspace within an organisation has no team of its own here
	if p.Type != "block_actions" || len(p.Actions) == 0 || p.User.ID == "" || team == "" {
		return Interaction{}, reminders.Errorf(reminders.EINVALID, "the interaction is no pressed button")
	}
	action := p.Actions[0]
	if word, ok := strings.CutPrefix(action.ActionID, homePrefix); ok && slices.Contains(HomeWords, action.Value) && word == slug(action.Value) && action.ActionTS != "" {
		return Interaction{Home: true, Inbound: bot.Inbound{Channel: reminders.Slack, ProviderID: team + ":" + p.User.ID + ":" + action.ActionTS, From: p.User.ID,
			Text: action.Value, At: moment(action.ActionTS), Attributes: map[string]string{"team_id": team, "action_id": action.ActionID}}}, nil
	}
	id, digit, ok := strings.Cut(action.Value, ":")
	question, err := strconv.ParseInt(id, 10, 64)
	if !ok || err != nil || question <= 0 || digit == "" || action.ActionTS == "" || action.ActionID != actionPrefix+digit {
		return Interaction{}, reminders.Errorf(reminders.EINVALID, "the pressed button is none of ours")
	}
	channel, ts := either(p.Channel.ID, p.Container.ChannelID), either(p.Message.TS, p.Container.MessageTS)
	return Interaction{ResponseURL: p.ResponseURL, ChannelID: channel, MessageTS: ts, Inbound: bot.Inbound{
		Channel: reminders.Slack, ProviderID: team + ":" + p.User.ID + ":" + action.ActionTS, From: p.User.ID, To: channel,
		Text: digit, QuestionID: question, At: moment(action.ActionTS),
		Attributes: map[string]string{"team_id": team, "channel_id": channel, "message_ts": ts, "action_id": action.ActionID},
	}}, nil
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Command is a slash command somebody used.
type Command struct {
	UserID, TeamID string
	Command        string // with its slash
	Text           string // what followed it
	ResponseURL    string
	TriggerID      string // one a use
}

// ParseCommand reads the form of a slash command, after Verify. EINVALID where it is none.
func ParseCommand(form url.Values) (Command, error) {
	c := Command{UserID: form.Get("user_id"), TeamID: form.Get("team_id"), Command: form.Get("command"), Text: strings.TrimSpace(form.Get("text")),
		ResponseURL: form.Get("response_url"), TriggerID: form.Get("trigger_id")}
	if c.UserID == "" || c.TeamID == "" || !strings.HasPrefix(c.Command, "/") {
		return Command{}, reminders.Errorf(reminders.EINVALID, "a slash command has user_id, team_id and command; this has not all")
	}
	return c, nil
}
