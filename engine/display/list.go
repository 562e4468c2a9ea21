package display

import (
	"fmt"
	"strings"
)

// List joins the first most texts with a separator, and counts the others.
func List(texts []string, most int, separator string) string {
	return FirstOf(texts[:min(most, len(texts))], len(texts), separator)
}

// FirstOf joins texts, which are the first of n, and counts the others.
func FirstOf(texts []string, n int, separator string) string {
	text := strings.Join(texts, separator)
	if more := n - len(texts); more > 0 {
		text += fmt.Sprintf(" and %s more", Number(more))
	}
	return text
}
