package baseline

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/state"
)

// TestHidden: the list is read as it was written, and an unreadable list is never an empty one.
func TestHidden(t *testing.T) {
	s := open(t, t.TempDir())
	if all, err := s.Hidden(); len(all) > 0 || err != nil {
		t.Fatalf("%v, %v", all, err)
	}
	want := []Hidden{{Ref: "component:default/a", At: time.Unix(1, 0).UTC(), By: "sam", IDs: []string{"svc-1"},
		Hashes: []string{HashText(codec.Hash([]byte("svc-2")))}},
		{Ref: "component:default/b", At: time.Unix(2, 0).UTC(), Back: time.Unix(3, 0).UTC()}}
	setHidden(t, s, want...)
	if got, err := s.Hidden(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	save(t, s, entries[0])
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	if b, _ := s.Load(); b.Snapshot != nil {
		t.Error("the last run is not forgotten")
	}
	path := s.path(".hidden")
	if info, err := os.Stat(path); err != nil || !private(info) {
		t.Errorf("%v, %v", info, err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "cut": string(good[:len(good)/2]),
		"of another place": strings.Replace(string(good), "backstage", "elsewhere", 1),
		"a FIFO":           "",
		"a hash":           strings.Replace(string(good), `"hashes":["`, `"hashes":["x`, 1),
		"no ref":           strings.Replace(string(good), `component:default/b`, ``, 1),
		"another format":   strings.Replace(string(good), `"version":1`, `"version":2`, 1),
	} {
		os.Remove(path)
		if name == "a FIFO" {
			if err := makeFIFO(path); err != nil {
				t.Logf("%s: left out: %v", name, err)
				continue
			}
		} else if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if all, err := s.Hidden(); err == nil || len(all) > 0 {
			t.Errorf("%s: %v, %v", name, all, err)
		}
		if err := s.UpdateHidden(func(all []Hidden) ([]Hidden, error) { return all, nil }); err == nil {
			t.Errorf("%s: a list that cannot be read was replaced", name)
		}
	}
}

// setHidden replaces the hidden list.
func setHidden(t *testing.T, s *Store, all ...Hidden) {
	t.Helper()
	if err := s.UpdateHidden(func([]Hidden) ([]Hidden, error) { return all, nil }); err != nil {
		t.Fatal(err)
	}
}

// TestHiddenSurvivesTheBaseline: a damaged state file, a sweep by a run that takes the place,
// and a process that is killed while writing leave the list unchanged.
func TestHiddenSurvivesTheBaseline(t *testing.T) {
	s := open(t, t.TempDir())
	want := Hidden{Ref: "component:default/a", At: time.Unix(1, 0).UTC()}
	setHidden(t, s, want)
	for _, suffix := range []string{".state", ".tmp-1"} {
		if err := os.WriteFile(s.path(suffix), []byte("dam"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.Load()
	lock, err := s.Lock("01R")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if got, err := s.Hidden(); err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	setHidden(t, s, want, want) // also while a run holds the place
	if got, err := s.Hidden(); err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
}

// TestUpdateHiddenTogether: simultaneous updates by several stores of one folder lose no entry,
// and a run that takes the place does not interfere.
func TestUpdateHiddenTogether(t *testing.T) {
	dir := t.TempDir()
	const writers, each = 8, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s, err := Open(state.Folder(dir), place)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range each {
				err := s.UpdateHidden(func(all []Hidden) ([]Hidden, error) {
					return append(all, Hidden{Ref: fmt.Sprintf("component:default/%d-%d", w, i)}), nil
				})
				if err != nil {
					t.Error(err)
				}
				if lock, err := s.Lock("01R"); err == nil {
					lock.Release()
				}
			}
		}()
	}
	wg.Wait()
	if all, err := open(t, dir).Hidden(); err != nil || len(all) != writers*each {
		t.Errorf("%d entries of %d, %v", len(all), writers*each, err)
	}
}
