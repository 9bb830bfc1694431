package bot_test

import (
	"strings"
	"testing"

	"efterkurs/reminders"
	"efterkurs/templates"
)

// In the weeks that are done together somebody takes the first step, another one each time; a text that has no room for it goes
// without, and nobody is told to contact a buddy they do not have.
func TestWhoTakesTheFirstStepAlternates(t *testing.T) {
	b := scribe(t)
	maja, bo, eva := reminders.Person{ID: 3, Name: "Maja Møller"}, reminders.Person{ID: 6, Name: "Bo Berg"}, reminders.Person{ID: 7, Name: "Eva Ek"}
	text := func(self reminders.Person, others []reminders.Person, starter int64, week int, channel string) string {
		c := participant(reminders.Claim{Message: reminders.Message{Kind: reminders.KindExercise, Step: reminders.ExerciseStep(week), Week: week, Channel: channel}})
		c.PersonID, c.Person, c.Buddies, c.Starter = self.ID, &self, others, starter
		out, err := b.Compose(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if n := templates.CountSegments(out.Text).Segments; channel == reminders.SMS && n > 1 {
			t.Errorf("week %d takes %d segments: %s", week, n, out.Text)
		}
		return out.Text
	}
	for _, c := range []struct {
		name    string
		self    reminders.Person
		others  []reminders.Person
		starter int64
		week    int
		want    string // "" = nothing of it
	}{
		{"a pair, week 3: the one who waited", maja, []reminders.Person{bo}, bo.ID, 3, "Du tager fat i Bo. "},
		{"a pair, week 3: the other", bo, []reminders.Person{maja}, bo.ID, 3, "Maja tager fat i dig. "},
		{"a pair, week 5: who started", maja, []reminders.Person{bo}, bo.ID, 5, "Bo tager fat i dig. "},
		{"a trio, week 3: the second", maja, []reminders.Person{bo, eva}, maja.ID, 3, "Bo tager fat i dig. "},
		{"a trio, week 5: the third", eva, []reminders.Person{maja, bo}, maja.ID, 5, "Du tager fat i Maja og Bo. "},
		{"week 2 is done alone", maja, []reminders.Person{bo}, bo.ID, 2, ""},
		{"nobody to contact", maja, nil, 0, 3, ""},
		{"no room for a long name", maja, []reminders.Person{{ID: 6, Name: "Maximilianalexandersen Bo"}, {ID: 8, Name: "Christoffersebastian Lund"}}, 8, 3, ""},
	} {
		for _, channel := range []string{reminders.SMS, reminders.Slack} {
			got := text(c.self, c.others, c.starter, c.week, channel)
			if c.want == "" && channel == reminders.SMS && strings.Contains(got, "tager fat i") || c.want != "" && !strings.HasSuffix(got, "\n"+strings.TrimSpace(c.want)) {
				t.Errorf("%s, %s: %q", c.name, channel, got)
			}
		}
	}
}
