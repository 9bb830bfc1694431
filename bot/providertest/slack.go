package providertest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// SlackMessage is what the fake Slack keeps of a message.
type SlackMessage struct {
	Channel, TS, User string // User is who the direct message is with; several with commas are a group
	FromBot           bool   // ours
	BotID             string // another bot's, with User still the person whose direct message it is
	Subtype           string
	Files             []string // their permalinks
	Text              string
	Blocks            json.RawMessage
	Metadata          json.RawMessage
	ThreadTS          string
	Edited            bool
	EditedTS          string // when a person edited it; "" = Edited by the bot, or not at all
	Deleted           bool
}

// Slack is a fake of the parts of Slack's Web API that efterkurs uses, and of one workspace. Errors come as Slack has
// them: HTTP 200 with {"ok":false,"error":…}, except 429. Workspace adds another workspace behind the same address.
type Slack struct {
	URL           string // for SLACK_BASE_URL
	Token         string
	SigningSecret string
	TeamID, BotID string // BotID is the bot's user id
	TeamName      string
	ClientID      string // of the app, for every workspace
	ClientSecret  string
	Close         func()

	t        TB
	root     *Slack // of the server; of the first workspace itself
	mu       sync.Mutex
	users    map[string]string // id → e-mail
	gone     map[string]bool   // users who left
	channels map[string]string // id → user
	messages []*SlackMessage
	homes    map[string]json.RawMessage // by user
	calls    map[string]int
	scopes   string
	refusal  string // of every call with the token; "" = none
	script   func(n int, method string, form url.Values) Behaviour
	requests int
	lastTS   int64 // microseconds
	maxLimit int   // messages on a page at most
	clock    clock

	shared // used at root only
}

// Scopes are those an app needs for everything efterkurs does.
const Scopes = "chat:write,im:write,im:history,mpim:write,mpim:history,users:read,users:read.email,commands"

// methodScopes are what a token needs for each method, by its page on docs.slack.dev; "" = nothing. Of a group the
// conversations' methods ask for mpim in the place of im.
var methodScopes = map[string]string{
	"auth.test": "", "chat.postMessage": "chat:write", "chat.update": "chat:write", "chat.delete": "chat:write", "conversations.open": "im:write",
	"conversations.history": "im:history", "conversations.replies": "im:history", "users.info": "users:read", "users.lookupByEmail": "users:read.email",
	"views.publish": "",
}

// NewSlack starts a Slack that ends with the test. t may be nil: then call Close.
func NewSlack(t TB) *Slack {
	s := newWorkspace(t, "T0EFTERKURS", "efterkurs")
	s.root, s.SigningSecret, s.ClientID, s.ClientSecret = s, randomID(""), "4711.0815", randomID("")
	s.shared = newShared()
	var server *httptest.Server
	server, s.Close = serve(t, http.HandlerFunc(s.serve))
	s.URL = server.URL + "/api/"
	return s
}

func newWorkspace(t TB, team, name string) *Slack {
	return &Slack{t: t, Token: "xoxb-" + randomID("1-"), TeamID: team, TeamName: name, BotID: "U0EFTERBOT", users: map[string]string{}, gone: map[string]bool{},
		channels: map[string]string{}, homes: map[string]json.RawMessage{}, calls: map[string]int{}, scopes: Scopes, maxLimit: 999}
}

// AddUser makes somebody a member of the workspace. email "" = hidden.
func (s *Slack) AddUser(id, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[id] = email
}

// Leave is somebody leaving the workspace: their account is deactivated, their direct messages archived.
func (s *Slack) Leave(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[id] = true
}

// Script sets how requests are treated: it is asked before each, n counting from 0.
func (s *Slack) Script(script func(n int, method string, form url.Values) Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.requests = script, 0
}

// SetScopes sets what auth.test says the token may do.
func (s *Slack) SetScopes(scopes string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = scopes
}

// SetNow gives the server a clock other than the machine's.
func (s *Slack) SetNow(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// SetMaxLimit sets how many messages a page of a conversation holds at most: 15 for an app that is distributed
// commercially outside Slack's Marketplace.
func (s *Slack) SetMaxLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maxLimit = n
}

// CloseChannels forgets every direct message's channel, as archiving does: who posts must open it again.
func (s *Slack) CloseChannels() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.channels)
}

// Calls is how often a method was called.
func (s *Slack) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Messages is a copy of every message, those of people too, in the order in which they were written.
func (s *Slack) Messages() []SlackMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]SlackMessage, len(s.messages))
	for i, m := range s.messages {
		out[i] = *m
	}
	return out
}

func (s *Slack) serve(w http.ResponseWriter, r *http.Request) {
	defer s.happened()
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	if strings.HasPrefix(r.URL.Path, respondPath) {
		s.respond(w, r)
		return
	}
	if err := parse(r); err != nil {
		slackError(w, "invalid_form_data")
		return
	}
	if method == "oauth.v2.access" {
		s.exchange(w, r)
		return
	}
	token := r.Form.Get("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	s.of(token).answer(w, r, method, token)
}

// answer carries a method out in the workspace of its token.
func (s *Slack) answer(w http.ResponseWriter, r *http.Request, method, token string) {
	s.mu.Lock()
	n := s.requests
	s.requests++
	s.calls[method]++
	script, refusal := s.script, s.refusal
	s.mu.Unlock()
	if token != s.Token || refusal != "" {
		slackError(w, cmp.Or(refusal, "invalid_auth"))
		return
	}
	var behaviour Behaviour
	if script != nil {
		behaviour = script(n, method, r.Form)
	}
	answer := map[string]any{"ok": false, "error": behaviour.Code}
	if !behaviour.Refuse {
		answer = s.call(method, r.Form)
		if ts, ok := answer["ts"].(string); ok && behaviour.Stored != nil {
			behaviour.Stored(ts)
		}
	}
	if !behaviour.hold(r) {
		return
	}
	s.mu.Lock()
	w.Header().Set("X-OAuth-Scopes", s.scopes)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if behaviour.RetryAfter != "" {
		w.Header().Set("Retry-After", behaviour.RetryAfter)
	}
	switch {
	case behaviour.Reset:
		reset(w)
	case behaviour.Garbage:
		_, _ = fmt.Fprint(w, "<html>upstream connect error</html>")
	case behaviour.Status != 0 && behaviour.Status != http.StatusOK:
		w.WriteHeader(behaviour.Status)
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": behaviour.Code})
	default:
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// call carries a method out.
func (s *Slack) call(method string, form url.Values) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if scope := s.scopeFor(method, form); scope != "" && !slices.Contains(strings.FieldsFunc(s.scopes, func(r rune) bool { return r == ',' || r == ' ' }), scope) {
		return map[string]any{"ok": false, "error": "missing_scope", "needed": scope, "provided": s.scopes}
	}
	switch method {
	case "auth.test":
		return ok("team_id", s.TeamID, "team", s.TeamName, "user_id", s.BotID, "user", "efterkurs", "bot_id", "B0EFTERBOT")
	case "users.lookupByEmail":
		for id, email := range s.users {
			if email != "" && !s.gone[id] && strings.EqualFold(email, form.Get("email")) {
				return ok("user", map[string]any{"id": id, "team_id": s.TeamID})
			}
		}
		return failed("users_not_found")
	case "users.info":
		email, known := s.users[form.Get("user")]
		if !known {
			return failed("user_not_found")
		}
		return ok("user", map[string]any{"id": form.Get("user"), "team_id": s.TeamID, "deleted": s.gone[form.Get("user")], "profile": map[string]any{"email": email}})
	case "conversations.open":
		users := strings.Split(form.Get("users"), ",")
		slices.Sort(users)
		if len(users) > 8 {
			return failed("too_many_users")
		}
		for _, user := range users {
			if _, known := s.users[user]; !known {
				return failed("user_not_found")
			}
			if s.gone[user] {
				return failed("user_disabled")
			}
		}
		return ok("channel", map[string]any{"id": s.open(strings.Join(users, ","))})
	case "chat.postMessage":
		return s.post(form)
	case "chat.update":
		m := s.find(form.Get("channel"), form.Get("ts"))
		if m == nil || !m.FromBot {
			return failed("message_not_found")
		}
		if problem := checkBlocks(form.Get("blocks")); problem != "" {
			fault(s.t, "slack: %s", problem)
			return failed("invalid_blocks")
		}
		m.Text, m.Edited, m.Blocks = form.Get("text"), true, json.RawMessage(form.Get("blocks")) // its metadata stays
		return ok("channel", m.Channel, "ts", m.TS, "text", m.Text)
	case "chat.delete":
		m := s.find(form.Get("channel"), form.Get("ts"))
		if m == nil {
			return failed("message_not_found")
		}
		m.Deleted = true
		return ok("channel", m.Channel, "ts", m.TS)
	case "views.publish":
		return s.publish(form)
	case "conversations.history":
		return s.history(form)
	case "conversations.replies":
		return s.replies(form)
	}
	fault(s.t, "slack: efterkurs should not call %s", method)
	return failed("unknown_method")
}

// open wants the lock, as all that follow.
func (s *Slack) open(user string) string {
	for id, of := range s.channels {
		if of == user {
			return id
		}
	}
	id := fmt.Sprintf("D%s%03d", strings.TrimPrefix(user, "U"), s.calls["conversations.open"])
	if s != s.root { // ids of conversations are no two workspaces'
		id += s.TeamID
	}
	if strings.Contains(user, ",") {
		id = fmt.Sprintf("G0GROUP%03d", len(s.channels))
	}
	s.channels[id] = user
	return id
}

func (s *Slack) post(form url.Values) map[string]any {
	user, known := s.channels[form.Get("channel")]
	if !known {
		return failed("channel_not_found")
	}
	if s.gone[user] {
		return failed("is_archived")
	}
	if form.Get("text") == "" {
		return failed("no_text")
	}
	if problem := checkBlocks(form.Get("blocks")); problem != "" {
		fault(s.t, "slack: %s", problem)
		return failed("invalid_blocks")
	}
	m := &SlackMessage{Channel: form.Get("channel"), TS: s.ts(), User: user, FromBot: true, Text: form.Get("text"),
		Blocks: json.RawMessage(form.Get("blocks")), Metadata: json.RawMessage(form.Get("metadata")), ThreadTS: form.Get("thread_ts")}
	s.messages = append(s.messages, m)
	return ok("channel", m.Channel, "ts", m.TS, "message", map[string]any{"text": m.Text, "ts": m.TS})
}

// history is newest first, as Slack's, with a cursor, and shows no reply in a thread but one that was sent to the
// conversation too.
func (s *Slack) history(form url.Values) map[string]any {
	if _, known := s.channels[form.Get("channel")]; !known {
		return failed("channel_not_found")
	}
	var found []map[string]any
	for _, m := range slices.Backward(s.messages) {
		if m.Channel != form.Get("channel") || !s.within(m, form) || m.ThreadTS != "" && m.ThreadTS != m.TS && m.Subtype != "thread_broadcast" {
			continue
		}
		if entry := s.entry(m, form); !m.Deleted || entry["reply_count"] != nil {
			found = append(found, entry)
		}
	}
	return s.page(found, form)
}

// replies is oldest first; the message above the thread comes along whatever its age.
func (s *Slack) replies(form url.Values) map[string]any {
	if _, known := s.channels[form.Get("channel")]; !known {
		return failed("channel_not_found")
	}
	var found []map[string]any
	for _, m := range s.messages {
		if m.Channel == form.Get("channel") && !m.Deleted && m.TS != form.Get("ts") && m.ThreadTS == form.Get("ts") && s.within(m, form) {
			found = append(found, s.entry(m, form))
		}
	}
	for _, parent := range s.messages {
		if parent.Channel == form.Get("channel") && parent.TS == form.Get("ts") {
			return s.page(append([]map[string]any{s.entry(parent, form)}, found...), form)
		}
	}
	return failed("thread_not_found")
}

func (s *Slack) within(m *SlackMessage, form url.Values) bool {
	return !form.Has("oldest") || m.TS > form.Get("oldest") || m.TS == form.Get("oldest") && form.Get("inclusive") == "1"
}

// entry is a message as history and replies show it.
func (s *Slack) entry(m *SlackMessage, form url.Values) map[string]any {
	entry := m.fields(s)
	if len(m.Metadata) > 0 && form.Get("include_all_metadata") == "1" {
		entry["metadata"] = m.Metadata
	}
	if m.Edited {
		entry["edited"] = map[string]any{"user": entry["user"], "ts": cmp.Or(m.EditedTS, m.TS)}
	}
	if m.Deleted {
		entry["subtype"], entry["user"], entry["text"], entry["hidden"] = "tombstone", "USLACKBOT", "This message was deleted.", true
		delete(entry, "metadata")
	}
	for _, reply := range s.messages {
		if reply.Channel == m.Channel && reply.ThreadTS == m.TS && reply.TS != m.TS && !reply.Deleted {
			count, _ := entry["reply_count"].(int)
			entry["reply_count"], entry["latest_reply"], entry["thread_ts"] = count+1, reply.TS, m.TS
		}
	}
	return entry
}

// fields are those that an event has too.
func (m *SlackMessage) fields(s *Slack) map[string]any {
	fields := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "user": m.User, "team": s.TeamID}
	switch {
	case m.FromBot:
		fields["user"], fields["bot_id"] = s.BotID, "B0EFTERBOT"
	case m.BotID != "":
		fields["user"], fields["bot_id"] = "U0OTHERBOT", m.BotID
	}
	if m.Subtype != "" {
		fields["subtype"] = m.Subtype
	}
	if m.ThreadTS != "" {
		fields["thread_ts"] = m.ThreadTS
	}
	var files []map[string]any
	for i, permalink := range m.Files {
		files = append(files, map[string]any{"id": fmt.Sprint("F", i), "mimetype": "image/jpeg", "permalink": permalink})
	}
	if files != nil {
		fields["files"] = files
	}
	return fields
}

// page is as many as were asked for, from the cursor on.
func (s *Slack) page(found []map[string]any, form url.Values) map[string]any {
	limit := number(form.Get("limit"))
	if limit == 0 {
		limit = 100
	}
	skip := number(form.Get("cursor"))
	until := min(skip+min(limit, s.maxLimit), len(found))
	answer := ok("messages", append([]map[string]any{}, found[min(skip, until):until]...), "has_more", until < len(found))
	if until < len(found) {
		answer["response_metadata"] = map[string]any{"next_cursor": strconv.Itoa(until)}
	}
	return answer
}

func (s *Slack) find(channel, ts string) *SlackMessage {
	for _, m := range s.messages {
		if m.Channel == channel && m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

// ts is the next message's: seconds and microseconds, never the same twice.
func (s *Slack) ts() string {
	s.lastTS = max(s.clock.now().UnixMicro(), s.lastTS+1)
	return fmt.Sprintf("%d.%06d", s.lastTS/1e6, s.lastTS%1e6)
}

// checkBlocks holds blocks against Slack's documented limits.
func checkBlocks(raw string) string {
	if raw == "" {
		return ""
	}
	var blocks []struct {
		Type     string
		Text     struct{ Text string }
		Elements []struct {
			ActionID string `json:"action_id"`
			Value    string
			Text     struct{ Text string }
		}
	}
	if err := json.Unmarshal([]byte(raw), &blocks); err != nil {
		return "blocks are no JSON: " + err.Error()
	}
	if len(blocks) > 50 {
		return "more than 50 blocks"
	}
	seen := map[string]bool{}
	for _, block := range blocks {
		if block.Type == "section" && (block.Text.Text == "" || len([]rune(block.Text.Text)) > 3000) {
			return "a section holds 1 to 3000 characters"
		}
		if block.Type == "actions" && (len(block.Elements) == 0 || len(block.Elements) > 25) {
			return "an actions block holds 1 to 25 elements"
		}
		for _, e := range block.Elements {
			if len([]rune(e.Text.Text)) > 75 || e.Text.Text == "" || len(e.Value) > 2000 || e.ActionID == "" || seen[e.ActionID] {
				return "a button's label, value or action_id is wrong"
			}
			seen[e.ActionID] = true
		}
	}
	return ""
}

func ok(pairs ...any) map[string]any {
	answer := map[string]any{"ok": true}
	for i := 0; i < len(pairs); i += 2 {
		answer[pairs[i].(string)] = pairs[i+1]
	}
	return answer
}

func failed(code string) map[string]any { return map[string]any{"ok": false, "error": code} }

func slackError(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(failed(code))
}
