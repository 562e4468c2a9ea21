package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// scratchPrefix begins the names of the folders of scratch databases.
const scratchPrefix = "pipe-scratch-"

// Scratch is a database for private texts, which does not outlive its process: on Unix its file
// has no name once it is open; on Windows the folder is removed by Close, or, after the process
// was killed, by the next OpenScratch. It has one connection and no journal, so a failed
// transaction leaves the database unusable.
type Scratch struct {
	*sql.DB
	folder string
	lock   *flock.Flock
}

// OpenScratch creates a scratch database with this schema in a folder of its own, with mode 0700,
// below parent; "" means the folder for temporary files. It removes the folders that processes
// that have ended left there.
func OpenScratch(ctx context.Context, parent, schema string) (_ *Scratch, err error) {
	if parent == "" {
		parent = os.TempDir()
	}
	removeLeft(parent)
	s := &Scratch{}
	if s.folder, err = os.MkdirTemp(parent, scratchPrefix+"*"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.lock = flock.New(filepath.Join(s.folder, "lock"))
	if held, err := s.lock.TryLock(); err != nil || !held {
		return nil, errors.Join(fmt.Errorf("%s cannot be locked", s.folder), err)
	}
	path := filepath.Join(s.folder, "scratch.db")
	s.DB, err = open(path, "_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=temp_store(MEMORY)"+
		"&_pragma=cache_size(-32000)")
	if err != nil {
		return nil, err
	}
	s.SetMaxOpenConns(1)
	s.SetMaxIdleConns(1)
	s.SetConnMaxIdleTime(0)
	s.SetConnMaxLifetime(0)
	if _, err := s.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	return s, s.unlink(path)
}

// Close closes the database and removes its folder.
func (s *Scratch) Close() error {
	var err error
	if s.DB != nil {
		err = s.DB.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Unlock())
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// removeLeft removes the folders of scratch databases whose process has ended: their lock is
// free. A folder that is being created has no lock file yet and stays.
func removeLeft(parent string) {
	folders, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, f := range folders {
		if !f.IsDir() || !strings.HasPrefix(f.Name(), scratchPrefix) {
			continue
		}
		folder := filepath.Join(parent, f.Name())
		name := filepath.Join(folder, "lock")
		if IsMissing(name) {
			continue
		}
		lock := flock.New(name)
		if held, err := lock.TryLock(); err != nil || !held {
			continue
		}
		lock.Unlock()
		os.RemoveAll(folder)
	}
}
