package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"efterkurs/reminders"
)

// userCalendar says where somebody's feed is, and makes another address of it where the old one has come into other hands.
func (p *program) userCalendar() *cobra.Command {
	var renew bool
	cmd := &cobra.Command{Use: "calendar EMAIL", Short: "The address of somebody's calendar, or with --renew another one", Args: oneArgument("user calendar takes one e-mail address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := p.open(cmd.Context(), time.Now, 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			var user reminders.User
			if renew {
				user, err = a.store.RenewCalendar(cmd.Context(), a.now(), args[0])
			} else {
				user, err = a.store.UserByEmail(cmd.Context(), args[0])
			}
			if reminders.ErrorCode(err) == reminders.ENOTFOUND {
				return invalid("there is no user %s", args[0])
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.stdout, a.config.calendarAddress(user))
			return err
		}}
	cmd.Flags().BoolVar(&renew, "renew", false, "make another address; the old one works no more")
	return cmd
}

// calendarAddress is where the visits of a user can be subscribed to.
func (c config) calendarAddress(u reminders.User) string {
	base := c.PublicURL
	if base == "" {
		base = "http://" + c.ListenAddr
	}
	return base + "/calendar/" + u.CalendarToken + ".ics"
}

// userReplace hands companies, classes and coming visits of somebody who leaves to who comes after them.
func (p *program) userReplace() *cobra.Command {
	return &cobra.Command{Use: "replace OLD NEW", Short: "Hand somebody's companies and coming visits to another, and tell everybody whom it touches",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return invalid("user replace takes two e-mail addresses: of who leaves, and of who comes")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := p.open(cmd.Context(), time.Now, 10*time.Second)
			if err != nil {
				return err
			}
			defer a.close()
			var users [2]reminders.User
			for i, email := range args {
				if users[i], err = a.store.UserByEmail(cmd.Context(), email); reminders.ErrorCode(err) == reminders.ENOTFOUND {
					return invalid("there is no user %s", email)
				} else if err != nil {
					return err
				}
			}
			changes, err := a.replace(cmd, users[0], users[1])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "%s takes over from %s; coming visits: %d\n", users[1].Email, users[0].Email, changes)
			return err
		}}
}

func (a *app) replace(cmd *cobra.Command, old, next reminders.User) (int, error) {
	ctx, now := cmd.Context(), a.now()
	switch {
	case old.ID == next.ID:
		return 0, invalid("%s cannot take over from themselves", old.Email)
	case !next.DisabledAt.IsZero():
		return 0, invalid("%s can no longer sign in: nothing is handed to them", next.Email)
	case old.Role != next.Role && next.Role != reminders.Admin:
		return 0, invalid("%s is a %s and %s a %s: nothing is handed over", old.Email, old.Role, next.Email, next.Role)
	}
	visits, err := a.store.Visits(ctx, reminders.VisitFilter{UserID: old.ID, States: []string{reminders.VisitBooked}, From: now.Add(time.Millisecond)})
	if err != nil {
		return 0, err
	}
	changes := make([]reminders.VisitChange, len(visits))
	for i, v := range visits {
		if changes[i], err = reminders.HandOver(now, v, old.ID, next.ID); err != nil {
			return 0, err
		}
		company, err := a.store.Company(ctx, v.CompanyID)
		if err != nil {
			return 0, err
		}
		var contact *reminders.Person
		if company.ContactID != 0 {
			person, err := a.store.Person(ctx, company.ContactID)
			if err != nil {
				return 0, err
			}
			contact = &person
		}
		a.calendar.Tell(now, &changes[i], company, contact)
	}
	err = a.store.ReplaceUser(ctx, now, old.ID, next.ID, changes)
	if reminders.ErrorCode(err) == reminders.ECONFLICT {
		return 0, invalid("nothing is handed over: %s", strings.TrimSpace(err.Error()))
	}
	return len(changes), err
}
