package bot

import (
	"testing"

	"efterkurs/reminders"
)

var (
	yesNoChoices = []reminders.Choice{{Digit: "1", Label: "Ja", Meaning: "yes"}, {Digit: "2", Label: "Delvist", Meaning: "partly"}, {Digit: "3", Label: "Ikke endnu", Meaning: "no"}}
	slotChoices  = []reminders.Choice{{Digit: "1", Label: "man 2. nov. kl. 9.00", Meaning: "slot"}, {Digit: "2", Label: "tirs 3. nov. kl. 13.00", Meaning: "slot"}, {Digit: "3", Label: "ons 4. nov. kl. 10.30", Meaning: "slot"}}
)

func TestUnderstand(t *testing.T) {
	for _, c := range []struct {
		text    string
		choices []reminders.Choice
		kind    string
		want    string // the digit, or the command's word
	}{
		{"1", yesNoChoices, reminders.ReplyAnswer, "1"},
		{" 1. ", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"1)", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"1️⃣", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"svar 2", yesNoChoices, reminders.ReplyAnswer, "2"},
		{"Svar: 2", yesNoChoices, reminders.ReplyAnswer, "2"},
		{"en", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"to", yesNoChoices, reminders.ReplyAnswer, "2"},
		{"ja", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"JA!!", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"ja tak!!", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"jep", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"👍", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"👍🏽", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"færdig", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"YES", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"Nej", yesNoChoices, reminders.ReplyAnswer, "3"},
		{"ikke endnu", yesNoChoices, reminders.ReplyAnswer, "3"},
		{"nej, ikke endnu.", yesNoChoices, reminders.ReplyAnswer, "3"},
		{"har glemt det", yesNoChoices, reminders.ReplyAnswer, "3"},
		{"delvist", yesNoChoices, reminders.ReplyAnswer, "2"},
		{"2 vi havde travlt", yesNoChoices, reminders.ReplyAnswer, "2"},
		{"ja det gik fint med tavlen", yesNoChoices, reminders.ReplyAnswer, "1"},
		{"nej maskinen stod stille", yesNoChoices, reminders.ReplyAnswer, "3"},
		{"ja men ikke det hele", yesNoChoices, reminders.ReplyText, ""},
		{"7", yesNoChoices, reminders.ReplyText, ""},
		{"vi har haft travlt", yesNoChoices, reminders.ReplyText, ""},
		{"1", nil, reminders.ReplyText, ""},
		{"2", slotChoices, reminders.ReplyAnswer, "2"},
		{"ny", slotChoices, reminders.ReplyCommand, "new"},

		{"STOP", yesNoChoices, reminders.ReplyStop, ""},
		{"stop.", yesNoChoices, reminders.ReplyStop, ""},
		{"Stop nu!", nil, reminders.ReplyStop, ""},
		{"afmeld", nil, reminders.ReplyStop, ""},
		{"AFMELD MIG", nil, reminders.ReplyStop, ""},
		{"Lad mig være", nil, reminders.ReplyStop, ""},
		{"slut", nil, reminders.ReplyStop, ""},
		{"hold op", nil, reminders.ReplyStop, ""},
		{"stop med det her", yesNoChoices, reminders.ReplyStop, ""},
		{"maskinen stoppede", yesNoChoices, reminders.ReplyText, ""},
		{"vi stoppede spildet", yesNoChoices, reminders.ReplyText, ""},
		{"nødstop virker ikke", yesNoChoices, reminders.ReplyText, ""},

		{"start", nil, reminders.ReplyStart, ""},
		{"Hjælp", nil, reminders.ReplyCommand, "help"},
		{"hvem er det?", yesNoChoices, reminders.ReplyCommand, "help"},
		{"?", yesNoChoices, reminders.ReplyCommand, "help"},
		{"MAKKER", nil, reminders.ReplyCommand, "buddy"},
		{"buddy", nil, reminders.ReplyCommand, "buddy"},
		{"pause 2", nil, reminders.ReplyCommand, "pause"},
		{"Pause 3 uger", nil, reminders.ReplyCommand, "pause"},
		{"pause 99", nil, reminders.ReplyText, ""},
		{"sprog engelsk", nil, reminders.ReplyCommand, "language"},
		{"slet mig", nil, reminders.ReplyCommand, "delete"},
		{"", yesNoChoices, reminders.ReplyText, ""},
	} {
		m := Understand(c.text, c.choices)
		got := m.Digit + m.Word
		if m.Kind != c.kind || got != c.want {
			t.Errorf("%q is %s %q (%s), want %s %q", c.text, m.Kind, got, m.Why, c.kind, c.want)
		}
	}
}

func TestWhatFollowsADigitIsKept(t *testing.T) {
	m := Understand("1 Når jeg møder, så rydder jeg bordet.", yesNoChoices)
	if m.Digit != "1" || m.Rest != "Når jeg møder, så rydder jeg bordet." {
		t.Errorf("%+v", m)
	}
}

// Whatever people write, understanding ends, an answer is one of the choices, and only what says so stops.
func FuzzUnderstand(f *testing.F) {
	for _, s := range []string{"1", "ja tak", "STOP", "1️⃣", "stop nu", "\xff\xfe", "🇩🇰", "𝟏", "ﬁn", "pause 2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m := Understand(text, yesNoChoices)
		switch m.Kind {
		case reminders.ReplyAnswer:
			if m.Digit != "1" && m.Digit != "2" && m.Digit != "3" {
				t.Fatalf("%q is the answer %q", text, m.Digit)
			}
		case reminders.ReplyStop, reminders.ReplyStart, reminders.ReplyCommand, reminders.ReplyText:
		default:
			t.Fatalf("%q is of kind %q", text, m.Kind)
		}
	})
}
