package component

import (
	"log/slog"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Builder compiles the expressions of a part of the pipeline and collects the problems of its
// configuration. A part is built to the end even after a problem, which lets users see all
// problems at once. The built part is used only when there was no problem.
type Builder interface {
	// Compile compiles an expression. It reports a problem at the expression's position and
	// returns nil.
	Compile(e config.Expression, want expression.Want) *expression.Program
	// CompilePath compiles an expression that is a key of the file: the path of a member.
	CompilePath(path string, at config.Pos) *expression.Program
	// Literal warns about elements of a literal list that look like expressions.
	Literal(list *config.Node)
	// Known returns the text that a program gives for every record whose member `name` is
	// `value`. ok is false when the text depends on other parts of the record.
	Known(p *expression.Program, name, value string) (text string, ok bool)
	// Problem reports an error at a node of the file.
	Problem(n *config.Node, code, message, hint string)
	// KeyProblem reports an error at a key of the file.
	KeyProblem(key string, at config.Pos, code, message, hint string)
	// Warn reports configuration that works but may surprise.
	Warn(n *config.Node, code, message, hint string)
}

// TransformSpec describes a kind of transform with configuration C. Key is the key that selects
// it in the file, next to `name` and `when`.
type TransformSpec[C any] struct {
	Key, Summary string
	// Config returns a new configuration with no field set. The value of the key is decoded
	// into it.
	Config func() C
	New    func(cfg C, s TransformSettings) Transform
}

// TransformSettings is what a transform is created with.
type TransformSettings struct {
	Name string
	Node *config.Node // the value of the key
	Builder
	Log *slog.Logger
	// Folder is the folder of the pipeline file. Relative paths start there.
	Folder string
	// Lookup returns a variable of the environment.
	Lookup func(name string) (value string, ok bool)
	// Unpinned allows programs that have no checksum in the file.
	Unpinned bool
	// AccessReads returns the paths of the record that decide who finds a document. Call it
	// only after everything was built.
	AccessReads func() []string
}

// MapperSpec describes the mapping block with configuration C.
type MapperSpec[C any] struct {
	Config func() C
	New    func(cfg C, s MapperSettings) (Mapper, []MappingFacts)
}

// MapperSettings is what a mapper is created with.
type MapperSettings struct {
	Node *config.Node
	// Streams are the streams of the sink; nil when the sink's block is invalid.
	Streams []Stream
	// Kinds are all kinds that the source reads; nil when the source's block is invalid.
	Kinds []string
	// Refs is the grammar of the source's refs; nil when the source's block is invalid.
	Refs Refs
	Builder
}

// DeciderSpec describes the permissions block with configuration C. New returns the decider and
// the facts about each rule, in the order of the file, and about the default.
type DeciderSpec[C any] struct {
	Config func() C
	New    func(cfg C, s DeciderSettings) (Decider, []GrantFacts)
}

// DeciderSettings is what a decider is created with.
type DeciderSettings struct {
	Node *config.Node
	// Refs is the grammar of the source's refs; nil when the source's block is invalid.
	Refs Refs
	Builder
}
