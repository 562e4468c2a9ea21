package state

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestHidden: what is hidden is what was written, and a list that cannot be read
// is never none.
func TestHidden(t *testing.T) {
	s := open(t, t.TempDir())
	if all, err := s.Hidden(); len(all) > 0 || err != nil {
		t.Fatalf("%v, %v", all, err)
	}
	want := []Hidden{{Ref: "component:default/a", At: time.Unix(1, 0).UTC(), By: "sam"}, {Ref: "component:default/b", At: time.Unix(2, 0).UTC(), Back: time.Unix(3, 0).UTC()}}
	if err := s.SetHidden(want); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Hidden(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	save(t, s, entries[0])
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	if snap, _, _ := s.Load(true); snap != nil {
		t.Error("the last run is not forgotten")
	}
	path := s.path(".hidden")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "cut": string(good[:len(good)/2]), "another place's": strings.Replace(string(good), "backstage", "elsewhere", 1),
		"another format": strings.Replace(string(good), `"version":1`, `"version":2`, 1),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if all, err := s.Hidden(); err == nil || len(all) > 0 {
			t.Errorf("%s: %v, %v", name, all, err)
		}
	}
}
