package folder

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Pipeline is a pipeline of a fleet.
type Pipeline struct {
	Name                    string
	Path                    string // of its file
	Team, Region, TaskQueue string
	Pin                     bool
}

// Fleet is a folder that was read.
type Fleet struct {
	Dir       string
	Name      string
	Limits    Limits
	Pipelines []Pipeline // in the order of fleet.yaml
	Warnings  config.Problems
	Source    []byte // of fleet.yaml
}

// Read reads fleet.yaml of a folder. Its errors are those of brokerfile.Read.
func Read(ctx context.Context, dir string, lookup func(string) (string, bool)) (*Fleet, error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); err != nil {
		return nil, &fault.Invalid{Reason: fmt.Sprintf("%s is not the folder of a fleet: %v", dir, err),
			Remedy: "name a folder with " + FileName}
	}
	var f File
	doc, err := brokerfile.Read(path, &f, brokerfile.Options{Lookup: lookup, Context: ctx})
	if err != nil {
		return nil, err
	}
	out := &Fleet{Dir: dir, Name: f.Fleet, Limits: f.Limits, Warnings: doc.Warnings, Source: doc.Source}
	for _, p := range f.Pipelines {
		out.Pipelines = append(out.Pipelines, Pipeline{Name: p.Key, Path: filepath.Join(dir, p.Value.path(p.Key)),
			Team: cmp.Or(p.Value.Team, f.Defaults.Team), Region: cmp.Or(p.Value.Region, f.Defaults.Region),
			TaskQueue: cmp.Or(p.Value.TaskQueue, f.Defaults.TaskQueue), Pin: p.Value.Pin})
	}
	return out, nil
}

// Find returns a pipeline by its name; a *fault.Invalid when the fleet has none of that name.
func (f *Fleet) Find(name string) (*Pipeline, error) {
	var names []string
	for i := range f.Pipelines {
		if f.Pipelines[i].Name == name {
			return &f.Pipelines[i], nil
		}
		names = append(names, f.Pipelines[i].Name)
	}
	remedy := "look at " + filepath.Join(f.Dir, FileName)
	if near := config.Nearest(name, names); near != "" {
		remedy = "did you mean " + near + "?"
	}
	return nil, &fault.Invalid{Reason: fmt.Sprintf("the fleet %s has no pipeline %q", f.Name, name), Remedy: remedy}
}

// Text returns the content of the pipeline file and its SHA-256.
func (p *Pipeline) Text() (text []byte, sha string, err error) {
	if text, err = os.ReadFile(p.Path); err != nil {
		return nil, "", &fault.Invalid{Reason: fmt.Sprintf("the pipeline %s: %v", p.Name, err),
			Remedy: "correct file: in " + FileName}
	}
	sum := sha256.Sum256(text)
	return text, hex.EncodeToString(sum[:]), nil
}

// Unlisted returns YAML files of the folder that no pipeline names, without tests and hidden folders.
func (f *Fleet) Unlisted() ([]string, error) {
	var out []string
	err := filepath.WalkDir(f.Dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(f.Dir, path)
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if path != f.Dir && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
		case rel == FileName, strings.HasSuffix(rel, ".test.yaml"), filepath.Ext(rel) != ".yaml":
		case !slices.ContainsFunc(f.Pipelines, func(p Pipeline) bool { return p.Path == path }):
			out = append(out, rel)
		}
		return nil
	})
	return out, err
}
