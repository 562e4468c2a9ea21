package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/fault"
)

// secretFile is a new version of a file that holds a secret. What can fail is
// tried before there is a secret to lose: nobody else rotates it, the folder takes
// a file of the same mode and owner that can take the old one's place, and the
// disk has room for it.
type secretFile struct {
	path    string // of the file that is replaced; a link is followed
	f       *os.File
	lock    *flock.Flock
	newline bool
	rename  func(from, to string) error
	kept    bool // the secret stays where it was written
}

// room is more than any secret takes.
const room = 4 << 10

func newSecretFile(path string) (*secretFile, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	dir, name := filepath.Split(path)
	s := &secretFile{path: path, rename: os.Rename, lock: flock.New(filepath.Join(dir, "."+name+".lock"), flock.SetPermissions(0o600))}
	switch alone, err := s.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", s.lock.Path(), err)
	case !alone:
		return nil, fault.Errorf(fault.Fatal, "wait until it has ended", "another rotation of the secret in %s is under way", path)
	}
	if err := s.prepare(dir, name); err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

func (s *secretFile) prepare(dir, name string) error {
	old, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	s.newline = len(old) > 0 && old[len(old)-1] == '\n'
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if s.f, err = os.CreateTemp(dir, "."+name+"-*"); err != nil { // 0600
		return err
	}
	if _, err := s.f.Write(make([]byte, room)); err != nil {
		return err
	}
	if err := sameOwner(s.f, info); err != nil {
		return fmt.Errorf("a new file could not be given its owner: %w", err)
	}
	if err := s.f.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if err := replaceable(s.path, s.f.Name()+"-old"); err != nil {
		return err
	}
	return s.f.Sync()
}

// replaceable refuses a file that is mounted on its own, which nothing can take
// the place of: it cannot be linked into the folder that it seems to be in.
func replaceable(path, link string) error {
	err := os.Link(path, link)
	if err == nil {
		return os.Remove(link)
	}
	if errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("%s is mounted on its own and cannot be replaced; mount its folder", path)
	}
	return nil // a file system without links, or a file that may not be linked
}

// commit writes the secret and puts it in the place of the old one. A *keptError
// says that it is on the disk beside it.
func (s *secretFile) commit(secret string) error {
	if s.newline {
		secret += "\n"
	}
	if _, err := s.f.WriteAt([]byte(secret), 0); err != nil {
		return err
	}
	s.kept = true
	for _, step := range []func() error{
		func() error { return s.f.Truncate(int64(len(secret))) },
		s.f.Sync, s.f.Close,
		func() error { return s.rename(s.f.Name(), s.path) },
	} {
		if err := step(); err != nil {
			return &keptError{s.f.Name(), err}
		}
	}
	if dir, err := os.Open(filepath.Dir(s.path)); err == nil {
		dir.Sync() // as far as the system has it
		dir.Close()
	}
	return nil
}

// drop removes the new version, unless it holds the secret, and lets others rotate.
func (s *secretFile) drop() {
	defer s.lock.Unlock()
	if s.f == nil {
		return
	}
	s.f.Close()
	if !s.kept {
		os.Remove(s.f.Name())
	}
}
