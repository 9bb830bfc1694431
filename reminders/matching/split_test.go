package matching

import (
	"math/rand"
	"slices"
	"testing"
)

// bruteSplit tries every split: how many people are in groups at most, and what these weigh then.
func bruteSplit(n int, weight func(i, j int) (int64, bool)) (grouped int, sum int64) {
	type result struct {
		grouped int
		sum     int64
	}
	better := func(a, b result) result {
		if b.grouped > a.grouped || b.grouped == a.grouped && b.sum > a.sum {
			return b
		}
		return a
	}
	// By set of people, without and with a group of three used up.
	best := make([][2]result, 1<<n)
	for set := 1; set < 1<<n; set++ {
		i := 0
		for set&(1<<i) == 0 {
			i++
		}
		for used := range 2 {
			r := best[set&^(1<<i)][used] // i is alone
			for j := i + 1; j < n; j++ {
				ij, ok := weight(i, j)
				if set&(1<<j) == 0 || !ok {
					continue
				}
				pair := best[set&^(1<<i|1<<j)][used]
				r = better(r, result{pair.grouped + 2, pair.sum + ij})
				for k := j + 1; used == 0 && k < n; k++ {
					ik, ok1 := weight(i, k)
					jk, ok2 := weight(j, k)
					if set&(1<<k) == 0 || !ok1 || !ok2 {
						continue
					}
					three := best[set&^(1<<i|1<<j|1<<k)][1]
					r = better(r, result{three.grouped + 3, three.sum + ij + ik + jk})
				}
			}
			best[set][used] = r
		}
	}
	r := best[1<<n-1][0]
	return r.grouped, r.sum
}

func weigh(t *testing.T, n int, groups [][]int, weight func(i, j int) (int64, bool)) (grouped int, sum int64) {
	t.Helper()
	seen, threes := make([]bool, n), 0
	for _, g := range groups {
		if len(g) == 3 {
			threes++
		} else if len(g) != 2 {
			t.Fatalf("a group of %d", len(g))
		}
		for i, a := range g {
			if seen[a] {
				t.Fatalf("%d is in two groups", a)
			}
			seen[a] = true
			grouped++
			for _, b := range g[:i] {
				w, ok := weight(min(a, b), max(a, b))
				if !ok {
					t.Fatalf("%d and %d must not be together", a, b)
				}
				sum += w
			}
		}
	}
	if threes > 1 {
		t.Fatalf("%d groups of three", threes)
	}
	return grouped, sum
}

// apart forbids some pairs.
func apart(r *rand.Rand, n int, share float64, weight func(i, j int) int64) func(i, j int) (int64, bool) {
	no := make([]bool, n*n)
	for i := range no {
		no[i] = r.Float64() < share
	}
	return func(i, j int) (int64, bool) { return weight(i, j), !no[min(i, j)*n+max(i, j)] }
}

func TestSplitIsTheBestThereIs(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			r := rand.New(rand.NewSource(5))
			for round := range 2000 {
				n := r.Intn(10)
				if round%50 == 0 {
					n = 13
				}
				weight := apart(r, n, []float64{0, 0.1, 0.5, 0.8}[r.Intn(4)], random(r, n, k.draw))
				if r.Intn(4) == 0 {
					weight = apart(r, n, 0.2, clustered(r, n))
				}
				groups, proven := Split(n, weight)
				grouped, sum := weigh(t, n, groups, weight)
				wantGrouped, wantSum := bruteSplit(n, weight)
				if grouped != wantGrouped || sum != wantSum || !proven {
					t.Fatalf("round %d: %d of %d people weigh %d, the best are %d and %d (proven: %v)", round, grouped, n, sum, wantGrouped, wantSum, proven)
				}
			}
		})
	}
}

// Of larger numbers three people drawn by lot, with the best matching of the others, are never better.
func TestNoOtherThreeAreBetter(t *testing.T) {
	r := rand.New(rand.NewSource(6))
	for round := range 12 {
		n := 21 + 10*round/2*2
		weight := apart(r, n, 0, clustered(r, n))
		if round%3 == 0 {
			weight = apart(r, n, 0, random(r, n, kinds[round/3].draw))
		}
		groups, proven := Split(n, weight)
		grouped, sum := weigh(t, n, groups, weight)
		if grouped != n || !proven {
			t.Fatalf("%d of %d people have a group, proven: %v", grouped, n, proven)
		}
		for range 200 {
			order := r.Perm(n)
			a, b, c, left := order[0], order[1], order[2], order[3:]
			w := func(i, j int) int64 { w, _ := weight(min(i, j), max(i, j)); return w }
			if other := New(n-3, func(i, j int) int64 { return w(left[i], left[j]) }).Weight() + w(a, b) + w(a, c) + w(b, c); other > sum {
				t.Fatalf("%d people weigh %d, with %d, %d and %d together %d", n, sum, a, b, c, other)
			}
		}
	}
}

func TestWhereTheLimitIsReachedTheBestFoundIsTaken(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	unproven := 0
	for range 50 {
		n := 41
		weight := apart(r, n, 0.02, random(r, n, kinds[3].draw))
		groups, proven := split(n, weight, 0)
		if !proven {
			unproven++
		}
		again, _ := split(n, weight, 0)
		if !slices.EqualFunc(groups, again, slices.Equal[[]int]) {
			t.Fatal("the same people are split in two ways")
		}
		_, found := weigh(t, n, groups, weight)
		groups, _ = Split(n, weight)
		if grouped, best := weigh(t, n, groups, weight); grouped == n && found > best {
			t.Fatalf("%d found, %d proved", found, best)
		}
	}
	if unproven == 0 {
		t.Error("the limit was never reached")
	}
}
