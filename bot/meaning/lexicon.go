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
	"unicode"
	"unicode/utf8"

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

const (
	whole  = `^(?:%s)$`
	within = `(?:^| )(?:%s)(?: |$)`
	first  = `^(?:%s)(?: |$)`
	last   = `(?:^| )(?:%s)$`
)

// ukLatin is Ukrainian in Latin letters.
const ukLatin = "uk in latin"

// newLexicon is what is needed to tell the language of a text. The rest is made when a text is first read in it: see ready.
func newLexicon(lang string, src source) *lexicon {
	fold, forms := fold, func(word string) string { return word }
	switch lang {
	case "vi":
		fold, forms = foldTones, withOrWithout
	case ukLatin:
		fold = foldLatin
	case "ar":
		forms = affixed
	}
	l := &lexicon{lang: lang, fold: fold, same: map[string]string{}, groups: map[string]group{}, numbers: map[string]string{}, barriers: map[string]*regexp.Regexp{}, spans: map[string]*regexp.Regexp{}}
	word := remembered(fold)
	for _, as := range slices.Sorted(maps.Keys(src.Same)) {
		for from := range strings.SplitSeq(src.Same[as], "|") {
			if l.same[word(from)] == "" { // a word stands for one other, the same each time
				l.same[word(from)] = word(as)
			}
		}
	}
	l.words, l.stems = vocabulary(src, word)
	l.answers = map[string]bool{}
	for _, name := range []string{"yes", "no"} {
		for _, list := range src.Means[name].Start {
			for w := range strings.SplitSeq(list, "|") {
				if oneWord.MatchString(w) {
					l.answers[sameWords(word(w), l.same)] = true
				}
			}
		}
	}
	l.weekdays = map[string]string{}
	for _, day := range slices.Sorted(maps.Keys(src.Weekdays)) {
		for name := range strings.SplitSeq(src.Weekdays[day], "|") {
			for _, name := range []string{sameWords(word(name), l.same), plain(sameWords(word(name), l.same))} {
				if l.weekdays[name] == "" {
					l.weekdays[name] = day
				}
			}
		}
	}
	said, err := files.ReadFile("words/" + lang + ".said")
	l.told = err == nil
	l.count(string(said))
	l.sayings = sync.OnceValue(func() *sayings {
		s, err := newSayings(string(said), l.usual)
		if err != nil {
			panic(fmt.Errorf("words/%s.said: %w", lang, err))
		}
		return s
	})
	l.make = func() error {
		if err := l.compile(src, word, forms); err != nil {
			return fmt.Errorf("words/%s: %w", lang, err)
		}
		return nil
	}
	return l
}

// ready makes what a text is read with. What is wrong with the files is a fault of the program.
func (l *lexicon) ready() *lexicon {
	l.once.Do(func() {
		if err := l.make(); err != nil {
			panic(err)
		}
		l.make = nil
	})
	return l
}

// remembered is fold for words that come again and again.
func remembered(fold func(string) string) func(string) string {
	known := map[string]string{}
	return func(word string) string {
		folded, ok := known[word]
		if !ok {
			folded = fold(word)
			known[word] = folded
		}
		return folded
	}
}

func (l *lexicon) compile(src source, fold, forms func(string) string) error {
	var failed error
	same := l.same
	re := func(format string, list ...string) *regexp.Regexp {
		pattern := foldPattern(expand(strings.Join(list, "|"), src.Define), same, fold, forms)
		if pattern == "" {
			return nil
		}
		out, err := regexp.Compile(fmt.Sprintf(format, pattern))
		if err != nil && failed == nil {
			failed = err
		}
		return out
	}
	pick := func(format string, lists map[string]string) *choice {
		c := &choice{of: map[string]string{}}
		for _, key := range slices.Sorted(maps.Keys(lists)) {
			for word := range strings.SplitSeq(lists[key], "|") {
				if word = sameWords(fold(word), same); c.of[word] == "" {
					c.of[word] = key
				}
			}
		}
		for _, word := range slices.Sorted(maps.Keys(c.of)) {
			if p := plain(word); c.of[p] == "" {
				c.of[p] = c.of[word]
			}
		}
		// The longest first: "næsten hver dag" is not "hver dag".
		words := slices.SortedFunc(maps.Keys(c.of), func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
		if len(words) == 0 {
			return nil
		}
		c.re = regexp.MustCompile(fmt.Sprintf(format, strings.Join(words, "|")))
		return c
	}
	l.soft, l.sign = re(whole, src.Soft.Words), re(`(?:^| )(?:%s)(?: \S+){0,4}$`, src.Soft.Sign)
	for name, g := range src.Means {
		l.groups[name] = group{whole: re(whole, g.Whole...), sure: re(within, g.Sure...), any: re(within, g.Any...), start: re(first, g.Start...), last: re(last, g.Last...),
			not: re(within, g.Not...), short: re(within, g.Short...), strong: re(within, g.Strong...), back: re(within, g.Back...)}
	}
	if c := pick("%s", src.Numbers); c != nil {
		l.numbers = c.of
	}
	words := strings.Join(slices.Sorted(maps.Keys(l.numbers)), "|")
	l.number = re(whole, `(?:(?:`+src.Around.Before+`) )*(?P<n>\d+|`+words+`)(?: (?:`+src.Around.After+`))*`)
	l.lead = re(whole, `(?:(?:`+src.Around.Before+`) )*`)
	l.units, l.week = re(first, src.Around.Units), re(whole, src.Around.Week)
	for kind, list := range src.Barrier {
		if kind == "ignore" {
			l.ignore = re(within, list)
			continue
		}
		if kind == "several" {
			l.several = re(whole, list)
			continue
		}
		if kind == "both" {
			l.both = re(within, list)
			continue
		}
		l.barriers[kind] = re(within, list)
		if l.barriers[kind] != nil {
			l.barriers[kind].Longest() // "the boss does not care" is not "the boss"
		}
		if kind == "none" {
			l.barriers[kind] = re(whole, list)
		}
	}
	l.vague, l.unrated, l.but = re(within, src.Rating["vague"]), re(within, src.Rating["unrated"]), re(within, src.Around.But)
	l.that = re(within, src.Around.That)
	l.ratings, l.ordinals = scale{}, pick(within, src.Ordinal)
	for digit, list := range src.Rating {
		if !isDigits(digit) { // vague and unrated; Ukrainian in Latin letters has the same source
			continue
		}
		l.ratings[digit] = struct{ whole, within *regexp.Regexp }{re(whole, list), re(within, list)}
	}
	l.spans["day"], l.spans["week"], l.spans["month"] = re(whole, src.When.Day), re(whole, src.When.Week), re(whole, src.When.Month)
	l.hour, l.evening, l.until = re(`^(?:(?:%s)(?: |$))*$`, src.When.Hour), re(within, src.When.Evening), re(within, src.When.Until)
	l.clock = re(last, src.When.Clock)
	l.lengths = []*regexp.Regexp{re(within, src.When.One), re(within, src.When.Two)}
	l.half = fold(src.When.Half)
	l.months = map[string]string{}
	if c := pick("%s", src.Months); c != nil {
		l.months = c.of
	}
	l.weeks = pick(within, src.Weeks)
	return failed
}

// count counts the words of the patterns and of the known texts. One that occurs in these is known, too.
func (l *lexicon) count(said string) {
	l.often = map[string]int{}
	for word := range l.words {
		l.often[word] = 1
	}
	for line := range strings.Lines(said) {
		if f := strings.Split(line, "\t"); len(f) == 3 {
			for word := range strings.FieldsSeq(f[2]) {
				l.often[word]++
			}
		}
	}
}

// vocabulary is every word in the file, for telling a typing error from another word.
func vocabulary(src source, fold func(string) string) (words, stems map[string]bool) {
	out, seen := map[string]bool{}, map[string]bool{}
	stems = map[string]bool{}
	add := func(list string) {
		for i := 0; ; {
			at := strings.Index(list[i:], `\S*`)
			if at < 0 {
				break
			}
			begins := list[:i+at]
			begins = begins[len(strings.TrimRightFunc(begins, letterOrMark)):]
			if utf8.RuneCountInString(begins) >= 4 {
				stems[fold(begins)] = true
			}
			i += at + len(`\S*`)
		}
		for w := range strings.FieldsFuncSeq(strings.ReplaceAll(list, `\S`, " "), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if !seen[w] {
				seen[w] = true
				w = fold(w)
				out[w], out[plain(w)] = true, true
			}
		}
	}
	for _, m := range []map[string]string{src.Define, src.Numbers, src.Barrier, src.Rating, src.Ordinal, src.Months, src.Weekdays} {
		for _, list := range m {
			add(list)
		}
	}
	for _, g := range src.Means {
		for _, lists := range [][]string{g.Whole, g.Sure, g.Any, g.Start, g.Not, g.Short, g.Strong, g.Last, g.Back} {
			for _, list := range lists {
				add(list)
			}
		}
	}
	for _, list := range []string{src.Soft.Words, src.Around.Before, src.Around.After, src.Around.Units, src.When.Hour, src.When.Evening, src.When.Until, src.When.Day, src.When.Week, src.When.Month} {
		add(list)
	}
	return out, stems
}

// oneWord is a word and no pattern.
var oneWord = regexp.MustCompile(`^[\pL\p{Mn}]+$`)

// letterOrMark says whether a word in a pattern goes on with r.
func letterOrMark(r rune) bool { return unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) }

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

// expand puts in what <name> stands for.
func expand(pattern string, define map[string]string) string {
	for range 3 { // a definition may use another
		for _, name := range slices.Sorted(maps.Keys(define)) {
			pattern = strings.ReplaceAll(pattern, "<"+name+">", "(?:"+define[name]+")")
		}
	}
	return pattern
}

// foldPattern folds the words of a pattern as those of a text are, and leaves what is syntax.
func foldPattern(pattern string, same map[string]string, fold, forms func(string) string) string {
	var out, word strings.Builder
	exact := false // "=" before a word: written just so
	flush := func() {
		folded := fold(word.String())
		if other := same[folded]; other != "" {
			folded = other
		}
		if exact {
			out.WriteString(folded)
		} else {
			out.WriteString(forms(folded))
		}
		exact = exact && word.Len() == 0
		word.Reset()
	}
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case r == '\\' && i+1 < len(runes):
			flush()
			out.WriteRune(r)
			i++
			out.WriteRune(runes[i])
		case r == '(' && i+3 < len(runes) && string(runes[i:i+3]) == "(?P":
			flush()
			end := i + slices.Index(runes[i:], '>')
			out.WriteString(string(runes[i : end+1]))
			i = end
		case r == '=':
			flush()
			exact = true
		case unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r):
			word.WriteRune(r)
		default:
			flush()
			out.WriteRune(r)
		}
	}
	flush()
	return out.String()
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
