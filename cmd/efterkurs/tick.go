package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"efterkurs/reminders"
)

func (p *program) tick() *cobra.Command {
	var asOf string
	var dry, asJSON bool
	cmd := &cobra.Command{Use: "tick", Short: "Do what is due, once, and print the counts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now, err := clock(asOf)
			if err != nil {
				return err
			}
			cfg, err := loadConfig(p.env)
			if err != nil {
				return err
			}
			if outside := cfg.outside(); asOf != "" && !dry && len(outside) > 0 {
				return invalid("--as-of would send at an invented time: it needs --dry-run, since %s reaches real people", strings.Join(outside, " and "))
			}
			a, err := p.openWith(cmd.Context(), cfg, now, 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			if dry {
				return p.dryTick(cmd.Context(), a, asJSON)
			}
			if err := a.keepTravel(cmd.Context(), asOf != ""); err != nil {
				return err
			}
			counts, err := a.engine.Tick(cmd.Context())
			if printErr := p.printCounts(counts, asJSON); printErr != nil {
				return printErr
			}
			return err
		}}
	cmd.Flags().StringVar(&asOf, "as-of", "", "the instant to take for now (RFC 3339)")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would happen; send and write nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// clock is the wall clock, or one that starts at asOf and goes on from there.
func clock(asOf string) (func() time.Time, error) {
	if asOf == "" {
		return time.Now, nil
	}
	at, err := time.Parse(time.RFC3339, asOf)
	if err != nil {
		return nil, invalid("--as-of %q is not an instant such as 2026-11-23T14:00:00+01:00", asOf)
	}
	started := time.Now()
	return func() time.Time { return at.Add(time.Since(started)).UTC() }, nil
}

func (p *program) printCounts(counts reminders.Counts, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(counts)
	}
	attrs := counts.LogValue().Group()
	if len(attrs) == 0 {
		_, err := fmt.Fprintln(p.stdout, "nothing was due")
		return err
	}
	words := make([]string, len(attrs))
	for i, a := range attrs {
		words[i] = a.String()
	}
	_, err := fmt.Fprintln(p.stdout, strings.Join(words, " "))
	return err
}

// dryLine is what a dry run says of one message.
type dryLine struct {
	Do      string    `json:"do"` // send, skip, wait
	Step    string    `json:"step"`
	To      string    `json:"to"`
	Company string    `json:"company,omitempty"`
	Channel string    `json:"channel,omitempty"`
	Due     time.Time `json:"due"`
	Until   string    `json:"until,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Text    string    `json:"text,omitempty"`
}

// dryTick runs the real tick in a transaction that is rolled back, with a desk that sends nothing.
func (p *program) dryTick(ctx context.Context, a *app, asJSON bool) error {
	trial, rollback, err := a.store.Trial(ctx)
	if err != nil {
		return err
	}
	defer rollback()
	a.bot.Store = trial
	a.engine.Store = trial
	a.engine.Desk = dryDesk{a.bot}
	a.engine.Diaries = nil // nobody's calendar is asked for what is not kept
	var lines []dryLine
	a.engine.Trace = func(v reminders.Verdict) { lines = append(lines, a.dryLine(v)) }
	counts, err := a.engine.Tick(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(lines, func(x, y dryLine) int {
		return cmp.Or(cmp.Compare(x.Do, y.Do), x.Due.Compare(y.Due), cmp.Compare(x.Company, y.Company), cmp.Compare(x.To, y.To))
	})
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(map[string]any{"counts": counts, "messages": append([]dryLine{}, lines...)})
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintln(p.stdout, "nothing is due")
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DO\tSTEP\tTO\tCOMPANY\tCHANNEL\tDUE\tWHY")
	for _, l := range lines {
		why := l.Reason
		if l.Until != "" {
			why = strings.TrimSpace(why + " until " + l.Until)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Do, l.Step, l.To, l.Company, l.Channel, l.Due.Format("2006-01-02 15:04"), why)
	}
	return w.Flush()
}

func (a *app) dryLine(v reminders.Verdict) dryLine {
	c := v.Claim
	l := dryLine{Do: v.Do, Step: c.Step, Channel: c.Channel, Due: c.DueAt.In(a.config.Location), Reason: v.Reason, Text: v.Out.Text}
	switch {
	case c.Person != nil:
		l.To = c.Person.Name
	case c.User != nil:
		l.To = c.User.Name
	}
	if c.Company != nil {
		l.Company = c.Company.Name
	}
	if !v.Until.IsZero() {
		l.Until = v.Until.In(a.config.Location).Format("2006-01-02 15:04")
	}
	return l
}

// dryDesk composes every text and hands none to a channel.
type dryDesk struct{ reminders.Desk }

func (dryDesk) Send(context.Context, reminders.Outgoing) reminders.Result {
	return reminders.Result{Outcome: reminders.OutcomeAccepted, ProviderID: "dry-run"}
}

func (dryDesk) Find(context.Context, reminders.Outgoing, time.Time, func(string) bool) (reminders.Result, bool, error) {
	return reminders.Result{}, false, nil
}

func (dryDesk) Forget(context.Context, reminders.Erasure) error { return nil }

func (dryDesk) Every(string) time.Duration { return 0 }

func (dryDesk) Sweeps(string) (time.Duration, bool) { return 0, false }
