package job_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/state"
)

// TestRemembered: after a run the state folder has its counts, and refs are completed and
// checked with it.
func TestRemembered(t *testing.T) {
	f := newFrontEnd(t)
	f.write(100, 50, "")
	q := f.request()
	first := job.Run(t.Context(), q)
	if first.Class != job.Done {
		t.Fatal(first.Err)
	}
	j, err := job.Open(t.Context(), q.Open)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	last, hidden, err := j.Remembered()
	if err != nil || last == nil || last.Run != first.Report.RunID || last.Streams["documents"] != 100 ||
		len(hidden) != 0 {
		t.Errorf("%+v, %v, %v", last, hidden, err)
	}
	if refs, err := j.WholeRefs([]string{"page-1", "ann"}); err != nil || !slices.Equal(refs, []string{"page-1", "ann"}) {
		t.Errorf("%v, %v", refs, err)
	}
	if near := j.NearRefs("page-"); len(near) == 0 {
		t.Error("no ref is near page-")
	}
	s, err := job.ReadState(j.State, j.Pipeline.Sink.Place())
	if err != nil || s.Baseline != "intact" || s.LastRun == nil || s.Owner == "" ||
		len(s.Files) == 0 || len(s.Approvals) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestRememberedNothing: without a run or a state folder, there is no state; an unreadable
// state folder is a wrong request.
func TestRememberedNothing(t *testing.T) {
	f := newFrontEnd(t)
	f.write(1, 0, "")
	for _, in := range []state.Store{state.Folder(filepath.Join(f.dir, "state")), state.None{}} {
		o := f.request().Open
		o.State = in
		j, err := job.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if (j.State == nil) != (in == state.None{}) {
			t.Errorf("state %q: the store is %v", in, j.State)
		}
		if last, hidden, err := j.Remembered(); last != nil || len(hidden) != 0 || err != nil {
			t.Errorf("%s: %+v, %v, %v", in, last, hidden, err)
		}
		if near := j.NearRefs("page-1"); near != nil {
			t.Errorf("%s: %v", in, near)
		}
		j.Close()
	}
	o := f.request().Open
	o.State = state.Folder(filepath.Join(f.dir, "file"))
	if err := os.WriteFile(o.State.String(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := job.Open(t.Context(), o); job.ClassOf(err) != job.Wrong {
		t.Errorf("class %d: %v", job.ClassOf(err), err)
	}
}
