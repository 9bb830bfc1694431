package slack_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"efterkurs/bot/providertest"
	"efterkurs/bot/slack"
)

// methods are the calls of slack-go that this package makes: Slack's name for each, and the scopes that its page on
// docs.slack.dev asks a bot for.
var methods = map[string]struct {
	name   string
	scopes []string
}{
	"AuthTestContext":               {"auth.test", nil},
	"PostMessageContext":            {"chat.postMessage", []string{"chat:write"}},
	"UpdateMessageContext":          {"chat.update", []string{"chat:write"}},
	"DeleteMessageContext":          {"chat.delete", []string{"chat:write"}},
	"OpenConversationContext":       {"conversations.open", []string{"im:write", "mpim:write"}},
	"GetConversationHistoryContext": {"conversations.history", []string{"im:history", "mpim:history"}},
	"GetConversationRepliesContext": {"conversations.replies", []string{"im:history"}},
	"GetUserByEmailContext":         {"users.lookupByEmail", []string{"users:read.email"}},
	"GetUserInfoContext":            {"users.info", []string{"users:read", "users:read.email"}},
	"PublishViewContext":            {"views.publish", nil},
	"SendMessageContext":            {"a response_url", nil},
}

// list reads the items under a key of the manifest. It holds lists of words only.
func list(t *testing.T, manifest, key string) []string {
	t.Helper()
	block := regexp.MustCompile(`(?m)^( *)` + key + `:\n((?: +(?:- .*|#.*)\n)+)`).FindStringSubmatch(manifest)
	if block == nil {
		t.Fatalf("the manifest has no %s", key)
	}
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^ +- (\S+)`).FindAllStringSubmatch(block[2], -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return out
}

// TestTheManifestAllowsWhatWeDo fails where the app would be refused something it calls, asks for more than it needs,
// or is not told of something it acts on.
func TestTheManifestAllowsWhatWeDo(t *testing.T) {
	raw, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	manifest := string(raw)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	called, needed := map[string]bool{}, map[string]bool{"commands": true}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			inner, ok := method.X.(*ast.CallExpr) // call.api().Method(…)
			if !ok {
				return true
			}
			if of, ok := inner.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == "api" {
				called[method.Sel.Name] = true
			}
			return true
		})
	}
	for name := range called {
		m, ok := methods[name]
		if !ok {
			t.Errorf("%s is called: which scopes does it need?", name)
		}
		for _, scope := range m.scopes {
			needed[scope] = true
		}
	}
	for name := range methods {
		if !called[name] {
			t.Errorf("%s is not called any more", name)
		}
	}
	scopes := list(t, manifest, "bot")
	for scope := range needed {
		if !slices.Contains(scopes, scope) {
			t.Errorf("the manifest does not ask for %s", scope)
		}
	}
	for _, scope := range scopes {
		if !needed[scope] {
			t.Errorf("the manifest asks for %s, which nothing needs", scope)
		}
	}
	if !slices.Equal(scopes, slack.BotScopes) {
		t.Errorf("Add to Slack asks for %v, the manifest for %v", slack.BotScopes, scopes)
	}
	provided := strings.Split(providertest.Scopes, ",")
	slices.Sort(provided)
	if !slices.Equal(scopes, provided) {
		t.Errorf("tests run with %v, the manifest has %v", provided, scopes)
	}
	if events := list(t, manifest, "bot_events"); !slices.Equal(events, []string{"app_home_opened", "app_uninstalled", "message.im", "tokens_revoked"}) {
		t.Errorf("events: %v", events)
	}
	if urls := list(t, manifest, "redirect_urls"); !slices.Equal(urls, []string{"https://efterkurs.example" + slack.CallbackPath}) {
		t.Errorf("redirect_urls: %v", urls)
	}
	for _, line := range []string{"home_tab_enabled: true", "messages_tab_enabled: true", "messages_tab_read_only_enabled: false", "command: /efterkurs",
		"url: https://efterkurs.example/webhooks/slack/commands", "request_url: https://efterkurs.example/webhooks/slack/events",
		"request_url: https://efterkurs.example/webhooks/slack/interactive", "is_enabled: true"} {
		if !strings.Contains(manifest, line+"\n") {
			t.Errorf("the manifest lacks %q", line)
		}
	}
}
