package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"efterkurs/reminders"
	"efterkurs/reminders/roster"
)

func (p *program) importRoster() *cobra.Command {
	var dry, asJSON bool
	cmd := &cobra.Command{Use: "import FILE", Short: "Take in a roster (.csv or .xlsx)",
		Long: "Take in a roster. Exit code 0: every row is in. 2: some rows were refused, and none was written. 1: anything else.",
		Args: oneArgument("import takes one file: efterkurs import roster.csv"),
		RunE: func(cmd *cobra.Command, args []string) error {
			result, err := p.readRoster(args[0])
			if err != nil {
				return err
			}
			if len(result.Faults) > 0 {
				return p.printFaults(result, asJSON)
			}
			rows := make([]reminders.RosterRow, len(result.Rows))
			for i, r := range result.Rows {
				if rows[i], err = rosterRow(r); err != nil {
					return err
				}
			}
			a, err := p.open(cmd.Context(), time.Now, 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			target := a.store
			if dry {
				trial, rollback, err := a.store.Trial(cmd.Context())
				if err != nil {
					return err
				}
				defer rollback()
				target = trial
			}
			done, err := target.Import(cmd.Context(), a.now(), rows)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(p.stdout).Encode(struct {
					reminders.ImportResult
					DryRun  bool           `json:"dry_run"`
					Ignored []string       `json:"ignored_columns"`
					Faults  []roster.Fault `json:"faults"`
				}{done, dry, append([]string{}, result.Ignored...), []roster.Fault{}})
			}
			verb := "in"
			if dry {
				verb = "good (dry run: nothing was written)"
			}
			for _, column := range result.Ignored {
				fmt.Fprintf(p.stderr, "the column %q is not one of ours and was ignored\n", column)
			}
			_, err = fmt.Fprintf(p.stdout, "%d rows %s: %d new, %d changed, %d as they were; %d new companies, %d new classes, %d new people\n",
				done.Rows, verb, done.Created, done.Updated, done.Unchanged, done.Companies, done.Classes, done.People)
			return err
		}}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check everything, write nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) readRoster(name string) (roster.Result, error) {
	f, err := os.Open(name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return roster.Result{}, invalid("cannot read %s: %w", name, err)
	}
	defer f.Close() // read only: nothing can be lost
	result, err := roster.Read(f, filepath.Base(name), roster.Options{DefaultRegion: "DK"})
	if err != nil {
		return result, invalid("%s: %w", filepath.Base(name), err)
	}
	return result, nil
}

// faultsShown keeps a terminal readable where a whole column is wrong; --json has them all.
const faultsShown = 100

func (p *program) printFaults(result roster.Result, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(p.stdout).Encode(map[string]any{"rows": len(result.Rows), "created": 0, "updated": 0, "unchanged": 0, "faults": result.Faults}); err != nil {
			return err
		}
		return exit(exitFaults)
	}
	for i, f := range result.Faults {
		if i == faultsShown {
			fmt.Fprintf(p.stderr, "… and %d more (--json lists all)\n", len(result.Faults)-faultsShown)
			break
		}
		fmt.Fprintln(p.stderr, f)
	}
	fmt.Fprintf(p.stderr, "%d faults: nothing was written. Mend them in the file and import it again.\n", len(result.Faults))
	return exit(exitFaults)
}

// rosterRow turns a validated line into the domain's types.
func rosterRow(r roster.Row) (reminders.RosterRow, error) {
	start, errStart := reminders.ParseDate(r.Start)
	end, errEnd := reminders.ParseDate(r.End)
	if err := errors.Join(errStart, errEnd); err != nil {
		return reminders.RosterRow{}, fmt.Errorf("line %d: %w", r.Line, err)
	}
	row := reminders.RosterRow{
		Line: r.Line,
		Person: reminders.Person{Name: r.Name, Phone: r.Phone, Email: r.Email, SlackID: r.Slack, Channel: r.Channel, Language: r.Language,
			Easy: r.Easy, Shift: reminders.Shift(r.Shift), Window: reminders.Window{From: reminders.Minute(r.WindowFrom), To: reminders.Minute(r.WindowTo)}},
		Shared:  r.SharedPhone,
		Company: r.Company,
		Class:   reminders.Class{Course: r.Course, Name: r.Class, Start: start, End: end, Weekday: time.Weekday(r.Weekday)},
		Team:    r.Team, Goal: r.Goal, Basis: r.Basis,
		Contact:         reminders.Person{Name: r.Contact, Phone: r.ContactPhone, Email: r.ContactEmail},
		ConsultantEmail: r.Consultant, TeacherEmail: r.Teacher,
	}
	row.Postcode = r.Postcode
	if r.ClosedWeeks != "" {
		weeks, err := reminders.ParseClosedWeeks(r.ClosedWeeks)
		if err != nil {
			return row, fmt.Errorf("line %d: %w", r.Line, err)
		}
		row.ClosedWeeks = &weeks
	}
	return row, nil
}

func oneArgument(sentence string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return invalid("%s", sentence)
		}
		return nil
	}
}
