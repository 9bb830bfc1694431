package templates

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Choice is one way to answer. Meaning: yes, no, partly, plan, none, rating, barrier:<kind>, slot, again.
type Choice struct {
	Digit   string `toml:"digit" json:"digit"`
	Label   string `toml:"label" json:"label"`
	Meaning string `toml:"meaning" json:"meaning"`
}

// Exercise is one week of a course.
type Exercise struct {
	Week    int
	Title   string
	SMS     string // without the choices
	Long    string // for Slack and e-mail; "" = the SMS
	Choices []Choice
	line    int
}

// Course is the six exercises of a subject in one language.
type Course struct {
	Slug, Lang, Title string
	Exercises         []Exercise // Exercises[0] is week 1
	file              string
}

var (
	weekHeading  = regexp.MustCompile(`^##\s*(?:(?:Uge|Week)\s+)?([0-9]+)[.:]?\s+(.+)$`)
	almostChoice = regexp.MustCompile(`^[0-9]\s*=`)
	choiceLine   = regexp.MustCompile(`^([0-9])\s*=\s*(.+?)\s*\(([a-z_]+(?::[a-z_]+)?)\)$`)
)

// parseCourse reads the small Markdown that a teacher can write in any editor:
//
//	# 5S
//
//	## 1. Vælg én ting
//
//	SMS:
//	Hej {first_name}. …
//
//	Længere:
//	…
//
//	1 = Ja (yes)
//	2 = Ikke endnu (no)
//
// Blank lines in a text are kept as paragraphs, Windows line ends and a byte order mark are fine, and a
// line that begins with <!-- is a note to the next teacher.
func parseCourse(slug, lang, file string, raw []byte) (Course, error) {
	c := Course{Slug: slug, Lang: lang, file: file}
	fault := func(line int, format string, args ...any) (Course, error) {
		return c, fmt.Errorf("%s, line %d: %s", file, line, fmt.Sprintf(format, args...))
	}
	var text *string
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), " \t\r")
		var now *Exercise
		if len(c.Exercises) > 0 {
			now = &c.Exercises[len(c.Exercises)-1]
		}
		switch {
		case strings.HasPrefix(line, "<!--"):
		case strings.HasPrefix(line, "## "):
			m := weekHeading.FindStringSubmatch(line)
			if m == nil {
				return fault(n, "expected a week such as “## 1. Vælg én ting”, found %q", line)
			}
			week, err := strconv.Atoi(m[1])
			if err != nil || week != len(c.Exercises)+1 {
				return fault(n, "expected week %d, found week %s", len(c.Exercises)+1, m[1])
			}
			c.Exercises = append(c.Exercises, Exercise{Week: week, Title: m[2], line: n})
			text = nil
		case strings.HasPrefix(line, "# "):
			if c.Title != "" {
				return fault(n, "a second title; weeks begin with ##")
			}
			c.Title = strings.TrimSpace(line[2:])
		case line == "SMS:" || line == "Længere:" || line == "Lang:" || line == "Long:":
			if now == nil {
				return fault(n, "%s stands before the first week", line)
			}
			text = &now.Long
			if line == "SMS:" {
				text = &now.SMS
			}
			if *text != "" {
				return fault(n, "a second %s in week %d", line, now.Week)
			}
		case choiceLine.MatchString(line):
			if now == nil {
				return fault(n, "an answer stands before the first week")
			}
			m := choiceLine.FindStringSubmatch(line)
			now.Choices = append(now.Choices, Choice{Digit: m[1], Label: m[2], Meaning: m[3]})
			text = nil
		case almostChoice.MatchString(line):
			return fault(n, "%q looks like an answer, but does not end in its meaning, as in “1 = Ja (yes)”", line)
		case line == "":
			if text != nil && *text != "" {
				*text += "\n"
			}
		case text != nil:
			if *text != "" {
				*text += "\n"
			}
			*text += line
		default:
			return fault(n, "%q belongs to nothing: texts stand under SMS: or Længere:, answers look like “1 = Ja (yes)”", line)
		}
	}
	if err := lines.Err(); err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	if c.Title == "" {
		return fault(1, "the course has no title: the first line should be “# Title”")
	}
	if len(c.Exercises) != Exercises {
		return fault(1, "the course has %d weeks, expected %d", len(c.Exercises), Exercises)
	}
	for i := range c.Exercises {
		e := &c.Exercises[i]
		e.SMS, e.Long = unwrap(e.SMS), unwrap(e.Long)
		switch {
		case e.SMS == "":
			return fault(e.line, "week %d has no SMS text", e.Week)
		case len(e.Choices) == 0:
			return fault(e.line, "week %d has no answers", e.Week)
		}
	}
	return c, nil
}

// unwrap joins the lines of a paragraph, so that a file may be broken where it reads well.
func unwrap(text string) string {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.Join(paragraphs, "\n\n")
}
