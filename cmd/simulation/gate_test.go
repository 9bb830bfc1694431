package simulation

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// gate lets one goroutine go on at a time, in an order that the seed decides. All chance comes from here: whoever
// passes is given a number to decide by until they come to a gate again.
type gate struct {
	mu      sync.Mutex
	waiting []waiter
	arrived chan struct{}
	chance  *rand.Rand
	passed  int
}

type waiter struct {
	key string
	ch  chan luck
}

// luck is what befalls somebody until the next gate.
type luck uint64

// one says whether something befalls that does so once in n times; each kind of thing has a salt of its own.
func (l luck) one(n uint64, salt uint64) bool { return n > 0 && l.draw(salt)%n == 0 }

func (l luck) draw(salt uint64) uint64 {
	return rand.New(rand.NewPCG(uint64(l), salt)).Uint64()
}

func newGate(seed uint64) *gate {
	return &gate{arrived: make(chan struct{}, 1), chance: rand.New(rand.NewPCG(seed, 1))}
}

// pass waits until it is key's turn. Of those who wait at once no two have the same key.
func (g *gate) pass(key string) luck {
	w := waiter{key, make(chan luck, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	g.mu.Unlock()
	select {
	case g.arrived <- struct{}{}:
	default:
	}
	return <-w.ch
}

// leave is what somebody does who goes to sleep or ends: whoever passes after them sees what they did.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
}

// run opens the gate for one after the other until ctx is done.
func (g *gate) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.arrived:
		}
		for {
			synctest.Wait() // everybody else waits: here, for a time to come, or for one of those
			g.mu.Lock()
			if len(g.waiting) == 0 {
				g.mu.Unlock()
				break
			}
			slices.SortFunc(g.waiting, func(a, b waiter) int { return cmp.Compare(a.key, b.key) })
			i := g.chance.IntN(len(g.waiting))
			next, fate := g.waiting[i], luck(g.chance.Uint64())
			g.waiting = slices.Delete(g.waiting, i, i+1)
			g.passed++
			g.mu.Unlock()
			time.Sleep(time.Millisecond) // so that of two things one is earlier
			next.ch <- fate
		}
	}
}

// tell and teller carry who is at work through the program.
type tellerKey struct{}

func tell(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, tellerKey{}, who)
}

func teller(ctx context.Context) string {
	who, _ := ctx.Value(tellerKey{}).(string)
	return who
}
