package suite

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/explain"
)

// golden compares everything that would be sent with a file, or writes the file.
func (p *Prepared) golden(r *Result, t *explain.Trace) error {
	got, err := output(t)
	if err != nil {
		return err
	}
	path := p.file.resolve(p.test.Golden)
	read := p.o.Golden
	if read == nil {
		read = os.ReadFile
	}
	want, err := read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if string(want) == got {
		return nil
	}
	if p.o.Update {
		r.Updated = path
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(got), 0o644)
	}
	f := Failure{Pos: p.test.golden.Pos(), Message: path + " differs from what would be sent; --update writes it"}
	if want == nil {
		f.Message = path + " does not exist; --update writes it"
	} else {
		f.Diff = diff(strings.TrimRight(string(want), "\n"), strings.TrimRight(got, "\n"))
	}
	r.Failures = append(r.Failures, f)
	return nil
}

// output returns the items of every stream as the sink would receive them, ordered by id.
func output(t *explain.Trace) (string, error) {
	type item struct {
		id   string
		body map[string]any
	}
	streams := map[string][]item{}
	for _, ref := range t.Refs() {
		for _, s := range t.Journey(ref).Staged {
			body, err := codec.Decode(s.Body)
			if err != nil {
				return "", fmt.Errorf("%s of %s: %w", s.Stream, ref, err)
			}
			streams[s.Stream] = append(streams[s.Stream], item{s.ID, body})
		}
	}
	out := map[string][]any{}
	for name, items := range streams {
		slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.id, b.id) })
		for _, one := range items {
			out[name] = append(out[name], one.body)
		}
	}
	b, err := codec.MarshalIndent(out)
	return string(b) + "\n", err
}
