package operate

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/state"
)

// suspending is a folder whose holds are not certain any more after a machine was suspended.
type suspending struct {
	state.Folder
	suspended atomic.Bool
}

type suspendingFiles struct {
	state.Files
	store *suspending
}

type suspendingHold struct {
	state.Hold
	store *suspending
}

func (s *suspending) Open(place string) (state.Files, error) {
	files, err := s.Folder.Open(place)
	return suspendingFiles{files, s}, err
}

func (f suspendingFiles) Hold() (state.Hold, error) {
	h, err := f.Files.Hold()
	return suspendingHold{h, f.store}, err
}

func (h suspendingHold) Certain() error {
	if h.store.suspended.Load() {
		return &state.LostError{Place: fake.Place, Err: errors.New("the lease is over")}
	}
	return h.Hold.Certain()
}

// requestSink pushes and purges with one request.
type requestSink struct {
	*fake.Store
	conn *connection.Connection
}

func (s requestSink) send(ctx context.Context) error {
	_, err := s.conn.Do(ctx, connection.Request{Method: http.MethodPost, Path: "/x", Body: []byte("{}"), Idempotent: true})
	return err
}

func (s requestSink) Push(ctx context.Context, _ *component.Selection, _ component.Opening) (*component.Pushed, error) {
	return &component.Pushed{}, s.send(ctx)
}

func (s requestSink) Purge(ctx context.Context, _ map[string][]string, _ component.Opening) error {
	return s.send(ctx)
}

// TestSuspended: a push or purge that was suspended during a request, and whose place may be another
// run's since, does not try the request again.
func TestSuspended(t *testing.T) {
	for name, send := range map[string]func(ctx context.Context, w *world, in state.Store) error{
		"push": func(ctx context.Context, w *world, in state.Store) error {
			_, _, err := Push(ctx, w.P, SelectOptions{Refs: []string{"component:default/c"}, RunID: "r", State: in})
			return err
		},
		"purge": func(ctx context.Context, w *world, in state.Store) error {
			return Purge(ctx, "p", w.P.Sink, in, "r")
		},
	} {
		for _, suspend := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				n := newNight(t)
				n.good(func(w *world) { w.Add("catalog", "component", "other", "fine") })
				in := &suspending{Folder: state.Folder(n.Dir)}
				var requests atomic.Int32
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if requests.Add(1) == 1 { // the machine is suspended before it has the answer
						in.suspended.Store(suspend)
						w.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					w.Header().Set("Content-Type", "application/json")
					w.Write([]byte("{}"))
				}))
				defer server.Close()
				conn, err := connection.New(connection.Default(), connection.Settings{Name: "sink", URL: server.URL,
					Allow: func(string, string) bool { return true },
					Retry: fault.Retry{Attempts: 3, Base: time.Millisecond, Cap: time.Millisecond}})
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				w := newWorld(t)
				w.Add("identities", "user", "sam", "fine")
				w.Add("catalog", "component", "c", "fine")
				w.Unread = w.Records["catalog"] // found by Confirm
				w.P.Sink = requestSink{w.Store, conn}
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				err = send(ctx, w, in)
				want := int32(2)
				if suspend {
					want = 1
				}
				if requests.Load() != want || suspend != errors.As(err, new(*state.LostError)) || !suspend && err != nil {
					t.Errorf("suspended %t: %d requests, %v", suspend, requests.Load(), err)
				}
			})
		}
	}
}
