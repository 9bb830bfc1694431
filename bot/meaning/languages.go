package meaning

import "strings"

// languages are the names people have for the languages we can write in, folded.
var languages = names(map[string]string{
	"da": "dansk danish duński duńskiego duńsku danskim đan датська датською данською данська данский датском датскому датского дански датски данську датську данської датської данській данскою данськой duńskim duńską danskom danske danis الدنماركية دنماركي دنماركية tiếng đan mạch",
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
			if w == "tiếng" || w == "mạch" {
				continue
			}
			out[fold(w)] = code
		}
	}
	return out
}
