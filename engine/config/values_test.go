package config

import (
	"encoding"
	"fmt"
	"testing"
)

func TestNotations(t *testing.T) {
	for _, tc := range []struct {
		into encoding.TextUnmarshaler
		text string
		want string // "" is an error
	}{
		{new(Duration), "30s", "30s"}, {new(Duration), "90m", "1h30m"}, {new(Duration), "60m", "1h"},
		{new(Duration), "500ms", "500ms"},
		{new(Duration), "0", "0s"}, {new(Duration), "1h0m5s", "1h0m5s"}, {new(Duration), "30", ""},
		{new(Duration), "-1s", ""}, {new(Duration), "x", ""}, {new(Duration), "", ""},
		{new(Duration), "400d", "400d"}, {new(Duration), "24h", "1d"}, {new(Duration), "1d12h", "36h"},
		{new(Duration), "d", ""}, {new(Duration), "1.5d", ""}, {new(Duration), "1dx", ""}, {new(Duration), "1d2d", ""},
		{new(Duration), "999999d", ""}, {new(Duration), "99999999999999999999d", ""}, {new(Duration), "12hd", ""},
		{new(Date), "2027-01-31", "2027-01-31"}, {new(Date), "2028-02-29", "2028-02-29"}, {new(Date), "2027-02-29", ""},
		{new(Date), "31.01.2027", ""}, {new(Date), "2027-1-31", ""}, {new(Date), "2027-01-31T00:00:00Z", ""},
		{new(Date), "soon", ""}, {new(Date), "", ""},
		{new(Bytes), "0", "0"}, {new(Bytes), "4MiB", "4MiB"}, {new(Bytes), "500KB", "500KB"}, {new(Bytes), "4 mib", "4MiB"},
		{new(Bytes), "0.5KiB", "512B"},
		{new(Bytes), "1000000B", "1MB"}, {new(Bytes), "1", ""}, {new(Bytes), "4M", ""}, {new(Bytes), "-1MB", ""},
		{new(Bytes), "99999999999GiB", ""}, {new(Bytes), "", ""},
		{new(Share), "20%", "20%"}, {new(Share), "0%", "0%"}, {new(Share), "100%", "100%"}, {new(Share), "0.5%", "0.5%"},
		{new(Share), "33.3 %", "33.3%"},
		{new(Share), "20", ""}, {new(Share), "0.2", ""}, {new(Share), "101%", ""}, {new(Share), "-1%", ""},
		{new(Share), "nan%", ""}, {new(Share), "%", ""},
	} {
		err := tc.into.UnmarshalText([]byte(tc.text))
		switch {
		case tc.want == "" && err == nil:
			t.Errorf("%T %q is %v", tc.into, tc.text, tc.into)
		case tc.want != "" && (err != nil || fmt.Sprint(tc.into) != tc.want):
			t.Errorf("%T %q is %v, want %s: %v", tc.into, tc.text, tc.into, tc.want, err)
		}
	}
	for n, want := range map[int]int{0: 0, 4: 0, 5: 1, 100: 20, 1_000_000: 200_000} {
		if got := Share(0.2).Of(n); got != want {
			t.Errorf("20%% of %d is %d", n, got)
		}
	}
	if got := Share(0.29).Of(100); got != 29 {
		t.Errorf("29%% of 100 is %d", got)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"page_size", "url", "ui_url", "token", "kinds", "filters"}
	for word, want := range map[string]string{
		"pagesize": "[page_size]", "Page-Size": "[page_size]", "urll": "[url]", "tokne": "[token]", "kind": "[kinds]",
		"filter":               "[filters]",
		"completely_different": "[]", "x": "[]", "": "[]",
	} {
		if got := fmt.Sprint(nearest(word, known)); got != want {
			t.Errorf("%s: %s", word, got)
		}
	}
}

func TestExcerpt(t *testing.T) {
	long := ""
	for i := range 500 {
		long += string(rune('a' + i%26))
	}
	for _, tc := range []struct {
		line       string
		col, width int
		text       string
		caret      string
	}{
		{"a: b", 4, 1, "a: b", "   ^"},
		{"a: b", 9, 1, "a: b", "    ^"},
		{"a:\tb", 1, 2, "a: b", "^^"},
		{"é: x", 1, 0, "é: x", "^"},
		{"a\x1b[31m", 1, 1, "a [31m", "^"},
		{"", 1, 1, "", "^"},
	} {
		text, caret := excerpt(tc.line, tc.col, tc.width)
		if text != tc.text || caret != tc.caret {
			t.Errorf("%q: %q %q", tc.line, text, caret)
		}
	}
	text, caret := excerpt(long, 300, 400)
	if n := len([]rune(text)); n > excerptWidth+4 || len([]rune(caret)) > n {
		t.Errorf("%q\n%q", text, caret)
	}
}
