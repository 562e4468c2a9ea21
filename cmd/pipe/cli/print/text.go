package print

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
)

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
