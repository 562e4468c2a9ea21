package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/atomicfile"
)

// Folder is the store in a folder with this path. Folders have mode 0700 and files 0600.
type Folder string

var _ Store = Folder("")

// String returns the path.
func (d Folder) String() string { return string(d) }

// Open creates the folder if it does not exist.
func (d Folder) Open(place string) (Files, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	return &folderFiles{dir: string(d), place: place, key: KeyOf(place)}, nil
}

// Usable creates the folder if needed, writes a file and removes it.
func (d Folder) Usable() error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	// The name is fixed, which lets the next run remove the file of a killed run. O_EXCL
	// follows no link and opens no FIFO; an existing file is the probe of another run.
	probe := filepath.Join(string(d), ".usable")
	if err := os.Remove(probe); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(probe, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Remove(probe); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// KeyOf returns the Files.Key of a place: a readable form of it with a hash.
func KeyOf(place string) string {
	sum := sha256.Sum256([]byte(place))
	return slug(place) + "-" + hex.EncodeToString(sum[:4])
}

// slug returns a place in a form that is readable in a file name.
func slug(place string) string {
	_, place, _ = strings.Cut(place, "://")
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(place))
	return strings.Trim(out[:min(60, len(out))], "-.")
}

// ErrNoDefault means that the environment has no folder for the user's state.
var ErrNoDefault = errors.New("neither HOME nor XDG_STATE_HOME is set")

// DefaultFolder returns the user's folder for state.
func DefaultFolder(env func(string) (string, bool)) (Folder, error) {
	get := func(name string) string { v, _ := env(name); return v }
	if dir := get("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return Folder(filepath.Join(dir, "pipe")), nil
	}
	if dir := get("LOCALAPPDATA"); runtime.GOOS == "windows" && dir != "" {
		return Folder(filepath.Join(dir, "pipe")), nil
	}
	if home := get("HOME"); filepath.IsAbs(home) {
		return Folder(filepath.Join(home, ".local", "state", "pipe")), nil
	}
	return "", ErrNoDefault
}

// folderFiles are the files of a place in a folder: their names are the key and the name.
type folderFiles struct {
	dir, place, key string
	held            atomic.Bool // by a hold of these files
}

func (s *folderFiles) Place() string { return s.place }

func (s *folderFiles) Key() string { return s.key }

func (s *folderFiles) Path(name string) string { return filepath.Join(s.dir, s.key+name) }

// Open returns an error for anything but a regular file or a symlink to one: a FIFO does not block,
// and a dangling symlink does not count as a missing file.
func (s *folderFiles) Open(name string) (*os.File, error) { return OpenFile(s.Path(name)) }

func (s *folderFiles) Stat(name string) (Info, error) {
	f, err := s.Open(name)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	return infoOf(name, info), err
}

func infoOf(name string, info os.FileInfo) Info {
	if info == nil {
		return Info{}
	}
	return Info{Name: name, Size: info.Size(), Modified: info.ModTime(), Version: info}
}

// List leaves out files that end while it lists them.
func (s *folderFiles) List(prefix string) ([]Info, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var out []Info
	for _, e := range entries {
		name, own := strings.CutPrefix(e.Name(), s.key)
		if !own || !strings.HasPrefix(name, prefix) {
			continue
		}
		if info, err := os.Stat(s.Path(name)); err == nil {
			out = append(out, infoOf(name, info))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return out, nil
}

// The names of temporary files. Sweep removes those that were written with the hold of the place,
// and the others when they are an hour old.
const (
	temporaryHeld = ".new-*"
	temporary     = ".tmp-*"
	scratch       = ".import-*"
)

func (s *folderFiles) Create(name string) (Writer, error) {
	o := atomicfile.Options{Temporary: s.key + temporary}
	if s.held.Load() {
		o.Temporary = s.key + temporaryHeld
	}
	return atomicfile.Create(s.Path(name), o)
}

func (s *folderFiles) Remove(name string) error { return os.Remove(s.Path(name)) }

func (s *folderFiles) Lock(name string, wait time.Duration) (Files, func() error, error) {
	lock := flock.New(s.Path(name), flock.SetPermissions(0o600))
	if wait == 0 {
		if err := lock.Lock(); err != nil {
			return nil, nil, err
		}
		return s, lock.Unlock, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, nil, err
	}
	return s, lock.Unlock, nil
}

// Sweep also removes scratch folders.
func (s *folderFiles) Sweep() {
	for _, held := range []string{temporaryHeld, scratch} {
		left, _ := filepath.Glob(s.Path(held))
		for _, path := range left {
			os.RemoveAll(path)
		}
	}
	left, _ := filepath.Glob(s.Path(temporary)) // a recent one may be in use
	for _, path := range left {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.Remove(path)
		}
	}
}

func (s *folderFiles) Scratch() (string, error) { return os.MkdirTemp(s.dir, s.key+scratch) }
