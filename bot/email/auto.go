package email

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	mimetext "github.com/emersion/go-message/textproto"
)

// What a machine makes a mail for.
const (
	AutoBounce  = "bounce"  // a mail of ours that came back, or is late
	AutoReply   = "reply"   // out of office, and the like
	AutoPerhaps = "perhaps" // the same, by nothing but its subject
	AutoReceipt = "receipt" // somebody opened a mail, or complained of it
	AutoBulk    = "bulk"    // newsletters and lists
)

// Bounce is what a mail that came back says.
type Bounce struct {
	Names     []string // names of messages of ours that stand in it (Tokens.Mail), unproven
	Recipient string   // whose mail it is about, in lower case; "" = it does not say
	Status    string   // 5.1.1 (RFC 3463); "" = it does not say
	Failed    bool     // given up; false = late, and still tried
	Words     string   // the other server's, in short
}

// Wrong says whether the address is at fault, and not our server, the mail or a full mailbox.
func (b Bounce) Wrong() bool {
	return strings.HasPrefix(b.Status, "5.1.") && b.Status != "5.1.7" && b.Status != "5.1.8" || // of which two are the sender's
		slices.Contains([]string{"5.0.0", "5.2.0", "5.2.1", "5.4.1", "5.4.4"}, b.Status)
}

// Subjects that mail programs give to what they answer by themselves, in front of the subject that it answers.
var (
	autoSubject = regexp.MustCompile(`(?i)^\s*(` + strings.Join([]string{
		`auto(matisk)?[- ]?svar`, `automatisk (svar|besked|mail)`, `ikke til stede`, `ikke på kontoret`, `fraværs?(besked|assistent|meddelelse)?`, `ferie(svar|besked)`,
		`automatic reply`, `auto(matic)?[- ]?(reply|response|responder)`, `out[- ]of[- ](the[- ])?office( autoreply)?`, `vacation (reply|response)`, `away from (my|the) (mail|office)`, `auto`,
		`abwesenheits(notiz|meldung|nachricht|assistent)`, `abwesend`, `automatische (antwort|rückmeldung)`, `autoantwort`,
		`(odpowiedź automatyczna|automatyczna odpowiedź|autoodpowiedź|nieobecność|poza biurem)`,
		`(autosvar|frånvaro(meddelande)?|fravær)`, `(réponse automatique|absence du bureau)`, `(автоматична відповідь|автоответ|автовідповідь)`, `(trả lời tự động|tự động trả lời)`, `(رد تلقائي|خارج المكتب)`,
	}, "|") + `)\s*($|:|\s-\s|\bfra\b|\bfrom\b|\bvon\b|\bod\b)`)
	bounceSubject = regexp.MustCompile(`(?i)^\s*(undeliver(ed|able)|mail delivery (failed|failure|subsystem|system)|delivery (status notification|has failed|failure|failed|delayed)|returned mail|failure notice|` +
		`(warning: )?(could not send message|message (could not be|not) delivered|message delayed)|mail system error|non[- ]?delivery|ikke leveret|kan ikke leveres|kunne ikke leveres|leveringsfejl|mislykket levering|` +
		`unzustellbar|nicht zustellbar|zustellung fehlgeschlagen|niedostarczon|nie można dostarczyć|niedoręczalna|kan inte levereras|oleverbart)`)
	postmaster = regexp.MustCompile(`(?i)^(mailer-daemon|postmaster|mail-daemon|mailerdaemon|microsoftexchange[0-9a-f]+)@`)
	ownHeader  = []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-Mail-Autoreply", "X-Auto-Reply-From", "X-Amazon-Auto-Reply"}
)

// auto says what a machine made a mail for; "" = a person wrote it.
func auto(header mimetext.Header, subject, report string, bounced bool) string {
	first := func(name string) string {
		return strings.ToLower(strings.TrimSpace(strings.SplitN(header.Get(name), ";", 2)[0]))
	}
	submitted, precedence := first("Auto-Submitted"), first("Precedence")
	if precedence == "" {
		precedence = first("X-Precedence")
	}
	switch {
	case report == "delivery-status" || bounced:
		return AutoBounce
	case report != "":
		return AutoReceipt
	case submitted != "" && submitted != "no" || precedence == "auto_reply" || slices.ContainsFunc(ownHeader, func(name string) bool {
		value := first(name)
		return value != "" && value != "no"
	}):
		return AutoReply
	case strings.TrimSpace(header.Get("Return-Path")) == "<>": // nobody who is to be answered (RFC 3834)
		return AutoReply
	case precedence == "bulk" || precedence == "junk" || precedence == "list" || header.Get("List-Id") != "" || header.Get("List-Unsubscribe") != "":
		return AutoBulk
	case autoSubject.MatchString(subject):
		return AutoPerhaps
	}
	return ""
}

var (
	statusCode = regexp.MustCompile(`\b([245]\.\d{1,3}\.\d{1,3})\b`)
	replyCode  = regexp.MustCompile(`(?m)(?:^|[\s:(<#-])([45][0-5]\d)(?:[\s-]+[A-Z<#]|[\s-]+\d\.\d)`)
	lateWords  = regexp.MustCompile(`(?i)delayed|will (be )?retr|still (be )?tr|no need to resend|do not need to resend|forsinket|verzögert|opóźnion`)
	stopsHere  = regexp.MustCompile(`(?im)^[ \t>]*-{2,}.*(original|returned|copy of|kopi|included).*$|^content-type:\s*message/`)
)

const bounceWords = 400 // characters of the other server's that are kept

// bounce reads what a mail that came back says: as RFC 3464 has it, else as servers wrote it before and still do. nil = it
// is none.
func (p *parser) bounce(header mimetext.Header, text string) *Bounce {
	b := &Bounce{Names: p.traces}
	if p.report == "delivery-status" || p.notice != "" {
		b.readNotice(p.notice)
		if b.Words == "" {
			b.Words = tidy(text)
		}
		if b.Status == "" {
			b.guess(text)
		}
		b.Words = shortenTo(b.Words, bounceWords)
		return b
	}
	failed := addresses(header.Values("X-Failed-Recipients"))
	from := addresses(header.Values("From"))
	sender := strings.TrimSpace(header.Get("Return-Path")) == "<>" || len(from) > 0 && postmaster.MatchString(from[0])
	if len(failed) == 0 && !(sender && bounceSubject.MatchString(decodeWords(header.Get("Subject")))) {
		return nil
	}
	if len(failed) > 0 {
		b.Recipient = failed[0]
	}
	if end := stopsHere.FindStringIndex(text); end != nil { // below it stands our own mail
		text = text[:end[0]]
	}
	b.Failed = !lateWords.MatchString(text) || len(failed) > 0
	b.guess(text)
	b.Words = shortenTo(tidy(text), bounceWords)
	return b
}

// readNotice reads a message/delivery-status: groups of fields, the first of the mail, each other of one recipient. Our mails
// have one; of several, one that failed.
func (b *Bounce) readNotice(notice string) {
	found := false
	for group := range strings.SplitSeq(strings.ReplaceAll(notice, "\r\n", "\n"), "\n\n") {
		header, _ := split([]byte(strings.TrimLeft(group, "\n") + "\n\n"))
		recipient, action := header.Get("Final-Recipient"), strings.ToLower(header.Get("Action"))
		if recipient == "" && action == "" || found && b.Failed {
			continue
		}
		found = true
		if original := header.Get("Original-Recipient"); recipient == "" {
			recipient = original
		}
		if _, address, ok := strings.Cut(recipient, ";"); ok {
			recipient = address
		}
		if all := addresses([]string{recipient}); len(all) > 0 {
			b.Recipient = all[0]
		}
		b.Status = statusCode.FindString(header.Get("Status"))
		b.Failed = strings.HasPrefix(action, "failed") || action == "" && strings.HasPrefix(b.Status, "5")
		_, b.Words, _ = strings.Cut(header.Get("Diagnostic-Code"), ";")
		b.Words = oneLine(decodeWords(b.Words))
		// "5.0.0" says no more than that it failed; the server's own words often do.
		if said := statusCode.FindString(b.Words); (b.Status == "" || strings.HasSuffix(b.Status, ".0.0")) && said != "" {
			b.Status = said
		}
	}
}

// guess looks for a status in words. Servers that gave none but 550 mean the address.
func (b *Bounce) guess(text string) {
	if b.Status = statusCode.FindString(text); b.Status != "" {
		return
	}
	found := replyCode.FindStringSubmatch(text)
	if found == nil {
		return
	}
	switch code, _ := strconv.Atoi(found[1]); {
	case code == 550 || code == 551 || code == 553:
		b.Status = "5.1.0"
	case code == 552:
		b.Status = "5.2.2"
	case code >= 500:
		b.Status = "5.3.0"
	default:
		b.Status = strconv.Itoa(code/100) + ".0.0"
	}
}
