package roster

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// xlsx writes rows into the first sheet; change may do the rest.
func xlsx(t testing.TB, change func(*excelize.File), rows ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(f)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readXLSXFile(t *testing.T, data []byte) Result {
	t.Helper()
	res, err := Read(bytes.NewReader(data), "hold.xlsx", Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

var xlsxHead = []any{"Navn", "Virksomhed", "Kursus", "Startdato", "Slutdato", "Mobil", "Hold", "Letlæst", "Tidsrum"}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func TestWorkbooksWithNumbersAndRealDates(t *testing.T) {
	for name, date1904 := range map[string]bool{"1900": false, "1904": true} {
		data := xlsx(t, func(f *excelize.File) {
			if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &date1904}); err != nil {
				t.Fatal(err)
			}
			if date1904 {
				// Such a workbook stores the same day 1462 lower.
				f.SetCellValue("Sheet1", "D2", 46349-1462)
				f.SetCellValue("Sheet1", "E2", 46350-1462)
			}
		}, xlsxHead,
			[]any{"Anna Holm", "Glas", "5S", day(2026, 11, 23), day(2026, 11, 24), 20123456, 47, true, "14-16"},
			[]any{"Bo Friis", "Glas", "5S", "23-11-2026", "2026-11-24", 4530123456, "47", "nej", "14:00-16:00"},
			nil,
			[]any{"Cai Lund", "Glas", "5S", "23.11.2026", "24/11/2026", "+45 31 22 33 44", "47 ", "", ""})
		res := readXLSXFile(t, data)
		if len(res.Faults) > 0 || len(res.Rows) != 3 || res.Format != "xlsx" || res.Sheet != "Sheet1" {
			t.Fatalf("%s: %+v", name, res)
		}
		phones := []string{"+4520123456", "+4530123456", "+4531223344"}
		for i, row := range res.Rows {
			if row.Start != "2026-11-23" || row.End != "2026-11-24" || row.Phone != phones[i] || row.Class != "47" || row.Easy != (i == 0) {
				t.Errorf("%s: %+v", name, row)
			}
		}
		if res.Rows[2].Line != 5 {
			t.Errorf("%s: the row after a blank one is line %d", name, res.Rows[2].Line)
		}
	}
}

// What a cell shows is what people mean, where it is not a number or a date we read.
func TestFormattedNumbersAreReadAsShown(t *testing.T) {
	data := xlsx(t, func(f *excelize.File) {
		zeros := "000"
		style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &zeros})
		if err != nil {
			t.Fatal(err)
		}
		f.SetCellStyle("Sheet1", "G2", "G2", style)
	}, xlsxHead, []any{"Anna", "Glas", "5S", day(2026, 11, 23), day(2026, 11, 24), 20123456, 47})
	if res := readXLSXFile(t, data); len(res.Rows) != 1 || res.Rows[0].Class != "047" || res.Rows[0].Start != "2026-11-23" {
		t.Errorf("%+v", res)
	}
}

func TestTheFirstSheetWithTheHeaderIsRead(t *testing.T) {
	data := xlsx(t, func(f *excelize.File) {
		for _, s := range []string{"Kontakter", "Deltagere", "Gammel"} {
			f.NewSheet(s)
		}
		f.SetSheetRow("Kontakter", "A1", &[]any{"Navn", "Mail"})
		f.SetSheetRow("Kontakter", "A2", &[]any{"Bo", "bo@b.dk"})
		f.SetSheetRow("Deltagere", "A1", &[]any{"Holdet i uge 48"})
		f.SetSheetRow("Deltagere", "B3", &xlsxHead)
		f.SetSheetRow("Deltagere", "B4", &[]any{"Anna", "Glas", "5S", day(2026, 11, 23), day(2026, 11, 24), 20123456})
		f.SetSheetRow("Gammel", "A1", &xlsxHead)
	}, []any{"Vejledning"})
	res := readXLSXFile(t, data)
	if res.Sheet != "Deltagere" || len(res.Rows) != 1 || res.Rows[0].Line != 4 || res.Rows[0].Name != "Anna" {
		t.Errorf("%+v", res)
	}
}

func TestFaultsOfAWorkbookNameItsRows(t *testing.T) {
	res := readXLSXFile(t, xlsx(t, nil, xlsxHead,
		[]any{"Anna", "Glas", "5S", day(2026, 11, 23), day(2026, 11, 24), "4,52012E+09"},
		[]any{"Bo", "Glas", "5S", 12, day(2026, 11, 24), 33123456},
		[]any{"Cai", "Glas", "5S", day(2026, 11, 23), day(2026, 11, 24), 31223344, "47", "", "", "for meget"}))
	want := []string{
		`line 2, column phone (Mobil): found "4,52012E+09", expected a mobile number such as +45 20 12 34 56; Excel has cut the digits away`,
		`line 3, column start (Startdato): found "12", expected a year from 2000 to 2100`,
		`line 3, column phone (Mobil): found "33123456", expected a mobile number; this is a landline`,
		`line 4: found "for meget", expected at most 9 cells`,
	}
	if len(res.Faults) != len(want) || len(res.Rows) != 0 {
		t.Fatalf("%v", res.Faults)
	}
	for i, f := range res.Faults {
		if !strings.HasPrefix(f.String(), want[i]) {
			t.Errorf("got  %s\nwant %s", f, want[i])
		}
	}
}

func TestASheetReachingFarRightIsRefused(t *testing.T) {
	data := xlsx(t, func(f *excelize.File) { f.SetCellValue("Sheet1", "XFD2", "x") }, xlsxHead, []any{"Anna"})
	if _, err := Read(bytes.NewReader(data), "hold.xlsx", Options{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

func manyRows(n int) [][]any {
	rows := [][]any{{"name", "company", "course", "start", "end", "class", "phone", "email", "language", "easy", "shift", "window", "team", "goal", "contact", "contact_phone", "contact_email", "consultant"}}
	for i := range n {
		rows = append(rows, []any{
			fmt.Sprintf("Person %d Ågård", i), fmt.Sprintf("Firma %d", i/12), courseSlugs[i%4], "2026-11-23", "2026-11-24", fmt.Sprintf("Hold %d", i%400),
			fmt.Sprintf("+45 20 %06d", 100000+i), fmt.Sprintf("p%d@firma.dk", i), "da", "nej", "dag", "14:00-16:00", "Pakkeri", "mindre spild ved linje 3",
			"Bo Friis", "30112233", "bo@firma.dk", "kim@skole.dk",
		})
	}
	return rows
}

func manyCSV(n int) []byte {
	var b bytes.Buffer
	for _, row := range manyRows(n) {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte(';')
			}
			fmt.Fprint(&b, cell)
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

func manyXLSX(t testing.TB, n int) []byte {
	f := excelize.NewFile()
	defer f.Close()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range manyRows(n) {
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), row); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTwentyThousandRows(t *testing.T) {
	for format, file := range map[string]func() []byte{
		"csv":  func() []byte { return manyCSV(20_000) },
		"xlsx": func() []byte { return manyXLSX(t, 20_000) },
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			data := file()
			start := time.Now()
			res, err := Read(bytes.NewReader(data), "hold", Options{})
			if err != nil || len(res.Rows) != 20_000 || len(res.Faults) != 0 || res.Format != format {
				t.Fatalf("%d rows, %d faults, %v", len(res.Rows), len(res.Faults), err)
			}
			t.Logf("%d bytes in %v", len(data), time.Since(start))
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for format, data := range map[string][]byte{"csv": manyCSV(20_000), "xlsx": manyXLSX(b, 20_000)} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(bytes.NewReader(data), "hold", Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
