package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	blockHeader = regexp.MustCompile(`^[|>][-+0-9]*$`)
	plainKey    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
)

// blockBack is how many lines above an error the beginning of a block of text is looked
// for.
const blockBack = 200

// cutBlock reports a line of a block of text (after | or >) that is indented less than
// the block, which ends the block for YAML, and gives the text with that line and those
// that follow it put back; "" when it is not that.
func (p *parser) cutBlock(lines []string, number int) string {
	header, cut, column := findCut(lines, number)
	if cut == 0 || p.shift[cut] != 0 {
		return ""
	}
	p.hideSecretLine(cut)
	key := splitLine(lines[header-1]).key
	p.add(Problem{Pos: Pos{p.doc.file, cut, 1 + indentation(lines[cut-1])}}, codeSyntax,
		fmt.Sprintf("this line is indented less than the text of %s, which it seems to continue", key),
		"start it in column "+strconv.Itoa(column+1)+" or further right")
	if p.shift == nil {
		p.shift = map[int]int{}
	}
	for n := cut; n <= len(lines); n++ {
		line := lines[n-1]
		if strings.TrimSpace(line) == "" || indentation(line) >= column {
			continue
		}
		if startsEntry(line) {
			break
		}
		p.shift[n] += column - indentation(line)
		lines[n-1] = moved(line, column)
	}
	return strings.Join(lines, "\n")
}

// findCut finds the block of text above an error that a line with less indentation cuts:
// the line of its key, the line that cuts it, and the column that it should begin in. cut
// is 0 when there is none.
func findCut(lines []string, number int) (header, cut, column int) {
	for header = min(number, len(lines)); header > max(0, number-blockBack); header-- {
		l := splitLine(lines[header-1])
		if l.key == "" || !blockHeader.MatchString(l.value) {
			continue
		}
		column = l.indent + 2
		first := nextText(lines, header+1)
		if first > 0 && indentation(lines[first-1]) > l.indent {
			column = indentation(lines[first-1])
		}
		for cut = first; cut > 0 && cut <= number; cut = nextText(lines, cut+1) {
			if indentation(lines[cut-1]) < column {
				if startsEntry(lines[cut-1]) || strings.HasPrefix(strings.TrimSpace(lines[cut-1]), "#") {
					return 0, 0, 0 // the block ends as it should
				}
				return header, cut, column
			}
		}
		return 0, 0, 0
	}
	return 0, 0, 0
}

// startsEntry reports whether a line reads as an entry of a mapping or a list.
func startsEntry(line string) bool {
	l := splitLine(line)
	return l.dashes != "" || strings.TrimSpace(line) == "-" || plainKey.MatchString(l.key)
}
