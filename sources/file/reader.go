package file

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/records"
)

const (
	pageRecords = 500
	maxLine     = 16 << 20  // of NDJSON
	maxWhole    = 256 << 20 // for a file that is read whole
)

// Reader is the source of a pipeline file: it reads the configured file once a phase. NDJSON
// is read line by line, so memory does not grow with the file (invariant 7); JSON and YAML
// are read whole.
type Reader struct {
	path  string
	model Model
	first fs.FileInfo           // of the file as the first phase found it
	seen  map[string]config.Pos // where each ref was read in the first phase
}

var (
	_ component.Source  = (*Reader)(nil)
	_ component.Checker = (*Reader)(nil)
)

// Read emits the records of a phase. It checks every record of the file in each phase: one
// without a ref, of an unlisted kind, or with another's ref fails the read, and so does a
// file that changed since the first phase (invariant 1).
func (r *Reader) Read(ctx context.Context, phase component.Phase, emit component.Emit) error {
	first := r.seen == nil
	if first {
		r.seen = map[string]config.Pos{}
	}
	if err := r.unchanged(); err != nil {
		return err
	}
	var page []*component.Record
	read := func(one component.Recorded) error {
		made, err := r.model.Record(one.Raw)
		if err != nil {
			return fault.Errorf(fault.Fatal, "correct the record, or the settings under source.file", "%s: %w", one.Pos, err)
		}
		if first {
			if before, twice := r.seen[made.Ref]; twice {
				return fault.Errorf(fault.Fatal, "give each record its own ref; case is ignored",
					"%s: the ref %s is also at %s", one.Pos, made.Ref, before)
			}
			r.seen[made.Ref] = one.Pos
		}
		if !slices.ContainsFunc(phase.Kinds, func(k component.Kind) bool { return k.Name == made.Kind }) {
			return nil
		}
		if page = append(page, made); len(page) < pageRecords {
			return nil
		}
		full := page
		page = nil
		return emit(ctx, full)
	}
	if err := r.each(ctx, read); err != nil {
		return err
	}
	if len(r.seen) == 0 {
		return fault.Errorf(fault.Fatal, "check that the file is complete", "%s holds no records", r.path)
	}
	if err := r.unchanged(); err != nil || len(page) == 0 {
		return err
	}
	return emit(ctx, page)
}

// unchanged compares the file with its state in the first phase.
func (r *Reader) unchanged() error {
	info, err := os.Stat(r.path)
	if err != nil {
		return r.unreadable(err)
	}
	if r.first == nil {
		r.first = info
	}
	if !os.SameFile(info, r.first) || info.Size() != r.first.Size() || !info.ModTime().Equal(r.first.ModTime()) {
		return fault.Errorf(fault.Transient,
			"run again when no program writes to the file; replace it by renaming a complete file",
			"%s changed while it was read", r.path)
	}
	return nil
}

// each calls take for every record of the file, in order.
func (r *Reader) each(ctx context.Context, take func(component.Recorded) error) error {
	if ext := strings.ToLower(filepath.Ext(r.path)); ext == ".ndjson" || ext == ".jsonl" {
		return r.lines(ctx, take)
	}
	if r.first.Size() > maxWhole {
		return fault.Errorf(fault.Fatal, "write it as NDJSON, one record a line, with a name that ends in .ndjson",
			"%s is larger than %d MiB", r.path, maxWhole>>20)
	}
	all, err := records.Load(r.path, func(object []byte) bool { return component.IsRecord(r.model, object) })
	if err != nil {
		return err
	}
	for _, one := range all {
		if err := errors.Join(ctx.Err(), take(one)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) lines(ctx context.Context, take func(component.Recorded) error) error {
	f, err := os.Open(r.path)
	if err != nil {
		return r.unreadable(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	at := config.Pos{File: r.path, Col: 1}
	for lines.Scan() {
		at.Line++
		line := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff")))
		if len(line) == 0 {
			continue
		}
		if err := errors.Join(ctx.Err(), take(component.Recorded{Raw: bytes.Clone(line), Pos: at})); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fault.Errorf(fault.Fatal, "write one record a line", "%s:%d: the line is longer than %d MiB", r.path,
			at.Line+1, maxLine>>20)
	}
	return r.unreadable(lines.Err())
}

// unreadable names the file once; nil stays nil.
func (r *Reader) unreadable(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	var of *fs.PathError
	if errors.As(err, &of) {
		err = of.Err
	}
	return fault.Errorf(fault.Fatal, "check source.file.path", "read %s: %w", r.path, err)
}

// Check reports whether the whole file can be read.
func (r *Reader) Check(ctx context.Context) []component.Finding {
	out := component.Finding{What: "file readable", OK: true}
	n := 0
	for _, ph := range r.model.Phases() {
		err := r.Read(ctx, ph, func(_ context.Context, page []*component.Record) error { n += len(page); return nil })
		if err != nil {
			return []component.Finding{{What: out.What, Detail: err.Error(), Remedy: fault.RemedyOf(err), Err: err}}
		}
	}
	out.Detail = fmt.Sprintf("%s holds %d records", r.path, n)
	return []component.Finding{out}
}

// Close has nothing to close.
func (*Reader) Close() error { return nil }
