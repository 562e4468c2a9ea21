package summary

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/display"
)

// Markdown returns the summary as GitHub shows it. No text in it can be read as Markdown or HTML.
func (s *Summary) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s: %s\n\n**%s**\n", plain(s.Title), plain(s.Subject), plain(s.Result))
	for _, t := range s.Tables {
		fmt.Fprintf(&b, "\n#### %s\n\n", plain(t.Caption))
		line := "|"
		for i, c := range t.Columns {
			fmt.Fprintf(&b, "| %s ", plain(c))
			if i < t.Left {
				line += " --- |"
			} else {
				line += " ---: |"
			}
		}
		b.WriteString("|\n" + line + "\n")
		for _, row := range t.Rows {
			for i, cell := range row {
				switch {
				case cell == "":
					b.WriteString("| ")
				case i < t.Left:
					fmt.Fprintf(&b, "| <code>%s</code> ", plain(cell))
				default:
					fmt.Fprintf(&b, "| %s ", plain(cell))
				}
			}
			b.WriteString("|\n")
		}
		if t.More != "" {
			fmt.Fprintf(&b, "\n… %s\n", plain(t.More))
		}
	}
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "\n%s\n", plain(n))
	}
	b.WriteString("\n")
	return b.String()
}

// plain writes every ASCII character that is not a letter, a digit or a blank as a character
// reference, which never has a meaning in Markdown, and puts the text on one line.
func plain(s string) string {
	var b strings.Builder
	for _, r := range display.Short(s, display.MaxCell) {
		switch {
		case r >= 0x80, r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == ' ':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}
