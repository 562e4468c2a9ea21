package fleet

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/folder"
	"github.com/pipe-engine/pipe/engine/state"
)

// StoreSpec is a kind of state store that the file of a worker can name below state. The program
// passes those that it has.
type StoreSpec struct {
	Name string
	// Config returns a pointer to the settings with what the decoder fills in.
	Config func() any
	// At returns settings with an address that a command line has. It refuses one with a password. It is
	// nil for a store that has no addresses.
	At func(config any, address string) (any, error)
	// Open opens the store of StoreSettings.Pipeline. close ends its connections; it may be nil.
	Open func(ctx context.Context, config any, s StoreSettings) (store state.Store, close func(), err error)
	// Init makes what the store needs or brings it to the version of this program, and Check reports
	// whether it can be used, for StoreSettings.Pipelines. Each returns lines for people. They are nil
	// for a store that needs none of it.
	Init, Check func(ctx context.Context, config any, s StoreSettings) ([]string, error)
}

// StoreOf is a StoreSpec whose settings have the type C.
type StoreOf[C any] struct {
	Name string
	// At is nil for a store that has no address.
	At          func(config *C, address string) (*C, error)
	Open        func(ctx context.Context, config *C, s StoreSettings) (state.Store, func(), error)
	Init, Check func(ctx context.Context, config *C, s StoreSettings) ([]string, error)
}

// Any returns the spec without its type.
func (o StoreOf[C]) Any() StoreSpec {
	do := func(f func(context.Context, *C, StoreSettings) ([]string, error)) func(context.Context, any, StoreSettings) (
		[]string, error) {
		if f == nil {
			return nil
		}
		return func(ctx context.Context, config any, s StoreSettings) ([]string, error) {
			return f(ctx, config.(*C), s)
		}
	}
	var at func(any, string) (any, error)
	if o.At != nil {
		at = func(config any, address string) (any, error) { return o.At(config.(*C), address) }
	}
	return StoreSpec{
		Name: o.Name, Config: func() any { return new(C) }, At: at,
		Open: func(ctx context.Context, config any, s StoreSettings) (state.Store, func(), error) {
			return o.Open(ctx, config.(*C), s)
		},
		Init: do(o.Init), Check: do(o.Check),
	}
}

// StoreSettings are the host's settings of a store.
type StoreSettings struct {
	Lookup func(string) (string, bool)
	// Pipeline is the name in the fleet of the pipeline whose state is kept: a store may keep each
	// apart. Pipelines are all of the fleet.
	Pipeline  string
	Pipelines []string
}

// folderConfig is the settings of a folder.
type folderConfig struct {
	path string
}

var _ config.Decodable = (*folderConfig)(nil)

// DecodeNode reads the path. A relative one starts from the folder of the file.
func (f *folderConfig) DecodeNode(n *config.Node, d *config.Decoder) {
	var in struct {
		Folder string `yaml:"folder" path:"true" doc:"A folder."`
	}
	d.Decode(n, &in)
	f.path = in.Folder
}

// FolderStore is the store in a folder of this machine: for a fleet with one worker.
func FolderStore() StoreSpec {
	return StoreOf[folderConfig]{
		Name: folderStore,
		Open: func(_ context.Context, c *folderConfig, _ StoreSettings) (state.Store, func(), error) {
			return state.Folder(c.path), nil, nil
		},
	}.Any()
}

const folderStore = "folder"

// State is which store keeps the state.
type State struct {
	specs []StoreSpec
	spec  *StoreSpec // nil when none is named
	// Config is the settings of the store.
	Config any
}

var _ config.Decodable = (*State)(nil)

// DecodeNode reads the only key, the name of a store, and its settings.
func (s *State) DecodeNode(n *config.Node, d *config.Decoder) {
	entries := n.Entries()
	if n.Kind() != config.Mapping || len(entries) != 1 {
		d.Problem(n, codeWorker, "state holds exactly one store", "write one of: "+strings.Join(s.names(), ", "))
		return
	}
	if s.spec = s.find(entries[0].Key); s.spec == nil {
		d.UnknownKey(entries[0], s.names())
		return
	}
	s.Config = s.spec.Config()
	if s.spec.Name == folderStore {
		d.Decode(n, s.Config)
		return
	}
	d.Decode(entries[0].Value, s.Config)
}

func (s *State) names() (out []string) {
	for _, one := range s.specs {
		out = append(out, one.Name)
	}
	return out
}

func (s *State) find(name string) *StoreSpec {
	i := slices.IndexFunc(s.specs, func(one StoreSpec) bool { return one.Name == name })
	if i < 0 {
		return nil
	}
	return &s.specs[i]
}

// use replaces the store by a word of the command line: the name of a store, its address without a
// password, or a folder. A folder that does not exist must have a path separator, or a misspelt name
// would be a new, empty store. A password is refused: the list of processes has it.
func (s *State) use(word string) error {
	switch spec := s.find(word); {
	case strings.Contains(word, "://"):
		return s.useAddress(word)
	case strings.ContainsFunc(word, func(r rune) bool { return r == '=' || unicode.IsSpace(r) }):
		return &fault.Invalid{Reason: "--state takes the name of a store, its address or a folder, not settings: a " +
			"password on the command line can be read by every user of this machine", Remedy: remedyState}
	case spec != nil && s.spec != nil && s.spec.Name == word:
		return nil // the file has its settings
	case spec != nil && spec.Name != folderStore:
		s.spec, s.Config = spec, spec.Config()
		return s.defaults(word)
	}
	if info, err := os.Stat(word); !strings.ContainsAny(word, "/"+string(os.PathSeparator)) &&
		(err != nil || !info.IsDir()) {
		remedy := "write ./" + word + " for a new folder, or one of: " + strings.Join(s.names(), ", ")
		if near := config.Nearest(word, s.names()); near != "" {
			remedy = "did you mean " + near + "? Write ./" + word + " for a new folder"
		}
		return &fault.Invalid{Reason: fmt.Sprintf("--state %s is not the name of a store, and there is no such "+
			"folder", word), Remedy: remedy}
	}
	s.spec, s.Config = s.find(folderStore), &folderConfig{path: word}
	return nil
}

const remedyState = "write the connection below state in the worker's file, with ${secret:NAME}, or set the PG… " +
	"variables"

// useAddress replaces the store by the one with an address. Its other settings are those of the file.
func (s *State) useAddress(address string) error {
	i := slices.IndexFunc(s.specs, func(one StoreSpec) bool { return one.At != nil })
	if i < 0 {
		return &fault.Invalid{Reason: "no state store has an address", Remedy: remedyState}
	}
	spec := &s.specs[i]
	from, other := s.Config, s.spec == nil || s.spec.Name != spec.Name
	if other {
		from = spec.Config()
	}
	at, err := spec.At(from, address)
	if err != nil {
		return err
	}
	s.spec, s.Config = spec, at
	if other {
		return s.defaults(spec.Name)
	}
	return nil
}

// defaults fills in the settings of a store that the file does not have.
func (s *State) defaults(name string) error {
	doc, problems := config.Parse("--state", []byte("{}\n"))
	if problems = append(problems, config.Decode(doc.Root(), s.Config, &config.Variables{})...); problems.HasErrors() {
		return &fault.Invalid{Reason: fmt.Sprintf("--state %s: %v", name, problems.Errors()),
			Remedy: "write its settings below state in the worker's file"}
	}
	return nil
}

// Store opens the state store of the worker for a pipeline.
func (w *Worker) Store(ctx context.Context, s StoreSettings) (state.Store, func(), error) {
	if w.State.spec == nil {
		return nil, nil, &fault.Invalid{Reason: "the worker has no state store",
			Remedy: "write one below state in its file: " + strings.Join(w.State.names(), ", ")}
	}
	store, end, err := w.State.spec.Open(ctx, w.State.Config, s)
	if end == nil {
		end = func() {}
	}
	return store, end, err
}

// StoreName returns the name of the state store; "" for none.
func (w *Worker) StoreName() string {
	if w.State.spec == nil {
		return ""
	}
	return w.State.spec.Name
}

// What to do with a state store: StoreInit and StoreMigrate are its Init.
const (
	StoreInit    = "init"
	StoreMigrate = "migrate"
	StoreCheck   = "check"
)

// StoreDo does something with the state store of the worker, and returns lines for people.
func (w *Worker) StoreDo(ctx context.Context, what string, s StoreSettings) ([]string, error) {
	if w.State.spec == nil {
		_, _, err := w.Store(ctx, s)
		return nil, err
	}
	fleet, err := folder.Read(ctx, w.FleetFolder(), s.Lookup)
	if err != nil {
		return nil, err
	}
	for _, p := range fleet.Pipelines {
		s.Pipelines = append(s.Pipelines, p.Name)
	}
	do := map[string]func(context.Context, any, StoreSettings) ([]string, error){StoreInit: w.State.spec.Init,
		StoreMigrate: w.State.spec.Init, StoreCheck: w.State.spec.Check}[what]
	if do != nil {
		return do(ctx, w.State.Config, s)
	}
	store, end, err := w.Store(ctx, s)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := store.Usable(); err != nil {
		return nil, &fault.StateError{Err: fmt.Errorf("the state in %s cannot be used: %w", store, err),
			Remedy: "make it writable for this user"}
	}
	return []string{fmt.Sprintf("the state in %s can be used", store)}, nil
}
