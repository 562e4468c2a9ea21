package baseline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Holder is a run that holds, or held, a place.
type Holder struct {
	Run   string    `json:"run"`
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
	// Ended means that the run released the place.
	Ended bool `json:"ended,omitempty"`
}

// String returns the run, its process and its machine.
func (h Holder) String() string {
	if h.Run == "" {
		return "a run on this machine"
	}
	return fmt.Sprintf("run %s, process %d on %s", h.Run, h.PID, h.Host)
}

// HeldError reports that another, living run holds the place.
type HeldError struct{ Holder Holder }

// Error returns the holder.
func (e *HeldError) Error() string { return e.Holder.String() + " holds it" }

// Lock is the hold of this run on the place. The system releases it when the process ends,
// however it ends.
type Lock struct {
	store   *Store
	flock   *flock.Flock
	host    string
	earlier []Holder // holders before this run
	holders []Holder // including this run, which is the last
}

// The number of holders that are kept: the last hundred, and up to a thousand of the last hour,
// in which an unfinished upload of one of them may still count as that of a living run.
const (
	maxHolders = 100
	maxRecent  = 1000
	recently   = time.Hour
)

// bounded returns the holders to keep at a time.
func bounded(all []Holder, now time.Time) []Holder {
	all = all[max(0, len(all)-maxRecent):]
	for len(all) > maxHolders && now.Sub(all[0].Since) > recently {
		all = all[1:]
	}
	return all
}

// Lock takes the place for a run. It returns a *HeldError when another run holds it. It removes
// temporary files of dead runs.
func (s *Store) Lock(run string) (*Lock, error) {
	path := s.path(".lock")
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("lock the state: %w", notRegular(path, info)) // opening a FIFO would block
	}
	l := &Lock{store: s, flock: flock.New(path, flock.SetPermissions(0o600))}
	ok, err := l.flock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the state: %w", err)
	}
	if ok {
		s.migrateHolders()
	}
	l.earlier = s.holders()
	if !ok {
		held := &HeldError{}
		if n := len(l.earlier); n > 0 {
			held.Holder = l.earlier[n-1]
		}
		return nil, held
	}
	s.sweep()
	l.host, _ = os.Hostname()
	holders := append(slices.Clone(l.earlier),
		Holder{Run: run, PID: os.Getpid(), Host: l.host, Since: time.Now().UTC()})
	l.holders = bounded(holders, time.Now())
	if err := s.writeHolders(l.holders); err != nil {
		return nil, errors.Join(err, l.flock.Unlock())
	}
	return l, nil
}

// Ended reports whether a run that held the place is known to have ended: it released the
// place, or its process on this machine no longer exists. The lock alone does not show that
// when machines share a folder.
func (l *Lock) Ended(run string) bool {
	return slices.ContainsFunc(l.earlier, func(h Holder) bool {
		return h.Run == run && (h.Ended || h.Host == l.host && !alive(h.PID))
	})
}

// Release releases the place.
func (l *Lock) Release() error {
	own := l.holders[len(l.holders)-1]
	holders := slices.DeleteFunc(l.store.holders(), func(h Holder) bool { return h.Run == own.Run })
	own.Ended = true
	return errors.Join(l.store.writeHolders(append(holders, own)), l.flock.Unlock())
}

// Ran reports whether a run held the place with this state folder, within the kept holders.
func (s *Store) Ran(run string) bool {
	return slices.ContainsFunc(s.holders(), func(h Holder) bool { return h.Run == run })
}

// holders returns the runs that have held the place, the latest last. It skips lines that
// cannot be read.
func (s *Store) holders() []Holder {
	b, err := readFile(s.path(".runs"))
	if err != nil {
		return nil
	}
	var out []Holder
	for line := range strings.Lines(string(b)) {
		var h Holder
		if codec.Unmarshal([]byte(line), &h) == nil && h.Run != "" {
			out = append(out, h)
		}
	}
	return out
}

// migrateHolders renames the list of an earlier version.
func (s *Store) migrateHolders() {
	if _, err := os.Lstat(s.path(".runs")); err != nil {
		_ = os.Rename(s.path(".owners"), s.path(".runs"))
	}
}

func (s *Store) writeHolders(holders []Holder) error {
	err := s.replaceLocked(".runs", func(w io.Writer) error {
		for _, h := range holders {
			if err := writeLine(w, h); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("lock the state: %w", err)
	}
	return nil
}
