package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

func (a *app) datasourceExport(c *urfave.Context) error {
	if c.Args().Len() > 2 {
		return usage{"pipe datasource export takes a file and one folder", "write pipe datasource export FILE DIR"}
	}
	_, sink, p, err := a.provisioner(c)
	if err != nil {
		return err
	}
	defer sink.Close()
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	o := component.ExportOptions{Name: c.String("name")}
	dir := c.Args().Get(1)
	if dir != "" {
		o.Named = func(file string) string { return fromFolderOf(c.Args().First(), filepath.Join(dir, file)) }
	}
	e, err := p.ExportProvision(ctx, o)
	if err != nil {
		return err
	}
	if dir == "" {
		return a.printExport(c, e, nil)
	}
	written, err := writeExport(dir, e, c.Bool("force"))
	if err != nil {
		return err
	}
	return a.printExport(c, e, written)
}

// fromFolderOf returns the path of a file as written in a pipeline file: relative to its
// folder if possible.
func fromFolderOf(pipeline, file string) string {
	from, err := filepath.Abs(filepath.Dir(pipeline))
	if err == nil {
		var to, rel string
		if to, err = filepath.Abs(file); err == nil {
			if rel, err = filepath.Rel(from, to); err == nil {
				return filepath.ToSlash(rel)
			}
		}
	}
	return file
}

// writeExport writes the block and its files, all or, when one is there
// already, none.
func writeExport(dir string, e *component.ProvisionExport, force bool) ([]string, error) {
	files := map[string][]byte{"datasource.yaml": e.Block}
	for name, data := range e.Files {
		files[name] = data
	}
	var paths []string
	for name := range files {
		paths = append(paths, filepath.Join(dir, name))
	}
	slices.Sort(paths)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, usage{err.Error(), "name a folder that can be written"}
	}
	for _, path := range paths {
		if _, err := os.Lstat(path); !force && !errors.Is(err, fs.ErrNotExist) {
			return nil, usage{fmt.Sprintf("%s exists already; nothing was written",
				path), "name another folder, or add " +
				"--force to overwrite"}
		}
	}
	for _, path := range paths {
		if err := os.WriteFile(path, files[filepath.Base(path)], 0o644); err != nil {
			return nil, usage{err.Error(), "name a folder that can be written"}
		}
	}
	return paths, nil
}

func (a *app) printExport(c *urfave.Context, e *component.ProvisionExport, written []string) error {
	if c.Bool("json") {
		return a.printJSON(map[string]any{"datasource": e.Name, "block": string(e.Block), "files": written, "notes": e.Notes},
			nil)
	}
	if written == nil {
		if _, err := bytes.NewReader(e.Block).WriteTo(a.Stdout); err != nil {
			return err
		}
	}
	for _, path := range written {
		display.Fprintln(a.Stdout, path)
	}
	for _, note := range e.Notes {
		display.Fprintf(a.Stderr, "note: %s\n", note)
	}
	return nil
}
