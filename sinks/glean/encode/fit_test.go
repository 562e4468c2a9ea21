package encode

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// TestCutBody: a document that is larger than a request takes is sent with the
// part of its body that fits, to the byte.
func TestCutBody(t *testing.T) {
	const limit = 2000
	for name, text := range map[string]string{
		"ascii": strings.Repeat("a", 4000), "escaped": strings.Repeat("\"\n\\\t", 1000),
		"control": strings.Repeat("\x01", 1000),
		"runes":   strings.Repeat("é日👩", 500), "not UTF-8": strings.Repeat("a\xff", 1000),
	} {
		d := api.Document{ID: "x", Title: "the title", Body: &api.Content{MimeType: plainText, TextContent: text}}
		body, err := codec.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if cutBody(&d, len(body), len(body)) {
			t.Errorf("%s: it fits, and was cut", name)
		}
		if !cutBody(&d, len(body), limit) {
			t.Errorf("%s: it was not cut", name)
		}
		if body, err = codec.Marshal(d); err != nil || len(body) > limit || len(body) < limit-8 {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
		if name != "not UTF-8" && !utf8.ValidString(d.Body.TextContent) || !strings.HasSuffix(d.Body.TextContent, "…") {
			t.Errorf("%s: ends with %q", name, d.Body.TextContent[len(d.Body.TextContent)-8:])
		}
	}
	d := api.Document{Tags: []string{strings.Repeat("t", 3000)}, Body: &api.Content{TextContent: "short"}}
	if cutBody(&d, 3100, limit) || d.Body.TextContent != "short" {
		t.Error("a body was cut though the rest alone is too large")
	}
}

func TestProperty(t *testing.T) {
	for _, tc := range []struct {
		t    string
		in   any
		want any
	}{
		{api.PropertyText, "a", "a"}, {api.PropertyText, int64(5), "5"}, {api.PropertyPicklist, 1.5, "1.5"},
		{api.PropertyInt, "5", int64(5)}, {api.PropertyInt, int64(5), int64(5)}, {api.PropertyDate, int64(5), int64(5)},
		{api.PropertyTextList, "a", []string{"a"}}, {api.PropertyTextList, int64(5), []string{"5"}},
		{api.PropertyMultiPicklist, []string{"a", "b"}, []string{"a", "b"}},
	} {
		got, problem := property(tc.t, tc.in)
		if problem != "" || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", tc.want) {
			t.Errorf("%s of %v: %#v %s", tc.t, tc.in, got, problem)
		}
	}
}
