package main

import (
	"fmt"
	"strings"
)

// maxText is the most runes of one summary or description.
const maxText = 300

// lines is a digest while it grows.
type lines struct{ all []string }

// title starts the digest: name and version, then the description.
func (l *lines) title(name, version, description string) {
	l.add(strings.TrimSpace(oneLine(name) + " " + version))
	l.add(oneLine(description))
}

func (l *lines) add(line string) {
	if line != "" {
		l.all = append(l.all, line)
	}
}

// entry adds "name: text", or only the name.
func (l *lines) entry(name, text string) {
	if text = oneLine(text); text != "" {
		name += ": " + text
	}
	l.add(name)
}

// section adds a heading before the lines of f, and nothing where f adds none.
func (l *lines) section(heading string, f func()) {
	start := len(l.all)
	l.all = append(l.all, "", heading)
	if f(); len(l.all) == start+2 {
		l.all = l.all[:start]
	}
}

// cut is the text of at most n lines, "" for no digest.
func (l *lines) cut(n int) string {
	if l == nil {
		return ""
	}
	all := l.all
	if len(all) > n {
		all = append(append([]string(nil), all[:n-1]...), fmt.Sprintf("… and %d more lines", len(all)-n+1))
	}
	return strings.TrimSpace(strings.Join(all, "\n"))
}

// oneLine is the first paragraph of a text on one line.
func oneLine(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n\n")
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxText {
		return strings.TrimSpace(string(runes[:maxText-1])) + "…"
	}
	return text
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
