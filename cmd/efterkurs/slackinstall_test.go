package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The real binary, with an app that can be added to workspaces and no workspace of the school's own: a consultant adds it, the
// company's text leaves through its workspace, and its token is nowhere to be read. With another EFTERKURS_SECRET
// doctor says what is wrong.
//
// It fails where the variables are not read (config.go), the pages are not wired to Slack (serve.go, app.go) or the token
// is stored as it is (store/workspace.go).
func TestAddToSlackWithTheBinary(t *testing.T) {
	database := "sqlite:" + filepath.Join(t.TempDir(), "efterkurs.db")
	w := newWorld(t, database)
	secret := w.file("client-secret", w.slack.ClientSecret+"\n")
	w.env = slices.DeleteFunc(w.env, func(v string) bool { return strings.HasPrefix(v, "SLACK_BOT_TOKEN=") })
	w.env = append(w.env, "SLACK_CLIENT_ID="+w.slack.ClientID, "SLACK_CLIENT_SECRET_FILE="+secret, "EFTERKURS_LOG=debug")
	nordfald := w.slack.Workspace("T0NORD", "Nordfald")
	nordfald.AddUser("U0ALIDAHL", "ali@nordfald.example")
	w.run("import", w.file("roster.csv", "name,company,course,start,end,slack,channel\nAli Dahl,Nordfald,5s,2031-09-01,2031-09-02,U0ALIDAHL,slack\n"))
	if _, errs, code := w.try("mandag kl. syv\n", "user", "add", "mette@skolen.example", "--name", "Mette", "--role", "admin", "--password-stdin"); code != 0 {
		t.Fatal(errs)
	}
	stop := w.serve("--no-worker")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	read := func(res *http.Response, err error) (*http.Response, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	read(browser.PostForm(w.public+"/login", url.Values{"email": {"mette@skolen.example"}, "password": {"mandag kl. syv"}}))
	_, page := read(browser.Get(w.public + "/slack"))
	link := regexp.MustCompile(`/slack/install\?company=\d+`).FindString(page)
	if link == "" {
		t.Fatalf("no link to add Slack:\n%s", page)
	}
	res, _ := read(browser.Get(w.public + link))
	callback, err := nordfald.Approve(res.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if res, body := read(browser.Get(callback)); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s %s", res.Status, body)
	}
	if _, page = read(browser.Get(w.public + "/slack")); !strings.Contains(page, "notice good") {
		t.Errorf("the page does not say that it is done:\n%s", page)
	}
	stop()
	w.run("tick", "--as-of", "2031-09-02T15:00:00+02:00")
	if n := len(nordfald.Messages()); n != 1 {
		t.Errorf("%d texts came into Nordfald's workspace", n)
	}
	for _, file := range []string{strings.TrimPrefix(database, "sqlite:"), strings.TrimPrefix(database, "sqlite:") + "-wal"} {
		if raw, err := os.ReadFile(file); err == nil && strings.Contains(string(raw), nordfald.Token) {
			t.Errorf("%s holds the token", file)
		}
	}
	if strings.Contains(w.log.String(), nordfald.Token) || strings.Contains(w.log.String(), w.slack.ClientSecret) {
		t.Error("the log holds a token or a secret")
	}
	if out := w.run("doctor"); !strings.Contains(out, "Slack: configured") {
		t.Errorf("doctor says:\n%s", out)
	}
	i := slices.IndexFunc(w.env, func(v string) bool { return strings.HasPrefix(v, "EFTERKURS_SECRET=") })
	w.env[i] = "EFTERKURS_SECRET=" + strings.Repeat("another", 6)
	if out, _, code := w.try("", "doctor"); code == 0 || !strings.Contains(out, "another EFTERKURS_SECRET") {
		t.Errorf("with another secret doctor says, %d:\n%s", code, out)
	}
}
