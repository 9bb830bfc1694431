package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"efterkurs/bot/diary"
	"efterkurs/bot/web"
	"efterkurs/reminders"
)

func (p *program) user() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "The school's own people: who may sign in", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return invalid("user needs one of: add, list, diary, disable, calendar, replace")
		}}
	cmd.AddCommand(p.userAdd(), p.userList(), p.userDiary(), p.userDisable(), p.userCalendar(), p.userReplace())
	return cmd
}

func (p *program) userAdd() *cobra.Command {
	var u reminders.User
	var fromStdin bool
	cmd := &cobra.Command{Use: "add EMAIL", Short: "Add somebody, or change name, role and password of who is there",
		Args: oneArgument("user add takes one e-mail address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := mail.ParseAddress(args[0])
			if err != nil {
				return invalid("%q is not an e-mail address", args[0])
			}
			u.Email = strings.ToLower(address.Address)
			if strings.TrimSpace(u.Name) == "" {
				return invalid("--name is missing: people see it in texts about visits")
			}
			if u.Role != reminders.Admin && u.Role != reminders.Consultant && u.Role != reminders.Teacher {
				return invalid("--role %q is not one of admin, consultant, teacher", u.Role)
			}
			if u.Language != "da" && u.Language != "en" {
				return invalid("--lang %q is not one of da, en", u.Language)
			}
			password, err := p.password(fromStdin)
			if err != nil {
				return err
			}
			if password != "" {
				if u.PasswordHash, err = web.HashPassword(password); err != nil {
					return err
				}
			}
			a, err := p.open(cmd.Context(), time.Now, 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			saved, err := a.store.SaveUser(cmd.Context(), a.now(), u)
			if err != nil {
				return err
			}
			can := ""
			if saved.PasswordHash == "" {
				can = " (without a password: cannot sign in yet; give one with --password-stdin)"
			}
			_, err = fmt.Fprintf(p.stdout, "%s is a %s%s\n", saved.Email, saved.Role, can)
			return err
		}}
	cmd.Flags().StringVar(&u.Name, "name", "", "the name people know them by")
	cmd.Flags().StringVar(&u.Role, "role", "", "admin, consultant or teacher")
	cmd.Flags().StringVar(&u.Language, "lang", "da", "language of their pages and mails")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

// password reads one line from standard input, or asks on a terminal; "" = none given.
func (p *program) password(fromStdin bool) (string, error) {
	if fromStdin {
		line, err := bufio.NewReader(io.LimitReader(p.stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", invalid("--password-stdin was given, but standard input holds no password")
		}
		return line, nil
	}
	f, ok := p.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", nil
	}
	fmt.Fprint(p.stderr, "Password (empty: none yet): ")
	raw, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(p.stderr)
	return string(raw), err
}

// userLine is one user in `user list --json`; its names are part of the public contract.
type userLine struct {
	Email     string `json:"email"`
	Name      string `json:"name"`
	Role      string `json:"role"`
	Calendar  string `json:"calendar"`
	Disabled  bool   `json:"disabled"`
	Hours     string `json:"hours"`
	Postcode  string `json:"postcode"`
	Busy      string `json:"busy"`       // the calendar that says when they are taken; "" = none
	BusyError string `json:"busy_error"` // what was wrong with it when it was last tried; "" = nothing
}

func (p *program) userList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "Who may sign in, and each one's calendar address", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := p.open(cmd.Context(), time.Now, 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			users, err := a.store.Users(cmd.Context())
			if err != nil {
				return err
			}
			lines := make([]userLine, 0, len(users))
			for _, u := range users {
				lines = append(lines, userLine{u.Email, u.Name, u.Role, a.config.calendarAddress(u), !u.DisabledAt.IsZero(), u.Hours.String(), u.Postcode,
					u.BusyURL, u.BusyFault})
			}
			if asJSON {
				return json.NewEncoder(p.stdout).Encode(lines)
			}
			w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "EMAIL\tNAME\tROLE\tCALENDAR")
			for _, l := range lines {
				if l.Disabled {
					l.Role += " (disabled)"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Email, l.Name, l.Role, l.Calendar)
			}
			if err := w.Flush(); err != nil {
				return err
			}
			for _, l := range lines {
				if l.BusyError != "" {
					fmt.Fprintf(p.stdout, "%s: the calendar of when they are taken cannot be read: %s\n", l.Email, l.BusyError)
				}
			}
			return nil
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) userDiary() *cobra.Command {
	var hours, postcode, busy string
	cmd := &cobra.Command{Use: "diary EMAIL", Short: "When somebody can visit companies, and where they set out from",
		Args: oneArgument("user diary takes one e-mail address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var newHours *reminders.Hours
			var newPostcode *string
			if cmd.Flags().Changed("hours") {
				parsed, err := reminders.ParseHours(hours)
				if err != nil {
					return err
				}
				newHours = &parsed
			}
			if cmd.Flags().Changed("postcode") {
				parsed, err := reminders.ParsePostcode(postcode)
				if err != nil {
					return err
				}
				newPostcode = &parsed
			}
			var newBusy *string
			if cmd.Flags().Changed("busy") {
				parsed, err := diary.Address(busy)
				if err != nil {
					return err
				}
				newBusy = &parsed
			}
			a, err := p.open(cmd.Context(), time.Now, 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			u, err := a.store.SetDiary(cmd.Context(), a.now(), args[0], newHours, newPostcode, newBusy)
			if err != nil {
				return err
			}
			from := u.Postcode
			if from == "" {
				from = "(no postcode)"
			}
			taken := ""
			if u.BusyURL != "" {
				taken = "; a calendar says when they are taken"
			}
			_, err = fmt.Fprintf(p.stdout, "%s works %s and sets out from %s%s\n", u.Email, u.Hours, from, taken)
			return err
		}}
	cmd.Flags().StringVar(&hours, "hours", "", `working hours such as "man-tor 8-15:30, fre 8-13", which is what "" means`)
	cmd.Flags().StringVar(&postcode, "postcode", "", `postcode they set out from; "" = not known`)
	cmd.Flags().StringVar(&busy, "busy", "", `address of a calendar (ICS) that says when they are taken; "" or "none" = none`)
	return cmd
}

func (p *program) userDisable() *cobra.Command {
	return &cobra.Command{Use: "disable EMAIL", Short: "Let somebody in no longer", Args: oneArgument("user disable takes one e-mail address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := p.open(cmd.Context(), time.Now, 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			if err := a.store.DisableUser(cmd.Context(), a.now(), strings.ToLower(args[0])); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "%s can no longer sign in\n", strings.ToLower(args[0]))
			return err
		}}
}
