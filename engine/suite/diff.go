package suite

import "strings"

// around is the number of equal lines shown before and after a difference.
const around = 2

// diff compares two texts line by line: "- " marks missing lines, "+ " unexpected lines. Long
// runs of equal lines are left out.
func diff(want, got string) string {
	lines := align(strings.Split(want, "\n"), strings.Split(got, "\n"))
	var out []string
	skipped := false
	for i, line := range lines {
		if line[0] == ' ' && !nearChange(lines, i) {
			skipped = true
			continue
		}
		if skipped {
			out = append(out, "  …")
		}
		skipped = false
		out = append(out, line)
	}
	if skipped {
		out = append(out, "  …")
	}
	return strings.Join(out, "\n")
}

func nearChange(lines []string, at int) bool {
	for _, line := range lines[max(0, at-around):min(len(lines), at+around+1)] {
		if line[0] != ' ' {
			return true
		}
	}
	return false
}

// align merges two lists of lines by their longest common subsequence.
func align(a, b []string) []string {
	const most = 2000 // lines of each list; longer ones are shown one after the other
	if len(a) > most || len(b) > most {
		return append(prefixed("- ", a), prefixed("+ ", b)...)
	}
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	out = append(out, prefixed("- ", a[i:])...)
	return append(out, prefixed("+ ", b[j:])...)
}

func prefixed(prefix string, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = prefix + line
	}
	return out
}
