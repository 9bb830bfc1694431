package templates

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// overlay opens a file from the first file system that has it; a folder holds the files of all.
type overlay []fs.FS

func (o overlay) Open(name string) (fs.File, error) {
	var err error
	for _, files := range o {
		var f fs.File
		if f, err = files.Open(name); err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, err
}

// ReadDir lists each name once, sorted. Without it fs.Glob would see the override's folder alone, and one replaced page
// would hide all others.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	var missing error
	entries := map[string]fs.DirEntry{}
	for _, files := range o {
		found, err := fs.ReadDir(files, name)
		if errors.Is(err, fs.ErrNotExist) {
			missing = err
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, entry := range found {
			if _, ok := entries[entry.Name()]; !ok {
				entries[entry.Name()] = entry
			}
		}
	}
	if len(entries) == 0 && missing != nil {
		return nil, missing
	}
	return slices.SortedFunc(maps.Values(entries), func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }), nil
}

// plain is a file's text as UTF-8 without a byte order mark, whatever Notepad saved it as: UTF-8, UTF-16 ("Unicode"), or
// Windows-1252 ("ANSI"), which bytes that are not UTF-8 are taken for.
func plain(raw []byte) string {
	text := string(raw)
	switch {
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		if decoded, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().String(text); err == nil {
			text = decoded
		}
	case !utf8.ValidString(text):
		if decoded, err := charmap.Windows1252.NewDecoder().String(text); err == nil {
			text = decoded
		}
	}
	return strings.TrimPrefix(text, "\ufeff")
}
