package providertest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Event posts an event, signed, in the envelope Slack puts around it. eventID "" = a new one; the same id again
// is what Slack does when it saw no answer. The caller closes the answer's body.
func (s *Slack) Event(ctx context.Context, webhookURL, eventID string, event map[string]any) (*http.Response, error) {
	if eventID == "" {
		eventID = strings.ToUpper(randomID("Ev"))
	}
	s.mu.Lock()
	now := s.clock.now()
	s.mu.Unlock()
	body, err := json.Marshal(map[string]any{"type": "event_callback", "team_id": s.TeamID, "api_app_id": "A0EFTERKURS",
		"event_id": eventID, "event_time": now.Unix(), "event": event,
		"authorizations": []map[string]any{{"team_id": s.TeamID, "user_id": s.BotID, "is_bot": true}}})
	if err != nil {
		return nil, err
	}
	return s.Post(ctx, webhookURL, "application/json", body)
}

// Say is somebody writing to the bot in their direct message; threadTS "" = not in a thread.
func (s *Slack) Say(ctx context.Context, webhookURL, user, text, threadTS string) (*http.Response, error) {
	return s.Tell(ctx, webhookURL, "", s.Write(user, text, threadTS))
}

// Tell posts the event of what somebody wrote, as Say does. eventID "" = a new one.
func (s *Slack) Tell(ctx context.Context, webhookURL, eventID string, m SlackMessage) (*http.Response, error) {
	event := m.fields(s)
	event["channel"], event["channel_type"], event["event_ts"] = m.Channel, "im", m.TS
	return s.Event(ctx, webhookURL, eventID, event)
}

// Write keeps what somebody wrote to the bot and tells nobody: the bot was away.
func (s *Slack) Write(user, text, threadTS string) SlackMessage {
	return s.Keep(SlackMessage{User: user, Text: text, ThreadTS: threadTS})
}

// Keep is Write for a message with more to it: a subtype, files, a bot's. Channel and TS are filled in where empty.
func (s *Slack) Keep(m SlackMessage) SlackMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Channel == "" {
		m.Channel = s.open(m.User)
	}
	if m.TS == "" {
		m.TS = s.ts()
	}
	s.messages = append(s.messages, &m)
	return m
}

// Rewrite is somebody editing what they wrote, and tells nobody.
func (s *Slack) Rewrite(m SlackMessage, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.find(m.Channel, m.TS); kept != nil {
		kept.Text, kept.Edited, kept.EditedTS = text, true, s.ts()
	}
}

// Remove is somebody deleting a message, and tells nobody. One with a thread leaves a notice behind.
func (s *Slack) Remove(m SlackMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.find(m.Channel, m.TS); kept != nil {
		kept.Deleted = true
	}
}

// Press presses the button for digit on a message the bot sent. pressedAt is its action_ts, "" = now; the same
// again is a retry of the same press.
func (s *Slack) Press(ctx context.Context, webhookURL string, message SlackMessage, digit, pressedAt string) (*http.Response, error) {
	value := buttons(message.Blocks)["answer_"+digit]
	if value == "" {
		return nil, fmt.Errorf("the message has no button %s", digit)
	}
	if pressedAt == "" {
		s.mu.Lock()
		pressedAt = s.ts()
		s.mu.Unlock()
	}
	return s.interact(ctx, webhookURL, map[string]any{"type": "block_actions", "team": map[string]any{"id": s.TeamID},
		"user": map[string]any{"id": message.User, "team_id": s.TeamID}, "channel": map[string]any{"id": message.Channel},
		"message": map[string]any{"ts": message.TS}, "container": map[string]any{"type": "message", "message_ts": message.TS},
		"response_url": s.responseURL(message.User, message.Channel, message.TS), "trigger_id": "1.2.3",
		"actions": []map[string]any{{"type": "button", "action_id": "answer_" + digit, "value": value, "action_ts": pressedAt}}})
}

// Command is somebody using a slash command.
func (s *Slack) Command(ctx context.Context, webhookURL, user, command, text string) (*http.Response, error) {
	return s.Form(ctx, webhookURL, url.Values{"team_id": {s.TeamID}, "user_id": {user}, "command": {command}, "text": {text},
		"channel_id": {"D1"}, "response_url": {s.responseURL(user, "", "")}, "trigger_id": {randomID("1.2.")}})
}

// Form posts a signed form.
func (s *Slack) Form(ctx context.Context, webhookURL string, form url.Values) (*http.Response, error) {
	return s.Post(ctx, webhookURL, "application/x-www-form-urlencoded", []byte(form.Encode()))
}

// Post posts a signed body.
func (s *Slack) Post(ctx context.Context, webhookURL, contentType string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, webhookURL, strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	// Signed at the machine's time, whatever the story's: who checks a signature goes by that.
	maps.Copy(req.Header, s.Sign(strconv.FormatInt(time.Now().Unix(), 10), body))
	return http.DefaultClient.Do(req)
}

// Sign is the headers Slack puts on a body sent at timestamp (Unix seconds).
func (s *Slack) Sign(timestamp string, body []byte) http.Header {
	mac := hmac.New(sha256.New, []byte(s.SigningSecret))
	fmt.Fprintf(mac, "v0:%s:%s", timestamp, body)
	return http.Header{"X-Slack-Request-Timestamp": {timestamp}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))}}
}
