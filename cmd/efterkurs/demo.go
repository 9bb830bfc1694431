package main

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"efterkurs/bot/handset"
	"efterkurs/bot/web"
	"efterkurs/reminders"
	"efterkurs/reminders/roster"
)

func (p *program) demo() *cobra.Command {
	var data string
	cmd := &cobra.Command{Use: "demo", Short: "Everything in one process: sample companies, simulated phones, a clock you can wind", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir := data
			if dir == "" {
				temporary, err := os.MkdirTemp("", "efterkurs-demo-")
				if err != nil {
					return fmt.Errorf("making a folder for the demo: %w", err)
				}
				defer os.RemoveAll(temporary)
				dir = temporary
			} else if err := os.MkdirAll(dir, 0o700); err != nil {
				return fmt.Errorf("making the folder %s: %w", dir, err)
			}
			return p.runDemo(cmd.Context(), dir)
		}}
	cmd.Flags().StringVar(&data, "data", "", "keep the database in this folder (default: a temporary one)")
	return cmd
}

func (p *program) runDemo(ctx context.Context, dir string) error {
	// Nothing of the environment's accounts: the demo reaches nobody.
	env := func(name string) string {
		switch name {
		case "LISTEN_ADDR", "EFTERKURS_TEMPLATES":
			return p.env(name)
		case "DATABASE_URL":
			return "sqlite:" + filepath.Join(dir, "efterkurs.db")
		case "EFTERKURS_SCHOOL":
			return "Fjordens Erhvervsskole"
		case "EFTERKURS_LOG":
			return cmp.Or(p.env(name), "warn")
		}
		return ""
	}
	inner := &program{env: env, stdin: p.stdin, stdout: p.stdout, stderr: p.stderr}
	clock := &demoClock{}
	a, err := inner.open(ctx, clock.Now, 0)
	if err != nil {
		return err
	}
	defer a.close()
	for _, channel := range []string{reminders.SMS, reminders.Slack, reminders.Email} {
		a.bot.Channels[channel] = handset.New(channel)
	}
	if err := clock.start(ctx, a); err != nil {
		return err
	}
	listener, err := a.listen(ctx)
	if err != nil {
		return err
	}
	address := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "efterkurs demo: open %s (Ctrl-C ends it)\n", address)
	a.config.ListenAddr = strings.TrimPrefix(address, "http://")
	return a.serve(ctx, true, true, &web.Demo{Clock: clock, Consultant: demoConsultant})
}

//go:embed demo/roster.csv
var demoRoster string

// demoClock is the demo's time and its people. The clock runs like any other, and can be wound forward.
type demoClock struct {
	app    *app
	habits map[string]demoHabits

	mu        sync.Mutex
	offset    time.Duration
	autopilot bool
	winding   sync.Mutex     // one at a time
	heard     map[int64]bool // messages looked at for answers
	due       []demoAnswer   // who will answer when, soonest first
}

const (
	demoConsultant = "mette.krogh@skolen.example"
	demoOffset     = "demo-offset"
	demoOffice     = 9 * 60        // the demo begins at nine in the morning
	demoStep       = 6 * time.Hour // the clock is never wound further than this between two ticks
)

// start sets the clock to the first Tuesday of September, when the classes end, and imports the sample roster.
// The weeks after it hold neither holidays nor the summer shutdown.
func (d *demoClock) start(ctx context.Context, a *app) error {
	d.app, d.autopilot, d.heard = a, true, map[int64]bool{}
	if err := toml.Unmarshal([]byte(demoPeople), &d.habits); err != nil {
		return fmt.Errorf("reading the demo's people: %w", err)
	}
	if kept, err := a.store.Setting(ctx, demoOffset); err != nil {
		return err
	} else if kept != "" {
		d.offset, err = time.ParseDuration(kept)
		return err
	}
	end := reminders.Date{Year: time.Now().Year(), Month: time.September, Day: 1}
	for end.Weekday() != time.Tuesday {
		end = end.AddDays(1)
	}
	d.offset = time.Until(end.At(demoOffice, a.config.Location)).Round(time.Second)
	text := strings.NewReplacer("{start}", end.AddDays(-1).String(), "{slut}", end.String()).Replace(demoRoster)
	read, err := roster.Read(strings.NewReader(text), "demo.csv", roster.Options{DefaultRegion: "DK"})
	if err != nil {
		return fmt.Errorf("reading the demo's roster: %w", err)
	}
	if len(read.Faults) > 0 {
		return fmt.Errorf("the demo's roster: %s", read.Faults[0])
	}
	rows := make([]reminders.RosterRow, len(read.Rows))
	for i, r := range read.Rows {
		if rows[i], err = rosterRow(r); err != nil {
			return err
		}
	}
	for _, u := range []reminders.User{
		{Email: demoConsultant, Name: "Mette Krogh", Role: reminders.Consultant, Language: "da"},
		{Email: "jens.friis@skolen.example", Name: "Jens Friis", Role: reminders.Teacher, Language: "da"},
		{Email: "lone.dam@skolen.example", Name: "Lone Dam", Role: reminders.Teacher, Language: "da"},
	} {
		if _, err := a.store.SaveUser(ctx, d.Now(), u); err != nil {
			return err
		}
	}
	if _, err := a.store.Import(ctx, d.Now(), rows); err != nil {
		return err
	}
	return d.keepOffset(ctx)
}

func (d *demoClock) keepOffset(ctx context.Context) error {
	d.mu.Lock()
	offset := d.offset
	d.mu.Unlock()
	return d.app.store.SetSetting(ctx, demoOffset, offset.String())
}

// Now is the demo's time.
func (d *demoClock) Now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.offset).UTC()
}

func (d *demoClock) Autopilot() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.autopilot
}

func (d *demoClock) SetAutopilot(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.autopilot = on
}

// Wind moves the clock on to to, stopping wherever something is due or somebody answers, with a tick at each stop.
func (d *demoClock) Wind(ctx context.Context, to time.Time) error {
	d.winding.Lock()
	defer d.winding.Unlock()
	for {
		if err := d.round(ctx); err != nil {
			return err
		}
		now := d.Now()
		if !now.Before(to) {
			return d.keepOffset(ctx)
		}
		next := to
		if limit := now.Add(demoStep); limit.Before(next) {
			next = limit
		}
		due, ok, err := d.app.store.NextDue(ctx)
		if err != nil {
			return err
		}
		if ok && due.After(now) && due.Before(next) {
			next = due
		}
		if len(d.due) > 0 && d.due[0].at.After(now) && d.due[0].at.Before(next) {
			next = d.due[0].at
		}
		d.mu.Lock()
		d.offset += next.Sub(now)
		d.mu.Unlock()
	}
}

// round ticks, lets people answer whose time has come, and ticks again for what is said back.
func (d *demoClock) round(ctx context.Context) error {
	if _, err := d.app.engine.Tick(ctx); err != nil {
		return err
	}
	if err := d.listen(ctx); err != nil {
		return err
	}
	now := d.Now()
	answered := false
	for len(d.due) > 0 && !d.due[0].at.After(now) {
		a := d.due[0]
		d.due = d.due[1:]
		if !d.Autopilot() {
			continue
		}
		if err := d.Write(ctx, a.personID, a.question.Channel, a.text, 0); err != nil {
			return err
		}
		answered = true
	}
	if !answered {
		return nil
	}
	_, err := d.app.engine.Tick(ctx)
	return err
}

// ToVisit is when the next visit that is booked ends, else when the next one could be.
func (d *demoClock) ToVisit(ctx context.Context) (time.Time, bool) {
	now := d.Now()
	visits, err := d.app.store.Visits(ctx, reminders.VisitFilter{})
	if err != nil {
		slog.Error("looking for the next visit", "error", err)
		return time.Time{}, false
	}
	var next time.Time
	for _, v := range visits {
		at := v.End
		if v.State == reminders.VisitPlanned || v.State == reminders.VisitProposed {
			at = v.Earliest.At(demoOffice, d.app.config.Location)
		}
		if at = at.Add(time.Minute); at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, !next.IsZero()
}
