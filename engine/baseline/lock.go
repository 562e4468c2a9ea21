package baseline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
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

// Lock is the hold of this run on the place. It ends with the process, however that ends.
type Lock struct {
	store   *Store
	hold    state.Hold
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
	hold, err := s.files.Hold()
	if errors.Is(err, state.ErrHeld) {
		held := &HeldError{}
		if all := s.holders(); len(all) > 0 {
			held.Holder = all[len(all)-1]
		}
		return nil, held
	}
	if err != nil {
		return nil, fmt.Errorf("lock the state: %w", err)
	}
	l := &Lock{store: s, hold: hold}
	s.migrateHolders()
	l.earlier = s.holders()
	s.files.Sweep()
	l.host, _ = os.Hostname()
	holders := append(slices.Clone(l.earlier),
		Holder{Run: run, PID: os.Getpid(), Host: l.host, Since: time.Now().UTC()})
	l.holders = bounded(holders, time.Now())
	if err := s.writeHolders(l.holders); err != nil {
		return nil, errors.Join(err, hold.Release())
	}
	return l, nil
}

// Ended reports whether a run that held the place is known to have ended: it released the
// place, its process on this machine no longer exists, or this hold is exclusive (see state.Hold).
// The lock of a folder alone does not show that when machines share the folder.
func (l *Lock) Ended(run string) bool {
	return slices.ContainsFunc(l.earlier, func(h Holder) bool {
		return h.Run == run && (h.Ended || l.hold.Exclusive() || h.Host == l.host && !alive(h.PID))
	})
}

// Lost is closed when it is not certain any more that this run holds the place.
func (l *Lock) Lost() <-chan struct{} { return l.hold.Lost() }

// Check returns an error when this run does not hold the place any more, or when that is not
// certain. Another run may do better.
func (l *Lock) Check() error { return lostError(l.hold.Check()) }

// Certain is Check without asking the store, for what is asked often.
func (l *Lock) Certain() error { return lostError(l.hold.Certain()) }

// Clear returns when this run may send: requests that an earlier run sent, which lost the place and
// did not release it, have ended by then. It is zero when there are none.
func (l *Lock) Clear() time.Time { return l.hold.Clear() }

// Await waits until Clear, and checks that this run holds the place then. It returns an error when ctx
// ends or the place is lost.
func (l *Lock) Await(ctx context.Context) error {
	wait := time.Until(l.Clear())
	if wait <= 0 {
		return l.Check()
	}
	clear := time.NewTimer(wait)
	defer clear.Stop()
	select {
	case <-clear.C:
		return l.Check()
	case <-l.Lost():
		return l.Check()
	case <-ctx.Done():
		return fault.Cause(ctx, ctx.Err())
	}
}

// Watch calls lose with the error of Check once the place is lost. It watches until end is called, which
// returns after a call of lose that has begun.
func (l *Lock) Watch(lose func(error)) (end func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-l.Lost():
			lose(l.Check())
		case <-ended:
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}

func lostError(err error) error {
	if err == nil {
		return nil
	}
	return fault.Errorf(fault.Transient, "run again: everything is compared with what the earlier runs sent",
		"this run does not hold the place any more, and sends nothing: %w", err)
}

// Release releases the place. What this run has lost belongs to another one, and is not written.
func (l *Lock) Release() error {
	select {
	case <-l.hold.Lost():
		return l.hold.Release()
	default:
	}
	own := l.holders[len(l.holders)-1]
	holders := slices.DeleteFunc(l.store.holders(), func(h Holder) bool { return h.Run == own.Run })
	own.Ended = true
	return errors.Join(l.store.writeHolders(append(holders, own)), l.hold.Release())
}

// Ran reports whether a run held the place with this state folder, within the kept holders.
func (s *Store) Ran(run string) bool {
	return slices.ContainsFunc(s.holders(), func(h Holder) bool { return h.Run == run })
}

// holders returns the runs that have held the place, the latest last. It skips lines that
// cannot be read.
func (s *Store) holders() []Holder {
	b, err := s.readFile(".runs")
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
	if s.there(".runs") {
		return
	}
	text, err := s.readFile(".owners")
	if err != nil {
		return
	}
	err = s.replaceFile(".runs", func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err == nil {
		_ = s.files.Remove(".owners")
	}
}

func (s *Store) writeHolders(holders []Holder) error {
	err := s.replaceFile(".runs", func(w io.Writer) error {
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
