package reminders

import (
	"math/bits"
	"math/rand"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func candidates(n int, change func(i int, c *Candidate)) []Candidate {
	out := make([]Candidate, n)
	for i := range out {
		id := int64(i + 1)
		out[i] = Candidate{Enrolment: Enrolment{ID: id, PersonID: 100 + id, ClassID: 1, CompanyID: 1}, Person: Person{ID: 100 + id, Phone: "+4520000000", Language: "da", Shift: DayShift}}
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

// drawCompany draws up to ten people who differ in all that counts, some of whom were pairs before, must not be one, cannot be
// written to, are on two courses, or lead the others.
func drawCompany(r *rand.Rand) PairSubject {
	s := PairSubject{Company: Company{ID: 1}}
	if r.Intn(2) == 0 {
		s.Company.Window = Window{10 * 60, 13 * 60}
	}
	n := r.Intn(11)
	classes, alike, blocks := 1+r.Intn(3), r.Intn(3) == 0, []float64{0, 0, 0.1, 0.4, 0.8}[r.Intn(5)]
	s.Candidates = candidates(n, func(i int, c *Candidate) {
		c.Enrolment.ClassID = int64(1 + r.Intn(classes))
		if alike {
			return
		}
		c.Person.Shift = []Shift{DayShift, EveningShift, NightShift, ""}[r.Intn(4)]
		c.Person.Language = []string{"da", "en", "pl"}[r.Intn(3)]
		c.Enrolment.Team = []string{"a", "b", ""}[r.Intn(3)]
		if r.Intn(4) == 0 {
			from := Minute(8*60 + 60*r.Intn(8))
			c.Person.Window = Window{from, from + 120}
		}
		switch r.Intn(30) {
		case 0:
			c.Person.OptedOutAt = time.Unix(1, 0)
		case 1:
			c.Person.Phone = ""
		case 2:
			c.Person.AddressFault = "21211"
		case 3:
			c.Person.PausedUntil = time.Time{}.Add(PublishAhead + time.Minute)
		case 4:
			c.Person.PausedUntil = time.Time{}.Add(PublishAhead) // over by then
		case 5:
			if i > 0 {
				c.Person.ID, c.Enrolment.PersonID = 101, 101 // on a second course
			}
		}
	})
	for i, a := range s.Candidates {
		for _, b := range s.Candidates[:i] {
			if r.Intn(6) == 0 {
				s.Past = append(s.Past, [2]int64{a.Person.ID, b.Person.ID})
			}
			if r.Float64() < blocks {
				s.Blocked = append(s.Blocked, [2]int64{a.Person.ID, b.Person.ID})
			}
		}
	}
	if n > 0 && r.Intn(3) == 0 {
		s.Company.ContactID = s.Candidates[r.Intn(n)].Person.ID
	}
	return s
}

// shuffled is the same company told in another order.
func shuffled(r *rand.Rand, s PairSubject) PairSubject {
	turn := func(pairs [][2]int64) [][2]int64 {
		pairs = slices.Clone(pairs)
		for i, p := range pairs {
			if r.Intn(2) == 0 {
				pairs[i] = [2]int64{p[1], p[0]}
			}
		}
		r.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		return pairs
	}
	s.Past, s.Blocked, s.Candidates = turn(s.Past), turn(s.Blocked), slices.Clone(s.Candidates)
	r.Shuffle(len(s.Candidates), func(i, j int) { s.Candidates[i], s.Candidates[j] = s.Candidates[j], s.Candidates[i] })
	return s
}

// score is how good a way to pair is, in its order: people who have a group, then repeats, then what the pairs are worth.
type score int64

const (
	one    score = 1 << 40
	repeat score = 1 << 20
)

// together is what two people add to a score as a pair, by rules written anew here; ok is false where they must not be one.
func (s PairSubject) together(a, b Candidate) (sum score, ok bool) {
	is := func(pairs [][2]int64) bool {
		return slices.Contains(pairs, [2]int64{a.Person.ID, b.Person.ID}) || slices.Contains(pairs, [2]int64{b.Person.ID, a.Person.ID})
	}
	if is(s.Blocked) || a.Person.ID == s.Company.ContactID || b.Person.ID == s.Company.ContactID {
		return 0, false
	}
	if is(s.Past) {
		sum -= repeat
	}
	if a.Enrolment.ClassID == b.Enrolment.ClassID {
		sum += 32
	}
	v, w := WindowOf(a.Person, s.Company), WindowOf(b.Person, s.Company)
	if max(v.From, w.From) < min(v.To, w.To) {
		sum += 16
	}
	if a.Person.Language == b.Person.Language {
		sum += 8
	}
	if a.Person.Shift == b.Person.Shift && a.Person.Shift != "" {
		sum += 4
	}
	if x, y := a.Enrolment.Team, b.Enrolment.Team; x != y && x != "" && y != "" {
		sum += 2
	}
	return sum, true
}

// reachable are those who may be paired, each once.
func (s PairSubject) reachable() (people []Candidate) {
	seen := map[int64]bool{}
	for _, c := range s.Candidates {
		p := c.Person
		if p.Phone != "" && p.AddressFault == "" && p.OptedOutAt.IsZero() && p.PausedUntil.Sub(time.Time{}) <= 24*time.Hour && !seen[p.ID] {
			people = append(people, c)
			seen[p.ID] = true
		}
	}
	return people
}

// bruteForce tries every way to put people into pairs and at most one group of three.
func bruteForce(s PairSubject) (best score) {
	const never = -1 << 60
	people := s.reachable()
	n := len(people)
	var pair [10][10]score
	for i := range n {
		for j := range n {
			sum, ok := s.together(people[i], people[j])
			if !ok {
				sum = never
			}
			pair[i][j] = sum
		}
	}
	// By set of people: with a group of three allowed, and without.
	sums := make([][2]score, 1<<n)
	for set := 1; set < 1<<n; set++ {
		i := bits.TrailingZeros(uint(set))
		for three := range 2 {
			sum := sums[set&^(1<<i)][three] // who comes first is alone
			for j := i + 1; j < n; j++ {
				if set&(1<<j) == 0 || pair[i][j] == never {
					continue
				}
				sum = max(sum, sums[set&^(1<<i|1<<j)][three]+2*one+pair[i][j])
				for k := j + 1; three == 1 && k < n; k++ {
					if set&(1<<k) != 0 && pair[i][k] != never && pair[j][k] != never {
						sum = max(sum, sums[set&^(1<<i|1<<j|1<<k)][0]+3*one+pair[i][j]+pair[i][k]+pair[j][k])
					}
				}
			}
			sums[set][three] = sum
		}
	}
	return sums[1<<n-1][1]
}

// Of every way to pair a small company the best is taken: no more people can have a group, no fewer can be with somebody
// they were with before, and no pairs are worth more. Nobody is with somebody they must not be with.
func TestPairingOfSmallCompaniesIsTheBestThereIs(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for round := range 12_000 {
		s := drawCompany(r)
		people := map[int64]Candidate{}
		for _, c := range s.reachable() {
			people[c.Enrolment.ID] = c
		}
		groups, joined := Pair(s, time.Time{})
		if len(joined) != 0 {
			t.Fatalf("%d texts about joining where there was no group", len(joined))
		}
		var sum score
		threes, seen := 0, map[int64]bool{}
		for _, g := range groups {
			if len(g.Members) == 3 {
				threes++
			}
			if g.CompanyID != s.Company.ID || g.ID != 0 || g.Why == "" || len(g.Members) < 2 || len(g.Members) > 3 {
				t.Fatalf("round %d: a group %+v", round, g)
			}
			for i, m := range g.Members {
				c, ok := people[m.EnrolmentID]
				if !ok || seen[m.PersonID] || m.PersonID != c.Person.ID || m.Starter != (i == 0) || m.New {
					t.Fatalf("round %d: %+v is a member", round, m)
				}
				seen[m.PersonID] = true
				sum += one
				for _, o := range g.Members[:i] {
					worth, ok := s.together(c, people[o.EnrolmentID])
					if !ok {
						t.Fatalf("round %d: %d and %d must not be together", round, o.EnrolmentID, m.EnrolmentID)
					}
					sum += worth
				}
			}
		}
		if threes > 1 {
			t.Fatalf("round %d: %d groups of three", round, threes)
		}
		if best := bruteForce(s); sum != best {
			t.Fatalf("round %d: %d people in groups, score %d; the best is %d and %d", round, len(seen), sum, (best+one/2)/one, best)
		}
		if again, _ := Pair(shuffled(r, s), time.Time{}); !reflect.DeepEqual(groups, again) {
			t.Fatalf("round %d: told in another order\n%+v become\n%+v", round, groups, again)
		}
	}
}

func TestTheContactHasNoGroupInTheirOwnCompany(t *testing.T) {
	s := PairSubject{Company: Company{ID: 1, ContactID: 102}, Candidates: candidates(4, nil)}
	groups, _ := Pair(s, time.Time{})
	if len(groups) != 1 || len(groups[0].Members) != 3 {
		t.Fatalf("three and their leader are %+v", groups)
	}
	s.Candidates = s.Candidates[:2]
	if groups, _ := Pair(s, time.Time{}); len(groups) != 0 {
		t.Errorf("one and their leader are %+v", groups)
	}
}

func TestWhyHoldsForAllOfAGroup(t *testing.T) {
	people := candidates(3, func(i int, c *Candidate) { c.Enrolment.Team = []string{"a", "b", "c"}[i] })
	for _, c := range []struct {
		name   string
		change func(s *PairSubject)
		want   string
	}{
		{"all", func(*PairSubject) {}, "same class, same shift, same language, different teams"},
		{"two of one team", func(s *PairSubject) { s.Candidates[2].Enrolment.Team = "a" }, "same class, same shift, same language"},
		{"one speaks another language", func(s *PairSubject) { s.Candidates[0].Person.Language = "pl" }, "same class, same shift, different teams"},
		{"hours that overlap", func(s *PairSubject) {
			s.Candidates[1].Person.Shift, s.Candidates[1].Person.Window = NightShift, Window{15 * 60, 17 * 60}
		}, "same class, overlapping hours, same language, different teams"},
		{"two were a pair", func(s *PairSubject) { s.Past = [][2]int64{{103, 101}} }, "same class, same shift, same language, different teams, a pair before"},
		{"nothing is known", func(s *PairSubject) {
			for i := range s.Candidates {
				s.Candidates[i].Enrolment.ClassID, s.Candidates[i].Enrolment.Team = int64(i), ""
				s.Candidates[i].Person.Language, s.Candidates[i].Person.Shift = "", ""
				s.Candidates[i].Person.Language = []string{"da", "pl", "en"}[i]
				s.Candidates[i].Person.Window = Window{Minute(600 + 60*i), Minute(660 + 60*i)}
			}
		}, "same company"},
	} {
		s := PairSubject{Company: Company{ID: 1}, Candidates: slices.Clone(people)}
		c.change(&s)
		groups, _ := Pair(s, time.Time{})
		if len(groups) != 1 || groups[0].Why != c.want {
			t.Errorf("%s: %+v, want %q", c.name, groups, c.want)
		}
	}
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

// Who is left alone joins the group that fits best: not one with somebody they must not be with, not one they were with before
// where another is there, and no leader joins at all.
func TestALateJoinerKeepsToTheRules(t *testing.T) {
	members := candidates(7, nil)
	subject := func() PairSubject {
		s := PairSubject{Company: Company{ID: 1}, Candidates: members[6:], Members: map[int64]Candidate{}}
		for i, c := range members[:6] {
			s.Members[c.Enrolment.ID] = c
			if i%2 == 0 {
				s.Groups = append(s.Groups, BuddyGroup{ID: int64(9 - i), CompanyID: 1, Members: []BuddyMember{
					{EnrolmentID: c.Enrolment.ID, PersonID: c.Person.ID, Starter: true}, {EnrolmentID: c.Enrolment.ID + 1, PersonID: c.Person.ID + 1}}})
			}
		}
		return s
	}
	for _, c := range []struct {
		name   string
		change func(s *PairSubject)
		want   int64 // the group joined; 0 = none
	}{
		{"all fit", func(*PairSubject) {}, 5},
		{"in another order", func(s *PairSubject) { slices.Reverse(s.Groups) }, 5},
		{"blocked with one", func(s *PairSubject) { s.Blocked = [][2]int64{{106, 107}} }, 7},
		{"a pair before", func(s *PairSubject) { s.Past = [][2]int64{{107, 105}, {103, 107}} }, 9},
		{"a pair before with all", func(s *PairSubject) { s.Past = [][2]int64{{107, 105}, {107, 106}, {103, 107}, {107, 101}, {107, 102}} }, 7},
		{"their leader in one", func(s *PairSubject) { s.Company.ContactID = 106 }, 7},
		{"the leader", func(s *PairSubject) { s.Company.ContactID = 107 }, 0},
		{"blocked with one of each", func(s *PairSubject) { s.Blocked = [][2]int64{{107, 101}, {104, 107}, {107, 105}} }, 0},
		{"cannot be written to", func(s *PairSubject) {
			s.Candidates = slices.Clone(s.Candidates)
			s.Candidates[0].Person.Phone = ""
		}, 0},
	} {
		s := subject()
		c.change(&s)
		groups, joined := Pair(s, time.Unix(0, 0))
		var got int64
		if len(groups) == 1 && len(joined) == 2 {
			got = groups[0].ID
		}
		if got != c.want || c.want == 0 && len(groups) != 0 {
			t.Errorf("%s: joined %+v, want %d", c.name, groups, c.want)
		}
	}
}

// Several who are late pair among themselves; one for whom nobody is left joins a group.
func TestLateJoinersPairAmongThemselves(t *testing.T) {
	members := candidates(6, nil)
	s := PairSubject{Company: Company{ID: 1}, Candidates: members[2:], Members: map[int64]Candidate{1: members[0], 2: members[1]}}
	s.Groups = []BuddyGroup{{ID: 7, CompanyID: 1, Members: []BuddyMember{{EnrolmentID: 1, PersonID: 101, Starter: true}, {EnrolmentID: 2, PersonID: 102}}}}
	if groups, joined := Pair(s, time.Time{}); len(groups) != 2 || len(joined) != 0 || groups[0].ID != 0 || groups[1].ID != 0 {
		t.Errorf("four are %+v", groups)
	}
	s.Candidates = members[2:5]
	if groups, joined := Pair(s, time.Time{}); len(groups) != 1 || len(joined) != 0 || groups[0].ID != 0 || len(groups[0].Members) != 3 {
		t.Errorf("three are %+v", groups)
	}
	s.Blocked = [][2]int64{{103, 104}, {105, 104}}
	if groups, joined := Pair(s, time.Time{}); len(groups) != 2 || len(joined) != 2 || groups[1].ID != 7 || groups[1].Members[2].PersonID != 104 {
		t.Errorf("two, and one blocked with both, are %+v", groups)
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
