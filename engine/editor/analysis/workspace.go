package analysis

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/pipe-engine/pipe/engine/check"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/quickfix"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/records"
	"github.com/pipe-engine/pipe/engine/suite"
)

// maxFile is the size of the largest file that is read or kept.
const maxFile = 4 << 20

// Host is what the program provides.
type Host struct {
	// Registry has the components that a pipeline file can name.
	Registry component.Registry
	// Source returns a source of records.
	Source  func(given []component.Recorded, m component.Model) (component.Source, error)
	Version string
}

// Workspace has the open files of an editor. Its methods may be called from many goroutines.
type Workspace struct {
	Host

	mu      sync.Mutex
	roots   []string // with links resolved
	open    map[string]*text.Document
	good    map[string]*pipeline.Definition // the last with a language, by path
	last    map[string]loaded               // the last check, by path
	samples map[string]Sample               // chosen, by path of the pipeline file
	runs    map[string]*sampleRun           // the last, by path
}

// loaded is the check of a text.
type loaded struct {
	d          *text.Document
	definition *pipeline.Definition // nil for a test file
	problems   config.Problems
}

// New returns a workspace of folders. Files outside them are never read.
func New(h Host, folders []string) *Workspace {
	w := &Workspace{Host: h, open: map[string]*text.Document{}, good: map[string]*pipeline.Definition{},
		last: map[string]loaded{}, samples: map[string]Sample{}, runs: map[string]*sampleRun{}}
	for _, f := range folders {
		w.AddFolder(f)
	}
	return w
}

// AddFolder adds a folder.
func (w *Workspace) AddFolder(folder string) {
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		w.mu.Lock()
		w.roots = append(w.roots, real)
		w.mu.Unlock()
	}
}

// Folders returns how many folders there are.
func (w *Workspace) Folders() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.roots)
}

// Set gives the text of an open file. Of one that is too large, nothing is kept.
func (w *Workspace) Set(path, content string) {
	if len(content) > maxFile {
		content = ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[path] = text.New(content)
	clear(w.last) // a pipeline file decides about its tests
}

// Close forgets an open file.
func (w *Workspace) Close(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, path)
	delete(w.good, path)
	delete(w.runs, path)
	clear(w.last)
}

// Document returns the text of a file: that of the editor, or else that on disk. It is empty when
// the file may not be read.
func (w *Workspace) Document(path string) *text.Document {
	w.mu.Lock()
	d := w.open[path]
	w.mu.Unlock()
	if d != nil {
		return d
	}
	content, err := w.read(path)
	if err != nil {
		return text.New("")
	}
	return text.New(string(content))
}

// Readable reports whether a file may be read: it is a regular file of at most 4 MiB below a
// folder of the workspace.
func (w *Workspace) Readable(path string) bool {
	f, err := w.openFile(path)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// openFile opens a file that may be read. It does not wait for a pipe, and no link that changes
// meanwhile leads it out of the folder.
func (w *Workspace) openFile(path string) (*os.File, error) {
	refused := &fs.PathError{Op: "open", Path: path, Err: errors.New("not a file of at most 4 MiB in the workspace")}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, refused
	}
	w.mu.Lock()
	roots := slices.Clone(w.roots)
	w.mu.Unlock()
	for _, folder := range roots {
		rel, err := filepath.Rel(folder, real)
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		root, err := os.OpenRoot(folder)
		if err != nil {
			continue
		}
		f, err := root.OpenFile(rel, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		_ = root.Close()
		if err != nil {
			return nil, refused
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() <= maxFile {
			return f, nil
		}
		_ = f.Close()
		return nil, refused
	}
	return nil, refused
}

func (w *Workspace) read(path string) ([]byte, error) {
	f, err := w.openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// load checks a file, or returns the last check when no text has changed.
func (w *Workspace) load(path string) loaded {
	d := w.Document(path)
	w.mu.Lock()
	l, ok := w.last[path]
	w.mu.Unlock()
	if ok && l.d == d {
		return l
	}
	l = w.check(path, []byte(d.Text()))
	l.d = d
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[path] = l
	if l.definition != nil && l.definition.Language != nil && !l.definition.Problems.HasErrors() {
		w.good[path] = l.definition
	}
	return l
}

func (w *Workspace) check(path string, content []byte) loaded {
	if suite.IsTestFile(path) {
		f, problems := suite.Parse(path, content)
		_, problems = check.Tests(path, f, problems, w.suiteOptions())
		return loaded{problems: problems}
	}
	d := w.options(path, content).Parse(context.Background())
	return loaded{definition: d, problems: d.Problems}
}

func (w *Workspace) options(path string, content []byte) job.Options {
	if content == nil {
		content = []byte{}
	}
	return job.Options{Path: path, Text: content, Registry: w.Registry, Version: w.Version, Lenient: true,
		SkipSecrets: true, Readable: w.Readable}
}

// suiteOptions returns how tests are prepared and run.
func (w *Workspace) suiteOptions() suite.Options {
	return suite.Options{
		Records: w.records, Source: w.Source,
		Pipeline: func(path string, variables map[string]string) *pipeline.Definition {
			o := w.options(path, []byte(w.Document(path).Text())).ForTests(variables)
			o.Unpinned = true
			return o.Parse(context.Background())
		},
		Settings: component.Settings{Loopback: true},
	}
}

func (w *Workspace) records(path string, m component.Model) ([]component.Recorded, error) {
	content, err := w.read(path)
	if err != nil {
		return nil, err
	}
	return records.Parse(path, content, func(object []byte) bool { return component.IsRecord(m, object) })
}

// Problems returns what is wrong with a file, as pipe check reports it.
func (w *Workspace) Problems(path string) config.Problems { return w.load(path).problems }

// FixOf is a fix with its problem.
type FixOf struct {
	Problem config.Problem
	Fix     quickfix.Fix
}

// Fixes returns the fixes of the problems on lines, counted from 0. Those that are not found when ctx
// ends are left out.
func (w *Workspace) Fixes(ctx context.Context, path string, from, to int) []FixOf {
	l := w.load(path)
	f := quickfix.New(l.d, l.problems, func(changed []byte) config.Problems {
		if ctx.Err() != nil {
			return l.problems // no better than before
		}
		return w.check(path, changed).problems
	})
	var out []FixOf
	for _, p := range l.problems {
		if p.Line-1 < from || p.Line-1 > to {
			continue
		}
		for _, fix := range f.Of(p) {
			out = append(out, FixOf{p, fix})
		}
	}
	return out
}
