package email_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"efterkurs/bot/email"
)

// letter is a plain mail with that text.
func letter(text string) []byte {
	return []byte("From: Maja <maja@fabrik.example>\r\nTo: kursus@skolen.example\r\nSubject: Re: Uge 1\r\nMessage-ID: <1@fabrik.example>\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + strings.ReplaceAll(text, "\n", "\r\n"))
}

const ours = "Hej Maja\n\nVælg ét sted på din plads.\n1 Ja\n2 Nej\n-- \nDu får mailen efter dit kursus."

func marked(text string) string { return "> " + strings.ReplaceAll(text, "\n", "\n> ") }

// What mail programs in four languages put around an answer is not the answer, and nothing of the answer is cut off. It
// fails where a line of theirs stays, which makes "2" unreadable for rules, or where one of the writer's is taken for one.
func TestOnlyWhatTheWriterWroteIsTheAnswer(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing around it", "2", "2"},
		{"Gmail, Danish", "2\n\nDen tirs. 9. sep. 2026 kl. 14.02 skrev Fjordens Skole <\nkursus@skolen.example>:\n\n" + marked(ours), "2"},
		{"Gmail, English", "1 we did it\n\nOn Tue, Sep 9, 2026 at 2:02 PM Fjordens Skole <kursus@skolen.example> wrote:\n\n" + marked(ours), "1 we did it"},
		{"Gmail, German", "Ja\n\nAm Di., 9. Sept. 2026 um 14:02 Uhr schrieb Fjordens Skole <\nkursus@skolen.example>:\n\n" + marked(ours), "Ja"},
		{"Gmail, Polish", "tak\n\nwt., 9 wrz 2026 o 14:02 Fjordens Skole <kursus@skolen.example> napisał(a):\n\n" + marked(ours), "tak"},
		{"Gmail, Ukrainian", "так\n\nвт, 9 вер. 2026 р. о 14:02 Fjordens Skole <kursus@skolen.example> пише:\n\n" + marked(ours), "так"},
		{"Gmail, Vietnamese", "có\n\nVào Th 3, 9 thg 9, 2026 vào lúc 14:02 Fjordens Skole <kursus@skolen.example> đã viết:\n\n" + marked(ours), "có"},
		{"Gmail, Arabic", "نعم\n\nفي الثلاثاء، 9 سبتمبر 2026 في 14:02 كتب Fjordens Skole <kursus@skolen.example>:\n\n" + marked(ours), "نعم"},
		{"Apple Mail, Danish", "2\n\nSendt fra min iPhone\n\n> Den 9. sep. 2026 kl. 14.02 skrev Fjordens Skole <kursus@skolen.example>:\n> \n" + marked(ours), "2"},
		{"Apple Mail, Danish, unmarked", "2\n\nSendt fra min iPad\n\nDen 9. sep. 2026 kl. 14.02 skrev Fjordens Skole <kursus@skolen.example>:\n\n" + ours, "2"},
		{"Apple Mail, English", "2\n\nSent from my iPhone\n\n> On 9 Sep 2026, at 14.02, Fjordens Skole <kursus@skolen.example> wrote:\n> \n" + marked(ours), "2"},
		{"Apple Mail, German", "2\n\nVon meinem iPhone gesendet\n\n> Am 09.09.2026 um 14:02 schrieb Fjordens Skole <kursus@skolen.example>:\n" + marked(ours), "2"},
		{"Apple Mail, Polish", "2\n\nWysłane z iPhone'a\n\n> Wiadomość napisana przez Fjordens Skole <kursus@skolen.example> w dniu 9 wrz 2026, o godz. 14:02:\n" + marked(ours), "2"},
		{"Outlook, Danish", "2 vi manglede tid\n\nFra: Fjordens Skole <kursus@skolen.example>\nSendt: 9. september 2026 14:02\nTil: Maja\nEmne: Uge 1\n\n" + ours, "2 vi manglede tid"},
		{"Outlook, English, bold", "2\n\n*From:* Fjordens Skole <kursus@skolen.example>\n*Sent:* Wednesday, September 9, 2026 2:02 PM\n*To:* Maja\n*Subject:* Uge 1\n\n" + ours, "2"},
		{"Outlook, German", "2\n\nVon: Fjordens Skole <kursus@skolen.example>\nGesendet: Mittwoch, 9. September 2026 14:02\nAn: Maja\nBetreff: Uge 1\n\n" + ours, "2"},
		{"Outlook, Polish", "2\n\nOd: Fjordens Skole <kursus@skolen.example>\nWysłano: środa, 9 września 2026 14:02\nDo: Maja\nTemat: Uge 1\n\n" + ours, "2"},
		{"Outlook on the web", "2\n________________________________\nFra: Fjordens Skole <kursus@skolen.example>\nSendt: 9. september 2026 14:02\nTil: Maja\nEmne: Uge 1\n\n" + ours, "2"},
		{"Outlook on a phone", "Ja\n\nHent Outlook til iOS<https://aka.ms/o0ukef>\n________________________________\nFra: Fjordens Skole <kursus@skolen.example>\nSendt: 9. september 2026 14:02\nTil: Maja\n\n" + ours, "Ja"},
		{"old Outlook, Danish", "2\n\n-----Oprindelig meddelelse-----\nFra: Fjordens Skole\n" + ours, "2"},
		{"old Outlook, English", "2\n\n-----Original Message-----\nFrom: Fjordens Skole\n" + ours, "2"},
		{"old Outlook, German", "2\n\n-----Ursprüngliche Nachricht-----\nVon: Fjordens Skole\n" + ours, "2"},
		{"old Outlook, Polish", "2\n\n-----Wiadomość oryginalna-----\nOd: Fjordens Skole\n" + ours, "2"},
		{"Thunderbird, answer below", "Den 09.09.2026 kl. 14.02 skrev Fjordens Skole:\n" + marked(ours) + "\n\n2\n\n-- \nMaja Sørensen\nOperatør", "2"},
		{"answers between the lines", marked("Valgte du et sted?") + "\nja\n" + marked("Hvad kom i vejen?") + "\nmaskinen stod stille\n", "ja\nmaskinen stod stille"},
		{"Android", "2\n\nSendt fra min Samsung Galaxy-smartphone.\n\n-------- Oprindelig besked --------\nFra: Fjordens Skole <kursus@skolen.example>\nDato: 09.09.2026 14.02 (GMT+01:00)\n" + ours, "2"},
		{"Yahoo", "2\n\nSendt fra Yahoo Mail på Android\n\n  Den ons., sep. 9, 2026 kl. 14.02, Fjordens Skole<kursus@skolen.example> skrev:   \n \n " + ours, "2"},
		{"Zoho", "2\n\n---- On Tue, 09 Sep 2026 14:02:00 +0200 Fjordens Skole <kursus@skolen.example> wrote ----\n\n" + ours, "2"},
		{"Roundcube", "2\n\nDen 2026-09-09 14:02, skrev Fjordens Skole:\n" + marked(ours), "2"},
		{"Outlook for Mac, Danish", "2\n\nFra: Fjordens Skole <kursus@skolen.example>\nDato: onsdag den 9. september 2026 kl. 14.02\nTil: Maja\nEmne: Uge 1\n" + ours, "2"},
		{"a signature", "1 det går fint\n\n-- \nMaja Sørensen\nOperatør, Nordfald A/S\nTlf. 20 11 50 00", "1 det går fint"},
		{"a greeting and a card", "Hej\n1\nMed venlig hilsen\nMaja Sørensen\nOperatør\n\nNordfald A/S\nwww.nordfald.example\n\nDenne mail er fortrolig.", "Hej\n1"},
		{"Mvh", "2 nåede det ikke\n\nMvh Maja", "2 nåede det ikke\n\nMvh Maja"}, // one line: left alone
		{"Mvh, on its own", "2 nåede det ikke\n\nMvh.\nMaja", "2 nåede det ikke"},
		{"best regards", "2\n\nBest regards,\nMaja", "2"},
		{"Grüße", "2\n\nMit freundlichen Grüßen\nMaja", "2"},
		{"Pozdrawiam", "2\n\nPozdrawiam\nMaja", "2"},
		{"a postscript", "2\n\nMvh.\nMaja\n\nPS: maskinen er repareret", "2\n\nMvh.\nMaja\n\nPS: maskinen er repareret"},
		// What looks like theirs and is the writer's.
		{"their own colon", "Den uge skrev vi 5 ting:\nskruer\nmøtrikker", "Den uge skrev vi 5 ting:\nskruer\nmøtrikker"},
		{"their own diary", "1\nDen 9. september skrev jeg det på tavlen: færdig", "1\nDen 9. september skrev jeg det på tavlen: færdig"},
		{"from and to", "Fra: presse 3\nNu: rent hver dag", "Fra: presse 3\nNu: rent hver dag"},
		{"a list of their own", "- ryddet op\n- sat skilte op", "- ryddet op\n- sat skilte op"},
		{"sent by a boss", "Sendt fra min chef: gør det færdigt", "Sendt fra min chef: gør det færdigt"},
		{"a greeting and nothing else", "Hilsen", "Hilsen"},
		{"a question after a greeting", "Hilsen\nMaja\nhvornår kommer I?", "Hilsen\nMaja\nhvornår kommer I?"},
		{"a number above the quotation", "1\nDen 9. sep. 2026 kl. 14.02 skrev Fjordens Skole <kursus@skolen.example>:\n" + marked(ours), "1"},
		{"only a quotation", marked(ours), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := email.Parse(letter(c.text)).Text; got != c.want {
				t.Errorf("taken for the answer:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// A mail is read in whatever its program made it.
func TestMailsAreReadAsTheyAreWritten(t *testing.T) {
	const head = "From: maja@fabrik.example\r\nMIME-Version: 1.0\r\n"
	b64 := base64.StdEncoding.EncodeToString([]byte("2 vi nåede det ikke på grund af støj og få øre"))
	for _, c := range []struct {
		name, mail, text string
		media            []string
	}{
		{"quoted-printable", head + "Content-Type: text/plain; charset=\"iso-8859-1\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n2 n=E5ede det ik=\r\nke", "2 nåede det ikke", nil},
		{"quoted-printable that is not", head + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n2 =) 100=% p=C3=A5 plads", "2 =) 100=% på plads", nil},
		{"base64", head + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64, "2 vi nåede det ikke på grund af støj og få øre", nil},
		{"base64 that breaks off", head + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64[:9], "2 vi n", nil},
		{"UTF-8 called ISO 8859-1", head + "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n2 på plads", "2 på plads", nil},
		{"ISO 8859-1 called UTF-8", head + "Content-Type: text/plain; charset=utf-8\r\n\r\n2 p\xe5 plads", "2 på plads", nil},
		{"a charset nobody knows", head + "Content-Type: text/plain; charset=x-klingon\r\n\r\n2 p\xe5 plads", "2 på plads", nil},
		{"Polish", head + "Content-Type: text/plain; charset=iso-8859-2\r\n\r\nnie zd\xb1\xbfy\xb3em", "nie zdążyłem", nil},
		{"UTF-16", head + "Content-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte("2\x00 \x00o\x00k\x00")), "2 ok", nil},
		{"HTML alone", head + "Content-Type: text/html; charset=utf-8\r\n\r\n<html><head><style>p{}</style><title>x</title></head><body><p>2 p&aring;<br>plads</p><script>1</script><div class=\"gmail_quote\"><div>Den 9. skrev</div><blockquote>1 Ja</blockquote></div></body></html>", "2 på\nplads", nil},
		{"HTML of Outlook", head + "Content-Type: text/html; charset=utf-8\r\n\r\n<div class=WordSection1><p class=MsoNormal>2<o:p></o:p></p><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>Fra:</b> Fjordens Skole &lt;kursus@skolen.example&gt; <br><b>Sendt:</b> 9. september 2026 14:02<br><b>Til:</b> Maja<br><b>Emne:</b> Uge 1</p></div><p>1 Ja</p></div>", "2", nil},
		{"a picture alone", head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n\r\n--x\r\nContent-Type: image/jpeg; name=\"IMG_1.jpg\"\r\nContent-Disposition: inline; filename=\"IMG_1.jpg\"\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/\r\n--x--", "", []string{"IMG_1.jpg"}},
		{"a logo beside words", head + "Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n2\r\n--x\r\nContent-Type: image/png; name=\"image001.png\"\r\nContent-ID: <1>\r\n\r\nx\r\n--x--", "2", nil},
		{"a picture sent beside words", head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n2\r\n--x\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"=?utf-8?q?f=C3=B8r.png?=\"\r\n\r\nx\r\n--x--", "2", []string{"før.png"}},
		{"words, a picture, words", head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nher er den\r\n--x\r\nContent-Type: image/jpeg\r\nContent-Disposition: inline; filename=a.jpg\r\n\r\nx\r\n--x\r\nContent-Type: text/plain\r\n\r\nfin ikke\r\n--x--", "her er den\nfin ikke", []string{"a.jpg"}},
		{"winmail.dat", head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n2\r\n--x\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Disposition: attachment; filename=winmail.dat\r\n\r\nx\r\n--x--", "2", []string{"winmail.dat"}},
		{"signed", head + "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\nContent-Type: text/plain\r\n\r\n2\r\n--y\r\nContent-Type: text/html\r\n\r\n<p>2</p>\r\n--y--\r\n--x\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nx\r\n--x--", "2", nil},
		{"breaks off in the middle", head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n2 vi", "2 vi", nil},
		{"a boundary that never comes", head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n2", "2", nil},
		{"empty", head + "\r\n", "", nil},
		{"nothing at all", "", "", nil},
		{"no header", "2 ja", "2 ja", nil},
		{"only a subject", head + "Subject: 2 =?iso-8859-1?q?p=E5_plads?=\r\n\r\n\r\n", "2 på plads", nil},
		{"only somebody else's subject", head + "Subject: Re: Uge 1\r\n\r\n\r\n", "", nil},
		{"control characters", head + "\r\n2\x00\x08\x1b[31m ok\r\n", "2[31m ok", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := email.Parse([]byte(c.mail))
			if m.Text != c.text || strings.Join(m.Media, "|") != strings.Join(c.media, "|") {
				t.Errorf("text %q, media %q; want %q, %q", m.Text, m.Media, c.text, c.media)
			}
		})
	}
}

// A header cannot be made of another, and what is deep, long or many is bounded.
func TestOddMailsAreBounded(t *testing.T) {
	m := email.Parse([]byte("From: \"x\" <maja@fabrik.example>\r\nSubject: =?utf-8?q?a=0D=0ABcc:_x=40y.example?=\r\nMessage-ID: <a\r\n b@c>\r\nTo: <kursus@skolen.example\x00>\r\n\r\n2"))
	if m.Subject != "a Bcc: x@y.example" || strings.ContainsAny(m.ID+strings.Join(m.To, ""), "\r\n\x00 ") || m.From != "maja@fabrik.example" {
		t.Errorf("%+v", m)
	}
	deep := "Content-Type: text/plain\r\n\r\n2"
	for i := range 60 {
		deep = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n", i, i, deep, i)
	}
	if m := email.Parse([]byte("From: a@b.example\r\n" + deep)); m.Text != "" {
		t.Errorf("sixty deep: %q", m.Text)
	}
	many := "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n2\r\n" + strings.Repeat("--x\r\nContent-Type: image/png\r\n\r\nx\r\n", 5000)
	if m := email.Parse([]byte(many)); m.Text != "2" || len(m.Media) > 20 {
		t.Errorf("%q, %d media", m.Text, len(m.Media))
	}
	if m := email.Parse(letter(strings.Repeat("en lang dag på fabrikken\n", 8000))); utf8.RuneCountInString(m.Text) > 10_001 || !strings.HasPrefix(m.Text, "en lang dag") {
		t.Errorf("200 kB: %d characters", utf8.RuneCountInString(m.Text))
	}
}

// No mail keeps the reading of all others waiting. It fails where time grows with the square of a mail's length: these
// took half a minute each then, and take a tenth of a second.
func TestNoMailTakesLong(t *testing.T) {
	page := "From: a@b.example\r\nContent-Type: text/html\r\n\r\n<div><blockquote>" + strings.Repeat("<div>x", 40_000)
	for name, raw := range map[string][]byte{
		"one line":     letter(strings.Repeat("den 9. sep 2026 skrev ", 20_000)),
		"short lines":  letter(strings.Repeat("Den 9. september 2026 kl. 14.02\n", 8000)),
		"many quoted":  letter(strings.Repeat("Fra: den 2026 skrev 14.02 x@y:\n", 8000)),
		"many greet":   letter(strings.Repeat("hej\nhilsen\n", 30_000)),
		"many sign":    letter(strings.Repeat("--\n", 80_000)),
		"HTML":         []byte(page),
		"many headers": []byte(strings.Repeat("a: b\r\n", 150_000)),
		"a long one":   []byte("a: b\r\n" + strings.Repeat(" c\r\n", 250_000)),
		"many senders": []byte("From: " + strings.Repeat("a@b, ", 200_000) + "\r\n\r\nx"),
	} {
		start := time.Now()
		email.Parse(raw)
		limit := 5 * time.Second
		if raced {
			limit *= 12 // the detector takes its time
		}
		if took := time.Since(start); took > limit {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// What machines send is told from what people write, and the other way round.
func TestMachinesAreToldFromPeople(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"Auto-Submitted: auto-replied (vacation)", email.AutoReply},
		{"Auto-Submitted: auto-generated; owner-email=x", email.AutoReply},
		{"X-Autoreply: yes", email.AutoReply},
		{"X-Autorespond: Ferie", email.AutoReply},
		{"Precedence: auto_reply", email.AutoReply},
		{"Return-Path: <>", email.AutoReply},
		{"Precedence: bulk", email.AutoBulk},
		{"List-Id: <nyt.example>", email.AutoBulk},
		{"Subject: Ikke til stede: Uge 1", email.AutoPerhaps},
		{"Subject: Automatisk svar: Uge 1", email.AutoPerhaps},
		{"Subject: Automatic reply: Uge 1", email.AutoPerhaps},
		{"Subject: Autosvar", email.AutoPerhaps},
		{"Subject: Autosvar fra Maja", email.AutoPerhaps},
		{"Subject: =?utf-8?q?Frav=C3=A6r?=", email.AutoPerhaps},
		{"Subject: Abwesenheitsnotiz: Uge 1", email.AutoPerhaps},
		{"Subject: =?utf-8?q?Odpowied=C5=BA_automatyczna=3A?= Uge 1", email.AutoPerhaps},
		{"Subject: Out of office", email.AutoPerhaps},
		{"Content-Type: multipart/report; report-type=disposition-notification; boundary=x", email.AutoReceipt},
		{"Auto-Submitted: no", ""},
		{"Subject: Re: Automatic reply: Uge 1", ""},
		{"Subject: Re: Uge 1", ""},
		{"Subject: Ikke til stede i uge 30 og 31", ""},
		{"Subject: Autosvejseren er i stykker", ""},
		{"Subject: Undelivered pallets", ""}, // from a person
		{"X-Auto-Response-Suppress: OOF", ""},
		{"Importance: high", ""},
	} {
		if got := email.Parse([]byte("From: maja@fabrik.example\r\n" + c.header + "\r\n\r\n2")).Auto; got != c.want {
			t.Errorf("%s: %q, want %q", c.header, got, c.want)
		}
	}
}

// FuzzParse: whatever comes is taken apart, without a panic, into text that a database and a page can hold.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/mails/*.eml")
	if err != nil || len(files) < 10 {
		f.Fatalf("the seeds are %d files, %v", len(files), err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := email.Parse(raw)
		for _, s := range append([]string{m.ID, m.From, m.Answers, m.Subject}, append(m.To, m.Media...)...) {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\r\n\x00") {
				t.Errorf("a header holds %q", s)
			}
		}
		if !utf8.ValidString(m.Text) || strings.ContainsAny(m.Text, "\r\x00") || utf8.RuneCountInString(m.Text) > 10_001 || m.Text != strings.TrimSpace(m.Text) {
			t.Errorf("the text is %q", m.Text)
		}
		if (m.Bounce != nil) != (m.Auto == email.AutoBounce) {
			t.Errorf("%q with %+v", m.Auto, m.Bounce)
		}
		if len(m.Media) > 20 {
			t.Errorf("%d media", len(m.Media))
		}
		again := email.Parse(raw)
		if again.Text != m.Text || again.ID != m.ID || again.Auto != m.Auto {
			t.Error("the same mail is two")
		}
	})
}
