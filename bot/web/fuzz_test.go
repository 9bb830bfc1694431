package web

import (
	"bufio"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"efterkurs/bot"
	"efterkurs/bot/handset"
	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
	"efterkurs/templates"
)

// site is the real handler over a real database, for tests that make requests by the thousand.
func site(t testing.TB, now time.Time) (*Server, *store.Store) {
	t.Helper()
	return siteOn(t, storetest.SQLite(t), now)
}

func siteOn(t testing.TB, database string, now time.Time) (*Server, *store.Store) {
	t.Helper()
	location, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.Open(t, database)
	clock := func() time.Time { return now }
	log := slog.New(slog.DiscardHandler)
	calendar := reminders.NewCalendar(location)
	channels := map[string]bot.Channel{}
	for _, name := range []string{reminders.SMS, reminders.Slack, reminders.Email} {
		channels[name] = handset.New(name)
	}
	server, err := New(Config{Store: s, Sessions: store.Sessions{Store: s}, Tokens: bot.Tokens{Key: storetest.Secret}, Texts: texts, Calendar: calendar,
		School: "Skolen", Now: clock, Log: log, PublicURL: "https://kurs.example", TwilioAuthToken: "a token", SlackSigningSecret: "a secret", Pages: true,
		Bot: &bot.Bot{Channels: channels, Texts: texts, Reader: reader, Store: s, Calendar: calendar, School: "Skolen", Now: clock, Log: log}})
	if err != nil {
		t.Fatal(err)
	}
	return server, s
}

// mailed sends one question by e-mail and returns its message.
func mailed(t testing.TB, server *Server, s *store.Store, now *time.Time) reminders.Message {
	t.Helper()
	row := reminders.RosterRow{Line: 2, Person: reminders.Person{Name: "Ali Hassan", Email: "ali@nordfald.example", Language: "da", Shift: reminders.DayShift}, Company: "Nordfald",
		Class: reminders.Class{Course: "5s", Name: "hold", Start: lastDay.AddDays(-1), End: lastDay}, Basis: "consent"}
	if _, err := s.Import(t.Context(), *now, []reminders.RosterRow{row}); err != nil {
		t.Fatal(err)
	}
	engine := &reminders.Engine{Store: s, Desk: server.Bot, Calendar: server.Calendar, Now: func() time.Time { return *now }, Log: server.Log, Worker: "test"}
	for range 10 {
		if _, err := engine.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		*now = now.Add(24 * time.Hour)
	}
	messages, err := s.Messages(t.Context(), reminders.MessageFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.Kind == reminders.KindExercise && m.State.HasLeft() {
			return m
		}
	}
	t.Fatal("no exercise was sent")
	return reminders.Message{}
}

// Whatever is posted to an answer's address is taken in once and whole, or refused with a 4xx and not at all.
// It fails where an odd form makes a 500, where a text is cut, where a refused form leaves a row, or where the
// way out is not taken for STOP. The handler and the database are the real ones: some 500 forms a second.
func FuzzAnswerForm(f *testing.F) {
	for _, form := range []string{"v=1", "v=2&text=vi+mangler+tid", "", "List-Unsubscribe=One-Click", "v=stop", "v=%zz", "text=\x00\xff", "v=1&v=2", "text=" + strings.Repeat("x", 4001), "v=%20&text=%0A",
		"v=1;text=2", "v=start", "v=9", "v=1&n=abc", "n=" + strings.Repeat("x", 33) + "&text=hej", "text=" + strings.Repeat("%C3%B8", 1600), "text=" + strings.Repeat("%C3%B8", 1601)} {
		f.Add(form, "application/x-www-form-urlencoded", "")
	}
	f.Add("v=1", "text/plain", "v=2")
	f.Add("--x\r\nContent-Disposition: form-data; name=\"v\"\r\n\r\n1\r\n--x--", "multipart/form-data; boundary=x", "v=stop")
	now := lastDay.At(13*60, time.UTC)
	server, s := site(f, now)
	m := mailed(f, server, s, &now)
	server.Now = func() time.Time { return now }
	server.Bot.Now = server.Now
	handler := server.Handler()
	path := "/answer/" + server.Tokens.Answer(m.ID)
	var newest int64
	f.Fuzz(func(t *testing.T, form, kind, query string) {
		now = now.Add(time.Minute) // the same press again within a minute is the same answer
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
		r.URL = &url.URL{Path: path, RawQuery: query}
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		replies, err := s.Replies(t.Context(), reminders.ReplyFilter{Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		fresh := len(replies) > 0 && replies[0].ID > newest
		if len(replies) > 1 && replies[1].ID > newest {
			t.Fatal("one form made two replies")
		}
		person, err := s.Person(t.Context(), m.PersonID)
		if err != nil {
			t.Fatal(err)
		}
		// The one-click way out is there already for who has stopped.
		again := !person.OptedOutAt.IsZero() && strings.Contains(form, "One")
		if w.Code >= 500 || w.Code == http.StatusOK != fresh && !again {
			t.Fatalf("%d, and a reply was made: %v", w.Code, fresh)
		}
		if !fresh {
			return
		}
		reply := replies[0]
		newest = reply.ID
		values, err := url.ParseQuery(form)
		if err != nil || kind != "application/x-www-form-urlencoded" {
			return // read by other rules
		}
		digit, words := strings.TrimSpace(values.Get("v")), strings.TrimSpace(values.Get("text"))
		want := strings.TrimSpace(digit + " " + words)
		if values.Get("List-Unsubscribe") == "One-Click" || digit == "stop" {
			want = "STOP"
		} else if digit == "start" {
			want = "START"
		}
		if utf8.ValidString(want) && !strings.ContainsRune(want, 0) && reply.Text != want || reply.QuestionID != m.ID || reply.From != m.Address {
			t.Fatalf("%q is taken in as %+v", form, reply)
		}
		if want == "STOP" && reply.Kind != reminders.ReplyStop {
			t.Fatalf("the way out is a %s", reply.Kind)
		}
	})
}

// open are the paths that answer with 200 to somebody who has neither a signature, a token nor a session.
var open = []string{"/login", "/healthz", "/metrics", "/readyz"}

// Whatever a stranger asks for, in whatever words and headers, nothing behind the login and nothing behind a
// signature is given or done. It fails where a path that the mux reads otherwise than the guards do gets
// through, where a header such as X-Original-URL or X-HTTP-Method-Override is believed, or a request makes a 500.
func FuzzRequest(f *testing.F) {
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /health HTTP/1.1\r\nHost: x\r\nX-Original-URL: /login\r\nX-Forwarded-User: admin\r\n\r\n",
		"POST //webhooks/twilio/inbound HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b",
		"POST /webhooks/../health/resume HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nchannel=sms",
		"GET /login/%2e%2e/inbox HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://127.0.0.1/metrics/../health HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /static/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n",
		"GET /answer/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA?v=1 HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: POST\r\n\r\n",
		"HEAD /calendar/x.ics HTTP/1.1\r\nHost: x\r\nCookie: session=x\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /webhooks/slack/events HTTP/1.1\r\nHost: x\r\nX-Slack-Signature: v0=\r\nX-Slack-Request-Timestamp: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		f.Add(request)
	}
	server, s := site(f, lastDay.At(13*60, time.UTC))
	if err := s.Halt(f.Context(), server.Now(), reminders.SMS, "", "a test"); err != nil {
		f.Fatal(err)
	}
	handler := server.Handler()
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil || !strings.HasPrefix(r.URL.Path, "/") {
			return // the server itself answers
		}
		r.RemoteAddr = "192.0.2.1:4711"
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		replies, err := s.Replies(t.Context(), reminders.ReplyFilter{Limit: 1})
		if err != nil || len(replies) != 0 {
			t.Fatalf("%q was taken in as %+v, %v", raw, replies, err)
		}
		if halted, err := s.Halted(t.Context()); err != nil || len(halted) != 1 {
			t.Fatalf("%q resumed a channel: %v", raw, err)
		}
		given := w.Code == http.StatusOK || w.Code == http.StatusPartialContent
		known := strings.HasPrefix(r.URL.Path, "/static/")
		for _, path := range open {
			known = known || r.URL.Path == path
		}
		switch {
		case given && !known, w.Code >= 500 && r.URL.Path != "/readyz", w.Header().Get("X-Content-Type-Options") == "":
			t.Fatalf("%q is answered %d\n%s", raw, w.Code, w.Body.String())
		case w.Code >= 300 && w.Code < 400:
			if to, err := url.Parse(w.Header().Get("Location")); err != nil || to.Host != "" && to.Host != r.Host {
				t.Fatalf("%q leads to %q", raw, w.Header().Get("Location"))
			}
		}
	})
}
