package templates

import "testing"

func TestEmbeddedTextsHaveNoError(t *testing.T) {
	faults, err := Lint("")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if f.Severity == severityError {
			t.Errorf("%s:%d: %s: %s", f.File, f.Line, f.Key, f.Problem)
		} else {
			t.Logf("%s:%d: %s: %s", f.File, f.Line, f.Key, f.Problem)
		}
	}
}
