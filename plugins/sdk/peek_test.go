package sdk

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPeek: Text and Has give the same before and after a record is decoded.
func TestPeek(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	names := []string{"a", "b", "", "c.d", "é"}
	var value func(depth int) string
	value = func(depth int) string {
		switch n := random.IntN(9); {
		case n < 4 && depth > 0:
			var members []string
			for range random.IntN(4) {
				members = append(members, ` "`+names[random.IntN(len(names))]+`" : `+value(depth-1))
			}
			return "{" + strings.Join(members, ",") + " }"
		case n == 4:
			return "[" + value(0) + "]"
		case n == 5:
			return []string{"null", "true", "1.50", "{}"}[random.IntN(4)]
		}
		return []string{`""`, `"x"`, `"\u00e9\n"`, `"\ud800"`, `"a \"b\""`}[random.IntN(5)]
	}
	for range 20_000 {
		raw := value(3)
		if random.IntN(20) == 0 {
			raw = raw[:random.IntN(len(raw))] + []string{"", "}", " {}"}[random.IntN(3)]
		}
		path := []string{names[random.IntN(len(names))], names[random.IntN(len(names))], names[random.IntN(len(names))]}
		dotted := strings.Join(path[:1+random.IntN(3)], ".")
		peeked, decoded := &Record{raw: []byte(raw)}, &Record{raw: []byte(raw)}
		decoded.decoded()
		text, has := peeked.Text(dotted), peeked.Has(dotted)
		if want, there := decoded.Text(dotted), decoded.Has(dotted); text != want || has != there {
			t.Fatalf("%q of %s: %q, %v, want %q, %v", dotted, raw, text, has, want, there)
		}
		if (peeked.err == nil) != (decoded.err == nil) {
			t.Fatalf("%s: %v, want %v", raw, peeked.err, decoded.err)
		}
	}
}
