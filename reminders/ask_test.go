package reminders

import (
	"slices"
	"testing"
)

func TestAVisitsQuestionsAreMadeFromWhatWasFound(t *testing.T) {
	for name, c := range map[string]struct {
		brief Brief
		want  []string
	}{
		"nothing": {Brief{People: 4}, []string{"brief-ask-1", "brief-ask-2", "brief-ask-3"}},
		"the commonest barrier first": {Brief{Barriers: map[string]int{"economy": 1, "product": 3}},
			[]string{"brief-ask-barrier-product", "brief-ask-barrier-economy", "brief-ask-1"}},
		"two barriers as common": {Brief{Barriers: map[string]int{"other": 2, "daily_run": 2}},
			[]string{"brief-ask-barrier-daily_run", "brief-ask-barrier-other", "brief-ask-1"}},
		"low use":             {Brief{Ratings: []int{2, 3, 3}}, []string{"brief-ask-rating-low", "brief-ask-1", "brief-ask-2"}},
		"middling use":        {Brief{Ratings: []int{3, 3}}, []string{"brief-ask-1", "brief-ask-2", "brief-ask-3"}},
		"high use":            {Brief{Ratings: []int{4, 5}}, []string{"brief-ask-rating-high", "brief-ask-1", "brief-ask-2"}},
		"unconfirmed buddies": {Brief{Checkins: map[string]int{CheckinOpen: 1, CheckinHalf: 1, CheckinConfirmed: 1}}, []string{"brief-ask-buddies", "brief-ask-1", "brief-ask-2"}},
		"confirmed buddies":   {Brief{Checkins: map[string]int{CheckinHalf: 1, CheckinConfirmed: 1}}, []string{"brief-ask-1", "brief-ask-2", "brief-ask-3"}},
		"no talk":             {Brief{Leader: LeaderNotYet}, []string{"brief-ask-leader", "brief-ask-1", "brief-ask-2"}},
		"a talk":              {Brief{Leader: LeaderHeld}, []string{"brief-ask-1", "brief-ask-2", "brief-ask-3"}},
		"a third are quiet":   {Brief{People: 6, Quiet: []string{"Ali", "Bo"}}, []string{"brief-ask-quiet", "brief-ask-1", "brief-ask-2"}},
		"few are quiet":       {Brief{People: 7, Quiet: []string{"Ali", "Bo"}}, []string{"brief-ask-1", "brief-ask-2", "brief-ask-3"}},
		"goals":               {Brief{Goals: []BriefWords{{Text: "finde værktøj"}}}, []string{"brief-ask-goals", "brief-ask-1", "brief-ask-2"}},
		"all of it": {Brief{People: 3, Quiet: []string{"Ali"}, Leader: LeaderNotYet, Ratings: []int{1}, Barriers: map[string]int{"economy": 2}, Checkins: map[string]int{CheckinOpen: 2}},
			[]string{"brief-ask-barrier-economy", "brief-ask-rating-low", "brief-ask-buddies"}},
	} {
		for range 5 { // maps have no order
			if got := c.brief.Ask(); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
	}
}
