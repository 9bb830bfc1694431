package meaning

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// languages are the names people have for the languages we can write in, folded.
var languages = names(map[string]string{
	"da": "dansk danish duński duńskiego duńsku danskim đan датська датською данською данська данский датском датскому датского дански датски данську датську данської датської данській данскою данськой duńskim duńską danskom danske danis الدنماركية دنماركي دنماركية",
	"en": "engelsk english angielski angielsku angielskiego anglisk англійська англійською английский английском англійську англійської англійській англійски англійскою английски английского английскому angielskim angielską inglish ingles الإنجليزية انجليزي إنجليزي انكليزي إنكليزي الانكليزية anh",
	"pl": "polsk polish polski polsku polska polskiego польська польською польский польском польську польської польській польски польского польскому polskim polską polishe البولندية بولندي",
	"vi": "vietnamesisk vietnamese việt wietnamski wietnamsku wietnamskiego вʼєтнамська вʼєтнамською вʼєтнамську вьетнамский вьетнамском wietnamskim",
	"uk": "ukrainsk ukrainian ukraiński ukraińsku ukraińskiego українська українською українську української українській українски украинский украинском украинского украинскому украински ukraińskim ukraińską ukraine ukrainsku ukrainski ukrainskoi ukrainskoju ukrayinskoyu ukrainskoyu ukrajinskoju ukrainska الأوكرانية اوكراني ukrainska ukrayinska",
	"ar": "arabisk arabic arabski arabsku العربية عربي بالعربي العربي بالعربية عربية арабська арабською арабський арабську арабской арабском арабский arabskim arabską arabi 3arabi 3araby 3arabe 3rabi araby",
})

func names(of map[string]string) map[string]string {
	out := map[string]string{}
	for code, words := range of {
		for w := range strings.FieldsSeq(words) {
			out[fold(w)] = code
		}
	}
	return out
}

// order is in which languages a text is tried that could be in several.
var order = []string{"da", "en", "pl", "uk", "vi", "ar", ukLatin}

// ownBonus is what it counts that a language is the writer's own: as if that share of the words more were known in it.
const ownBonus = 0.3

// leastKnown is the share of a text's words that must be known in a language for the text to be in it.
const leastKnown = 0.5

// fewKnown is that share where nothing else could be made of the text.
const fewKnown = 0.25

// roughKnown is that share where the spelling is so rough that words of other languages look like it.
const roughKnown = 0.75

// languages are those that a text may be in, the likeliest first, and none that knows fewer of its words than the
// writer's own: "om" is Danish, and Vietnamese for ill without its tone marks.
func (r *Reader) languages(text, own string, least float64) []*lexicon {
	share, mine := map[string]float64{}, 0.0
	marked := strings.Fields(foldTones(text))
	for lang, l := range r.words() {
		known := 0
		words := strings.Fields(l.fold(text))
		for i, w := range words {
			script := scriptOf(w)
			if script == "" && len(marked) == len(words) {
				script = scriptOf(marked[i])
			}
			if script != "" && script != l.lang {
				continue
			}
			if script != "" || l.same[w] != "" || l.begins(w) || isDigits(w) || strings.HasPrefix(w, "emoji") || slices.ContainsFunc(unfixed(w), func(w string) bool { return l.words[w] }) {
				known++
			}
		}
		share[lang] = float64(known) / float64(max(1, len(words)))
		if lang == own {
			mine = share[lang]
			share[lang] += ownBonus
		}
	}
	if own == "uk" {
		share[ukLatin] += ownBonus
	}
	writtenIn := func(script *unicode.RangeTable) bool {
		return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(script, r) })
	}
	best := 0.0 // of the others, for what is read in a rough spelling
	for lang, s := range share {
		if lang != ukLatin && lang != "uk" {
			best = max(best, s)
		}
	}
	var langs []string
	for _, lang := range order {
		switch {
		case lang == ukLatin && (share[lang] < roughKnown || share[lang] <= best && own != "uk" || writtenIn(unicode.Cyrillic) || scriptOf(foldTones(text)) == "vi"):
			continue
		case lang == "ar" && lang != own && share[lang] < fewKnown+least && !writtenIn(unicode.Arabic):
			continue
		case share[lang] >= leastKnown && (share[lang] >= mine || least < leastKnown) || lang == own || share[lang] >= least && share[lang] > mine:
			langs = append(langs, lang)
		}
	}
	slices.SortStableFunc(langs, func(a, b string) int { return cmp.Compare(share[b], share[a]) })
	var out []*lexicon
	for _, lang := range langs {
		out = append(out, r.words()[lang].ready())
	}
	return out
}
