package roster

import (
	"fmt"
	"strings"
	"testing"
)

func TestPhonesBecomeE164(t *testing.T) {
	checkColumn(t, "phone", func(r Row) string { return r.Phone }, []accepted{
		{"20 12 34 56", "+4520123456"}, {"+45 20123456", "+4520123456"}, {"004520123456", "+4520123456"}, {"4520123456", "+4520123456"},
		{"(+45) 20-12.34.56", "+4520123456"}, {"20\u00a012\u00a034\u00a056", "+4520123456"}, {"\u202a+45 20 12 34 56\u202c", "+4520123456"},
		{"20\u201112\u201134\u201156", "+4520123456"}, {"+46 70 123 45 67", "+46701234567"}, {"+48 501 234 567", "+48501234567"},
		{"4,520123456E+09", "+4520123456"}, {"20123456.0", "+4520123456"},
	}, []refused{
		{"12 34", "+45 20 12 34 56"}, {"112", "mobile number"}, {"20123456a", "digits only"}, {"4,52012E+09", "format the column as text"},
		{"90 12 34 56", "service number"}, {"80 12 34 56", "service number"}, {"20123456 / 30123456", "mobile number"}, {"00 00 00 00", "mobile number"},
		{"2012345", "mobile number"}, {strings.Repeat("2", 5000), "mobile number"},
	})
}

// Every mobile series of the Danish numbering plan, and mobile series that lie
// inside the landline ranges; landlines from all over the country.
func TestLandlinesAreToldFromMobiles(t *testing.T) {
	var mobiles []accepted
	for _, series := range []string{
		"201", "211", "221", "231", "241", "251", "261", "271", "281", "291", "301", "311", "401", "411", "421",
		"501", "511", "521", "531", "601", "611", "711", "811", "911", "921", "931", "342", "431", "552", "782", "829",
	} {
		mobiles = append(mobiles, accepted{series + "23456", "+45" + series + "23456"})
	}
	var landlines []refused
	for _, number := range []string{
		"33 12 34 56", "35 12 34 56", "38 12 34 56", "43 22 34 56", "45 20 12 34", "49 12 34 56", "56 12 34 56", "59 12 34 56", "62 12 34 56",
		"65 12 34 56", "70 12 34 56", "75 12 34 56", "79 12 34 56", "86 12 34 56", "89 12 34 56", "96 12 34 56", "98 12 34 56",
		"+46 8 123 456 78", "+48 22 123 45 67", "+49 30 123456",
	} {
		landlines = append(landlines, refused{number, "this is a landline"})
	}
	checkColumn(t, "phone", func(r Row) string { return r.Phone }, mobiles, landlines)
	checkColumn(t, "phone", func(r Row) string { return r.Phone }, nil, landlines, "email", "a@b.dk")
	// Who is written to elsewhere may have a landline.
	checkColumn(t, "phone", func(r Row) string { return r.Phone + r.Channel }, []accepted{{"33123456", "+4533123456email"}}, nil, "email", "a@b.dk", "channel", "email")
}

func TestALeaderCanBeWrittenTo(t *testing.T) {
	get := func(r Row) string { return r.ContactPhone }
	checkColumn(t, "contact_phone", get, []accepted{{"", ""}, {"30112233", "+4530112233"}}, []refused{{"33123456", "landline"}, {"1", "mobile"}})
	checkColumn(t, "contact_phone", get, []accepted{{"33123456", "+4533123456"}}, []refused{{"90123456", "service number"}}, "contact_email", "bo@b.dk")
}

func TestOtherRegionsAreReadWithTheirOwnDefault(t *testing.T) {
	res, err := Read(strings.NewReader(lines(but("phone", "070-123 45 67"))), "", Options{DefaultRegion: "SE"})
	if err != nil || len(res.Rows) != 1 || res.Rows[0].Phone != "+46701234567" {
		t.Errorf("%+v %v", res, err)
	}
}

func TestDates(t *testing.T) {
	get := func(r Row) string { return r.End }
	checkColumn(t, "end", get, []accepted{
		{"2026-11-24", "2026-11-24"}, {"24-11-2026", "2026-11-24"}, {"24.11.2026", "2026-11-24"}, {"24/11/2026", "2026-11-24"},
		{"1-2-2027", "2027-02-01"}, {"2027-2-1", "2027-02-01"}, {"2026-11-24 00:00:00", "2026-11-24"}, {"2026-11-24T00:00", "2026-11-24"},
	}, []refused{
		{"", "a date"}, {"31-02-2027", "a day that exists"}, {"11/24/2026", "the day before the month"}, {"24-11-26", "four digits"},
		{"46350", "as a date"}, {"i morgen", "a date"}, {"24-11/2026", "a date"}, {"2101-01-01", "2000 to 2100"}, {"1999-01-01", "2000 to 2100"},
		{"2026-11-22", "on or after the start, 2026-11-23"}, {"2027-11-26", "within a year"}, {"24-11-2026 14:30", "a date"},
	})
	checkColumn(t, "end", get, []accepted{{"29-02-2028", "2028-02-29"}}, []refused{{"29-02-2027", "a day that exists"}}, "start", "2027-12-01")
}

func TestTheSameDayIsACourse(t *testing.T) {
	readOne(t, lines(but("end", "2026-11-23")))
}

func TestCoursesByTitle(t *testing.T) {
	checkColumn(t, "course", func(r Row) string { return r.Course }, []accepted{
		{"5S", "5s"}, {"5-s", "5s"}, {"Forretningsforståelse", "forretning"}, {"FORRETNING", "forretning"}, {"SMED", "smed"},
		{"Problemløsning", "problemloesning"}, {"problemloesning", "problemloesning"}, {"systematisk problemløsning", "problemloesning"},
	}, []refused{{"", "5s, forretning, smed, problemloesning"}, {"6S", "5s, forretning"}})
}

func TestTheCallerKnowsTheCourses(t *testing.T) {
	opt := Options{KnownCourse: func(slug string) bool { return slug == "kaizen-1" }}
	for course, want := range map[string]int{"Kaizen-1": 1, "5S": 0} {
		res, err := Read(strings.NewReader(lines(but("course", course))), "", opt)
		if err != nil || len(res.Rows) != want {
			t.Errorf("%s: %+v %v", course, res, err)
		}
	}
}

func TestEmails(t *testing.T) {
	bad := []refused{{"anna", "e-mail"}, {"anna@", "e-mail"}, {"a@b@c.dk", "e-mail"}, {"a@b.dk, c@d.dk", "one e-mail"}, {"a b@c.dk", "e-mail"},
		{"a@localhost", "e-mail"}, {"a..b@c.dk", "e-mail"}, {`"a b"@c.dk`, "e-mail"}, {"a@b.dk.", "e-mail"}, {strings.Repeat("a", 400) + "@b.dk", "e-mail"}}
	good := []accepted{{"Anna@Firma.DK", "anna@firma.dk"}, {"Anna Holm <Anna@firma.dk>", "anna@firma.dk"}, {"a+b@c.co.uk", "a+b@c.co.uk"}, {"\u200banna@firma.dk\u00a0", "anna@firma.dk"}, {"", ""}}
	checkColumn(t, "email", func(r Row) string { return r.Email }, good, bad)
	checkColumn(t, "consultant", func(r Row) string { return r.Consultant }, good, bad)
	checkColumn(t, "teacher", func(r Row) string { return r.Teacher }, good, bad)
	checkColumn(t, "contact_email", func(r Row) string { return r.ContactEmail }, good, bad)
}

func TestSlackWantsTheMemberID(t *testing.T) {
	checkColumn(t, "slack", func(r Row) string { return r.Slack },
		[]accepted{{"u012ab3cd", "U012AB3CD"}, {"W012AB3", "W012AB3"}, {"", ""}},
		[]refused{{"@anna", "Copy member ID"}, {"anna.holm", "Copy member ID"}, {"U01", "Copy member ID"}})
}

func TestTheChannelHasItsAddress(t *testing.T) {
	for _, tc := range []struct{ phone, slack, email, channel, want, fault string }{
		{"20123456", "U012AB3CD", "a@b.dk", "", "sms", ""},
		{"", "U012AB3CD", "a@b.dk", "", "slack", ""},
		{"", "", "a@b.dk", "", "email", ""},
		{"20123456", "", "a@b.dk", "E-mail", "email", ""},
		{"20123456", "", "a@b.dk", "mail", "email", ""},
		{"20123456", "", "a@b.dk", "Slack", "slack", ""},
		{"20123456", "U012AB3CD", "", "SMS", "sms", ""},
		{"20123456", "", "", "slack", "", "channel"},
		{"", "U012AB3CD", "", "sms", "", "channel"},
		{"20123456", "", "", "email", "", "channel"},
		{"20123456", "", "", "fax", "", "channel"},
		{"", "", "", "", "", "phone"},
		{"12", "", "", "sms", "", "phone"}, // one fault, not two
	} {
		res := read(t, lines(but("phone", tc.phone, "slack", tc.slack, "email", tc.email, "channel", tc.channel)))
		switch {
		case tc.fault == "" && (len(res.Rows) != 1 || res.Rows[0].Channel != tc.want):
			t.Errorf("%+v: %+v", tc, res)
		case tc.fault != "" && (len(res.Rows) != 0 || len(res.Faults) != 1 || res.Faults[0].Column != tc.fault):
			t.Errorf("%+v: faults %v", tc, res.Faults)
		}
	}
}

func TestLanguages(t *testing.T) {
	checkColumn(t, "language", func(r Row) string { return r.Language }, []accepted{
		{"", "da"}, {"da", "da"}, {"Dansk", "da"}, {"English", "en"}, {"POLSK", "pl"}, {"polski", "pl"}, {"ukrainsk", "uk"}, {"Rumænsk", "ro"},
		{"vi", "vi"}, {"ar", "ar"}, {"Tiếng Việt", "vi"}, {"Türkçe", "tr"}, {"español", "es"},
	}, []refused{{"klingon", "dansk"}, {"xx", "da, en, pl"}})
	for word := range languages {
		if fold(word) != word {
			t.Errorf("%q can never be found, it folds to %q", word, fold(word))
		}
	}
}

func TestYesAndNo(t *testing.T) {
	checkColumn(t, "easy", func(r Row) string { return fmt.Sprint(r.Easy) }, []accepted{
		{"ja", "true"}, {"Yes", "true"}, {"x", "true"}, {"1", "true"}, {"nej", "false"}, {"no", "false"}, {"0", "false"}, {"", "false"},
	}, []refused{{"måske", "yes or no"}, {"2", "yes or no"}})
}

func TestShiftsAndBases(t *testing.T) {
	checkColumn(t, "shift", func(r Row) string { return r.Shift }, []accepted{
		{"Dag", "day"}, {"day", "day"}, {"AFTEN", "evening"}, {"evening", "evening"}, {"nat", "night"}, {"Nathold", "night"}, {"", ""},
	}, []refused{{"morgen", "day, evening or night"}})
	checkColumn(t, "basis", func(r Row) string { return r.Basis }, []accepted{
		{"samtykke", "consent"}, {"Consent", "consent"}, {"interesse", "legitimate"}, {"legitimate", "legitimate"}, {"", ""},
	}, []refused{{"ja", "consent or legitimate"}})
}

func TestWindows(t *testing.T) {
	checkColumn(t, "window", func(r Row) string { return fmt.Sprint(r.WindowFrom, r.WindowTo) }, []accepted{
		{"14:00-16:00", "840 960"}, {"14-16", "840 960"}, {"14.00 - 16.00", "840 960"}, {"14:00\u201316:00", "840 960"}, {"kl. 14 til 16", "840 960"},
		{"0-1", "0 60"}, {"22:00-24:00", "1320 1440"}, {"8.45-9", "525 540"}, {"", "0 0"},
	}, []refused{
		{"22:00-06:00", "over midnight"}, {"14:00-14:10", "15 minutes"}, {"14:00-14:00", "15 minutes"}, {"14:60-16:00", "minutes to 59"},
		{"14-25", "hours to 24"}, {"24-24:30", "hours to 24"}, {"eftermiddag", "14:00-16:00"}, {"14:00", "14:00-16:00"},
	})
}

func TestClosedWeeksAreSortedAndJoined(t *testing.T) {
	checkColumn(t, "closed_weeks", func(r Row) string { return r.ClosedWeeks }, []accepted{
		{"29-31,52", "29-31,52"}, {"52; 29 - 31", "29-31,52"}, {"29,30,31", "29-31"}, {"Uge 29-31 og 42", "29-31,42"}, {"52-1", "1,52-53"}, {"7", "7"}, {"", ""},
	}, []refused{{"54", "1 to 53"}, {"0", "1 to 53"}, {"sommer", "29-31,52"}, {"29-", "29-31,52"}, {"29,,30", "29-31,52"}})
}

func TestThePostcodeIsADanishOne(t *testing.T) {
	checkColumn(t, "postcode", func(r Row) string { return r.Postcode }, []accepted{{"7400", "7400"}, {"DK-7400", "7400"}, {" 0999 ", "0999"}, {"", ""}},
		[]refused{{"740", "four digits"}, {"74000", "four digits"}, {"0799", "four digits"}, {"Herning", "four digits"}, {"DK", "four digits"}})
}

func TestTheWeekdayIsAWorkingDay(t *testing.T) {
	checkColumn(t, "weekday", func(r Row) string { return fmt.Sprint(r.Weekday) }, []accepted{
		{"mandag", "1"}, {"Tuesday", "2"}, {"ons", "3"}, {"4", "4"}, {"fredag", "5"}, {"", "0"},
	}, []refused{{"lørdag", "working day"}, {"6", "working day"}})
}

func TestTextsHaveALength(t *testing.T) {
	get := map[string]func(Row) string{
		"name": func(r Row) string { return r.Name }, "company": func(r Row) string { return r.Company }, "goal": func(r Row) string { return r.Goal },
		"team": func(r Row) string { return r.Team }, "class": func(r Row) string { return r.Class }, "contact": func(r Row) string { return r.Contact },
	}
	for column, most := range map[string]int{"name": 100, "company": 100, "goal": 300, "team": 100, "class": 100, "contact": 100} {
		fits := strings.Repeat("å", most)
		checkColumn(t, column, get[column], []accepted{{fits, fits}}, []refused{{fits + "x", fmt.Sprintf("at most %d characters", most)}, {"a\x07b", "control characters"}})
	}
	checkColumn(t, "name", get["name"], nil, []refused{{"", "name"}, {" \u00a0 ", "name"}, {"Anna\nHolm", "one line"}})
	checkColumn(t, "company", get["company"], nil, []refused{{"", "company"}})
}

func TestWhatLooksLikeAFormulaIsText(t *testing.T) {
	for _, text := range []string{"=1+1", "=cmd|'/c calc'!A1", "+Bo", "-Bo", "@Bo"} {
		if row := readOne(t, lines(but("name", text))); row.Name != text {
			t.Errorf("%q became %q", text, row.Name)
		}
	}
}

func TestFailedFormulasAreNamed(t *testing.T) {
	checkColumn(t, "name", nil, nil, []refused{{"#N/A", "an error of the spreadsheet"}, {"#REFERENCE!", "an error of the spreadsheet"}})
	checkColumn(t, "phone", nil, nil, []refused{{"#VÆRDI!", "an error of the spreadsheet"}})
}

func TestAllFaultsOfAllRowsComeSortedByLine(t *testing.T) {
	res := read(t, lines(but("phone", "1", "name", "", "course", "x"), anna, but("end", "32-01-2027", "phone", "30123456"))) // lines 2, 3, 4
	var got []string
	for _, f := range res.Faults {
		got = append(got, fmt.Sprint(f.Line, " ", f.Column))
	}
	if want := "2 name,2 course,2 phone,4 end"; strings.Join(got, ",") != want {
		t.Errorf("faults %v, want %s", got, want)
	}
	if len(res.Rows) != 1 || res.Rows[0].Line != 3 || res.Total != 3 {
		t.Errorf("rows %+v, total %d", res.Rows, res.Total)
	}
}

func TestAFaultReadsAsASentence(t *testing.T) {
	for want, f := range map[string]Fault{
		`line 7, column phone: found "12 34", expected a mobile number such as +45 20 12 34 56`: {Line: 7, Column: "phone", Found: "12 34", Expected: expectedMobile},
		`line 7, column phone (Mobil): found nothing, expected x`:                               {Line: 7, Column: "phone", Heading: "Mobil", Expected: "x"},
		`line 3: found "y", expected x`:                                                         {Line: 3, Found: "y", Expected: "x"},
	} {
		if f.String() != want {
			t.Errorf("got  %s\nwant %s", f, want)
		}
	}
	res := read(t, strings.Replace(lines(but("phone", "1\x07"+strings.Repeat("2", 100))), "phone", "Mobil", 1))
	f := res.Faults[0]
	if n := len([]rune(f.Found)); n > 60 || !strings.HasPrefix(f.Found, `1\u00072`) || !strings.HasSuffix(f.Found, "…") {
		t.Errorf("found %q (%d)", f.Found, n)
	}
	if f.Column != "phone" || f.Heading != "Mobil" {
		t.Errorf("column %q, heading %q", f.Column, f.Heading)
	}
}
