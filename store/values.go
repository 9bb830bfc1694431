package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"efterkurs/reminders"
)

// Batches: at most so many rows, and arguments, a statement. SQLite looks each $n up among those before it, so
// its time grows with the square: a roster of 20,000 rows took 8.5 s in statements of 30,000
// arguments and takes 2 s in those of 1000. PostgreSQL takes the same 2 s either way.
const (
	maxRows = 1000
	maxArgs = 1000
)

// values builds the rows of a VALUES list. Numbers and truth values stand in the text, which spares an
// argument each; texts are arguments.
type values struct {
	rows []valuesRow
}

type valuesRow []any

// add appends a row of int, int64, millis, ref, bool, string and day.
func (v *values) add(row ...any) { v.rows = append(v.rows, row) }

// each calls fn with the text and arguments of at most maxRows rows at a time. $n are numbered after skip.
func (v *values) each(skip int, fn func(list string, args []any) error) error {
	for rest := v.rows; len(rest) > 0; {
		var text strings.Builder
		var args []any
		n := 0
		for n < len(rest) && n < maxRows && len(args)+len(rest[n]) <= maxArgs {
			if n > 0 {
				text.WriteString(",\n")
			}
			args = rest[n].write(&text, args, skip)
			n++
		}
		if err := fn(text.String(), args); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func (row valuesRow) write(text *strings.Builder, args []any, skip int) []any {
	text.WriteByte('(')
	for i, value := range row {
		if i > 0 {
			text.WriteByte(',')
		}
		switch value := value.(type) {
		case int:
			text.WriteString(strconv.Itoa(value))
		case int64:
			text.WriteString(strconv.FormatInt(value, 10))
		case millis:
			text.WriteString(strconv.FormatInt(int64(value), 10))
		case ref:
			if value == 0 {
				text.WriteString("NULL")
			} else {
				text.WriteString(strconv.FormatInt(int64(value), 10))
			}
		case bool:
			text.WriteString(strings.ToUpper(strconv.FormatBool(value)))
		case reminders.Date:
			text.WriteString("'" + value.String() + "'")
		case string:
			if value == "" {
				text.WriteString("''")
				break
			}
			args = append(args, clean(value))
			text.WriteString("CAST($" + strconv.Itoa(skip+len(args)) + " AS TEXT)")
		default:
			panic(fmt.Sprintf("a %T in a VALUES list", value))
		}
	}
	text.WriteByte(')')
	return args
}

// insert adds the rows to table; conflict is what comes after them, such as ON CONFLICT DO NOTHING.
// It says how many rows came in.
func (t *tx) insert(ctx context.Context, table, columns string, v *values, conflict string) (int, error) {
	total := 0
	err := v.each(0, func(list string, args []any) error {
		n, err := t.exec(ctx, `INSERT INTO `+table+` (`+columns+`) VALUES `+list+` `+conflict, args...)
		total += n
		return err
	})
	return total, err
}

// clean is text as both databases can hold it: PostgreSQL refuses NUL and what is not UTF-8.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// inChunks calls fn with lists such as "1,2,3" of at most maxRows ids, rising and each once.
func inChunks(ids []int64, fn func(list string) error) error {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for chunk := range slices.Chunk(ids, maxRows) {
		var list strings.Builder
		for i, id := range chunk {
			if i > 0 {
				list.WriteByte(',')
			}
			list.WriteString(strconv.FormatInt(id, 10))
		}
		if err := fn(list.String()); err != nil {
			return err
		}
	}
	return nil
}

// textChunks is inChunks for texts: fn gets a list such as "$1,$2" and its arguments.
func textChunks(texts []string, fn func(list string, args []any) error) error {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	texts = slices.Compact(texts)
	for chunk := range slices.Chunk(texts, maxRows) {
		var list strings.Builder
		args := make([]any, len(chunk))
		for i, text := range chunk {
			if i > 0 {
				list.WriteByte(',')
			}
			list.WriteString("$" + strconv.Itoa(i+1))
			args[i] = clean(text)
		}
		if err := fn(list.String(), args); err != nil {
			return err
		}
	}
	return nil
}

// allIn selects rows by id, a chunk at a time; query has a %s where the list belongs.
func allIn[T any](ctx context.Context, t *tx, query string, ids []int64, args ...any) ([]T, error) {
	var out []T
	err := inChunks(ids, func(list string) error {
		var rows []T
		if err := t.all(ctx, &rows, strings.ReplaceAll(query, "%s", list), args...); err != nil {
			return err
		}
		out = append(out, rows...)
		return nil
	})
	return out, err
}

// set is a set of ids; 0 is nobody and never in it.
type set map[int64]struct{}

func (s set) add(ids ...int64) {
	for _, id := range ids {
		if id != 0 {
			s[id] = struct{}{}
		}
	}
}

func (s set) ids() []int64 { return slices.Sorted(maps.Keys(s)) }

// toJSON is v, a map or a list, as text; ” where it is empty.
func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // maps and lists of strings and numbers: cannot be
		panic(err)
	}
	switch text := string(b); text {
	case "null", "{}", "[]":
		return ""
	default:
		return text
	}
}

// fromJSON reads what toJSON wrote.
func fromJSON[T any](text string) (v T) {
	if text != "" {
		_ = json.Unmarshal([]byte(text), &v)
	}
	return v
}

// key is how names are compared: without case, and with single spaces.
func key(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }
