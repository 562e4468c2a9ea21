package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Store is the state of one place in a folder.
type Store struct {
	dir, place, key string
}

// Open creates the folder if it does not exist. It creates no file.
func Open(dir, place string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	sum := sha256.Sum256([]byte(place))
	return &Store{dir: dir, place: place, key: slug(place) + "-" + hex.EncodeToString(sum[:4])}, nil
}

// Usable returns an error when a folder cannot hold state. It creates the folder if needed,
// writes a file and removes it.
func Usable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// The name is fixed, which lets the next run remove the file of a killed run. O_EXCL
	// follows no link and opens no FIFO; an existing file is the probe of another run.
	probe := filepath.Join(dir, ".usable")
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

// Exists reports whether a folder has a baseline of a place, damaged or not. When the folder cannot be
// read, it has one.
func Exists(dir, place string) bool {
	s, err := Open(dir, place)
	if err != nil {
		return true
	}
	_, err = os.Lstat(s.path(suffixState))
	return !errors.Is(err, fs.ErrNotExist)
}

func (s *Store) path(suffix string) string { return filepath.Join(s.dir, s.key+suffix) }

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

// DefaultDir returns the user's folder for state.
func DefaultDir(env func(string) (string, bool)) (string, error) {
	get := func(name string) string { v, _ := env(name); return v }
	if dir := get("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "pipe"), nil
	}
	if dir := get("LOCALAPPDATA"); runtime.GOOS == "windows" && dir != "" {
		return filepath.Join(dir, "pipe"), nil
	}
	if home := get("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "pipe"), nil
	}
	return "", ErrNoDefault
}
