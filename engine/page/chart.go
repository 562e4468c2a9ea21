package page

import (
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/display"
)

// Chart shows documents by audience: a bar for each time, the widest class first.
type Chart struct {
	Text   string // for people who cannot see the bars
	Bars   []Bar
	Legend Table
	Height int
}

// Bar is one bar of a chart.
type Bar struct {
	Name  string
	Total string
	Y     int
	Parts []Part
}

// Part is a class of a bar. X and Width are in thousandths of its length.
type Part struct {
	Class    string
	X, Width float64
	Text     string
}

// The height of a bar and the distance between two bars, in pixels.
const (
	barHeight = 28
	barStep   = 52
	// thinnest is the minimum width of a part, in thousandths, which keeps it visible.
	thinnest = 4
)

// whoFinds explains each class.
var whoFinds = map[access.Audience]string{
	access.Nobody:          "no one; not sent (withheld)",
	access.Listed:          "only the users and groups that are named",
	access.DatasourceUsers: "all users of the datasource",
	access.AllUsers:        "everyone who can sign in",
}

// audienceChart returns the chart of the documents' audiences now, and before if known; nil
// without documents.
func audienceChart(now, before map[access.Audience]int, beforeName, nowName string) *Chart {
	if total(now)+total(before) == 0 {
		return nil
	}
	c := &Chart{Legend: Table{Caption: "Documents by audience", Columns: []Column{{Name: "audience"},
		{Name: "documents", Number: true}}}}
	if before != nil {
		c.bar(beforeName, before)
		c.Legend.Columns = append(c.Legend.Columns, Column{Name: "change", Number: true})
	}
	c.bar(nowName, now)
	c.Height = barStep*len(c.Bars) - 4
	for _, a := range slices.Backward(access.Audiences[:]) {
		row := []Cell{{Text: a.String(), Small: whoFinds[a]}, {Text: display.Number(now[a])}}
		if before != nil {
			row = append(row, Cell{Text: difference(now[a] - before[a])})
		}
		c.Legend.Rows = append(c.Legend.Rows, row)
	}
	return c
}

func total(n map[access.Audience]int) int {
	sum := 0
	for _, a := range access.Audiences {
		sum += n[a]
	}
	return sum
}

// bar adds a bar. A part has its share of the length, but at least thinnest.
func (c *Chart) bar(name string, n map[access.Audience]int) {
	all := total(n)
	b := Bar{Name: name, Total: display.Plural(all, "document"), Y: barStep * len(c.Bars)}
	widths, sum := map[access.Audience]float64{}, 0.0
	for _, a := range access.Audiences {
		if n[a] > 0 {
			widths[a] = max(thinnest, 1000*float64(n[a])/float64(all))
			sum += widths[a]
		}
	}
	at := 0.0
	for _, a := range slices.Backward(access.Audiences[:]) {
		if n[a] == 0 {
			continue
		}
		width := 1000 * widths[a] / sum
		text := fmt.Sprintf("%s: %s", a, display.Number(n[a]))
		b.Parts = append(b.Parts, Part{a.String(), at, width, text})
		at += width
		c.Text += fmt.Sprintf("%s, %s. ", name, text)
	}
	c.Bars = append(c.Bars, b)
}

// difference formats a number with its sign; no change is a dash.
func difference(n int) string {
	switch {
	case n > 0:
		return "+" + display.Number(n)
	case n < 0:
		return "−" + display.Number(-n)
	}
	return "–"
}
