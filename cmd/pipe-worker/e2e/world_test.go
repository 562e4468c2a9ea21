//go:build linux

package e2e

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// world is the companies with the Glean that their fleet delivers to, and the one of the last plain runs.
type world struct {
	companies    []*company
	glean, plain *gleansandbox.Server
	datasources  []gleanapi.DatasourceConfig

	mu     sync.Mutex
	order  int                    // of beginnings and ends of requests
	writes map[string][]write     // by datasource
	pids   []int                  // of the processes that may publish
	meet   func(r request) func() // sees each request before it takes effect; the result is called after; may be nil
}

// request is a request to Backstage or to Glean.
type request struct {
	process   int    // that sent it; 0: it is gone
	sends     bool   // it changes a datasource
	operation string // of Glean, or the path at Backstage
	source    string // the datasource that it changes
	body      []byte
}

// newWorld starts the servers of some companies, with generated catalogs of some entities unless entities
// is 0.
func newWorld(t testing.TB, companies, entities int) *world {
	t.Helper()
	w := &world{writes: map[string][]write{}}
	for i := range companies {
		c := newCompany(t, i, entities, func(r *http.Request) {
			if after := w.met(request{process: w.processOf(r), operation: r.URL.Path}); after != nil {
				after()
			}
		})
		w.companies = append(w.companies, c)
		w.datasources = append(w.datasources, c.datasource(t))
	}
	w.glean = startGlean(t, gleansandbox.Options{Token: sinkSecret, Datasources: w.datasources, Intercept: w.intercept})
	return w
}

func startGlean(t testing.TB, o gleansandbox.Options) *gleansandbox.Server {
	t.Helper()
	s, err := gleansandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func (w *world) processOf(r *http.Request) int {
	w.mu.Lock()
	pids := w.pids
	w.mu.Unlock()
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return processOf(r.RemoteAddr, local.String(), pids)
}

func (w *world) met(r request) func() {
	w.mu.Lock()
	meet := w.meet
	w.mu.Unlock()
	if meet == nil {
		return nil
	}
	return meet(r)
}

// intercept records each write with its place among the others.
func (w *world) intercept(r *http.Request, body []byte, answer func() gleansandbox.Answer) gleansandbox.Answer {
	datasource, one, sends := writeOf(r.URL.Path, body)
	one.process = w.processOf(r)
	after := w.met(request{process: one.process, sends: sends, operation: one.operation, source: datasource, body: body})
	one.began = w.next()
	a := answer()
	one.end = w.next()
	if sends {
		w.mu.Lock()
		w.writes[datasource] = append(w.writes[datasource], one)
		w.mu.Unlock()
	}
	if after != nil {
		after()
	}
	return a
}

func (w *world) next() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.order++
	return w.order
}

// onePublisher fails the test when a datasource had two publishers at a time.
func (w *world) onePublisher(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.companies {
		if len(w.writes[c.name]) == 0 {
			t.Errorf("%s: nothing was written", c.name)
		}
		for _, wrong := range overlaps(w.writes[c.name]) {
			t.Errorf("%s had two publishers: %s", c.name, wrong)
		}
	}
}

// environment has the secrets of the pipelines.
func environment() []string {
	return []string{"BACKSTAGE_API_TOKEN=" + sourceSecret, "GLEAN_INDEXING_API_KEY=" + sinkSecret, "CI=true"}
}

// plainRuns publishes every company with pipe run, without a fleet, into another, empty Glean.
func (w *world) plainRuns(t testing.TB, folder string) {
	t.Helper()
	w.plain = startGlean(t, gleansandbox.Options{Token: sinkSecret, Datasources: w.datasources})
	for _, c := range w.companies {
		p := pipe(t, append(environment(), "GLEAN_SERVER_URL="+w.plain.URL(), "XDG_STATE_HOME="+t.TempDir()), "run",
			folder+"/"+c.name+".yaml", "--progress", "none")
		if code := p.exit(t); code != 0 && code != 3 {
			t.Fatalf("pipe run of %s: exit %d: %s", c.name, code, p.said())
		}
	}
}

// rightIndexes fails the test when an index of the fleet differs from that of a plain run.
func (w *world) rightIndexes(t testing.TB) {
	t.Helper()
	for _, c := range w.companies {
		want := contentOf(w.plain.Index(c.name))
		if len(want.documents) < 50 || len(want.finders) != len(want.documents) {
			t.Errorf("%s: a plain run gives %d documents", c.name, len(want.documents))
		}
		got := w.glean.Index(c.name)
		for _, d := range contentOf(got).differences(want) {
			t.Errorf("%s: %s", c.name, d)
		}
		if left := got.Unfinished(); len(left) > 0 {
			t.Errorf("%s: uploads are not finished: %+v", c.name, left)
		}
	}
}

// TestPlainRuns: the harness itself gives the same index twice, and notices another one.
func TestPlainRuns(t *testing.T) {
	w := newWorld(t, 2, 0)
	folder := t.TempDir()
	for _, c := range w.companies {
		c.write(t, folder, w.glean.URL())
	}
	w.plainRuns(t, folder)
	for _, c := range w.companies {
		p := pipe(t, append(environment(), "XDG_STATE_HOME="+t.TempDir()), "run", folder+"/"+c.name+".yaml",
			"--progress", "none")
		w.mu.Lock()
		w.pids = []int{p.cmd.Process.Pid}
		w.mu.Unlock()
		if code := p.exit(t); code != 0 && code != 3 {
			t.Fatalf("exit %d: %s", code, p.said())
		}
		for _, one := range w.writes[c.name] {
			if one.process != p.cmd.Process.Pid {
				t.Errorf("%s, and its process is %d", one, p.cmd.Process.Pid)
			}
		}
	}
	w.rightIndexes(t)
	w.onePublisher(t)
	c := w.companies[0]
	if len(contentOf(w.glean.Index(c.name)).differences(contentOf(w.plain.Index(w.companies[1].name)))) == 0 {
		t.Error("two companies have the same index")
	}
	index := w.glean.Index(c.name)
	all := gleantest.Text(index.Documents) + gleantest.Text(index.Users)
	for _, want := range []string{canaryRef, canaryTitle, canaryText, canaryMail} {
		if !strings.Contains(all, want) {
			t.Errorf("%q was not sent", want)
		}
	}
}
