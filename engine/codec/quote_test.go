package codec

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzQuote: Quote has the same output as the library.
func FuzzQuote(f *testing.F) {
	for c := range 256 {
		f.Add("before the " + string([]byte{byte(c)}) + " and after it")
	}
	for _, s := range []string{"", "é", "\u2028<&>", "\xff\xfe", "日本 \xe6\x97",
		"\ufffd", "a\U0001f600", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, _ := jsontext.AppendQuote([]byte("x"), s)
		if got := Quote([]byte("x"), s); string(got) != string(want) {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	})
}
