package reminders

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// What makes two people good buddies. Same class comes before everything that follows it together; a
// pair that was one before is taken only where nothing else is left.
const (
	weightSameClass  = 16
	weightSameShift  = 8
	weightLanguage   = 4
	weightOtherTeam  = 2
	weightBase       = 1
	weightPairBefore = -64
)

// exactPairing is the largest number of people paired by trying everything (2^16 sets).
const exactPairing = 16

// Pair gives everybody in s a buddy: two and two, one group of three where the number is odd. Nobody who
// has a group is moved: one who comes alone and late joins the group that fits best. Who cannot be paired
// stays alone. The same subject gives the same groups. joined are texts to groups that got a third.
func Pair(s PairSubject, now time.Time) (groups []BuddyGroup, joined []Message) {
	people := slices.Clone(s.Candidates)
	slices.SortFunc(people, func(a, b Candidate) int { return cmp.Compare(a.Enrolment.ID, b.Enrolment.ID) })
	people = onePerPerson(people, s.Members)
	past := s.past()
	weigh := func(a, b Candidate) (weight int) { weight, _ = fit(a, b, past); return weight }

	switch len(people) {
	case 0:
		return nil, nil
	case 1:
		return join(s, people[0], weigh, now)
	}
	for _, set := range pairUp(people, weigh) {
		g := BuddyGroup{CompanyID: s.Company.ID}
		for i, c := range set {
			g.Members = append(g.Members, BuddyMember{EnrolmentID: c.Enrolment.ID, PersonID: c.Person.ID, Starter: i == 0})
		}
		_, g.Why = fit(set[0], set[1], past)
		groups = append(groups, g)
	}
	return groups, nil
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

// fit weighs two people and says why in one line.
func fit(a, b Candidate, past map[[2]int64]bool) (weight int, why string) {
	weight = weightBase
	add := func(holds bool, w int, reason string) {
		if !holds {
			return
		}
		weight += w
		if why != "" {
			why += ", "
		}
		why += reason
	}
	add(a.Enrolment.ClassID == b.Enrolment.ClassID, weightSameClass, "same class")
	add(a.Person.Shift == b.Person.Shift, weightSameShift, "same shift")
	add(a.Person.Language == b.Person.Language, weightLanguage, "same language")
	add(a.Enrolment.Team != b.Enrolment.Team, weightOtherTeam, "different teams")
	add(past[[2]int64{a.Person.ID, b.Person.ID}], weightPairBefore, "a pair before")
	return weight, why
}

// join adds one to the best group of two.
func join(s PairSubject, c Candidate, weigh func(a, b Candidate) int, now time.Time) ([]BuddyGroup, []Message) {
	best, bestWeight := -1, 0
	for i, g := range s.Groups {
		if len(g.Members) != 2 {
			continue
		}
		weight, holds := 0, true
		for _, m := range g.Members {
			other, ok := s.Members[m.EnrolmentID]
			holds = holds && ok && other.Person.OptedOutAt.IsZero() && other.Person.ID != c.Person.ID
			weight += weigh(other, c)
		}
		if holds && (best < 0 || weight > bestWeight) {
			best, bestWeight = i, weight
		}
	}
	if best < 0 {
		return nil, nil
	}
	g := s.Groups[best]
	var joined []Message
	for _, m := range g.Members {
		member := s.Members[m.EnrolmentID]
		joined = append(joined, Message{
			Subject: EnrolmentSubject(m.EnrolmentID), Step: fmt.Sprintf("%s-%d", KindBuddyJoined, c.Enrolment.ID), Kind: KindBuddyJoined,
			PersonID: m.PersonID, EnrolmentID: m.EnrolmentID, CompanyID: s.Company.ID, ClassID: member.Enrolment.ClassID,
			Priority: PriorityBulk, State: Planned, DueAt: now, RunAt: now, ValidUntil: now.Add(time.Minute),
			Params: map[string]string{"buddy": c.Person.FirstName()},
		})
	}
	g.Members = append(slices.Clone(g.Members), BuddyMember{EnrolmentID: c.Enrolment.ID, PersonID: c.Person.ID, New: true})
	return []BuddyGroup{g}, joined
}

// pairUp splits people into pairs and, where odd, one trio, with the greatest sum of weights: exactly up
// to exactPairing people, beyond that by the best pair first and then by exchanging while it helps.
func pairUp(people []Candidate, weigh func(a, b Candidate) int) [][]Candidate {
	n := len(people)
	weight := make([][]int, n)
	for i := range weight {
		weight[i] = make([]int, n)
		for j := range weight[i] {
			if i != j {
				weight[i][j] = weigh(people[i], people[j])
			}
		}
	}
	var sets [][]int
	if n <= exactPairing {
		sets = exactSets(n, weight)
	} else {
		sets = exchangedSets(n, weight)
	}
	out := make([][]Candidate, len(sets))
	for i, set := range sets {
		slices.Sort(set)
		for _, member := range set {
			out[i] = append(out[i], people[member])
		}
	}
	return out
}

// exactSets tries all: best[mask] is the best sum over the people in mask.
func exactSets(n int, weight [][]int) [][]int {
	const none = -1 << 30
	best := make([]int, 1<<n)
	last := make([][]int, 1<<n)
	for mask := 1; mask < 1<<n; mask++ {
		best[mask] = none
		if bits.OnesCount(uint(mask)) == 1 {
			continue
		}
		i := bits.TrailingZeros(uint(mask)) // who comes first is in some set
		odd := bits.OnesCount(uint(mask))%2 == 1
		for j := i + 1; j < n; j++ {
			if mask&(1<<j) == 0 {
				continue
			}
			if rest := mask &^ (1<<i | 1<<j); best[rest] > none && best[rest]+weight[i][j] > best[mask] {
				best[mask], last[mask] = best[rest]+weight[i][j], []int{i, j}
			}
			for k := j + 1; odd && k < n; k++ {
				if mask&(1<<k) == 0 {
					continue
				}
				rest := mask &^ (1<<i | 1<<j | 1<<k)
				if sum := best[rest] + weight[i][j] + weight[i][k] + weight[j][k]; best[rest] > none && sum > best[mask] {
					best[mask], last[mask] = sum, []int{i, j, k}
				}
			}
		}
	}
	var sets [][]int
	for mask := 1<<n - 1; mask != 0; {
		set := last[mask]
		sets = append(sets, set)
		for _, member := range set {
			mask &^= 1 << member
		}
	}
	return sets
}

// exchangedSets pairs the best fit first, then exchanges partners between two pairs while the sum rises.
func exchangedSets(n int, weight [][]int) [][]int {
	type edge struct{ i, j, weight int }
	var edges []edge
	for i := range n {
		for j := i + 1; j < n; j++ {
			edges = append(edges, edge{i, j, weight[i][j]})
		}
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(b.weight, a.weight) })
	used := make([]bool, n)
	var sets [][]int
	for _, e := range edges {
		if !used[e.i] && !used[e.j] {
			used[e.i], used[e.j] = true, true
			sets = append(sets, []int{e.i, e.j})
		}
	}
	for improved := true; improved; {
		improved = false
		for a := range sets {
			for b := a + 1; b < len(sets); b++ {
				x, y := sets[a], sets[b]
				now := weight[x[0]][x[1]] + weight[y[0]][y[1]]
				switch {
				case weight[x[0]][y[0]]+weight[x[1]][y[1]] > now:
					x[1], y[0] = y[0], x[1]
					improved = true
				case weight[x[0]][y[1]]+weight[x[1]][y[0]] > now:
					x[1], y[1] = y[1], x[1]
					improved = true
				}
			}
		}
	}
	if alone := slices.Index(used, false); alone >= 0 {
		best := 0
		gain := func(s []int) int { return weight[alone][s[0]] + weight[alone][s[1]] }
		for i := range sets {
			if gain(sets[i]) > gain(sets[best]) {
				best = i
			}
		}
		sets[best] = append(sets[best], alone)
	}
	return sets
}
