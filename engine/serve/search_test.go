package serve_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
)

// readIndex reads an index and waits until it is ready.
func readIndex(t *testing.T, p *serve.Pipeline) serve.SearchStatus {
	t.Helper()
	if err := p.ReadIndex(); err != nil {
		t.Fatal(err)
	}
	return indexRead(t, p)
}

// indexRead waits until no index is being read.
func indexRead(t *testing.T, p *serve.Pipeline) serve.SearchStatus {
	t.Helper()
	for range 10_000 {
		if s := p.SearchStatus(); !s.Reading {
			return s
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the index has not been read after ten seconds")
	return serve.SearchStatus{}
}

// TestIndexReplaced: searches and opened documents succeed while the index is replaced.
func TestIndexReplaced(t *testing.T) {
	w := newWorld(t, "")
	w.Write(40, 20)
	p := w.Start()
	w.Settle()
	if s := readIndex(t, p); !s.Ready {
		t.Fatal(s.Err)
	}
	pages := preview.Handler(preview.Options{Index: p.Index})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, path := range []string{"/?q=page", "/document?id=page-30", "/?as=ann&q=page", "/document?as=ann&id=page-1"} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				rw := httptest.NewRecorder()
				pages.ServeHTTP(rw, httptest.NewRequest(http.MethodGet, path, nil))
				if rw.Code != http.StatusOK {
					t.Errorf("%s: %d\n%s", path, rw.Code, rw.Body)
					return
				}
			}
		})
	}
	for range 10 {
		if s := readIndex(t, p); !s.Ready || s.Err != nil {
			t.Error(s)
		}
	}
	close(stop)
	wg.Wait()
	x, release := p.Index()
	readIndex(t, p)
	if _, err := x.Search(t.Context(), preview.Query{View: preview.After}); err != nil {
		t.Errorf("a search in an index that is lent and was replaced: %v", err)
	}
	release()
	last, release := p.Index()
	release()
	w.End()
	for _, x := range []*preview.Index{x, last} {
		if _, err := x.Search(t.Context(), preview.Query{}); !errors.Is(err, preview.ErrClosed) {
			t.Errorf("a search after the server ended: %v", err)
		}
	}
	if x, _ := p.Index(); x != nil {
		t.Error("there is an index after the server ended")
	}
	if err := p.ReadIndex(); err == nil {
		t.Error("an index is read after the server ended")
	}
}

// TestIndexForgotten: an index that is not used is closed after half an hour, also while a run
// goes on.
func TestIndexForgotten(t *testing.T) {
	opens := make(chan func(), 1)
	w := hooked(t, func() {
		select {
		case do := <-opens:
			do()
		default:
		}
	})
	p := w.Start()
	w.Settle()
	if s := readIndex(t, p); !s.Ready {
		t.Fatal(s.Err)
	}
	begun, goOn := make(chan struct{}), make(chan struct{})
	opens <- func() { close(begun); <-goOn }
	ticket, err := p.Trigger(serve.Request{By: "x", How: serve.ByAPI})
	if err != nil {
		t.Fatal(err)
	}
	<-begun // the pipeline waits for the run, and its clock is that of the index
	w.Clock.Advance(20 * time.Minute)
	x, release := p.Index()
	if x == nil {
		t.Fatal("the index is gone after 20 minutes")
	}
	release()
	w.Settle()
	w.Clock.Advance(29 * time.Minute)
	w.Settle()
	if !p.SearchStatus().Ready {
		t.Error("the index is gone 29 minutes after it was used")
	}
	w.Clock.Advance(2 * time.Minute)
	for range 10_000 {
		if !p.SearchStatus().Ready {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if p.SearchStatus().Ready {
		t.Error("the index is there half an hour after it was used")
	}
	if _, err := x.Search(t.Context(), preview.Query{}); !errors.Is(err, preview.ErrClosed) {
		t.Errorf("a search in an index that was forgotten: %v", err)
	}
	close(goOn)
	<-ticket.Ended()
}

// hooked returns a server of the handbook that calls open whenever the source is opened.
func hooked(t *testing.T, open func()) *servetest.World {
	t.Helper()
	r := registry()
	inner := r.Sources[0].Open
	r.Sources[0].Open = func(cfg any, s component.Settings) (component.Source, error) {
		open()
		return inner(cfg, s)
	}
	return servetest.New(t, r, "../../pipelines/examples/files/handbook.yaml", "")
}

// TestDefects: a panic in a run, in the reading of an index or of an edited file does not end the
// server, and is in the log with its stack.
func TestDefects(t *testing.T) {
	var mu sync.Mutex
	broken := false
	set := func(to bool) {
		mu.Lock()
		defer mu.Unlock()
		broken = to
	}
	r := registry()
	fail := func() {
		mu.Lock()
		defer mu.Unlock()
		if broken {
			panic("the test's defect")
		}
	}
	source, sink := r.Sources[0].Open, r.Sinks[0].Open
	r.Sources[0].Open = func(cfg any, s component.Settings) (component.Source, error) { fail(); return source(cfg, s) }
	r.Sinks[0].Open = func(cfg any, s component.Settings) (component.Sink, error) { fail(); return sink(cfg, s) }
	w := servetest.New(t, r, "../../pipelines/examples/files/handbook.yaml", "")
	var log logText
	w.Options.Log = slog.New(slog.NewTextHandler(&log, nil))
	p := w.Start()
	w.Settle()
	set(true)
	logged := func(ended string) {
		t.Helper()
		if text := log.take(); !strings.Contains(text, "a defect in pipe ended "+ended) ||
			!strings.Contains(text, "search_test.go") {
			t.Errorf("the log of a defect in %s: %s", ended, text)
		}
	}
	if r := w.Trigger(p, serve.Request{By: "x", How: serve.ByAPI}); r.Class != int(job.Failed) || len(r.Causes) == 0 {
		t.Errorf("the run: %+v", r)
	}
	logged("the run")
	if s := readIndex(t, p); s.Ready || s.Err == nil {
		t.Errorf("the index: %+v", s)
	}
	logged("the reading of the documents to search")
	text, err := os.ReadFile(w.File)
	if err != nil {
		t.Fatal(err)
	}
	w.WriteFile(string(text) + "# edited\n")
	w.Pass(time.Minute)
	if p.Status().Edit == nil {
		t.Error("the edit is accepted")
	}
	logged("the reading of the pipeline file")
	set(false)
	if r := w.Trigger(p, serve.Request{By: "x", How: serve.ByAPI}); r.Class != int(job.Done) {
		t.Errorf("the run after the repair: %+v", r)
	}
	if s := readIndex(t, p); !s.Ready {
		t.Errorf("the index after the repair: %+v", s)
	}
}

// logText is a log that is written and read from several goroutines.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logText) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.b.String()
	l.b.Reset()
	return text
}
