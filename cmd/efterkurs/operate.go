package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"efterkurs/bot/web"
	"efterkurs/reminders"
	"efterkurs/store"
)

func (p *program) migrate() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Bring the database up to this version, or say where it stands", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return invalid("migrate needs one of: up, status") }}
	with := func(do func(context.Context, *store.Store) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(p.env)
			if err != nil {
				return err
			}
			s, err := store.Open(cmd.Context(), store.Config{URL: cfg.DatabaseURL, Log: logger(p.stderr, cfg.LogLevel), Version: version()})
			if err != nil {
				return err
			}
			return errors.Join(do(cmd.Context(), s), s.Close())
		}
	}
	cmd.AddCommand(
		&cobra.Command{Use: "up", Short: "Apply what is missing", Args: cobra.NoArgs, RunE: with(func(ctx context.Context, s *store.Store) error {
			applied, err := s.Migrate(ctx)
			for _, name := range applied {
				fmt.Fprintln(p.stdout, "applied", name)
			}
			if err == nil && len(applied) == 0 {
				fmt.Fprintln(p.stdout, "the database is up to date")
			}
			return err
		})},
		&cobra.Command{Use: "status", Short: "List the migrations", Args: cobra.NoArgs, RunE: with(func(ctx context.Context, s *store.Store) error {
			all, err := s.MigrationStatus(ctx)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
			for _, m := range all {
				applied := "pending"
				if !m.AppliedAt.IsZero() {
					applied = m.AppliedAt.UTC().Format(time.RFC3339)
				}
				fmt.Fprintf(w, "%d\t%s\t%s\n", m.Number, m.Name, applied)
			}
			return w.Flush()
		})})
	return cmd
}

func (p *program) backup() *cobra.Command {
	return &cobra.Command{Use: "backup FILE", Short: "Copy the embedded database to FILE while it runs", Args: oneArgument("backup takes one file to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := p.open(cmd.Context(), time.Now, 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			if err := a.store.Backup(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "backed up to %s; keep %s with it\n", args[0], a.config.secretFile())
			return err
		}}
}

func (p *program) resume() *cobra.Command {
	return &cobra.Command{Use: "resume CHANNEL", Short: "Let a halted channel go on from where it stood",
		Args: oneArgument("resume takes one channel: sms, slack or email"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if c := args[0]; c != reminders.SMS && c != reminders.Slack && c != reminders.Email {
				return invalid("%q is not one of sms, slack, email", c)
			}
			a, err := p.openTravelling(cmd.Context(), 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			health, err := a.store.Health(cmd.Context(), a.now())
			if err != nil {
				return err
			}
			if err := a.store.Resume(cmd.Context(), args[0]); err != nil {
				return err
			}
			words := web.NewWords(a.texts, a.calendar, "en")
			for _, f := range health.Findings(a.now()) {
				if f.Key == reminders.FoundHalt && f.Channel == args[0] {
					fmt.Fprintln(p.stdout, words.Finding(f, a.now()))
				}
			}
			_, err = fmt.Fprintf(p.stdout, "%s goes on with the next tick\n", args[0])
			return err
		}}
}

// doctor says in plain words what is missing, and tries every channel without writing to anybody.
func (p *program) doctor() *cobra.Command {
	return &cobra.Command{Use: "doctor", Short: "Say what is missing, and try each channel without writing to anybody", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			bad := 0
			say := func(ok bool, format string, args ...any) {
				sign := "ok   "
				if !ok {
					sign = "FAULT"
					bad++
				}
				fmt.Fprintln(p.stdout, sign, fmt.Sprintf(format, args...))
			}
			note := func(format string, args ...any) { fmt.Fprintln(p.stdout, "     ", fmt.Sprintf(format, args...)) }
			if _, err := loadConfig(p.env); err != nil {
				say(false, "%v", err)
				return exit(exitFailed)
			}
			say(true, "configuration: every variable that is set can be read")
			a, err := p.openTravelling(ctx, 3*time.Second)
			if err != nil {
				say(false, "database: %v", err)
				return exit(exitFailed)
			}
			defer a.close()
			say(true, "database: %s answers and is at this binary's version", a.store.Dialect())
			a.doctorHealth(ctx, say, note)
			for _, c := range []struct{ name, word, how string }{
				{reminders.SMS, "SMS", "set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM and PUBLIC_URL"},
				{reminders.Slack, "Slack", "set SLACK_BOT_TOKEN (or SLACK_CLIENT_ID and SLACK_CLIENT_SECRET) and SLACK_SIGNING_SECRET"},
				{reminders.Email, "e-mail", "set SMTP_URL and MAIL_FROM"},
			} {
				channel := a.bot.Channels[c.name]
				if channel == nil {
					note("%s is off: to use it, %s", c.word, c.how)
					continue
				}
				trial, cancel := context.WithTimeout(ctx, 20*time.Second)
				err := channel.Check(trial)
				cancel()
				if err != nil {
					say(false, "%s: %v", c.word, err)
				} else {
					say(true, "%s: configured, and the provider accepts it", c.word)
				}
			}
			if a.config.SMTPURL != "" && a.config.MailIMAPURL == "" {
				note("no mailbox is read: answers by reply and returned mails are seen by nobody but who reads MAIL_FROM; to use one, set MAIL_IMAP_URL")
			}
			if a.config.PublicURL == "" {
				note("PUBLIC_URL is not set: e-mails bear no buttons, and no provider can call back")
			}
			if bad > 0 {
				return exit(exitFailed)
			}
			return nil
		}}
}

// doctorHealth says what the health page says, in the same words. Before the first start nothing can have
// ticked yet: that is worth a line, and no fault of the installation that is being looked at.
func (a *app) doctorHealth(ctx context.Context, say func(bool, string, ...any), note func(string, ...any)) {
	now := a.now()
	health, err := reminders.Examine(ctx, a.store, a.bot, now)
	if err != nil {
		say(false, "health: %v", err)
		return
	}
	words := web.NewWords(a.texts, a.calendar, "en")
	late := false
	for _, f := range health.Findings(now) {
		text := words.Finding(f, now)
		switch {
		case f.Key == reminders.FoundOff: // told with what to do about it, below
			continue
		case f.Key == reminders.FoundHalt:
			text += " When that is mended: efterkurs resume " + f.Channel
		}
		if f.Key == reminders.FoundNoTick || f.Key == reminders.FoundLateTick {
			late = true
		}
		if f.Level == reminders.Note || f.Key == reminders.FoundNoTick {
			note("%s", text)
		} else {
			say(false, "%s", text)
		}
	}
	if !late && !health.LastTick.StartedAt.IsZero() {
		say(true, "the last tick was %s ago", now.Sub(health.LastTick.StartedAt).Round(time.Second))
	}
	for _, line := range health.Lines {
		note("%s", words.Line(line, health, now))
	}
	if conn, err := net.DialTimeout("tcp", a.config.ListenAddr, time.Second); err == nil {
		_ = conn.Close()
		note("something answers on LISTEN_ADDR %s", a.config.ListenAddr)
	}
}
