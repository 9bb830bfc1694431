//go:build unix

package reminders

import (
	"math/rand"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// large draws a company as they are: classes of about a dozen, three shifts, teams, languages, and windows of their own.
func large(n int) PairSubject {
	r := rand.New(rand.NewSource(2))
	s := PairSubject{Company: Company{ID: 1}}
	s.Candidates = candidates(n, func(_ int, c *Candidate) {
		c.Enrolment.ClassID = int64(1 + r.Intn(n/12+1))
		c.Enrolment.Team = string(rune('a' + r.Intn(12)))
		c.Person.Shift = []Shift{DayShift, DayShift, EveningShift, NightShift, ""}[r.Intn(5)]
		c.Person.Language = []string{"da", "da", "da", "en", "pl", "uk"}[r.Intn(6)]
		if r.Intn(10) == 0 {
			c.Person.Window = Window{13 * 60, 15 * 60}
		}
	})
	draw := func() [2]int64 { return [2]int64{101 + r.Int63n(int64(n)), 101 + r.Int63n(int64(n))} }
	for range n {
		s.Past, s.Blocked = append(s.Past, draw()), append(s.Blocked, draw())
	}
	return s
}

// The time is the processor's, which does not depend on what else it has to do.
func TestTwoThousandPeopleArePairedInTwoSeconds(t *testing.T) {
	for _, n := range []int{2000, 2001} {
		s := large(n)
		began, used := time.Now(), processorTime(t)
		groups, _ := Pair(s, time.Time{})
		used = processorTime(t) - used
		t.Logf("%d people in %d groups: %s of the processor, %s in all", n, len(groups), used, time.Since(began))
		if used > 2*time.Second && !raceDetector {
			t.Errorf("%d people took %s", n, used)
		}
		if len(groups) != n/2 {
			t.Errorf("%d people in %d groups", n, len(groups))
		}
		if slices.ContainsFunc(groups, func(g BuddyGroup) bool { return strings.Contains(g.Why, bestFound) }) {
			t.Error("the place of the three is not proved")
		}
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
