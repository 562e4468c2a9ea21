package component

import (
	"context"
	"io"
	"log/slog"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Settings is what the host provides to a component, in addition to the user's configuration.
type Settings struct {
	// UserAgent is sent with every request.
	UserAgent string
	// Folder is the folder of the pipeline file. Relative paths start there.
	Folder string
	Log    *slog.Logger
	// Redactor receives the credentials that the component obtains; nil means one of its own.
	Redactor *redact.Redactor
	// Loopback forbids connections to addresses outside this machine.
	Loopback bool
	// Model is the model of the pipeline, for a source with SourceSpec.ModelKey.
	Model Model
	// Observe is called after every attempt of a request, from several goroutines. It does not keep
	// the Part. May be nil.
	Observe func(Attempt)
}

// SourceSpec describes a source with configuration C, a pointer to a struct. Parsing, checks
// and documentation are derived from that struct.
type SourceSpec[C any] struct {
	Name, Summary string
	// Config returns a new configuration with no field set.
	Config func() C
	// Address returns the address that the secrets of the configuration are sent to, "" when it
	// is not known. nil means that they are sent nowhere.
	Address func(cfg C) string
	// Model returns the model; it depends on the decoded configuration alone. It is nil when
	// ModelKey is set.
	Model func(cfg C) Model
	// ModelKey is the key of the block whose value names one of Registry.Models and its
	// settings; Settings.Model is that model. "" for a source with a model of its own.
	ModelKey string
	// Open returns the source. It may read files but opens no connection.
	Open func(cfg C, s Settings) (Source, error)
	// OpenRecords opens the store of the records that are pushed to the source. It is nil for a
	// source that takes none.
	OpenRecords func(ctx context.Context, cfg C, s Settings) (RecordStore, error)
	// AsPerson returns how to read as the person whose token is given, in place of the own
	// credentials. It is nil for a source that knows no tokens of persons.
	AsPerson func(token string) AsPerson
	// Presets are the requests of the source, for allow lists. They may be nil.
	Presets policy.Presets
	// Sample returns bundled records, those of the sandbox; nil when there are none.
	Sample func() [][]byte
	// Sandbox starts a server of the same kind on loopback; nil when there is none. cfg was
	// decoded leniently.
	Sandbox func(ctx context.Context, cfg C, o SandboxOptions) (*Sandbox, error)
}

// AsPerson are settings below the block of a source with which it reads as a person.
type AsPerson struct {
	Set    map[string]string
	Remove []string
	// Ref is the ref of the person, as far as the token names one; "" otherwise.
	Ref string
}

// ModelSpec describes a model without its source, for records that come from elsewhere in the
// same form. Its configuration C has only the settings that the model depends on.
type ModelSpec[C any] struct {
	Name, Summary string
	// Config returns a new configuration with no field set.
	Config func() C
	Model  func(cfg C) Model
}

// SinkSpec describes a sink with configuration C, as SourceSpec describes a source.
type SinkSpec[C any] struct {
	Name, Summary string
	Config        func() C
	// Address returns the address that the secrets of the configuration are sent to, as for a
	// source.
	Address func(cfg C) string
	// Streams returns the streams of the sink; they depend on the decoded configuration alone.
	Streams func(cfg C) []Stream
	// Content are the keys of the settings that only describe how items look: they hold no
	// address, credential or file with consequences. pipe diff --base takes them from an
	// untrusted file.
	Content []string
	// Own are the streams that the sink's sessions derive from others.
	Own []string
	// PlaceName returns the user's name of the sink's place, as in Inspection.Place, or "" when
	// the file does not give one. nil means that places of this sink have no name.
	PlaceName func(cfg C) string
	// CheckMappings checks the mappings, in the order of the file, before the sink is opened,
	// and may complete cfg from them. nil means that the fields of the streams are the only
	// rules.
	CheckMappings func(cfg C, all []MappingFacts, b Builder)
	Open          func(cfg C, s Settings) (Sink, error)
	Sandbox       func(ctx context.Context, cfg C, o SandboxOptions) (*Sandbox, error)
	// Missing returns the settings that a connection needs and that a leniently decoded
	// configuration lacks.
	Missing func(cfg C) []string
	// Adopt fills settings of the sink that have no value from the source's UI address, before
	// cfg is decoded. It may be nil.
	Adopt func(cfg C, uiURL string)
}

// UILinker is the optional capability of a source's model to return the address of the user
// interface for its records.
type UILinker interface {
	// UIURL returns the address, or "" when the file does not give it.
	UIURL() string
	// UIPlaceholder returns values for the source's block that make UIURL return an address,
	// for use where no page is opened.
	UIPlaceholder() map[string]string
}

// KindNamer is the optional capability of a source's model to list all kinds of its records in
// their spelling, including kinds that are switched off.
type KindNamer interface{ KindNames() []string }

// MappingFacts is what is known about a mapping without a record.
type MappingFacts struct {
	Stream string
	Node   *config.Node
	// When is the condition of the mapping; not set when the mapping takes every record.
	When config.Expression
	// Kinds are the kinds that the mapping may take.
	Kinds []string
	// Decides are the paths of the record that decide which records the mapping takes and how
	// the items are named and refer to others. In a stream of identities, these paths decide
	// who is who.
	Decides []string
	// Fields are the fields that the mapping sets, in the order of the file.
	Fields []FieldFacts
}

// FieldFacts is what is known about a field of a mapping without a record.
type FieldFacts struct {
	Name string
	Node *config.Node
	// Properties are the names in a field of type Properties.
	Properties []FieldFacts
	// Values are the texts of the field by kind when they depend on the kind alone; nil
	// otherwise.
	Values map[string]string
}

// GrantFacts is what is known about a permission rule or the default without a record.
type GrantFacts struct {
	Rule string       // name of the rule; "default" for the default
	Node *config.Node // of the grant in the file
	// When is the condition of the rule; not set for the default.
	When     config.Expression
	Audience access.Audience // Undecided when it is not known
	// Users and Groups report whether the rule may name users or groups; only set for Listed.
	Users, Groups bool
}

// Registry lists the components of a program. It is a value that one place fills. Its specs
// take configurations of any type: see SinkSpec.Any.
type Registry struct {
	Sources     []SourceSpec[any]
	Models      []ModelSpec[any]
	Transforms  []TransformSpec[any]
	Mapper      MapperSpec[any]
	Permissions DeciderSpec[any]
	Sinks       []SinkSpec[any]
}

// SandboxOptions are the options for starting a sandbox server.
type SandboxOptions struct {
	// Input is a file to serve instead of the bundled data; "" serves the bundled data. A fault
	// in the file is returned as an *InputError.
	Input string
	// UIURL is the address of the source's user interface.
	UIURL string
}

// InputError reports that the file of SandboxOptions.Input cannot be served.
type InputError struct{ Err error }

// Error returns the message of the cause.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// Sandbox is a running server on loopback.
type Sandbox struct {
	// Set are the settings of the component's block that point it to the server.
	Set map[string]string
	// Remove are the keys of the block that are for the real server only, such as credentials
	// that another server must not get.
	Remove []string
	// UIURL is the address of the source's user interface; "" when there is none.
	UIURL string
	// Notes are sentences about differences between the served data and the input.
	Notes []string
	// Summary prints what the server holds; nil when there is nothing to print.
	Summary func(w io.Writer) error
	Close   func()
}
