package baseline

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// TestSealedOfAnother: a file with a correct checksum, but another format, place or ID than its
// name says, is an error for every reader.
func TestSealedOfAnother(t *testing.T) {
	s := open(t, t.TempDir())
	owner := NewOwnerID()
	id := refusal(t, s, changes...).ID
	other := strings.Map(func(r rune) rune {
		if r == 'a' {
			return 'b'
		}
		return 'a'
	}, id)
	if err := errors.Join(s.SetOwner(Owner{ID: owner}), s.Approve(Approval{ID: id, At: time.Now()})); err != nil {
		t.Fatal(err)
	}
	type replace [2]string
	version, elsewhere := replace{`"version":1`, `"version":2`}, replace{"backstage", "elsewhere"}
	for suffix, tc := range map[string]struct {
		read func() error
		with map[string]replace
	}{
		".owner": {func() error { _, _, err := s.Owner(); return err }, map[string]replace{
			"version": version, "place": elsewhere, "no id": {owner, ""}, "a long id": {owner, owner + "0"},
			"not JSON": {"{", "["},
		}},
		".refusal-" + id: {func() error { _, err := s.Refusal(id); return err }, map[string]replace{
			"version": version, "place": elsewhere, "another id": {id, other}, "not JSON": {"{", "["},
		}},
		".approval-" + id: {func() error { _, err := s.Approval(id); return err }, map[string]replace{
			"version": version, "place": elsewhere, "another id": {id, other}, "not JSON": {"{", "["},
		}},
	} {
		text, err := s.readSealed(suffix)
		if err != nil || tc.read() != nil {
			t.Fatalf("%s: %v, %v", suffix, err, tc.read())
		}
		for name, with := range tc.with {
			changed := strings.Replace(string(text), with[0], with[1], 1)
			if changed == string(text) {
				t.Errorf("%s, %s: there is no %q in %s", suffix, name, with[0], text)
			}
			if err := s.writeSealed(suffix, []byte(changed)); err != nil {
				t.Fatal(err)
			}
			if err := tc.read(); err == nil || errors.Is(err, ErrNotStored) {
				t.Errorf("%s, %s: %v", suffix, name, err)
			}
		}
		if err := s.writeSealed(suffix, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(s.path(".approval-nonsense"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.Approvals(); len(got) != 1 || got[0] != id {
		t.Errorf("approvals %v", got)
	}
	if err := s.Approve(Approval{ID: id, At: time.Now().Add(-keptApprovals - time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if got := s.Approvals(); len(got) != 0 {
		t.Errorf("an old approval is kept: %v", got)
	}
}
