package state

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// lockName is the file whose lock is the hold.
const lockName = ".lock"

// folderHold is the hold of a place in a folder. The system releases the lock when the process ends,
// however it ends.
type folderHold struct {
	files *folderFiles
	lock  *flock.Flock
	lost  chan struct{}
	mu    sync.Mutex
	err   error // why it was lost
}

func (s *folderFiles) Hold() (Hold, error) {
	path := s.Path(lockName)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(path, info) // opening a FIFO would block
	}
	h := &folderHold{files: s, lock: flock.New(path, flock.SetPermissions(0o600)), lost: make(chan struct{})}
	ok, err := h.lock.TryLock()
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, ErrHeld
	}
	s.held.Store(true)
	return h, nil
}

func (h *folderHold) Lost() <-chan struct{} { return h.lost }

// Check compares the lock file with the one that was locked: another process can lock a file that
// replaced it.
func (h *folderHold) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return h.err
	}
	if err := h.check(); err != nil {
		h.err = &LostError{Place: h.files.place, Err: err}
		close(h.lost)
	}
	return h.err
}

func (h *folderHold) check() error {
	locked, err := h.lock.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(h.lock.Path())
	if err != nil {
		return err
	}
	if !os.SameFile(locked, named) {
		return errors.New(h.lock.Path() + " was replaced")
	}
	return nil
}

// Certain reports what Check has found: the lock of a process that was stopped stays its own.
func (h *folderHold) Certain() error {
	select {
	case <-h.lost:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.err
	default:
		return nil
	}
}

// Exclusive is false: a folder can be shared by machines whose locks do not see each other.
func (h *folderHold) Exclusive() bool { return false }

// Clear is zero: the lock of a process of this machine ends with the process.
func (h *folderHold) Clear() time.Time { return time.Time{} }

func (h *folderHold) Release() error {
	h.files.held.Store(false)
	return h.lock.Unlock()
}
