package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// leased is a folder whose holds a test can end, as those of a database end.
type leased struct {
	state.Folder
	clear time.Time
	asked func() // called when clear is asked for
	mu    sync.Mutex
	hold  *lease
}

type leasedFiles struct {
	state.Files
	store *leased
}

type lease struct {
	state.Hold
	store *leased
	lost  chan struct{}
	once  sync.Once
}

func (l *leased) Open(place string) (state.Files, error) {
	files, err := l.Folder.Open(place)
	return leasedFiles{files, l}, err
}

func (f leasedFiles) Hold() (state.Hold, error) {
	h, err := f.Files.Hold()
	if err != nil {
		return nil, err
	}
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	f.store.hold = &lease{Hold: h, store: f.store, lost: make(chan struct{})}
	return f.store.hold, nil
}

func (l *lease) Lost() <-chan struct{} { return l.lost }

func (l *lease) Check() error {
	select {
	case <-l.lost:
		return &state.LostError{Place: "place", Err: errors.New("the session ended")}
	default:
		return nil
	}
}

func (l *lease) Clear() time.Time {
	l.store.asked()
	return l.store.clear
}

func (l *leased) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold.once.Do(func() { close(l.hold.lost) })
}

// slowSession publishes until the run ends it.
type slowSession struct {
	component.Session
	begun func()
	ended error
}

func (s *slowSession) Publish(ctx context.Context, plan *component.Plan) error {
	s.begun()
	select {
	case <-ctx.Done():
	case <-time.After(deadline):
	}
	s.ended = plan.StillHeld()
	return ctx.Err()
}

type slowSink struct {
	component.Sink
	session *slowSession
}

func (s *slowSink) Open(ctx context.Context, o component.Opening) (component.Session, error) {
	inner, err := s.Sink.Open(ctx, o)
	s.session.Session = inner
	return s.session, err
}

// TestLostHold: a run whose hold of the place ends is ended, whether it reads or publishes. It sends
// nothing more, writes no baseline, and is worth another run.
func TestLostHold(t *testing.T) {
	for _, when := range []string{"reading", "publishing"} {
		t.Run(when, func(t *testing.T) {
			in := &leased{Folder: state.Folder(t.TempDir()), asked: func() {}}
			w := newWorld(t)
			w.o.State = in
			w.Add("identities", "user", "sam", "fine")
			w.Components(2, "of sam")
			session := &slowSession{begun: in.lose}
			w.P.Sink = &slowSink{w.Store, session}
			if when == "reading" {
				w.o.Output = func(ctx context.Context, _ *component.Plan) error {
					in.lose()
					<-ctx.Done()
					return ctx.Err()
				}
			}
			_, err := w.run(t)
			if fault.ClassOf(err) != fault.Transient || !errors.As(err, new(*state.LostError)) ||
				!strings.Contains(err.Error(), "does not hold the place any more") {
				t.Errorf("%v, class %v", err, fault.ClassOf(err))
			}
			if when == "publishing" && session.ended == nil {
				t.Error("the session was not told that the place is lost")
			}
			if files, _ := filepath.Glob(filepath.Join(in.String(), "*.state")); len(files) > 0 {
				t.Errorf("wrote %v", files)
			}
		})
	}
}

// TestReplacedLock: a run whose lock file was replaced, which lets another run take the place, writes
// no baseline.
func TestReplacedLock(t *testing.T) {
	w := newWorld(t)
	w.o.State = state.Folder(t.TempDir())
	w.Add("identities", "user", "sam", "fine")
	w.Components(2, "of sam")
	w.o.Output = func(context.Context, *component.Plan) error { return os.Remove(w.folder(t).File(".lock")) }
	if _, err := w.run(t); fault.ClassOf(err) != fault.Transient || w.Sent() {
		t.Errorf("%v, sent %t", err, w.Sent())
	}
}

// TestAbandonedHold: a run does not send before the requests of an earlier holder have ended that did
// not release the place.
func TestAbandonedHold(t *testing.T) {
	in := &leased{Folder: state.Folder(t.TempDir()), clear: time.Now().Add(time.Hour)}
	w := newWorld(t)
	w.o.State = in
	w.Add("identities", "user", "sam", "fine")
	w.Components(2, "of sam")
	ctx, cancel := context.WithCancel(t.Context())
	in.asked = cancel
	if r, err := Run(ctx, w.P, w.o); !errors.Is(err, context.Canceled) || w.Sent() ||
		!strings.Contains(strings.Join(r.Notes, "\n"), "nothing was sent before") {
		t.Errorf("%v, sent %t, %q", err, w.Sent(), r.Notes)
	}
	in.clear, in.asked = time.Now().Add(-time.Hour), func() {}
	if _, err := w.run(t); err != nil || !w.Sent() {
		t.Errorf("an hour later: %v, sent %t", err, w.Sent())
	}
}
