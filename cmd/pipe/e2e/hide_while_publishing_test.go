package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// moment is when a request of a run has taken effect in Glean and its answer is
// held back.
type moment func(e gleansandbox.Exchange, p gleanapi.Page, documents int) bool

func documentsPage(e gleansandbox.Exchange) bool {
	return strings.HasSuffix(e.Path, "/bulkindexdocuments")
}

var hideMoments = map[string]moment{
	"before the documents": func(e gleansandbox.Exchange, _ gleanapi.Page, _ int) bool {
		return strings.HasSuffix(e.Path, "/bulkindexusers")
	},
	"after the first page": func(e gleansandbox.Exchange, p gleanapi.Page, _ int) bool {
		return documentsPage(e) && p.IsFirstPage
	},
	"after its page": func(e gleansandbox.Exchange, _ gleanapi.Page, _ int) bool {
		return documentsPage(e) && strings.Contains(string(e.Body), `"id":"`+scorer+`"`)
	},
	// 9 a page of 56
	"before the last page": func(e gleansandbox.Exchange, _ gleanapi.Page, n int) bool {
		return documentsPage(e) && n == 54
	},
	"the last answer is held": func(e gleansandbox.Exchange, p gleanapi.Page, _ int) bool {
		return documentsPage(e) && p.IsLastPage
	},
	"after the run": nil,
}

// TestHideDuringARun: a document that is hidden at any moment of a run is not
// there afterwards, neither is it remembered as delivered; every other document is.
// hide waits for nothing.
func TestHideDuringARun(t *testing.T) {
	t.Parallel()
	for name, at := range hideMoments {
		for _, visible := range []bool{false, true} {
			for _, ref := range []string{scorer, payments} {
				t.Run(fmt.Sprintf("%s of %s, pages are found at once: %v", name, ref, visible), func(t *testing.T) {
					t.Parallel()
					hideDuring(t, at, ref, gleansandbox.Rules{VisibleBeforeLastPage: visible})
				})
			}
		}
	}
}

func hideDuring(t *testing.T, at moment, ref string, rules gleansandbox.Rules) {
	g := newGate(t)
	var mu sync.Mutex
	armed, documents := false, 0
	w := newWorld(t, backstagesandbox.Options{},
		gleansandbox.Options{Rules: rules, Observe: func(e gleansandbox.Exchange) {
			var p gleanapi.Page
			if at == nil || !strings.Contains(e.Path, "/bulkindex") || codec.Unmarshal(e.Body, &p) != nil {
				return
			}
			mu.Lock()
			if documentsPage(e) && armed {
				documents += strings.Count(string(e.Body), `"permissions":`)
			}
			now := armed && at(e, p, documents)
			mu.Unlock()
			if now {
				g.hold()
			}
		}})
	t.Cleanup(g.release) // before the server is closed
	w.run(t).expect(t, int(job.Done))
	mu.Lock()
	armed = true
	mu.Unlock()

	ran := make(chan call, 1)
	report := t.TempDir() + "/report.ndjson"
	go func() {
		ran <- w.run(t, "--full", "--report", report, "--set", "@sink.concurrency=1")
	}()
	hide := func() {
		t.Helper()
		done := make(chan call, 1)
		go func() { done <- w.pipe(t, "hide", shipped, ref, "--no-mentions") }()
		select {
		case c := <-done:
			c.expect(t, int(job.Done), ref+": deleted, and hidden until")
		case <-time.After(patience):
			t.Error("hide waits for the run")
		}
	}
	if at != nil {
		g.wait(t)
		hide()
		g.release()
	}
	var c call
	select {
	case c = <-ran:
	case <-time.After(patience):
		t.Fatal("the run does not end")
	}
	notes := []string{"1 document hidden with pipe hide while the run published"}
	if at == nil {
		hide()
		notes = []string{"!while the run published"}
	}
	c.expect(t, int(job.Done), notes...)
	if d, there := w.index().Document(ref); there {
		t.Errorf("it is there, for %v", d.Permissions)
	}
	if n := len(w.index().Documents); n != 55 {
		t.Errorf("%d documents, want 55", n)
	}
	if got := w.audienceOf(t, ref); at != nil && got != "nobody" {
		t.Errorf("it is remembered as found by %s", got)
	}
	w.sumsUp(t, report, at != nil)
	w.run(t).expect(t, int(job.Done), "1 document hidden with pipe hide: "+ref, "!while the run published")
	w.pipe(t, "hide", shipped, "--unhide", ref).expect(t, int(job.Done))
	w.run(t).expect(t, int(job.Done), "0 documents found by more people")
	if n := len(w.index().Documents); n != 56 {
		t.Errorf("%d documents, want 56", n)
	}
}

// audienceOf returns who finds a document by the last good run.
func (w *world) audienceOf(t *testing.T, ref string) (audience string) {
	t.Helper()
	store, err := baseline.Open(state.Folder(w.state+"/pipe"), w.glean.URL()+" backstage")
	if err != nil {
		t.Fatal(err)
	}
	snap, err := store.Load()
	if err != nil || snap.Condition != baseline.Intact {
		t.Fatal(snap.Problem, err)
	}
	defer snap.Close()
	for e, err := range snap.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Ref == ref && e.Audience != "" {
			audience = e.Audience
		}
	}
	return audience
}

// sumsUp checks the counts of a report (invariant 3).
func (w *world) sumsUp(t *testing.T, path string, hidden bool) {
	t.Helper()
	var r run.Report
	if err := codec.Unmarshal([]byte(fileText(t, path)), &r); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, n := range r.Endings {
		total += n
	}
	if total != r.Read {
		t.Errorf("%d records ended, %d were read", total, r.Read)
	}
	for _, s := range r.Streams {
		if s.Name != "documents" {
			continue
		}
		delivered, audience := 56, 0
		if hidden {
			delivered = 55
		}
		for a, n := range r.Audience {
			if a != access.Nobody {
				audience += n
			}
		}
		types := 0
		for _, n := range s.Types {
			types += n
		}
		if s.Counts[component.Delivered] != delivered || audience != delivered || types != delivered {
			t.Errorf("%d documents delivered, %d in the audiences, %d in the types; want %d", s.Counts[component.Delivered],
				audience, types, delivered)
		}
	}
}

// TestHidePageInFlight: the last page with the document is in flight to Glean when the
// document is hidden, and takes effect after that.
func TestHidePageInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	w.run(t).expect(t, int(job.Done))
	onTheWay := make(chan struct{})
	var once sync.Once
	w.glean.Fail(gleanfaults.Fault{Path: "bulkindexdocuments", Page: gleanfaults.LastPage, Delay: 3 * time.Second,
		Times: 1,
		Match: func([]byte) bool { once.Do(func() { close(onTheWay) }); return true }})
	ran := make(chan call, 1)
	go func() {
		ran <- w.pipe(t, "run", "--full", shipped, "--progress", "none", "--set", "@sink.timeout=20s")
	}()
	select {
	case <-onTheWay:
	case <-time.After(patience):
		t.Fatal("no last page was sent")
	}
	w.pipe(t, "hide", shipped, scorer, "--no-mentions").expect(t, int(job.Done))
	select {
	case c := <-ran:
		c.expect(t, int(job.Done),
			"1 document hidden with pipe hide while the run published, and hidden again after the upload: "+scorer)
	case <-time.After(patience):
		t.Fatal("the run does not end")
	}
	if _, there := w.index().Document(scorer); there {
		t.Error("it is there")
	}
}

// TestHiddenListLostWhilePublishing: a list that cannot be read any more leaves the
// upload of documents unfinished.
func TestHiddenListLostWhilePublishing(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	k.pipe(t, "hide", shipped, scorer, "--no-mentions").expect(t, int(job.Done))
	k.glean.Fail(gleanfaults.Fault{Path: "bulkindexusers", Status: http.StatusServiceUnavailable, Times: 1,
		Match: func([]byte) bool {
			k.spoilHidden(t)
			return true
		}})
	before := k.index().Documents
	k.run(t, "--full").expect(t, int(job.Failed), "read the hidden list again: ", "is not the hidden list of",
		"restore the file from a copy")
	if n := len(k.index().Documents); n != len(before) {
		t.Errorf("%d documents, there were %d", n, len(before))
	}
}
