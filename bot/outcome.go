package bot

import (
	"fmt"
	"strings"

	"efterkurs/reminders"
)

// outcome adds what a text after a visit says of it. What the company reads holds counts and what was agreed, and
// names none of its participants.
func (b *Bot) outcome(v map[string]string, lang string, c reminders.Claim) {
	if c.Kind == reminders.KindVisitAgreed {
		v["agreed"] = c.Outcome.Agreed
		return
	}
	if c.Brief == nil {
		return
	}
	own := ""
	if c.Person != nil {
		own = c.Person.Name
	}
	bare := func(text string) string {
		return reminders.WithoutNames(strings.Join(strings.Fields(text), " "), c.Brief.Names, own, b.Texts.Word(lang, "letter-somebody"))
	}
	var steps []string
	for _, s := range c.Outcome.Steps {
		steps = append(steps, bare(s.What))
	}
	v["agreed"] = shorten(strings.Join(steps, "; "), longestAgreed)
	v["result"] = b.result(lang, c, bare)
}

// longestAgreed is how many letters of what was agreed a short text holds.
const longestAgreed = 110

// shorten cuts text at a word.
func shorten(text string, most int) string {
	r := []rune(text)
	if len(r) <= most {
		return strings.TrimRight(text, ".;, ")
	}
	cut := string(r[:most-3])
	if i := strings.LastIndex(cut, " "); i > 0 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, ".;, ") + "..."
}

// result lists what was agreed, when we talk again, and the counts that the company may see.
func (b *Bot) result(lang string, c reminders.Claim, bare func(string) string) string {
	word := func(key string) string { return b.Texts.Word(lang, key) }
	var s strings.Builder
	list := func(title string, items []string) {
		if len(items) == 0 {
			return
		}
		fmt.Fprintf(&s, "%s\n", word(title))
		for _, item := range items {
			fmt.Fprintf(&s, "- %s\n", item)
		}
		s.WriteString("\n")
	}
	day := func(d reminders.Date) string { return b.Texts.FormatDate(lang, d.At(12*60, b.Calendar.Location)) }
	var agreed []string
	for _, step := range c.Outcome.Steps {
		line := bare(step.What)
		if who := bare(step.Who); who != "" {
			line += fmt.Sprintf(" (%s)", who)
		}
		if !step.By.IsZero() {
			line += fmt.Sprintf(", %s %s", word("letter-by"), day(step.By))
		}
		agreed = append(agreed, line)
	}
	list("letter-agreed", agreed)
	if next := c.Outcome.NextContact; !next.IsZero() {
		fmt.Fprintf(&s, "%s %s.\n\n", word("letter-next"), day(next))
	}
	seen := c.Brief.ForCompany()
	var counts []string
	if seen.Sent > 0 {
		counts = append(counts, fmt.Sprintf("%s: %d", word("brief-people"), seen.People), fmt.Sprintf("%s: %d/%d", word("brief-answers"), seen.Answered, seen.Sent))
	}
	if seen.Mean > 0 {
		counts = append(counts, fmt.Sprintf("%s: %s", word("letter-rating"), strings.Replace(fmt.Sprintf("%.1f", seen.Mean), ".", b.Texts.Page(lang, "decimals"), 1)))
	}
	for _, kind := range reminders.BarrierKinds {
		if n := seen.Barriers[kind]; n > 0 {
			counts = append(counts, fmt.Sprintf("%s %s: %d", word("letter-barrier"), word("barrier-"+kind), n))
		}
	}
	list("letter-counts", counts)
	return strings.TrimSpace(s.String())
}
