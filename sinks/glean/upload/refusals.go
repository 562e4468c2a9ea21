package upload

import (
	"cmp"
	"regexp"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
)

// sameReason is how many items Glean may refuse for one reason before the run
// stops, and a hundredth of the upload: what repeats is not the items' fault.
// The engine's guards bound them, too.
const sameReason = 3

// refusals are the items that Glean refused because of their content. It is safe for
// concurrent use.
type refusals struct {
	mu      sync.Mutex
	reasons map[string]int
	names   map[string]bool
	told    func(principal string) // for users and groups; may be nil
	naming  encode.Naming
}

func newRefusals(told func(principal string), naming encode.Naming) *refusals {
	return &refusals{reasons: map[string]int{}, names: map[string]bool{}, told: told, naming: naming}
}

// refusal is why an item was refused; own means that the item is at fault however often the
// reason repeats.
type refusal struct {
	reason string
	own    bool
}

// add records a refused item and reports it, one at a time. An error means that the upload
// must be left unfinished: the report failed, or the reason repeats.
func (r *refusals) add(stream string, planned int, e component.Encoded, why refusal,
	tell func(component.Encoded, string) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := nameOf(stream, e)
	r.names[stream+" "+name] = true
	switch {
	case r.told == nil:
	case stream == api.StreamUsers:
		r.told(r.naming.Principal(api.Membership{MemberUserID: name}))
	case stream == api.StreamGroups:
		r.told(component.GroupPrincipal(name))
	}
	if err := tell(e, why.reason); err != nil || why.own {
		return err
	}
	kind := stream + " " + kindOf(why.reason, e)
	r.reasons[kind]++
	if r.reasons[kind] > max(sameReason, planned/100) {
		return fault.Errorf(fault.Fatal, "correct the mapping or datasource.objectDefinitions; the upload was "+
			"left unfinished, so nothing was deleted, and the next run starts it again",
			"Glean rejects %s repeatedly for the same reason: %s", stream, why.reason)
	}
	return nil
}

// has reports whether a user or group was refused, by the name that members have.
func (r *refusals) has(stream, name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[stream+" "+name]
}

// nameOf is how members name a user or a group; other items have no name.
func nameOf(stream string, e component.Encoded) string {
	var u api.User
	if stream != api.StreamUsers || codec.Unmarshal(e.Body, &u) != nil {
		return e.ID
	}
	return cmp.Or(u.UserID, u.Email)
}

var variable = regexp.MustCompile(`"[^"]*"|'[^']*'|[0-9]+`)

// kindOf is a reason without what names the item in it.
func kindOf(reason string, e component.Encoded) string {
	for _, name := range []string{e.ID, e.Ref} {
		if name != "" {
			reason = strings.ReplaceAll(strings.ToLower(reason), strings.ToLower(name), "")
		}
	}
	return variable.ReplaceAllString(reason, "")
}
