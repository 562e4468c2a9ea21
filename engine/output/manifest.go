package output

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/stage"
)

// manifestFile is written last: a folder without it is incomplete.
const manifestFile = "run.json"

// manifestVersion is the version of the manifest and of the files that it lists.
const manifestVersion = 1

// Manifest describes the run that wrote a folder, and what it wrote.
type Manifest struct {
	Version  int              `json:"version"`
	Run      string           `json:"run_id"`
	Pipeline string           `json:"pipeline"`
	Place    string           `json:"place"`    // component.Sink.Place
	Encoding string           `json:"encoding"` // component.Encoding; "" for a sink without one
	Ended    time.Time        `json:"ended"`
	Verdict  run.Verdict      `json:"verdict"`
	Streams  []ManifestStream `json:"streams"` // in the order of the plan
	// Files are the SHA-256 checksums of the files of streams and of withheld items.
	Files map[string]string `json:"files"`
}

// ManifestStream is a stream of a folder.
type ManifestStream struct {
	Name  string `json:"name"`
	Own   bool   `json:"own,omitempty"` // see component.StreamPlan
	Items int    `json:"items"`
	// Kept are further items that the sink keeps although the run did not read them.
	Kept int `json:"kept,omitempty"`
}

// description is what a folder has about an item in addition to its body, on the same line of
// another file.
type description struct {
	ID        string `json:"id"`
	Ref       string `json:"ref"`
	Kind      string `json:"kind,omitempty"`
	Rule      string `json:"rule,omitempty"`
	Principal string `json:"principal,omitempty"`
	Resolved  bool   `json:"resolved,omitempty"`
	Substance string `json:"substance"` // component.Encoded.Substance, in hexadecimal
}

// descriptions returns the name of the file with the descriptions of a stream. It does not end
// in .ndjson, unlike files of items.
func descriptions(stream string) string { return stream + ".items.jsonl" }

// describe writes the descriptions of a stream in the order of its items.
func (o *Folder) describe(ctx context.Context, plan *component.Plan, s component.StreamPlan) error {
	all, err := stage.Create("")
	if err != nil {
		return err
	}
	defer all.Close()
	var keys []string
	for e, err := range s.Content {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		d := description{ID: e.ID, Ref: e.Ref, Kind: kindOf(plan, e.Ref), Rule: e.Rule, Principal: e.Principal,
			Resolved: e.Resolved, Substance: fmt.Sprintf("%016x", e.Substance)}
		b, err := codec.Marshal(d)
		if err == nil {
			err = all.Append(display.JSON(b))
		}
		if err != nil {
			return err
		}
		keys = append(keys, stage.OrderKey(e.Ref, e.ID))
	}
	if err := all.Flush(); err != nil {
		return err
	}
	return o.file(descriptions(s.Name), func(l *lines) error {
		for line, err := range all.InOrder(each(keys)) {
			if err == nil {
				err = l.write(line[0])
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// kindOf returns the kind of a record of a plan.
func kindOf(plan *component.Plan, ref string) string {
	if plan.Kind == nil {
		return ""
	}
	return plan.Kind(ref)
}

// End writes the manifest, if the streams were written. Another run can then publish the
// folder.
func (o *Folder) End(p *component.Pipeline, r *run.Report) error {
	if o.streams == nil {
		return nil
	}
	m := Manifest{
		Version: manifestVersion, Run: r.RunID, Pipeline: r.Pipeline, Place: p.Sink.Place(), Encoding: encodingOf(p),
		Ended: time.Now().UTC(), Verdict: r.Verdict, Streams: o.streams, Files: o.sums,
	}
	b, err := codec.Marshal(m)
	if err != nil {
		return err
	}
	return atomicfile.Replace(filepath.Join(o.dir, manifestFile), atomicfile.Options{}, func(w io.Writer) error {
		_, err := w.Write(append(display.JSON(b), '\n'))
		return err
	})
}

func encodingOf(p *component.Pipeline) string {
	if e, can := p.Sink.(component.Encoding); can {
		return e.Encoding()
	}
	return ""
}

// readManifest reads the manifest of a folder. The error wraps fs.ErrNotExist when there is
// none.
func readManifest(dir string) (m Manifest, err error) {
	path := filepath.Join(dir, manifestFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := codec.Unmarshal(bytes.TrimSpace(b), &m); err != nil {
		return m, fmt.Errorf("%s:1: %w", path, err)
	}
	if m.Version != manifestVersion {
		return m, fmt.Errorf("%s:1: version %d, but this version of pipe reads %d", path, m.Version, manifestVersion)
	}
	return m, nil
}

// forget removes the manifest of an earlier run in the folder.
func forget(dir string) error {
	err := os.Remove(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sumOf returns the SHA-256 checksum of a file.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
