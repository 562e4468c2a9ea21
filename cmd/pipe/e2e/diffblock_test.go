package e2e

import (
	"strings"
	"testing"
)

// patched returns a text with the hunks of a diff block applied. A hunk is lines that begin
// with a space (context), - or +; @@ separates hunks. The old lines of a hunk must be in the
// text exactly once.
func patched(t testing.TB, text, block string) string {
	t.Helper()
	for hunk := range strings.SplitSeq(block, "@@\n") {
		var old, now strings.Builder
		for line := range strings.Lines(hunk) {
			switch line[0] {
			case '-':
				old.WriteString(line[1:])
			case '+':
				now.WriteString(line[1:])
			default:
				old.WriteString(strings.TrimPrefix(line, " "))
				now.WriteString(strings.TrimPrefix(line, " "))
			}
		}
		if n := strings.Count(text, old.String()); n != 1 {
			t.Fatalf("these lines are in the shipped pipeline %d times:\n%s", n, old.String())
		}
		text = strings.Replace(text, old.String(), now.String(), 1)
	}
	return text
}

// sections are the parts of a Markdown text by their headings of one level, up
// to the next heading of that level or a higher one.
func sections(text, level string) map[string]string {
	out := map[string]string{}
	name := ""
	fenced := false
	for line := range strings.Lines(text) {
		fenced = fenced != strings.HasPrefix(line, "```")
		if hashes, title, ok := strings.Cut(line, " "); ok && !fenced && strings.Trim(hashes, "#") == "" && hashes != "" &&
			len(hashes) <= len(level) {
			if name = ""; hashes == level {
				name = strings.TrimSpace(title)
			}
			continue
		}
		if name != "" {
			out[name] += line
		}
	}
	return out
}
