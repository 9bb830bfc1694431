package bot_test

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"

	"efterkurs/bot"
)

func TestATokenNamesItsMessageAndNoOther(t *testing.T) {
	tokens := bot.Tokens{Key: []byte("a key of thirty-two bytes, or so.")}
	for _, id := range []int64{1, 42, math.MaxInt64} {
		token := tokens.Answer(id)
		if got, ok := tokens.Message(token); !ok || got != id {
			t.Fatalf("the token of %d names %d, %v", id, got, ok)
		}
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		for i := range raw { // any bit of the id or of the signature
			for bit := range 8 {
				raw[i] ^= 1 << bit
				if got, ok := tokens.Message(base64.RawURLEncoding.EncodeToString(raw)); ok {
					t.Fatalf("with byte %d changed the token of %d names %d", i, id, got)
				}
				raw[i] ^= 1 << bit
			}
		}
		for n := range token {
			if _, ok := tokens.Message(token[:n]); ok {
				t.Fatalf("the first %d characters of a token are one", n)
			}
		}
	}
}

func TestATokenOfAnotherKeyIsNone(t *testing.T) {
	mine := bot.Tokens{Key: []byte("one key")}
	for name, other := range map[string]bot.Tokens{"another key": {Key: []byte("two keys")}, "an empty key": {}} {
		if _, ok := mine.Message(other.Answer(42)); ok {
			t.Errorf("a token made with %s is taken", name)
		}
		if _, ok := other.Message(mine.Answer(42)); ok {
			t.Errorf("a token is taken by %s", name)
		}
		if name == "an empty key" {
			if _, ok := other.Message(other.Answer(42)); ok {
				t.Error("without a key anybody could sign")
			}
		}
	}
}

func FuzzTokens(f *testing.F) {
	tokens := bot.Tokens{Key: []byte("a key")}
	f.Add(tokens.Answer(42))
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, token string) {
		id, ok := tokens.Message(token)
		if ok && tokens.Answer(id) != token {
			t.Fatalf("%q names message %d, whose token is %q", token, id, tokens.Answer(id))
		}
	})
}

// A message's name in a mail is one message's and one purpose's, in any case that a server makes of it, and fits before the @.
func TestANameInAMailIsForOneMessageAndOnePurpose(t *testing.T) {
	tokens, other := bot.Tokens{Key: []byte("a key of thirty-two bytes, or so.")}, bot.Tokens{Key: []byte("another key, as long as this one is")}
	purposes := []string{bot.MailReply, bot.MailStop, bot.MailID}
	for _, id := range []int64{1, 4711, math.MaxInt64} {
		for _, purpose := range purposes {
			name := tokens.Mail(purpose, id)
			if len(name) > 40 || name != strings.ToLower(name) {
				t.Errorf("%s", name)
			}
			for _, spelling := range []string{name, strings.ToUpper(name)} {
				if got, ok := tokens.OfMail(purpose, spelling); !ok || got != id {
					t.Errorf("%s names %d, %v", spelling, got, ok)
				}
			}
			for _, wrong := range purposes {
				if _, ok := tokens.OfMail(wrong, name); ok != (wrong == purpose) {
					t.Errorf("%s for %q is believed for %q: %v", name, purpose, wrong, ok)
				}
			}
			for _, bad := range []string{name[:len(name)-1], name + "a", "0" + name, "+" + name, "-" + name, strings.Replace(name, ".", "..", 1), other.Mail(purpose, id), "1" + name, ""} {
				if got, ok := tokens.OfMail(purpose, bad); ok {
					t.Errorf("%q names %d", bad, got)
				}
			}
			if _, ok := (bot.Tokens{}).OfMail(purpose, bot.Tokens{}.Mail(purpose, id)); ok {
				t.Error("without a key anything is believed")
			}
		}
	}
}
