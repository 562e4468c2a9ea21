package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
)

// outputFolder writes every stream of a plan as NDJSON, exactly as the sink
// would get it, and the dead letters beside them. Each file appears whole or
// not at all.
type outputFolder struct {
	dir     string
	letters *lines
}

func newOutputFolder(dir string) (*outputFolder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, usage{fmt.Sprintf("--output %s: %v", dir, err), "name a folder that can be written"}
	}
	l, err := newLines(filepath.Join(dir, "rejected.ndjson"))
	if err != nil {
		return nil, usage{fmt.Sprintf("--output %s: %v", dir, err), "name a folder that can be written"}
	}
	return &outputFolder{dir: dir, letters: l}, nil
}

func (o *outputFolder) deadLetter(d engine.DeadLetter) error {
	b, err := codec.Marshal(d)
	if err != nil {
		return err
	}
	return o.letters.write(b)
}

func (o *outputFolder) plan(ctx context.Context, plan *engine.Plan) error {
	for _, s := range plan.Streams {
		l, err := newLines(filepath.Join(o.dir, s.Name+".ndjson"))
		if err != nil {
			return err
		}
		for e, err := range s.Items {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = l.write(e.Body)
			}
			if err != nil {
				l.drop()
				return fmt.Errorf("write %s: %w", s.Name, err)
			}
		}
		if err := l.close(); err != nil {
			return err
		}
	}
	return nil
}

func (o *outputFolder) close() error { return o.letters.close() }

// lines is a file of lines that gets its name when it is complete.
type lines struct {
	path string
	f    *os.File
	w    *bufio.Writer
}

func newLines(path string) (*lines, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, err
	}
	return &lines{path: path, f: f, w: bufio.NewWriter(f)}, nil
}

func (l *lines) write(b []byte) error {
	if _, err := l.w.Write(b); err != nil {
		return err
	}
	return l.w.WriteByte('\n')
}

func (l *lines) close() error {
	err := l.w.Flush()
	if closeErr := l.f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(l.f.Name(), l.path)
	}
	if err != nil {
		os.Remove(l.f.Name())
	}
	return err
}

func (l *lines) drop() {
	l.f.Close()
	os.Remove(l.f.Name())
}
