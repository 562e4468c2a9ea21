package pipeline

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

const codeComponent = "component"

// component returns the only key of the block source or sink and its value; "" when the block
// does not have exactly one known key.
func (d *Definition) component(block *config.Node, what string, known []string) (name string, settings *config.Node) {
	if block == nil {
		return "", nil
	}
	hint := "the components are " + strings.Join(known, ", ")
	entries := block.Entries()
	switch {
	case len(entries) == 0:
		d.b.Problem(block, codeComponent, what+" does not name a component",
			hint+"; write settings below the component's name and a colon")
		return "", nil
	case len(entries) > 1:
		d.b.KeyProblem(entries[1].Key, entries[1].KeyPos, codeComponent,
			fmt.Sprintf("%s names a second component, %q", what, entries[1].Key),
			"a pipeline has one "+what+"; indent settings deeper than the component's name")
		return "", nil
	}
	name = entries[0].Key
	for _, k := range known {
		if k == name {
			return name, entries[0].Value
		}
	}
	hint += "; write settings below the component's name"
	if near := config.Nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.b.KeyProblem(name, entries[0].KeyPos, codeComponent, fmt.Sprintf("there is no %s %q", what, name), hint)
	return "", nil
}

func (d *Definition) buildSource() {
	var known []string
	for _, s := range d.o.Registry.Sources {
		known = append(known, s.Name)
	}
	name, node := d.component(d.File.Source, "source", known)
	for _, s := range d.o.Registry.Sources {
		if s.Name == name {
			d.Source, d.SourceCfg = s, s.Config()
			d.o.Variables.Leniently(d.o.SourceLenient, func() { d.decode(node, d.SourceCfg) })
			if s.Address != nil {
				d.b.problems = append(d.b.problems, config.CheckOrigins(d.SourceCfg, s.Address(d.SourceCfg))...)
			}
			if s.ModelKey == "" {
				d.Model = s.Model(d.SourceCfg)
			} else {
				d.buildModel(node.Get(s.ModelKey))
			}
		}
	}
}

// buildModel builds the model that a source without one of its own names.
func (d *Definition) buildModel(block *config.Node) {
	if block.IsNull() { // reported with the source's block
		return
	}
	var known []string
	for _, m := range d.o.Registry.Models {
		known = append(known, m.Name)
	}
	if block.Kind() != config.Mapping {
		d.b.Problem(block, codeComponent, "the model has no settings",
			"write the name of a model, a colon, and its settings below it; the models are "+strings.Join(known, ", "))
		return
	}
	name, node := d.component(block, "model", known)
	for _, m := range d.o.Registry.Models {
		if m.Name == name {
			d.ModelCfg, d.modelPath = m.Config(), d.Source.ModelKey+"."+name+"."
			d.o.Variables.Leniently(d.o.SourceLenient, func() { d.decode(node, d.ModelCfg) })
			d.Model = m.Model(d.ModelCfg)
		}
	}
}

// ModelPath returns the path of ModelCfg in the file, with a dot at the end.
func (d *Definition) ModelPath() string { return "source." + d.Source.Name + "." + d.modelPath }

// PlaceName returns the user's name of the sink's place; "" when the file does not give one.
func (d *Definition) PlaceName() string {
	if d.SinkCfg == nil || d.Sink.PlaceName == nil {
		return ""
	}
	return d.Sink.PlaceName(d.SinkCfg)
}

// UIPlaceholder returns settings that provide an address for the source's pages; nil when the
// file has one.
func (d *Definition) UIPlaceholder() []Setting {
	ui, ok := d.Model.(component.UILinker)
	if !ok || ui.UIURL() != "" {
		return nil
	}
	var out []Setting
	for path, value := range ui.UIPlaceholder() {
		out = append(out, Setting{Path: "@source." + d.modelPath + path, Value: value})
	}
	return out
}

func (d *Definition) buildSink() {
	var known []string
	for _, s := range d.o.Registry.Sinks {
		known = append(known, s.Name)
	}
	name, node := d.component(d.File.Sink, "sink", known)
	for _, s := range d.o.Registry.Sinks {
		if s.Name != name {
			continue
		}
		d.Sink, d.SinkCfg = s, s.Config()
		if ui, ok := d.Model.(component.UILinker); ok && s.Adopt != nil {
			s.Adopt(d.SinkCfg, ui.UIURL())
		}
		d.o.Variables.Leniently(d.o.SinkLenient, func() { d.decode(node, d.SinkCfg) })
		if (d.o.Variables.Lenient || d.o.SinkLenient) && s.Missing != nil {
			d.SinkMissing = s.Missing(d.SinkCfg)
		}
		if s.Address != nil {
			d.b.problems = append(d.b.problems, config.CheckOrigins(d.SinkCfg, s.Address(d.SinkCfg))...)
		}
		d.Streams = s.Streams(d.SinkCfg)
	}
}
