package meaning

import "testing"

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := load(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	r := NewReader()
	for b.Loop() {
		r.Of("nej men jeg prøver i morgen, der har været så travlt", questions["do"], "da")
	}
}
