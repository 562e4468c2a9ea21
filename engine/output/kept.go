package output

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/run"
)

// Kept is a folder that a run can publish: complete, unchanged, and of the same place.
type Kept struct {
	Dir string
	Manifest
	decoder     component.Decoder
	permissions map[string]bool // streams whose items have permissions
}

// another is the remedy for a folder that cannot be published.
const another = "name a folder that another run wrote with --output, or run without --from-output"

// OpenKept opens a folder to publish it with a pipeline. It returns a *fault.Invalid when the
// folder is incomplete or was changed, when its run failed, or when it is of another place or
// has other streams.
func OpenKept(dir string, p *component.Pipeline) (*Kept, error) {
	m, err := readManifest(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &fault.Invalid{
			Reason: filepath.Join(dir, manifestFile) + " is missing: the run that wrote the folder did not end, or it was " +
				"an earlier version of pipe",
			Remedy: another,
		}
	case err != nil:
		return nil, &fault.Invalid{Reason: err.Error(), Remedy: another}
	}
	k := &Kept{Dir: dir, Manifest: m, permissions: map[string]bool{}}
	var can bool
	if k.decoder, can = p.Sink.(component.Decoder); !can {
		return nil, &fault.Invalid{Reason: "the sink cannot read back what an earlier run wrote"}
	}
	for _, s := range p.Streams {
		k.permissions[s.Name] = s.Permissions
	}
	for _, check := range []func(*component.Pipeline) error{k.ended, k.same, k.covers} {
		if err := check(p); err != nil {
			return nil, err
		}
	}
	return k, k.unchanged()
}

// ended refuses the output of a run that was refused, failed or stopped.
func (k *Kept) ended(*component.Pipeline) error {
	switch k.Verdict {
	case run.VerdictDelivered, run.VerdictUnconfirmed, run.VerdictDry:
		return nil
	}
	return &fault.Invalid{
		Reason: fmt.Sprintf("%s is the output of run %s, which %s on %s: no run has published it", k.Dir, k.Run,
			ending(k.Verdict), display.Time(k.Ended)),
		Remedy: another,
	}
}

// ending returns how a run ended that published nothing.
func ending(v run.Verdict) string {
	switch v {
	case run.VerdictRefused:
		return "was refused by a guard"
	case run.VerdictStopped:
		return "was stopped"
	}
	return "failed"
}

// same refuses output for another place, or with another encoding.
func (k *Kept) same(p *component.Pipeline) error {
	if place := p.Sink.Place(); k.Place != place {
		return &fault.Invalid{
			Reason: fmt.Sprintf("%s was written for %s, but this run publishes to %s", k.Dir, k.Place, place),
			Remedy: "run it with the pipeline file and variables of that run, or name another folder",
		}
	}
	if k.Encoding != encodingOf(p) {
		return &fault.Invalid{
			Reason: fmt.Sprintf("the sink's settings, or the way this version of pipe encodes items, changed "+
				"since run %s wrote %s", k.Run, k.Dir),
			Remedy: "run it with the pipeline file and the version of pipe of that run",
		}
	}
	return nil
}

// covers refuses output that lacks a stream that this run writes, or has a stream that the sink
// does not have.
func (k *Kept) covers(p *component.Pipeline) error {
	for _, s := range k.Streams {
		if s.Kept > 0 {
			return &fault.Invalid{
				Reason: fmt.Sprintf("%s lacks %s of %s that run %s could not read: publishing it would delete them", k.Dir,
					display.Number(s.Kept), s.Name, k.Run),
				Remedy: another,
			}
		}
	}
	var lacks []string
	for _, s := range p.Streams {
		if p.Unwritten(s.Name) == "" && k.stream(s.Name) == nil {
			lacks = append(lacks, s.Name)
		}
	}
	var has []string
	for _, s := range k.Streams {
		if !s.Own {
			has = append(has, s.Name)
		}
		if _, declared := p.Stream(s.Name); !declared && !s.Own {
			return &fault.Invalid{
				Reason: fmt.Sprintf("%s has the stream %s, which the sink does not have", k.Dir, s.Name), Remedy: another,
			}
		}
	}
	if lacks != nil {
		return &fault.Invalid{
			Reason: fmt.Sprintf("%s lacks %s, which run %s did not write", k.Dir, strings.Join(lacks, ", "), k.Run),
			Remedy: "name another folder, or publish the other streams alone with --only " + strings.Join(has, ","),
		}
	}
	return nil
}

func (k *Kept) stream(name string) *ManifestStream {
	i := slices.IndexFunc(k.Streams, func(s ManifestStream) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &k.Streams[i]
}

// unchanged compares the files with the checksums of the manifest.
func (k *Kept) unchanged() error {
	names := []string{withheldFile + ".ndjson"}
	for _, s := range k.Streams {
		names = append(names, s.Name+".ndjson", descriptions(s.Name))
	}
	for _, name := range names {
		path := filepath.Join(k.Dir, name)
		sum, err := sumOf(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &fault.Invalid{Reason: path + " is missing", Remedy: "restore the folder from a copy, or " + another}
		case err != nil:
			return &fault.Invalid{Reason: err.Error(), Remedy: another}
		case sum != k.Files[name]:
			return &fault.Invalid{
				Reason: fmt.Sprintf("%s changed since run %s wrote it: its checksum differs", path, k.Run),
				Remedy: "restore the folder from a copy, or " + another,
			}
		}
	}
	return nil
}

// Earlier returns the output in the form that a run publishes.
func (k *Kept) Earlier() *run.Earlier {
	e := &run.Earlier{Dir: k.Dir, Run: k.Run, Ended: k.Ended, Dry: k.Verdict == run.VerdictDry}
	e.Own = map[string]bool{}
	for _, s := range k.Streams {
		e.Streams = append(e.Streams, s.Name)
		e.Own[s.Name] = s.Own
	}
	e.Items, e.Withheld = k.items, k.withheld
	return e
}

// items yields the items of a stream, each with its description.
func (k *Kept) items(stream string) iter.Seq2[read.EarlierItem, error] {
	return func(yield func(read.EarlierItem, error) bool) {
		bodies, err := os.Open(filepath.Join(k.Dir, stream+".ndjson"))
		if err != nil {
			yield(read.EarlierItem{}, err)
			return
		}
		defer bodies.Close()
		described, err := os.Open(filepath.Join(k.Dir, descriptions(stream)))
		if err != nil {
			yield(read.EarlierItem{}, err)
			return
		}
		defer described.Close()
		in, about := bufio.NewReaderSize(bodies, 1<<16), bufio.NewReaderSize(described, 1<<16)
		for n := 1; ; n++ {
			body, err := in.ReadBytes('\n')
			line, aboutErr := about.ReadBytes('\n')
			if err == io.EOF && aboutErr == io.EOF && len(body)+len(line) == 0 {
				return
			}
			var item read.EarlierItem
			if err = errors.Join(err, aboutErr); err == nil {
				item, err = k.item(stream, bytes.TrimSuffix(body, []byte("\n")), line)
			}
			if err != nil {
				err = &fault.Invalid{
					Reason: fmt.Sprintf("%s:%d is not an item of %s as run %s wrote it: %v", bodies.Name(), n, stream, k.Run, err),
					Remedy: another,
				}
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// item parses one item. Its audience is the one in its body.
func (k *Kept) item(stream string, body, line []byte) (out read.EarlierItem, err error) {
	stored, err := k.decoder.Decode(stream, body)
	if err != nil {
		return out, err
	}
	var d description
	if err := codec.Unmarshal(line, &d); err != nil {
		return out, err
	}
	substance, err := strconv.ParseUint(d.Substance, 16, 64)
	switch {
	case err != nil:
		return out, fmt.Errorf("its description: %w", err)
	case d.ID != stored.ID || d.Ref == "":
		return out, fmt.Errorf("its id is %q, but its description has %q", stored.ID, d.ID)
	case k.permissions[stream] && (stored.Audience == access.Undecided || stored.Audience == access.Nobody):
		return out, errors.New("it has no audience")
	}
	out.Kind = d.Kind
	out.Encoded = component.Encoded{
		ID: stored.ID, Ref: d.Ref, Type: stored.Type, Rule: d.Rule, Principals: stored.Principals, AllOf: stored.AllOf,
		Resolved: d.Resolved, Principal: d.Principal, Body: body, Substance: substance,
	}
	if k.permissions[stream] {
		out.Audience = stored.Audience
	}
	return out, nil
}

// withheld yields the items of a stream that the run withheld.
func (k *Kept) withheld(stream string) iter.Seq2[read.EarlierItem, error] {
	return func(yield func(read.EarlierItem, error) bool) {
		path := filepath.Join(k.Dir, withheldFile+".ndjson")
		f, err := os.Open(path)
		if err != nil {
			yield(read.EarlierItem{}, err)
			return
		}
		defer f.Close()
		n := 0
		errDone := errors.New("done")
		err = eachLine(f, func(line []byte) error {
			n++
			var w withheld
			if err := codec.Unmarshal(line, &w); err != nil {
				return &fault.Invalid{Reason: fmt.Sprintf("%s:%d: %v", path, n, err), Remedy: another}
			}
			if w.Stream != stream {
				return nil
			}
			if !yield(read.EarlierItem{Encoded: component.Encoded{Ref: w.Ref, ID: w.id()}, Kind: w.Kind}, nil) {
				return errDone
			}
			return nil
		})
		if err != nil && !errors.Is(err, errDone) {
			yield(read.EarlierItem{}, err)
		}
	}
}
