package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"efterkurs/store/storetest"
)

// A flood of webhooks, half of them signed, against the real server while it sends: what is not signed is
// refused, what is signed is stored once and acknowledged in time (Slack waits 3 s), memory stays bounded and
// texts go on leaving.
//
// It fails where VerifySignature (bot/sms/webhook.go, bot/slack/webhook.go) lets a request through, where a
// webhook waits for the worker or the provider before it is acknowledged, and where SaveReply (store/reply.go)
// is no longer one row a provider's id.
func TestAFloodOfWebhooks(t *testing.T) {
	eachDatabaseInTurn(t, func(t *testing.T, database string) {
		requests := storetest.Size(t, 600, 10_000, 30_000)
		const people, clients, rss = 200, 24, 300 << 10
		w, l, office := servedWorld(t, database, people)
		stop := w.serve()
		pid := w.pid
		flow := office.press(people, 2) // people who write and are due an answer, through all of it
		l.flow(office, 5, 30*time.Second)
		repliesBefore := l.taken()

		var mu sync.Mutex
		took := map[string][]time.Duration{}
		statuses := map[string]int{}
		var next atomic.Int64
		var wg sync.WaitGroup
		started := time.Now()
		for range clients {
			wg.Go(func() {
				for {
					n := int(next.Add(1)) - 1
					if n >= requests {
						return
					}
					kind, send := w.webhook(n)
					at := time.Now()
					res, err := send()
					d := time.Since(at)
					status := "nothing"
					if err == nil {
						res.Body.Close()
						status = strconv.Itoa(res.StatusCode)
					}
					mu.Lock()
					took[kind] = append(took[kind], d)
					statuses[kind+" "+status]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		lasted := time.Since(started)
		l.flow(office, 5, 30*time.Second)
		peak := peakMemory(t, pid)
		flow.lift()
		stop()

		for kind := range took {
			slices.Sort(took[kind])
			at := func(share float64) time.Duration {
				return took[kind][int(share*float64(len(took[kind])-1))].Round(time.Millisecond / 10)
			}
			t.Logf("%-16s %6d requests, half within %s, 99 of 100 within %s, all within %s", kind, len(took[kind]), at(0.5), at(0.99), at(1))
			if at(0.99) > 3*time.Second {
				t.Errorf("%s: one of a hundred waited more than %s", kind, at(0.99))
			}
		}
		quarter := requests / 4
		for status, want := range map[string]int{"twilio signed 200": quarter, "twilio unsigned 403": quarter, "slack signed 200": quarter, "slack unsigned 403": quarter} {
			if statuses[status] != want {
				t.Errorf("%d of %s, want %d: %v", statuses[status], status, want, statuses)
			}
		}
		for _, prefix := range []string{"SMee", "T0EFTERKURS:D0FLOOD:"} { // of what was signed; each was brought twice
			if n := l.count(`SELECT COUNT(*) FROM replies WHERE provider_id LIKE $1`, prefix+"%"); n != quarter/2 {
				t.Errorf("%d rows of %s…, want %d", n, prefix, quarter/2)
			}
		}
		if n := l.count(`SELECT COUNT(*) FROM replies WHERE body = 'unsigned'`); n > 0 {
			t.Errorf("%d unsigned texts were stored", n)
		}
		if peak > rss {
			t.Errorf("the server took %d MB", peak>>10)
		}
		t.Logf("%d requests in %s: %.0f a minute; %d texts left meanwhile; at most %d MB", requests, lasted.Round(time.Millisecond),
			float64(requests)/lasted.Minutes(), l.taken()-repliesBefore, peak>>10)
	})
}

// webhook is request n of a flood: signed and not, by Twilio and by Slack, each signed one twice over.
func (w *world) webhook(n int) (kind string, send func() (*http.Response, error)) {
	id := n / 8
	ctx := w.t.Context()
	switch n % 4 {
	case 0:
		form := url.Values{"From": {fmt.Sprintf("+45201300%02d", id%100)}, "To": {w.twilio.Number}, "Body": {"vi prøvede det i dag"}, "NumMedia": {"0"}, "MessageSid": {smsID("ee", id)}}
		return "twilio signed", func() (*http.Response, error) {
			return w.twilio.Post(ctx, providerClient, w.public+"/webhooks/twilio/inbound", form)
		}
	case 1:
		form := url.Values{"From": {"+4520130000"}, "To": {w.twilio.Number}, "Body": {"unsigned"}, "MessageSid": {smsID("ff", n)}}
		return "twilio unsigned", func() (*http.Response, error) {
			return providerClient.PostForm(w.public+"/webhooks/twilio/inbound", form)
		}
	case 2:
		event := map[string]any{"type": "message", "channel_type": "im", "user": fmt.Sprintf("U0FLOOD%02d", id%100), "channel": "D0FLOOD", "text": "vi prøvede det i dag",
			"ts": fmt.Sprintf("17%08d.000100", id)}
		return "slack signed", func() (*http.Response, error) {
			return w.slack.Event(ctx, w.public+"/webhooks/slack/events", fmt.Sprintf("EVFL%08d", id), event)
		}
	default:
		body := `{"type":"event_callback","event_id":"EvX` + strconv.Itoa(n) + `","event":{"type":"message","channel_type":"im","user":"U0FLOOD","text":"unsigned","ts":"1.2"}}`
		return "slack unsigned", func() (*http.Response, error) {
			return providerClient.Post(w.public+"/webhooks/slack/events", "application/json", strings.NewReader(body))
		}
	}
}

// peakMemory is the most that a process has had in memory at once, in KB; 0 where the system does not say.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kb
		}
	}
	return 0
}
