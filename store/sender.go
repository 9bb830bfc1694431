package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"efterkurs/reminders"
)

// sender is where a reply came from.
type sender struct {
	Channel    string `db:"channel"`
	Address    string `db:"from_address"`
	Attributes string `db:"attributes"`
	At         millis `db:"at"`
}

// addresses are all addresses that a reply came from: a Slack user's e-mail is looked up beside the id.
func (f sender) addresses() reminders.Person {
	var p reminders.Person
	switch f.Channel {
	case reminders.SMS:
		p.Phone = f.Address
	case reminders.Slack:
		p.SlackID, p.Email = f.Address, strings.ToLower(fromJSON[map[string]string](f.Attributes)["email"])
		if strings.Contains(f.Address, "@") {
			p.SlackID, p.Email = "", strings.ToLower(f.Address)
		}
	case reminders.Email:
		p.Email = strings.ToLower(f.Address)
	}
	return p
}

// addressValues are the addresses that p has.
func addressValues(p reminders.Person) []string {
	return slices.DeleteFunc([]string{p.Phone, p.Email, p.SlackID}, func(address string) bool { return address == "" })
}

// optOutAddress honours a STOP of somebody nobody could tell: an address that several people share, or one that
// nobody has. Everybody who has it is left alone, and so is whoever the roster gives it to later.
func optOutAddress(ctx context.Context, t *tx, now time.Time, from sender) error {
	p := from.addresses()
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT p.id FROM persons AS p WHERE p.erased_at = 0 AND
		(p.phone <> '' AND p.phone = $1 OR p.email <> '' AND p.email = $2 OR p.slack_id <> '' AND p.slack_id = $3) ORDER BY p.id`,
		p.Phone, p.Email, p.SlackID); err != nil {
		return fmt.Errorf("looking for everybody with an address: %w", err)
	}
	if err := t.lock(ctx, "persons", ids); err != nil {
		return err
	}
	var hashes values
	for _, hash := range t.s.hashes(p) {
		hashes.add(hash, ms(now))
	}
	if _, err := t.insert(ctx, "suppressions", `hash, at`, &hashes, `ON CONFLICT (hash) DO NOTHING`); err != nil {
		return fmt.Errorf("suppressing an address: %w", err)
	}
	if err := markOptedOut(ctx, t, now, ids); err != nil {
		return err
	}
	for _, id := range ids {
		if err := skipPlanned(ctx, t, now, id, reminders.ReasonOptedOut); err != nil {
			return err
		}
	}
	return nil
}

// ofPerson are the enrolments whose plans depend on a person: their own, and those of a company whose contact they are.
const ofPerson = `(e.person_id = $1 OR e.company_id IN (SELECT co.id FROM companies AS co WHERE co.contact_id = $1))`

// reached takes a fault off the address that somebody has just written from: it is a good one after all.
func reached(ctx context.Context, t *tx, now time.Time, id int64, from sender) error {
	persons, err := findPersons(ctx, t, []int64{id})
	if err != nil {
		return err
	}
	p := persons[id]
	if p.AddressFault == "" {
		return nil
	}
	if channel, address := p.Address(); channel != from.Channel || !slices.Contains(addressValues(from.addresses()), address) {
		return nil
	}
	if _, err := t.exec(ctx, `UPDATE persons SET address_fault = '', updated_at = $1 WHERE id = $2`, ms(now), id); err != nil {
		return fmt.Errorf("clearing the address of person %d: %w", id, err)
	}
	return dirty(ctx, t, ofPerson, id)
}
