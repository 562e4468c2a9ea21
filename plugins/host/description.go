package host

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/plugins/proto"
)

// Description is a plugin's description of itself.
type Description struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Summary string   `json:"summary"`
	Needs   []string `json:"needs"`  // empty: the whole record
	Writes  []string `json:"writes"` // empty: nothing
	// Schema is the JSON Schema of its configuration, nil if it has none.
	Schema map[string]any `json:"config_schema"`
	// Example has config and record, nil when there is none.
	Example map[string]any `json:"example"`
}

var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
	pathPattern = regexp.MustCompile(`^[^.\s]+(\.[^.\s]+)*$`)
)

// maxPaths is how many paths a plugin may need, write, or change of a record: each is
// compared with each.
const maxPaths = 500

// identity are the paths that make a record the one it is.
func identity() []string {
	return []string{"ref", "kind", "apiVersion", "metadata.name", "metadata.namespace", "metadata.uid"}
}

// describe requests a plugin's description of itself and validates it.
func (p *process) describe(ctx context.Context) (*Description, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	r, err := p.wire.Describe(ctx, &proto.DescribeRequest{})
	if err != nil {
		return nil, err
	}
	d := &Description{
		Name: r.GetName(), Version: cut(display.Lines(r.GetVersion()), 40), Summary: cut(display.Lines(r.GetSummary()), 300),
		Needs: r.GetNeeds(), Writes: r.GetWrites(),
	}
	defect := func(format string, args ...any) (*Description, error) {
		return nil, fault.Errorf(fault.Fatal, "this is a defect in the plugin; report it to its author",
			"its description is wrong: "+format, args...)
	}
	if !namePattern.MatchString(d.Name) {
		return defect("its name is %q, but a name has letters, digits and dashes", cut(d.Name, 80))
	}
	if len(d.Needs) > maxPaths || len(d.Writes) > maxPaths {
		return defect("it needs %d paths and writes %d, but at most %d are accepted: name common parents",
			len(d.Needs), len(d.Writes), maxPaths)
	}
	for _, path := range slices.Concat(d.Needs, d.Writes) {
		if !pathPattern.MatchString(path) {
			return defect("%q is not a path of a record", cut(path, 80))
		}
	}
	for _, path := range d.Writes {
		if i := slices.IndexFunc(identity(), func(fixed string) bool { return within(path, fixed) }); i >= 0 {
			return defect("it writes %s, which identifies the record", path)
		}
	}
	if len(r.GetConfigSchema()) > 0 {
		if d.Schema, err = codec.Decode(r.GetConfigSchema()); err != nil {
			return defect("the schema of its config is not a JSON object: %v", err)
		}
	}
	if len(r.GetExample()) > 0 {
		if d.Example, err = codec.Decode(r.GetExample()); err != nil {
			return defect("its example is not a JSON object: %v", err)
		}
	}
	return d, nil
}

// within reports whether a path equals another or is below it.
func within(path, whole string) bool {
	return path == whole || strings.HasPrefix(path, whole+".")
}

// overlap are the paths that are read and may be written.
func overlap(writes, reads []string) []string {
	var out []string
	for _, records := range reads {
		if slices.ContainsFunc(writes, func(w string) bool { return within(records, w) || within(w, records) }) {
			out = append(out, records)
		}
	}
	slices.Sort(out)
	return out
}
