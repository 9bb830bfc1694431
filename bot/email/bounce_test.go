package email_test

import (
	"os"
	"path/filepath"
	"testing"

	"efterkurs/bot/email"
)

func stored(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "mails", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A mail that came back says whose, whether for good and whether the address is to blame, however its server writes it. It
// fails where a full mailbox is taken for a wrong address, or a warning for an end.
func TestAMailThatCameBackSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name, status  string
		failed, wrong bool
	}{
		{"bounce-postfix", "5.1.1", true, true},
		{"bounce-exchange", "5.2.2", true, false},
		{"bounce-late", "4.4.1", false, false},
		{"bounce-exim", "5.1.0", true, true},
		{"bounce-qmail", "5.1.1", true, true},
	} {
		m := email.Parse(stored(t, c.name))
		b := m.Bounce
		if m.Auto != email.AutoBounce || b == nil {
			t.Errorf("%s is taken for %q", c.name, m.Auto)
			continue
		}
		named := false
		for _, name := range b.Names {
			named = named || name == "4711.abcdefghijklmnop"
		}
		if b.Status != c.status || b.Failed != c.failed || b.Wrong() != c.wrong || !named || c.name != "bounce-qmail" && b.Recipient != address || len(b.Words) == 0 {
			t.Errorf("%s says %+v, wrong %v", c.name, *b, b.Wrong())
		}
	}
	for _, name := range []string{"reply-outlook", "reply-html", "picture", "winmail"} {
		if m := email.Parse(stored(t, name)); m.Auto != "" || m.Bounce != nil {
			t.Errorf("%s is taken for %q", name, m.Auto)
		}
	}
}
