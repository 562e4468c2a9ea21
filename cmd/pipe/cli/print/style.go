package print

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/muesli/termenv"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
)

// Style is how things look; without colours everything is plain text.
type Style struct {
	Good, Bad, Warn, Dim, Bold Ink
}

// Ink paints text so that its colours pass the writer of the output; those in
// the text itself do not.
type Ink struct{ style lipgloss.Style }

// Render joins texts with blanks and paints them.
func (i Ink) Render(texts ...string) string {
	return display.Paint(func(text string) string { return i.style.Render(text) }, strings.Join(texts, " "))
}

// NewStyle makes the style of an output, with colours where it is asked for them.
func NewStyle(w io.Writer, colours bool) Style {
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
	}
}

// Problems prints problems with the lines that they are about.
func Problems(w io.Writer, all config.Problems, source func(file string) []byte, st Style) {
	inks := map[config.Part]Ink{config.Failing: st.Bad, config.Warned: st.Warn, config.Marked: st.Bad,
		config.Hinted: st.Dim}
	all.RenderIn(w, source, func(part config.Part, text string) string {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			lines[i] = inks[part].Render(line)
		}
		return strings.Join(lines, "\n")
	})
}

// Grid is a table without lines: the first `left` columns are text, the others
// numbers at the right edge. A cell is one line of at most display.MaxCell
// characters.
func Grid(header []string, rows [][]string, left int, st Style) display.Block {
	heads := make([]string, len(header))
	for i, name := range header {
		heads[i] = st.Dim.Render(name)
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			cells[i] = append(cells[i], display.Short(cell, display.MaxCell))
		}
	}
	t := table.New().Border(lipgloss.HiddenBorder()).BorderTop(false).BorderBottom(false).
		BorderLeft(false).BorderRight(false).BorderHeader(false).BorderColumn(false).
		Headers(heads...).Rows(cells...).
		StyleFunc(func(_, col int) lipgloss.Style {
			s := lipgloss.NewStyle().PaddingRight(2)
			if col >= left {
				s = s.Align(lipgloss.Right)
			}
			return s
		})
	var out []string
	for _, line := range strings.Split(t.Render(), "\n") {
		out = append(out, strings.TrimRight(line, " "))
	}
	return display.Block(strings.Join(out, "\n"))
}
