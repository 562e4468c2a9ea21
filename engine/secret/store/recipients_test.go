package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
)

// TestRecipientWrites: after each recipient has changed the store, all of them open it.
func TestRecipientWrites(t *testing.T) {
	dir := t.TempDir()
	guest, err := NewIdentity()
	noError(t, err)
	parsed, err := age.ParseIdentities(strings.NewReader(guest))
	noError(t, err)
	public, err := recipientsOf(parsed)
	noError(t, err)
	p := Place{Path: filepath.Join(dir, "secrets.age"), IdentityFile: filepath.Join(dir, "secrets.key")}
	_, err = p.Init(public)
	noError(t, err)
	owner, err := p.Open()
	noError(t, err)
	other, err := New(p.Path, guest)
	noError(t, err)
	for i, writer := range []*Store{owner, other, owner, other} {
		set(t, writer, fmt.Sprintf("s%d", i), "value")
		for who, s := range map[string]*Store{"owner": owner, "guest": other} {
			if _, err := s.Get(fmt.Sprintf("s%d", i)); err != nil {
				t.Errorf("%s after write %d: %v", who, i, err)
			}
		}
	}
	noError(t, p.Rekey("", nil)) // removes both
	for _, s := range []*Store{owner, other} {
		_, err := s.List()
		fails(t, err, "does not open")
	}
}

// TestTwoWritersOfALink: a store is one store by whatever path it is changed.
func TestTwoWritersOfALink(t *testing.T) {
	p, s := newStore(t)
	link := filepath.Join(t.TempDir(), "link.age")
	if err := os.Symlink(p.Path, link); err != nil {
		t.Skip(err)
	}
	own, err := os.ReadFile(p.IdentityFile)
	noError(t, err)
	var group sync.WaitGroup
	for w, path := range []string{p.Path, link, p.Path, link} {
		group.Go(func() {
			s, err := New(path, string(own))
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 10 {
				if _, err := s.Set(fmt.Sprintf("w%d-%d", w, i), "value", nil, false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	all, err := s.List()
	noError(t, err)
	equal(t, len(all), 40)
	info, err := os.Lstat(link)
	noError(t, err)
	isTrue(t, info.Mode()&os.ModeSymlink != 0)
}
