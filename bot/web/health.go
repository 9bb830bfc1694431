package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readyTick is how old the last tick may be: five missed wake-ups of the clockwork.
const readyTick = 5 * time.Minute

// healthz says that the process is alive.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

// readyz says whether the database answers, a worker ticked lately, and every channel may send.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	problems := []string{}
	if health, err := s.Store.Health(r.Context(), s.Now()); err != nil {
		s.Log.Error("reading the health", "error", err)
		problems = append(problems, "the database does not answer")
	} else {
		switch {
		case health.LastTick.StartedAt.IsZero():
			problems = append(problems, "no worker has ticked yet")
		case s.Now().Sub(health.LastTick.StartedAt.Add(health.LastTick.Took)) > readyTick:
			problems = append(problems, "the last tick ended more than five minutes ago")
		}
		for channel := range health.Halted {
			problems = append(problems, "the channel "+channel+" is halted")
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if len(problems) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": len(problems) == 0, "problems": problems})
}

// metrics are asked of the database at each scrape, so that every process of an installation says the same.
type metrics struct {
	registry *prometheus.Registry
	hooks    *prometheus.CounterVec
}

func newMetrics(cfg Config) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), hooks: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "efterkurs_webhooks_total", Help: "Webhooks answered by this process, by channel and what they were."}, []string{"channel", "kind"})}
	m.registry.MustRegister(m.hooks, &gauges{cfg: cfg})
	return m
}

func (m *metrics) webhook(channel, kind string) { m.hooks.WithLabelValues(channel, kind).Inc() }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

var (
	gaugeDue      = prometheus.NewDesc("efterkurs_messages_due", "Messages whose time has come and that are not sent.", nil, nil)
	gaugeMessages = prometheus.NewDesc("efterkurs_messages", "Messages by channel and state.", []string{"channel", "state"}, nil)
	gaugeOldest   = prometheus.NewDesc("efterkurs_oldest_due_seconds", "Age of the oldest message that is due and not sent.", nil, nil)
	gaugeUnknown  = prometheus.NewDesc("efterkurs_messages_unknown", "Messages whose outcome nobody saw.", nil, nil)
	gaugeInbox    = prometheus.NewDesc("efterkurs_inbox", "Replies that wait for a person.", nil, nil)
	gaugeTick     = prometheus.NewDesc("efterkurs_last_tick_seconds", "Age of the last tick.", nil, nil)
	gaugeTook     = prometheus.NewDesc("efterkurs_last_tick_duration_seconds", "How long the last tick took.", nil, nil)
	gaugeHalted   = prometheus.NewDesc("efterkurs_channel_halted", "1 for a channel that is halted.", []string{"channel"}, nil)
	gaugeUp       = prometheus.NewDesc("efterkurs_database_up", "1 if the database answers.", nil, nil)
)

type gauges struct{ cfg Config }

func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{gaugeDue, gaugeMessages, gaugeOldest, gaugeUnknown, gaugeInbox, gaugeTick, gaugeTook, gaugeHalted, gaugeUp} {
		ch <- d
	}
}

func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := g.cfg.Now()
	health, err := g.cfg.Store.Health(ctx, now)
	if err != nil {
		g.cfg.Log.Error("reading the health for metrics", "error", err)
		gauge(gaugeUp, 0)
		return
	}
	gauge(gaugeUp, 1)
	gauge(gaugeDue, float64(health.Due))
	gauge(gaugeUnknown, float64(health.Unknown))
	gauge(gaugeInbox, float64(health.Inbox))
	if !health.OldestDue.IsZero() {
		gauge(gaugeOldest, now.Sub(health.OldestDue).Seconds())
	}
	if !health.LastTick.StartedAt.IsZero() {
		gauge(gaugeTick, now.Sub(health.LastTick.StartedAt).Seconds())
		gauge(gaugeTook, health.LastTick.Took.Seconds())
	}
	for channel := range health.Halted {
		gauge(gaugeHalted, 1, channel)
	}
	for _, n := range health.Messages {
		gauge(gaugeMessages, float64(n.Count), n.Channel, string(n.State))
	}
}
