package serve_test

import (
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
)

// TestEditWaitsForVariable: an edit that cannot be used yet is tried again without another edit, ever
// less often, and before each run; its problem is logged once.
func TestEditWaitsForVariable(t *testing.T) {
	w := newWorld(t, nightly)
	lookup := w.Options.Job.Lookup
	var there atomic.Bool
	var tries atomic.Int32
	w.Options.Job.Lookup = func(name string) (string, bool) {
		if name != "LATER" {
			return lookup(name)
		}
		tries.Add(1)
		if !there.Load() {
			return "", false
		}
		return lookup("HANDBOOK_OUT")
	}
	lines := logLines(w)
	p := w.Start()
	w.Settle()
	text, err := os.ReadFile(w.File)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "${HANDBOOK_OUT:-out}", "${LATER}", 1)
	edited = strings.Replace(edited, "30 12 * * *", "45 13 * * *", 1)
	w.WriteFile(edited)
	w.Pass(10 * time.Minute)
	if edit := p.Status().Edit; edit == nil || !strings.Contains(edit.Error(), "LATER") {
		t.Fatalf("the problem of the edit: %v", edit)
	}
	if n := tries.Load(); n < 6 || n > 12 { // two look-ups each
		t.Errorf("the edit was tried %d times in ten minutes", n)
	}
	logged := 0
	for more := true; more; {
		select {
		case line := <-lines:
			if strings.Contains(line, "cannot be used") {
				logged++
			}
		default:
			more = false
		}
	}
	if logged != 1 {
		t.Errorf("the problem is logged %d times", logged)
	}
	there.Store(true)
	w.Pass(11 * time.Minute)
	if s := p.Status(); s.Edit != nil || s.Next.Minute() != 45 {
		t.Errorf("after the variable was set: %v, next run at %v", s.Edit, s.Next)
	}
}

// TestEditTriedBeforeRun: a run tries an edit that could not be used before.
func TestEditTriedBeforeRun(t *testing.T) {
	w := newWorld(t, "")
	lookup := w.Options.Job.Lookup
	var there atomic.Bool
	w.Options.Job.Lookup = func(name string) (string, bool) {
		if name == "LATER" && there.Load() {
			return "x", true
		}
		return lookup(name)
	}
	p := w.Start()
	w.Settle()
	text, err := os.ReadFile(w.File)
	if err != nil {
		t.Fatal(err)
	}
	w.WriteFile(strings.Replace(string(text), "description: ", "description: ${LATER} ", 1))
	w.Pass(10 * time.Minute)
	if p.Status().Edit == nil {
		t.Fatal("the edit is used without the variable")
	}
	there.Store(true)
	if r := w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI}); r.Class != int(job.Done) {
		t.Errorf("the run: %+v", r)
	}
	if edit := p.Status().Edit; edit != nil {
		t.Errorf("after the run: %v", edit)
	}
}
