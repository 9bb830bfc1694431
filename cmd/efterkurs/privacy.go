package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
	"github.com/spf13/cobra"

	"efterkurs/reminders"
)

func (p *program) export() *cobra.Command {
	return &cobra.Command{Use: "export PERSON", Short: "Print everything kept about a person, as JSON",
		Args: oneArgument("export takes one person: a phone number, an e-mail address, a name or an id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withPerson(cmd, args[0], func(a *app, person reminders.Person) error {
				export, err := a.store.Export(cmd.Context(), person.ID)
				if err != nil {
					return err
				}
				for i := range export.Replies {
					if r := &export.Replies[i]; !r.WithdrawnAt.IsZero() {
						r.Text = a.texts.Page("da", "withdrawn")
					}
				}
				enc := json.NewEncoder(p.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(export)
			})
		}}
}

func (p *program) erase() *cobra.Command {
	return &cobra.Command{Use: "erase PERSON", Short: "Erase a person: name, addresses, every text to and from them",
		Args: oneArgument("erase takes one person: a phone number, an e-mail address, a name or an id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withPerson(cmd, args[0], func(a *app, person reminders.Person) error {
				if err := a.store.Erase(cmd.Context(), a.now(), person.ID); err != nil {
					return err
				}
				_, err := fmt.Fprintf(p.stdout, "person %d is erased; copies at the providers are deleted by the next ticks\n", person.ID)
				return err
			})
		}}
}

// withPerson finds the one person that is meant. Two of a name are told apart, never guessed at.
func (p *program) withPerson(cmd *cobra.Command, query string, do func(*app, reminders.Person) error) error {
	a, err := p.open(cmd.Context(), time.Now, 10*time.Second)
	if err != nil {
		return err
	}
	defer a.close()
	if number, err := phonenumbers.Parse(query, "DK"); err == nil && phonenumbers.IsPossibleNumber(number) && strings.ContainsAny(query, "0123456789") && len(query) >= 8 {
		query = phonenumbers.Format(number, phonenumbers.E164)
	}
	people, err := a.store.FindPersons(cmd.Context(), query)
	if err != nil {
		return err
	}
	switch len(people) {
	case 0:
		return reminders.Errorf(reminders.ENOTFOUND, "nobody is known as %q: give a phone number, an e-mail address, a full name or an id", query)
	case 1:
		return do(a, people[0])
	}
	ids := make([]string, len(people))
	for i, person := range people {
		ids[i] = fmt.Sprint(person.ID)
	}
	return reminders.Errorf(reminders.ECONFLICT, "%d people are known as %q: say which by id (%s)", len(people), query, strings.Join(ids, ", "))
}
