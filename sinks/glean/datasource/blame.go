package datasource

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// blamed is the path of a config that a reason speaks of, as exactly as it
// can be told: the one of which the reason has the most field names, names of
// things and values. It is empty when the reason names none.
func blamed(reason string, config map[string]any) []string {
	b := &blame{reason: reason}
	b.members(nil, 0, config)
	return b.path
}

type blame struct {
	reason string
	path   []string
	score  int
}

// says tells whether the reason names something: in quotation marks, with a
// colon or a dot behind it, or, where no word of a sentence looks like it, at
// all.
func (b *blame) says(name string) bool {
	distinct := strings.IndexFunc(name, unicode.IsUpper) > 0
	rest := b.reason
	for name != "" {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		before, after := rest[:i], rest[i+len(name):]
		if !endsInWord(before) && !beginsWithWord(after) && (distinct || strings.HasPrefix(after, ":") ||
			strings.HasPrefix(after, ".") ||
			strings.HasSuffix(before, `"`) && strings.HasPrefix(after, `"`)) {
			return true
		}
		rest = after
	}
	return false
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' }

func endsInWord(s string) bool { return s != strings.TrimRightFunc(s, word) }

func beginsWithWord(s string) bool { return s != strings.TrimLeftFunc(s, word) }

// consider takes a path when it has a higher score than all before.
func (b *blame) consider(path []string, score int) {
	if score > b.score {
		b.path, b.score = slices.Clone(path), score
	}
}

func (b *blame) members(path []string, score int, of map[string]any) {
	for _, field := range slices.Sorted(maps.Keys(of)) {
		at, n := append(path, field), score
		if b.says(field) {
			n += 2
			b.consider(at, n)
		}
		switch v := of[field].(type) {
		case map[string]any:
			b.members(at, n, v)
		case []any:
			if named(field) {
				b.items(at, n, v)
			}
		case string:
			if field != "name" && n > score && len(v) > 2 && strings.Contains(b.reason, v) {
				b.consider(at, n+1)
			}
		}
	}
}

func (b *blame) items(path []string, score int, list []any) {
	for _, one := range list {
		name, n := nameIn(one), score
		at := append(path, name)
		if b.says(name) {
			n += 3
			b.consider(at, n)
		}
		b.members(at, n, object(one))
	}
}
