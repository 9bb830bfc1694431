package roster

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

const (
	// A workbook may inflate to this. 20,000 rows of 18 columns inflate to
	// 21 MB, 100,000 to 107 MB.
	maxInflated = 160 << 20
	// A workbook of one sheet has about a dozen parts; pictures and comments
	// add some.
	maxParts = 2000
	// maxSheets are looked through for a header.
	maxSheets = 50
)

// readXLSX reads the first sheet that has the header of a roster.
func readXLSX(data []byte, called string, opt Options) (g grid, err error) {
	if err := checkZip(data, called); err != nil {
		return grid{}, err
	}
	// The workbook comes from outside and excelize is large; a panic on one
	// that nobody thought of must cost an import, not the process.
	defer func() {
		if p := recover(); p != nil {
			g, err = grid{}, damaged(called, fmt.Errorf("panic: %v", p))
		}
	}()
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{
		// Equal limits keep every part in memory: no temporary files.
		UnzipSizeLimit: maxInflated, UnzipXMLSizeLimit: maxInflated,
	})
	if err != nil {
		return grid{}, damaged(called, err)
	}
	defer f.Close()

	g = grid{format: "xlsx"}
	if props, err := f.GetWorkbookProps(); err == nil && props.Date1904 != nil {
		g.date1904 = *props.Date1904
	}
	sheets := f.GetSheetList()
	best, most := "", -1
	var unread error
	for _, sheet := range sheets[:min(len(sheets), maxSheets)] {
		head, err := readSheet(f, sheet, headerDepth, true)
		if err != nil {
			unread = cmp.Or(unread, err) // a chart, or damaged: the others may still do
			continue
		}
		known := -1
		for _, rec := range head {
			known = max(known, knownHeadings(rec.cells))
			if _, err := newHeader(rec); err == nil {
				known = int(columnCount) + 1
				break
			}
		}
		if known > most {
			best, most = sheet, known
		}
		if known > int(columnCount) {
			break
		}
	}
	if most < 0 && unread != nil {
		return grid{}, damaged(called, unread)
	}
	if most < 0 {
		return grid{}, refuse(ErrEmpty, "%s is a workbook without any text in it", called)
	}
	g.sheet = best
	g.records, err = readSheet(f, best, opt.MaxRows+headerDepth+1, true)
	if err != nil {
		return grid{}, damaged(called, err)
	}
	if len(g.records) > opt.MaxRows+headerDepth {
		return grid{}, refuse(ErrTooLarge, "%s has more than %d rows, the most a roster may have; split it into several files", called, opt.MaxRows)
	}
	if numbersAmongTexts(g.records) {
		shown, err := readSheet(f, best, opt.MaxRows+headerDepth+1, false)
		if err != nil {
			return grid{}, damaged(called, err)
		}
		show(g.records, shown)
	}
	return g, nil
}

func damaged(called string, cause error) error {
	if errors.Is(cause, ErrTooLarge) {
		return cause
	}
	return refuse(ErrNotRoster, "%s cannot be read as an Excel workbook, it may be damaged; open it in Excel and %s (%s)", called, saveAs, visible(cause.Error()))
}

// readSheet returns the first rows of a sheet that are not blank, at most most:
// what the cells store (a phone number as 4520123456, a date as its serial),
// or else what they show.
func readSheet(f *excelize.File, sheet string, most int, stored bool) ([]record, error) {
	rows, err := f.Rows(sheet)
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	var records []record
	for line := 1; rows.Next() && len(records) < most; line++ {
		cells, err := rows.Columns(excelize.Options{RawCellValue: stored})
		if err != nil {
			return nil, err
		}
		if len(cells) > maxCells {
			return nil, refuse(ErrTooLarge, "row %d of sheet %q reaches beyond column %d; delete what stands to the right of the list", line, visible(sheet), maxCells)
		}
		rec := record{line: line, cells: cells, raw: cells}
		if !rec.blank() {
			records = append(records, rec)
		}
	}
	return records, rows.Error()
}

// numbersAmongTexts says whether a cell that is read as it is shown stores a
// number: a class 047, a team that Excel took for a date, a yes that is TRUE.
// Only then is the sheet walked a second time, which doubles the time of the
// slowest part of a reading.
func numbersAmongTexts(records []record) bool {
	at, h, err := findHeader(records)
	if err != nil {
		return false
	}
	for c, i := range h.at {
		switch column(c) {
		case colStart, colEnd, colPhone, colContactPhone:
			continue // read as they are stored
		}
		for _, rec := range records[at+1:] {
			cell := cellAt(rec.raw, i)
			if cell == "" || cell[0] > '9' {
				continue
			}
			if _, err := strconv.ParseFloat(cell, 64); err == nil {
				return true
			}
		}
	}
	return false
}

// show gives the stored records the cells of the shown ones. A row may be
// blank in one walk only, where a number format hides its cells.
func show(stored, shown []record) {
	byLine := make(map[int][]string, len(shown))
	for _, rec := range shown {
		byLine[rec.line] = rec.cells
	}
	for i := range stored {
		stored[i].cells = byLine[stored[i].line]
	}
}

// checkZip refuses what is a zip but no workbook, and what would inflate to
// more than memory is there for: by the sizes the directory declares, then by
// inflating every part without keeping it, since a directory can lie.
func checkZip(data []byte, called string) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return damaged(called, err)
	}
	names := make(map[string]bool, len(z.File))
	var declared uint64
	for _, part := range z.File {
		names[strings.ToLower(strings.ReplaceAll(part.Name, `\`, "/"))] = true
		if declared += part.UncompressedSize64; part.UncompressedSize64 > maxInflated || declared > maxInflated {
			return inflates(called)
		}
		if part.Flags&1 != 0 {
			return refuse(ErrNotRoster, "%s is protected with a password; remove the password and send it again", called)
		}
	}
	switch {
	case len(z.File) > maxParts:
		return inflates(called)
	case names["xl/workbook.bin"]:
		return refuse(ErrNotRoster, "%s is a binary workbook (.xlsb); %s", called, saveAs)
	case names["content.xml"] && names["mimetype"]:
		return refuse(ErrNotRoster, "%s is an OpenDocument file; %s", called, saveAs)
	case !names["[content_types].xml"] || !names["xl/workbook.xml"]:
		return refuse(ErrNotRoster, "%s is a zip archive, not an Excel workbook; %s", called, saveAs)
	}

	left := int64(maxInflated)
	for _, part := range z.File {
		body, err := part.Open()
		if err != nil {
			return damaged(called, err)
		}
		n, err := io.Copy(io.Discard, io.LimitReader(body, left+1))
		body.Close()
		if left -= n; left < 0 {
			return inflates(called)
		}
		if err != nil {
			return damaged(called, err)
		}
	}
	return nil
}

func inflates(called string) error {
	return refuse(ErrTooLarge, "%s unpacks to more than %s and is not read; copy the list alone into a new workbook", called, size(maxInflated))
}
