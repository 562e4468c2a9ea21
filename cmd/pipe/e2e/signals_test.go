package e2e

import (
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

const stopping = "a second signal stops it at once"

// small pages give every stream several.
var small = []string{"run", "--progress", "none", "--set", "@sink.batch.documents=5", "--set",
	"@sink.requests_per_second=0", shipped}

// TestSignalWhileReading: the first signal ends a read immediately, and nothing was sent.
func TestSignalWhileReading(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		signal os.Signal
		code   int
	}{
		"SIGINT":  {os.Interrupt, 130},
		"SIGTERM": {syscall.SIGTERM, 143},
		"SIGHUP":  {syscall.SIGHUP, 129},
		"SIGQUIT": {syscall.SIGQUIT, 131},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if signal.Ignored(tc.signal) {
				t.Skip("the tests were started with this signal ignored, and so is their child")
			}
			g := newGate(t)
			w := newWorld(t, backstagesandbox.Options{Observe: func(r *http.Request) {
				if strings.Contains(strings.ToLower(r.URL.RawQuery), "component") {
					g.hold()
				}
			}}, gleansandbox.Options{})
			t.Cleanup(g.release) // before the server is closed
			p := startProcess(t, w.env, small...)
			g.wait(t)
			p.signal(tc.signal, stopping)
			if code := p.exit(); code != tc.code || !strings.Contains(p.text(), "nothing sent") {
				t.Errorf("exit %d, want %d\n%s", code, tc.code, p.text())
			}
			if n := len(w.index().Uploads); n > 0 {
				t.Errorf("%d uploads were begun", n)
			}
		})
	}
}

// TestSignalToReaders: commands that only read end immediately.
func TestSignalToReaders(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{{"doctor", shipped}, {"show", shipped, "components"}} {
		t.Run(command[0], func(t *testing.T) {
			t.Parallel()
			g := newGate(t)
			w := newWorld(t, backstagesandbox.Options{Observe: func(*http.Request) { g.hold() }}, gleansandbox.Options{})
			t.Cleanup(g.release) // before the server is closed
			p := startProcess(t, w.env, command...)
			g.wait(t)
			p.signal(os.Interrupt, stopping)
			if code := p.exit(); code != 130 {
				t.Errorf("exit %d\n%s", code, p.text())
			}
		})
	}
}

// TestSignalWhilePublishing: after the first signal the running upload is completed and no
// other begun; the next run delivers the rest.
func TestSignalWhilePublishing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stream string
		then   map[string]int // uploads that are there afterwards
	}{
		"users":     {"users", map[string]int{"users": 1}},
		"groups":    {"groups", map[string]int{"users": 1, "groups": 1}},
		"documents": {"documents", map[string]int{"users": 1, "groups": 1, "memberships": 12, "documents": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, g := gated(t, tc.stream)
			p := startProcess(t, w.env, small...)
			g.wait(t)
			p.signal(os.Interrupt, stopping)
			g.release()
			if code := p.exit(); code != 130 {
				t.Errorf("exit %d\n%s", code, p.text())
			}
			got := uploads(t, w)
			for stream, n := range got {
				if n != tc.then[stream] {
					t.Errorf("uploads of %s: %d, want %d", stream, n, tc.then[stream])
				}
			}
			if len(got) != len(tc.then) {
				t.Errorf("uploads %v, want %v", got, tc.then)
			}
			repaired(t, w)
		})
	}
}

// TestSecondSignal: it ends the program immediately, even during an upload; the next run
// discards the unfinished one.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	w, g := gated(t, "documents")
	p := startProcess(t, w.env, small...)
	g.wait(t)
	p.signal(os.Interrupt, stopping)
	p.signal(syscall.SIGTERM, "")
	if code := p.exit(); code != 130 {
		t.Errorf("exit %d\n%s", code, p.text())
	}
	g.release()
	repaired(t, w)
}

// gated is a world whose index server holds back the answers to a stream.
func gated(t *testing.T, stream string) (*world, *gate) {
	t.Helper()
	g := newGate(t)
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{Observe: func(e gleansandbox.Exchange) {
		if strings.HasSuffix(e.Path, "/bulkindex"+stream) {
			g.hold()
		}
	}})
	t.Cleanup(g.release) // before the server is closed
	return w, g
}

// uploads counts the uploads of each stream, which must all have ended.
func uploads(t *testing.T, w *world) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, u := range w.index().Uploads {
		out[u.Stream]++
		if u.Ended.IsZero() || u.Discarded {
			t.Errorf("the upload of %s was not ended: %+v", u.Stream, u)
		}
	}
	return out
}

// repaired runs the pipeline undisturbed and compares the result with an undisturbed index.
func repaired(t *testing.T, w *world) {
	t.Helper()
	if c := w.pipe(t, small...); c.code != 0 {
		t.Errorf("the next run: exit %d\n%s", c.code, c.both())
	}
	catalog := catalogOf(t, backstagesandbox.Company())
	index := w.index()
	for ref, fate := range catalog.fates() {
		if _, there := index.Documents[ref]; there != (fate == asDocument) {
			t.Errorf("%s (%s): in the index %t", ref, fate, there)
		}
	}
	catalog.access(t, index)
}
