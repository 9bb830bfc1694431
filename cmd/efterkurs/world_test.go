package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/store/storetest"
)

// binary is the real program, built once for all tests of this package.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "efterkurs-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "efterkurs")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the program:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var danish = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err)
	}
	return loc
}()

// world is an installation: a database, the providers, and the binary with their configuration.
type world struct {
	t      *testing.T
	dir    string
	env    []string
	public string
	twilio *providertest.Twilio
	slack  *providertest.Slack
	smtp   *providertest.SMTP
	disk   *storetest.Disk // what the binary sees, besides everything else; nil = nothing
	log    *syncBuffer     // of the last serve
	pid    int             // of the last serve
}

// command is the binary in this installation's surroundings.
func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	if w.disk != nil {
		cmd = w.disk.Command(binary, args...)
	}
	cmd.Env, cmd.Dir = w.env, w.dir
	return cmd
}

const worldSecret = "0123456789abcdef0123456789abcdef0123456789abcdef"

func newWorld(t *testing.T, database string) *world {
	w := &world{t: t, dir: t.TempDir(), twilio: providertest.NewTwilio(t), slack: providertest.NewSlack(t), smtp: providertest.NewSMTP(t)}
	listen := freeAddress(t)
	w.public = "http://" + listen
	w.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir,
		"DATABASE_URL=" + database, "EFTERKURS_SECRET=" + worldSecret, "EFTERKURS_SCHOOL=Fjordens Skole",
		"LISTEN_ADDR=" + listen, "PUBLIC_URL=" + w.public,
		"TWILIO_ACCOUNT_SID=" + w.twilio.AccountSID, "TWILIO_AUTH_TOKEN=" + w.twilio.AuthToken, "TWILIO_FROM=" + w.twilio.Number,
		"TWILIO_BASE_URL=" + w.twilio.URL, "TWILIO_RATE=2000",
		"SLACK_BOT_TOKEN=" + w.slack.Token, "SLACK_SIGNING_SECRET=" + w.slack.SigningSecret, "SLACK_BASE_URL=" + w.slack.URL,
		"SMTP_URL=" + w.smtp.URL, "MAIL_FROM=Fjordens Skole <efterkurs@skolen.example>",
	}
	return w
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// try runs the binary to its end.
func (w *world) try(stdin string, args ...string) (stdout, stderr string, code int) {
	w.t.Helper()
	cmd := w.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Start(); err != nil {
		w.t.Fatalf("%v: %v", args, err)
	}
	limit := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	_ = cmd.Wait() // its exit code is what the caller asks for
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// run is try where success is expected.
func (w *world) run(args ...string) string {
	w.t.Helper()
	out, errs, code := w.try("", args...)
	if code != 0 {
		w.t.Fatalf("efterkurs %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// serve starts the server and returns when it is alive. It is stopped, in good order, at the test's end or by stop.
func (w *world) serve(args ...string) (stop func()) {
	w.t.Helper()
	cmd := w.command(append([]string{"serve"}, args...)...)
	log := &syncBuffer{}
	cmd.Stdout, cmd.Stderr, w.log = log, log, log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.pid = cmd.Process.Pid
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-exited:
			if err != nil {
				w.t.Errorf("serve ended with %v\n%s", err, log.String())
			}
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			w.t.Errorf("serve did not stop within 30 s\n%s", log.String())
		}
	}
	w.t.Cleanup(stop)
	if slices.Contains(args, "--no-web") {
		return stop
	}
	for {
		select {
		case err := <-exited:
			stopped = true
			w.t.Fatalf("serve ended at once: %v\n%s", err, log.String())
		default:
		}
		res, err := http.Get(w.public + "/healthz")
		if err == nil {
			res.Body.Close()
			return stop
		}
	}
}

// statusOf is `status --format json`.
func (w *world) statusOf(args ...string) []statusLine {
	w.t.Helper()
	var lines []statusLine
	if err := json.Unmarshal([]byte(w.run(append([]string{"status", "--format", "json"}, args...)...)), &lines); err != nil {
		w.t.Fatal(err)
	}
	return lines
}

func (w *world) file(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// text is a person writing an SMS, by way of the signed webhook.
func (w *world) text(from, body string) {
	w.t.Helper()
	res, err := w.twilio.Inbound(w.t.Context(), w.public+"/webhooks/twilio/inbound", "", from, w.twilio.Number, body, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode != 200 || !strings.Contains(string(answer), "<Response/>") {
		w.t.Fatalf("inbound webhook: %s %s", res.Status, answer)
	}
}

// delivered is Twilio's signed callback.
func (w *world) delivered(sid string) {
	w.t.Helper()
	if code, err := w.twilio.Callback(w.t.Context(), http.DefaultClient, sid, "delivered", ""); err != nil || code >= 300 {
		w.t.Fatalf("status webhook: %d %v", code, err)
	}
}

// press is a person pressing a button in Slack.
func (w *world) press(m providertest.SlackMessage, digit string) {
	w.t.Helper()
	res, err := w.slack.Press(w.t.Context(), w.public+"/webhooks/slack/interactive", m, digit, "")
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		w.t.Fatalf("slack webhook: %s", res.Status)
	}
}

var answerLink = regexp.MustCompile(`http://[^\s"<>]+/answer/[A-Za-z0-9_-]+`)

// answerMail presses a button of an e-mail: the page first, then the form on it.
func (w *world) answerMail(m providertest.Mail, digit string) {
	w.t.Helper()
	link := answerLink.FindString(m.Text)
	if link == "" {
		w.t.Fatalf("no answer page in the mail %q:\n%s", m.Subject, m.Text)
	}
	res, err := http.Get(link + "?v=" + digit)
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		w.t.Fatalf("GET %s: %s", link, res.Status)
	}
	res, err = http.PostForm(link, url.Values{"v": {digit}})
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		w.t.Fatalf("POST %s: %s", link, res.Status)
	}
}

// syncBuffer is a buffer that a process may write to while a test reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
