package serve_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
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
