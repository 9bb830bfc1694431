package email

import (
	"regexp"
	"strings"
)

// What the writer of a mail wrote themselves: not what their mail program quotes below or above it, and not what it puts
// under every mail. The libraries for this go by English mail programs or lean on expressions that a mail can be written
// to hang; these are the lines that programs in the languages of our participants make, each tried by itself with
// expressions that take time in proportion to the text.
//
// Where a line may be either, it is kept: an answer too long is read by a person, an answer cut off is lost to everybody. The
// mail itself stays in the mailbox.

// wrote introduces a quotation: "Den 9. september 2026 kl. 14.02 skrev Skolen <…>:". It may be broken into up to three
// lines. (\b knows Latin letters only.)
var wrote = regexp.MustCompile(`(?i)^\s*[*_]*\s*(` + strings.Join([]string{
	`den\b.+\b(skrev|skreiv)\b.*:`,                                  // da, nb, sv
	`(man|tirs|ons|tors|fre|lør|søn|lör|sön)(dag)?\b.+\bskrev\b.*:`, // da
	`on\b.+\bwrote\s*:`,                                             // en
	`am\b.+\bschrieb\b.*:`,                                          // de
	`(w dniu|dnia|w dn\.|pon|wt|śr|czw|pt|sob|niedz)\S*\s.+\b(pisze|napisał\S*)(\s.*)?:`, // pl
	`(vào|lúc)\s.+đã viết\s*:`, // vi
	`(в|у|во)?\s?(пн|вт|ср|чт|пт|сб|нд|вс)\S*\s.+(пише|написав|написала|пишет|написал)\s*:`, // uk, ru
	`(في|بتاريخ)\s.+كتب.*:`, // ar
	`le\b.+\sa écrit\s*:`,   // fr
}, "|") + `)\s*[*_]*\s*$`)

// wroteShort is the same on one line, where it begins with a name or a number.
var wroteShort = regexp.MustCompile(`(?i)^\s*[*_]*\s*(` + strings.Join([]string{
	`.+\bskrev\s+(den\b|d\.|følgende|på\b|kl\b).*:`, // da
	`\d.+\bskrev\b.*:`,      // da
	`.+\bwrote\s+on\b.*:`,   // en
	`\d.+\bwrote\s*:`,       // en
	`.+\bschrieb\s+am\b.*:`, // de
	`.+(пише|написав|написала|пишет|написал)\s*:`, // uk, ru
	`.+\b(pisze|napisał\S*)\s*:`, // pl
}, "|") + `)\s*[*_]*\s*$`)

// when is what an introduction holds: a year, an hour or an address. "Den uge skrev vi 5 ting:" is somebody's words.
var when = regexp.MustCompile(`\b(19|20)\d\d\b|\d{1,2}[:.]\d\d|@|\d{1,2}[./-]\d{1,2}[./-]\d\d`)

// divider stands above a mail that is quoted whole.
var divider = regexp.MustCompile(`(?i)^\s*[>*]*\s*[-_=–—]{2,}\s*(oprindelig (meddelelse|besked|mail|e-?mail)|original (message|besked|mail|appointment)|videresendt (meddelelse|besked|mail)|` +
	`forwarded message|ursprüngliche nachricht|originalnachricht|weitergeleitete nachricht|wiadomość oryginalna|oryginalna wiadomość|przekazana wiadomość|` +
	`ursprungligt meddelande|on\b.+\bwrote|den\b.+\bskrev.*|opprinnelig melding|reply message|svar på besked|початкове повідомлення|пересланное сообщение|исходное сообщение|thư gốc|tin nhắn gốc)\s*[-_=–—]*\s*$`)

// Outlook quotes a mail whole under a few lines of its header: one that names the writer and, soon after, one that says when.
var (
	headFrom = regexp.MustCompile(`(?i)^\s*[*_]*\s*(fra|from|von|od|från|від|от|từ|de|من)\s*[*_]*\s*:\s*[*_]*\s*\S`)
	headMore = regexp.MustCompile(`(?i)^\s*[*_]*\s*(sendt|sent|gesendet|wysłano|skickat|dato|date|datum|data|til|to|an|do|till|emne|subject|betreff|temat|ämne|надіслано|отправлено|дата|кому|тема|đã gửi|ngày|đến|tới|chủ đề|تم الإرسال|إلى|الموضوع|التاريخ)\s*[*_]*\s*:`)
	rule     = regexp.MustCompile(`^\s*[_]{10,}\s*$`)
)

// device is what a phone or a program puts under every mail.
var device = regexp.MustCompile(`(?i)^\s*[<(*]*\s*(` + strings.Join([]string{
	`(af)?sendt fra (min|mit|en|et) ` + devices + `.*`, `(af)?sendt (fra|via|med) ` + programs + `.*`, `(hent|få) outlook (til|for) .+`,
	`sent from (my|a|an) ` + devices + `.*`, `sent (from|via|with|using) ` + programs + `.*`, `(get|download) outlook for .+`,
	`von meine[mr] ` + devices + `.* (gesendet|geschickt)`, `gesendet (von|mit|aus|über) (meine[mr] )?(der )?(` + devices + `|` + programs + `).*`, `(holen sie sich )?outlook für .+`,
	`wysłan[eoay] (z|ze|za pomocą) (mojego |mojej )?(` + devices + `|` + programs + `).*`, `pobierz outlook dla .+`,
	`skickat från (min|mitt) ` + devices + `.*`, `надіслано з (мого )?(` + devices + `).*`, `отправлено с (моего )?(` + devices + `).*`, `(được )?gửi từ ` + devices + `.*`, `أُ?رسلت? من .+`,
}, "|") + `)\s*[>)*.]*\s*$`)

const (
	devices  = `(iphone|ipad|ipod|mobil\S*|telefon\S*|smartphone|android\S*|samsung|galaxy|huawei|oneplus|xiaomi|sony\S*|nokia|windows|tablet|arbejdstelefon|phone|cell)`
	programs = `(outlook|yahoo|gmail|proton|mail\b|e-?boks|hotmail|aol|samsung|spark|fairemail|k-9|thunderbird|bluemail|webmail)`
)

// greeting ends what is written: a name, a title and an address follow it.
var greeting = regexp.MustCompile(`(?i)^\s*(` + strings.Join([]string{
	`(med )?(venlig|venlige|kærlig|kærlige|bedste|mange|de bedste) hilsen(er)?`, `hilsen`, `hilsner`, `m\.?v\.?h\.?`, `vh\.?`, `v\.h\.?`, `kh\.?`, `dbh\.?`,
	`(best|kind|warm|many|with best|with kind)( regards| wishes| greetings)?`, `regards`, `br\.?`, `cheers`, `sincerely`, `yours (truly|sincerely|faithfully)`,
	`(mit )?(freundlichen|freundliche|besten|beste|viele|liebe|herzliche|schöne) (grüßen|grüße|grüssen|grüsse|gruß|gruss)`, `(mfg|lg|vg|gruß|gruss|grüße)\.?`,
	`(pozdrawiam|pozdrowienia|z poważaniem|serdecznie pozdrawiam|pozdr)\.?`, `(з повагою|с уважением|trân trọng|مع التحية|تحياتي)`,
}, "|") + `)\s*[,.!/]?\s*$`)

// maxMark is how long a line may be that is tried for being a program's: bytes, of up to three lines together.
const maxMark = 500

// written is what the writer of a mail wrote.
func written(text string) string {
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n")
	var own []string
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if len(line) > maxMark { // nothing that a program puts around a mail is that long
			own = append(own, line)
			continue
		}
		if n := introduces(lines, i); n > 0 {
			if !marked(lines, i+n) {
				break // all below it is quoted
			}
			i += n - 1 // what is quoted bears its marks: below it more may be written
			continue
		}
		if divider.MatchString(line) || headOf(lines, i) || rule.MatchString(line) && headOf(lines, next(lines, i+1)) {
			break
		}
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), ">") || device.MatchString(line) {
			continue
		}
		if line == "--" || line == "-- " || line == "– " || line == "—" {
			// The mark of a signature. Below it only quotations follow, unless the answer stands under them.
			i = signature(lines, i)
			continue
		}
		own = append(own, line)
	}
	return strings.Join(signed(own), "\n")
}

// introduces says over how many lines, from line i on, a quotation is introduced; 0 = it is not.
func introduces(lines []string, i int) int {
	joined := ""
	for n := 1; n <= 3 && i+n <= len(lines); n++ {
		part := strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(lines[i+n-1]), ">"))
		if part == "" || len(joined)+len(part) > maxMark {
			return 0
		}
		joined = strings.TrimSpace(joined + " " + part)
		if strings.HasSuffix(strings.TrimRight(joined, " *_"), ":") && when.MatchString(joined) && (wrote.MatchString(joined) || n == 1 && wroteShort.MatchString(joined)) {
			return n
		}
		if headFrom.MatchString(part) || strings.HasPrefix(strings.TrimSpace(lines[i]), ">") {
			return 0
		}
	}
	return 0
}

// marked says whether the next line with anything on it is marked as quoted.
func marked(lines []string, i int) bool {
	i = next(lines, i)
	return i < len(lines) && strings.HasPrefix(strings.TrimLeft(lines[i], " \t"), ">")
}

// next is the next line from i on with anything on it.
func next(lines []string, i int) int {
	for i < len(lines) && strings.TrimSpace(lines[i]) == "" {
		i++
	}
	return i
}

// headOf says whether a quoted mail's header begins at line i.
func headOf(lines []string, i int) bool {
	if i >= len(lines) || len(lines[i]) > maxMark || !headFrom.MatchString(lines[i]) {
		return false
	}
	more := 0
	for _, line := range lines[i+1 : min(len(lines), i+7)] {
		if len(line) < 2*maxMark && headMore.MatchString(line) {
			more++
		}
	}
	return more >= 2
}

// signature is the last line of the signature that begins at line i: before what is quoted below it, or the end.
func signature(lines []string, i int) int {
	for j := i + 1; j < len(lines); j++ {
		if introduces(lines, j) > 0 || divider.MatchString(lines[j]) || headOf(lines, j) || strings.HasPrefix(lines[j], ">") {
			return j - 1
		}
	}
	return len(lines) - 1
}

// maxCard is how many lines of name, title, address and disclaimer stand below a greeting.
const maxCard = 25

// signed cuts off a greeting and the lines of name, title and address below it, where something stands above it and what
// stands below it is short. A postscript or a question is somebody's words.
func signed(lines []string) []string {
	above := false // whether anything is written yet
	for i, line := range lines {
		if above && len(line) < maxMark && greeting.MatchString(line) && card(lines[i+1:]) {
			return lines[:i]
		}
		above = above || strings.TrimSpace(line) != ""
	}
	return lines
}

func card(lines []string) bool {
	n := 0
	for _, line := range lines {
		line = strings.ToUpper(strings.TrimSpace(line))
		if line == "" {
			continue
		}
		if n++; n > maxCard || strings.HasPrefix(line, "PS") || strings.HasPrefix(line, "P.S") || strings.HasSuffix(line, "?") {
			return false
		}
	}
	return true
}
