package host

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/plugins/proto"
)

const (
	longestAnswer  = 64 << 20 // bytes of one answer
	longestChange  = 16 << 20 // bytes of the answer for one record
	noReason       = "no reason given"
	longestReason  = 120
	longestError   = 4 << 10
	distinctReason = 100 // reasons for dropping that are counted separately
)

// change applies a plugin's changes to a record. If the answer is invalid, it returns an
// error and leaves the record unchanged.
func change(r *component.Record, o *proto.Outcome, writes []string) error {
	if len(o.GetChanges()) == 0 && len(o.GetChanged()) == 0 {
		return nil
	}
	if n := len(o.GetChanges()); n > longestChange {
		return fmt.Errorf("it returned %d MiB for the record, but at most %d MiB are accepted",
			n>>20, longestChange>>20)
	}
	changes := map[string]any{}
	if len(o.GetChanges()) > 0 {
		var err error
		if changes, err = codec.Decode(o.GetChanges()); err != nil {
			return fmt.Errorf("its answer is not a JSON object: %v", display.Short(headline(err), 200))
		}
	}
	for name, was := range map[string]any{"ref": r.Ref, "kind": kindOf(r)} {
		if is, there := changes[name]; there && is != was || slices.Contains(o.GetChanged(), name) {
			return fmt.Errorf("it changed the %s of the record, which plugins may not change", name)
		}
	}
	if n := len(o.GetChanged()); n > maxPaths {
		return fmt.Errorf("it lists %d changed paths of one record, but at most %d are accepted: name a common "+
			"parent",
			n, maxPaths)
	}
	root := maps.Clone(r.Value)
	if root == nil {
		root = map[string]any{}
	}
	for _, path := range o.GetChanged() {
		if !slices.ContainsFunc(writes, func(w string) bool { return within(path, w) }) {
			return fmt.Errorf("it changed %q, which is not among the paths that it says it writes (%s)",
				cut(path, 80), strings.Join(writes, ", "))
		}
		names := strings.Split(path, ".")
		value, _ := lookup(changes, names)
		if !assign(root, names, value) {
			return fmt.Errorf("it changed %q, and a parent of it is not an object", cut(path, 80))
		}
	}
	for name := range changes {
		if name != "ref" && name != "kind" &&
			!slices.ContainsFunc(o.GetChanged(), func(path string) bool { return within(path, name) }) {
			return fmt.Errorf("it returned a new value for %q but does not list it as changed", cut(name, 80))
		}
	}
	for _, fixed := range identity() {
		path := strings.Split(fixed, ".")
		was, there := lookup(r.Value, path)
		is, still := lookup(root, path)
		if there != still || !reflect.DeepEqual(was, is) {
			return fmt.Errorf("it changed %s, which identifies the record", fixed)
		}
	}
	r.Value = root
	return nil
}

// assign writes a value below root, copying every object on the path; nil removes the
// member. It returns false if a value on the path is not an object.
func assign(root map[string]any, path []string, value any) bool {
	at := root
	for _, name := range path[:len(path)-1] {
		var next map[string]any
		switch v := at[name].(type) {
		case nil:
			if value == nil {
				return true
			}
			next = map[string]any{}
		case map[string]any:
			next = maps.Clone(v)
		default:
			return false
		}
		at[name] = next
		at = next
	}
	if last := path[len(path)-1]; value == nil {
		delete(at, last)
	} else {
		at[last] = value
	}
	return true
}
