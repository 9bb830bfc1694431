package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"efterkurs/templates"
)

func (p *program) preview() *cobra.Command {
	var lang string
	var asJSON bool
	cmd := &cobra.Command{Use: "preview COURSE", Short: "Every text of a course as each channel shows it",
		Args: oneArgument("preview takes one course: efterkurs preview " + strings.Join(templates.CourseSlugs, "|")),
		RunE: func(_ *cobra.Command, args []string) error {
			texts, err := templates.Load(p.env("EFTERKURS_TEMPLATES"))
			if err != nil {
				return err
			}
			previews, err := texts.Preview(args[0], lang)
			if errors.Is(err, templates.ErrUnknownCourse) {
				return invalid("there is no course %q: it is one of %s", args[0], strings.Join(templates.CourseSlugs, ", "))
			}
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(p.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(previews)
			}
			for _, t := range previews {
				measure := fmt.Sprintf("LIX %.0f", t.Readability.LIX)
				if t.Channel == "sms" {
					measure = fmt.Sprintf("%d units, %d segments, %s", t.Segments.Units, t.Segments.Segments, t.Segments.Encoding)
				}
				fmt.Fprintf(p.stdout, "== %s on %s (%s; longest sentence %d words)\n", t.Step, t.Channel, measure, t.Readability.LongestSentence)
				if t.Subject != "" && t.Channel == "email" {
					fmt.Fprintf(p.stdout, "Subject: %s\n", t.Subject)
				}
				fmt.Fprintln(p.stdout, t.Text)
				if t.Channel != "sms" {
					for _, c := range t.Choices {
						fmt.Fprintf(p.stdout, "  [%s %s]\n", c.Digit, c.Label)
					}
				}
				fmt.Fprintln(p.stdout)
			}
			return nil
		}}
	cmd.Flags().StringVar(&lang, "lang", "da", "language of the texts")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) lint() *cobra.Command {
	return &cobra.Command{Use: "lint [DIR]", Short: "Check the texts, those in DIR over the built-in ones",
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := p.env("EFTERKURS_TEMPLATES")
			if len(args) == 1 {
				dir = args[0]
			}
			if dir != "" {
				if info, err := os.Stat(dir); err != nil || !info.IsDir() {
					return invalid("there is no folder %s", dir)
				}
			}
			faults, err := templates.Lint(dir)
			if err != nil {
				return err
			}
			bad := 0
			for _, f := range faults {
				if f.Severity == "error" {
					bad++
				}
				fmt.Fprintf(p.stdout, "%s:%d: %s: %s: %s\n", f.File, f.Line, f.Severity, f.Key, f.Problem)
			}
			fmt.Fprintf(p.stdout, "%d errors, %d warnings\n", bad, len(faults)-bad)
			if bad > 0 {
				return exit(exitFailed)
			}
			return nil
		}}
}
