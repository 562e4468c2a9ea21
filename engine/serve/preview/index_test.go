package preview_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// TestCloseInUse: an index that is closed ends when it is no longer lent, and Close returns then.
func TestCloseInUse(t *testing.T) {
	x := newWorld(t).build()
	lent, release := x.Lend()
	closed := make(chan error)
	go func() { closed <- x.Close() }()
	for range 100 {
		if got := ids(t, lent, preview.Query{Text: "shared", View: preview.After}); got != "open" {
			t.Errorf("a lent index finds %q", got)
		}
	}
	select {
	case err := <-closed:
		t.Errorf("Close returned while the index is lent: %v", err)
	default:
	}
	release()
	release() // does nothing
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := x.Document(t.Context(), "open", preview.AnyUser, preview.After); !errors.Is(err, preview.ErrClosed) {
		t.Errorf("a document after Close: %v", err)
	}
	if _, err := x.Explain(t.Context(), "open", ""); !errors.Is(err, preview.ErrClosed) {
		t.Errorf("an explanation after Close: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

// TestCloseWhileSearched: a search gives its results or ErrClosed, whenever Close is called.
func TestCloseWhileSearched(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		x := w.build()
		var wg sync.WaitGroup
		begun := make(chan struct{}, 4)
		for range 4 {
			wg.Go(func() {
				for n := 0; ; n++ {
					r, err := x.Search(context.Background(), preview.Query{Text: "shared", View: preview.After})
					if n == 0 {
						begun <- struct{}{}
					}
					switch {
					case errors.Is(err, preview.ErrClosed):
						return
					case err != nil || r.Total != 1:
						t.Errorf("%+v, %v", r, err)
						return
					}
				}
			})
		}
		<-begun
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

// TestTextsEnd: a closed index, one whose building failed, and one that panicked have no open file.
func TestTextsEnd(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("this system does not list open files")
	}
	w := newWorld(t)
	x := w.build()
	if n := len(scratches(t)); n == 0 {
		t.Fatal("an open index has no open file")
	}
	x.Close()
	w.write(people + pages + "no record")
	j, err := job.Open(t.Context(), w.options())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := preview.Build(t.Context(), j, w.dir, job.RunOptions{}); err == nil {
		t.Error("a source with an error gives an index")
	}
	w.write(people + pages)
	if j, err = job.Open(t.Context(), w.options()); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	j.Pipeline.Sink = &defect{Sink: j.Pipeline.Sink}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		preview.Build(t.Context(), j, w.dir, job.RunOptions{})
	}()
	if left := scratches(t); len(left) > 0 {
		t.Errorf("open files: %v", left)
	}
}

// defect is a sink that panics after the documents were read.
type defect struct {
	component.Sink
	read atomic.Bool
}

func (d *defect) Card(stream string, body []byte) (component.Card, error) {
	d.read.Store(true)
	return d.Sink.(component.Presenter).Card(stream, body)
}

func (d *defect) Place() string {
	if d.read.Load() {
		panic("a defect")
	}
	return d.Sink.Place()
}

// scratches returns the open files of scratch databases.
func scratches(t *testing.T) (out []string) {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name, err := os.Readlink(filepath.Join("/proc/self/fd", f.Name())); err == nil &&
			strings.Contains(name, "scratch.db") {
			out = append(out, name)
		}
	}
	return out
}
