// Package matching pairs the vertices of a complete graph so that the sum of the weights is greatest.
//
// It is Edmonds' blossom algorithm (J. Edmonds, "Maximum matching and a polyhedron with 0,1-vertices", 1965) in the primal-dual
// form for dense graphs (E. Lawler, "Combinatorial optimization", 1976, chapter 6; Z. Galil, "Efficient algorithms for finding
// maximum matching in graphs", 1986). Every vertex has a price, every odd set of vertices that was drawn together (a blossom) has
// one of 0 or more, and what always holds is:
//
//  1. for every pair i, j: price of i + price of j + prices of the blossoms that hold both ≥ 2·weight (the rest is the slack);
//  2. a pair that is matched has slack 0;
//  3. a blossom with a price above 0 has all but one of its vertices matched inside.
//
// When everybody is matched, the prices prove that no other matching weighs more: see Prices. Weights are doubled
// and all arithmetic is on integers, so there is no rounding.
//
// One tree is grown at a time, from a vertex that has no partner, and only the vertices it reaches are looked at, each of them
// against all others once: O(n²) for a tree without repeated blossoms, O(n³) for all in practice. No Go library was found that is
// kept well enough: github.com/gnutterts/chesspairing has this algorithm, and nobody who imports it.
package matching

import (
	"math"
	"slices"
)

const (
	none = -1
	far  = math.MaxInt64 / 4
)

// What a vertex is to the tree that grows.
type label int8

const (
	outside label = iota
	outer         // an even number of steps from the root
	inner         // an odd one
	removed       // no longer in the graph
)

// Matching is a perfect matching of greatest weight. It is not safe for concurrent use, nor are two of which one was
// made from the other by Without.
type Matching struct {
	n        int
	weight   []int64   // n rows of n, doubled
	price    []int64   // by vertex
	partner  []int     // by vertex; none = free
	top      []int     // by vertex: the outermost set it is in
	parent   []int     // by set: the blossom it is a child of; none = outermost
	blossoms []blossom // the set n+i is blossoms[i]
	unused   []int     // blossoms that were opened, to be taken again
	gone     []bool
	tree     *tree
}

// blossom is an odd cycle of sets. Its base, the one vertex not matched inside, is in the first child; the second is matched with
// the third, the fourth with the fifth, and so on. Slices are replaced, never changed: copies of a Matching share them.
type blossom struct {
	children []int
	edges    [][2]int // from a vertex of children[i] to one of children[i+1], the last to the first
	vertices []int
	price    int64
}

// New matches n vertices, an even number. weight is asked once for every i < j; n times its greatest size must stay below 2⁶⁰.
func New(n int, weight func(i, j int) int64) *Matching {
	if n%2 != 0 {
		panic("matching: an odd number of vertices")
	}
	m := empty(n)
	for i := range n {
		for j := i + 1; j < n; j++ {
			m.setWeight(i, j, weight(i, j))
		}
	}
	m.start()
	return m
}

// empty has no weights and no pairs.
func empty(n int) *Matching {
	m := &Matching{
		n: n, weight: make([]int64, n*n), price: make([]int64, n), partner: make([]int, n), top: make([]int, n),
		parent: make([]int, n), gone: make([]bool, n), tree: newTree(n),
	}
	for i := range n {
		m.partner[i], m.parent[i], m.top[i] = none, none, i
	}
	return m
}

func (m *Matching) setWeight(i, j int, w int64) {
	m.weight[i*m.n+j], m.weight[j*m.n+i] = 2*w, 2*w
}

func (m *Matching) weightOf(i, j int) int64 { return m.weight[i*m.n+j] / 2 }

// start matches all. With the price of everybody's best pair most vertices find somebody for whom they are the best
// as well; trees are for the rest.
func (m *Matching) start() {
	for i := range m.n {
		m.price[i] = math.MinInt64
		for j, w := range m.weight[i*m.n : (i+1)*m.n] {
			if i != j {
				m.price[i] = max(m.price[i], w/2)
			}
		}
	}
	for i := range m.n {
		for j := i + 1; j < m.n && m.partner[i] == none; j++ {
			if m.partner[j] == none && m.price[i]+m.price[j] == m.weight[i*m.n+j] {
				m.partner[i], m.partner[j] = j, i
			}
		}
	}
	m.matchAll()
}

// Partner is who v is matched with; negative where v was removed.
func (m *Matching) Partner(v int) int { return m.partner[v] }

// Weight is the sum of the weights of all pairs.
func (m *Matching) Weight() (sum int64) {
	for i, j := range m.partner {
		if i < j {
			sum += m.weightOf(i, j)
		}
	}
	return sum
}

// OddSet is a blossom with a price above 0.
type OddSet struct {
	Vertices []int
	Price    int64
}

// Prices proves that the matching is the best there is: with them the rules of the package comment hold, and
// the sum of all prices, those of odd sets times half their size rounded down, is twice Weight.
func (m *Matching) Prices() (vertices []int64, sets []OddSet) {
	for i := range m.blossoms {
		if b := &m.blossoms[i]; b.children != nil && b.price > 0 {
			sets = append(sets, OddSet{b.vertices, b.price})
		}
	}
	return m.price, sets
}

// Slack is at most what is lost, doubled, when i and j must be a pair.
func (m *Matching) Slack(i, j int) int64 {
	slack := m.price[i] + m.price[j] - m.weight[i*m.n+j]
	if m.top[i] != m.top[j] {
		return slack
	}
	for a := m.parent[i]; a != none; a = m.parent[a] {
		for b := m.parent[j]; b != none; b = m.parent[b] {
			if a == b {
				slack += m.blossoms[a-m.n].price
			}
		}
	}
	return slack
}

// Without is the best matching of all but these, an even number of vertices. m is not changed, and almost all of its work is kept.
func (m *Matching) Without(vertices ...int) *Matching {
	c := *m
	c.price, c.partner, c.top = slices.Clone(m.price), slices.Clone(m.partner), slices.Clone(m.top)
	c.parent, c.blossoms, c.unused = slices.Clone(m.parent), slices.Clone(m.blossoms), slices.Clone(m.unused)
	c.gone = slices.Clone(m.gone)
	c.tree.looked += int64(8 * m.n)
	for _, v := range vertices {
		for c.top[v] != v {
			c.dissolve(c.top[v])
		}
		c.part(v)
		c.gone[v] = true
	}
	c.matchAll()
	return &c
}

// part ends the pair v is in.
func (m *Matching) part(v int) {
	if p := m.partner[v]; p != none {
		m.partner[v], m.partner[p] = none, none
	}
}

// dissolve opens an outermost blossom that has a price: half of it goes to each vertex. Pairs inside stay
// tight; the one that leads outside is no longer, and ends.
func (m *Matching) dissolve(set int) {
	m.part(m.base(set))
	b := &m.blossoms[set-m.n]
	for _, v := range b.vertices {
		m.price[v] += b.price / 2
	}
	m.open(set)
}

// matchAll grows a tree from every free vertex until it has a partner.
func (m *Matching) matchAll() {
	for v := range m.n {
		if m.partner[v] == none && !m.gone[v] {
			m.grow(v)
		}
	}
}

// base is the vertex of a set that is not matched inside it.
func (m *Matching) base(set int) int {
	for set >= m.n {
		set = m.blossoms[set-m.n].children[0]
	}
	return set
}

// vertices are those in a set. The answer for a single vertex lives until the next call.
func (m *Matching) vertices(set int) []int {
	if set < m.n {
		m.tree.one[0] = set
		return m.tree.one[:]
	}
	return m.blossoms[set-m.n].vertices
}

// newBlossom makes a cycle of outermost sets one set.
func (m *Matching) newBlossom(children []int, edges [][2]int) (set int) {
	b := blossom{children: children, edges: edges}
	for _, child := range children {
		b.vertices = append(b.vertices, m.vertices(child)...)
	}
	if last := len(m.unused) - 1; last >= 0 {
		set = m.unused[last]
		m.unused = m.unused[:last]
		m.blossoms[set-m.n] = b
	} else {
		set = m.n + len(m.blossoms)
		m.blossoms = append(m.blossoms, b)
		m.parent = append(m.parent, none)
	}
	for _, child := range children {
		m.parent[child] = set
	}
	for _, v := range b.vertices {
		m.top[v] = set
	}
	return set
}

// open makes the children of an outermost blossom outermost themselves.
func (m *Matching) open(set int) {
	for _, child := range m.blossoms[set-m.n].children {
		m.parent[child] = none
		for _, v := range m.vertices(child) {
			m.top[v] = child
		}
	}
	m.blossoms[set-m.n] = blossom{}
	m.unused = append(m.unused, set)
}

// toBase are the places in the cycle of size from at back to 0, over an even number of edges: the first of them is
// matched, the next is not, and so on.
func toBase(at, size int) (places []int) {
	step := 1
	if at%2 == 0 {
		step = size - 1
	}
	for ; at != 0; at = (at + step) % size {
		places = append(places, at)
	}
	return append(places, 0)
}

// place is where in the cycle of a blossom v is.
func (m *Matching) place(set, v int) int {
	for m.parent[v] != set {
		v = m.parent[v]
	}
	return slices.Index(m.blossoms[set-m.n].children, v)
}

// edge leads from the child at one place of a blossom's cycle to the child at the next or the one before.
func (b *blossom) edge(from, to int) (x, y int) {
	if (from+1)%len(b.children) == to {
		return b.edges[from][0], b.edges[from][1]
	}
	return b.edges[to][1], b.edges[to][0]
}

// rebase makes v the base of a set, by changing who is matched with whom inside.
func (m *Matching) rebase(set, v int) {
	if set < m.n {
		return
	}
	b := m.blossoms[set-m.n]
	at := m.place(set, v)
	m.rebase(b.children[at], v)
	places := toBase(at, len(b.children))
	for i := 1; i < len(places); i += 2 {
		x, y := b.edge(places[i], places[i+1])
		m.rebase(b.children[places[i]], x)
		m.rebase(b.children[places[i+1]], y)
		m.partner[x], m.partner[y] = y, x
	}
	if at > 0 {
		m.blossoms[set-m.n].children = slices.Concat(b.children[at:], b.children[:at])
		m.blossoms[set-m.n].edges = slices.Concat(b.edges[at:], b.edges[:at])
	}
}
