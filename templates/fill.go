package templates

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// SampleValues stand in for the placeholders in previews and checks; its keys are all placeholders there are.
// Names have eight letters, and dates are in full as the bot writes them: what fits with these fits most people.
var SampleValues = map[string]string{
	"first_name": "Kathrine", "goal": "mindre tid på at lede", "plan": "Når jeg møder, så rydder jeg bordet.",
	"school": "Fjordens Skole", "course": "5S", "company": "Nordfald Metal",
	"buddy": "Mohammed", "starter": "Mohammed", "week": "3", "title": "Se på det sammen", "choices": "",
	"consultant": "Mette Krogh", "teacher": "Jens Friis", "date": "torsdag 12. november", "time": "kl. 10.30", "was": "onsdag 11. november kl. 13.00",
	"slot1": "mandag 28. september kl. 9.00", "slot2": "onsdag 30. september kl. 13.30", "slot3": "torsdag 1. oktober kl. 10.30",
	"count": "6", "names": "Kathrine, Mohammed", "phone": "20 11 50 00", "weeks": "2", "language": "dansk", "kind": "travlhed", "answer": "Ja", "summary": "", "place": "Nordfald Metal",
	"brief": "", "result": "", "agreed": "Tavlen ved presse 4 hænger oppe fra mandag", "handled_by": "Mette Krogh", "answers": "Uge 1: Ja\nUge 2: Delvist", "question": "Fik du det gjort?",
}

// placeholder is all that stands in braces on a line, so that a misspelt {First name} is refused and not sent.
var placeholder = regexp.MustCompile(`\{[^{}\n]*\}`)

// Placeholders lists the names in text, each once, in order.
func Placeholders(text string) []string {
	var out []string
	for _, p := range placeholder.FindAllString(text, -1) {
		if name := p[1 : len(p)-1]; !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// Fill puts values in the place of {names}. A name without a value is an error: nobody is to read a brace.
func Fill(text string, values map[string]string) (string, error) {
	var missing []string
	out := placeholder.ReplaceAllStringFunc(text, func(p string) string {
		value, ok := values[p[1:len(p)-1]]
		if !ok {
			missing = append(missing, p)
		}
		return value
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("no value for %s", strings.Join(missing, ", "))
	}
	return out, nil
}

// WithChoices adds the ways to answer, a line each, where {choices} stands or at the end.
func WithChoices(text string, choices []Choice) string {
	lines := make([]string, len(choices))
	for i, c := range choices {
		lines[i] = c.Digit + " = " + c.Label
	}
	list := strings.Join(lines, "\n")
	if strings.Contains(text, "{choices}") {
		return strings.ReplaceAll(text, "{choices}", list)
	}
	if list == "" {
		return text
	}
	return text + "\n" + list
}
