package web

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// scraped is what /metrics says: each series with its value, as in `efterkurs_inbox` or `efterkurs_messages{channel="sms",state="sent"}`.
func scraped(t *testing.T, s *school) (series map[string]float64, text string) {
	t.Helper()
	resp, text := s.browser().get("/metrics")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s\n%s", resp.Status, text)
	}
	series = map[string]float64{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && !strings.HasPrefix(line, "#") {
			series[name+"}"], _ = strconv.ParseFloat(value, 64)
		} else if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			series[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	return series, text
}

var (
	documented = regexp.MustCompile("(?m)^\\| `(efterkurs_[a-z_]+)`")
	typed      = regexp.MustCompile(`(?m)^# TYPE (\S+) `)
)

func names(pattern *regexp.Regexp, text string) []string {
	var out []string
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Every documented name says what is so, to the last digit, and is in the README's table, which has no other. It
// fails where a metric is renamed, added without a word about it, or counts something else.
func TestEachMetricSaysWhatIsSo(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100002", "1")
	s.write("+4520100003", "STOP")
	s.write("+4561111111", "Hvem er det?")
	for _, took := range []time.Duration{20 * time.Millisecond, 2 * time.Second} {
		s.server.Metrics.Tick(took)
	}
	s.browser().post("/webhooks/twilio/inbound", url.Values{"Body": {"1"}})
	s.browser().post("/answer/nonsense", url.Values{"v": {"1"}})
	if err := s.store.Halt(t.Context(), s.now, reminders.Slack, "invalid_auth", "the token is not valid"); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Throttle(t.Context(), reminders.Email, s.now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	last, err := s.store.LastTick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(90 * time.Second)

	messages, err := s.store.Messages(t.Context(), reminders.MessageFilter{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"efterkurs_database_up": 1, "efterkurs_messages_claimed": 0, "efterkurs_messages_unknown": 0, "efterkurs_messages_due": 0,
		"efterkurs_oldest_due_seconds": 0, "efterkurs_oldest_claimed_seconds": 0, "efterkurs_oldest_unknown_seconds": 0, "efterkurs_inbox": 1,
		"efterkurs_last_tick_seconds":          s.now.Sub(last.StartedAt.Add(last.Took)).Seconds(),
		"efterkurs_last_tick_duration_seconds": last.Took.Seconds(), "efterkurs_last_tick_failed": 0,
		"efterkurs_tick_duration_seconds_count": 2, "efterkurs_tick_duration_seconds_sum": 2.02, `efterkurs_tick_duration_seconds_bucket{le="0.05"}`: 1,
		`efterkurs_webhooks_total{channel="twilio",kind="unsigned"}`:                              1,
		`efterkurs_webhook_duration_seconds_count{route="/webhooks/twilio/inbound",status="403"}`: 1,
		`efterkurs_webhook_duration_seconds_count{route="/answer",status="404"}`:                  1,
		`efterkurs_webhook_duration_seconds_bucket{route="/answer",status="404",le="+Inf"}`:       1,
		`efterkurs_replies_total{channel="sms",kind="answer"}`:                                    1,
		`efterkurs_replies_total{channel="sms",kind="stop"}`:                                      1,
		`efterkurs_replies_total{channel="sms",kind="unknown"}`:                                   1,
	}
	for _, channel := range []string{reminders.SMS, reminders.Slack, reminders.Email} {
		label := `{channel="` + channel + `"}`
		want["efterkurs_channel_on"+label] = 1
		want["efterkurs_channel_halted"+label] = map[string]float64{reminders.Slack: 1}[channel]
		want["efterkurs_channel_throttled"+label] = map[string]float64{reminders.Email: 1}[channel]
		want["efterkurs_messages_waiting"+label] = 0
	}
	for _, m := range messages {
		want[`efterkurs_messages{channel="`+m.Channel+`",state="`+string(m.State)+`"}`]++
		if m.Attempts > 0 {
			want[`efterkurs_attempts_total{channel="`+m.Channel+`",outcome="accepted"}`] += float64(m.Attempts)
		}
		// What is said back to the three is due, and nobody has sent it yet.
		if m.State == reminders.Planned && !m.RunAt.After(s.now) {
			want["efterkurs_messages_due"]++
			want["efterkurs_oldest_due_seconds"] = max(want["efterkurs_oldest_due_seconds"], s.now.Sub(m.RunAt).Seconds())
			if m.PersonID == 0 { // to who nobody knows
				want[`efterkurs_messages_waiting{channel="`+m.Channel+`"}`]++
				continue
			}
			person, err := s.store.Person(t.Context(), m.PersonID)
			if err != nil {
				t.Fatal(err)
			}
			if person.OptedOutAt.IsZero() {
				want[`efterkurs_messages_waiting{channel="sms"}`]++
			}
		}
	}
	if want["efterkurs_messages_due"] == 0 || want[`efterkurs_attempts_total{channel="sms",outcome="accepted"}`] < 8 {
		t.Fatalf("nothing is proven: %v", want)
	}
	got, text := scraped(t, s)
	for name, value := range want {
		if v, there := got[name]; !there || v < value-1e-9 || v > value+1e-9 {
			t.Errorf("%s is %v (%v), want %v", name, v, there, value)
		}
	}
	for name := range got {
		family := regexp.MustCompile(`^efterkurs_(messages|attempts_total|replies_total|channel_\w+|messages_waiting|webhooks_total)\{`)
		if _, expected := want[name]; !expected && family.MatchString(name) {
			t.Errorf("%s is %v, and should not be there", name, got[name])
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if shown, told := names(typed, text), names(documented, string(readme)); !slices.Equal(shown, told) {
		t.Errorf("/metrics has  %v\nthe README has %v", shown, told)
	}
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	for _, private := range []string{"4520100", "61111111", "Hvem", "Ali", "Nordfald", "skolen.example", "nonsense"} {
		if strings.Contains(text, private) {
			t.Errorf("metrics tell %q", private)
		}
	}
}

// A school of a million messages is not counted anew at each scrape, a small one is. It fails where the age of
// a count is not looked at, or where a clock set back keeps an old one for good.
func TestADearCountIsKeptForAWhile(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		took, age time.Duration
		fresh     bool
	}{
		{2 * time.Millisecond, time.Second, true}, {2 * time.Millisecond, 2 * time.Second, false},
		{2 * time.Second, 59 * time.Second, true}, {2 * time.Second, 61 * time.Second, false},
		{10 * time.Second, 4 * time.Minute, true}, {10 * time.Second, 6 * time.Minute, false},
		{2 * time.Second, -time.Second, false},
	} {
		if got := (&lastCensus{at: now.Add(-c.age), took: c.took}).fresh(now); got != c.fresh {
			t.Errorf("%s old, %s to take: fresh is %v", c.age, c.took, got)
		}
	}
	if (&lastCensus{}).fresh(now) {
		t.Error("what was never counted is fresh")
	}
}

func ready(t *testing.T, s *school) (status int, problems []string) {
	t.Helper()
	resp, text := s.browser().get("/readyz")
	var body struct {
		Ready    bool
		Problems []string
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil || body.Ready != (resp.StatusCode == 200) || body.Problems == nil {
		t.Fatalf("%s %s: %v", resp.Status, text, err)
	}
	return resp.StatusCode, body.Problems
}

// Readiness, the page and doctor's words each name the same trouble, since they ask the same function. It fails
// where one of them has a rule of its own.
func TestReadinessThePageAndDoctorAgree(t *testing.T) {
	s := openSchool(t, nil)
	admin := s.signedIn("admin@skolen.example")
	halt := func(channel, reason string) {
		t.Helper()
		if err := s.store.Halt(t.Context(), s.now, channel, "", reason); err != nil {
			t.Fatal(err)
		}
	}
	tick := func(ended time.Time, fault string) {
		t.Helper()
		if err := s.store.SaveTick(t.Context(), reminders.Tick{StartedAt: ended.Add(-time.Second), Took: time.Second, Worker: "w", Error: fault}); err != nil {
			t.Fatal(err)
		}
	}
	swept := func(channel string, until time.Time) {
		t.Helper()
		if err := s.store.Swept(t.Context(), channel, until, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name     string
		do       func()
		problems []string // of readiness
		page     string   // in Danish
		doctor   string   // in English
	}{
		{"never ticked", func() {}, []string{"no worker has ticked yet"}, "Programmet er ikke begyndt at sende endnu.", "The program has not begun to send yet."},
		{"well", func() { tick(s.now, "") }, nil, "Alt kører.", ""},
		{"just in time", func() { s.now = s.now.Add(5 * time.Minute) }, nil, "Alt kører.", ""},
		{"late", func() { s.now = s.now.Add(time.Millisecond) }, []string{"the last tick ended more than five minutes ago"}, "Der er ikke sket noget siden kl. 9.00.", "Nothing has happened since 9:00."},
		{"failed", func() { tick(s.now, "the disk is full") }, nil, "Den seneste runde nåede ikke det hele.", "The error was: the disk is full"},
		{"deaf", func() { tick(s.now, ""); swept(reminders.SMS, s.now.Add(-6*time.Minute)) }, []string{"what people wrote on sms cannot be read"}, "Svar på SMS kan ikke hentes siden kl. 8.59.", "SMS"},
		{"deaf where nobody listens", func() {
			swept(reminders.SMS, s.now)
			swept(reminders.Slack, s.now.Add(-24*time.Hour)) // an upgrade writes this for Slack, whether it is used or not
			delete(s.bot.Channels, reminders.Slack)
		}, nil, "Alt kører.", "Slack is off."},
		{"halted", func() { tick(s.now, ""); halt(reminders.SMS, "something new at Twilio") }, []string{"the channel sms is halted"},
			"SMS er stoppet siden kl. 9.05. Something new at Twilio.", "SMS has been stopped since 9:05. Something new at Twilio."},
		{"two halted", func() { halt(reminders.Email, "x") }, []string{"the channel email is halted", "the channel sms is halted"}, "Mail er stoppet siden", "E-mail has been stopped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.do()
			status, problems := ready(t, s)
			if !slices.Equal(problems, c.problems) || (status == http.StatusOK) != (len(c.problems) == 0) {
				t.Errorf("readiness is %d %q, want %q", status, problems, c.problems)
			}
			_, body := admin.get("/health")
			if !strings.Contains(body, c.page) {
				t.Errorf("the page does not say %q", c.page)
			}
			if good := strings.Contains(body, "Alt kører."); good != (c.page == "Alt kører.") {
				t.Errorf("the page says that all is well: %v", good)
			}
			h, err := reminders.Examine(t.Context(), s.store, s.bot, s.now)
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			for _, f := range h.Findings(s.now) {
				said += NewWords(s.server.Texts, s.cal, "en").Finding(f, s.now) + "\n"
			}
			if !strings.Contains(said, c.doctor) || c.doctor == "" && said != "" {
				t.Errorf("doctor says %q, want %q", said, c.doctor)
			}
		})
	}
}

// stuck is a database that does not answer, as behind a network that swallows everything.
type stuck struct{ Store }

func (stuck) Health(ctx context.Context, _ time.Time) (reminders.Health, error) {
	<-ctx.Done()
	return reminders.Health{}, ctx.Err()
}

// Without a database readiness says so within its own two seconds, and the metrics that it is down, while the
// process still counts as alive. It fails where readiness waits as long as the database does.
func TestWithoutADatabaseReadinessSaysSoInTime(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(1)
	whole := s.server.Store
	for name, gone := range map[string]func(){"closed": func() { s.store.Close() }, "silent": func() { s.server.Store = stuck{whole} }} {
		t.Run(name, func(t *testing.T) {
			gone()
			began := time.Now()
			if status, problems := ready(t, s); status != http.StatusServiceUnavailable || !slices.Equal(problems, []string{"the database does not answer"}) {
				t.Errorf("%d %q", status, problems)
			}
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("readiness took %s", took)
			}
			if resp, _ := s.browser().get("/healthz"); resp.StatusCode != http.StatusOK {
				t.Errorf("healthz: %s", resp.Status)
			}
			if name == "silent" {
				return // the scrape has eight seconds
			}
			got, text := scraped(t, s)
			if up, there := got["efterkurs_database_up"]; !there || up != 0 || strings.Contains(text, "efterkurs_messages") {
				t.Errorf("metrics:\n%s", text)
			}
		})
	}
}

// A network that swallows everything, from one moment to the next, keeps readiness waiting no longer than its two
// seconds, over connections that were open and over new ones. It fails where the driver waits for an answer
// whatever its context says.
func TestReadinessBehindADeadNetwork(t *testing.T) {
	address := storetest.Postgres(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("/tmp", "efpx") // a short path: a socket's name has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	wire := newWire(t, folder+"/.s.PGSQL.5432", u)
	if wire == nil {
		t.Skip("skipped: PostgreSQL is not reached through a socket's folder here")
	}
	query := u.Query()
	query.Set("host", folder)
	u.RawQuery = query.Encode()
	server, _ := siteOn(t, u.String(), lastDay.At(13*60, time.UTC))
	handler := server.Handler()
	ask := func() (string, time.Duration) {
		began := time.Now()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Body.String(), time.Since(began)
	}
	if text, _ := ask(); !strings.Contains(text, "no worker has ticked yet") {
		t.Fatalf("with a network: %s", text)
	}
	wire.dead.Store(true)
	for range 2 {
		if text, took := ask(); !strings.Contains(text, "the database does not answer") || took > 4*time.Second {
			t.Errorf("without one, after %s: %s", took.Round(time.Millisecond), text)
		}
	}
	wire.cut() // what the driver still waits for ends, so that the store can close
}

// wire carries bytes to a PostgreSQL socket until it is dead; then it takes them and hands on none.
type wire struct {
	dead  atomic.Bool
	mu    sync.Mutex
	conns []net.Conn
}

func newWire(t *testing.T, socket string, to *url.URL) *wire {
	t.Helper()
	real := to.Query().Get("host") + "/.s.PGSQL.5432"
	if _, err := os.Stat(real); err != nil {
		return nil
	}
	w := &wire{}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	carry := func(from, to net.Conn) {
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if err != nil {
				to.Close()
				return
			}
			if !w.dead.Load() {
				_, _ = to.Write(buf[:n])
			}
		}
	}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", real)
			if err != nil {
				near.Close()
				return
			}
			w.mu.Lock()
			w.conns = append(w.conns, near, far)
			w.mu.Unlock()
			go carry(near, far)
			go carry(far, near)
		}
	}()
	t.Cleanup(func() { listener.Close(); w.cut() })
	return w
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
}

// Every code that stops a channel has words of its own; any other is told by its stored reason.
func TestAHaltIsToldInPlainWords(t *testing.T) {
	da, en := testWords(t, "da"), testWords(t, "en")
	for _, c := range []struct {
		words         words
		channel, code string
		want          string
	}{
		{da, reminders.SMS, "20003", "Twilio godkender ikke adgangskoden. Ret TWILIO_ACCOUNT_SID og TWILIO_AUTH_TOKEN, og start »efterkurs serve« igen."},
		{en, reminders.SMS, "21408", "The Twilio account may not send to this country. Enable Denmark at twilio.com under Messaging, Geo permissions."},
		{da, reminders.Slack, "token_revoked", "Slack godkender ikke vores nøgle. Hent en ny på api.slack.com, ret SLACK_BOT_TOKEN, og start »efterkurs serve« igen."},
		{en, reminders.Email, "535 5.7.8", "The mail server does not accept user and password. Correct SMTP_URL, and start “efterkurs serve” again."},
		{da, reminders.SMS, "99999", "The account is on fire."}, {da, reminders.Email, "", "The account is on fire."}, {da, reminders.Slack, "20003", "The account is on fire."},
	} {
		if got := c.words.halt(reminders.Finding{Channel: c.channel, Code: c.code, Detail: "the account is on fire"}); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.channel, c.code, got, c.want)
		}
	}
}

// When a bulk will be through is one plain line.
func TestALineSaysWhenItIsThrough(t *testing.T) {
	da, en := testWords(t, "da"), testWords(t, "en")
	now := time.Date(2026, 11, 24, 13, 17, 0, 0, time.UTC)
	sms := func(due int, every, through time.Duration, missed int) reminders.Line {
		l := reminders.Line{Channel: reminders.SMS, Due: due, Every: every, Missed: missed}
		if through != 0 {
			l.Through = now.Add(through)
		}
		return l
	}
	halted := reminders.Health{Halted: map[string]reminders.Halt{reminders.SMS: {}}}
	for _, c := range []struct{ got, want string }{
		{da.line(sms(8412, 100*time.Millisecond, 14*time.Minute, 0), reminders.Health{}, now), "SMS: 8.412 venter. Med 10 i sekundet er de sidste sendt ca. kl. 14.31."},
		{en.line(sms(8412, 400*time.Millisecond, 56*time.Minute, 0), reminders.Health{}, now), "SMS: 8,412 wait. At 2.5 a second the last of them are sent at about 15:13."},
		{da.line(sms(1234567, 2500*time.Millisecond, 35*24*time.Hour, 0), reminders.Health{}, now), "SMS: 1.234.567 venter. Med 1 hvert 2,5. sekund er de sidste sendt ca. tirs. 29. dec. 14.17."},
		{da.line(sms(12, 100*time.Millisecond, time.Second, 0), reminders.Health{}, now), "SMS: 12 venter. Alt er sendt om under et minut."},
		{da.line(sms(1000, 100*time.Millisecond, 90*time.Second, 100), reminders.Health{}, now), "SMS: 1.000 venter. Med 10 i sekundet er de sidste sendt ca. kl. 14.18. 100 når det ikke, før deres tidsrum slutter. De sendes i det næste."},
		{da.line(sms(7, 100*time.Millisecond, 0, 7), reminders.Health{}, now), "SMS: 7 venter. De når det ikke, før deres tidsrum slutter, og sendes i det næste."},
		{da.line(sms(7, 100*time.Millisecond, 0, 0), halted, now), "SMS: 7 venter, til SMS kan sende igen."},
		{da.line(sms(7, 0, 0, 0), reminders.Health{}, now), "SMS: 7 venter. De sendes, så hurtigt de bliver taget imod."},
	} {
		if c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
}

// The page looks again by itself while something waits, and only then.
func TestTheHealthPageFollowsABulk(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(1)
	b := s.signedIn("mette@skolen.example")
	if _, body := b.get("/health"); strings.Contains(body, "http-equiv") || strings.Contains(body, "venter.") {
		t.Error("nothing waits, and the page looks again by itself")
	}
	s.bot.Rates = map[string]time.Duration{reminders.SMS: time.Hour}
	s.write("+4520100001", "hjælp")
	if _, body := b.get("/health"); !strings.Contains(body, `<meta http-equiv="refresh" content="15">`) || !strings.Contains(body, "SMS: 1 venter.") {
		t.Error("something waits, and the page does not say so")
	}
}
