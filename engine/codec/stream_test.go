package codec

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestStream: elements and members come one at a time, whatever the size of what arrives.
func TestStream(t *testing.T) {
	const text = ` {"config": {"lang":["en"]}, "docs": [ {"a":1}, "b" , [] ], "n": 2, "docs2": []} `
	for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
		var got []string
		found, err := Stream(r, "docs", func(v []byte) error {
			got = append(got, string(v))
			return nil
		}, func(name string, v []byte) error {
			got = append(got, name+"="+string(v))
			return nil
		})
		if want := `config={"lang":["en"]} {"a":1} "b" [] n=2 docs2=[]`; err != nil || !found ||
			strings.Join(got, " ") != want {
			t.Errorf("found %t, %v: %s", found, err, strings.Join(got, " "))
		}
	}
	ignore := func([]byte) error { return nil }
	for text, want := range map[string]string{
		`{"docs":[{"a":1}`: "EOF", `{"docs":[1]} x`: "more after", `[]`: "not a JSON object", `{"docs":[1,}`: "invalid",
		``: "not a JSON object", `{"docs":7}`: "",
	} {
		found, err := Stream(strings.NewReader(text), "docs", ignore, func(string, []byte) error { return nil })
		if want == "" && (found || err != nil) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: found %t, %v", text, found, err)
		}
	}
	cut := errors.New("the line broke")
	r := io.MultiReader(strings.NewReader(`{"docs":[{"a":`), iotest.ErrReader(cut))
	if _, err := Stream(r, "docs", ignore, nil); !errors.Is(err, cut) {
		t.Errorf("an error of the reader: %v", err)
	}
	if _, err := Stream(strings.NewReader(`{"docs":[1]}`), "docs", func([]byte) error { return cut }, nil); err != cut {
		t.Errorf("an error of a visit: %v", err)
	}
}
