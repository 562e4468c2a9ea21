package baseline

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// lockedAfter calls a function before a lock is taken, as when another process has it first.
type lockedAfter struct {
	state.Files
	first func()
}

func (f lockedAfter) Lock(name string, wait time.Duration) (state.Files, func() error, error) {
	f.first()
	return f.Files.Lock(name, wait)
}

// TestUseAfterAnother: a run marks an approval as used with those of all people who approved before it has
// the lock.
func TestUseAfterAnother(t *testing.T) {
	changes := []fault.Change{{Stream: "documents", ID: "a", Ref: "a", After: fault.Gone, N: 1}}
	id, dir, now := fault.Digest(changes), t.TempDir(), time.Now()
	store := open(t, dir)
	if err := store.Refuse(Refusal{ID: id, At: now, Changes: changes}); err != nil {
		t.Fatal(err)
	}
	approve := func(by string) {
		if _, _, err := Approve(state.Folder(dir), place, Approval{ID: id, At: time.Now(), By: by}); err != nil {
			t.Error(err)
		}
	}
	approve("sam")
	store.files = lockedAfter{store.files, func() { approve("ann") }}
	if err := store.Use(Approval{ID: id, At: now, By: "cron", UsedBy: "01RUN", UsedAt: now}, false); err != nil {
		t.Fatal(err)
	}
	a, err := store.Approval(id)
	if err != nil || a.UsedBy != "01RUN" || a.UsedAt.IsZero() || a.By != "ann" || len(a.Others) != 1 ||
		a.Others[0].By != "sam" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestUseAtOnce: an approval that a run uses while a person approves is used afterwards, whoever is first.
func TestUseAtOnce(t *testing.T) {
	changes := []fault.Change{{Stream: "documents", ID: "a", Ref: "a", After: fault.Gone, N: 1}}
	id := fault.Digest(changes)
	for range 50 {
		dir := t.TempDir()
		store := open(t, dir)
		at := time.Now()
		if err := store.Refuse(Refusal{ID: id, At: at, Changes: changes}); err != nil {
			t.Fatal(err)
		}
		if err := store.Approve(Approval{ID: id, At: at, By: "sam"}); err != nil {
			t.Fatal(err)
		}
		begin, both := make(chan struct{}), sync.WaitGroup{}
		both.Go(func() {
			<-begin
			if err := store.Use(Approval{ID: id, UsedBy: "01RUN", UsedAt: time.Now()}, false); err != nil {
				t.Error(err)
			}
		})
		both.Go(func() {
			<-begin
			_, _, err := Approve(state.Folder(dir), place, Approval{ID: id, At: time.Now(), By: "ann"})
			if err != nil && !strings.Contains(err.Error(), "was used by run 01RUN") {
				t.Error(err)
			}
		})
		close(begin)
		both.Wait()
		if a, err := store.Approval(id); err != nil || a.UsedBy != "01RUN" {
			t.Fatalf("%+v, %v", a, err)
		}
	}
}

// TestUseUnreadable: an approval that cannot be read is not written again without its people. One that is
// not stored is that of the caller.
func TestUseUnreadable(t *testing.T) {
	const id = "aaaaaaaaaaaa"
	dir, now := t.TempDir(), time.Now()
	store := open(t, dir)
	use := func(approved bool) error {
		return store.Use(Approval{ID: id, At: now, By: "ann", UsedBy: "01RUN", UsedAt: now}, approved)
	}
	if err := use(false); err != nil {
		t.Fatal(err)
	}
	if a, err := store.Approval(id); err != nil || a.By != "ann" || a.UsedBy != "01RUN" {
		t.Errorf("%+v, %v", a, err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.approval-"+id))
	if len(files) != 1 {
		t.Fatal(files)
	}
	damage(t, files[0])
	before, _ := os.ReadFile(files[0])
	for _, approved := range []bool{false, true} {
		if err := use(approved); err == nil || !strings.Contains(err.Error(), "mark approval "+id+" as used") {
			t.Errorf("approved %t: %v", approved, err)
		}
	}
	if after, _ := os.ReadFile(files[0]); string(after) != string(before) {
		t.Error("it was written again")
	}
}
