package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/fault"
)

// secretFile is a new version of a file with a secret. Everything that can fail is tried
// before there is a new secret to lose: no other process rotates it, the folder accepts a
// file of the same mode and owner that can replace the old one, and the disk has space for
// it.
type secretFile struct {
	path    string // of the file that is replaced; a link is followed
	f       *atomicfile.File
	lock    *flock.Flock
	newline bool
	kept    bool // the secret stays in the temporary file
}

// room is larger than any secret.
const room = 4 << 10

func newSecretFile(path string) (*secretFile, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	dir, name := filepath.Split(path)
	s := &secretFile{path: path, lock: flock.New(filepath.Join(dir, "."+name+".lock"), flock.SetPermissions(0o600))}
	switch alone, err := s.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", s.lock.Path(), err)
	case !alone:
		return nil,
			fault.Errorf(fault.Fatal, "wait until it has ended", "another rotation of the secret in %s is under way", path)
	}
	if err := s.prepare(name); err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

func (s *secretFile) prepare(name string) error {
	old, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	s.newline = len(old) > 0 && old[len(old)-1] == '\n'
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if s.f, err = atomicfile.Create(s.path, atomicfile.Options{Temporary: "." + name + "-*"}); err != nil {
		return err
	}
	if _, err := s.f.Write(make([]byte, room)); err != nil {
		return err
	}
	if err := sameOwner(s.f.File, info); err != nil {
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

// replaceable refuses a file that is mounted separately: no other file can replace it,
// because none can be linked into its folder.
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

// commit writes the secret and replaces the old file. A *keptError names the file
// that holds the secret when the old one could not be replaced.
func (s *secretFile) commit(secret string) error {
	if s.newline {
		secret += "\n"
	}
	if _, err := s.f.WriteAt([]byte(secret), 0); err != nil {
		return err
	}
	s.kept = true
	err := s.f.Truncate(int64(len(secret)))
	if err == nil {
		err = s.f.Commit()
	}
	if err != nil {
		return &keptError{s.f.Name(), err}
	}
	return nil
}

// drop removes the new version, unless it holds the secret, and allows other rotations.
func (s *secretFile) drop() {
	defer s.lock.Unlock()
	if s.f == nil {
		return
	}
	if s.kept {
		s.f.Close()
		return
	}
	s.f.Abort()
}
