package reminders

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func candidates(n int, change func(i int, c *Candidate)) []Candidate {
	out := make([]Candidate, n)
	for i := range out {
		id := int64(i + 1)
		out[i] = Candidate{Enrolment: Enrolment{ID: id, PersonID: 100 + id, ClassID: 1, CompanyID: 1}, Person: Person{ID: 100 + id, Language: "da", Shift: DayShift}}
		if change != nil {
			change(i, &out[i])
		}
	}
	return out
}

func drawCandidates(t *rapid.T, most int) PairSubject {
	s := PairSubject{Company: Company{ID: 1}}
	s.Candidates = candidates(rapid.IntRange(0, most).Draw(t, "people"), func(_ int, c *Candidate) {
		c.Person.Shift = rapid.SampledFrom([]Shift{DayShift, EveningShift, NightShift}).Draw(t, "shift")
		c.Person.Language = rapid.SampledFrom([]string{"da", "en"}).Draw(t, "language")
		c.Enrolment.Team = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "team")
		c.Enrolment.ClassID = rapid.Int64Range(1, 2).Draw(t, "class")
	})
	for range rapid.IntRange(0, 5).Draw(t, "past") {
		if n := len(s.Candidates); n > 1 {
			a, b := rapid.IntRange(0, n-1).Draw(t, "a"), rapid.IntRange(0, n-1).Draw(t, "b")
			s.Past = append(s.Past, [2]int64{s.Candidates[a].Person.ID, s.Candidates[b].Person.ID})
		}
	}
	return s
}

// Everybody is in exactly one group, of two, with one trio where the number is odd; and the result does
// not depend on the order in which people are given.
func TestPairingTakesEverybodyOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawCandidates(t, 40)
		groups, _ := Pair(s, time.Time{})
		seen, trios := map[int64]int{}, 0
		for _, g := range groups {
			starters := 0
			for _, m := range g.Members {
				seen[m.EnrolmentID]++
				if m.Starter {
					starters++
				}
			}
			if len(g.Members) == 3 {
				trios++
			}
			if len(g.Members) < 2 || len(g.Members) > 3 || starters != 1 {
				t.Fatalf("a group of %d with %d starters", len(g.Members), starters)
			}
		}
		n := len(s.Candidates)
		if n == 1 {
			if len(groups) != 0 {
				t.Fatal("one alone was paired with somebody")
			}
			return
		}
		if len(seen) != n || trios != n%2 {
			t.Fatalf("%d of %d people are in groups, %d trios", len(seen), n, trios)
		}
		for id, times := range seen {
			if times != 1 {
				t.Fatalf("enrolment %d is in %d groups", id, times)
			}
		}
		shuffled := s
		shuffled.Candidates = rapid.Permutation(s.Candidates).Draw(t, "order")
		again, _ := Pair(shuffled, time.Time{})
		if !slices.EqualFunc(groups, again, func(a, b BuddyGroup) bool { return slices.Equal(a.Members, b.Members) }) {
			t.Fatal("another order gives other groups")
		}
	})
}

// Up to ten people the sum of the weights is as great as trying every way gives.
func TestPairingOfSmallCompaniesIsOptimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawCandidates(t, 9)
		if len(s.Candidates) < 2 {
			return
		}
		past := map[[2]int64]bool{}
		for _, p := range s.Past {
			past[p], past[[2]int64{p[1], p[0]}] = true, true
		}
		weigh := func(a, b Candidate) int { w, _ := fit(a, b, past); return w }
		groups, _ := Pair(s, time.Time{})
		sum := 0
		find := func(id int64) Candidate {
			return s.Candidates[slices.IndexFunc(s.Candidates, func(c Candidate) bool { return c.Enrolment.ID == id })]
		}
		for _, g := range groups {
			for i, m := range g.Members {
				for _, o := range g.Members[i+1:] {
					sum += weigh(find(m.EnrolmentID), find(o.EnrolmentID))
				}
			}
		}
		if best := bruteForce(s.Candidates, weigh); sum != best {
			t.Fatalf("the groups weigh %d, the best ones %d", sum, best)
		}
	})
}

// bruteForce tries every split into pairs and, where odd, one trio.
func bruteForce(people []Candidate, weigh func(a, b Candidate) int) int {
	const none = -1 << 30
	if len(people) == 0 {
		return 0
	}
	if len(people) == 1 {
		return none
	}
	best := none
	without := func(drop ...int) []Candidate {
		var rest []Candidate
		for i, c := range people {
			if !slices.Contains(drop, i) {
				rest = append(rest, c)
			}
		}
		return rest
	}
	for j := 1; j < len(people); j++ {
		best = max(best, weigh(people[0], people[j])+bruteForce(without(0, j), weigh))
		for k := j + 1; len(people)%2 == 1 && k < len(people); k++ {
			best = max(best, weigh(people[0], people[j])+weigh(people[0], people[k])+weigh(people[j], people[k])+bruteForce(without(0, j, k), weigh))
		}
	}
	return best
}

func TestSameClassComesBeforeEverythingElse(t *testing.T) {
	people := candidates(4, func(i int, c *Candidate) {
		c.Enrolment.ClassID = int64(i%2 + 1) // 1 and 3 are on one class, 2 and 4 on the other
		if i >= 2 {
			c.Person.Shift = NightShift
		}
	})
	groups, _ := Pair(PairSubject{Candidates: people}, time.Time{})
	for _, g := range groups {
		if (g.Members[0].EnrolmentID+g.Members[1].EnrolmentID)%2 != 0 {
			t.Errorf("%d and %d are paired across classes", g.Members[0].EnrolmentID, g.Members[1].EnrolmentID)
		}
	}
}

func TestALateJoinerMakesATrioAndNobodyElseMoves(t *testing.T) {
	members := candidates(5, nil)
	s := PairSubject{Company: Company{ID: 1}, Candidates: members[4:], Members: map[int64]Candidate{}}
	for _, c := range members[:4] {
		s.Members[c.Enrolment.ID] = c
	}
	pair := func(id int64, a, b Candidate) BuddyGroup {
		return BuddyGroup{ID: id, CompanyID: 1, Members: []BuddyMember{{EnrolmentID: a.Enrolment.ID, PersonID: a.Person.ID, Starter: true}, {EnrolmentID: b.Enrolment.ID, PersonID: b.Person.ID}}}
	}
	s.Groups = []BuddyGroup{pair(7, members[0], members[1]), pair(8, members[2], members[3])}
	groups, joined := Pair(s, time.Unix(0, 0))
	if len(groups) != 1 || groups[0].ID != 7 || len(groups[0].Members) != 3 || !groups[0].Members[2].New {
		t.Fatalf("the late joiner's group is %+v", groups)
	}
	if len(joined) != 2 || joined[0].Params["buddy"] != members[4].Person.FirstName() {
		t.Errorf("those who were there are told: %+v", joined)
	}
	if len(s.Groups[0].Members) != 2 {
		t.Error("the subject was changed")
	}
}

func TestSlotsAreOnDifferentDaysOutsideWhatIsTaken(t *testing.T) {
	c := NewCalendar(copenhagen)
	now := day("2026-10-05").At(10*60, copenhagen)
	earliest := day("2026-11-01") // a Sunday
	taken := Span{day("2026-11-02").At(8*60, copenhagen), day("2026-11-02").At(16*60, copenhagen)}
	slots := c.Slots(now, earliest, nil, Agenda{Hours: DefaultHours, Busy: []Span{taken}}, 1)
	if len(slots) != 3 {
		t.Fatalf("%d slots", len(slots))
	}
	days := map[Date]bool{}
	for _, s := range slots {
		d := c.Today(s)
		if days[d] || !c.Working(d) || d.Before(earliest) || d == day("2026-11-02") || d.Sub(earliest) > 14 {
			t.Errorf("slot %s", s.In(copenhagen))
		}
		days[d] = true
	}
	next := c.Slots(now, earliest, nil, Agenda{Hours: DefaultHours, Busy: []Span{taken}}, 2)
	for _, s := range next {
		if slices.ContainsFunc(slots, s.Equal) {
			t.Errorf("%s is proposed again", s.In(copenhagen))
		}
	}
	for round := 1; ; round++ { // it ends, and by then every one was different
		if len(c.Slots(now, earliest, nil, Agenda{Hours: DefaultHours}, round)) == 0 {
			break
		} else if round > 20 {
			t.Fatal("slots never end")
		}
	}
	closed := c.Slots(day("2026-06-20").At(600, copenhagen), day("2026-07-10"), DefaultClosedWeeks, Agenda{Hours: DefaultHours}, 1)
	for _, s := range closed {
		if DefaultClosedWeeks.Contains(c.Today(s)) {
			t.Errorf("%s is in the summer holiday", s.In(copenhagen))
		}
	}
}
