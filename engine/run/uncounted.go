package run

import "github.com/pipe-engine/pipe/engine/display"

// noteUncounted reports that newcomers of groups were not counted because another place
// provides the groups (invariant 5).
func (r *run) noteUncounted() {
	elsewhere, documents := "", 0
	for _, s := range r.p.Streams {
		if s.Groups {
			elsewhere = s.Elsewhere
		}
		if s.Permissions {
			staged, _ := r.staged.Summary(s.Name)
			documents += staged.Grouped
		}
	}
	if elsewhere == "" || documents == 0 {
		return
	}
	r.note("people were not counted, so max_growth limits nothing: %s name groups, and %s",
		display.Plural(documents, "document"), elsewhere)
}
