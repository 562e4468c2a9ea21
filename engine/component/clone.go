package component

import "strings"

// CloneTexts copies a list and its texts, for a sink that keeps them longer than their
// record: the texts of a record may be parts of one copy of it. The new texts are parts
// of one text.
func CloneTexts(list []string) []string {
	if list == nil {
		return nil
	}
	size := 0
	for _, text := range list {
		size += len(text)
	}
	var b strings.Builder // strings.Join would return a single text as it is
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
