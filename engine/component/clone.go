package component

import "strings"

// CloneTexts returns a copy of a list with copied texts, for a sink that keeps them longer than
// their record: the texts of a record may share one large buffer. The copies share one buffer
// of their own.
func CloneTexts(list []string) []string {
	if list == nil {
		return nil
	}
	size := 0
	for _, text := range list {
		size += len(text)
	}
	var b strings.Builder // not strings.Join, which returns a single text without copying it
	b.Grow(size)
	for _, text := range list {
		b.WriteString(text)
	}
	all := b.String()
	out := make([]string, len(list))
	for i, text := range list {
		out[i], all = all[:len(text)], all[len(text):]
	}
	return out
}
