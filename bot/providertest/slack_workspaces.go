package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// shared is what all workspaces behind one address share.
type shared struct {
	all       sync.Mutex // guards what follows
	teams     []*Slack   // besides the first
	codes     map[string]*slackCode
	responses map[string]*responseURL
	said      []SlackResponse
	expired   bool          // all response_urls
	changed   chan struct{} // closed and made anew whenever something happened
}

func newShared() shared {
	return shared{codes: map[string]*slackCode{}, responses: map[string]*responseURL{}, changed: make(chan struct{})}
}

// SlackResponse is what was posted to a response_url.
type SlackResponse struct {
	Team, User, Text string
	Blocks           json.RawMessage
	Replaced         bool // the message whose button was pressed
}

// responseURL takes five posts at most.
type responseURL struct {
	of          *Slack
	user        string
	channel, ts string // of the message with the button; "" = of a command
	uses        int
}

// slackCode is a temporary authorization code.
type slackCode struct {
	of                      *Slack
	client, redirect, scope string
	used                    bool
}

// Workspace is another workspace that the same app may be installed into, with people and a token of its own, behind
// the same address and with the same signing secret. Nothing is installed yet: see Approve.
func (s *Slack) Workspace(team, name string) *Slack {
	w := newWorkspace(s.t, team, name)
	w.root, w.URL, w.SigningSecret, w.ClientID, w.ClientSecret, w.Close = s.root, s.URL, s.SigningSecret, s.ClientID, s.ClientSecret, s.Close
	w.clock = func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.clock.now()
	}
	s.root.all.Lock()
	defer s.root.all.Unlock()
	s.root.teams = append(s.root.teams, w)
	return w
}

// of is the workspace of a token; the first one where it is nobody's.
func (s *Slack) of(token string) *Slack {
	s.all.Lock()
	defer s.all.Unlock()
	for _, w := range s.teams {
		w.mu.Lock()
		own := w.Token == token
		w.mu.Unlock()
		if own {
			return w
		}
	}
	return s
}

// happened wakes whoever waits.
func (s *Slack) happened() {
	root := s.root
	root.all.Lock()
	defer root.all.Unlock()
	close(root.changed)
	root.changed = make(chan struct{})
}

// Await returns when holds says so; it is asked after every request that was answered. An error where ctx ends first.
func (s *Slack) Await(ctx context.Context, holds func() bool) error {
	for {
		s.root.all.Lock()
		changed := s.root.changed
		s.root.all.Unlock()
		if holds() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// parse reads a request's parameters, in a form or in JSON.
func parse(r *http.Request) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return r.ParseForm()
	}
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
		return err
	}
	r.Form = url.Values{}
	for name, raw := range fields {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		r.Form.Set(name, text)
	}
	return nil
}

// scopeFor is the scope that a call needs; "" = none.
func (s *Slack) scopeFor(method string, form url.Values) string {
	scope := methodScopes[method]
	if strings.Contains(form.Get("users"), ",") || strings.Contains(s.channels[form.Get("channel")], ",") {
		scope = strings.Replace(scope, "im:", "mpim:", 1)
	}
	return scope
}

// publish wants the lock.
func (s *Slack) publish(form url.Values) map[string]any {
	if _, known := s.users[form.Get("user_id")]; !known {
		return failed("user_not_found")
	}
	var view struct {
		Type   string
		Blocks json.RawMessage
	}
	if err := json.Unmarshal([]byte(form.Get("view")), &view); err != nil || view.Type != "home" {
		fault(s.t, "slack: the view of App Home is none: %v", err)
		return failed("invalid_arguments")
	}
	if problem := checkBlocks(string(view.Blocks)); problem != "" {
		fault(s.t, "slack: App Home: %s", problem)
		return failed("invalid_blocks")
	}
	s.homes[form.Get("user_id")] = json.RawMessage(form.Get("view"))
	return ok("view", map[string]any{"id": "V1", "type": "home"})
}

// Home is what somebody's App Home shows, as JSON; nil = nothing yet.
func (s *Slack) Home(user string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.homes[user]
}

// Approve is somebody with the right to do so following an "Add to Slack" link into this workspace and pressing Allow.
// It returns where Slack sends the browser then.
func (s *Slack) Approve(authorizeURL string) (callback string, err error) {
	u, err := url.Parse(authorizeURL)
	if err != nil {
		return "", err
	}
	q := u.Query()
	if want := strings.TrimSuffix(s.URL, "/api/") + "/oauth/v2/authorize"; u.Scheme+"://"+u.Host+u.Path != want {
		return "", fmt.Errorf("the link leads to %s, not to %s", u, want)
	}
	if q.Get("client_id") != s.ClientID || q.Get("scope") == "" || q.Get("redirect_uri") == "" || q.Get("state") == "" {
		return "", fmt.Errorf("the link lacks what Slack asks for: %s", u.RawQuery)
	}
	code := randomID("1.")
	s.root.all.Lock()
	s.root.codes[code] = &slackCode{of: s, client: q.Get("client_id"), redirect: q.Get("redirect_uri"), scope: q.Get("scope")}
	s.root.all.Unlock()
	return q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), nil
}

// Cancel is somebody pressing Cancel there.
func (s *Slack) Cancel(authorizeURL string) (callback string, err error) {
	u, err := url.Parse(authorizeURL)
	if err != nil {
		return "", err
	}
	return u.Query().Get("redirect_uri") + "?" + url.Values{"error": {"access_denied"}, "state": {u.Query().Get("state")}}.Encode(), nil
}

// exchange is oauth.v2.access.
func (s *Slack) exchange(w http.ResponseWriter, r *http.Request) {
	id, secret := r.Form.Get("client_id"), r.Form.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		id, secret = user, password
	}
	s.all.Lock()
	defer s.all.Unlock()
	code := s.codes[r.Form.Get("code")]
	switch {
	case id != s.ClientID:
		slackError(w, "invalid_client_id")
	case secret != s.ClientSecret:
		slackError(w, "bad_client_secret")
	case code == nil || code.client != id:
		slackError(w, "invalid_code")
	case code.used:
		slackError(w, "code_already_used")
	case code.redirect != r.Form.Get("redirect_uri"):
		slackError(w, "bad_redirect_uri")
	default:
		code.used = true
		to := code.of
		to.mu.Lock()
		if to.refusal != "" { // installed anew: another token
			to.refusal, to.Token = "", "xoxb-"+randomID("1-")
		}
		to.scopes = code.scope
		answer := ok("access_token", to.Token, "token_type", "bot", "scope", to.scopes, "bot_user_id", to.BotID, "app_id", "A0EFTERKURS",
			"team", map[string]any{"id": to.TeamID, "name": to.TeamName}, "enterprise", nil, "is_enterprise_install", false, "authed_user", map[string]any{"id": "U0ADMIN"})
		to.mu.Unlock()
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// Refuse has every call with this workspace's token refused, as after the token was revoked; "" = no more.
func (s *Slack) Refuse(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = code
}

// Uninstall is the workspace removing the app. It posts the two events that Slack does.
func (s *Slack) Uninstall(ctx context.Context, webhookURL string) error {
	s.Refuse("account_inactive")
	for _, event := range []map[string]any{
		{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []string{}, "bot": []string{s.BotID}}}, {"type": "app_uninstalled"},
	} {
		if err := answered(s.Event(ctx, webhookURL, "", event)); err != nil {
			return err
		}
	}
	return nil
}

// OpenHome is somebody opening the app's Home tab.
func (s *Slack) OpenHome(ctx context.Context, webhookURL, user string) (*http.Response, error) {
	return s.Event(ctx, webhookURL, "", map[string]any{"type": "app_home_opened", "user": user, "channel": "D0HOME", "tab": "home", "event_ts": "1.2"})
}

// PressHome presses the button with actionID in somebody's App Home.
func (s *Slack) PressHome(ctx context.Context, webhookURL, user, actionID string) (*http.Response, error) {
	value, ok := buttons(s.Home(user))[actionID]
	if !ok {
		return nil, fmt.Errorf("the Home of %s has no button %s: %s", user, actionID, s.Home(user))
	}
	s.mu.Lock()
	at := s.ts()
	s.mu.Unlock()
	return s.interact(ctx, webhookURL, map[string]any{"type": "block_actions", "team": map[string]any{"id": s.TeamID},
		"user": map[string]any{"id": user, "team_id": s.TeamID}, "container": map[string]any{"type": "view", "view_id": "V1"},
		"view": map[string]any{"id": "V1", "type": "home"}, "trigger_id": "1.2.3",
		"actions": []map[string]any{{"type": "button", "action_id": actionID, "value": value, "action_ts": at}}})
}

func (s *Slack) interact(ctx context.Context, webhookURL string, payload map[string]any) (*http.Response, error) {
	raw, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	return s.Form(ctx, webhookURL, url.Values{"payload": {string(raw)}})
}

// buttons are those in blocks, or in a view that holds blocks: action_id to value.
func buttons(raw json.RawMessage) map[string]string {
	type block struct {
		Elements []struct {
			ActionID string `json:"action_id"`
			Value    string
		}
		Accessory struct {
			ActionID string `json:"action_id"`
			Value    string
		}
	}
	var blocks []block
	var view struct{ Blocks []block }
	if json.Unmarshal(raw, &blocks) != nil {
		_ = json.Unmarshal(raw, &view)
		blocks = view.Blocks
	}
	out := map[string]string{}
	for _, b := range blocks {
		if b.Accessory.ActionID != "" {
			out[b.Accessory.ActionID] = b.Accessory.Value
		}
		for _, e := range b.Elements {
			out[e.ActionID] = e.Value
		}
	}
	return out
}

// Edit is somebody editing what they wrote. It posts the event of it.
func (s *Slack) Edit(ctx context.Context, webhookURL string, m SlackMessage, text string) (*http.Response, error) {
	s.Rewrite(m, text)
	s.mu.Lock()
	now := m
	now.Text = text
	event := map[string]any{"type": "message", "subtype": "message_changed", "hidden": true, "channel": m.Channel, "channel_type": "im",
		"message": s.entry(&now, nil), "previous_message": m.fields(s), "ts": s.ts(), "event_ts": s.ts()}
	if kept := s.find(m.Channel, m.TS); kept != nil {
		event["message"] = s.entry(kept, nil)
	}
	s.mu.Unlock()
	return s.Event(ctx, webhookURL, "", event)
}

// Delete is somebody deleting what they wrote. It posts the event of it.
func (s *Slack) Delete(ctx context.Context, webhookURL string, m SlackMessage) (*http.Response, error) {
	s.Remove(m)
	s.mu.Lock()
	event := map[string]any{"type": "message", "subtype": "message_deleted", "hidden": true, "channel": m.Channel, "channel_type": "im", "deleted_ts": m.TS,
		"previous_message": m.fields(s), "ts": s.ts(), "event_ts": s.ts()}
	s.mu.Unlock()
	return s.Event(ctx, webhookURL, "", event)
}

// respondPath is where response_urls lead.
const respondPath = "/respond/"

// responseURL makes one that belongs to a message, or to a command where channel is "".
func (s *Slack) responseURL(user, channel, ts string) string {
	id := randomID("")
	s.root.all.Lock()
	defer s.root.all.Unlock()
	s.root.responses[id] = &responseURL{of: s, user: user, channel: channel, ts: ts}
	return strings.TrimSuffix(s.URL, "/api/") + respondPath + id
}

// RefuseResponses has every response_url refused from now on: they are good for half an hour.
func (s *Slack) RefuseResponses() {
	s.root.all.Lock()
	defer s.root.all.Unlock()
	s.root.expired = true
}

func (s *Slack) respond(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var body struct {
		Text            string
		Blocks          json.RawMessage
		ReplaceOriginal bool   `json:"replace_original"`
		ResponseType    string `json:"response_type"`
		Token           string
	}
	err := json.Unmarshal(raw, &body)
	s.all.Lock()
	u := s.responses[strings.TrimPrefix(r.URL.Path, respondPath)]
	if s.expired {
		u = nil
	}
	if u != nil {
		u.uses++
	}
	s.all.Unlock()
	switch {
	case u == nil || u.uses > 5:
		http.Error(w, "expired_url", http.StatusNotFound)
		return
	case err != nil || body.Text == "":
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	case body.Token != "":
		fault(s.t, "slack: a token was given to a response_url")
	case checkBlocks(string(body.Blocks)) != "":
		fault(s.t, "slack: response: %s", checkBlocks(string(body.Blocks)))
	}
	if body.ReplaceOriginal {
		u.of.mu.Lock()
		if m := u.of.find(u.channel, u.ts); m != nil {
			m.Text, m.Edited, m.Blocks = body.Text, true, body.Blocks
		}
		u.of.mu.Unlock()
	}
	s.all.Lock()
	s.said = append(s.said, SlackResponse{Team: u.of.TeamID, User: u.user, Text: body.Text, Blocks: body.Blocks, Replaced: body.ReplaceOriginal})
	s.all.Unlock()
	_, _ = io.WriteString(w, "ok")
}

// Responses are what was posted to response_urls so far.
func (s *Slack) Responses() []SlackResponse {
	s.root.all.Lock()
	defer s.root.all.Unlock()
	return slices.Clone(s.root.said)
}

// answered closes the answer to a webhook, and is an error where it was not 200.
func answered(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("the webhook was answered with " + strconv.Itoa(resp.StatusCode))
	}
	return nil
}
