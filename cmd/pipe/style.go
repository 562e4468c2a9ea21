package main

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/muesli/termenv"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// style is how things look; without colours everything is plain text.
type style struct {
	good, bad, dim, bold lipgloss.Style
}

func (a *app) colors(c *cli.Context) style {
	r := lipgloss.NewRenderer(a.stdout.(redacting).w)
	if _, off := a.env("NO_COLOR"); off || c.Bool("no-color") || !terminal(a.stdout) {
		r.SetColorProfile(termenv.Ascii)
	}
	return style{
		good: r.NewStyle().Foreground(lipgloss.Color("2")),
		bad:  r.NewStyle().Foreground(lipgloss.Color("1")).Bold(true),
		dim:  r.NewStyle().Faint(true),
		bold: r.NewStyle().Bold(true),
	}
}

func terminal(w io.Writer) bool {
	if r, ok := w.(redacting); ok {
		w = r.w
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// number writes 12345 as 12,345.
func number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// grid is a table without lines: the first `left` columns are text, the others
// numbers at the right edge.
func grid(header []string, rows [][]string, left int, st style) string {
	t := table.New().Border(lipgloss.HiddenBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderHeader(false).BorderColumn(false).
		Headers(header...).Rows(rows...).
		StyleFunc(func(row, col int) lipgloss.Style {
			s := lipgloss.NewStyle().PaddingRight(2)
			if col >= left {
				s = s.Align(lipgloss.Right)
			}
			if row == table.HeaderRow {
				return s.Inherit(st.dim)
			}
			return s
		})
	var out []string
	for _, line := range strings.Split(t.Render(), "\n") {
		out = append(out, strings.TrimRight(line, " "))
	}
	return strings.Join(out, "\n")
}
