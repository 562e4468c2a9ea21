package baseline

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/state"
)

func TestOwner(t *testing.T) {
	s := open(t, t.TempDir())
	if _, found, err := s.Owner(); found || err != nil {
		t.Fatalf("before any run: %v, %v", found, err)
	}
	want := Owner{ID: NewOwnerID(), Created: time.Now().UTC(), Begun: true}
	if err := s.SetOwner(want); err != nil {
		t.Fatal(err)
	}
	if got, found, err := s.Owner(); got != want || !found || err != nil {
		t.Errorf("%+v, %v, %v", got, found, err)
	}
	if info, err := os.Stat(s.path(".owner")); err != nil || !private(info) {
		t.Errorf("%v, %v", info, err)
	}
	if first, second := NewOwnerID(), NewOwnerID(); first == second {
		t.Error("owner ids are not random")
	}
}

// TestOwnerDamaged: a damaged file is an error, never a new owner.
func TestOwnerDamaged(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.SetOwner(Owner{ID: NewOwnerID(), Created: time.Now().UTC(), Kept: true}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(s.path(".owner"))
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	bad := map[string]string{"": "damaged", good[:len(good)/2]: "damaged",
		strings.Replace(good, "true", "false", 1): "damaged", strings.Replace(good, `"version":1`, `"version":2`, 1): "damaged"}
	line, _, _ := strings.Cut(strings.Replace(good, `"version":1`, `"version":2`, 1), "\n")
	bad[line+"\nend\t"+checksum([]byte(line+"\n"))+"\n"] = "format 2"
	for i := range len(good) {
		flipped := []byte(good)
		flipped[i] ^= 1
		bad[string(flipped)] = ""
	}
	for text, want := range bad {
		if err := os.WriteFile(s.path(".owner"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if o, found, err := s.Owner(); found || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, %v", text, o, found, err)
		}
	}
	other, err := Open(state.Folder(t.TempDir()), place+"-2")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.SetOwner(Owner{ID: NewOwnerID()}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other.path(".owner"), s.path(".owner")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Owner(); err == nil || !strings.Contains(err.Error(), "belongs to "+place+"-2") {
		t.Errorf("another place's: %v", err)
	}
}

// TestForget: after a purge, the next uploads of this owner are those of a first run.
func TestForget(t *testing.T) {
	s := open(t, t.TempDir())
	save(t, s, entries...)
	id := NewOwnerID()
	if err := s.SetOwner(Owner{ID: id, Kept: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Load(); b.Condition != Missing || err != nil {
		t.Errorf("%+v, %v", b, err)
	}
	if o, _, err := s.Owner(); o.ID != id || !o.Begun || o.Kept || err != nil {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestRan: a run is known after it ended, also from the list of earlier versions.
func TestRan(t *testing.T) {
	s := open(t, t.TempDir())
	if err := os.WriteFile(s.path(".owners"),
		[]byte("{\"run\":\"01OLD\",\"pid\":1,\"host\":\"a\",\"since\":\"2026-01-01T00:00:00Z\"}\nnot JSON\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	l, err := s.Lock("01A")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if !s.Ran("01OLD") || !s.Ran("01A") || s.Ran("01B") {
		t.Errorf("%+v", s.holders())
	}
}

// TestForgetNothing: forgetting a place without a baseline is no error; a baseline that cannot
// be removed is one.
func TestForgetNothing(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Forget(); err != nil {
		t.Error(err)
	}
	if err := os.MkdirAll(s.path(".state")+"/x", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(); err == nil {
		t.Error("a folder in the baseline's place was forgotten")
	}
}
