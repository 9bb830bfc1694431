package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/reminders"
	"efterkurs/templates"
)

// readyWithin is how long readiness waits for the database: whoever asks has a time-out too, and one that runs
// out says less than an answer.
const readyWithin = 2 * time.Second

// healthz says that the process is alive.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

// readyProblems say in a few words what keeps an installation from sending. Anybody may read them, so they give
// no reasons: those are on the health page and in doctor.
var readyProblems = map[string]string{
	reminders.FoundNoTick:   "no worker has ticked yet",
	reminders.FoundLateTick: "the last tick ended more than five minutes ago",
	reminders.FoundHalt:     "the channel {channel} is halted",
	reminders.FoundDeaf:     "what people wrote on {channel} cannot be read",
}

// readyz says whether the database answers, a worker ticked lately, and every channel may send.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	problems := []string{}
	health, err := s.ready.ask(r.Context(), readyWithin, func(ctx context.Context) (reminders.Health, error) {
		return reminders.Glance(ctx, s.Store, s.Bot, s.Now())
	})
	if err != nil {
		s.Log.Error("reading the health", "error", err)
		problems = append(problems, "the database does not answer")
	} else {
		for _, f := range health.Findings(s.Now()) {
			if f.Level == reminders.Bad {
				problems = append(problems, strings.ReplaceAll(readyProblems[f.Key], "{channel}", f.Channel))
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if len(problems) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": len(problems) == 0, "problems": problems})
}

// healthData says in words and numbers how the installation is.
type healthData struct {
	Now      time.Time
	Health   reminders.Health
	Findings []reminders.Finding
	Quiet    bool // nothing to look at: at most notes
	Census   reminders.Census
	Admin    bool
}

func (p *pages) healthPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	health, err := reminders.Examine(r.Context(), p.Store, p.Bot, v.Now)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	data := healthData{Now: v.Now, Health: health, Findings: health.Findings(v.Now), Admin: v.Admin()}
	worst := reminders.Worst(data.Findings)
	data.Quiet = worst != reminders.Bad && worst != reminders.Warn
	if data.Census, err = p.census(r.Context()); err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.show(w, r, v, http.StatusOK, "health", p.Texts.Page(v.Lang, "health-title"), data)
}

// resume lets a halted channel send again. Only an administrator does: the cause is an account or a number.
func (p *pages) resume(w http.ResponseWriter, r *http.Request, v *visitor) {
	if !v.Admin() {
		http.Error(w, p.Texts.Page(v.Lang, "admins-only"), http.StatusForbidden)
		return
	}
	channel := r.PostFormValue("channel")
	if !slices.Contains([]string{reminders.SMS, reminders.Slack, reminders.Email}, channel) {
		p.fail(w, r, v, reminders.Errorf(reminders.EINVALID, "%q is not a channel", channel))
		return
	}
	// One that somebody else was faster with goes on already.
	if err := p.Store.Resume(r.Context(), channel); err != nil && reminders.ErrorCode(err) != reminders.ENOTFOUND {
		p.fail(w, r, v, err)
		return
	}
	p.Log.Info("a channel was resumed", "channel", channel, "user", v.User.ID)
	http.Redirect(w, r, "/health", http.StatusSeeOther)
}

// Words says the health in one language, for a page or a terminal.
type Words struct{ words }

// NewWords are the words of the pages in lang.
func NewWords(texts *templates.Texts, calendar *reminders.Calendar, lang string) Words {
	return Words{words{&pages{Server: &Server{Config: Config{Texts: texts, Calendar: calendar}}}, lang}}
}

// Finding is f in plain words: what is so, and what to do.
func (f Words) Finding(found reminders.Finding, now time.Time) string {
	text := f.finding(found, now)
	if found.Key == reminders.FoundTickError {
		text += " " + found.Detail
	}
	return text
}

// Line is how many wait for a channel, and when the last of them will be sent.
func (f Words) Line(line reminders.Line, h reminders.Health, now time.Time) string {
	return f.line(line, h, now)
}

func (f words) finding(found reminders.Finding, now time.Time) string {
	key := "health-" + found.Key
	if found.Count == 1 {
		key += "-one"
	}
	text := f.text(key, "channel", f.channel(found.Channel), "n", f.number(found.Count), "at", f.when(now, found.At))
	if found.Key == reminders.FoundLost {
		return strings.ReplaceAll(text, "{company}", found.Detail) + " " + f.lost(found.Code)
	}
	if found.Key == reminders.FoundHalt {
		text += " " + f.halt(found)
	}
	return text
}

// halt is why a channel is stopped and what to do about it; the stored reason where we have no words for the code.
func (f words) halt(found reminders.Finding) string {
	if word := haltWord(found.Channel, found.Code); word != "" {
		return f.text("halt-" + word)
	}
	return sentence(found.Detail)
}

// lost is why a workspace does not let us in and what to do about it.
func (f words) lost(code string) string {
	switch word := haltWord(reminders.Slack, code); {
	case code == reminders.LostSealed:
		return f.text("lost-sealed")
	case code == reminders.LostUninstalled || word == "slack-removed":
		return f.text("lost-removed")
	case word == "slack-scope", word == "slack-tab":
		return f.text("lost-" + strings.TrimPrefix(word, "slack-"))
	}
	return f.text("lost-token")
}

func (f words) line(line reminders.Line, h reminders.Health, now time.Time) string {
	channel, n := f.channel(line.Channel), f.number(line.Due)
	_, halted := h.Halted[line.Channel]
	var text string
	switch {
	case halted || slices.Contains(h.Off, line.Channel):
		return f.text("line-stopped", "channel", channel, "n", n)
	case line.Every <= 0:
		return f.text("line-any", "channel", channel, "n", n)
	case line.Missed == line.Due:
		return f.text("line-missed", "channel", channel, "n", n)
	case line.Through.Sub(now) < time.Minute:
		text = f.text("line-soon", "channel", channel, "n", n)
	default:
		text = f.text("line-at", "channel", channel, "n", n, "rate", f.rate(line.Every), "at", f.when(now, line.Through))
	}
	if line.Missed > 0 {
		text += " " + f.text("line-late", "n", f.number(line.Missed))
	}
	return text
}

// rate is a pace, as in "10 i sekundet" and "1 hvert 2. sekund".
func (f words) rate(every time.Duration) string {
	if every > time.Second {
		return f.text("rate-slow", "n", strings.ReplaceAll(strconv.FormatFloat(every.Round(100*time.Millisecond).Seconds(), 'f', -1, 64), ".", f.text("decimals")))
	}
	perSecond := strconv.FormatFloat(float64(time.Second)/float64(every), 'f', 1, 64)
	return f.text("rate-fast", "n", strings.ReplaceAll(strings.TrimSuffix(perSecond, ".0"), ".", f.text("decimals")))
}

// when is a time of day where it is today, with its day where it is not.
func (f words) when(now, t time.Time) string {
	if t.IsZero() || reminders.DateOf(f.local(now)) != reminders.DateOf(f.local(t)) {
		return f.moment(t)
	}
	return f.text("at-clock", "at", f.clock(t))
}

func (f words) channel(name string) string {
	if name == "" {
		return ""
	}
	return f.text("channel-" + name)
}

// number is a number with its thousands apart, as in "8.412".
func (f words) number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + f.text("thousands") + digits[i:]
	}
	return digits
}

// sentence is text with a full stop at its end and a capital at its beginning.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	if r := []rune(text); r[0] >= 'a' && r[0] <= 'z' && !strings.HasPrefix(text, "http") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return strings.TrimRight(text, ".") + "."
}

// haltWords are the providers' codes that stop a channel, by what we say about them.
var haltWords = map[string]map[string]string{
	reminders.SMS: {
		"20003": "sms-password", "20404": "sms-password", "20005": "sms-account", "30002": "sms-account", "21408": "sms-country", "21608": "sms-trial",
		"21606": "sms-number", "21601": "sms-number", "21612": "sms-number", "21603": "sms-number", "21602": "sms-text", "21604": "sms-text", "21617": "sms-text",
		"30007": "sms-filtered",
	},
	reminders.Slack: {
		"invalid_auth": "slack-token", "not_authed": "slack-token", "token_revoked": "slack-token", "token_expired": "slack-token", "not_allowed_token_type": "slack-token",
		"account_inactive": "slack-removed", "access_denied": "slack-removed", "team_access_not_granted": "slack-removed", "org_login_required": "slack-removed",
		"missing_scope": "slack-scope", "no_permission": "slack-scope", "messages_tab_disabled": "slack-tab",
	},
	reminders.Email: {"530": "email-password", "534": "email-password", "535": "email-password", "538": "email-password"},
}

// haltWord is the last part of a text's key. A mail server's code is followed by its enhanced one, "535 5.7.8".
func haltWord(channel, code string) string {
	code, _, _ = strings.Cut(code, " ")
	return haltWords[channel][code]
}
