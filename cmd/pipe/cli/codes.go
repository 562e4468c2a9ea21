package cli

import (
	_ "embed"
	"strings"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/display"
)

//go:embed codes.md
var codesText string

// code is the documentation of a problem's code.
type code struct {
	Name     string   `json:"code"`
	Text     string   `json:"text"`
	Examples []string `json:"examples,omitempty"` // the wrong one and the right one
}

// Codes returns the codes of codes.md, sorted.
func Codes() []code {
	var out []code
	for i, section := range strings.Split(codesText, "\n## ") {
		if i == 0 {
			continue
		}
		name, rest, _ := strings.Cut(section, "\n")
		c := code{Name: name}
		for j, part := range strings.Split(rest, "```") {
			switch {
			case j == 0:
				c.Text = strings.TrimSpace(part)
			case j%2 == 1:
				c.Examples = append(c.Examples, strings.TrimPrefix(part, "yaml\n"))
			}
		}
		out = append(out, c)
	}
	return out
}

// explain prints the meaning of a code, with an example.
func (a *app) explain(c code, st print.Style) {
	display.Fprintf(a.Stdout, "%s\n", st.Bold.Render(c.Name))
	display.Fprintf(a.Stdout, "  %s\n", strings.Join(strings.Fields(c.Text), " "))
	for i, example := range c.Examples {
		display.Fprintf(a.Stdout, "\n  %s\n", [...]string{"wrong:", "right:"}[i])
		for _, line := range strings.Split(strings.TrimRight(example, "\n"), "\n") {
			display.Fprintf(a.Stdout, "    %s\n", display.Block(display.Whole(display.Line(line))))
		}
	}
}
