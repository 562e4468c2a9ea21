package file

import (
	"context"
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/component"
)

// Sink replaces the files of one folder.
type Sink struct{ folder string }

var (
	_ component.Sink      = (*Sink)(nil)
	_ component.Decoder   = (*Sink)(nil)
	_ component.Presenter = (*Sink)(nil)
	_ component.Checker   = (*Sink)(nil)
)

// Place is the folder.
func (k *Sink) Place() string { return "file:" + filepath.ToSlash(k.folder) }

// RefID returns the ref: ids are taken as they are.
func (k *Sink) RefID(ref string) string { return ref }

// Open begins a session; it writes nothing.
func (k *Sink) Open(_ context.Context, o component.Opening) (component.Session, error) {
	return &session{sink: k, written: o.Written, names: map[string]string{}, unknown: map[string]bool{}}, nil
}

// Close has nothing to close.
func (*Sink) Close() error { return nil }

func (k *Sink) path(stream string) string { return filepath.Join(k.folder, stream+".ndjson") }
