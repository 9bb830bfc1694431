package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
)

// A text that could not be stored is refused, and the clockwork is told to ask the provider for it, whichever came first.
// It fails where a refused text is not noted, or where the sign of life after it closes the break.
func TestATextThatCouldNotBeStoredIsToBeAskedFor(t *testing.T) {
	g := openGate(t)
	ctx := t.Context()
	if err := g.server.listening(ctx); err != nil {
		t.Fatal(err)
	}
	body := texted(aSID, "STOP").Encode()
	r := httptest.NewRequest(http.MethodPost, inbound, strings.NewReader(body))
	r.Header.Set("Content-Type", formed)
	r.Header.Set("X-Twilio-Signature", g.twilio.Sign(g.server.PublicURL+inbound, texted(aSID, "STOP")))
	gone, cancel := context.WithCancel(ctx)
	cancel() // the database answers nobody whose time is up
	w := httptest.NewRecorder()
	g.server.Handler().ServeHTTP(w, r.WithContext(gone))
	if w.Code < 500 && w.Code != http.StatusOK || len(g.replies()) != 0 {
		t.Fatalf("answered %d, %d stored", w.Code, len(g.replies()))
	}
	select { // whose time is up is answered at once, and what came of it is noted a moment later
	case <-g.server.missed.some:
	case <-ctx.Done():
		t.Fatal("nothing was noted")
	}
	if err := g.server.listening(ctx); err != nil {
		t.Fatal(err)
	}
	heard, err := g.store.Listening(ctx, reminders.SMS)
	if err != nil || heard.MissedSince.IsZero() || heard.MissedSince.After(g.server.Now()) {
		t.Errorf("listening: %+v, %v", heard, err)
	}
}

// The sign of life goes on until the end, and ends with its context. It fails where Listen outlives it.
func TestListenGivesASignOfLifeUntilTheEnd(t *testing.T) {
	g := openGate(t)
	now := g.server.Now()
	if err := g.store.Swept(t.Context(), reminders.Slack, now.Add(-time.Minute), time.Time{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { g.server.Listen(ctx); close(ended) }()
	for {
		heard, err := g.store.Listening(t.Context(), reminders.Slack)
		if err != nil {
			t.Fatal(err)
		}
		if heard.Until.Equal(now) {
			break
		}
	}
	cancel()
	<-ended
}
