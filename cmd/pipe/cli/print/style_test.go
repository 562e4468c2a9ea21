package print

import (
	"strings"
	"testing"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"github.com/pipe-engine/pipe/engine/display"
)

// coloured is a style as on a terminal.
func coloured() Style {
	r := lipgloss.NewRenderer(nil)
	r.SetColorProfile(termenv.ANSI)
	return Style{
		Good: Ink{r.NewStyle().Foreground(lipgloss.Color("2"))},
		Bad:  Ink{r.NewStyle().Foreground(lipgloss.Color("1")).Bold(true)},
		Dim:  Ink{r.NewStyle().Faint(true)}, Bold: Ink{r.NewStyle().Bold(true)},
	}
}

// TestColours: the program's colours reach a terminal, those in a title do not, and a table
// keeps its columns.
func TestColours(t *testing.T) {
	var b strings.Builder
	w := display.NewWriter(&b)
	st := coloured()
	const title = "a\x1b[32mb"
	display.Fprintf(w, "%s %s\n", st.Bad.Render("no"), title)
	display.Fprintln(w, Grid([]string{"ref", "title"}, [][]string{{"x", st.Good.Render("y")}, {"long", title}}, 2, st))
	w.Flush()
	want := "\x1b[1;31mno\x1b[0m " + `a\u001b[32mb` + "\n" +
		"\x1b[2mref\x1b[0m   \x1b[2mtitle\x1b[0m\n" +
		"x     \x1b[32my\x1b[0m\n" +
		"long  " + `a\u001b[32mb` + "\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
