package reminders

import (
	"slices"
	"strings"
)

// A buddy group whose members are all in one Slack workspace gets a conversation of its own: one text to all of them,
// besides the introduction that each gets alone. There they can go on by themselves; what they write there is theirs, and is not
// read.

// members are all of the buddy group of c.
func (c *Claim) members() []Person { return append([]Person{*c.Person}, c.Buddies...) }

// together is where all of a buddy group are written to at once, or why they are not. Who has said STOP, pauses or has
// left is not drawn into a conversation, and the others are not without them.
func (e *Engine) together(c *Claim) (recipients []Recipient, workspace string, why string) {
	if BuddyGroupSubject(c.Group) != c.Subject || len(c.Buddies) == 0 {
		return nil, "", ReasonSuperseded // the groups were made anew
	}
	now := e.Now()
	for i, p := range c.members() {
		own := Claim{Person: &p, Company: c.Company}
		channel, address, team := own.way()
		switch {
		case !p.OptedOutAt.IsZero():
			return nil, "", ReasonOptedOut
		case now.Before(p.PausedUntil):
			return nil, "", ReasonPaused
		case channel != Slack || p.Faulty(Slack) || i > 0 && team != workspace:
			return nil, "", ReasonNotTogether
		}
		workspace = team
		recipients = append(recipients, Recipient{p.ID, address})
	}
	if c.common().IsZero() {
		return nil, "", ReasonNotTogether
	}
	slices.SortFunc(recipients, func(a, b Recipient) int { return strings.Compare(a.Address, b.Address) })
	return recipients, workspace, ""
}

// common is the part of the day in which all of a buddy group may be written to; zero = there is none.
func (c *Claim) common() Window {
	var company Company
	if c.Company != nil {
		company = *c.Company
	}
	w := WindowOf(*c.Person, company)
	for _, p := range c.Buddies {
		o := WindowOf(p, company)
		w = Window{max(w.From, o.From), min(w.To, o.To)}
	}
	if w.From >= w.To {
		return Window{}
	}
	return w
}

// addresses are those of recipients, as one.
func addresses(recipients []Recipient) string {
	all := make([]string, len(recipients))
	for i, r := range recipients {
		all[i] = r.Address
	}
	return strings.Join(all, ",")
}
