package suite

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// File is a test file.
type File struct {
	Pipeline  string              `yaml:"pipeline" doc:"The pipeline file, relative to the folder of this one; by default the file of the same name without .test."`
	Variables map[string]string   `yaml:"variables" doc:"The variables of the pipeline file. Tests do not read the environment: other variables are not set."`
	Fixtures  config.Map[fixture] `yaml:"fixtures" doc:"Named records, which tests use with changes."`
	Records   []Given             `yaml:"records" doc:"Records of every test: written out, as fixture: NAME, or as file: PATH."`
	Tests     []Test              `yaml:"tests" required:"true" doc:"The tests; each is a separate run."`

	path string
	doc  *config.Document
}

// Test is one test.
type Test struct {
	Name      string             `yaml:"name" required:"true" doc:"A sentence about what is tested."`
	Variables map[string]string  `yaml:"variables" doc:"Variables of this test, before those of the file."`
	Records   []Given            `yaml:"records" doc:"Records of this test; one with the ref of a record of the file replaces it."`
	Expect    config.Map[ending] `yaml:"expect" doc:"The expected results of records, by their refs."`
	Golden    string             `yaml:"golden" doc:"A file with everything that would be sent, relative to the folder of this one; pipe test --update writes it."`
	node      *config.Node       // its name
	golden    *config.Node
}

// ending is the expectation of one record. Its keys depend on the pipeline.
type ending struct{ node *config.Node }

var _ config.Decodable = (*ending)(nil)

// DecodeNode accepts a mapping.
func (e *ending) DecodeNode(n *config.Node, d *config.Decoder) {
	if n.Kind() != config.Mapping {
		d.Problem(n, "wrong-kind", "the expectation of a record must be a mapping",
			"write lines below it, such as documents: or withheld: true")
		return
	}
	e.node = n
}

// DescribeConfig returns a mapping; Describe adds its keys.
func (e *ending) DescribeConfig() config.Field { return config.Field{Type: "mapping"} }

// fixture is a named record.
type fixture struct{ node *config.Node }

var _ config.Decodable = (*fixture)(nil)

// DecodeNode accepts a mapping.
func (f *fixture) DecodeNode(n *config.Node, d *config.Decoder) {
	if n.Kind() != config.Mapping {
		d.Problem(n, "wrong-kind", "a fixture must be a record", "write its members below it, a line each")
		return
	}
	f.node = n
}

// Given is one or more records for a test.
type Given struct {
	node    *config.Node
	fixture *config.Node // its name
	with    *config.Node
	file    *config.Node // its path
}

var _ config.Decodable = (*Given)(nil)

// DecodeNode accepts a record, or a mapping with fixture or file.
func (g *Given) DecodeNode(n *config.Node, d *config.Decoder) {
	if n.Kind() != config.Mapping {
		d.Problem(n, "wrong-kind", "not a record", "write a record, fixture: NAME or file: PATH")
		return
	}
	var known []string
	switch {
	case n.Get("fixture") != nil:
		known = []string{"fixture", "with"}
		g.fixture, g.with = n.Get("fixture"), n.Get("with")
	case n.Get("file") != nil:
		known = []string{"file"}
		g.file = n.Get("file")
	case misspeltReference(n):
		known = []string{"fixture", "with", "file"}
		g.node = n
	default:
		g.node = n
		return
	}
	for _, e := range n.Entries() {
		unknown := true
		for _, k := range known {
			unknown = unknown && k != e.Key
		}
		if unknown {
			d.UnknownKey(e, known)
		}
	}
}

// misspeltReference reports whether a mapping most likely means fixture or file: it has a
// single key in addition to with.
func misspeltReference(n *config.Node) bool {
	var others []config.Entry
	for _, e := range n.Entries() {
		if e.Key != "with" {
			others = append(others, e)
		}
	}
	return len(others) == 1 && config.Nearest(others[0].Key, []string{"fixture", "file"}) != ""
}

// DescribeConfig returns a field of any type.
func (g *Given) DescribeConfig() config.Field { return config.Field{Type: "any"} }

// DescribeConfig returns a field of any type.
func (f *fixture) DescribeConfig() config.Field { return config.Field{Type: "any"} }

// suffix matches the end of a test file's name, which is the name of the pipeline file with
// .test before its extension.
var suffix = regexp.MustCompile(`\.test(\.ya?ml)$`)

// IsTestFile reports whether a file contains tests, by its name.
func IsTestFile(path string) bool { return suffix.MatchString(path) }

// TestPath returns the path of the test file of a pipeline file.
func TestPath(pipeline string) string {
	ext := filepath.Ext(pipeline)
	return strings.TrimSuffix(pipeline, ext) + ".test" + ext
}

// Load reads a test file. It reports the problems of the file itself; Prepare reports those of
// the expectations, which depend on the pipeline.
func Load(path string) (*File, config.Problems) {
	doc, problems := config.Load(path)
	return decode(path, doc, problems)
}

// Parse is Load for the text of a file.
func Parse(path string, text []byte) (*File, config.Problems) {
	doc, problems := config.Parse(path, text)
	return decode(path, doc, problems)
}

func decode(path string, doc *config.Document, problems config.Problems) (*File, config.Problems) {
	f := &File{path: path, doc: doc}
	if problems.HasErrors() && len(doc.Root().Entries()) == 0 {
		return f, problems
	}
	if p, ok := doc.Mistaken(config.TestFile); ok {
		return f, append(problems, p)
	}
	problems = append(problems, config.Decode(doc.Root(), f, nil)...)
	if f.Pipeline == "" {
		f.Pipeline = filepath.Base(suffix.ReplaceAllString(path, "$1"))
	}
	nodes := doc.Root().Get("tests").Items()
	taken := map[string]int{}
	for i := range f.Tests {
		t := &f.Tests[i]
		if i < len(nodes) && len(nodes) == len(f.Tests) {
			t.node, t.golden = nodes[i].Get("name"), nodes[i].Get("golden")
		}
		if line := taken[t.Name]; line > 0 && t.Name != "" {
			problems = append(problems,
				config.Problem{Pos: t.node.Pos(), Width: t.node.Width(), Code: "duplicate-name",
					Message: "another test has this name, on line " + itoa(line),
					Hint:    "give each test its own name; --run selects by name"})
		}
		taken[t.Name] = t.node.Pos().Line
	}
	return f, doc.Certain(problems.Sorted())
}

// PipelinePath returns the path of the pipeline file.
func (f *File) PipelinePath() string { return f.resolve(f.Pipeline) }

// Source returns the text of the file, for Problems.Render.
func (f *File) Source() []byte { return f.doc.Source() }

// resolve resolves a path relative to the folder of the test file.
func (f *File) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), filepath.FromSlash(path))
}
