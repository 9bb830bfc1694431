package templates

import (
	"strings"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

// Sizes of an SMS, in units of its encoding (GSM 03.38; 3GPP TS 23.038): alone, and each of several.
const (
	gsmSingle, gsmPart   = 160, 153
	ucs2Single, ucs2Part = 70, 67
)

// Encodings of an SMS.
const (
	GSM7 = "GSM-7"
	UCS2 = "UCS-2"
)

const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	// gsmExtension costs two units each.
	gsmExtension = "\f^{}\\[~]|€"
)

// Segments is how an SMS travels.
type Segments struct {
	Encoding  string `json:"encoding"`
	Units     int    `json:"units"`
	Segments  int    `json:"segments"`
	Offending []rune `json:"-"` // what keeps it from being GSM-7
}

// CountSegments measures a text. A character is never cut: an extension character or a surrogate pair
// that would straddle the border of two segments moves whole into the next.
func CountSegments(text string) Segments {
	s := Segments{Encoding: GSM7}
	var widths []int
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			widths = append(widths, 1)
		case strings.ContainsRune(gsmExtension, r):
			widths = append(widths, 2)
		default:
			s.Offending = append(s.Offending, r)
		}
	}
	single, part := gsmSingle, gsmPart
	if len(s.Offending) > 0 {
		s.Encoding, single, part = UCS2, ucs2Single, ucs2Part
		widths = widths[:0]
		for _, r := range text {
			widths = append(widths, max(utf16.RuneLen(r), 1))
		}
	}
	for _, w := range widths {
		s.Units += w
	}
	switch {
	case s.Units == 0:
	case s.Units <= single:
		s.Segments = 1
	default:
		s.Segments = 1
		room := part
		for _, w := range widths {
			if w > room {
				s.Segments++
				room = part
			}
			room -= w
		}
	}
	return s
}

// lookAlikes are what word processors put in the place of plain characters. One of them makes the whole
// text UCS-2, and more than twice as dear.
var lookAlikes = strings.NewReplacer(
	"‘", "'", "’", "'", "‚", "'", "‛", "'", "´", "'", "`", "'", "ʼ", "'", "′", "'",
	"“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "″", `"`,
	"‐", "-", "‑", "-", "‒", "-", "–", "-", "—", "-", "―", "-", "−", "-",
	"…", "...", "•", "-", "·", "-", "×", "x",
	"\u00a0", " ", "\u2009", " ", "\u202f", " ", "\u2007", " ", "\u200b", "", "\ufeff", "", "\u00ad", "", "\t", " ",
)

// NormaliseSMS replaces look-alikes by their GSM-7 equals. Letters stay: æøå are GSM-7, and a name is
// spelt as its owner spells it. An å that came as a and a ring, as a Mac writes it, is the same letter in one piece.
func NormaliseSMS(text string) string { return lookAlikes.Replace(norm.NFC.String(text)) }
