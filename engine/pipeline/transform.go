package pipeline

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

const codeTransform = "transform"

// transform is an entry of transforms: the keys that every transform has, the spec of its kind,
// and the value of the key that names the kind.
type transform struct {
	name string
	when config.Expression
	spec *component.TransformSpec[any]
	body *config.Node
}

// common are the keys that every transform has in addition to the one that names its kind.
type common struct {
	Name string            `yaml:"name" required:"true" doc:"Its name in reports; dropped records are counted under it."`
	When config.Expression `yaml:"when" doc:"The records that it gets; by default every record."`
}

func (d *Definition) buildTransforms() {
	taken := map[string]*config.Node{}
	for _, node := range d.File.Transforms {
		if node == nil { // reported when the file was read
			continue
		}
		if node.Kind() != config.Mapping {
			d.b.Problem(node, codeTransform, "not a transform", d.transformHint())
			continue
		}
		t, ok := d.readTransform(node, taken)
		if !ok {
			continue
		}
		cfg := t.spec.Config()
		d.decode(t.body, cfg)
		b := &readsBuilder{builder: d.b}
		made := t.spec.New(cfg, d.transformSettings(t, b))
		if when := b.Compile(t.when, expression.WantCondition); when != nil {
			made = &conditional{Transform: made, when: when}
		}
		d.transforms = append(d.transforms, made)
		d.transformReads = append(d.transformReads, b.paths)
	}
}

// Transforms returns the transforms of the file, in order.
func (d *Definition) Transforms() []component.Transform { return d.transforms }

func (d *Definition) transformSettings(t transform, b component.Builder) component.TransformSettings {
	lookup := d.o.Variables.Lookup
	if lookup == nil {
		lookup = func(string) (string, bool) { return "", false }
	}
	return component.TransformSettings{
		Name: t.name, Node: t.body, Builder: b, Log: d.o.Log,
		Folder: filepath.Dir(d.Document.Root().Pos().File), Lookup: lookup, Unpinned: d.o.Unpinned,
		AccessReads: d.accessPaths,
	}
}

// readTransform reads an entry of transforms; ok is false when it has no kind.
func (d *Definition) readTransform(node *config.Node, taken map[string]*config.Node) (t transform, ok bool) {
	d.readName(node, &t, taken)
	said := false
	for _, e := range node.Entries() {
		i := slices.IndexFunc(d.o.Registry.Transforms, func(s component.TransformSpec[any]) bool { return s.Key == e.Key })
		switch {
		case e.Key == "name":
		case e.Key == "when":
			d.decode(e.Value, &t.when)
		case i < 0:
			said = true
			hint := d.transformHint()
			if near := config.Nearest(e.Key, append([]string{"name", "when"}, d.transformKeys()...)); near != "" {
				hint = "did you mean " + near + "?"
			}
			d.b.KeyProblem(e.Key, e.KeyPos, "unknown-key", fmt.Sprintf("unknown key %q", e.Key), hint)
		case t.spec != nil:
			d.b.KeyProblem(e.Key, e.KeyPos, codeTransform, fmt.Sprintf("%s and %s in one transform", t.spec.Key, e.Key),
				"write two transforms, each with a name; they run in order")
		default:
			t.spec, t.body = &d.o.Registry.Transforms[i], e.Value
		}
	}
	switch {
	case t.spec == nil && !said:
		d.b.Problem(node, codeTransform, "this transform does nothing", d.transformHint())
	case t.spec != nil && t.body.Kind() == config.Scalar && t.body.IsNull():
		d.b.Problem(t.body, "required", t.spec.Key+" says nothing", "write a value, or remove the transform")
		return t, false
	}
	return t, t.spec != nil
}

// readName reads the name of a transform, under which dropped records are counted. An empty
// name would mean that nothing is dropped; a duplicate would make the counts ambiguous.
func (d *Definition) readName(node *config.Node, t *transform, taken map[string]*config.Node) {
	n := node.Get("name")
	before := len(d.b.problems)
	d.decode(n, &t.name)
	switch {
	case len(d.b.problems) > before || d.o.Variables.Unresolved(node.Path()+".name"):
	case t.name == "":
		d.b.Problem(node, "required", "a transform needs a name", "dropped records are counted under its name: "+
			"add name: …")
	case taken[t.name] != nil:
		d.b.Problem(n, "duplicate-name",
			fmt.Sprintf("the transform on line %d has this name already", taken[t.name].Pos().Line),
			"dropped records are counted under its name: give each transform its own name")
	default:
		taken[t.name] = n
	}
}

func (d *Definition) transformKeys() []string {
	var out []string
	for _, t := range d.o.Registry.Transforms {
		out = append(out, t.Key)
	}
	return out
}

func (d *Definition) transformHint() string {
	return "a transform has a name, an optional when, and one of " + strings.Join(d.transformKeys(), ", ")
}
