package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"efterkurs/reminders"
)

// statusLine is one enrolment in `status --format json`; its names are part of the public contract.
type statusLine struct {
	Name     string          `json:"name"`
	Company  string          `json:"company"`
	Course   string          `json:"course"`
	Class    string          `json:"class"`
	End      string          `json:"end"`
	Channel  string          `json:"channel"`
	State    string          `json:"state"`
	Steps    []statusStep    `json:"steps"`
	Buddies  []string        `json:"buddies"`
	Checkins []statusCheckin `json:"checkins"`
	Visit    *statusVisit    `json:"visit"`
	Quiet    bool            `json:"quiet"`
}

type statusStep struct {
	Step   string  `json:"step"`
	Due    string  `json:"due"`
	State  string  `json:"state"`
	Reason string  `json:"reason"`
	SentAt *string `json:"sent_at"`
	Answer *string `json:"answer"`
}

type statusCheckin struct {
	Step  string `json:"step"`
	State string `json:"state"` // planned, open, half, confirmed, not_yet, skipped
}

type statusVisit struct {
	At    *string `json:"at"`
	State string  `json:"state"`
}

func (p *program) status() *cobra.Command {
	var filter reminders.Filter
	var format string
	cmd := &cobra.Command{Use: "status", Short: "Who has come how far", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "table" && format != "csv" && format != "json" {
				return invalid("--format %q is not one of table, csv, json", format)
			}
			a, err := p.openTravelling(cmd.Context(), 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			all, err := a.store.Status(cmd.Context(), reminders.Filter{Company: filter.Company})
			if err != nil {
				return err
			}
			lines := make([]statusLine, 0, len(all))
			for _, v := range reminders.Views(all, a.now()) { // with the whole company: a buddy may be of another class
				if filter.Class == "" || strings.EqualFold(v.Class.Name, filter.Class) {
					lines = append(lines, a.statusLine(v))
				}
			}
			switch format {
			case "json":
				enc := json.NewEncoder(p.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(lines)
			case "csv":
				return p.statusCSV(lines)
			}
			return p.statusTable(lines)
		}}
	cmd.Flags().StringVar(&filter.Company, "company", "", "only this company")
	cmd.Flags().StringVar(&filter.Class, "class", "", "only this class")
	cmd.Flags().StringVar(&format, "format", "table", "table, csv or json")
	return cmd
}

func (a *app) statusLine(v reminders.EnrolmentView) statusLine {
	local := func(t time.Time) *string {
		if t.IsZero() {
			return nil
		}
		s := t.In(a.config.Location).Format(time.RFC3339)
		return &s
	}
	channel, _ := v.Person.Address()
	line := statusLine{Name: v.Person.Name, Company: v.Company.Name, Course: v.Class.Course, Class: v.Class.Name, End: v.Class.End.String(),
		Channel: channel, State: v.State, Buddies: append([]string{}, v.Buddies...), Checkins: []statusCheckin{}, Steps: []statusStep{}, Quiet: v.Quiet}
	for _, s := range v.Steps {
		step := statusStep{Step: s.Step, Due: s.Due.In(a.config.Location).Format(time.RFC3339), State: string(s.State), Reason: s.Reason, SentAt: local(s.SentAt)}
		if s.Answer != "" {
			step.Answer = &s.Answer
		}
		line.Steps = append(line.Steps, step)
	}
	for _, c := range v.Checkins {
		line.Checkins = append(line.Checkins, statusCheckin{Step: c.Step, State: c.State})
	}
	if v.Visit != nil {
		line.Visit = &statusVisit{At: local(v.Visit.Start), State: v.Visit.State}
	}
	return line
}

// row is the short form of the table and the CSV: how far, with a sign a week.
func (l statusLine) row() []string {
	weeks, next := "", ""
	for week := 1; week <= reminders.Exercises; week++ {
		weeks += l.week(week)
	}
	for _, s := range l.Steps {
		if s.State == string(reminders.Planned) && (next == "" || s.Due < next) {
			next = s.Due[:10]
		}
	}
	visit := ""
	if l.Visit != nil {
		visit = l.Visit.State
		if l.Visit.At != nil {
			visit += " " + (*l.Visit.At)[:10]
		}
	}
	quiet := ""
	if l.Quiet {
		quiet = "quiet"
	}
	return []string{l.Company, l.Course, l.End, l.Name, l.Channel, l.State, weeks, strings.Join(l.Buddies, " & "), visit, next, quiet}
}

var statusHeader = []string{"COMPANY", "COURSE", "END", "NAME", "CHANNEL", "STATE", "WEEKS", "BUDDY", "VISIT", "NEXT", ""}

// week is one sign: the digit answered, ? sent and unanswered, · to come, - skipped, ! went wrong.
func (l statusLine) week(week int) string {
	for _, s := range l.Steps {
		if s.Step != reminders.ExerciseStep(week) {
			continue
		}
		switch state := reminders.State(s.State); {
		case s.Answer != nil:
			return *s.Answer
		case state == reminders.Undelivered || state == reminders.Failed || state == reminders.Unknown:
			return "!"
		case state.HasLeft():
			return "?"
		case state == reminders.Skipped:
			return "-"
		}
	}
	return "·"
}

func (p *program) statusTable(lines []statusLine) error {
	if len(lines) == 0 {
		_, err := fmt.Fprintln(p.stdout, "nobody is enrolled: take in a roster with `efterkurs import FILE`")
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(statusHeader, "\t"))
	for _, l := range lines {
		fmt.Fprintln(w, strings.Join(l.row(), "\t"))
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "WEEKS: the digit answered, ? not answered, · to come, - skipped, ! went wrong")
	return w.Flush()
}

func (p *program) statusCSV(lines []statusLine) error {
	w := csv.NewWriter(p.stdout)
	header := []string{"company", "course", "end", "name", "channel", "state", "weeks", "buddies", "visit", "next", "quiet"}
	if err := w.Write(header); err != nil {
		return err
	}
	for _, l := range lines {
		if err := w.Write(l.row()); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
