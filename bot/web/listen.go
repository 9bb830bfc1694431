package web

import (
	"context"
	"sync"
	"time"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// Texts that a webhook could not store, and the sign of life of who listens. The clockwork goes by both: it asks the
// provider before it sends anything more.

// listenEvery is how often the sign of life is given; bot.Listens is a few of them.
const listenEvery = 20 * time.Second

// missed is what could not be stored, by channel since when, until the database has been told.
type missed struct {
	mu    sync.Mutex
	since map[string]time.Time
	some  chan struct{}
}

func newMissed() *missed {
	return &missed{since: map[string]time.Time{}, some: make(chan struct{}, 1)}
}

// note is called when a text was brought that could not be stored. The provider has been told so, but Twilio does
// not come again for that.
func (m *missed) note(channel string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if since, ok := m.since[channel]; !ok || at.Before(since) {
		m.since[channel] = at
	}
	select {
	case m.some <- struct{}{}:
	default:
	}
}

// tell tells the database, and forgets what it has told.
func (m *missed) tell(ctx context.Context, store Store) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for channel, since := range m.since {
		if err := store.Missed(ctx, channel, since); err != nil {
			return err
		}
		delete(m.since, channel)
	}
	return nil
}

// Listen tells the database that webhooks are listened to, and what was missed, until ctx is done.
func (s *Server) Listen(ctx context.Context) {
	ticker := time.NewTicker(listenEvery)
	defer ticker.Stop()
	for {
		if err := s.listening(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("telling the database that webhooks are listened to; tried again soon", "error", err)
		}
		select {
		case <-ctx.Done():
			// What is missed in the last moment is found by the next process, which looks before it sends.
			return
		case <-s.missed.some:
		case <-ticker.C:
		}
	}
}

func (s *Server) listening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, listenEvery/2)
	defer cancel()
	if err := s.missed.tell(ctx, s.Store); err != nil {
		return err
	}
	// Slack alone: it repeats what it is not thanked for. Twilio's list is read every minute in any case.
	return s.Store.Heard(ctx, reminders.Slack, s.Now(), bot.Listens)
}
