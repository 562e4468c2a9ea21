package run

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
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
	// suspended makes the holds uncertain, without an event.
	suspended atomic.Bool
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

func (l *lease) Certain() error {
	if l.store.suspended.Load() {
		return &state.LostError{Place: "place", Err: errors.New("the lease is over")}
	}
	return l.Check()
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

// requestSession publishes with one request.
type requestSession struct {
	component.Session
	conn *connection.Connection
}

func (s *requestSession) Publish(ctx context.Context, _ *component.Plan) error {
	_, err := s.conn.Do(ctx, connection.Request{Method: http.MethodPost, Path: "/x", Body: []byte("{}"), Idempotent: true})
	return err
}

type requestSink struct {
	component.Sink
	session *requestSession
}

func (s *requestSink) Open(ctx context.Context, o component.Opening) (component.Session, error) {
	inner, err := s.Sink.Open(ctx, o)
	s.session.Session = inner
	return s.session, err
}

// TestSuspended: a run that was suspended during a request, and whose place may be another one's since,
// does not try the request again. Nothing has told it yet that the place is lost.
func TestSuspended(t *testing.T) {
	taken := errors.New("another worker has the run")
	for name, tc := range map[string]struct {
		place, worker bool
		requests      int32
	}{
		"the place": {true, false, 1}, "the worker": {false, true, 1}, "no": {false, false, 2},
	} {
		in := &leased{Folder: state.Folder(t.TempDir()), asked: func() {}}
		var requests atomic.Int32
		var certain atomic.Bool
		certain.Store(true)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if requests.Add(1) == 1 { // the machine is suspended before it has the answer
				in.suspended.Store(tc.place)
				certain.Store(!tc.worker)
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte("{}"))
		}))
		conn, err := connection.New(connection.Default(), connection.Settings{Name: "sink", URL: server.URL,
			Allow: func(string, string) bool { return true },
			Retry: fault.Retry{Attempts: 3, Base: time.Millisecond, Cap: time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t)
		w.o.State = in
		w.o.Certain = func() error {
			if !certain.Load() {
				return taken
			}
			return nil
		}
		w.Add("identities", "user", "sam", "fine")
		w.Components(2, "of sam")
		w.P.Sink = &requestSink{w.Store, &requestSession{conn: conn}}
		_, err = w.run(t)
		if requests.Load() != tc.requests || tc.place != errors.As(err, new(*state.LostError)) ||
			tc.worker != errors.Is(err, taken) || tc.place && fault.ClassOf(err) != fault.Transient {
			t.Errorf("%s: %d requests, %v", name, requests.Load(), err)
		}
		conn.Close()
		server.Close()
	}
}
