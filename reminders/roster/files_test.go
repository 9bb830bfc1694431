package roster

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/xuri/excelize/v2"
)

// danishExcel is what "CSV (semikolonsepareret)" of a Danish Excel looks like.
const danishExcel = "Navn;Virksomhed;Kursus;Startdato;Slutdato;Mobil;Letlæst;Mål;Kontaktperson;Kontakt mobil\r\n" +
	"Søren Ågård;Værktøj & Søn ApS;Problemløsning;23-11-2026;24-11-2026;20 12 34 56;ja;\"mindre \"\"spild\"\"\r\nhver dag\";Åse Bæk;30112233\r\n" +
	";;;;;;;;;\r\n\r\n" +
	"Zoë Müller;Værktøj & Søn ApS;Problemløsning;23-11-2026;24-11-2026;+45 31 22 33 44;;;;\r\n"

func TestEncodingsOfDanishExcel(t *testing.T) {
	encode := func(e encoding.Encoding) string {
		out, err := e.NewEncoder().String(danishExcel)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, text := range map[string]string{
		"utf-8":        danishExcel,
		"utf-8 bom":    "\ufeff" + danishExcel,
		"windows-1252": encode(charmap.Windows1252),
		"utf-16le":     encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)),
		"utf-16be":     encode(unicode.UTF16(unicode.BigEndian, unicode.UseBOM)),
	} {
		res := read(t, text)
		if len(res.Faults) != 0 || len(res.Rows) != 2 || !strings.HasPrefix(name, res.Encoding) || res.Separator != ";" || res.Format != "csv" {
			t.Errorf("%s: %+v", name, res)
			continue
		}
		first, second := res.Rows[0], res.Rows[1]
		if first.Name != "Søren Ågård" || first.Company != "Værktøj & Søn ApS" || first.Course != "problemloesning" || !first.Easy ||
			first.Goal != `mindre "spild" hver dag` || first.Contact != "Åse Bæk" || first.ContactPhone != "+4530112233" {
			t.Errorf("%s: %+v", name, first)
		}
		// The header is line 1, the first record lines 2 and 3, blank 4 and 5.
		if first.Line != 2 || second.Line != 6 || second.Name != "Zoë Müller" {
			t.Errorf("%s: lines %d and %d", name, first.Line, second.Line)
		}
	}
}

func TestSeparatorsAndHeadersInAnyOrderAndSpelling(t *testing.T) {
	for name, tc := range map[string]struct{ text, separator string }{
		"comma":           {"name,company,course,start,end,phone\nAnna,\"Glas, A/S\",5s,2026-11-23,2026-11-24,20123456\n", ","},
		"tab":             {"END\tStart\tCOURSE\tCompany\tPhone\tName\n2026-11-24\t2026-11-23\t5s\tGlas, A/S\t20123456\tAnna\n", "\t"},
		"quoted headings": {"\"Navn\";\"Virksomhed\";\"Kursus\";\"Start-dato\";\"slut_dato\";\"MOBIL\"\nAnna;Glas, A/S;5s;2026-11-23;2026-11-24;20123456\n", ";"},
		"sep= line":       {"sep=,\nname,company,course,start,end,phone\nAnna,\"Glas, A/S\",5s,2026-11-23,2026-11-24,20123456\n", ","},
		"old Mac":         {"name;company;course;start;end;phone\rAnna;Glas, A/S;5s;2026-11-23;2026-11-24;20123456\r", ";"},
		"no last newline": {"name;company;course;start;end;phone\r\nAnna;Glas, A/S;5s;2026-11-23;2026-11-24;20123456", ";"},
		"a title above":   {"Deltagere, uge 48, 2026\n\nname;company;course;start;end;phone\nAnna;Glas, A/S;5s;2026-11-23;2026-11-24;20123456", ";"},
		"trailing cells":  {"name;company;course;start;end;phone;;\nAnna;Glas, A/S;5s;2026-11-23;2026-11-24;20123456;;;;\n", ";"},
		"a missing tail":  {"name;company;course;start;end;phone;goal;team\nAnna;Glas, A/S;5s;2026-11-23;2026-11-24;20123456\n", ";"},
	} {
		row := readOne(t, tc.text)
		if row.Name != "Anna" || row.Company != "Glas, A/S" || row.End != "2026-11-24" || row.Phone != "+4520123456" {
			t.Errorf("%s: %+v", name, row)
		}
		if res := read(t, tc.text); res.Separator != tc.separator {
			t.Errorf("%s: separator %q", name, res.Separator)
		}
	}
}

func TestUnknownColumnsAreIgnoredAndListed(t *testing.T) {
	res := read(t, "name;Skostørrelse;company;course;start;end;phone;CPR\nAnna;38;Glas;5s;2026-11-23;2026-11-24;20123456;x\n")
	if len(res.Rows) != 1 || !slices.Equal(res.Ignored, []string{"Skostørrelse", "CPR"}) {
		t.Errorf("%+v", res)
	}
}

func TestStrayQuotesAndRaggedRowsAreFaultsOfTheirLine(t *testing.T) {
	const head = "name;company;course;start;end;phone\n"
	good := func(name, phone string) string { return name + ";Glas;5s;2026-11-23;2026-11-24;" + phone + "\n" }
	for name, tc := range map[string]struct {
		text  string
		rows  []string
		fault string
	}{
		"a quote inside a cell":   {head + good(`Anna "A" Holm`, "20123456"), []string{`Anna "A" Holm`}, ""},
		"text behind a quote":     {head + good(`"Anna" Holm`, "20123456"), []string{"Anna Holm"}, ""},
		"a space before a quote":  {head + good(` "Anna; Holm"`, "20123456"), []string{"Anna; Holm"}, ""},
		"a quote never closed":    {head + good(`"Anna`, "20123456") + good("Bo", "30123456"), []string{"Bo"}, "line 2: found \"\"Anna"},
		"too many cells":          {head + good("Anna", "20123456;mere") + good("Bo", "30123456"), []string{"Bo"}, "line 2: found \"mere\", expected at most 6 cells"},
		"a separator in a text":   {head + good("Anna;Holm", "20123456"), nil, "line 2: found \"20123456\""},
		"ten thousand separators": {head + good("Anna", "20123456"+strings.Repeat(";x", 10000)), nil, "line 2: found"},
	} {
		res := read(t, tc.text)
		var names []string
		for _, r := range res.Rows {
			names = append(names, r.Name)
		}
		if !slices.Equal(names, tc.rows) || (tc.fault == "") != (len(res.Faults) == 0) ||
			len(res.Faults) > 0 && !strings.HasPrefix(res.Faults[0].String(), tc.fault) {
			t.Errorf("%s: rows %q, faults %v", name, names, res.Faults)
		}
	}
}

// One forgotten quote may not swallow the people below it, however far the
// next quote is.
func TestARunawayQuoteCostsOneLine(t *testing.T) {
	var b strings.Builder
	b.WriteString("name;company;course;start;end;phone\n\"Anna;Glas;5s;2026-11-23;2026-11-24;20123456\n")
	for i := range 500 {
		fmt.Fprintf(&b, "P%d;Glas;5s;2026-11-23;2026-11-24;30%06d\n", i, 100000+i)
	}
	b.WriteString("\"Zoe\";Glas;5s;2026-11-23;2026-11-24;20123457\n")
	res := read(t, b.String())
	if len(res.Rows) != 501 || res.Faults[0].Line != 2 || !strings.Contains(res.Faults[0].Expected, "closing quote") {
		t.Errorf("%d rows, %v", len(res.Rows), res.Faults[:1])
	}
}

func TestFilesThatAreNoRosters(t *testing.T) {
	const head = "name;company;course;start;end;phone\n"
	workbook := func(cells ...[]any) []byte { return xlsx(t, nil, cells...) }
	for name, tc := range map[string]struct {
		data []byte
		kind error
		says string
	}{
		"empty":               {nil, ErrEmpty, "is empty"},
		"a BOM alone":         {[]byte("\ufeff"), ErrEmpty, "blank"},
		"blank lines":         {[]byte("\r\n \n\n"), ErrEmpty, "blank"},
		"separators only":     {[]byte(";;;\n;;;\n"), ErrEmpty, "no text"},
		"only a header":       {[]byte(head), ErrEmpty, "no participants"},
		"no header":           {[]byte("Anna;Glas;5s;2026-11-23;2026-11-24;20123456\n"), ErrColumns, "name (or navn), company (or virksomhed), course (or kursus), start (or startdato), end (or slutdato)"},
		"missing columns":     {[]byte("name;company;phone\nAnna;Glas;20123456\n"), ErrColumns, "lacks these columns: course (or kursus), start (or startdato), end (or slutdato)"},
		"a column twice":      {[]byte("name;navn;company;course;start;end\nA;B;C;5s;2026-11-23;2026-11-24\n"), ErrColumns, `names a column twice: name (as "name" and "navn")`},
		"PNG":                 {[]byte("\x89PNG\r\n\x1a\n\x00\x00"), ErrNotRoster, "PNG"},
		"PDF":                 {[]byte("%PDF-1.7\n"), ErrNotRoster, "PDF"},
		"EXE":                 {[]byte("MZ\x90\x00\x03\x00"), ErrNotRoster, "program"},
		"old .xls":            {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..."), ErrNotRoster, ".xls"},
		"web page":            {[]byte("<html><table>"), ErrNotRoster, "web page"},
		"NULs":                {[]byte("name;company\x00;"), ErrNotRoster, "not text"},
		"broken zip":          {[]byte("PK\x03\x04 and then nothing"), ErrNotRoster, "damaged"},
		"half a workbook":     {workbook([]any{"name"})[:2000], ErrNotRoster, "damaged"},
		"a zip":               {zipped(t, "list.csv", []byte(head)), ErrNotRoster, "zip archive"},
		"OpenDocument":        {zipped(t, "mimetype", nil, "content.xml", nil), ErrNotRoster, "OpenDocument"},
		"workbook, empty":     {workbook(), ErrEmpty, "without any text"},
		"workbook, a header":  {workbook([]any{"name", "company", "course", "start", "end"}), ErrEmpty, "no participants"},
		"workbook, no header": {workbook([]any{"Anna", "Glas"}), ErrColumns, "no header"},
		"password":            {encrypted(t), ErrNotRoster, "password"},
		"too many rows":       {[]byte(head + strings.Repeat("A;B;5s;2026-11-23;2026-11-24;\n", 30)), ErrTooLarge, "more than 15 rows"},
		"a row too many":      {[]byte(head + strings.Repeat("A;B;5s;2026-11-23;2026-11-24;\n", 16)), ErrTooLarge, "more than 15 rows"},
	} {
		res, err := Read(bytes.NewReader(tc.data), "/srv/up/hold.csv", Options{MaxRows: 15})
		if !errors.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.says) || res.Rows != nil {
			t.Errorf("%s: %v, want %v saying %q", name, err, tc.kind, tc.says)
		} else if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "/srv/up") {
			t.Errorf("%s: %q is no sentence for people", name, err)
		}
	}
}

// counter counts what is read from an endless file.
type counter struct{ n int64 }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	c.n += int64(len(b))
	return len(b), nil
}

func TestReadingStopsBehindTheLargestSize(t *testing.T) {
	var endless counter
	_, err := Read(&endless, "hold.csv", Options{})
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "20 MiB") {
		t.Errorf("%v", err)
	}
	if endless.n > 20<<20+1 {
		t.Errorf("%d bytes were read", endless.n)
	}
}

func TestTheReadersOwnErrorIsKept(t *testing.T) {
	if _, err := Read(io.MultiReader(strings.NewReader("name"), errReader{}), "x", Options{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func zipped(t testing.TB, parts ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i].(string))
		if err != nil {
			t.Fatal(err)
		}
		if body, ok := parts[i+1].([]byte); ok {
			w.Write(body)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is a workbook whose one sheet inflates to 256 MiB from a quarter of one.
// One deflated MiB is repeated: a flush ends it on a byte, so that the pieces
// can stand behind each other.
func bomb(t testing.TB) []byte {
	t.Helper()
	const mebibytes = 256
	var piece, end, b bytes.Buffer
	deflate, err := flate.NewWriter(&piece, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	deflate.Write(make([]byte, 1<<20))
	deflate.Flush()
	body := bytes.Repeat(piece.Bytes(), mebibytes)
	deflate.Reset(&end)
	deflate.Close()
	body = append(body, end.Bytes()...)

	z := zip.NewWriter(&b)
	z.Create("[Content_Types].xml")
	z.Create("xl/workbook.xml")
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate,
		CompressedSize64: uint64(len(body)), UncompressedSize64: mebibytes << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(body)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAZipBombIsNotUnpacked(t *testing.T) {
	honest := bomb(t)
	// The same with a directory that declares 100 bytes for the sheet: the
	// uncompressed size stands 24 bytes into each directory entry.
	lying := slices.Clone(honest)
	for at := 0; ; {
		i := bytes.Index(lying[at:], []byte("PK\x01\x02"))
		if i < 0 {
			break
		}
		at += i
		if binary.LittleEndian.Uint32(lying[at+24:]) > 0 {
			binary.LittleEndian.PutUint32(lying[at+24:], 100)
		}
		at += 4
	}
	for name, data := range map[string][]byte{"honest": honest, "lying": lying} {
		start := time.Now()
		_, err := Read(bytes.NewReader(data), "hold.xlsx", Options{})
		if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrNotRoster) {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s, %d bytes: %v after %v", name, len(data), err, time.Since(start))
	}
}

func encrypted(t testing.TB) []byte {
	f := excelize.NewFile()
	defer f.Close()
	var b bytes.Buffer
	if err := f.Write(&b, excelize.Options{Password: "hemmelig"}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
