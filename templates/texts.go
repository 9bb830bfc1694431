// Package templates holds everything people read: the exercises of the courses, the messages of the bot,
// the words and the HTML of the pages. All of it is embedded, and any file can be replaced by one of the
// same name in a folder (EFTERKURS_TEMPLATES): a teacher's change needs no new binary.
//
//	courses/<course>/<lang>.md   the six exercises; see parseCourse for the form
//	messages/<lang>.toml         what the bot says besides; [words] holds days, months and labels
//	pages/<lang>.toml, *.html    the consultants' pages
//
// Placeholders are {names} in braces; SampleValues lists them.
package templates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

//go:embed courses messages pages
var embedded embed.FS

// Exercises is how many weeks a course has.
const Exercises = 6

// CourseSlugs are the courses there are.
var CourseSlugs = []string{"5s", "forretning", "smed", "problemloesning"}

// fallback is the language of what is not translated.
const fallback = "da"

// languages are those the texts come in.
var languages = []string{"da", "en"}

// Errors that callers tell apart.
var (
	ErrUnknownCourse  = errors.New("there is no such course")
	ErrUnknownMessage = errors.New("there is no such text")
)

// Message is one text of the bot.
type Message struct {
	Key     string   `toml:"-"`
	Subject string   `toml:"subject"` // e-mail
	SMS     string   `toml:"sms"`
	Long    string   `toml:"long"` // Slack and e-mail; "" = the SMS
	Choices []Choice `toml:"choices"`
}

// Texts is all that people read, loaded and parsed.
type Texts struct {
	files    fs.FS
	courses  map[string]Course             // by slug/lang
	messages map[string]map[string]Message // by lang and key
	missing  map[string][]string           // by lang: keys of messages and words that only the embedded file has
	words    map[string]map[string]string
	pages    map[string]map[string]string
}

// Load reads the embedded texts; a file in overrideDir replaces the one of the same name. overrideDir ""
// is none. Errors name the file, and the line where there is one.
func Load(overrideDir string) (*Texts, error) {
	t := &Texts{files: embedded, courses: map[string]Course{}, messages: map[string]map[string]Message{},
		missing: map[string][]string{},
		words:   map[string]map[string]string{}, pages: map[string]map[string]string{}}
	if overrideDir != "" {
		if info, err := os.Stat(overrideDir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("there is no folder %s", overrideDir)
		}
		t.files = overlay{os.DirFS(overrideDir), embedded}
	}
	for _, lang := range languages {
		for _, slug := range CourseSlugs {
			file := path.Join("courses", slug, lang+".md")
			raw, err := fs.ReadFile(t.files, file)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			course, err := parseCourse(slug, lang, file, []byte(plain(raw)))
			if err != nil {
				return nil, err
			}
			t.courses[slug+"/"+lang] = course
		}
		if err := t.loadMessages(lang); err != nil {
			return nil, err
		}
		t.pages[lang] = map[string]string{}
		if err := decode(t.files, "pages/"+lang+".toml", ptr(t.pages, lang)); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func ptr(m map[string]map[string]string, lang string) *map[string]string {
	inner := m[lang]
	return &inner
}

// messageFile is messages/<lang>.toml.
type messageFile struct {
	Words    map[string]string  `toml:"words"`
	Messages map[string]Message `toml:"messages"`
}

// loadMessages reads the file in force, and takes from the embedded one what it lacks: a file that a school copied from
// an older version must not silence what came since. Lint tells them what is missing.
func (t *Texts) loadMessages(lang string) error {
	name := "messages/" + lang + ".toml"
	file := messageFile{Words: map[string]string{}, Messages: map[string]Message{}}
	if err := decode(t.files, name, &file); err != nil {
		return err
	}
	var base messageFile
	if err := decode(embedded, name, &base); err != nil {
		return err
	}
	t.missing[lang] = append(supply(file.Words, base.Words), supply(file.Messages, base.Messages)...)
	for key, m := range file.Messages {
		m.Key, m.SMS, m.Long = key, unwrap(m.SMS), tidy(m.Long)
		file.Messages[key] = m
	}
	t.words[lang], t.messages[lang] = file.Words, file.Messages
	return nil
}

// supply gives file what only base has, and lists it.
func supply[V any](file, base map[string]V) (missing []string) {
	for _, key := range slices.Sorted(maps.Keys(base)) {
		if _, ok := file[key]; !ok {
			file[key] = base[key]
			missing = append(missing, key)
		}
	}
	return missing
}

// tidy keeps the lines of a longer text as they stand.
func tidy(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) }

func decode(files fs.FS, name string, into any) error {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	meta, err := toml.Decode(plain(raw), into)
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%s, line %d: %s", name, syntax.Position.Line, syntax.Message)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return fmt.Errorf("%s: %q is not known here", name, unknown[0])
	}
	return nil
}

// Languages are those the texts come in, Danish first.
func (t *Texts) Languages() []string { return slices.Clone(languages) }

// Speaks says whether there are texts in a language.
func (t *Texts) Speaks(lang string) bool { return slices.Contains(languages, lang) }

// Course is the exercises of a course; Danish where lang is not there. ErrUnknownCourse.
func (t *Texts) Course(slug, lang string) (Course, error) {
	if c, ok := t.courses[slug+"/"+lang]; ok {
		return c, nil
	}
	if c, ok := t.courses[slug+"/"+fallback]; ok {
		return c, nil
	}
	return Course{}, fmt.Errorf("course %q: %w", slug, ErrUnknownCourse)
}

// Message is a text of the bot; Danish where lang does not have it. ErrUnknownMessage.
func (t *Texts) Message(lang, key string) (Message, error) {
	for _, l := range []string{lang, fallback} {
		if m, ok := t.messages[l][key]; ok {
			return m, nil
		}
	}
	return Message{}, fmt.Errorf("text %q: %w", key, ErrUnknownMessage)
}

// Word is a short word: a day, a month, a label. An unknown key is its own word.
func (t *Texts) Word(lang, key string) string { return lookUp(t.words, lang, key) }

// Page is a word or sentence of the web pages. An unknown key is its own word.
func (t *Texts) Page(lang, key string) string { return lookUp(t.pages, lang, key) }

func lookUp(words map[string]map[string]string, lang, key string) string {
	for _, l := range []string{lang, fallback} {
		if w, ok := words[l][key]; ok {
			return w
		}
	}
	return key
}

// Pages are the files of pages/, a replaced one in the place of the embedded one.
func (t *Texts) Pages() fs.FS {
	sub, err := fs.Sub(t.files, "pages")
	if err != nil {
		panic(err) // "pages" is a valid name
	}
	return sub
}
