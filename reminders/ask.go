package reminders

// BarrierKinds in the order they are shown.
var BarrierKinds = []string{"daily_run", "leadership", "product", "economy", "strategy", "education", "motivation", "other"}

// asks is how many questions are proposed for a visit.
const asks = 3

// Where a rating (1–5) is low or high, on average.
const (
	lowUse  = 3.0
	highUse = 4.0
)

// askRules turn what a brief found into questions, the most telling first. A rule gives the key of a word, "" = it found nothing.
var askRules = []func(Brief) string{
	func(b Brief) string { return asksAbout("brief-ask-barrier-", b.commonBarrier(0)) },
	func(b Brief) string {
		return when(len(b.Ratings) > 0 && b.MeanRating() < lowUse, "brief-ask-rating-low")
	},
	func(b Brief) string {
		return when(b.Checkins[CheckinOpen]+b.Checkins[CheckinHalf] > b.Checkins[CheckinConfirmed], "brief-ask-buddies")
	},
	func(b Brief) string { return when(b.Leader == LeaderNotYet, "brief-ask-leader") },
	func(b Brief) string { return when(len(b.Quiet) > 0 && 3*len(b.Quiet) >= b.People, "brief-ask-quiet") },
	func(b Brief) string { return asksAbout("brief-ask-barrier-", b.commonBarrier(1)) },
	func(b Brief) string {
		return when(len(b.Ratings) > 0 && b.MeanRating() >= highUse, "brief-ask-rating-high")
	},
	func(b Brief) string { return when(len(b.Goals) > 0, "brief-ask-goals") },
	func(Brief) string { return "brief-ask-1" },
	func(Brief) string { return "brief-ask-2" },
	func(Brief) string { return "brief-ask-3" },
}

// Ask are the three questions to ask at the visit, as keys of words; the same brief gives the same ones.
func (b Brief) Ask() (keys []string) {
	for _, rule := range askRules {
		if key := rule(b); key != "" && len(keys) < asks {
			keys = append(keys, key)
		}
	}
	return keys
}

// MeanRating is the average self-rating; 0 where nobody gave one.
func (b Brief) MeanRating() float64 {
	if len(b.Ratings) == 0 {
		return 0
	}
	sum := 0
	for _, r := range b.Ratings {
		sum += r
	}
	return float64(sum) / float64(len(b.Ratings))
}

// commonBarrier is the kind named most often after skip others; "" = none. Of two named as often the first of BarrierKinds counts.
func (b Brief) commonBarrier(skip int) string {
	left := map[string]int{}
	for kind, n := range b.Barriers {
		left[kind] = n
	}
	for ; ; skip-- {
		most := ""
		for _, kind := range BarrierKinds {
			if left[kind] > left[most] {
				most = kind
			}
		}
		if skip == 0 || most == "" {
			return most
		}
		delete(left, most)
	}
}

func asksAbout(prefix, what string) string { return when(what != "", prefix+what) }

func when(found bool, key string) string {
	if found {
		return key
	}
	return ""
}
