package component

import (
	"log/slog"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Builder is what a part of the pipeline is built with: it compiles the
// expressions of the part's configuration and collects what is wrong with it.
// A part is built to its end even when something is wrong, so that everybody
// learns everything at once; what was built is used only when nothing was.
type Builder interface {
	// Compile compiles an expression; a problem is reported at its position
	// and gives nil.
	Compile(e config.Expression, want expression.Want) *expression.Program
	// CompilePath compiles an expression that stands as a key of the file: the
	// path of a member.
	CompilePath(path string, at config.Pos) *expression.Program
	// Literal looks at a list that is taken literally and warns of elements that
	// read as if they were evaluated.
	Literal(list *config.Node)
	// Known is the text that a program gives for records whose member `name` is
	// `value`, when nothing else of the record matters to it.
	Known(p *expression.Program, name, value string) (text string, ok bool)
	// Problem reports an error of the file at a node.
	Problem(n *config.Node, code, message, hint string)
	// KeyProblem reports an error of the file at a key.
	KeyProblem(key string, at config.Pos, code, message, hint string)
	// Warn reports something that works and will surprise.
	Warn(n *config.Node, code, message, hint string)
}

// TransformSpec describes a kind of transform with configuration C by the key that
// names it in the file, next to `name` and `when`.
type TransformSpec[C any] struct {
	Key, Summary string
	// Config is a new configuration with nothing set; the value of the key is
	// decoded into it.
	Config func() C
	New    func(cfg C, s TransformSettings) Transform
}

// TransformSettings is what a transform is made with.
type TransformSettings struct {
	Name string
	Node *config.Node // what stands under the key
	Builder
	Log *slog.Logger
	// Folder is that of the pipeline file: relative paths start from it.
	Folder string
	// Lookup is a variable of the environment.
	Lookup func(name string) (value string, ok bool)
	// Unpinned allows programs whose checksum the file does not give.
	Unpinned bool
	// AccessReads are the paths of the record that decide who finds a document.
	// It is to be called after everything was built.
	AccessReads func() []string
}

// MapperSpec describes the mapping block with configuration C.
type MapperSpec[C any] struct {
	Config func() C
	New    func(cfg C, s MapperSettings) (Mapper, []MappingFacts)
}

// MapperSettings is what a mapper is made with.
type MapperSettings struct {
	Node *config.Node
	// Streams are those of the sink; nil when there is no telling, because the
	// sink's block is wrong.
	Streams []Stream
	// Kinds are all kinds that the source reads; nil likewise.
	Kinds []string
	// Refs is the grammar of the source's refs; nil when the source's block is wrong.
	Refs Refs
	Builder
}

// DeciderSpec describes the permissions block with configuration C. New returns the
// decider and what is known of each rule, in the order of the file, and of the
// default.
type DeciderSpec[C any] struct {
	Config func() C
	New    func(cfg C, s DeciderSettings) (Decider, []GrantFacts)
}

// DeciderSettings is what a decider is made with.
type DeciderSettings struct {
	Node *config.Node
	// Refs is the grammar of the source's refs; nil when the source's block is wrong.
	Refs Refs
	Builder
}
