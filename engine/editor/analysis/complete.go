package analysis

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/editor/quickfix"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/suite"
)

// Kind is the kind of a completion.
type Kind uint8

// The kinds of completions.
const (
	Key Kind = iota
	Name
	Function
	Value
)

// Completion is a text to write at a place.
type Completion struct {
	Label, Detail, Doc string
	Kind               Kind
	Edit               text.Edit
}

// mostCompletions bounds an answer.
const mostCompletions = 500

// Complete returns what may be written at a byte of a file.
func (w *Workspace) Complete(path string, offset int) []Completion {
	c := w.at(path, offset)
	var out []Completion
	switch {
	case c.onKey:
		out = w.keys(path, c)
	case w.expression(path, c):
		out = w.words(path, c)
	default:
		out = w.values(path, c)
	}
	return out[:min(len(out), mostCompletions)]
}

func (w *Workspace) keys(path string, c cursor) []Completion {
	above := c.path
	if c.to > c.from { // the last is the key itself
		above = above[:len(above)-1]
	}
	f, ok := field(w.root(path), above)
	if !ok {
		return nil
	}
	set := c.siblings()
	var out, last []Completion
	add := func(name, detail, doc, after string) {
		one := Completion{Label: name, Detail: detail, Doc: doc, Kind: Key}
		if !strings.HasPrefix(c.d.Text()[c.to:], ":") {
			name += after
		}
		one.Edit = text.Edit{From: c.from, To: c.to, New: name}
		if set[one.Label] {
			one.Detail = "already set"
			last = append(last, one)
			return
		}
		out = append(out, one)
	}
	for _, one := range f.Fields {
		after := ": "
		if len(one.Fields) > 0 && len(one.Enum) == 0 {
			after = ":"
		}
		add(one.Name, strings.Join(pipeline.Facts(one), ", "), one.Doc, after)
	}
	if len(above) > 0 && above[len(above)-1] == "customProperties" && len(f.Fields) == 0 {
		for _, name := range w.properties(path) {
			add(name, "property", "", ": ")
		}
	}
	return append(out, last...)
}

// properties returns the names of the properties that the sink of a pipeline file lists.
func (w *Workspace) properties(path string) (out []string) {
	l := w.load(path)
	if l.definition == nil {
		return nil
	}
	d := l.definition
	for _, p := range d.Document.Root().Get("sink").Get(d.Sink.Name).Get("properties").Items() {
		out = append(out, p.Get("name").Text())
	}
	return out
}

// pipelineOf returns the pipeline file that a file belongs to.
func (w *Workspace) pipelineOf(path string) string {
	if !suite.IsTestFile(path) {
		return path
	}
	f, _ := suite.Parse(path, []byte(w.Document(path).Text()))
	return f.PipelinePath()
}

func (w *Workspace) values(path string, c cursor) []Completion {
	if c.style == literal || c.style == folded || len(c.path) == 0 {
		return nil
	}
	f, _ := field(w.root(path), c.path)
	options := slices.Clone(f.Enum)
	if f.Type == "boolean" {
		options = append(options, "true", "false")
	}
	if n := len(c.path); suite.IsTestFile(path) && n > 0 {
		tests, _ := suite.Parse(path, []byte(w.Document(path).Text()))
		switch c.path[n-1] {
		case "fixture":
			for _, e := range tests.Fixtures {
				options = append(options, e.Key)
			}
		case "rule":
			if d := w.load(tests.PipelinePath()).definition; d != nil {
				for _, g := range d.Grants {
					options = append(options, g.Rule)
				}
			}
		}
	}
	var out []Completion
	for _, o := range options {
		out = append(out, Completion{Label: o, Kind: Value, Edit: text.Edit{From: c.from, To: c.to, New: o}})
	}
	return out
}

var (
	memberAt = regexp.MustCompile(`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.(\w*)$`)
	argument = regexp.MustCompile(`(\w+)\(\s*((?:"[^"]*"\s*,\s*)*)"([^"]*)$`)
	brackets = regexp.MustCompile(`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\["([^"]*)$`)
	ofKind   = regexp.MustCompile(`\bkind\s*(?:[!=]=\s*|in\s*\[(?:\s*"[^"]*"\s*,)*\s*)"([^"]*)$`)
	plainAt  = regexp.MustCompile(`\w*$`)
)

// language returns the definition with the language for a file: the present one, or the last that
// had one.
func (w *Workspace) language(path string) *pipeline.Definition {
	l := w.load(path)
	w.mu.Lock()
	defer w.mu.Unlock()
	good := w.good[path]
	switch {
	case l.definition == nil || l.definition.Language == nil:
		return good
	case good != nil && slices.ContainsFunc(l.problems, quickfix.OfYAML): // parts of it are missing
		return good
	}
	return l.definition
}

// words returns the names, functions and texts for an expression.
func (w *Workspace) words(path string, c cursor) []Completion {
	d := w.language(path)
	if d == nil {
		return nil
	}
	value := c.decoded()
	before := value.before(c.offset)
	var out []Completion
	add := func(written, label, detail, doc string, k Kind) {
		edit := text.Edit{From: c.offset, To: c.offset, New: encode(label, c.style)}
		if written != "" {
			edit.From = value.at[len(before)-len(written)]
		}
		out = append(out, Completion{Label: label, Detail: detail, Doc: doc, Kind: k, Edit: edit})
	}
	if m := ofKind.FindStringSubmatch(before); m != nil {
		for _, k := range d.Kinds() {
			add(m[1], k, "kind", "", Value)
		}
		return out
	}
	if m := argument.FindStringSubmatch(before); m != nil {
		if f, ok := d.Language.Function(m[1]); ok && f.Knows != nil {
			for _, one := range f.Knows(strings.Count(m[2], ",")) {
				add(m[3], one, m[1], "", Value)
			}
		}
		return out
	}
	if m := brackets.FindStringSubmatch(before); m != nil {
		for _, one := range w.sampleMembers(path, strings.Split(m[1], ".")) {
			add(m[2], one.name, one.example, "", Value)
		}
		return out
	}
	if strings.Count(before, `"`)%2 == 1 {
		return nil // in a text
	}
	if m := memberAt.FindStringSubmatch(before); m != nil {
		base := strings.Split(m[1], ".")
		found := w.sampleMembers(path, base)
		known := map[string]bool{}
		for _, one := range d.Language.Members(base...) {
			known[one.Name] = true
			detail := one.Kind.String()
			if i := slices.IndexFunc(found, func(f member) bool { return f.name == one.Name }); i >= 0 {
				detail += ", " + found[i].example
			}
			add(m[2], one.Name, detail, "", Name)
		}
		for _, one := range found {
			if !known[one.name] && word.FindString(one.name) == one.name {
				add(m[2], one.name, one.example, "", Name)
			}
		}
		return out
	}
	written := plainAt.FindString(before)
	for _, one := range d.Language.Members() {
		detail, doc := one.Kind.String(), ""
		if e, ok := d.File.Define.Get(one.Name); ok {
			detail, doc = "define", e.Text
		}
		add(written, one.Name, detail, doc, Name)
	}
	for _, f := range d.Language.Functions() {
		add(written, f.Name, f.Signature, docOf(f), Function)
	}
	return out
}

func docOf(f expression.Function) string {
	out := f.Doc
	for _, e := range f.Examples {
		out += "\n\n`" + e.Expr + "`"
		break
	}
	return out
}

// member is a name in the sample's records with one of its values, such as "service".
type member struct{ name, example string }

// sampleMembers returns the names below a path in the sample's records, sorted.
func (w *Workspace) sampleMembers(path string, base []string) (out []member) {
	found := map[string]any{}
	for _, record := range w.decoded(path) {
		var v any = record
		for _, step := range base {
			m, _ := v.(map[string]any)
			v = m[step]
		}
		m, _ := v.(map[string]any)
		for name, value := range m {
			if found[name] == nil {
				found[name] = value
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, member{name, "such as " + example(found[name])})
	}
	return out
}

// example returns a value as a short line.
func example(v any) string {
	const most = 40 // characters
	b, err := codec.Marshal(v)
	if err != nil {
		return "a value"
	}
	return display.Short(string(b), most)
}
