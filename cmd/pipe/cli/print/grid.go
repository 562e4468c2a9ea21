package print

import (
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/pipe-engine/pipe/engine/display"
)

// Grid is a table without lines: the first left columns are text, the others numbers at
// the right edge. A cell has at most display.MaxCell characters. Where the table is wider
// than the style allows, the headers and the texts are broken between words; where that
// does not suffice, each row becomes its first cell with the others below it.
func Grid(header []string, rows [][]string, left int, st Style) display.Block {
	g := grid{left: left, st: st}
	g.add(header, st.Dim.Render)
	for _, row := range rows {
		g.add(row, func(text ...string) string { return text[0] })
	}
	if widths, gap, fits := g.fit(st.Width); fits {
		return g.layOut(widths, gap)
	}
	return stacked(header, rows, st)
}

type grid struct {
	left int
	st   Style
	rows [][]string // the header first
}

func (g *grid) add(row []string, paint func(...string) string) {
	cells := make([]string, len(row))
	for i, cell := range row {
		cells[i] = paint(display.Short(cell, display.MaxCell))
	}
	g.rows = append(g.rows, cells)
}

// fit returns the widths of the columns and the gap between them with which the table fits
// in width columns, 0 for any number.
func (g *grid) fit(width int) (widths []int, gap int, fits bool) {
	var least []int // no word is broken
	for n, row := range g.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths, least = append(widths, 0), append(least, 0)
			}
			wide := lipgloss.Width(cell)
			widths[i] = max(widths[i], wide)
			if n == 0 || i < g.left {
				wide = widest(strings.Fields(cell))
			}
			least[i] = max(least[i], wide)
		}
	}
	for gap = 2; gap > 0; gap-- {
		total := gap * (len(widths) - 1)
		if width == 0 || sum(widths)+total <= width {
			return widths, gap, true
		}
		if sum(least)+total <= width {
			return g.shrunk(widths, least, sum(widths)+total-width), gap, true
		}
	}
	return nil, 0, false
}

// shrunk takes the excess off the columns of numbers, whose headers are broken, and then
// off the widest texts.
func (g *grid) shrunk(widths, least []int, excess int) []int {
	for i := g.left; i < len(widths); i++ {
		n := min(max(excess, 0), widths[i]-least[i])
		widths[i], excess = widths[i]-n, excess-n
	}
	for ; excess > 0; excess-- {
		most := -1
		for i := range widths {
			if widths[i] > least[i] && (most < 0 || widths[i] > widths[most]) {
				most = i
			}
		}
		widths[most]--
	}
	return widths
}

func (g *grid) layOut(widths []int, gap int) display.Block {
	var out []string
	for _, row := range g.rows {
		lines := make([][]string, len(row))
		height := 0
		for i, cell := range row {
			lines[i] = []string{cell}
			if lipgloss.Width(cell) > widths[i] {
				lines[i] = display.Wrap(cell, widths[i])
			}
			height = max(height, len(lines[i]))
		}
		for n := range height {
			line := ""
			for i := range row {
				part := ""
				if n < len(lines[i]) {
					part = lines[i][n]
				}
				pad := strings.Repeat(" ", max(0, widths[i]-lipgloss.Width(part)))
				if i >= g.left {
					part, pad = pad+part, ""
				}
				line += part + pad + strings.Repeat(" ", gap)
			}
			out = append(out, strings.TrimRight(line, " "))
		}
	}
	return display.Block(strings.Join(out, "\n"))
}

// stacked prints each row as its first cell and the others that are not empty, after it
// where it is short, else below it.
func stacked(header []string, rows [][]string, st Style) display.Block {
	var out []string
	first := 0
	for _, row := range rows {
		first = max(first, lipgloss.Width(display.Short(row[0], display.MaxCell)))
	}
	for _, row := range rows {
		var rest []string
		for i, cell := range row[1:] {
			if cell != "" {
				rest = append(rest, st.Dim.Render(header[i+1])+" "+display.Short(cell, display.MaxCell))
			}
		}
		name := display.Short(row[0], display.MaxCell)
		if first > st.Width/3 {
			out = append(out, name)
			name = ""
		} else {
			name += strings.Repeat(" ", first-lipgloss.Width(name))
		}
		out = append(out, name+"  "+strings.Join(rest, ", "))
	}
	return display.Block(strings.Join(out, "\n"))
}

func sum(all []int) (n int) {
	for _, one := range all {
		n += one
	}
	return n
}

// widest is the width of the widest text.
func widest(texts []string) int {
	if len(texts) == 0 {
		return 0
	}
	return lipgloss.Width(slices.MaxFunc(texts, func(a, b string) int { return lipgloss.Width(a) - lipgloss.Width(b) }))
}
