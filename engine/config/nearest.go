package config

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const shortList = 16 // known keys are listed up to this many

// Nearest is the known word that a misspelt one is closest to, "" when none is
// near.
func Nearest(word string, known []string) string {
	if near := nearest(word, known); len(near) > 0 {
		return near[0]
	}
	return ""
}

// knownHint says what a misspelt word may have meant.
func knownHint(word string, known []string) string {
	var hints []string
	if near := nearest(word, known); len(near) > 0 {
		hints = append(hints, "did you mean "+strings.Join(near, " or ")+"?")
	}
	if len(known) > 0 && len(known) <= shortList {
		hints = append(hints, "known keys: "+strings.Join(known, ", "))
	}
	return strings.Join(hints, "\n")
}

// nearest are the at most two known words that a misspelt one is closest to.
func nearest(word string, known []string) []string {
	best, out := 1+len(word)/3, []string(nil)
	folded := fold(word)
	for _, k := range known {
		switch dist := distance(folded, fold(k), best); {
		case dist > best:
		case dist < best:
			best, out = dist, []string{k}
		default:
			out = append(out, k)
		}
	}
	return out[:min(2, len(out))]
}

// fold makes page-size, pageSize and page_size one word.
func fold(word string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(word))
}

// distance is the number of runes to insert, delete, replace or swap with
// their neighbour that make b of a, or more than most.
func distance(a, b string, most int) int {
	if d := utf8.RuneCountInString(a) - utf8.RuneCountInString(b); d > most || -d > most {
		return most + 1
	}
	ra, rb := []rune(a), []rune(b)
	var before, last []int
	row := make([]int, len(rb)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		before, last, row = last, row, make([]int, len(rb)+1)
		row[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(rb)]
}

// looksSecret says that a key by its name may hold a secret.
func looksSecret(keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool {
		key = fold(key)
		return slices.ContainsFunc([]string{"token", "secret", "passw", "apikey", "credential", "authorization",
			"privatekey"},
			func(word string) bool { return strings.Contains(key, word) })
	})
}
