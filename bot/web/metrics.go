package web

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"efterkurs/reminders"
)

// Metrics are what a process counts by itself: its ticks, and the webhooks it answered. All else is asked of the
// database at each scrape, so that every process of an installation says the same, also one that only serves
// pages while others work.
type Metrics struct {
	registry *prometheus.Registry
	hooks    *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	ticks    prometheus.Histogram
}

// NewMetrics starts all counts at zero.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "efterkurs_webhooks_total",
			Help: "Webhooks answered by this process, by channel and what they were."}, []string{"channel", "kind"}),
		// Twilio waits 15 s, Slack 3.
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "efterkurs_webhook_duration_seconds",
			Help: "How long this process took to answer webhooks and answer pages, by route and status.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 3, 5, 10, 15}},
			[]string{"route", "status"}),
		// An idle tick takes milliseconds, a bulk of ten thousand a quarter of an hour.
		ticks: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "efterkurs_tick_duration_seconds",
			Help: "How long this process's ticks took.", Buckets: []float64{.01, .05, .1, .5, 1, 5, 15, 60, 300, 900, 3600}}),
	}
	m.registry.MustRegister(m.hooks, m.latency, m.ticks)
	return m
}

// Tick counts a tick of this process.
func (m *Metrics) Tick(took time.Duration) { m.ticks.Observe(took.Seconds()) }

func (m *Metrics) webhook(channel, kind string) { m.hooks.WithLabelValues(channel, kind).Inc() }

// timed observes how long requests to a route take. The route is the pattern, never the path: that may hold a token.
func (m *Metrics) timed(route string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil { // guard answers 500
				m.latency.WithLabelValues(route, "500").Observe(time.Since(started).Seconds())
				panic(p)
			}
			m.latency.WithLabelValues(route, strconv.Itoa(seen.status)).Observe(time.Since(started).Seconds())
		}()
		next(seen, r)
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// metrics answers a scrape.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeWithin)
	defer cancel()
	asked := prometheus.NewRegistry()
	asked.MustRegister(&scrape{s, ctx})
	promhttp.HandlerFor(prometheus.Gatherers{s.Metrics.registry, asked}, promhttp.HandlerOpts{Timeout: scrapeWithin}).ServeHTTP(w, r)
}

// Prometheus waits ten seconds. A scrape has eight, of which five are for the question whether the database answers.
const (
	scrapeWithin = 8 * time.Second
	upWithin     = 5 * time.Second
)

// lastCensus is the census of a while ago. It reads every message, try and reply, which takes seconds where there
// are a million: so it is not taken more often than once a minute then, and never more than a thirtieth of the
// time. In a small school it is taken at each scrape that is a second after the last.
type lastCensus struct {
	mu     sync.Mutex
	at     time.Time
	took   time.Duration
	census reminders.Census
}

func (c *lastCensus) fresh(now time.Time) bool {
	age := now.Sub(c.at)
	return !c.at.IsZero() && age >= 0 && age < max(30*c.took, min(time.Minute, 1000*c.took))
}

// census returns the census, an older one with its error where a new one cannot be had in time.
func (s *Server) census(ctx context.Context) (reminders.Census, error) {
	c := &s.counted
	c.mu.Lock()
	defer c.mu.Unlock()
	now, started := s.Now(), time.Now()
	if c.fresh(now) {
		return c.census, nil
	}
	census, err := s.Store.Census(ctx)
	if err != nil {
		return c.census, err
	}
	c.at, c.took, c.census = now, time.Since(started), census
	return census, nil
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("efterkurs_"+name, help, labels, nil)
}

// What is asked of the database. The README explains each for who writes alerts.
var (
	gaugeUp            = desc("database_up", "1 if the database answers.")
	gaugeDue           = desc("messages_due", "Messages whose time has come and that are not sent.")
	gaugeWaiting       = desc("messages_waiting", "Messages that are due, by the channel they will go out on.", "channel")
	gaugeOldestDue     = desc("oldest_due_seconds", "Age of the oldest message that is due and not sent; 0 = none.")
	gaugeClaimed       = desc("messages_claimed", "Messages in workers' hands.")
	gaugeOldestClaimed = desc("oldest_claimed_seconds", "Age of the oldest message in a worker's hands; 0 = none.")
	gaugeUnknown       = desc("messages_unknown", "Messages whose outcome nobody saw.")
	gaugeOldestUnknown = desc("oldest_unknown_seconds", "Age of the oldest message whose outcome nobody saw; 0 = none.")
	gaugeInbox         = desc("inbox", "Replies that wait for a person.")
	gaugeTick          = desc("last_tick_seconds", "Age of the last tick that ended.")
	gaugeTook          = desc("last_tick_duration_seconds", "How long the last tick took.")
	gaugeTickFailed    = desc("last_tick_failed", "1 if the last tick met an error.")
	gaugeOn            = desc("channel_on", "1 for a channel that this process has configured.", "channel")
	gaugeHalted        = desc("channel_halted", "1 for a channel that is halted.", "channel")
	gaugeThrottled     = desc("channel_throttled", "1 for a channel whose provider asked us to wait.", "channel")
	gaugeMessages      = desc("messages", "Messages by channel and state.", "channel", "state")
	counterAttempts    = desc("attempts_total", "Tries to send whose outcome is known, by channel and outcome.", "channel", "outcome")
	counterReplies     = desc("replies_total", "Replies by channel and what they were taken for.", "channel", "kind")
)

// scrape asks the database for the length of one answer.
type scrape struct {
	s   *Server
	ctx context.Context
}

// Describe sends nothing: the metrics are not checked against their descriptions beforehand.
func (*scrape) Describe(chan<- *prometheus.Desc) {}

func (c *scrape) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	flag := func(d *prometheus.Desc, on bool, labels ...string) {
		v := 0.0
		if on {
			v = 1
		}
		gauge(d, v, labels...)
	}
	s, now := c.s, c.s.Now()
	health, err := s.scraped.ask(c.ctx, upWithin, func(ctx context.Context) (reminders.Health, error) {
		return reminders.Examine(ctx, s.Store, s.Bot, now)
	})
	flag(gaugeUp, err == nil)
	if err != nil {
		s.Log.Error("reading the health for metrics", "error", err)
		return
	}
	age := func(d *prometheus.Desc, since time.Time) {
		seconds := 0.0
		if !since.IsZero() {
			seconds = max(0, now.Sub(since).Seconds())
		}
		gauge(d, seconds)
	}
	gauge(gaugeDue, float64(health.Due))
	age(gaugeOldestDue, health.OldestDue)
	gauge(gaugeClaimed, float64(health.Claimed))
	age(gaugeOldestClaimed, health.OldestClaimed)
	gauge(gaugeUnknown, float64(health.Unknown))
	age(gaugeOldestUnknown, health.OldestUnknown)
	gauge(gaugeInbox, float64(health.Inbox))
	if last := health.LastTick; !last.StartedAt.IsZero() {
		age(gaugeTick, last.StartedAt.Add(last.Took))
		gauge(gaugeTook, last.Took.Seconds())
		flag(gaugeTickFailed, last.Error != "")
	}
	waiting := map[string]int{}
	for _, line := range health.Lines {
		waiting[line.Channel] = line.Due
	}
	for _, channel := range []string{reminders.SMS, reminders.Slack, reminders.Email} {
		_, halted := health.Halted[channel]
		_, throttled := health.Throttled[channel]
		gauge(gaugeWaiting, float64(waiting[channel]), channel)
		flag(gaugeOn, s.Bot.On(channel), channel)
		flag(gaugeHalted, halted, channel)
		flag(gaugeThrottled, throttled, channel)
	}
	census, err := s.census(c.ctx)
	if err != nil {
		s.Log.Error("counting everything for metrics", "error", err)
	}
	for _, n := range census.Messages {
		gauge(gaugeMessages, float64(n.Count), n.Channel, string(n.State))
	}
	for counter, tallies := range map[*prometheus.Desc][]reminders.Tally{counterAttempts: census.Attempts, counterReplies: census.Replies} {
		for _, n := range tallies {
			ch <- prometheus.MustNewConstMetric(counter, prometheus.CounterValue, float64(n.Count), n.Channel, n.What)
		}
	}
}
