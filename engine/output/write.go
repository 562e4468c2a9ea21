package output

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/stage"
)

// The files of a folder that are not streams.
const (
	rejectedFile = "rejected" // dead letters
	withheldFile = "withheld" // items that no one may find
	widenedFile  = "widened"  // documents that more people find than after the last good run
	goneFile     = "gone"     // items that would be deleted
)

// withheld is a line of the file of withheld items.
type withheld struct {
	Stream string `json:"stream"`
	Ref    string `json:"ref"`
	// ID is the item's ID when it differs from the ref; "" when it is not known.
	ID   *string `json:"id,omitzero"`
	Kind string  `json:"kind,omitempty"` // of the record
}

func (w withheld) id() string {
	if w.ID == nil {
		return w.Ref
	}
	return *w.ID
}

// Folder writes every stream of a plan as NDJSON, exactly as the sink would receive it, and the
// dead letters, the withheld refs, and the differences from the last good run. Lines are
// ordered by ref, an order that is the same in every run of a catalog. Each file is written
// atomically.
type Folder struct {
	dir         string
	rejected    *lines
	deadLetters *stage.File // one per line; sorted on Close
	keys        []string    // of the dead letters
	// streams are the streams that were written; nil until all are. sums are the checksums for
	// the manifest.
	streams []ManifestStream
	sums    map[string]string
}

// Create creates the folder and the file of dead letters.
func Create(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := forget(dir); err != nil {
		return nil, err
	}
	l, err := newLines(filepath.Join(dir, rejectedFile+".ndjson"))
	if err != nil {
		return nil, err
	}
	letters, err := stage.Create("")
	if err != nil {
		l.drop()
		return nil, err
	}
	return &Folder{dir: dir, rejected: l, deadLetters: letters, sums: map[string]string{}}, nil
}

// DeadLetter writes one rejection. It may be called concurrently only as
// run.Options.DeadLetters allows.
func (o *Folder) DeadLetter(d component.DeadLetter) error {
	b, err := codec.Marshal(d)
	if err != nil {
		return err
	}
	o.keys = append(o.keys, d.Ref+"\x00"+string(d.Stage)+"\x00"+d.Field)
	return o.deadLetters.Append(display.JSON(b))
}

// Plan writes the streams of a plan and the withheld refs.
func (o *Folder) Plan(ctx context.Context, plan *component.Plan) error {
	streams := []ManifestStream{}
	for _, s := range plan.Streams {
		streams = append(streams, ManifestStream{Name: s.Name, Own: s.Own, Items: s.Count - s.Kept, Kept: s.Kept})
		if err := o.describe(ctx, plan, s); err != nil {
			return err
		}
		err := o.file(s.Name+".ndjson", func(l *lines) error {
			for body, err := range s.Ordered {
				if err == nil {
					err = ctx.Err()
				}
				if err == nil {
					err = l.write(body)
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
	err := o.file(withheldFile+".ndjson", func(l *lines) error {
		for _, s := range plan.Streams {
			all, err := withheldOf(plan, s)
			if err != nil {
				return err
			}
			for _, one := range all {
				b, err := codec.Marshal(one)
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
	if err == nil {
		o.streams = streams
	}
	return err
}

// withheldOf returns the withheld items of a stream, ordered by ref.
func withheldOf(plan *component.Plan, s component.StreamPlan) (out []withheld, err error) {
	for e, err := range s.Withheld {
		if err != nil {
			return nil, err
		}
		one := withheld{Stream: s.Name, Ref: e.Ref, Kind: kindOf(plan, e.Ref)}
		if e.ID != e.Ref {
			one.ID = &e.ID
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b withheld) int { return cmp.Or(cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.id(), b.id())) })
	return out, nil
}

// Compared writes what would change compared with the last good run.
func (o *Folder) Compared(d run.Differences) error {
	if err := writeAll(o, widenedFile, d.Widened); err != nil {
		return err
	}
	return writeAll(o, goneFile, d.Gone)
}

func writeAll[T any](o *Folder, name string, all []T) error {
	return o.file(name+".ndjson", func(l *lines) error {
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
	l, err := newLines(filepath.Join(o.dir, name))
	if err != nil {
		return err
	}
	if err := fill(l); err != nil {
		l.drop()
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := l.close(); err != nil {
		return err
	}
	o.sums[name] = hex.EncodeToString(l.sum.Sum(nil))
	return nil
}

// Close writes the dead letters, ordered by ref, and renames their file to its final name.
func (o *Folder) Close() error {
	defer o.deadLetters.Close()
	if err := o.deadLetters.Flush(); err != nil {
		o.rejected.drop()
		return err
	}
	for line, err := range o.deadLetters.InOrder(each(o.keys)) {
		if err == nil {
			err = o.rejected.write(line[0])
		}
		if err != nil {
			o.rejected.drop()
			return err
		}
	}
	return o.rejected.close()
}

// each yields every text.
func each(texts []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, text := range texts {
			if !yield(text, nil) {
				return
			}
		}
	}
}

// lines is a file of lines that gets its name when it is complete.
type lines struct {
	f   *atomicfile.File
	w   *bufio.Writer
	sum hash.Hash
}

func newLines(path string) (*lines, error) {
	f, err := atomicfile.Create(path, atomicfile.Options{})
	if err != nil {
		return nil, err
	}
	l := &lines{f: f, sum: sha256.New()}
	l.w = bufio.NewWriter(io.MultiWriter(f, l.sum))
	return l, nil
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
