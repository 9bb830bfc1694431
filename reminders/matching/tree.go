package matching

// tree is what a search needs while it lasts, by vertex or by set.
type tree struct {
	label    []label  // of the set that a vertex is in
	slack    []int64  // of a vertex that is not outer: the least to an outer one
	via      []int    // that outer one
	rival    []int64  // of an outer vertex: at most the least slack to an outer one in another set
	rivalOf  []int    // that other one, when rival was found
	link     [][2]int // of an inner set: the edge it was reached by, from an outer vertex
	seen     []int    // of a set: the last time it was passed on the way to the root
	passes   int
	unlooked []int // outer vertices that have not been compared with all others
	inners   []int // inner blossoms
	one      [1]int
	looked   int64 // edges looked at for all trees, and other work of that size
}

func newTree(n int) *tree {
	sets := n + n/2 + 1
	return &tree{
		label: make([]label, n), slack: make([]int64, n), via: make([]int, n), rival: make([]int64, n), rivalOf: make([]int, n),
		link: make([][2]int, sets), seen: make([]int, sets),
	}
}

// grow finds a partner for a free vertex: a way on which every other edge is matched, to another free vertex, over edges
// of slack 0. Where there is none, prices change until there is.
func (m *Matching) grow(root int) {
	t := m.tree
	for v := range m.n {
		t.label[v], t.slack[v], t.rival[v] = outside, far, far
		if m.gone[v] {
			t.label[v] = removed
		}
	}
	t.unlooked, t.inners = t.unlooked[:0], t.inners[:0]
	m.makeOuter(m.top[root])
	for !m.look() && !m.reprice() {
	}
	for i := range m.blossoms {
		m.openFree(m.n + i)
	}
}

// openFree opens an outermost blossom without a price, and those that come out of it.
func (m *Matching) openFree(set int) {
	if set < m.n || m.parent[set] != none {
		return
	}
	if b := m.blossoms[set-m.n]; b.children != nil && b.price == 0 {
		m.open(set)
		for _, child := range b.children {
			m.openFree(child)
		}
	}
}

func (m *Matching) makeOuter(set int) {
	for _, v := range m.vertices(set) {
		m.tree.label[v] = outer
		m.tree.unlooked = append(m.tree.unlooked, v)
	}
}

func (m *Matching) makeInner(set, from, to int) {
	m.tree.link[set] = [2]int{from, to}
	for _, v := range m.vertices(set) {
		m.tree.label[v] = inner
	}
	if set >= m.n {
		m.tree.inners = append(m.tree.inners, set)
	}
}

// look compares the outer vertices that are new with all others, and says whether the root has a partner now.
func (m *Matching) look() (done bool) {
	t := m.tree
	for len(t.unlooked) > 0 {
		s := t.unlooked[len(t.unlooked)-1]
		t.unlooked = t.unlooked[:len(t.unlooked)-1]
		t.looked += int64(m.n)
		weight := m.weight[s*m.n : (s+1)*m.n]
		price := m.price[s]
		for v, l := range t.label {
			if l == removed {
				continue
			}
			slack := price + m.price[v] - weight[v]
			switch {
			case l == outer:
				if slack < t.rival[s] && m.top[v] != m.top[s] {
					if slack == 0 {
						m.shrink(s, v)
					} else {
						t.rival[s], t.rivalOf[s] = slack, v
					}
				}
			case slack < t.slack[v]:
				t.slack[v], t.via[v] = slack, s
				if slack == 0 && l == outside && m.reach(s, v) {
					return true
				}
			}
		}
	}
	return false
}

// reach takes the set of v into the tree, with the one it is matched with; or, where it is free, ends the search.
func (m *Matching) reach(s, v int) (done bool) {
	set := m.top[v]
	mate := m.partner[m.base(set)]
	if mate == none {
		m.augment(s, v)
		return true
	}
	m.makeInner(set, s, v)
	m.makeOuter(m.top[mate])
	return false
}

// augment matches s with the free v, and changes every pair on the way from s to the root.
func (m *Matching) augment(s, v int) {
	m.rebase(m.top[v], v)
	for {
		set := m.top[s]
		mate := m.partner[m.base(set)]
		m.rebase(set, s)
		m.partner[s], m.partner[v] = v, s
		if mate == none {
			return
		}
		link := m.tree.link[m.top[mate]]
		m.rebase(m.top[mate], link[1])
		s, v = link[0], link[1]
	}
}

// up is the way from an outer set two steps towards the root: the edges, the inner set between, the outer set. ok is false at the root.
func (m *Matching) up(set int) (first [2]int, between int, second [2]int, next int, ok bool) {
	base := m.base(set)
	mate := m.partner[base]
	if mate == none {
		return
	}
	between = m.top[mate]
	link := m.tree.link[between]
	return [2]int{base, mate}, between, [2]int{link[1], link[0]}, m.top[link[0]], true
}

// shrink makes a blossom of the cycle that the edge between two outer vertices closes.
func (m *Matching) shrink(s, v int) {
	t := m.tree
	t.passes++
	// From both ends in turn, so that a short cycle deep in the tree is found in few steps.
	a, b := m.top[s], m.top[v]
	for a != none && t.seen[a] != t.passes {
		t.seen[a] = t.passes
		if _, _, _, next, ok := m.up(a); ok {
			a = next
		} else {
			a = none
		}
		if b != none {
			a, b = b, a
		}
	}
	meet := a
	var children []int
	var edges [][2]int
	for set := m.top[s]; set != meet; { // upwards from s, to be turned around
		first, between, second, next, _ := m.up(set)
		children = append(children, set, between)
		edges = append(edges, first, second)
		set = next
	}
	children = append(children, meet)
	reverse(children, edges)
	edges = append(edges, [2]int{s, v})
	for set := m.top[v]; set != meet; {
		first, between, second, next, _ := m.up(set)
		children = append(children, set, between)
		edges = append(edges, first, second)
		set = next
	}
	for _, child := range children {
		if vertices := m.vertices(child); t.label[vertices[0]] == inner {
			m.makeOuter(child)
		}
	}
	m.newBlossom(children, edges)
}

func reverse(children []int, edges [][2]int) {
	for i, j := 0, len(children)-1; i < j; i, j = i+1, j-1 {
		children[i], children[j] = children[j], children[i]
	}
	for i, j := 0, len(edges)-1; i <= j; i, j = i+1, j-1 {
		edges[i], edges[j] = [2]int{edges[j][1], edges[j][0]}, [2]int{edges[i][1], edges[i][0]}
	}
}

// reprice takes as much from outer vertices, and gives to inner ones, as the rules allow; then something can
// be done: a vertex reached, a cycle closed, an inner blossom opened. It says whether the root has a partner now.
func (m *Matching) reprice() (done bool) {
	t := m.tree
	step := m.step()
	t.looked += int64(m.n)
	for v, l := range t.label {
		switch l {
		case outside:
			t.slack[v] -= step
		case outer:
			m.price[v] -= step
			t.rival[v] -= 2 * step
		case inner:
			m.price[v] += step
		}
	}
	for i := range m.blossoms {
		b := &m.blossoms[i]
		if b.children == nil || m.parent[m.n+i] != none {
			continue
		}
		switch t.label[b.vertices[0]] {
		case outer:
			b.price += 2 * step
		case inner:
			b.price -= 2 * step
		}
	}
	for v, l := range t.label { // to an end, where there is one
		if l == outside && t.slack[v] == 0 && m.partner[m.base(m.top[v])] == none {
			return m.reach(t.via[v], v)
		}
	}
	for v := range t.label {
		switch {
		case t.label[v] == outside && t.slack[v] == 0:
			m.reach(t.via[v], v)
		case t.label[v] == outer && t.rival[v] == 0:
			if o := t.rivalOf[v]; m.top[o] != m.top[v] {
				m.shrink(v, o)
			}
			t.rival[v], t.rivalOf[v] = m.findRival(v)
		}
	}
	m.openInner()
	return false
}

// step is the greatest change of price that breaks no rule.
func (m *Matching) step() int64 {
	t := m.tree
	step := int64(far)
	for v, l := range t.label {
		if l == outside {
			step = min(step, t.slack[v])
		}
	}
	for _, set := range t.inners {
		if m.stillInner(set) {
			step = min(step, m.blossoms[set-m.n].price/2)
		}
	}
	for v, l := range t.label {
		if l != outer {
			continue
		}
		// Who was a rival may be in the same blossom by now: only those that would decide are looked for again.
		for t.rival[v] < 2*step && m.top[t.rivalOf[v]] == m.top[v] {
			t.rival[v], t.rivalOf[v] = m.findRival(v)
		}
		step = min(step, t.rival[v]/2)
	}
	return step
}

// findRival finds the outer vertex of another set with the least slack to v.
func (m *Matching) findRival(v int) (least int64, of int) {
	t := m.tree
	t.looked += int64(m.n)
	least = far
	for o, l := range t.label {
		if l == outer && m.top[o] != m.top[v] {
			if slack := m.price[v] + m.price[o] - m.weight[v*m.n+o]; slack < least {
				least, of = slack, o
			}
		}
	}
	return least, of
}

// stillInner says whether a set that was made inner is so, as an outermost blossom.
func (m *Matching) stillInner(set int) bool {
	b := &m.blossoms[set-m.n]
	return b.children != nil && m.parent[set] == none && m.tree.label[b.vertices[0]] == inner
}

// openInner opens inner blossoms without a price. What lies between the edge they were reached by and their
// base stays in the tree, in turns inner and outer; the rest is outside again.
func (m *Matching) openInner() {
	t := m.tree
	for i := 0; i < len(t.inners); {
		set := t.inners[i]
		if !m.stillInner(set) || m.blossoms[set-m.n].price > 0 {
			i++
			continue
		}
		t.inners[i] = t.inners[len(t.inners)-1]
		t.inners = t.inners[:len(t.inners)-1]
		b := m.blossoms[set-m.n]
		link := t.link[set]
		places := toBase(m.place(set, link[1]), len(b.children))
		m.open(set)
		for _, v := range b.vertices {
			t.label[v] = outside
		}
		for j, place := range places {
			if j%2 == 1 {
				m.makeOuter(b.children[place])
				continue
			}
			if j > 0 {
				link[0], link[1] = b.edge(places[j-1], place)
			}
			m.makeInner(b.children[place], link[0], link[1])
		}
	}
}
