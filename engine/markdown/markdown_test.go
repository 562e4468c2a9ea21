package markdown

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark/text"
)

func TestPlain(t *testing.T) {
	m := New()
	for source, want := range map[string]string{
		"no marks at all, one line":                 "no marks at all, one line",
		" spaces round it\nand a second line\n":     "spaces round it\nand a second line",
		"**bold** _it_ ~~old~~ `code` \\*star\\*":   "bold it old code *star*",
		"# Title\n\nText\nmore":                     "Title\n\nText\nmore",
		"Title\n=====\nText":                        "Title\n\nText",
		"[docs](https://e.com) and <https://f.com>": "docs (https://e.com) and https://f.com",
		"[https://e.com](https://e.com)":            "https://e.com",
		"![logo](x.png) by us":                      "logo by us",
		"[ref]\n\n[ref]: https://e.com":             "ref (https://e.com)",
		"- a\n- b\n  - c\n\n1. x\n2. y":             "- a\n- b\n  - c\n\n1. x\n2. y",
		"* item\n  goes on":                         "- item\n  goes on",
		"> quoted\n> text":                          "quoted\ntext",
		"```go\nfunc main() {\n\n}\n```\nafter":     "func main() {\n\n}\n\nafter",
		"    indented <b>code</b>":                  "indented <b>code</b>",
		"a <b>bold</b> &amp; x<br>y":                "a bold & x\ny",
		"<div>\n<p>Hi &lt;you&gt;</p>\n</div>":      "Hi <you>",
		"say <your-name> to Map<String, Text>":      "say <your-name> to Map<String, Text>",
		"<placeholder>\n\nok":                       "<placeholder>\n\nok",
		"<script>\nalert(1)\n</script>\n\nok":       "ok",
		"<!-- hidden -->\n\nshown":                  "shown",
		"| a | b |\n|---|---|\n| 1 | **2** |":       "a | b\n1 | 2",
		"one\n\n---\n\ntwo":                         "one\n\ntwo",
		"größe **größer** 日本語 👩‍👩‍👧":                "größe größer 日本語 👩‍👩‍👧",
		"": "",
	} {
		if got, err := m.Plain(source); err != nil || got != want {
			t.Errorf("%q:\n%q, want\n%q", source, got, want)
		}
	}
}

// checkUnmarked fails the test unless a text that needs no parser is converted as the parser
// would, apart from spaces at the ends of lines and repeated empty lines.
func checkUnmarked(t *testing.T, m *Converter, source string) (marked bool) {
	t.Helper()
	if isMarked(source) {
		return true
	}
	w := &writer{whole: source, source: []byte(source), lastEnds: map[string]int{}}
	w.blocks(m.parser.Parse(text.NewReader(w.source)), "\n\n")
	trimmed := func(text string) string {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		return strings.TrimSpace(strings.Join(slices.Compact(lines), "\n"))
	}
	if parsed := string(w.out); trimmed(parsed) != trimmed(source) {
		t.Errorf("%q is parsed as %q", source, parsed)
	}
	return false
}

// TestUnmarked: names, numbers and brackets need no parser; text with a meaning in Markdown
// does.
func TestUnmarked(t *testing.T) {
	m := New()
	for source, marked := range map[string]bool{
		"one": false, "one\n\ntwo\nthree": false, "it costs 3. Really": false, " one\n": false, "a - b = c + d": false,
		"": false, "R&D of C# [beta], see order_item_id, #42 and a > b": false, "[1]\n[two] [three][four]": false,
		"- a": true, "1. a": true, "12) a": true, "a\n---": true, "a\n  b": true, "a  \nb": true, "    a": true,
		"a\n+ b": true, "a *b*": true, "_a_": true, "a __b__": true, "# a": true, "> a": true, "a\n#": true,
		"a &amp; b": true, "[a](b)": true, "[a]\n\n[a]: b": true, "___": true, "a <b>": true, "a | b\n- | -": true,
	} {
		if checkUnmarked(t, m, source) != marked {
			t.Errorf("%q: %v", source, !marked)
		}
	}
	random := rand.New(rand.NewPCG(13, 14))
	parts := []string{"a", "b1", " ", " ", "\n", "_", "#", "&", ";", "[", "]", "(", ")", ":", ">", "-", "=", "1", ".", "!",
		"é",
		"http://a.b", "x@y.z", "\"", "'", "+", "/", "\u00a0", "\x00", "\v", "\f"}
	unmarked := 0
	for range 50_000 {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString(parts[random.IntN(len(parts))])
		}
		if !checkUnmarked(t, m, b.String()) {
			unmarked++
		}
	}
	if unmarked < 10_000 {
		t.Errorf("%d texts needed no parser", unmarked)
	}
}

func FuzzUnmarked(f *testing.F) {
	f.Add("R&D of C# [beta], see order_item_id")
	m := New()
	f.Fuzz(func(t *testing.T, source string) { checkUnmarked(t, m, source) })
}

// TestPlainOfMuch: a document of 600 KB must not stop a run, whatever its content.
func TestPlainOfMuch(t *testing.T) {
	m := New()
	for size, units := range map[int][]string{
		600 << 10: {"a\n", "é", "**a** [b](c) `d`\n"},
		64 << 10:  {">", "[a]("},
		16 << 10: {
			"[", "![", "*", "_a", "**a ", "`", "``a` ", "<", "<a ", "> ", "- ", "- a\n", " - a\n", "\\", "&", "&amp;", "|",
			"|a|b|\n|-|-|\n",
			"<br>", "<li>", "a<td>", "<p>a</p>", "<script>", "</script>", "<script></script>", "<style>a\n\n", "<a \"", "<a x='",
			"<![CDATA[", "<div>\n\n<script>\n\n",
			"[a](b", "*a_ ", "1. ", "[a]: b\n", "[a][", "~~a", "\t", "    ", "#", "<!--", "<?", "\x00", "\xff", "é*", "](",
			"a*b", "<b>",
		},
	} {
		for _, unit := range units {
			start := time.Now()
			if _, err := m.Plain(strings.Repeat(unit, size/len(unit))); err != nil {
				t.Errorf("%q: %v", unit, err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%q takes %v", unit, took)
			}
		}
	}
	amplified := strings.Repeat("[a] ", 200<<10/4) + "\n\n[a]: https://e.com/" + strings.Repeat("x", 4<<10)
	if got, err := m.Plain(amplified); err == nil {
		t.Errorf("%d bytes of %d", len(got), len(amplified))
	}
}

// TestPlainInPieces: parsing a document in pieces does not change the result.
func TestPlainInPieces(t *testing.T) {
	m := New()
	for name, section := range map[string]string{
		"paragraphs": "some *prose* with a [link][ref], **bold**\n\n",
		"lines":      "some *prose* in one long paragraph\n",
		"fence":      "```\ncode *as* is\n\n\n```\n\n",
		"items":      "- one *item*\n",
	} {
		got, err := m.Plain(strings.Repeat(section, 1000) + "\n[ref]: https://e.com\n")
		want := strings.NewReplacer("**bold**", "bold", "*prose*", "prose", "*item*", "item", "[link][ref]",
			"link (https://e.com)", "```\n", "").
			Replace(section)
		if name == "fence" {
			want = "code *as* is\n\n"
		}
		if want = strings.TrimSpace(strings.Repeat(want, 1000)); err != nil || got != want {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			t.Errorf("%s: differs at %d of %d: %q, want %q", name, at, len(want), cut(got, at), cut(want, at))
		}
	}
}

func cut(s string, at int) string { return s[min(at, len(s)):min(at+60, len(s))] }
