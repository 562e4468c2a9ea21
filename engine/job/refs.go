package job

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/fault"
)

// namedRefs is the number of refs in a message.
const namedRefs = 6

// WholeRefs completes refs: a part of a ref is replaced by the only ref that contains it among
// the documents of the last good run and the hidden refs. It returns a *fault.Invalid when
// there is none or more than one.
func (j *Job) WholeRefs(given []string) ([]string, error) {
	var known, out []string
	for _, ref := range given {
		if whole, ok := j.Definition.Model.ParseRef(ref); ok {
			out = append(out, whole)
			continue
		}
		if known == nil {
			known = j.delivered()
			_, hidden, err := j.Remembered()
			if err != nil {
				return nil, err
			}
			for _, h := range hidden {
				known = append(known, h.Ref)
			}
			slices.Sort(known)
			known = slices.Compact(known)
		}
		whole, near := explain.NewMatcher(j.Definition.Model, ref).Pick(known)
		if whole == "" {
			remedy := "write " + j.Definition.Model.RefHint(ref, "")
			if len(near) > 0 {
				remedy = "write one of: " + display.List(near, namedRefs, ", ")
			}
			return nil, &fault.Invalid{Reason: ref + " is not the ref of an entity", Remedy: remedy}
		}
		out = append(out, whole)
	}
	return out, nil
}

// IsIdentity reports whether a ref is that of a user or group of the source.
func (j *Job) IsIdentity(ref string) bool {
	kind := j.Definition.Model.KindOf(ref)
	return slices.ContainsFunc(j.Definition.Model.Phases(), func(ph component.Phase) bool {
		return ph.Identities && slices.ContainsFunc(ph.Kinds, func(k component.Kind) bool {
			return strings.EqualFold(k.Name, kind)
		})
	})
}

// HaveDocuments returns a *fault.Invalid for refs of users and groups if the pipeline makes no
// documents of them.
func (j *Job) HaveDocuments(refs []string) error {
	d := j.Definition
	for _, ref := range refs {
		kind := d.Model.KindOf(ref)
		mapped := slices.ContainsFunc(d.Facts, func(f component.MappingFacts) bool {
			restricted := slices.ContainsFunc(d.Streams, func(s component.Stream) bool {
				return s.Name == f.Stream && s.Permissions
			})
			return restricted && slices.ContainsFunc(f.Kinds, func(k string) bool { return strings.EqualFold(k, kind) })
		})
		if j.IsIdentity(ref) && !mapped {
			return &fault.Invalid{
				Reason: fmt.Sprintf("%s: a %s has no document; nothing was changed", ref, kind),
				Remedy: "name documents; users and groups are removed in the source",
			}
		}
	}
	return nil
}

// NearRefs returns refs of the last good run that are similar to a ref that the run does not
// have.
func (j *Job) NearRefs(ref string) []string {
	_, near := explain.NewMatcher(j.Definition.Model, ref).Pick(j.delivered())
	return near
}
