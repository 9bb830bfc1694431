package bot_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"efterkurs/bot/diary"
	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// proposed are the first times for the visit at Smed & Søn, with the consultant's calendar at address, "" = none.
func proposed(t *testing.T, address string) []time.Time {
	t.Helper()
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.engine.Diaries = diary.Fetcher{Now: w.clock.Now, AllowLoopback: true}
	w.enrol(row("Ali"))
	_, err := w.store.SetDiary(ctx, w.clock.Now(), "karen@skole.dk", nil, nil, &address)
	w.ok(err)
	w.until("2026-09-30")
	visits, err := w.store.Visits(ctx, reminders.VisitFilter{States: []string{reminders.VisitProposed}})
	w.ok(err)
	if len(visits) != 1 || len(visits[0].Slots) == 0 {
		t.Fatalf("visits: %+v", visits)
	}
	return visits[0].Slots
}

// The calendar is fetched by the clockwork, and no visit is proposed within an hour of what stands in it. The last time it could be
// read counts.
func TestVisitsAreProposedBesideTheConsultantsCalendar(t *testing.T) {
	t.Parallel()
	free := proposed(t, "")
	var text strings.Builder
	text.WriteString("BEGIN:VCALENDAR\nVERSION:2.0\n")
	for i, slot := range free {
		at := slot.UTC().Add(-90 * time.Minute) // ends half an hour before: too near to drive
		fmt.Fprintf(&text, "BEGIN:VEVENT\nUID:%d\nDTSTART:%s\nDURATION:PT1H\nEND:VEVENT\n", i, at.Format("20060102T150405Z"))
	}
	text.WriteString("END:VCALENDAR\n")
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) > 3 {
			http.Error(rw, "gone for now", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(rw, text.String())
	}))
	defer server.Close()
	beside := proposed(t, server.URL+"/calendar.ics")
	for _, slot := range beside {
		if slices.ContainsFunc(free, slot.Equal) {
			t.Errorf("%s is proposed half an hour after another appointment", slot)
		}
	}
	if asked.Load() < 5 {
		t.Errorf("the calendar was asked for %d times", asked.Load())
	}
}
