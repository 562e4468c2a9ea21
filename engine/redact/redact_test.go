package redact

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
)

const privateKey = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n" +
	"MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3S\n-----END PRIVATE KEY-----\n"

// encodings are how servers and proxies repeat what they were sent.
var encodings = map[string]func(string) string{
	"plain":                 func(s string) string { return s },
	"hex":                   func(s string) string { return hex.EncodeToString([]byte(s)) },
	"upper hex":             func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"percent, as needed":    url.QueryEscape,
	"percent, in a path":    url.PathEscape,
	"percent, lower":        func(s string) string { return each(s, "%%%02x") },
	"percent, upper":        func(s string) string { return each(s, "%%%02X") },
	"percent, in part":      func(s string) string { return alternately(s, "%%%02x") },
	"percent, twice":        func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"HTML, as needed":       html.EscapeString,
	"HTML, decimal":         func(s string) string { return each(s, "&#%d;") },
	"HTML, decimal, padded": func(s string) string { return each(s, "&#%06d;") },
	"HTML, hex":             func(s string) string { return each(s, "&#x%x;") },
	"HTML, upper hex":       func(s string) string { return alternately(s, "&#X%X;") },
	"JSON":                  func(s string) string { return quoted(s) },
	"JSON, slashes":         func(s string) string { return strings.ReplaceAll(quoted(s), "/", `\/`) },
	"JSON, all":             func(s string) string { return each(s, `\u%04x`) },
	"JSON, upper":           func(s string) string { return alternately(s, `\u%04X`) },
	"JSON, thrice":          func(s string) string { return quoted(quoted(quoted(s))) },
	"HTML in JSON":          func(s string) string { return quoted(html.EscapeString(s)) },
	"Go":                    func(s string) string { q := fmt.Sprintf("%q", s); return q[1 : len(q)-1] },
	"Go, bytes":             func(s string) string { return each(s, `\x%02x`) },
	"display":               display.Line,
	"base64":                func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, raw":           func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64, URL":           func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64, raw URL":       func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64, 64 columns":    func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 64, "\n") },
	"base64, 76 columns": func(s string) string {
		return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 76, "\r\n")
	},
	"base64, 20 columns": func(s string) string {
		return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 20, "\n    ")
	},
	"base64, wrapped, JSON": func(s string) string {
		return quoted(wrap(base64.StdEncoding.EncodeToString([]byte(s)), 76, "\r\n"))
	},
	"base64 in a query": func(s string) string {
		return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s)))
	},
	"lines joined":   func(s string) string { return strings.ReplaceAll(s, "\n", "") },
	"lines indented": func(s string) string { return strings.ReplaceAll(s, "\n", "\n      ") },
}

func each(s, format string) string { return alternately2(s, format, 1) }

func alternately(s, format string) string { return alternately2(s, format, 2) }

func alternately2(s, format string, step int) string {
	var b strings.Builder
	for i := range len(s) {
		if i%step == 0 {
			fmt.Fprintf(&b, format, s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func quoted(s string) string {
	q := string(codec.Quote(nil, s))
	return q[1 : len(q)-1]
}

func wrap(s string, width int, end string) string {
	var lines []string
	for ; len(s) > width; s = s[width:] {
		lines = append(lines, s[:width])
	}
	return strings.Join(append(lines, s), end)
}

// TestRedactedForms: each form of each secret is taken out, whatever is around it.
func TestRedactedForms(t *testing.T) {
	secrets := map[string]string{
		"a token": "glean_pat-8f14e45fceea167a5a36dedd4bea2543/+=", "a short one": "Xy7&q%Z", "with escapes": `p%41ss&amp;w\u0041"rd<+/x>`,
		"a key": privateKey,
	}
	for name, secret := range secrets {
		var r Redactor
		r.Add(secret)
		secret = strings.TrimSpace(secret)
		for form, encode := range encodings {
			for _, around := range [][2]string{{"", ""}, {"token: ", "!"}, {"a", "b"}} {
				echo := encode(secret)
				got := r.Clean(around[0] + echo + around[1])
				left := strings.TrimSuffix(strings.TrimPrefix(got, around[0]), around[1])
				if left != redacted {
					t.Errorf("%s, %s: %q leaves %q", name, form, echo, got)
				}
			}
		}
		// what a form shares with its neighbours may stay
		for form, e := range map[string]*base64.Encoding{"std": base64.StdEncoding, "URL": base64.RawURLEncoding} {
			for _, before := range []string{"u:", "us:", "use:", "Bearer "} {
				echo := e.EncodeToString([]byte(before + secret + ":x"))
				middle := echo[8:max(8, len(echo)-6)]
				if got := r.Clean(echo); !strings.Contains(got, redacted) || len(got) > len(redacted)+16 ||
					len(middle) > 6 && strings.Contains(got, middle) {
					t.Errorf("%s, base64 %s after %q: %q leaves %q", name, form, before, echo, got)
				}
			}
		}
	}
}

// TestRedactedFragments: 12 bytes of a long secret are taken out wherever they
// are from, and of a short secret nothing but the whole.
func TestRedactedFragments(t *testing.T) {
	const secret = "glean_pat-8f14e45fceea167a5a36dedd4bea2543"
	var r Redactor
	r.Add(secret, "hunter2!")
	for i := range len(secret) - window + 1 {
		fragment := secret[i : i+window]
		if got := r.Clean("<" + fragment + ">"); got != "<[redacted]>" {
			t.Errorf("%q: %q", fragment, got)
		}
		if got := r.Clean(alternately(fragment, "%%%02x")); got != redacted {
			t.Errorf("%q escaped: %q", fragment, got)
		}
	}
	for _, text := range []string{"glean_pat", "8f14e45fcee", "hunter2", "hunter2\n!", "unter2! hunter", "",
		"a plain text of people with many words"} {
		if got := r.Clean(text); got != text {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestRedactedJSON: JSON stays JSON where a secret is taken out of it.
func TestRedactedJSON(t *testing.T) {
	for _, secret := range []string{"nabcdefghijkl", "u0041bcdefghijklm", `abcdefghijkl\`, `a"bcdefghijkl`, "tab\tabcdefghij", `\\\\\\\\\\\\\\`} {
		var r Redactor
		r.Add(secret)
		for _, value := range []string{secret, "\n" + secret[1:], "\n" + secret, `\` + secret, secret + `"`, secret + `\`,
			"x\x01" + secret + "\u2028", "\U000e0041" + secret} {
			for _, b := range [][]byte{codec.Quote(nil, value), display.JSON(codec.Quote(nil, value))} {
				got := r.Clean(`{"a":` + string(b) + `}`)
				if _, err := codec.Decode([]byte(got)); err != nil {
					t.Errorf("%q in %q: %s: %v", secret, value, got, err)
				}
			}
		}
	}
}

// TestStream: a secret that comes in several calls is taken out as if it came in
// one, and text without a secret comes out as it was.
func TestStream(t *testing.T) {
	token := "glean_pat-8f14e45fceea167a5a36dedd4bea2543"
	for form, encode := range encodings {
		text := "an error: " + encode(token) + " was refused\nnext\n\nlast " + encode(token) + "."
		whole := stream(t, token, text)
		if want := "an error: [redacted] was refused\nnext\n\nlast [redacted]."; form != "base64, 20 columns" &&
			whole != want {
			t.Errorf("%s: %q", form, whole)
		}
		for at := range len(text) {
			got := stream(t, token, text[:at], text[at:])
			if !strings.Contains(encode(token), "\n") && got != whole {
				t.Fatalf("%s, split at %d: %q", form, at, got)
			}
			for i := 0; i+window <= len(token); i++ {
				if strings.Contains(got, token[i:i+window]) {
					t.Fatalf("%s, split at %d: %q", form, at, got)
				}
			}
		}
	}
}

// TestStreamOfLines: a key that is printed line by line leaves nothing but less
// than a window of its first line.
func TestStreamOfLines(t *testing.T) {
	var lines []string
	for line := range strings.Lines(privateKey) {
		lines = append(lines, "  "+line)
	}
	if got := stream(t, privateKey, lines...); strings.TrimSpace(got) != "[redacted]\n[redacted]\n[redacted]\n[redacted]" {
		t.Errorf("%q", got)
	}
	encoded := wrap(base64.StdEncoding.EncodeToString([]byte(privateKey)), 76, "\n")
	last := encoded[strings.LastIndexByte(encoded, '\n')+1:]
	if got := stream(t, privateKey, strings.SplitAfter("x "+encoded+"\n", "\n")...); strings.Contains(got,
		strings.TrimRight(last, "=")) {
		t.Errorf("%q of the last line is left in %q", last, got)
	}
}

// TestStreamOfOneLine: a line without an end is not kept for ever, and a secret
// where it is cut is found.
func TestStreamOfOneLine(t *testing.T) {
	token := "glean_pat-8f14e45fceea167a5a36dedd4bea2543"
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		var parts []string
		for size := 0; size < 3*longestKept; {
			part := strings.Repeat("x", random.IntN(9000)) + token
			at := random.IntN(len(part))
			parts = append(parts, part[:at], part[at:])
			size += len(part)
		}
		var b strings.Builder
		var r Redactor
		r.Add(token)
		s := r.Stream(&b)
		for _, part := range parts {
			s.Write([]byte(part))
		}
		if b.Len() == 0 {
			t.Fatal("everything is kept")
		}
		s.Flush()
		if want := strings.ReplaceAll(strings.Join(parts, ""), token, redacted); b.String() != want {
			t.Fatal("the text differs")
		}
	}
}

func stream(t *testing.T, secret string, parts ...string) string {
	t.Helper()
	var b strings.Builder
	var r Redactor
	r.Add(secret)
	s := r.Stream(&b)
	for _, part := range parts {
		if n, err := s.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// FuzzRedactor: a secret in any form, between any texts, is never left in what
// comes out, and nothing panics.
func FuzzRedactor(f *testing.F) {
	names := make([]string, 0, len(encodings))
	for name := range encodings {
		names = append(names, name)
	}
	f.Add("glean_pat-8f14e45f", "a", `\`, uint8(3), 4)
	f.Add(`p%41ss&amp;w\u0041"rd`, "&", ";", uint8(9), 0)
	f.Fuzz(func(t *testing.T, secret, before, after string, form uint8, at int) {
		secret = strings.TrimSpace(secret)
		if len(secret) < shortest || strings.ContainsAny(secret, "\n\r") || strings.Contains(before+after, secret) {
			return
		}
		encode := encodings[names[int(form)%len(names)]]
		text := before + encode(secret) + after
		at = min(max(at, 0), len(text))
		got := stream(t, secret, text[:at], text[at:])
		if strings.Contains(got, secret) && !strings.Contains(redacted, secret) {
			t.Fatalf("%q leaves %q", text, got)
		}
	})
}
