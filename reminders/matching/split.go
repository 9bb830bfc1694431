package matching

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Split puts n people into groups of two and at most one of three: as many of them as can be, and among the ways to do that, one
// with the greatest sum of weights, where three weigh what their three pairs do. weight is asked once for every
// i < j; not ok are two who must not be together. n² times the greatest difference of weights must stay below 2⁵⁸. Who is in no group is
// left out; groups and their members are in ascending order.
//
// Where a group of three has no use (their number is even, and all have somebody) the groups are one matching and the best there
// are. Else the place of the three is searched for, see search. proven is false where its limit of work was reached: then
// the groups are the best that were found, and the best there are once the three are given.
func Split(n int, weight func(i, j int) (w int64, ok bool)) (groups [][]int, proven bool) {
	return split(n, weight, workLimit)
}

func split(n int, weight func(i, j int) (w int64, ok bool), limit int64) (groups [][]int, proven bool) {
	s := newSearch(n, weight)
	if s.grouped() == n || n < 3 {
		return s.groups(), true
	}
	if n%2 == 0 { // one of those nobody is left for may go with a pair: somebody else is alone then
		all := empty(n + 2)
		for i := range n {
			copy(all.weight[i*all.n:], s.all.weight[i*n:(i+1)*n])
		}
		all.start()
		s.all, s.rest = all, all
	}
	s.limit = s.all.tree.looked + limit
	proven = s.run()
	return s.groups(), proven
}

// workLimit is how many edges a search may look at: about a second of work.
const workLimit = 500_000_000

// search looks for the best group of three. It stands on a matching of all people, and of one or two vertices whose pairs weigh
// nothing: who is matched with one of them, or with somebody they must not be with, is alone.
//
// For somebody c and the best matching of the others without c (one more tree), a pair a, b of it becomes the three at once.
// Any other a and b cost at least half their slack. So for each c, by the best that may be expected of
// them, what the prices allow for a, b, c is compared with what was found, and only where it promises more is the rest
// matched anew (one or two trees). It ends when nothing promises more.
//
// People who weigh the same to everybody else can take each other's place: of them only one is tried.
type search struct {
	n     int
	alone int64 // what it weighs that one person has a group: more than all weights together
	all   *Matching
	kind  []int  // by person: the first of those who can take each other's place
	over  []bool // by kind: no three with one of them is better than the best
	limit int64  // of the work

	total int64     // of the best so far
	three []int     // those in it; nil = there are none
	rest  *Matching // of the others. Two of the three may still be a pair in it
}

func newSearch(n int, weight func(i, j int) (w int64, ok bool)) *search {
	const apart = math.MinInt64 / 4
	s := &search{n: n, all: empty(n + n%2)}
	least, most := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range n {
		for j := i + 1; j < n; j++ {
			w, ok := weight(i, j)
			if !ok {
				s.all.setWeight(i, j, apart)
				continue
			}
			least, most = min(least, w), max(most, w)
			s.all.setWeight(i, j, w)
		}
	}
	// As many people in groups are as many pairs: what all weights are raised by changes nothing.
	s.alone = int64(n/2+3)*(most-least) + 1
	for i := range n {
		for j := i + 1; j < n; j++ {
			if w := s.all.weightOf(i, j); w == apart {
				s.all.setWeight(i, j, 0)
			} else {
				s.all.setWeight(i, j, 2*s.alone+w-least)
			}
		}
	}
	s.all.start()
	s.rest, s.total = s.all, s.all.Weight()
	return s
}

// pair is what two people weigh together; 0 = they must not be.
func (s *search) pair(i, j int) int64 { return s.all.weightOf(i, j) }

// pairs are those of a matching in which both are people and may be together.
func (s *search) pairs(m *Matching) (pairs [][]int) {
	for i := range s.n {
		if j := m.Partner(i); i < j && j < s.n && s.pair(i, j) > 0 {
			pairs = append(pairs, []int{i, j})
		}
	}
	return pairs
}

// grouped is how many people have a group where there is none of three.
func (s *search) grouped() int { return 2 * len(s.pairs(s.all)) }

func (s *search) groups() [][]int {
	groups := slices.DeleteFunc(s.pairs(s.rest), func(pair []int) bool { return slices.Contains(s.three, pair[0]) })
	if s.three != nil {
		groups = append(groups, s.three)
	}
	slices.SortFunc(groups, slices.Compare)
	return groups
}

// run finds the best three, and says whether it is proved that they are.
func (s *search) run() (proven bool) {
	s.findKinds()
	s.over = make([]bool, s.n)
	last := s.all.n - 1
	promise := make([]int64, s.n) // doubled, as slacks are
	order := make([]int, s.n)
	for c := range s.n {
		first, second := int64(0), int64(0)
		for a := range s.n {
			if w := s.pair(c, a); w > first {
				first, second = w, first
			} else {
				second = max(second, w)
			}
		}
		order[c] = c
		promise[c] = 2*(s.all.Weight()+first+second-3*s.alone) - s.all.Slack(c, last)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(promise[b], promise[a]) })
	for _, c := range order {
		if promise[c] <= 2*s.total {
			return true
		}
		if s.over[s.kind[c]] {
			continue
		}
		if s.all.tree.looked > s.limit || !s.with(c, s.all.Without(c, last)) {
			return false
		}
		s.over[s.kind[c]] = true
	}
	return true
}

// with tries c as one of the three, where rest is the best matching of the others.
func (s *search) with(c int, rest *Matching) (proven bool) {
	weight := rest.Weight() - 3*s.alone
	for _, p := range s.pairs(rest) {
		if a, b := p[0], p[1]; s.pair(a, c) > 0 && s.pair(b, c) > 0 {
			s.offer(weight+s.pair(a, c)+s.pair(b, c), a, b, c, rest)
		}
	}
	var near []int // those c may be with, the best first
	for a := range s.n {
		if s.pair(a, c) > 0 && !s.over[s.kind[a]] {
			near = append(near, a)
		}
	}
	slices.SortStableFunc(near, func(a, b int) int { return cmp.Compare(s.pair(b, c), s.pair(a, c)) })
	type two struct {
		a, b    int
		promise int64
	}
	likely := map[[2]int]two{} // by their kinds
	for i, a := range near {
		for _, b := range near[i+1:] {
			most := 2 * (weight + s.pair(a, c) + s.pair(b, c))
			if most <= 2*s.total {
				break
			}
			rest.tree.looked++
			promise := most - rest.Slack(a, b)
			if promise <= 2*s.total || s.pair(a, b) == 0 || rest.Partner(a) == b {
				continue
			}
			kinds := [2]int{min(s.kind[a], s.kind[b]), max(s.kind[a], s.kind[b])}
			if known, ok := likely[kinds]; !ok || promise < known.promise { // it holds for all of these kinds
				likely[kinds] = two{a, b, promise}
			}
		}
	}
	byPromise := slices.SortedFunc(maps.Values(likely), func(x, y two) int {
		return cmp.Or(cmp.Compare(y.promise, x.promise), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	for _, t := range byPromise {
		if t.promise <= 2*s.total {
			return true
		}
		if rest.tree.looked > s.limit {
			return false
		}
		others := rest.Without(t.a, t.b)
		s.offer(others.Weight()+s.pair(t.a, t.b)+s.pair(t.a, c)+s.pair(t.b, c)-3*s.alone, t.a, t.b, c, others)
	}
	return true
}

// offer takes three people and a matching of the others where they weigh more than the best so far.
func (s *search) offer(total int64, a, b, c int, rest *Matching) {
	if total > s.total {
		s.total, s.three, s.rest = total, []int{a, b, c}, rest
		slices.Sort(s.three)
	}
}

// findKinds compares everybody with the first of every kind: what they weigh to all others, by a sum of hashes first.
func (s *search) findKinds() {
	s.kind = make([]int, s.n)
	sums := make([]uint64, s.n)
	var firsts []int
	for a := range s.n {
		for x := range s.n {
			if x != a {
				sums[a] += hash(x, s.pair(a, x))
			}
		}
		s.kind[a] = a
		for _, f := range firsts {
			if w := s.pair(a, f); sums[a]-hash(f, w) == sums[f]-hash(a, w) && s.alike(a, f) {
				s.kind[a] = f
				break
			}
		}
		if s.kind[a] == a {
			firsts = append(firsts, a)
		}
	}
}

// alike says whether two people weigh the same to everybody else.
func (s *search) alike(a, b int) bool {
	for x := range s.n {
		if x != a && x != b && s.pair(a, x) != s.pair(b, x) {
			return false
		}
	}
	return true
}

// hash mixes as splitmix64 does.
func hash(v int, w int64) uint64 {
	h := uint64(v+1)*0x9e3779b97f4a7c15 ^ uint64(w)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
