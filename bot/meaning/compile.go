package meaning

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	whole  = `^(?:%s)$`
	within = `(?:^| )(?:%s)(?: |$)`
	first  = `^(?:%s)(?: |$)`
	last   = `(?:^| )(?:%s)$`
)

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
