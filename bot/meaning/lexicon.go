package meaning

import (
	"cmp"
	"embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
)

//go:embed words
var files embed.FS

// lexicon is what people write in one language. Its files say how each list is read.
type lexicon struct {
	lang     string
	fold     func(string) string       // makes a text comparable, as its words here are
	same     map[string]string         // dialect and typing errors, by word
	words    map[string]bool           // all that occur in patterns
	answers  map[string]bool           // single words that say yes or no
	stems    map[string]bool           // what words there begin with: maszyn\S*
	soft     *regexp.Regexp            // words that say nothing at either end of a text
	sign     *regexp.Regexp            // what a name follows at the end of one
	groups   map[string]group          // stop, doubt, … by what is meant
	numbers  map[string]string         // words for digits
	number   *regexp.Regexp            // a number and nothing but what may stand around one
	lead     *regexp.Regexp            // what may stand before a number that others words follow
	units    *regexp.Regexp            // what is counted: "3 gange" answers nothing
	week     *regexp.Regexp            // "uge 3" before an answer names its question
	barriers map[string]*regexp.Regexp // by kind
	ignore   *regexp.Regexp            // in what stands in the way, means none of them
	several  *regexp.Regexp            // names all of them
	both     *regexp.Regexp            // between two of them, says that both are meant
	but      *regexp.Regexp            // between two clauses
	that     *regexp.Regexp            // before a clause that only tells what, why or how
	ratings  scale                     // by digit
	vague    *regexp.Regexp            // rates only in a short text
	unrated  *regexp.Regexp            // where this is in a long text, it rates nothing
	clock    *regexp.Regexp            // before a word that is an hour; not asked for where a language has none
	ordinals *choice                   // by digit
	spans    map[string]*regexp.Regexp // day, week, month: units of a pause
	lengths  []*regexp.Regexp          // a pause of one week, of two, in other words
	hour     *regexp.Regexp            // what stands around an hour that is asked for
	evening  *regexp.Regexp            // an hour of the afternoon or evening
	half     string                    // before an hour: half an hour earlier
	until    *regexp.Regexp            // before or behind a day
	months   map[string]string         // number by name
	weekdays map[string]string         // 1 = Monday
	often    map[string]int            // how often each word we know occurs
	sayings  func() *sayings           // known texts, weighed when the first text is compared with them
	days     map[string]string         // weekdays, in any language
	told     bool                      // there are known texts
	once     sync.Once
	make     func() error
	weeks    *choice // how many weeks of a pause, in words
}

// group is the patterns of one meaning.
type group struct {
	whole  *regexp.Regexp // the whole text, but for politeness
	any    *regexp.Regexp // somewhere in it
	start  *regexp.Regexp // its first words
	not    *regexp.Regexp // where this is in it, any and short do not count
	short  *regexp.Regexp // in a text of a few words
	last   *regexp.Regexp // its last word
	sure   *regexp.Regexp // somewhere in it, whatever else is
	strong *regexp.Regexp // takes back a yes that went before
	back   *regexp.Regexp // … a no
}

// choice finds which of several things a text names.
type choice struct {
	re *regexp.Regexp
	of map[string]string
}

// scale finds the digits that a text names in words.
type scale map[string]struct{ whole, within *regexp.Regexp }

// source is a file of words.
type source struct {
	Define   map[string]string
	Same     map[string]string
	Soft     struct{ Words, Sign string }
	Means    map[string]struct{ Whole, Sure, Any, Start, Last, Not, Short, Strong, Back []string }
	Numbers  map[string]string
	Around   struct{ Before, After, Units, Week, But, That string }
	Barrier  map[string]string
	Rating   map[string]string
	Ordinal  map[string]string
	When     struct{ Clock, Hour, Evening, Half, Until, Day, Week, Month, One, Two string }
	Months   map[string]string
	Weekdays map[string]string
	Weeks    map[string]string
}

// load reads and compiles all languages. The files are part of the program: what is wrong with one shows in the
// first test.
func load() (map[string]*lexicon, error) {
	entries, err := files.ReadDir("words")
	if err != nil {
		return nil, err
	}
	all := map[string]*lexicon{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".toml") {
			continue
		}
		text, err := files.ReadFile("words/" + entry.Name())
		if err != nil {
			return nil, err
		}
		var src source
		meta, err := toml.Decode(string(text), &src)
		if err != nil {
			return nil, fmt.Errorf("words/%s: %w", entry.Name(), err)
		}
		if unknown := meta.Undecoded(); len(unknown) > 0 {
			return nil, fmt.Errorf("words/%s: nothing reads %s", entry.Name(), unknown[0])
		}
		lang := strings.TrimSuffix(entry.Name(), ".toml")
		all[lang] = newLexicon(lang, src)
		if lang == "uk" {
			all[ukLatin] = newLexicon(ukLatin, src)
			all[ukLatin].lang = lang
		}
	}
	days := map[string]string{}
	for _, l := range all {
		maps.Copy(days, l.weekdays)
	}
	for _, l := range all {
		l.days = days
	}
	return all, nil
}

// ukLatin is Ukrainian in Latin letters.
const ukLatin = "uk in latin"

// begins says whether a word begins as one we know does.
func (l *lexicon) begins(word string) bool {
	runes := []rune(word)
	for n := 4; n <= len(runes); n++ {
		if l.stems[string(runes[:n])] {
			return true
		}
	}
	return false
}

func find(re *regexp.Regexp, text string) string {
	if re == nil {
		return ""
	}
	return strings.TrimSpace(re.FindString(text))
}

func has(re *regexp.Regexp, text string) bool { return re != nil && re.MatchString(text) }

// all returns the different things a text names, in its order; words lie next to each other, so that each match gives
// its last space back.
func (c *choice) all(text string) (found []string, words []string) {
	if c == nil {
		return nil, nil
	}
	for {
		at := c.re.FindStringIndex(text)
		if at == nil {
			return found, words
		}
		word := strings.TrimSpace(text[at[0]:at[1]])
		if key := c.of[word]; !slices.Contains(found, key) {
			found = append(found, key)
		}
		words = append(words, word)
		text = text[max(at[1]-1, at[0]+1):]
	}
}

// exactly says which digit the whole text names.
func (s scale) exactly(text string) (string, bool) {
	for _, digit := range slices.Sorted(maps.Keys(s)) {
		if has(s[digit].whole, text) {
			return digit, true
		}
	}
	return "", false
}

// all returns the digits a text names, and the words of each. Of two that overlap the one that ends later is meant, and of
// two that end together the longer: "bruger det ikke så meget", "næsten hver dag".
func (s scale) all(text string) (found []string, words []string) {
	type hit struct {
		digit    string
		from, to int
	}
	var hits []hit
	for _, digit := range slices.Sorted(maps.Keys(s)) {
		for from := 0; ; {
			at := s[digit].within.FindStringIndex(text[from:])
			if at == nil {
				break
			}
			h := hit{digit, from + at[0], from + at[1]}
			for h.from < h.to && text[h.from] == ' ' {
				h.from++
			}
			for h.to > h.from && text[h.to-1] == ' ' {
				h.to--
			}
			hits, from = append(hits, h), max(h.to, from+1)
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Or(cmp.Compare(b.to, a.to), cmp.Compare(a.from, b.from)) })
	begins := len(text) + 1
	for _, h := range hits {
		if h.to > begins {
			continue
		}
		begins = h.from
		found = append(found, h.digit)
		words = append(words, text[h.from:h.to])
	}
	return found, words
}
