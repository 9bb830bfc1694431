package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"efterkurs/bot/providertest"
)

// said is everything that an installation said in a run, by where.
type said struct {
	t   *testing.T
	all []utterance
}

type utterance struct {
	where, text string
	people      bool // a page behind the login, or a command's answer about people: their data may be in it
}

func (s *said) hear(where string, people bool, text string) {
	s.all = append(s.all, utterance{where, text, people})
}

// run runs the binary and hears all of it: what it answers, and what it logs or complains of.
func (s *said) run(w *world, people bool, stdin string, args ...string) (code int) {
	s.t.Helper()
	out, errs, code := w.try(stdin, args...)
	s.hear("the answer to "+strings.Join(args, " "), people, out)
	s.hear("the log of "+strings.Join(args, " "), false, errs)
	return code
}

// None of the secrets is in anything the program says, and nobody's number, address, name or words in anything
// but pages behind the login and answers about people: through wrong credentials, halts, refused numbers, lost
// answers, an unreachable database, half a configuration, and webhooks signed and not. It fails where an error
// of a provider, a driver or the SDK is passed on as it is, where a request is logged with its path or body, or
// where a metric has a label of somebody.
func TestNothingTellsASecret(t *testing.T) {
	w := newWorld(t, "sqlite:efterkurs.db")
	w.smtp = providertest.NewSMTP(t, providertest.WithAuth())
	box := providertest.NewIMAP(t)
	w.env = append(w.env, "SMTP_URL="+w.smtp.URL, "MAIL_IMAP_URL="+box.URL, "EFTERKURS_LOG=debug", "SLACK_CLIENT_ID=1.2", "SLACK_CLIENT_SECRET=slack-client-secret-0815")
	heard := &said{t: t}
	var people []string
	csv := "name,company,course,start,end,phone,email,slack,channel,contact,contact_phone,contact_email,consultant\n"
	for i := range 24 {
		name, phone, mail, slack := fmt.Sprintf("Xerxes%02d Quist", i), fmt.Sprintf("+45201167%02d", i), fmt.Sprintf("xq%02d@fabrik.example", i), fmt.Sprintf("U0QUIST%02d", i)
		channel := []string{"sms", "sms", "slack", "email"}[i%4]
		csv += fmt.Sprintf("%s,Nordfald,5s,2031-09-01,2031-09-02,%s,%s,%s,%s,Leda Lunddal,+4520119999,leda@fabrik.example,anna@skolen.example\n", name, phone, mail, slack, channel)
		people = append(people, name, phone[3:], mail)
		w.slack.AddUser(slack, mail)
	}
	people = append(people, "20119999", "leda@fabrik.example", "Leda Lunddal", "Tak for 5S", "hemmelige ord", "fremmede ord", "Velkommen")
	const password = "en lang sætning til Anna"
	secrets := []string{worldSecret, w.twilio.AuthToken, w.slack.Token, w.slack.SigningSecret, w.smtp.Password, box.Password, "slack-client-secret-0815", password, "db-kodeord-4711"}
	twilioIs := func(code string, status int) {
		w.twilio.Script(func(int, url.Values) providertest.Behaviour { return providertest.Refused(code, status) })
	}

	// Half a configuration, a wrong one, and a database behind a password that cannot be reached.
	whole := w.env
	for _, bad := range [][]string{{"TWILIO_FROM="}, {"SLACK_SIGNING_SECRET="}, {"MAIL_FROM="}, {"SMTP_URL=smtp://efterkurs:" + w.smtp.Password + "@:no"}, {"SMTP_URL=ftp://efterkurs:" + w.smtp.Password + "@x"},
		{"MAIL_IMAP_URL=imap://efterkurs:" + box.Password + "@:no"}, {"MAIL_IMAP_URL=pop://efterkurs:" + box.Password + "@x"}, {"MAIL_IMAP_URL=imap://efterkurs:" + box.Password + "@127.0.0.1:1/x"},
		{"EFTERKURS_SECRET=short-" + w.slack.Token[:8]}, {"TWILIO_AUTH_TOKEN_FILE=/no/such/file"}, {"DATABASE_URL=postgres://efter:db-kodeord-4711@127.0.0.1:1/kurs?sslmode=disable"},
		{"DATABASE_URL=postgres://efter:db-kodeord-4711%@127.0.0.1:1/kurs"}, {"DATABASE_URL=mysql://efter:db-kodeord-4711@127.0.0.1/kurs"}, {"DATABASE_URL=sqlite:/no/such/folder/x.db"}} {
		w.env = append(slices.Clone(whole), bad...)
		for _, args := range [][]string{{"doctor"}, {"migrate", "status"}} {
			if code := heard.run(w, false, "", args...); code == 0 && strings.Contains(bad[0], "DATABASE") {
				t.Errorf("%v with %q exits 0", args, bad)
			}
		}
	}
	w.env = append(slices.Clone(whole), "TWILIO_AUTH_TOKEN=0123456789abcdef0123456789abcdef", "SLACK_BOT_TOKEN=xoxb-wrong-token", "SMTP_URL="+strings.Replace(w.smtp.URL, w.smtp.Password, "wrong-mail-password", 1))
	secrets = append(secrets, "0123456789abcdef0123456789abcdef\"", "xoxb-wrong-token", "wrong-mail-password")
	heard.run(w, false, "", "doctor")
	w.env = whole

	// A roster with and without faults, a person to sign in, and a start at which every provider misbehaves.
	heard.run(w, true, "", "import", w.file("bad.csv", csv+"Yrsa Quist,Nordfald,5s,2031-09-01,x,12,,,,,,,\n"))
	heard.run(w, true, "", "import", w.file("roster.csv", csv))
	heard.run(w, true, password+"\n", "user", "add", "anna@skolen.example", "--name", "Anna Krogh", "--role", "admin", "--password-stdin")
	w.twilio.Script(func(n int, _ url.Values) providertest.Behaviour {
		return []providertest.Behaviour{providertest.Refused("21211", 400), providertest.Refused("21610", 400), providertest.AcceptedThen500(), providertest.AcceptedThenBroken(),
			providertest.Throttled("20429", "1"), providertest.Refused("30007", 400), providertest.Refused("99999", 400), {}}[n%8]
	})
	w.slack.Script(func(n int, method string, _ url.Values) providertest.Behaviour {
		if method != "chat.postMessage" && method != "users.lookupByEmail" { // what cannot listen sends nothing
			return providertest.Behaviour{}
		}
		return []providertest.Behaviour{providertest.AcceptedThenBroken(), providertest.Refused("users_not_found", 200), {}, providertest.Refused("fatal_error", 200)}[n%4]
	})
	w.smtp.Script(func(stage providertest.Stage, argument string) providertest.SMTPBehaviour {
		switch {
		case stage == providertest.StageRcpt && strings.Contains(argument, "xq03"):
			return providertest.SMTPBehaviour{Code: 550, Enhanced: [3]int{5, 1, 1}}
		case stage == providertest.StageDot && strings.Contains(argument, "xq07"):
			return providertest.SMTPBehaviour{Drop: true, Keep: true}
		}
		return providertest.SMTPBehaviour{}
	})
	at := func(clock string) { heard.run(w, false, "", "tick", "--as-of", "2031-09-"+clock+":00+02:00") }
	at("02T12:30")
	w.smtp.Script(func(stage providertest.Stage, _ string) providertest.SMTPBehaviour {
		if stage == providertest.StageAuth {
			return providertest.SMTPBehaviour{Code: 535, Enhanced: [3]int{5, 7, 8}}
		}
		return providertest.SMTPBehaviour{}
	})
	w.slack.Script(func(int, string, url.Values) providertest.Behaviour { return providertest.Refused("invalid_auth", 200) })
	twilioIs("20003", 401)
	at("02T13:00")
	w.slack.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method == "chat.postMessage" {
			return providertest.Refused("invalid_auth", 200)
		}
		return providertest.Behaviour{}
	})
	monday := time.Date(2031, 9, 8, 9, 0, 0, 0, danish)
	box.Deliver([]byte("From: Xerxes03 Quist <xq03@fabrik.example>\r\nTo: efterkurs@skolen.example\r\nSubject: hemmelige ord\r\nMessage-ID: <a@fabrik.example>\r\n\r\nhemmelige ord"), monday)
	box.Deliver([]byte("From: mailer-daemon@fabrik.example\r\nReturn-Path: <>\r\nSubject: Undelivered Mail Returned to Sender\r\n\r\n550 5.1.1 <xq07@fabrik.example> unknown, Xerxes07 Quist"), monday)
	at("09T12:30") // exercise 1
	box.Shut()
	at("09T12:35")
	box.Open()
	heard.run(w, false, "", "doctor")
	w.twilio.Script(nil)
	w.slack.Script(nil)
	w.smtp.Script(nil)

	// The server, the same faults behind it, webhooks signed and not, every page.
	server := exec.Command(binary, "serve", "--no-worker")
	server.Env, server.Dir = w.env, w.dir
	var log syncBuffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill() })
	waitAlive(t, w.public)
	for _, channel := range []string{"sms", "slack", "email"} {
		heard.run(w, false, "", "resume", channel)
	}
	at("09T13:00")
	for _, text := range []string{"1 hemmelige ord", "hemmelige ord om tavlen", "STOP", "hemmelige ord 🇩🇰\x00", "hjælp"} {
		w.text("+4520116704", text)
	}
	w.text("+4561111111", "fremmede ord")
	for _, m := range w.twilio.Messages() {
		if m.Direction == "outbound-api" {
			_, _ = w.twilio.Callback(t.Context(), http.DefaultClient, m.SID, "undelivered", "30005")
		}
	}
	for _, m := range w.slack.Messages() {
		if res, err := w.slack.Press(t.Context(), w.public+"/webhooks/slack/interactive", m, "1", ""); err == nil {
			res.Body.Close()
		}
	}
	answer := func(where string, people bool, res *http.Response, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, _ := io.ReadAll(res.Body)
		head := ""
		for name, values := range res.Header {
			if name != "Set-Cookie" {
				head += name + ": " + strings.Join(values, ",") + "\n"
			}
		}
		heard.hear(where, people, res.Status+"\n"+head+string(raw))
	}
	for _, body := range []string{"Body=hemmelige+ord&From=%2B4520116704", "payload=hemmelige+ord", strings.Repeat("hemmelige ord ", 50_000), `{"text":"hemmelige ord"}`} {
		for _, path := range []string{"/webhooks/twilio/inbound", "/webhooks/twilio/status", "/webhooks/slack/events", "/webhooks/slack/interactive", "/webhooks/slack/commands", "/answer/hemmelige-ord-20116704", "/login"} {
			res, err := http.Post(w.public+path, "application/x-www-form-urlencoded", strings.NewReader(body))
			answer("POST "+path, false, res, err)
		}
	}
	for _, mail := range w.smtp.Messages() {
		if link := answerLink.FindString(mail.Text); link != "" {
			people = append(people, link[strings.LastIndex(link, "/")+1:]) // whoever has it answers for them
			res, err := http.PostForm(link, url.Values{"v": {"1"}, "text": {"hemmelige ord"}})
			answer("an answer page", true, res, err)
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	anna := &http.Client{Jar: jar}
	res, err := anna.PostForm(w.public+"/login", url.Values{"email": {"anna@skolen.example"}, "password": {"forkert kodeord"}})
	answer("a wrong login", true, res, err)
	res, err = anna.PostForm(w.public+"/login", url.Values{"email": {"anna@skolen.example"}, "password": {password}})
	answer("the login", true, res, err)
	site, _ := url.Parse(w.public)
	for _, cookie := range jar.Cookies(site) {
		secrets = append(secrets, cookie.Value)
	}
	pages, seen := []string{"/", "/classes", "/visits", "/inbox", "/health", "/nope", "/participants/1"}, map[string]bool{}
	for i := 0; i < len(pages) && i < 80; i++ {
		if seen[pages[i]] {
			continue
		}
		seen[pages[i]] = true
		res, err := anna.Get(w.public + pages[i])
		answer("the page "+pages[i], true, res, err)
		for _, m := range regexp.MustCompile(`href="(/(?:classes|participants)/\d+)`).FindAllStringSubmatch(heard.all[len(heard.all)-1].text, -1) {
			pages = append(pages, m[1])
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d pages were seen: %v", len(seen), pages)
	}
	for _, path := range []string{"/metrics", "/readyz", "/healthz"} {
		res, err := http.Get(w.public + path)
		answer(path, false, res, err)
	}
	at("11T12:30") // reminders
	for _, args := range [][]string{{"status"}, {"status", "--format", "json"}, {"status", "--format", "csv"}, {"user", "list"}, {"user", "list", "--json"}, {"tick", "--dry-run", "--as-of", "2031-09-16T12:30:00+02:00"},
		{"export", "+4520116704"}, {"export", "nobody"}, {"erase", "+4520116705"}} {
		heard.run(w, true, "", args...)
	}
	heard.run(w, false, "", "doctor")
	heard.run(w, false, "", "migrate", "status")
	heard.run(w, false, "", "backup", "copy.db")
	heard.run(w, false, "", "backup", "/no/such/folder/copy.db")
	_ = server.Process.Signal(syscall.SIGTERM)
	if err := server.Wait(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	heard.hear("the log of serve", false, log.String())

	volume := 0
	for _, u := range heard.all {
		volume += len(u.text)
		for _, s := range secrets {
			if form := url.QueryEscape(s); strings.Contains(u.text, s) || strings.Contains(u.text, form) {
				t.Errorf("%s tells a secret, %q…:\n%s", u.where, s[:4], around(u.text, s))
			}
		}
		for _, p := range people {
			if !u.people && strings.Contains(u.text, p) {
				t.Errorf("%s tells of somebody, %q:\n%s", u.where, p, around(u.text, p))
			}
		}
	}
	t.Logf("%d utterances, %d kB, %d secrets, %d things about people", len(heard.all), volume>>10, len(secrets), len(people))
	for _, must := range []string{"channel halted", "21211", "535", "invalid_auth"} { // the faults were there
		if !slices.ContainsFunc(heard.all, func(u utterance) bool { return strings.Contains(u.text, must) }) {
			t.Errorf("nothing says %q: nothing is proven", must)
		}
	}
}

// around is the line of text that s stands in.
func around(text, s string) string {
	at := strings.Index(text, s)
	if at < 0 {
		return ""
	}
	from, to := max(0, at-200), min(len(text), at+len(s)+100)
	return string(bytes.ToValidUTF8([]byte(text[from:to]), nil))
}

// A body that comes by the drop is cut off when its time is up, takes nothing in, and keeps nobody else waiting.
// It fails where the server has no ReadTimeout.
func TestASlowBodyIsCutOff(t *testing.T) {
	a, _, _, _ := served(t)
	server, err := a.server(nil)
	if err != nil {
		t.Fatal(err)
	}
	if server.ReadHeaderTimeout <= 0 || server.ReadTimeout <= 0 || server.ReadTimeout > time.Minute || server.WriteTimeout <= 0 || server.IdleTimeout <= 0 || server.MaxHeaderBytes <= 0 {
		t.Fatalf("the server has %s, %s, %s, %s, %d", server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout, server.MaxHeaderBytes)
	}
	server.ReadTimeout = 300 * time.Millisecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }() // ends with Close below
	t.Cleanup(func() { _ = server.Close() })
	began := time.Now()
	var slow []net.Conn
	for range 50 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "POST /webhooks/twilio/inbound HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nBody=")
		slow = append(slow, conn)
	}
	if res, err := http.Get("http://" + listener.Addr().String() + "/healthz"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("another request meanwhile: %v", err)
	} else {
		res.Body.Close()
	}
	for _, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		text, err := io.ReadAll(conn)
		// 400, or 503 where the request's end is noticed first: either way nothing was acknowledged.
		if line, _, _ := strings.Cut(string(text), "\r\n"); err != nil || line != "HTTP/1.1 400 Bad Request" && line != "HTTP/1.1 503 Service Unavailable" {
			t.Errorf("a slow body is answered %q, %v", line, err)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("they were cut off after %s", took)
	}
}
