package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"efterkurs/bot/web"
	"efterkurs/reminders"
	"efterkurs/store"
)

// grace is how long what is being sent or answered may take after the word to stop.
const grace = 20 * time.Second

func (p *program) serve() *cobra.Command {
	var noWorker, noWeb bool
	cmd := &cobra.Command{Use: "serve", Short: "Worker, webhooks and pages in one process", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if noWorker && noWeb {
				return invalid("--no-worker and --no-web together leave nothing to do")
			}
			cfg, err := loadConfig(p.env)
			if err != nil {
				return err
			}
			now, travel := time.Now, (*traveller)(nil)
			if noWorker && len(cfg.outside()) == 0 {
				travel = &traveller{}
				now = travel.now
			}
			a, err := p.openWith(cmd.Context(), cfg, now, 365*24*time.Hour)
			if err != nil {
				return unlessTold(cmd.Context(), err)
			}
			defer a.close()
			a.travel = travel
			return a.serve(cmd.Context(), !noWorker, !noWeb, nil)
		}}
	cmd.Flags().BoolVar(&noWorker, "no-worker", false, "serve webhooks and pages only; another process ticks")
	cmd.Flags().BoolVar(&noWeb, "no-web", false, "tick only; another process serves webhooks and pages")
	return cmd
}

func (a *app) close() {
	if err := a.store.Close(); err != nil {
		a.log.Error("closing the database", "error", err)
	}
}

// serve runs until ctx is done, then stops in good order: no new claims, what is being sent is finished
// and recorded, open requests are answered. demo is nil outside the demo.
func (a *app) serve(ctx context.Context, worker, pages bool, demo *web.Demo) error {
	if demo == nil {
		a.announce(worker, pages)
	}
	var listener net.Listener
	if pages {
		var err error
		if listener, err = a.listen(ctx); err != nil {
			return unlessTold(ctx, err)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	if worker {
		w := newWorker(a)
		a.bot.Wake = w.wake
		wg.Go(func() { w.run(ctx) })
	}
	if pages {
		go a.bot.Reader.Load() // the first text is not to wait for it
		server, err := a.server(demo)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		wg.Go(func() { a.web.Listen(ctx) })
		wg.Go(func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("serving: %w", err))
			}
		})
		wg.Go(func() {
			<-ctx.Done()
			stopping, done := context.WithTimeout(context.WithoutCancel(ctx), grace)
			defer done()
			if err := server.Shutdown(stopping); err != nil {
				a.log.Error("requests were still open at the end", "error", err)
			}
			a.web.Finish(stopping)
		})
	}
	<-ctx.Done()
	a.log.Info("stopping")
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	select {
	case <-finished:
		a.log.Info("stopped")
	case <-time.After(grace + time.Second):
		// What is still in a provider's hands becomes unknown when its lease is over, and is asked about then.
		return fmt.Errorf("stopped after %s with something still being sent; its outcome will be asked for at the next start", grace)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// unlessTold is err, or nil where we were told to stop before we had begun: that is a stop in good order too.
func unlessTold(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (a *app) announce(worker, pages bool) {
	for _, name := range []string{"sms", "slack", "email"} {
		if !a.bot.On(name) {
			a.log.Warn("a channel is off: it is not configured", "channel", name)
		}
	}
	if a.config.SMTPURL != "" && a.config.MailIMAPURL == "" {
		a.log.Warn("no mailbox is read: MAIL_IMAP_URL is not set, and whoever answers a mail by reply is heard by nobody but who reads MAIL_FROM")
	}
	if a.config.PublicURL == "" {
		a.log.Warn("PUBLIC_URL is not set: no provider can bring replies or delivery reports, and e-mails bear no buttons")
	}
	a.log.Info("starting", "version", version(), "database", a.store.Dialect(), "worker", worker, "web", pages, "listen", a.config.ListenAddr)
}

func (a *app) listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.config.ListenAddr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on LISTEN_ADDR %s: %w", a.config.ListenAddr, err)
	}
	return listener, nil
}

func (a *app) server(demo *web.Demo) (*http.Server, error) {
	cfg := web.Config{
		Store: a.store, Sessions: store.Sessions{Store: a.store}, Bot: a.bot, Tokens: a.tokens, Texts: a.texts, Calendar: a.calendar, School: a.config.School,
		Now: a.now, Log: a.log, PublicURL: a.config.PublicURL, TwilioAuthToken: a.config.TwilioAuthToken,
		SlackSigningSecret: a.config.SlackSigningSecret, Slack: a.slack, Metrics: a.metrics, Pages: true, Demo: demo,
	}
	s, err := web.New(cfg)
	if err != nil {
		return nil, err
	}
	a.web = s
	handler := s.Handler()
	if a.travel != nil {
		inner := handler
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := a.travel.refresh(r.Context(), a); err != nil {
				a.log.Error("asking for the time of the last tick", "error", err)
			}
			inner.ServeHTTP(w, r)
		})
	}
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute, // winding the demo nine weeks is one request
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}, nil
}

// worker is woken by cron and by replies. cron only wakes: what is due is asked of the database, since
// cron skips the hour that daylight saving leaps over and catches up on nothing.
type worker struct {
	app     *app
	replies chan struct{}
}

func newWorker(a *app) *worker {
	return &worker{app: a, replies: make(chan struct{}, 1)}
}

// wake has what is to be said back sent at once. It never blocks.
func (w *worker) wake() {
	select {
	case w.replies <- struct{}{}:
	default: // it is awake already, and will look again
	}
}

// run returns when ctx is done and what was being sent is recorded.
func (w *worker) run(ctx context.Context) {
	log := cronLog{w.app}
	// SkipIfStillRunning must be the outer one: inside Recover, a panic would leave its token taken and no
	// tick would ever run again.
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(log), cron.WithChain(cron.SkipIfStillRunning(log), cron.Recover(log)))
	id, err := c.AddFunc("* * * * *", func() { w.tick(ctx) })
	if err != nil {
		panic("a constant cron expression does not parse: " + err.Error())
	}
	first := c.Entry(id).WrappedJob
	var wg sync.WaitGroup
	wg.Go(first.Run) // what is due at the start does not wait for the minute
	c.Start()
	for done := false; !done; {
		select {
		case <-w.replies:
			if counts, err := w.app.engine.DeliverReplies(ctx); err != nil && ctx.Err() == nil {
				w.app.log.Error("answering replies; the next tick tries again", "error", err)
			} else if !counts.Idle() {
				w.app.log.Info("answered", "counts", counts)
			}
		case <-ctx.Done():
			done = true
		}
	}
	<-c.Stop().Done()
	wg.Wait()
}

func (w *worker) tick(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	w.app.sayBulk(ctx)
	started := time.Now()
	counts, err := w.app.engine.Tick(ctx)
	w.app.metrics.Tick(time.Since(started))
	switch {
	case err != nil:
		w.app.log.Error("tick", "counts", counts, "took", time.Since(started), "error", err)
	case !counts.Idle():
		w.app.log.Info("tick", "counts", counts, "took", time.Since(started))
	default:
		w.app.log.Debug("tick", "took", time.Since(started))
	}
}

// bulk is from how many messages on the log says beforehand when they will be through.
const bulk = 500

// sayBulk writes down what a tick has before it, where that is a bulk. That it could not be read is told by the tick.
func (a *app) sayBulk(ctx context.Context) {
	health, err := reminders.Examine(ctx, a.store, a.bot, a.now())
	if err != nil {
		return
	}
	for _, line := range health.Lines {
		if line.Due < bulk {
			continue
		}
		attrs := []any{"channel", line.Channel, "due", line.Due}
		if !line.Through.IsZero() {
			attrs = append(attrs, "through", line.Through.UTC().Truncate(time.Second), "next_window", line.Missed)
		}
		a.log.Info("a bulk is due", attrs...)
	}
}

// cronLog gives cron's own messages to our log.
type cronLog struct{ app *app }

func (l cronLog) Info(msg string, kv ...any) { l.app.log.Debug("cron: "+msg, kv...) }
func (l cronLog) Error(err error, msg string, kv ...any) {
	l.app.log.Error("cron: "+msg, append(kv, "error", err)...)
}
