package output

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
)

// The files of a folder that are not streams.
const (
	rejectedFile = "rejected" // dead letters
	withheldFile = "withheld" // what nobody may find
	widenedFile  = "widened"  // documents that more people find than after the last good run
	goneFile     = "gone"     // what would be deleted
)

// withheld is a line of the file of that name.
type withheld struct {
	Stream string `json:"stream"`
	Ref    string `json:"ref"`
}

// Folder writes every stream of a plan as NDJSON, exactly as the sink would get it,
// and the dead letters, the refs that are withheld, and the differences to the last
// good run. Each file appears whole or not at all.
type Folder struct {
	dir         string
	deadLetters *lines
}

// Create makes the folder and opens the file of the dead letters.
func Create(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l, err := newLines(filepath.Join(dir, rejectedFile+".ndjson"))
	if err != nil {
		return nil, err
	}
	return &Folder{dir: dir, deadLetters: l}, nil
}

// DeadLetter writes one rejection; it may be called from many goroutines at once only
// as run.Options.DeadLetters allows.
func (o *Folder) DeadLetter(d component.DeadLetter) error {
	b, err := codec.Marshal(d)
	if err != nil {
		return err
	}
	return o.deadLetters.write(display.JSON(b))
}

// Plan writes the streams of a plan and the refs that are withheld.
func (o *Folder) Plan(ctx context.Context, plan *component.Plan) error {
	for _, s := range plan.Streams {
		err := o.file(s.Name, func(l *lines) error {
			for e, err := range s.Items {
				if err == nil {
					err = ctx.Err()
				}
				if err == nil {
					err = l.write(e.Body)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return o.file(withheldFile, func(l *lines) error {
		for _, s := range plan.Streams {
			for ref, err := range s.Withheld {
				var b []byte
				if err == nil {
					b, err = codec.Marshal(withheld{s.Name, ref})
				}
				if err == nil {
					err = l.write(display.JSON(b))
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Compared writes what would change against the last good run.
func (o *Folder) Compared(d run.Differences) error {
	if err := writeAll(o, widenedFile, d.Widened); err != nil {
		return err
	}
	return writeAll(o, goneFile, d.Gone)
}

func writeAll[T any](o *Folder, name string, all []T) error {
	return o.file(name, func(l *lines) error {
		for _, one := range all {
			b, err := codec.Marshal(one)
			if err == nil {
				err = l.write(b)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// file writes one file of the folder.
func (o *Folder) file(name string, fill func(*lines) error) error {
	l, err := newLines(filepath.Join(o.dir, name+".ndjson"))
	if err != nil {
		return err
	}
	if err := fill(l); err != nil {
		l.drop()
		return fmt.Errorf("write %s: %w", name, err)
	}
	return l.close()
}

// Close gives the file of the dead letters its name.
func (o *Folder) Close() error { return o.deadLetters.close() }

// lines is a file of lines that gets its name when it is complete.
type lines struct {
	f *atomicfile.File
	w *bufio.Writer
}

func newLines(path string) (*lines, error) {
	f, err := atomicfile.Create(path, atomicfile.Options{})
	if err != nil {
		return nil, err
	}
	return &lines{f: f, w: bufio.NewWriter(f)}, nil
}

func (l *lines) write(b []byte) error {
	if _, err := l.w.Write(b); err != nil {
		return err
	}
	return l.w.WriteByte('\n')
}

func (l *lines) close() error {
	defer l.f.Abort()
	if err := l.w.Flush(); err != nil {
		return err
	}
	return l.f.Commit()
}

func (l *lines) drop() { l.f.Abort() }
