package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/mail"
	"os"
	"time"

	"golang.org/x/term"

	"efterkurs/bot"
	calendars "efterkurs/bot/calendar"
	"efterkurs/bot/diary"
	"efterkurs/bot/email"
	"efterkurs/bot/meaning"
	"efterkurs/bot/slack"
	"efterkurs/bot/sms"
	"efterkurs/bot/web"
	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/templates"
)

// app is a program put together: one database, one clock, the channels that are configured.
type app struct {
	config   config
	log      *slog.Logger
	now      func() time.Time
	store    *store.Store
	texts    *templates.Texts
	calendar *reminders.Calendar
	tokens   bot.Tokens
	bot      *bot.Bot
	engine   *reminders.Engine
	slack    *slack.Workspaces // nil = off
	metrics  *web.Metrics
	travel   *traveller  // nil = the wall clock
	web      *web.Server // nil until server has made one
}

// open builds the app on the configured database, migrating it where it is older than this binary and
// refusing it where it is newer. patience is how long an unreachable database is waited for.
func (p *program) open(ctx context.Context, now func() time.Time, patience time.Duration) (*app, error) {
	cfg, err := loadConfig(p.env)
	if err != nil {
		return nil, err
	}
	return p.openWith(ctx, cfg, now, patience)
}

func (p *program) openWith(ctx context.Context, cfg config, now func() time.Time, patience time.Duration) (*app, error) {
	a := &app{config: cfg, log: logger(p.stderr, cfg.LogLevel), now: now, calendar: reminders.NewCalendar(cfg.Location), metrics: web.NewMetrics()}
	var err error
	if a.texts, err = templates.Load(cfg.Templates); err != nil {
		return nil, fmt.Errorf("reading the texts: %w", err)
	}
	secret, err := cfg.secret()
	if err != nil {
		return nil, err
	}
	a.tokens = bot.Tokens{Key: secret}
	if a.store, err = openStore(ctx, cfg, secret, a.log, patience); err != nil {
		return nil, err
	}
	if err := a.assemble(); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	return a, nil
}

// assemble puts bot and clockwork on top of the store.
func (a *app) assemble() error {
	channels, rates, err := a.channels()
	if err != nil {
		return err
	}
	a.bot = &bot.Bot{Channels: channels, Rates: rates, Texts: a.texts, Reader: meaning.NewReader(), Store: a.store, Calendar: a.calendar,
		School: a.config.School, Now: a.now, Log: a.log}
	if from, err := mail.ParseAddress(a.config.MailFrom); err == nil {
		a.bot.Organizer = calendars.Party{Name: from.Name, Email: from.Address}
	}
	// Where nothing real is configured, a calendar of this machine may be tried out too.
	diaries := diary.Fetcher{Now: a.now, Location: a.calendar.Location, AllowLoopback: len(a.config.outside()) == 0}
	a.engine = &reminders.Engine{Store: a.store, Desk: a.bot, Diaries: diaries, Calendar: a.calendar, Now: a.now, Log: a.log, Worker: workerName()}
	return nil
}

// channels builds what is configured.
func (a *app) channels() (map[string]bot.Channel, map[string]time.Duration, error) {
	c := a.config
	channels, rates := map[string]bot.Channel{}, map[string]time.Duration{}
	if c.TwilioAccountSID != "" {
		ch, err := sms.New(sms.Config{AccountSID: c.TwilioAccountSID, AuthToken: c.TwilioAuthToken, From: c.TwilioFrom,
			MessagingServiceSID: c.TwilioMessagingServiceSID, BaseURL: c.TwilioBaseURL, PublicURL: c.PublicURL, Now: a.now})
		if err != nil {
			return nil, nil, err
		}
		channels[reminders.SMS] = ch
		rates[reminders.SMS] = time.Duration(float64(time.Second) / c.TwilioRate)
	}
	if c.SlackBotToken != "" || c.SlackClientID != "" {
		ch, err := slack.NewWorkspaces(slack.WorkspacesConfig{Config: slack.Config{BotToken: c.SlackBotToken, BaseURL: c.SlackBaseURL, Now: a.now},
			ClientID: c.SlackClientID, ClientSecret: c.SlackClientSecret, PublicURL: c.PublicURL, Tokens: a.store})
		if err != nil {
			return nil, nil, err
		}
		a.slack, channels[reminders.Slack] = ch, ch
	}
	if c.SMTPURL != "" {
		ch, err := email.New(email.Config{SMTPURL: c.SMTPURL, From: c.MailFrom, PublicURL: c.PublicURL, Token: a.tokens.Answer,
			Words: a.texts.Page, Now: a.now, IMAPURL: c.MailIMAPURL, Tokens: a.tokens})
		if err != nil {
			return nil, nil, err
		}
		channels[reminders.Email] = ch
		if box, ok := ch.Mailbox(); ok {
			channels[reminders.Email] = box
		}
	}
	return channels, rates, nil
}

// openStore opens the database, waiting with a growing pause for one that cannot be reached yet.
func openStore(ctx context.Context, cfg config, secret []byte, log *slog.Logger, patience time.Duration) (*store.Store, error) {
	deadline := time.Now().Add(patience)
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 15*time.Second) {
		s, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL, Secret: secret, Log: log, Version: version()})
		if err == nil {
			if _, err = s.Migrate(ctx); err == nil {
				return s, nil
			}
			err = errors.Join(err, s.Close())
		}
		if reminders.ErrorCode(err) != reminders.EUNAVAILABLE || !time.Now().Add(pause).Before(deadline) {
			return nil, err
		}
		log.Warn("the database cannot be reached yet", "again_in", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// secret is EFTERKURS_SECRET, or the one beside an embedded database, which the first start makes.
func (c config) secret() ([]byte, error) {
	if c.Secret != "" {
		if len(c.Secret) < 32 {
			return nil, invalid("EFTERKURS_SECRET is shorter than 32 characters: make one with `openssl rand -hex 32`")
		}
		return []byte(c.Secret), nil
	}
	if c.sqliteFile() == "" {
		return nil, invalid("EFTERKURS_SECRET is not set: with PostgreSQL every worker needs the same one, made with `openssl rand -hex 32`")
	}
	file := c.secretFile()
	for {
		raw, err := os.ReadFile(file)
		if err == nil && len(raw) >= 32 {
			return raw, nil
		}
		if err == nil {
			return nil, invalid("%s is damaged: restore it from a backup, since it signs the addresses in sent e-mails", file)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reading the secret: %w", err)
		}
		random := make([]byte, 32)
		_, _ = rand.Read(random) // never fails (crypto/rand)
		// Written aside and linked into place: of two processes that start together one wins, whole.
		aside := fmt.Sprintf("%s.%d", file, os.Getpid())
		if err := os.WriteFile(aside, []byte(hex.EncodeToString(random)), 0o600); err != nil {
			return nil, fmt.Errorf("writing the secret: %w", err)
		}
		err = os.Link(aside, file)
		_ = os.Remove(aside)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("writing the secret: %w", err)
		}
	}
}

func logger(w io.Writer, level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	random := make([]byte, 4)
	_, _ = rand.Read(random)
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), hex.EncodeToString(random))
}
