package matching

import (
	"math/rand"
	"testing"
)

type kind struct {
	name string
	draw func(r *rand.Rand) int64
}

// kinds of weights: few and many values, ties, negative ones, very large ones.
var kinds = []kind{
	{"none or all", func(r *rand.Rand) int64 { return r.Int63n(2) }},
	{"few", func(r *rand.Rand) int64 { return r.Int63n(5) }},
	{"mostly one", func(r *rand.Rand) int64 { return max(0, r.Int63n(12)-9) }},
	{"many", func(r *rand.Rand) int64 { return r.Int63n(1000) }},
	{"negative", func(r *rand.Rand) int64 { return r.Int63n(21) - 15 }},
	{"very large", func(r *rand.Rand) int64 { return r.Int63n(1<<50) - 1<<49 }},
	{"powers", func(r *rand.Rand) int64 { return 1 << r.Int63n(40) }},
}

func random(r *rand.Rand, n int, draw func(r *rand.Rand) int64) (weight func(i, j int) int64) {
	w := make([]int64, n*n)
	for i := range n {
		for j := range i {
			w[i*n+j] = draw(r)
			w[j*n+i] = w[i*n+j]
		}
	}
	return func(i, j int) int64 { return w[i*n+j] }
}

// clustered is like a company: classes, shifts and teams decide, and almost everybody weighs the same to somebody.
func clustered(r *rand.Rand, n int) (weight func(i, j int) int64) {
	class, shift, team := make([]int, n), make([]int, n), make([]int, n)
	for i := range n {
		class[i], shift[i], team[i] = r.Intn(n/9+1), r.Intn(3), r.Intn(4)
	}
	return func(i, j int) (w int64) {
		if class[i] == class[j] {
			w += 16
		}
		if shift[i] == shift[j] {
			w += 8
		}
		if team[i] != team[j] {
			w += 2
		}
		return w
	}
}

// best tries every perfect matching of the vertices in set.
func best(n int, weight func(i, j int) int64) int64 {
	sum := make([]int64, 1<<n)
	for set := 1; set < 1<<n; set++ {
		sum[set] = -far
		i := 0
		for set&(1<<i) == 0 {
			i++
		}
		for j := i + 1; j < n; j++ {
			if rest := set &^ (1<<i | 1<<j); set&(1<<j) != 0 && sum[rest] > -far {
				sum[set] = max(sum[set], sum[rest]+weight(i, j))
			}
		}
	}
	return sum[1<<n-1]
}

// prove checks the rules of the package comment over all pairs, and that the sum of the prices is the weight.
func prove(t *testing.T, m *Matching) {
	t.Helper()
	prices, sets := m.Prices()
	in := make([][]int, m.n)
	var sum int64
	for i, p := range prices {
		if !m.gone[i] {
			sum += p
		}
	}
	for k, s := range sets {
		if len(s.Vertices)%2 == 0 || s.Price < 0 {
			t.Fatalf("a set of %d vertices at %d", len(s.Vertices), s.Price)
		}
		sum += s.Price * int64(len(s.Vertices)/2)
		for _, v := range s.Vertices {
			in[v] = append(in[v], k)
		}
	}
	for i := range m.n {
		if p := m.Partner(i); m.gone[i] && p >= 0 || !m.gone[i] && (p < 0 || p == i || m.Partner(p) != i) {
			t.Fatalf("%d is matched with %d", i, p)
		}
		for j := range i {
			if m.gone[i] || m.gone[j] {
				continue
			}
			slack := prices[i] + prices[j] - m.weight[i*m.n+j]
			for _, a := range in[i] {
				for _, b := range in[j] {
					if a == b {
						slack += sets[a].Price
					}
				}
			}
			if slack < 0 || slack != m.Slack(i, j) {
				t.Fatalf("the slack of %d and %d is %d, said to be %d", i, j, slack, m.Slack(i, j))
			}
		}
	}
	if sum != 2*m.Weight() {
		t.Fatalf("the prices are %d, twice the weight is %d", sum, 2*m.Weight())
	}
}

func TestNoOtherMatchingWeighsMore(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			r := rand.New(rand.NewSource(1))
			for round := range 3000 {
				n := 2 * r.Intn(6)
				if round%100 == 0 {
					n = 14
				}
				weight := random(r, n, k.draw)
				m := New(n, weight)
				prove(t, m)
				if want := best(n, weight); m.Weight() != want {
					t.Fatalf("round %d: %d vertices weigh %d, the best matching %d", round, n, m.Weight(), want)
				}
			}
		})
	}
}

func TestPricesProveLargeMatchings(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for _, n := range []int{50, 100, 200, 400} {
		for _, k := range kinds {
			prove(t, New(n, random(r, n, k.draw)))
		}
		for range 5 {
			prove(t, New(n, clustered(r, n)))
		}
	}
}

// What remains when some are taken out is matched as well as it would be from the start, and the first matching is as it was.
func TestWithout(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for _, k := range kinds {
		for range 200 {
			n := 4 + 2*r.Intn(12)
			weight := random(r, n, k.draw)
			if r.Intn(3) == 0 {
				weight = clustered(r, n)
			}
			m := New(n, weight)
			was := m.Weight()
			order := r.Perm(n)
			rest := m.Without(order[:2]...)
			prove(t, rest)
			rest = rest.Without(order[2:4]...)
			prove(t, rest)
			left := order[4:]
			if want := New(n-4, func(i, j int) int64 { return weight(left[i], left[j]) }).Weight(); rest.Weight() != want {
				t.Fatalf("%s: %d of %d vertices weigh %d, the best matching %d", k.name, len(left), n, rest.Weight(), want)
			}
			prove(t, m)
			if m.Weight() != was {
				t.Fatal("the matching was changed")
			}
		}
	}
}

func BenchmarkCompany(b *testing.B) {
	r := rand.New(rand.NewSource(4))
	weight := clustered(r, 2000)
	for b.Loop() {
		m := New(2000, weight)
		b.ReportMetric(float64(m.tree.looked), "looked")
	}
}
