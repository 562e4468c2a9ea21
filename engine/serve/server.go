package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/schedule"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/state"
)

func lockPath(state string) string { return filepath.Join(Folder(state), "lock") }

// Options configure a server.
type Options struct {
	// Files are the pipeline files. Their names and their sinks' places must differ.
	Files []string
	// Job are the options of each run. Path, Text, RunID, Only and Loaded are set by the server.
	// Its state folder is required, also for a sandbox.
	Job job.Options
	// Review holds a run whose rules are not those of the last good run, until a person accepts
	// them: it is read and reviewed, and sends nothing.
	Review bool
	// Schedule is that of files without one.
	Schedule schedule.Schedule
	// Parallel is how many pipelines may run at once; 0 means 1.
	Parallel int
	Log      *slog.Logger
	Clock    Clock // nil means the real time
	// Observe receives each run that ended, as it is in the history; may be nil. It is called from
	// the goroutine of the pipeline, which waits for it.
	Observe func(r *history.Run)
	// Requested receives each attempt of a request of a run to an end, source or sink, with status 0
	// when there was no response; may be nil. It is called from many goroutines.
	Requested func(pipeline, end string, status int)
}

// Server runs pipelines.
type Server struct {
	History   *history.History
	pipelines []*Pipeline
	o         Options
	state     string
	lock      *flock.Flock
	slots     chan struct{} // one for each run that may run now
}

// Folder returns the server's own folder in a state folder.
func Folder(state string) string { return filepath.Join(state, "serve") }

// HistoryPath returns the path of the history in a state folder.
func HistoryPath(state string) string { return filepath.Join(Folder(state), "history.db") }

// Open loads the pipelines and opens the history. It starts no run; see Run. It returns a
// *job.LoadError when a file is wrong, a *fault.Invalid when two pipelines cannot be served
// together, and a *fault.StateError when the state folder cannot be used or another server uses
// it.
func Open(ctx context.Context, o Options) (_ *Server, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	if o.Job.Secrets == nil {
		o.Job.Secrets = &redact.Redactor{}
	}
	if o.Review && o.Job.Unpinned {
		return nil, &fault.Invalid{Reason: "--review cannot see a change of a program without a checksum",
			Remedy: "leave --allow-unpinned out, and give each program its sha256"}
	}
	s := &Server{o: o, slots: make(chan struct{}, max(1, o.Parallel))}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	store, err := o.Job.StateStore()
	if err != nil {
		return nil, err
	}
	folder, is := store.(state.Folder)
	if s.state = string(folder); !is {
		return nil, &fault.Invalid{Reason: "a server needs a state folder", Remedy: "name one with --state DIR"}
	}
	for _, path := range o.Files {
		p, err := s.open(ctx, path)
		if err != nil {
			return nil, err
		}
		if err := s.distinct(p); err != nil {
			return nil, err
		}
		s.pipelines = append(s.pipelines, p)
	}
	if err := s.hold(); err != nil {
		return nil, err
	}
	if s.History, err = history.Open(ctx, HistoryPath(s.state), o.Job.Secrets); err != nil {
		return nil, err
	}
	return s, nil
}

// hold makes this server the only one of the state folder.
func (s *Server) hold() error {
	folder := Folder(s.state)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return &fault.StateError{Err: err, Remedy: "make the state folder writable for this user"}
	}
	lock := flock.New(lockPath(s.state), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	switch {
	case err != nil:
		return &fault.StateError{Err: fmt.Errorf("lock %s: %w", folder, err), Remedy: "check the folder's permissions"}
	case !held:
		return &fault.StateError{Err: fmt.Errorf("another server uses the state folder %s", s.state),
			Remedy: "end it, or name another folder with --state DIR"}
	}
	s.lock = lock
	return nil
}

// distinct refuses a pipeline that cannot be served with the ones before it.
func (s *Server) distinct(p *Pipeline) error {
	for _, other := range s.pipelines {
		switch {
		case strings.EqualFold(other.Name, p.Name):
			return &fault.Invalid{
				Reason: fmt.Sprintf("%s and %s are both called %s", other.Path, p.Path, p.Name),
				Remedy: "give each a name of its own: name: in the file",
			}
		case other.place == p.place:
			return &fault.Invalid{
				Reason: fmt.Sprintf("%s and %s write to the same place, %s: each would delete what the other sends",
					other.Path, p.Path, p.place),
				Remedy: "give each a datasource of its own",
			}
		}
	}
	return nil
}

// Pipelines returns the pipelines in the order of Options.Files.
func (s *Server) Pipelines() []*Pipeline { return s.pipelines }

// Pipeline returns the pipeline with a name; nil when there is none.
func (s *Server) Pipeline(name string) *Pipeline {
	for _, p := range s.pipelines {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Log returns the log of the server.
func (s *Server) Log() *slog.Logger { return s.o.Log }

// Secrets returns the secrets that no answer may have.
func (s *Server) Secrets() *redact.Redactor { return s.o.Job.Secrets }

// Now returns the time by the server's clock.
func (s *Server) Now() time.Time { return s.o.Clock.Now() }

// State returns the state folder.
func (s *Server) State() string { return s.state }

// store is where the runs keep state.
func (s *Server) store() state.Store { return state.Folder(s.state) }

// Close closes the stores of pushed records and the history, and releases the state folder. Run
// has returned before.
func (s *Server) Close() error {
	for _, p := range s.pipelines {
		p.endRecords()
	}
	var err error
	if s.History != nil {
		err = s.History.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Unlock())
	}
	return err
}
