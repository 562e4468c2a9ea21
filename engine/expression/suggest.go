package expression

import (
	"iter"
	"strings"
)

// Nearest returns the name that a misspelt word most likely means; "" when no name is near.
func Nearest(word string, names iter.Seq[string]) string {
	best, bestDistance := "", len(word)/3+2
	for name := range names {
		d := distance(strings.ToLower(word), strings.ToLower(name))
		if d < bestDistance || d == bestDistance && best != "" && name < best {
			best, bestDistance = name, d
		}
	}
	return best
}

func didYouMean(word string, names iter.Seq[string]) string {
	if name := Nearest(word, names); name != "" {
		return "did you mean " + name + "?"
	}
	return ""
}

// distance returns the number of letters to insert, delete, change or swap.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, above, row = above, row, before
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, above[j]+1, above[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(y)]
}
