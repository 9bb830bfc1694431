package roster

import (
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

const expectedMobile = "a mobile number such as +45 20 12 34 56"

var (
	scientific = regexp.MustCompile(`^[+-]?(\d+)(?:[.,](\d*))?[eE]\+?(\d{1,2})$`)
	wholeFloat = regexp.MustCompile(`^\d+[.,]0+$`)
	phoneSigns = regexp.MustCompile(`^\(?\+?[0-9 .()/-]+$`)
	dashes     = strings.NewReplacer("\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2212", "-")
)

// shared is written behind a number that several people have.
var shared = regexp.MustCompile(`(?i)\s*\(?(?:fælles|faelles|delt|shared)\)?\s*$`)

// phone returns a cell's number in E.164.
func (p *parser) phone(row *parsedRow, rec record, c column) string {
	text := p.value(rec, c)
	if text == "" || !row.sound(c) {
		return ""
	}
	if len(text) > 40 {
		p.fault(row, c, text, "one mobile number such as +45 20 12 34 56")
		return ""
	}
	cell := dashes.Replace(shared.ReplaceAllString(text, ""))
	if parts := scientific.FindStringSubmatch(cell); parts != nil {
		// 4,520123456E+09 still has all its digits, 4,52012E+09 has lost them.
		whole, ok := new(big.Float).SetString(strings.Replace(cell, ",", ".", 1))
		if !ok || len(parts[2]) < atoi(parts[3]) {
			p.fault(row, c, text, expectedMobile+"; Excel has cut the digits away: format the column as text and type the number again")
			return ""
		}
		cell = whole.Text('f', 0)
	}
	if wholeFloat.MatchString(cell) && len(cell) > 9 {
		cell = cell[:strings.IndexAny(cell, ".,")]
	}
	if !phoneSigns.MatchString(cell) {
		p.fault(row, c, text, expectedMobile+", digits only")
		return ""
	}
	known, ok := p.numbers[cell]
	if !ok {
		known = lookUp(cell, p.opt.DefaultRegion)
		p.numbers[cell] = known
	}
	switch {
	case known.e164 == "":
		p.fault(row, c, text, expectedMobile)
	case known.service:
		p.fault(row, c, text, expectedMobile+"; this is a service number, nobody's own")
	default:
		p.landlines[known.e164] = known.landline
		return known.e164
	}
	return ""
}

// number is what is known about a text in a phone column; no E.164 = no number.
type number struct {
	e164              string
	landline, service bool
}

// lookUp costs about 20 µs, most of a row, so a file's numbers are kept: a
// leader's number stands beside each of the people.
func lookUp(text, region string) number {
	// Bare digits spare the library its search for extensions and letters.
	digits := strings.Map(func(r rune) rune {
		if r == '+' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, text)
	parsed, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return number{}
	}
	kind := phonenumbers.GetNumberType(parsed)
	n := number{e164: phonenumbers.Format(parsed, phonenumbers.E164)}
	if kind == phonenumbers.UNKNOWN { // the same as not IsValidNumber, at half the price
		if danishMobile.MatchString(n.e164) {
			return n
		}
		return number{}
	}
	switch kind {
	case phonenumbers.PREMIUM_RATE, phonenumbers.TOLL_FREE, phonenumbers.SHARED_COST, phonenumbers.PAGER, phonenumbers.VOICEMAIL:
		n.service = true
	}
	n.landline = landline(n.e164, kind)
	return n
}

// danishMobile are the numbering plan's mobile series. The metadata leaves out blocks of them that nobody had
// when it was made (2000–2009, say): a number given out since is not to be refused for that.
var danishMobile = regexp.MustCompile(`^\+45(?:2[0-9]|3[01]|4[0-2]|5[0-3]|6[01]|71|81|9[1-3])[0-9]{6}$`)

// danishLandlines are the series, by their first two digits, that the Danish
// numbering plan sets aside mainly for landlines, 37 (machines) and 70 (companies'
// switchboards) included.
var danishLandlines = []string{
	"32", "33", "34", "35", "36", "37", "38", "39",
	"43", "44", "45", "46", "47", "48", "49",
	"54", "55", "56", "57", "58", "59",
	"62", "63", "64", "65", "66", "69", "70",
	"72", "73", "74", "75", "76", "77", "78", "79",
	"82", "86", "87", "88", "89", "96", "97", "98", "99",
}

// landline says whether an E.164 number that is valid cannot take an SMS.
//
// Outside Denmark the library's metadata decides: Swedish, Polish or German
// landlines are FIXED_LINE there. For Danish numbers it cannot: 597 of the
// thousand three-digit beginnings are FIXED_LINE_OR_MOBILE, Copenhagen's 33 as
// well as 20–31, none is FIXED_LINE (libphonenumber issue 953: the authority
// calls its series "mainly" one or the other, and numbers may move). It does
// know the 76 series inside the landline ranges that were given to mobiles
// (342, 431, 552 …) as MOBILE. So: the plan's landline ranges, less what the
// metadata calls MOBILE. A participant with a ported number in such a range
// has to be reached by Slack or e-mail.
func landline(e164 string, kind phonenumbers.PhoneNumberType) bool {
	switch kind {
	case phonenumbers.MOBILE:
		return false
	case phonenumbers.FIXED_LINE, phonenumbers.UAN, phonenumbers.VOIP:
		return true
	}
	national, danish := strings.CutPrefix(e164, "+45")
	return danish && len(national) == 8 && slices.Contains(danishLandlines, national[:2])
}
