package state

import (
	"io"
	"os"
	"time"
)

// Store is where the state of places is kept. Its methods may be called from many goroutines.
type Store interface {
	// Open returns the files of a place. It creates no file.
	Open(place string) (Files, error)
	// Usable returns an error when the store cannot be written.
	Usable() error
	// String returns the name of the store for messages. It has no secret.
	String() string
}

// RequestTimer is the optional capability of a store whose holds have a Clear.
type RequestTimer interface {
	// RequestTime returns how long after a lost holder Clear is, and the key that sets it. No request
	// of a run may take longer.
	RequestTime() (wait time.Duration, key string)
}

// Files are the files of one place. The name of a file begins with a dot, such as ".state". A file
// that is not there gives fs.ErrNotExist, and one that fails the store's own check a *DamagedError.
// The methods may be called from many goroutines.
type Files interface {
	// Place returns the place.
	Place() string
	// Key returns a name for the place that is readable and can be part of a file name.
	Key() string
	// Path returns the full name of a file, for messages.
	Path(name string) string
	// Open opens a file for reading from its beginning. What was opened does not change when the
	// file is replaced or removed. The caller closes it. The name of the open file may differ from
	// Path.
	Open(name string) (*os.File, error)
	// Stat returns what the store knows of a file.
	Stat(name string) (Info, error)
	// List returns the files whose names begin with prefix, sorted by name.
	List(prefix string) ([]Info, error)
	// Create starts a new version of a file. Nothing changes before Commit.
	Create(name string) (Writer, error)
	// Append opens a file to append to it, and creates it if it is not there. The caller is the only
	// one that writes the file: it has the hold of the place, or a lock.
	Append(name string) (Appender, error)
	// Remove removes a file.
	Remove(name string) error
	// Lock makes the caller the only one that has the lock with a name until unlock is called; it is
	// for changes that take milliseconds. It waits for others up to wait; 0 means as long as it takes.
	// What is written with the returned Files is refused when the lock is lost, where the store can
	// enforce it. The lock ends with the process.
	Lock(name string, wait time.Duration) (locked Files, unlock func() error, err error)
	// Hold takes the hold of the place for a run. It returns ErrHeld when another one has it. Until
	// Release, writes with these Files are those of the holder. The hold ends with the process.
	Hold() (Hold, error)
	// Sweep removes what killed writers left. The caller has the hold.
	Sweep()
	// Scratch returns a new folder on this machine for files of the place, which the caller removes.
	Scratch() (dir string, err error)
}

// Info is what a store knows of a file.
type Info struct {
	Name     string // with its dot
	Size     int64
	Modified time.Time
	// Version identifies the content among those that the file has had, for Same. It is an
	// os.FileInfo or a comparable value.
	Version any
}

// Same reports whether two results of Stat are of the same version of a file.
func (i Info) Same(o Info) bool {
	if i.Name != o.Name || i.Size != o.Size || !i.Modified.Equal(o.Modified) {
		return false
	}
	a, is := i.Version.(os.FileInfo)
	b, also := o.Version.(os.FileInfo)
	if is || also {
		return is && also && os.SameFile(a, b)
	}
	return i.Version == o.Version
}

// Writer writes the new version of a file. Call Commit or Abort; Abort after Commit does nothing.
type Writer interface {
	io.Writer
	// Commit replaces the file. When it fails, the old version stays.
	Commit() error
	// Abort discards what was written.
	Abort()
}

// Appender appends to a file. It is used from one goroutine at a time.
type Appender interface {
	// Write appends. What it has written may be lost before Sync.
	io.Writer
	// Sync returns when everything is kept that was written.
	Sync() error
	// Size returns the size of the file with what was written.
	Size() int64
	// Tail returns the last n bytes; all of them when the file is shorter.
	Tail(n int) ([]byte, error)
	// Truncate cuts the file to a size, which is kept after Sync.
	Truncate(size int64) error
	// Close ends the appending. It may lose what was not synced.
	Close() error
}

// Hold is the hold of a place.
type Hold interface {
	// Lost is closed when it is not certain any more that the place is held.
	Lost() <-chan struct{}
	// Check asks the store whether the place is still held. When it is not, or the store does not
	// answer in time, Check returns a *LostError and Lost is closed.
	Check() error
	// Certain is Check without asking the store: it compares the time of the wall with that of the last
	// answer, since the other clock stops while a machine is suspended. It returns at once.
	Certain() error
	// Exclusive reports whether all earlier holders have ended, on whatever machine they ran, apart
	// from requests that they had sent. Those have ended by Clear.
	Exclusive() bool
	// Clear returns when no request of an earlier holder can be on its way any more that did not release
	// the place; zero when none can be. It is the time when the place was taken and what a request takes.
	// A holder that releases the place before its own Clear leaves the wait to the next one.
	Clear() time.Time
	// Release gives the place back.
	Release() error
}
