package state

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Owner is a run that holds, or held, a place.
type Owner struct {
	Run   string    `json:"run"`
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
	// Ended is that it gave the place back.
	Ended bool `json:"ended,omitempty"`
}

// String says who in a sentence's words.
func (o Owner) String() string {
	if o.Run == "" {
		return "a run on this machine"
	}
	return fmt.Sprintf("run %s, process %d on %s", o.Run, o.PID, o.Host)
}

// HeldError is that another run, which is alive, holds the place.
type HeldError struct{ Owner Owner }

// Error says who.
func (e *HeldError) Error() string { return e.Owner.String() + " holds it" }

// Lock is that this run holds the place; the system takes it back when the
// process ends, however it ends.
type Lock struct {
	store  *Store
	flock  *flock.Flock
	host   string
	past   []Owner // those before this run
	owners []Owner // with this run, the last
}

// maxOwners is how many owners are remembered.
const maxOwners = 100

// Lock takes the place for a run, or says who holds it. What a dead run left
// half written is removed.
func (s *Store) Lock(run string) (*Lock, error) {
	l := &Lock{store: s, flock: flock.New(s.path(".lock"), flock.SetPermissions(0o600))}
	ok, err := l.flock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the state: %w", err)
	}
	l.past = s.owners()
	if !ok {
		held := &HeldError{}
		if n := len(l.past); n > 0 {
			held.Owner = l.past[n-1]
		}
		return nil, held
	}
	s.sweep()
	l.host, _ = os.Hostname()
	owners := append(slices.Clone(l.past), Owner{Run: run, PID: os.Getpid(), Host: l.host, Since: time.Now().UTC()})
	l.owners = owners[max(0, len(owners)-maxOwners):]
	if err := s.writeOwners(l.owners); err != nil {
		return nil, errors.Join(err, l.flock.Unlock())
	}
	return l, nil
}

// Ended tells whether a run that has held the place is known to have ended: it
// gave the place back, or its process on this machine is gone. A lock alone does
// not tell that where a folder is shared between machines.
func (l *Lock) Ended(run string) bool {
	return slices.ContainsFunc(l.past, func(o Owner) bool {
		return o.Run == run && (o.Ended || o.Host == l.host && !alive(o.PID))
	})
}

// Release gives the place back.
func (l *Lock) Release() error {
	l.owners[len(l.owners)-1].Ended = true
	return errors.Join(l.store.writeOwners(l.owners), l.flock.Unlock())
}

// owners are those that have held the place, the last one last. A line that
// cannot be read is passed over.
func (s *Store) owners() []Owner {
	b, err := os.ReadFile(s.path(".owners"))
	if err != nil {
		return nil
	}
	var out []Owner
	for line := range strings.Lines(string(b)) {
		var o Owner
		if codec.Unmarshal([]byte(line), &o) == nil && o.Run != "" {
			out = append(out, o)
		}
	}
	return out
}

func (s *Store) writeOwners(owners []Owner) error {
	var b []byte
	for _, o := range owners {
		line, err := codec.Marshal(o)
		if err != nil {
			return err
		}
		b = append(append(b, line...), '\n')
	}
	tmp := s.path(".new-owners")
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("lock the state: %w", err)
	}
	if err := os.Rename(tmp, s.path(".owners")); err != nil {
		return fmt.Errorf("lock the state: %w", err)
	}
	return nil
}
