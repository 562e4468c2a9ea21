package encode

import (
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/display"
)

const (
	maxMergeNotes = 20 // more are only counted
	maxMergeNamed = 5  // refs, and groups of a ref, that a note names
)

// noteMerges warns about refs that are one user: each gains the documents of the others'
// groups. merged are the refs that share an e-mail address, by the first of them; groups and
// users have distinct refs.
func (s *Encoder) noteMerges(merged map[string][]string, note func(format string, args ...any)) {
	groups := map[string][]string{} // of the refs that share an e-mail, each once
	for _, refs := range merged {
		for _, ref := range refs {
			groups[ref] = nil
		}
	}
	for _, g := range s.groups {
		for _, m := range g.members {
			if of, shared := groups[m]; shared && (len(of) == 0 || of[len(of)-1] != g.ref) {
				groups[m] = append(of, g.ref)
			}
		}
	}
	primaries := slices.Sorted(maps.Keys(merged))
	for i, primary := range primaries {
		if i == maxMergeNotes {
			note("%d more e-mails are each shared by several users, which are one user in Glean", len(primaries)-i)
			return
		}
		refs := merged[primary]
		names := display.List(refs, maxMergeNamed, " and ")
		note("%s have the same e-mail and are one user in Glean: %s", names, gains(refs, groups))
	}
}

// gains describes which groups each of the refs gains by being one user with the others.
func gains(refs []string, groups map[string][]string) string {
	all := map[string]bool{}
	for _, ref := range refs {
		for _, g := range groups[ref] {
			all[g] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(all))
	var texts []string
	more := 0
	for _, ref := range refs {
		switch {
		case len(groups[ref]) == len(all):
		case len(texts) == maxMergeNamed:
			more++
		default:
			own := map[string]bool{}
			for _, g := range groups[ref] {
				own[g] = true
			}
			gained := slices.DeleteFunc(slices.Clone(sorted), func(g string) bool { return own[g] })
			texts = append(texts, ref+" gains "+display.List(gained, maxMergeNamed, "; "))
		}
	}
	if more > 0 {
		texts = append(texts, display.Number(more)+" more gain groups likewise")
	}
	if len(texts) == 0 {
		return "no user gains access by it"
	}
	return strings.Join(texts, ", ")
}
