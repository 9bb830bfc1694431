package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
)

func TestNobodySeesAPageWithoutSigningIn(t *testing.T) {
	s := openSchool(t, nil)
	b := s.browser()
	for _, path := range []string{"/", "/classes", "/classes/1", "/participants/1", "/visits", "/inbox", "/health", "/no/such/page", "/demo"} {
		resp, body := b.get(path)
		if resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/login") || strings.Contains(body, "Ali") {
			t.Errorf("%s: %s to %q", path, resp.Status, resp.Header.Get("Location"))
		}
	}
	for _, path := range []string{"/inbox/1/handled", "/health/resume"} {
		if resp, _ := b.post(path, nil); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("POST %s: %s", path, resp.Status)
		}
	}
}

func TestSigningInAndOut(t *testing.T) {
	s := openSchool(t, nil)
	b := s.browser()
	if resp := b.login("mette@skolen.example", "hver mandag kl. otte"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong password: %s", resp.Status)
	}
	if resp := b.login("nobody@skolen.example", password); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an unknown user: %s", resp.Status)
	}
	resp, _ := b.post("/login", url.Values{"email": {" Mette@Skolen.example "}, "password": {password}, "next": {"/inbox"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/inbox" {
		t.Fatalf("the right password: %s to %q", resp.Status, resp.Header.Get("Location"))
	}
	cookie := resp.Header.Get("Set-Cookie")
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Errorf("the cookie is %q", cookie)
	}
	if resp, body := b.get("/"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "Hej Mette") {
		t.Errorf("signed in: %s", resp.Status)
	}
	if resp, _ := b.post("/logout", nil); resp.Header.Get("Location") != "/login" {
		t.Errorf("signing out: %s", resp.Status)
	}
	if resp, _ := b.get("/"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("signed out: %s", resp.Status)
	}
}

// A token that somebody planted in a browser before the login must be worth nothing after it.
func TestTheSessionTokenIsNewAfterTheLogin(t *testing.T) {
	s := openSchool(t, nil)
	b := s.browser()
	first := b.login("mette@skolen.example", password).Header.Get("Set-Cookie")
	second := b.login("mette@skolen.example", password).Header.Get("Set-Cookie")
	token := func(c string) string { c, _, _ = strings.Cut(c, ";"); return c }
	if token(first) == "" || token(first) == token(second) {
		t.Errorf("the token stayed %q", token(first))
	}
}

func TestGuessingIsThrottled(t *testing.T) {
	s := openSchool(t, nil)
	b := s.browser()
	for i := range freeTries {
		if resp := b.login("mette@skolen.example", "a wrong password"); resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("try %d: %s", i+1, resp.Status)
		}
	}
	resp, body := b.post("/login", url.Values{"email": {"METTE@skolen.example"}, "password": {password}})
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "30" || !strings.Contains(body, "Vent 1 min.") {
		t.Errorf("the sixth try, even with the right password: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	if resp := b.login("admin@skolen.example", password); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("somebody else: %s", resp.Status)
	}
	s.now = s.now.Add(31 * time.Second)
	if resp := b.login("mette@skolen.example", password); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("after the wait: %s", resp.Status)
	}
}

func TestADisabledUserIsOutAtOnce(t *testing.T) {
	s := openSchool(t, nil)
	b := s.signedIn("bent@skolen.example")
	if resp, _ := b.get("/"); resp.StatusCode != http.StatusOK {
		t.Fatalf("before: %s", resp.Status)
	}
	if err := s.store.DisableUser(t.Context(), s.now, "bent@skolen.example"); err != nil {
		t.Fatal(err)
	}
	if resp, _ := b.get("/"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("afterwards: %s", resp.Status)
	}
	if resp := b.login("bent@skolen.example", password); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("signing in again: %s", resp.Status)
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	s := openSchool(t, nil)
	b := s.signedIn("mette@skolen.example")
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}} {
		for _, path := range []string{"/login", "/logout", "/language", "/inbox/1/handled", "/health/resume"} {
			if resp, _ := b.post(path, url.Values{"lang": {"en"}}, headers...); resp.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s with %v: %s", path, headers, resp.Status)
			}
		}
	}
	if resp, _ := b.get("/"); resp.StatusCode != http.StatusOK {
		t.Errorf("the session is gone: %s", resp.Status)
	}
}

// A mail program posts the one-click unsubscribe from anywhere (RFC 8058), and so do the providers.
func TestTheAnswerPageTakesPostsFromAnywhere(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(1)
	id := s.status(reminders.Filter{})[0].Steps[0].MessageID
	path := "/answer/" + s.server.Tokens.Answer(id)
	resp, body := s.browser().post(path, url.Values{"List-Unsubscribe": {"One-Click"}}, "Sec-Fetch-Site", "cross-site")
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "ikke flere beskeder") {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	if s.status(reminders.Filter{})[0].Person.OptedOutAt.IsZero() {
		t.Error("the person is not opted out")
	}
}
