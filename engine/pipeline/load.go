package pipeline

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/notify"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/secret"
)

// Options are the options for loading a file.
type Options struct {
	Registry  component.Registry
	Settings  []Setting
	Variables config.Variables
	// Only are the streams to write; empty means all.
	Only []string
	// SourceLenient allows unset variables in the source's block, for use without opening the
	// source.
	SourceLenient bool
	// SinkLenient allows unset variables in the sink's block, for use without the requests that
	// need them (--dry-run, show).
	SinkLenient bool
	// NotifyLenient allows unset variables in notify, for use without sending messages.
	NotifyLenient bool
	// Unpinned allows programs that have no checksum in the file.
	Unpinned bool
	Log      *slog.Logger
	// UserAgent and Redactor are for the providers of secrets that are servers.
	UserAgent string
	Redactor  *redact.Redactor
}

// Definition is a loaded pipeline file. Its problems are in the order of the file; it can be
// opened when none of them is an error.
type Definition struct {
	Document *config.Document
	File     File
	Problems config.Problems

	Source    component.SourceSpec[any]
	Sink      component.SinkSpec[any]
	SourceCfg any
	SinkCfg   any
	// PermissionsCfg is the permissions block in a form to show.
	PermissionsCfg any
	Model          component.Model
	// ModelCfg are the settings of the model that the source names; nil for a source with a model
	// of its own.
	ModelCfg any
	// modelPath is the path of ModelCfg in the source's block, with a dot at the end; "" without
	// one.
	modelPath string
	// Notify is the configuration of messages about a run; nil for none.
	Notify *notify.Config
	// Secrets is the secrets block; nil when the file has none.
	Secrets  *secret.Config
	Streams  []component.Stream
	Language *expression.Language
	Facts    []component.MappingFacts
	Grants   []component.GrantFacts
	// Variables are the variables that the file uses, and whether they are set.
	Variables []config.Variable
	// Named are the variables in the text of the file, including those in values that a setting
	// replaces.
	Named []string
	// SinkMissing are the required settings of the sink that are not set. They are no problem
	// for operations that do not need the sink.
	SinkMissing []string

	// Replaced are the paths of the parts that Propose took of a proposed file and that are not the
	// same in the trusted file.
	Replaced []string

	rules      []byte // see RulesHash
	transforms []component.Transform
	// accessReads are the paths of the record that the permissions block reads, transformReads
	// the paths that each transform reads.
	accessReads    []string
	transformReads [][]string
	mapper         component.Mapper
	decider        component.Decider
	b              *builder
	o              Options
}

// Load loads a file completely, without opening a connection.
func Load(path string, o Options) *Definition {
	doc, problems := config.Load(path)
	return load(doc, problems, o)
}

// Parse is Load for the text of a file.
func Parse(path string, text []byte, o Options) *Definition {
	doc, problems := config.Parse(path, text)
	return load(doc, problems, o)
}

func load(doc *config.Document, problems config.Problems, o Options) *Definition {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Definition{Document: doc, Named: doc.VariableNames(), b: newBuilder(doc, problems), o: o}
	if p, ok := doc.Mistaken(config.PipelineFile); ok {
		d.b.problems = append(d.b.problems, p)
	} else if !problems.HasErrors() || len(doc.Root().Entries()) > 0 {
		d.build()
	}
	d.Problems = doc.Certain(d.b.problems.Sorted())
	d.Variables = d.o.Variables.Used()
	return d
}

// build builds every part, even when another part is wrong: each part reports the problems that
// it can find without the others, and none that only follow from problems that were already
// reported.
func (d *Definition) build() {
	d.applySettings()
	d.decode(d.Document.Root(), &d.File)
	d.buildSecrets()
	d.buildSource()
	d.buildSink()
	d.buildNotify()
	d.buildLanguage()
	d.buildTransforms()
	d.buildMapping()
	d.buildPermissions()
	d.checkOnly()
	d.b.problems = append(d.b.problems, d.o.Variables.Unsent()...)
	d.b.problems = append(d.b.problems, d.o.Variables.Lent()...)
}

func (d *Definition) decode(n *config.Node, into any) {
	d.b.problems = append(d.b.problems, config.Decode(n, into, &d.o.Variables)...)
}

// buildLanguage compiles the defines. The name of a var or define is defined even when its
// value is wrong or not known yet.
func (d *Definition) buildLanguage() {
	d.b.defines = d.File.Define
	for _, e := range d.Document.Root().Get("define").Entries() {
		if e.Value.Kind() == config.Scalar && (e.Value.IsNull() || strings.TrimSpace(e.Value.Text()) == "") {
			d.b.KeyProblem(e.Key, e.KeyPos, "required", "define."+e.Key+" has no expression", "write one, or remove the line")
		}
	}
	if m, ok := d.Model.(component.KindNamer); ok {
		d.b.kinds = m.KindNames()
	}
	if d.Model == nil || !isMapping(d.Document.Root().Get("vars")) || !isMapping(d.Document.Root().Get("define")) {
		return
	}
	vars := map[string]any{}
	for _, e := range d.Document.Root().Get("vars").Entries() {
		vars[e.Key] = d.File.Vars[e.Key]
	}
	var defines []expression.Define
	for _, e := range d.Document.Root().Get("define").Entries() {
		text, _ := d.File.Define.Get(e.Key)
		defines = append(defines, expression.Define{Name: e.Key, Text: text.Text})
	}
	language, errs := expression.New(d.Model.Language(), defines, vars)
	d.Language, d.b.language = language, language
	d.b.refs = d.refs()
	for _, err := range errs {
		d.b.defineError(err)
	}
	for _, e := range d.b.defines {
		for _, w := range language.Warnings() {
			if w.Define == e.Key {
				d.b.warnings(e.Value, []*expression.Error{w})
			}
		}
		d.b.lookAlikes(e.Value)
	}
}

func (d *Definition) buildNotify() {
	if d.File.Notify == nil {
		return
	}
	d.Notify = &notify.Config{}
	d.o.Variables.Leniently(d.o.NotifyLenient, func() { d.decode(d.File.Notify, d.Notify) })
	d.b.problems = append(d.b.problems, config.CheckOrigins(d.Notify, "")...)
}

func isMapping(n *config.Node) bool { return n.IsNull() || n.Kind() == config.Mapping }

func (d *Definition) buildMapping() {
	if d.File.Mapping == nil {
		return
	}
	cfg := d.o.Registry.Mapper.Config()
	d.decode(d.File.Mapping, cfg)
	d.mapper, d.Facts = d.o.Registry.Mapper.New(cfg,
		component.MapperSettings{Node: d.File.Mapping, Streams: d.Streams, Kinds: d.Kinds(), Refs: d.refs(), Builder: d.b})
	if d.Sink.CheckMappings != nil {
		d.Sink.CheckMappings(d.SinkCfg, slices.DeleteFunc(slices.Clone(d.Facts), func(f component.MappingFacts) bool {
			return len(f.Fields) == 0
		}), d.b)
	}
}

func (d *Definition) buildPermissions() {
	if d.File.Permissions == nil {
		return
	}
	cfg := d.o.Registry.Permissions.Config()
	d.decode(d.File.Permissions, cfg)
	d.PermissionsCfg = cfg
	b := &readsBuilder{builder: d.b}
	d.decider, d.Grants = d.o.Registry.Permissions.New(cfg,
		component.DeciderSettings{Node: d.File.Permissions, Refs: d.refs(), Builder: b})
	d.accessReads = b.paths
}

// refs returns the grammar of the source's refs; nil when it is not known.
func (d *Definition) refs() component.Refs {
	if d.Model == nil {
		return nil
	}
	return d.Model
}

func (d *Definition) checkOnly() {
	if d.Streams == nil {
		return
	}
	var known []string
	for _, s := range d.Streams {
		known = append(known, s.Name)
	}
	for _, name := range d.o.Only {
		if !slices.Contains(known, name) {
			d.b.add(config.Problem{Pos: config.Pos{File: "--only " + name}, Code: "unknown-stream",
				Message: fmt.Sprintf("the sink has no stream %q", name), Hint: "its streams are " + strings.Join(known, ", ")})
		}
	}
}

// Kinds returns all kinds that the source reads; nil when they are not known.
func (d *Definition) Kinds() []string {
	if d.Model == nil {
		return nil
	}
	var out []string
	for _, ph := range d.Model.Phases() {
		for _, k := range ph.Kinds {
			out = append(out, k.Name)
		}
	}
	return out
}
