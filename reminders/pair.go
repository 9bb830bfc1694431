package reminders

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"efterkurs/reminders/matching"
)

// reasons are what makes two people good buddies, and what each is worth. Same class comes before everything that follows
// it together, then that both can be written to (and so are off work) at the same time: that counts for more than the name of
// the shift, since people have windows of their own. What nobody knows is no reason.
//
// Before all of these come, in this order: that as many people as possible have a group, and that as few as possible are
// put together who were buddies before. See pairUp.
var reasons = []struct {
	worth int64
	why   string
	holds func(a, b *fitter) bool
}{
	{32, "same class", func(a, b *fitter) bool { return a.Enrolment.ClassID == b.Enrolment.ClassID }},
	{16, overlappingHours, func(a, b *fitter) bool { return a.window.From < b.window.To && b.window.From < a.window.To }},
	{4, sameShift, func(a, b *fitter) bool { return a.Person.Shift != "" && a.Person.Shift == b.Person.Shift }},
	{8, "same language", func(a, b *fitter) bool { return a.Person.Language == b.Person.Language }},
	{2, "different teams", func(a, b *fitter) bool {
		return a.Enrolment.Team != "" && b.Enrolment.Team != "" && a.Enrolment.Team != b.Enrolment.Team
	}},
}

const (
	mostWorth        = 32 + 16 + 4 + 8 + 2
	overlappingHours = "overlapping hours" // said where the shift does not say it
	sameShift        = "same shift"
	pairBefore       = "a pair before"
	noReason         = "same company"
	bestFound        = "best found" // not proved to be the best there is
)

// fitter is somebody with all that is compared.
type fitter struct {
	Candidate
	window  Window
	before  []int64 // persons who were a buddy
	blocked []int64 // persons who must not be one
	leader  bool    // of everybody in this company
}

// fitters knows who was paired before and who must not be paired in a company.
type fitters struct {
	company         Company
	before, blocked map[int64][]int64
}

func newFitters(s PairSubject) fitters {
	both := func(pairs [][2]int64) map[int64][]int64 {
		others := map[int64][]int64{}
		for _, p := range pairs {
			others[p[0]] = append(others[p[0]], p[1])
			others[p[1]] = append(others[p[1]], p[0])
		}
		return others
	}
	return fitters{s.Company, both(s.Past), both(s.Blocked)}
}

func (f fitters) of(c Candidate) *fitter {
	id := c.Person.ID
	return &fitter{c, WindowOf(c.Person, f.company), f.before[id], f.blocked[id], id != 0 && id == f.company.ContactID}
}

// may says whether two people may be in one group. The company's contact is the leader of all whom the company sends: one
// who takes part has no group with any of them, stays alone and is shown as that.
func (a *fitter) may(b *fitter) bool {
	return !a.leader && !b.leader && a.Person.ID != b.Person.ID && !slices.Contains(a.blocked, b.Person.ID)
}

func (a *fitter) wereAPair(b *fitter) bool { return slices.Contains(a.before, b.Person.ID) }

// fit is what two people are worth to each other; repeat is what having been a pair before takes away.
func (a *fitter) fit(b *fitter, repeat int64) (worth int64) {
	for i := range reasons {
		if reasons[i].holds(a, b) {
			worth += reasons[i].worth
		}
	}
	if a.wereAPair(b) {
		worth -= repeat
	}
	return worth
}

// why says in one line what speaks for a group: what holds for each two of it; and what speaks against it.
func why(group []*fitter) string {
	each := func(holds func(a, b *fitter) bool) bool {
		for i, a := range group {
			for _, b := range group[:i] {
				if !holds(b, a) {
					return false
				}
			}
		}
		return true
	}
	var parts []string
	for _, r := range reasons {
		if each(r.holds) {
			parts = append(parts, r.why)
		}
	}
	if slices.Contains(parts, sameShift) {
		parts = slices.DeleteFunc(parts, func(why string) bool { return why == overlappingHours })
	}
	if !each(func(a, b *fitter) bool { return !a.wereAPair(b) }) {
		parts = append(parts, pairBefore)
	}
	if len(parts) == 0 {
		return noReason
	}
	return strings.Join(parts, ", ")
}

// Pair gives everybody in s a buddy: two and two, and one group of three where somebody would be left. No other groups would be
// better by the order that stands with reasons; of more than one that are as good, the same subject gives the same, in whatever
// order it is told. Nobody who has a group is moved: who comes late and is left alone joins the group that fits best. Who cannot
// be written to is not paired, and who cannot be paired stays alone. Who enrolled first starts. joined are texts to groups that
// got a third.
func Pair(s PairSubject, now time.Time) (groups []BuddyGroup, joined []Message) {
	people := slices.Clone(s.Candidates)
	slices.SortFunc(people, func(a, b Candidate) int { return cmp.Compare(a.Enrolment.ID, b.Enrolment.ID) })
	people = slices.DeleteFunc(people, func(c Candidate) bool { return !pairable(c.Person, now) })
	people = onePerPerson(people, s.Members)
	known := newFitters(s)
	candidates := make([]*fitter, len(people))
	for i, c := range people {
		candidates[i] = known.of(c)
	}

	sets, proven := pairUp(candidates)
	alone := map[*fitter]bool{}
	for _, c := range candidates {
		alone[c] = true
	}
	for _, set := range sets {
		g := BuddyGroup{CompanyID: s.Company.ID, Why: why(set)}
		if len(set) == 3 && !proven {
			g.Why += ", " + bestFound
		}
		for i, c := range set {
			g.Members = append(g.Members, BuddyMember{EnrolmentID: c.Enrolment.ID, PersonID: c.Person.ID, Starter: i == 0})
			delete(alone, c)
		}
		groups = append(groups, g)
	}
	// The first of those left takes the group that fits best, then the next one of what remains: as a rule there is only one.
	running := slices.SortedFunc(slices.Values(s.Groups), func(a, b BuddyGroup) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range slices.SortedFunc(maps.Keys(alone), func(a, b *fitter) int { return cmp.Compare(a.Enrolment.ID, b.Enrolment.ID) }) {
		if at := bestGroup(known, s.Members, running, c); at >= 0 {
			groups = append(groups, with(running[at], c))
			joined = append(joined, tell(s, running[at], c, now)...)
			running = slices.Delete(running, at, at+1)
		}
	}
	return groups, joined
}

// pairable says whether somebody can be written to when their group is introduced: a pause that ends before that is none.
func pairable(p Person, now time.Time) bool {
	channel, address := p.Address()
	return p.OptedOutAt.IsZero() && address != "" && !p.Faulty(channel) && !now.Add(PublishAhead).Before(p.PausedUntil)
}

// onePerPerson keeps the first enrolment of somebody who is on two courses at once, and nobody who has a
// group already: a person has one buddy group, on however many courses.
func onePerPerson(people []Candidate, members map[int64]Candidate) []Candidate {
	seen := map[int64]bool{}
	for _, m := range members {
		seen[m.Person.ID] = true
	}
	return slices.DeleteFunc(people, func(c Candidate) bool {
		twice := seen[c.Person.ID]
		seen[c.Person.ID] = true
		return twice
	})
}

// bestGroup is the place of the group of two that somebody fits best into, among those with nobody they must not be with; negative
// where there is none.
func bestGroup(known fitters, members map[int64]Candidate, groups []BuddyGroup, c *fitter) (at int) {
	at, most := -1, int64(0)
	for i, g := range groups {
		if len(g.Members) != 2 {
			continue
		}
		worth, holds := int64(0), true
		for _, m := range g.Members {
			member, ok := members[m.EnrolmentID]
			other := known.of(member)
			holds = holds && ok && member.Person.OptedOutAt.IsZero() && c.may(other)
			worth += c.fit(other, 2*mostWorth+1)
		}
		if holds && (at < 0 || worth > most) {
			at, most = i, worth
		}
	}
	return at
}

// with is a group with somebody added to it.
func with(g BuddyGroup, c *fitter) BuddyGroup {
	g.Members = append(slices.Clone(g.Members), BuddyMember{EnrolmentID: c.Enrolment.ID, PersonID: c.Person.ID, New: true})
	return g
}

// tell is what the members of a group are told when somebody joins it.
func tell(s PairSubject, g BuddyGroup, c *fitter, now time.Time) (told []Message) {
	for _, m := range g.Members {
		member := s.Members[m.EnrolmentID]
		told = append(told, Message{
			Subject: EnrolmentSubject(m.EnrolmentID), Step: fmt.Sprintf("%s-%d", KindBuddyJoined, c.Enrolment.ID), Kind: KindBuddyJoined,
			PersonID: m.PersonID, EnrolmentID: m.EnrolmentID, CompanyID: s.Company.ID, ClassID: member.Enrolment.ClassID,
			Priority: PriorityBulk, State: Planned, DueAt: now, RunAt: now, ValidUntil: now.Add(time.Minute),
			Params: map[string]string{"buddy": c.Person.FirstName()},
		})
	}
	return told
}

// pairUp splits people into pairs and at most one group of three: as many people as possible, as few who were a pair before as
// possible, and then what all pairs are worth, three being three pairs. One repeat outweighs whatever all of the others can be worth.
// proven is as of matching.Split.
func pairUp(people []*fitter) (sets [][]*fitter, proven bool) {
	repeat := mostWorth*(int64(len(people))/2+3) + 1
	places, proven := matching.Split(len(people), func(i, j int) (int64, bool) {
		return people[i].fit(people[j], repeat), people[i].may(people[j])
	})
	for _, set := range places {
		group := make([]*fitter, len(set))
		for i, at := range set {
			group[i] = people[at]
		}
		sets = append(sets, group)
	}
	return sets, proven
}
