package meaning

import "testing"

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := load(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFirstDanishText(b *testing.B) {
	for b.Loop() {
		NewReader().of("2 vi havde travlt", questions["do"], "da")
	}
}

func BenchmarkOf(b *testing.B) {
	r := NewReader()
	r.words()
	for b.Loop() {
		r.of("nej men jeg prøver i morgen, der har været så travlt", questions["do"], "da")
	}
}

func BenchmarkOfWordsNobodyKnows(b *testing.B) {
	r := NewReader()
	r.words()
	for b.Loop() {
		r.of("plingelit bungelorum skramlebasse hokuspokusfilihankat knirkemus", questions["do"], "da")
	}
}
