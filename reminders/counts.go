package reminders

import "log/slog"

// Counts is what a tick did. It is logged, stored and shown.
type Counts struct {
	Planned   int `json:"planned"` // steps newly planned
	Moved     int `json:"moved"`   // steps whose time changed
	Paired    int `json:"paired"`  // people given a buddy
	Claimed   int `json:"claimed"`
	Sent      int `json:"sent"`      // taken by a provider
	Skipped   int `json:"skipped"`   // ended with a reason
	Postponed int `json:"postponed"` // to the next window
	Retried   int `json:"retried"`   // to be tried again
	Failed    int `json:"failed"`
	Unknown   int `json:"unknown"`   // outcomes nobody saw
	Settled   int `json:"settled"`   // unknown ones that were settled
	Rescued   int `json:"rescued"`   // taken back from a dead worker
	Swept     int `json:"swept"`     // texts fetched from a provider that no webhook had brought
	Replies   int `json:"replies"`   // interpreted late, because whoever took them in died
	Forgotten int `json:"forgotten"` // provider copies of erased people deleted
	Visits    int `json:"visits"`    // whose time has passed
}

// LogValue lists what is not zero.
func (c Counts) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, n := range []struct {
		name string
		n    int
	}{
		{"planned", c.Planned}, {"moved", c.Moved}, {"paired", c.Paired}, {"claimed", c.Claimed}, {"sent", c.Sent},
		{"skipped", c.Skipped}, {"postponed", c.Postponed}, {"retried", c.Retried}, {"failed", c.Failed},
		{"unknown", c.Unknown}, {"settled", c.Settled}, {"rescued", c.Rescued}, {"swept", c.Swept}, {"replies", c.Replies}, {"forgotten", c.Forgotten}, {"visits", c.Visits},
	} {
		if n.n != 0 {
			attrs = append(attrs, slog.Int(n.name, n.n))
		}
	}
	return slog.GroupValue(attrs...)
}

// Idle says whether the tick found nothing to do.
func (c Counts) Idle() bool { return c == Counts{} }
