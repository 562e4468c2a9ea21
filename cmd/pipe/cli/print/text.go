package print

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
)

// DetailWidth is where the details of an error are wrapped.
const DetailWidth = 80

// Wrap cuts a text into lines at its spaces.
func Wrap(text string, width int) []string {
	var out []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			out, line = append(out, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, line)
}

// List joins a few texts.
func List(texts []string) string { return display.List(texts, 6, ", ") }

// Short is a value in one line of at most width characters, 0 for any length.
func Short(v any, width int) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		text := display.Short(strings.Join(strings.Fields(strings.ReplaceAll(v, "\n", " ⏎ ")), " "), width)
		if text == "" {
			return `""`
		}
		return text
	}
	b, err := codec.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return display.Short(string(b), width)
}

func cut(text string, width int) string {
	if r := []rune(text); width > 0 && len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return text
}
