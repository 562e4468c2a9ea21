package requestlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Config is the block audit: the file, and when it is rotated.
type Config struct {
	File    string       `yaml:"file" path:"true" required:"true" doc:"The audit log, a file of JSON lines."`
	MaxSize config.Bytes `yaml:"max_size" default:"100MiB" min:"4KiB" doc:"The size at which the file is rotated."`
	Keep    int          `yaml:"keep" default:"20" min:"1" doc:"Rotated files that are kept. Older ones are removed."`
}

// deniedPerSecond is how many denied requests of a second have a line. Others are counted.
const deniedPerSecond = 10

// Log is an open log. It is safe for concurrent use.
type Log struct {
	cfg    Config
	now    func() time.Time
	unlock func()
	done   chan struct{}
	ended  sync.WaitGroup

	mu     sync.Mutex
	file   *os.File
	size   int64 // of the complete lines
	last   Mark
	dirty  bool  // a line may be incomplete after size
	unsafe bool  // lines were written since the last sync
	broken error // why no line is written any more
	failed error // why the last line was not written
	second int64 // in which denied requests are counted
	denied int   // lines of that second
	more   int   // denied requests without a line
	closed bool
}

// Open opens the log, and removes a line that was not completed. It returns a *fault.StateError when
// the file cannot be used. now is the clock; nil means the system's.
func Open(cfg Config, now func() time.Time) (*Log, error) {
	if now == nil {
		now = time.Now
	}
	l := &Log{cfg: cfg, now: now, done: make(chan struct{})}
	if err := l.open(); err != nil {
		if l.unlock != nil {
			l.unlock()
		}
		if l.file != nil {
			l.file.Close()
		}
		return nil, &fault.StateError{Err: fmt.Errorf("the audit log cannot be used: %w", err),
			Remedy: "make " + cfg.File +
				" writable for this user alone; if it is damaged, keep it, and name another file"}
	}
	l.ended.Go(l.tick)
	return l, nil
}

func (l *Log) open() error {
	lock := flock.New(l.cfg.File+"-lock", flock.SetPermissions(0o600))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("another program writes to %s", l.cfg.File)
	}
	l.unlock = func() { _ = lock.Unlock() }
	var err error
	if l.file, err = os.OpenFile(l.cfg.File, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", l.cfg.File)
	}
	if info.Mode().Perm() != 0o600 {
		if err := l.file.Chmod(0o600); err != nil {
			return err
		}
	}
	cut := false
	if l.size, l.last, err = end(l.file, info.Size()); err != nil {
		return err
	}
	if cut = l.size < info.Size(); cut {
		if err := l.file.Truncate(l.size); err != nil {
			return err
		}
	}
	if l.last.Number == 0 {
		if l.last, err = l.lastRotated(); err != nil {
			return err
		}
	}
	if cut {
		if err := l.append(Entry{Event: EventRecovered}); err != nil {
			return err
		}
	}
	return l.append(Entry{Event: EventStart})
}

// lastRotated returns the last line of the newest rotated file.
func (l *Log) lastRotated() (Mark, error) {
	all, err := rotated(l.cfg.File)
	if err != nil || len(all) == 0 {
		return Mark{}, err
	}
	f, err := os.Open(all[len(all)-1])
	if err != nil {
		return Mark{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Mark{}, err
	}
	size, last, err := end(f, info.Size())
	if err == nil && size != info.Size() {
		err = errors.New("its last line is incomplete")
	}
	if err != nil {
		return Mark{}, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return last, nil
}

// Allow writes the line of a request that will be sent. Without an error the line is in the file, and
// the mark is that of the line.
func (l *Log) Allow(e Entry) (Mark, error) {
	e.Event, e.Decision = EventRequest, Allowed
	l.mu.Lock()
	defer l.mu.Unlock()
	l.countDenied()
	err := l.append(e)
	return l.last, err
}

// Answer writes the end of a request that Allow has written.
func (l *Log) Answer(e Entry) error {
	e.Event = EventAnswer
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.append(e)
}

// Deny writes the line of a denied request, or counts it when there are too many of them.
func (l *Log) Deny(e Entry) error {
	e.Event, e.Decision = EventRequest, Denied
	l.mu.Lock()
	defer l.mu.Unlock()
	l.countDenied()
	if l.denied >= deniedPerSecond {
		l.more++
		return nil
	}
	l.denied++
	return l.append(e)
}

// Note writes what else an auditor should know.
func (l *Log) Note(text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.append(Entry{Event: EventNote, Reason: text})
}

// Head returns the mark of the last line.
func (l *Log) Head() Mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Err returns why requests are refused; nil when lines can be written.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	return l.failed
}

// Close writes the last line and closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	close(l.done)
	l.second = 0
	l.countDenied()
	err := errors.Join(l.append(Entry{Event: EventStop}), l.file.Sync(), l.file.Close())
	l.broken = errors.New("the audit log is closed")
	l.mu.Unlock()
	l.ended.Wait()
	l.unlock()
	return err
}

// countDenied begins another second, and writes how many denied requests of the last one have no
// line. The lock is held.
func (l *Log) countDenied() {
	now := l.now().Unix()
	if now == l.second {
		return
	}
	if l.more > 0 && l.append(Entry{Event: EventMoreDenied, Decision: Denied, Count: l.more}) == nil {
		l.more = 0
	}
	l.second, l.denied = now, 0
}

// append writes a line. The lock is held.
func (l *Log) append(e Entry) error {
	if l.broken != nil {
		return l.broken
	}
	l.failed = l.write(e)
	return l.failed
}

func (l *Log) write(e Entry) error {
	if l.dirty {
		if err := l.file.Truncate(l.size); err != nil {
			return err
		}
		l.dirty = false
	}
	e.Number, e.Before, e.Time = l.last.Number+1, l.last.Sum, l.now().UTC().Format(time.RFC3339Nano)
	line, err := codec.Marshal(e)
	if err != nil {
		return err
	}
	if l.size > 0 && l.size+int64(len(line)) >= int64(l.cfg.MaxSize) {
		if err := l.rotate(); err != nil {
			return fmt.Errorf("rotate the audit log: %w", err)
		}
	}
	if _, err := l.file.WriteAt(append(line, '\n'), l.size); err != nil {
		l.dirty = true
		return err
	}
	l.size += int64(len(line)) + 1
	l.last = Mark{e.Number, sumOf(line)}
	l.unsafe = true
	return nil
}

// rotate renames the file, begins another one and removes the oldest. The lock is held.
func (l *Log) rotate() error {
	if err := l.file.Sync(); err != nil {
		return err
	}
	name := fmt.Sprintf("%s.%012d", l.cfg.File, l.last.Number)
	if err := os.Rename(l.cfg.File, name); err != nil {
		return err
	}
	f, err := os.OpenFile(l.cfg.File, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, os.Rename(name, l.cfg.File))
	}
	_ = l.file.Close() // synced
	l.file, l.size = f, 0
	all, err := rotated(l.cfg.File)
	for len(all) > max(1, l.cfg.Keep) && err == nil {
		err = os.Remove(all[0])
		all = all[1:]
	}
	return err
}

// rotated returns the rotated files of a log, the oldest first.
func rotated(file string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		number, is := strings.CutPrefix(e.Name(), filepath.Base(file)+".")
		if is && len(number) >= 12 && strings.Trim(number, "0123456789") == "" {
			out = append(out, filepath.Join(filepath.Dir(file), e.Name()))
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return out, nil
}

// tick writes counts and syncs the file every second, and notices a file that was removed.
func (l *Log) tick() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-t.C:
			l.settle()
		}
	}
}

func (l *Log) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.broken != nil {
		return
	}
	l.countDenied()
	if l.unsafe {
		if err := l.file.Sync(); err != nil {
			l.broken = fmt.Errorf("sync the audit log: %w", err)
			return
		}
		l.unsafe = false
	}
	open, err := l.file.Stat()
	if err != nil {
		return
	}
	named, err := os.Lstat(l.cfg.File)
	if err != nil || !os.SameFile(open, named) {
		l.broken = fmt.Errorf("%s was moved or removed while it was open; restart this program", l.cfg.File)
	}
}
