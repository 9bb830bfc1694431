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
	Team       string // Slack: the workspace, "" = the single one; see senderTeam
}

// addresses are all addresses that a reply came from: a Slack user's e-mail is looked up beside the id.
func (f sender) addresses() reminders.Person {
	var p reminders.Person
	switch f.Channel {
	case reminders.SMS:
		p.Phone = f.Address
	case reminders.Slack:
		p.SlackTeam = f.Team
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
		(p.phone <> '' AND p.phone = $1 OR p.email <> '' AND p.email = $2 OR p.slack_id <> '' AND p.slack_id = $3 AND `+inWorkspace(4)+`) ORDER BY p.id`,
		p.Phone, p.Email, p.SlackID, p.SlackTeam); err != nil {
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

// knownTeam says whether a Slack team is a workspace that the app was installed into by us.
func knownTeam(ctx context.Context, t *tx, team string) (bool, error) {
	if team == "" {
		return false, nil
	}
	var n int
	if err := t.get(ctx, &n, `SELECT COUNT(*) FROM workspaces WHERE team_id = $1`, clean(team)); err != nil {
		return false, fmt.Errorf("looking for a workspace: %w", err)
	}
	return n > 0, nil
}

// senderTeam is the workspace that a reply came from as persons and messages know it: a team that is none of those
// installed into is the single one's, "".
func senderTeam(ctx context.Context, t *tx, channel, attributes string) (string, error) {
	if channel != reminders.Slack {
		return "", nil
	}
	team := fromJSON[map[string]string](attributes)["team_id"]
	known, err := knownTeam(ctx, t, team)
	if !known {
		team = ""
	}
	return team, err
}

// inWorkspace is the condition that person p's Slack address is one in the workspace given as argument n, "" = the
// single one: the same user id in two workspaces is two people. It is theirs where it was learnt to be, where it was not
// learnt and a company of theirs uses that workspace, and where they were written to there before (index messages_person).
func inWorkspace(n int) string {
	return strings.ReplaceAll(`(p.slack_team = CAST($n AS TEXT) AND p.slack_team <> '' OR p.slack_team = '' AND
		(EXISTS (SELECT 1 FROM companies AS co JOIN workspaces AS w ON w.id = co.workspace_id WHERE w.team_id = CAST($n AS TEXT) AND `+companyOf+`)
		OR CAST($n AS TEXT) = '' AND NOT EXISTS (SELECT 1 FROM companies AS co WHERE co.workspace_id IS NOT NULL AND `+companyOf+`))
		OR EXISTS (SELECT 1 FROM messages AS m WHERE m.person_id = p.id AND m.channel = 'slack' AND m.workspace = CAST($n AS TEXT) AND m.sent_at > 0
			AND m.address IN (p.slack_id, p.email)))`, "$n", fmt.Sprintf("$%d", n))
}

// companyOf is the condition that co is a company of person p: as a participant's, or as its contact.
const companyOf = `(co.contact_id = p.id OR co.id IN (SELECT e.company_id FROM enrolments AS e WHERE e.person_id = p.id))`

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
	channel, address := p.Address()
	if from.Channel == reminders.Slack && p.Faulty(reminders.Slack) && !p.Faulty(reminders.SMS) { // they are back
		channel, address = reminders.Slack, p.SlackID
		if address == "" {
			address = p.Email
		}
	}
	if channel != from.Channel || !slices.Contains(addressValues(from.addresses()), address) {
		return nil
	}
	if _, err := t.exec(ctx, `UPDATE persons SET address_fault = '', updated_at = $1 WHERE id = $2`, ms(now), id); err != nil {
		return fmt.Errorf("clearing the address of person %d: %w", id, err)
	}
	return dirty(ctx, t, ofPerson, id)
}
