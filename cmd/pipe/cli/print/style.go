package print

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
)

// Style is how things look; without colours everything is plain text.
type Style struct {
	Good, Bad, Warn, Dim, Bold Ink
	// Width is how many columns a table may have, 0 for any number.
	Width int
}

// Ink paints text. Its colours pass the writer of the output; those in the text itself do not.
type Ink struct{ style lipgloss.Style }

// Render joins texts with blanks and paints them.
func (i Ink) Render(texts ...string) string {
	return display.Paint(func(text string) string { return i.style.Render(text) }, strings.Join(texts, " "))
}

// NewStyle makes the style of an output whose lines have so many columns, with colours
// where it is asked for them.
func NewStyle(w io.Writer, width int, colours bool) Style {
	r := lipgloss.NewRenderer(w)
	if !colours {
		r.SetColorProfile(termenv.Ascii)
	}
	return Style{
		Good: Ink{r.NewStyle().Foreground(lipgloss.Color("2"))},
		Bad:  Ink{r.NewStyle().Foreground(lipgloss.Color("1")).Bold(true)},
		Warn: Ink{r.NewStyle().Foreground(lipgloss.Color("3"))},
		Dim:  Ink{r.NewStyle().Faint(true)},
		Bold: Ink{r.NewStyle().Bold(true)},

		Width: width,
	}
}

// Problems prints problems with the lines that they are about.
func Problems(w io.Writer, all config.Problems, source func(file string) []byte, st Style) {
	inks := map[config.Part]Ink{config.Failing: st.Bad, config.Warned: st.Warn, config.Marked: st.Bad,
		config.Hinted: st.Dim}
	all.RenderIn(w, source, func(part config.Part, text string) string {
		if part == config.Quoted {
			return display.Whole(text)
		}
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			lines[i] = inks[part].Render(line)
		}
		return strings.Join(lines, "\n")
	})
}
