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

// Open makes the folder if it is not there. It creates no file.
func Open(dir, place string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	sum := sha256.Sum256([]byte(place))
	return &Store{dir: dir, place: place, key: slug(place) + "-" + hex.EncodeToString(sum[:4])}, nil
}

// Usable reports why a folder, which it makes where there is none, cannot hold
// state: it writes a file there and removes it.
func Usable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// One name, so the next run removes what a killed run left. O_EXCL follows no
	// link and opens no FIFO; a file of that name is another run's probe.
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

func (s *Store) path(suffix string) string { return filepath.Join(s.dir, s.key+suffix) }

// slug makes a place readable in the name of a file.
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

// ErrNoDefault is that the environment names no folder of the user's own.
var ErrNoDefault = errors.New("neither HOME nor XDG_STATE_HOME is set")

// DefaultDir is the user's folder for state.
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
