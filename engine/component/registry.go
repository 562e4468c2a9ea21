package component

import (
	"context"
	"io"
	"log/slog"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/config"
)

// Settings is what the host gives a component, beside the user's configuration.
type Settings struct {
	// UserAgent is sent with every request.
	UserAgent string
	// Folder is that of the pipeline file: relative paths start from it.
	Folder string
	Log    *slog.Logger
	// Loopback means that no address outside this machine may be reached.
	Loopback bool
	// Observe is told of every request; nil in ordinary runs.
	Observe func(method, path string, body []byte, status int)
}

// SourceSpec describes a source component with configuration C, a pointer to a
// struct from which parsing, checking and docs come.
type SourceSpec[C any] struct {
	Name, Summary string
	// Config is a new configuration with nothing set.
	Config func() C
	// Address is where the secrets of the configuration are sent, "" when it is not known;
	// nil when they are sent nowhere.
	Address func(cfg C) string
	// Model is made from the decoded configuration alone.
	Model func(cfg C) Model
	// Open makes the source; it may read files and opens no connection yet.
	Open func(cfg C, s Settings) (Source, error)
	// Sandbox starts a server of the same kind on loopback; nil when there is none.
	// The configuration was decoded leniently.
	Sandbox func(ctx context.Context, cfg C, o SandboxOptions) (*Sandbox, error)
}

// SinkSpec describes a sink component with configuration C, as SourceSpec does a
// source.
type SinkSpec[C any] struct {
	Name, Summary string
	Config        func() C
	// Address is where the secrets of the configuration are sent, as of a source.
	Address func(cfg C) string
	// Streams is what the sink stores, from the decoded configuration alone.
	Streams func(cfg C) []Stream
	// Content are the keys of its settings that only say what the items look like: no
	// address, credential or file that matters is in them. pipe diff --base takes them from a
	// file that is not trusted.
	Content []string
	// Own are the streams that its sessions make of others.
	Own []string
	// PlaceName is what people call the place that the sink fills, as in
	// Inspection.Place, "" where the file does not say; nil when it has no name.
	PlaceName func(cfg C) string
	// CheckMappings looks at what the mappings set, in the order of the file, and may
	// complete cfg by it, before the sink is opened; nil when the streams' fields say
	// everything.
	CheckMappings func(cfg C, all []MappingFacts, b Builder)
	Open          func(cfg C, s Settings) (Sink, error)
	Sandbox       func(ctx context.Context, cfg C, o SandboxOptions) (*Sandbox, error)
	// Missing are the settings that a connection needs and a configuration that
	// was decoded leniently does not have.
	Missing func(cfg C) []string
	// Adopt lets the sink's configuration take what it has no value for from
	// the source's, before it is decoded; may be nil.
	Adopt func(cfg C, uiURL string)
}

// UILinker is the optional capability of a source's model to say where people
// look at its records.
type UILinker interface {
	// UIURL is "" when the file does not say.
	UIURL() string
	// UIPlaceholder returns the values of the source's block with which UIURL is not
	// "", where no page is opened.
	UIPlaceholder() map[string]string
}

// KindNamer is the optional capability of a source's model to list the kinds that
// its records may have, as they are spelt, also those that are switched off.
type KindNamer interface{ KindNames() []string }

// MappingFacts is what can be known of one mapping without a record.
type MappingFacts struct {
	Stream string
	Node   *config.Node
	// When is its condition, not set when it takes every record.
	When config.Expression
	// Kinds are the kinds that it may take.
	Kinds []string
	// Decides are the paths of the record that decide which records it takes and
	// what they are called and refer to: in a stream of identities, who is who.
	Decides []string
	// Fields are the fields it sets, in the order of the file.
	Fields []FieldFacts
}

// FieldFacts is what can be known of one field of a mapping.
type FieldFacts struct {
	Name string
	Node *config.Node
	// Properties are the names below a field of properties.
	Properties []FieldFacts
	// Values are the texts that it gives for each of the mapping's kinds, where
	// they follow from the kind alone; nil otherwise.
	Values map[string]string
}

// GrantFacts is what can be known of a permission rule, or of the default,
// without a record.
type GrantFacts struct {
	Rule string       // its name, "default" for the default
	Node *config.Node // where it says who finds a document
	// When is its condition, not set for the default.
	When     config.Expression
	Audience access.Audience // Undecided when that could not be known
	// Users and Groups tell whom it may name; only with Listed.
	Users, Groups bool
}

// Registry is the list of components that a program has. It is a value, filled
// in one place. Its specs take configurations of any type: see SinkSpec.Any.
type Registry struct {
	Sources     []SourceSpec[any]
	Transforms  []TransformSpec[any]
	Mapper      MapperSpec[any]
	Permissions DeciderSpec[any]
	Sinks       []SinkSpec[any]
}

// SandboxOptions is what a sandbox server is started with.
type SandboxOptions struct {
	// Input is a file to serve instead of the bundled data, "" for that. What is
	// wrong with it is an *InputError.
	Input string
	// UIURL is where the records of the source are looked at.
	UIURL string
}

// InputError is a file of SandboxOptions.Input that cannot be served.
type InputError struct{ Err error }

// Error is the message of the cause.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *InputError) Unwrap() error { return e.Err }

// Sandbox is a running server on loopback.
type Sandbox struct {
	// Set are the values of the component's block that point it at the server.
	Set map[string]string
	// Remove are the keys of the block that are for the real server alone, such as the
	// credentials that another server must not get.
	Remove []string
	// UIURL is where the records of a source's server are looked at, "" for nowhere.
	UIURL string
	// Notes are sentences about what it serves otherwise than its input says.
	Notes []string
	// Summary prints what the server holds, when there is something to say.
	Summary func(w io.Writer) error
	Close   func()
}
