package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"time"

	"efterkurs/bot"
	"efterkurs/bot/meaning"
	"efterkurs/bot/providertest"
	"efterkurs/bot/sms"
	"efterkurs/bot/web"
	"efterkurs/reminders"
	"efterkurs/store"
)

// reader is the same for every process of every seed: its words take a moment to load.
var reader = meaning.NewReader()

// process is one run of the program: worker and web server over the town's database. When it has died, nothing it does
// has an effect any more.
type process struct {
	town   *town
	name   string
	store  *store.Store
	engine *reminders.Engine
	web    http.Handler
	born   time.Time
	dead   bool
	fate   luck // of the transaction that runs: there is one at a time
}

var errDead = errors.New("the process has died")

func (t *town) start() *process {
	t.started++
	p := &process{town: t, name: fmt.Sprintf("p%d", t.started), born: time.Now()}
	log := slog.New(slog.DiscardHandler)
	if t.story != nil {
		log = slog.New(slog.NewTextHandler(story{t}, &slog.HandlerOptions{Level: slog.LevelInfo})).With("process", p.name)
	}
	var err error
	p.store, err = store.Open(context.Background(), store.Config{URL: "sqlite:" + t.file, Secret: []byte(secret), Version: "simulation", Log: log, Border: p.border})
	t.must(err)
	channel, err := sms.New(sms.Config{AccountSID: t.twilio.AccountSID, AuthToken: t.twilio.AuthToken, From: t.twilio.Number, BaseURL: t.twilio.URL,
		PublicURL: public, HTTPClient: &http.Client{Transport: wire{p}}, Now: time.Now})
	t.must(err)
	b := &bot.Bot{Channels: map[string]bot.Channel{reminders.SMS: channel}, Rates: map[string]time.Duration{reminders.SMS: 200 * time.Millisecond},
		Texts: t.texts, Reader: reader, Store: p.store, Calendar: t.calendar, School: "Skolen", Now: time.Now, Log: log}
	p.engine = &reminders.Engine{Store: p.store, Desk: b, Calendar: t.calendar, Now: time.Now, Log: log, Worker: p.name,
		Jitter: func(d time.Duration) time.Duration { return d / 2 }}
	server, err := web.New(web.Config{Store: p.store, Bot: b, Tokens: bot.Tokens{Key: []byte(secret)}, Texts: t.texts, Calendar: t.calendar, School: "Skolen",
		Now: time.Now, Log: log, PublicURL: public, TwilioAuthToken: t.twilio.AuthToken})
	t.must(err)
	p.web = server.Handler()
	return p
}

func (p *process) die(where string) error {
	if !p.dead {
		p.dead = true
		p.town.fault("killed " + where)
		p.town.tell("%s dies %s", p.name, where)
	}
	return errDead
}

// border is where a transaction begins or ends.
func (p *process) border(ctx context.Context, at store.Border) error {
	if p.dead {
		return errDead
	}
	t, who := p.town, teller(ctx)
	if who == "" {
		return nil // the simulation itself
	}
	defer t.gate.leave()
	switch at {
	case store.Begin, store.Read:
		p.fate = t.gate.pass(p.name + " " + who + " " + string(at))
		if p.dead {
			return errDead
		}
	case store.Commit:
		if p.fate.one(t.odds.death, 1) {
			return p.die("before a commit")
		}
	case store.Committed:
		if p.fate.one(t.odds.death, 2) {
			return p.die("after a commit")
		}
		if p.fate.one(t.odds.death, 14) {
			t.fault("suspended after a commit")
			asleep := time.Duration(p.fate.draw(15)%20) * time.Minute
			t.gate.leave()
			time.Sleep(asleep)
		}
	}
	return nil
}

// wire is the way from a process to the provider.
type wire struct{ p *process }

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	p, t := w.p, w.p.town
	body := ""
	if req.Body != nil {
		raw, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = string(raw)
	}
	if p.dead {
		return nil, errDead
	}
	fate := t.gate.pass(p.name + " " + teller(req.Context()) + " " + req.Method + " " + body)
	defer t.gate.leave()
	switch {
	case p.dead:
		return nil, errDead
	case fate.one(t.odds.death, 3):
		return nil, p.die("before a request")
	case fate.one(t.odds.network, 4):
		t.fault("no connection")
		return nil, fmt.Errorf("dial: refused")
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	if fate.one(t.odds.network, 5) {
		t.fault("request lost")
		return nil, fmt.Errorf("the connection broke")
	}
	t.next = t.behaviour(req, fate)
	answer := httptest.NewRecorder()
	inner := httptest.NewRequest(req.Method, req.URL.String(), strings.NewReader(body))
	inner.Header = req.Header
	t.twilio.Handler.ServeHTTP(answer, inner)
	t.delivers()
	switch {
	case fate.one(t.odds.death, 6):
		return nil, p.die("after a request")
	case fate.one(t.odds.network, 7):
		t.fault("answer lost")
		return nil, fmt.Errorf("the connection broke")
	case fate.one(t.odds.network, 8):
		t.fault("answer late")
		t.gate.leave()
		select { // later than anybody waits for
		case <-time.After(time.Minute):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	return answer.Result(), nil
}

// behaviour is how the provider treats a request.
func (t *town) behaviour(req *http.Request, fate luck) (b providertest.Behaviour) {
	if req.Method != http.MethodPost {
		if fate.one(t.odds.provider, 9) {
			t.fault("list refused")
			return providertest.Behaviour{Refuse: true, Status: http.StatusServiceUnavailable}
		}
		return b
	}
	if !fate.one(t.odds.provider, 10) {
		return b
	}
	switch kind := fate.draw(11) % 12; kind {
	case 0, 1, 2:
		t.fault("500 after accepting")
		return providertest.AcceptedThen500()
	case 3, 4:
		t.fault("500, not accepted")
		return providertest.Behaviour{Refuse: true, Status: http.StatusInternalServerError, Code: "20500"}
	case 5, 6, 7:
		t.fault("throttled")
		return providertest.Throttled("20429", []string{"", "3", "90", "3600"}[fate.draw(12)%4])
	case 8:
		t.fault("refused: opted out")
		return providertest.Refused("21610", http.StatusBadRequest)
	case 9:
		t.fault("refused: no such code")
		return providertest.Refused("99999", http.StatusBadRequest)
	case 10:
		t.fault("halted: credentials")
		return providertest.Refused("20003", http.StatusUnauthorized)
	default:
		t.fault("answer unreadable")
		return providertest.Behaviour{Garbage: true}
	}
}

// handler is the way from the provider to whoever is alive.
type handler struct{ t *town }

var errNobody = errors.New("nobody listens")

func (h handler) RoundTrip(req *http.Request) (*http.Response, error) {
	who := teller(req.Context())
	fate := h.t.gate.pass(who + " webhook")
	alive := h.t.alive()
	if len(alive) == 0 {
		h.t.fault("webhook while nobody listens")
		return nil, errNobody
	}
	p := alive[fate.draw(13)%uint64(len(alive))]
	answer := httptest.NewRecorder()
	p.web.ServeHTTP(answer, req)
	h.t.gate.pass(who + " answered") // which may be because the time was up, while somebody else goes on
	if p.dead {
		return nil, errNobody
	}
	return answer.Result(), nil
}
