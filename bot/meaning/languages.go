package meaning

import "strings"

// languages are the names people have for the languages we can write in, folded.
var languages = names(map[string]string{
	"da": "dansk danish duński duńskiego duńsku danskim đan датська датською данською данська данский датском дански الدنماركية دنماركي دنماركية tiếng đan mạch",
	"en": "engelsk english angielski angielsku angielskiego anglisk англійська англійською английский английском الإنجليزية انجليزي إنجليزي انكليزي إنكليزي الانكليزية anh",
	"pl": "polsk polish polski polsku polska polskiego польська польською польский польском البولندية بولندي",
	"vi": "vietnamesisk vietnamese việt wietnamski wietnamsku wietnamskiego вʼєтнамська вьетнамский",
	"uk": "ukrainsk ukrainian ukraiński ukraińsku ukraińskiego українська українською українську украинский украинском الأوكرانية اوكراني ukrainska ukrayinska",
	"ar": "arabisk arabic arabski arabsku العربية عربي بالعربي العربي بالعربية عربية арабська арабською арабский arabi",
})

func names(of map[string]string) map[string]string {
	out := map[string]string{}
	for code, words := range of {
		for w := range strings.FieldsSeq(words) {
			if w == "tiếng" || w == "mạch" {
				continue
			}
			out[fold(w)] = code
		}
	}
	return out
}
