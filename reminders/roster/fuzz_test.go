package roster

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	e164     = regexp.MustCompile(`^\+[1-9][0-9]{5,14}$`)
	language = regexp.MustCompile(`^[a-z]{2}$`)
)

// FuzzRead holds for any bytes: no panic, no endless reading; every row handed
// out is whole and normalised; faults are sorted, printable and short.
func FuzzRead(f *testing.F) {
	f.Add([]byte(danishExcel))
	f.Add([]byte("sep=,\nname,company,course,start,end,slack,window,closed_weeks,weekday\nA,B,5s,1-1-2027,2-1-2027,U012AB3CD,14-16,\"29-31,52\",ons\n"))
	f.Add([]byte("name\tcompany\tcourse\tstart\tend\tphone\tcontact_phone\temail\tchannel\n\"A\tB\tsmed\t2026-11-23\t2026-11-24\t4,520123456E+09\t33123456\ta@b.dk\tmail\n"))
	f.Add([]byte("\xff\xfen\x00a\x00m\x00e\x00;\x00"))
	f.Add([]byte(lines(anna, anna, but("end", "2026-11-25"))))
	f.Add(xlsx(f, nil, xlsxHead, []any{"Anna", "Glas", "5S", 46349, 46350, 20123456}))
	f.Fuzz(func(t *testing.T, data []byte) {
		res, err := Read(bytes.NewReader(data), "hold", Options{})
		if err != nil {
			if len(res.Rows)+len(res.Faults) > 0 || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Fatalf("%q with %+v", err, res)
			}
			return
		}
		if res.Total < len(res.Rows) || res.Total != len(res.Rows) && len(res.Faults) == 0 {
			t.Fatalf("%d rows of %d are sound, without a fault", len(res.Rows), res.Total)
		}
		faulty := make(map[int]bool)
		for _, fault := range res.Faults {
			faulty[fault.Line] = true
			if fault.Line < 1 || fault.Expected == "" || len([]rune(fault.Found)) > 60 || strings.ContainsAny(fault.String(), "\n\r\t\x00") {
				t.Fatalf("fault %+v", fault)
			}
		}
		if !slices.IsSortedFunc(res.Faults, func(a, b Fault) int { return a.Line - b.Line }) {
			t.Fatalf("unsorted: %v", res.Faults)
		}
		for _, r := range res.Rows {
			start, err1 := time.Parse(isoDate, r.Start)
			end, err2 := time.Parse(isoDate, r.End)
			switch {
			case faulty[r.Line]:
				t.Fatalf("a faulty row was handed out: %+v", r)
			case r.Name == "" || r.Company == "" || !slices.Contains(courseSlugs, r.Course) || r.Phone+r.Email+r.Slack == "":
				t.Fatalf("not whole: %+v", r)
			case err1 != nil || err2 != nil || end.Before(start):
				t.Fatalf("dates: %+v", r)
			case r.Phone != "" && !e164.MatchString(r.Phone) || r.ContactPhone != "" && !e164.MatchString(r.ContactPhone):
				t.Fatalf("phones: %+v", r)
			case r.Channel == "sms" && (r.Phone == "" || lookUp(r.Phone, "DK").landline), r.Channel == "email" && r.Email == "", r.Channel == "slack" && r.Slack+r.Email == "", r.Channel == "":
				t.Fatalf("channel: %+v", r)
			case !language.MatchString(r.Language) || r.Weekday < 0 || r.Weekday > 5:
				t.Fatalf("words: %+v", r)
			case r.WindowTo != 0 && (r.WindowTo-r.WindowFrom < 15 || r.WindowTo > 1440), r.WindowTo == 0 && r.WindowFrom != 0:
				t.Fatalf("window: %+v", r)
			}
		}
	})
}
