package meaning

import (
	"regexp"
	"strings"
)

// Arabic in Latin letters writes the letters that Latin lacks as digits: na3am, 5alas, la2. Those digits are part of the word.

// withDigits is a word of Latin letters that may hold such a digit.
var withDigits = regexp.MustCompile(`(?i)\b[a-z]*[235679][a-z0-9]*\b`)

// inside is such a digit that nothing else can be: alone between two letters.
var inside = regexp.MustCompile(`(?i)[a-z][235679][a-z]`)

// atAnEnd are words with such a digit at an end, where others write a number: "3 gange", "kl 8".
var atAnEnd = words(`la2 la22 l2 ma3 sa7 s7 9a7 sa9 ra7 bara2 mbare7 mbar7 embare7 rou7 mni7 mne7 mnee7 wa2 shi2 sheklo3
	3arabi 3arabe 3araby 3rabi 3amalt 3amelt 3amalto 3amalta 3amalna 3amalnaha 3mlt 3mlto 3melt 3melto 3melta 3melna 3andi 3andna 3indi 3ndi 3ndna 3endi 3am 3al 3ala 3la 3adi 3ade 3ashan 3shan 3atoul 3ayyan 3ayan 3eyan 3otle 3otla 3otlah 3amel 3amal 3indy 3anjad 3njd 3afwan 3alekom 3aleykom 3tini 3tine 3tuni
	7aki 7ake 7ki 7kina 7akina 7akena 7akeena 7akine 7aket 7akeit 7ket 7keet 7kit 7elo 7elwe 7elw 7abibi 7abiby 7ada 7adas 7ad 7adis 7adeth 7ata 7atta 7ot 7atet 7atait 7tina 7ateina 7ilo 7mdla 7amdella 7amdulillah
	2al 2oli 2olli 2ouli 2alla 2a5i 2ab3ato 2ana 2awal 2eh 2ah 2ay 2iza
	5alas 5alass 5las 5allas 5alast 5alasto 5alasna 5allast 5allasna 5lst 5lsna 5alset 5lset 5alsna 5alsto 5allasto 5alasnaha 5alasta 5od 5ales`)

func words(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

// letterDigits marks the digits that are letters, as the private runes from joinedDigit on.
func letterDigits(text string) string {
	if !strings.ContainsAny(text, "235679") {
		return text
	}
	return withDigits.ReplaceAllStringFunc(text, func(w string) string {
		if !inside.MatchString(w) && !atAnEnd[strings.ToLower(w)] {
			return w
		}
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return joinedDigit + r - '0'
			}
			return r
		}, w)
	})
}

// joinedDigit is the 0 that is a letter.
const joinedDigit = '\uE000'
