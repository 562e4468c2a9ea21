package cli

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"text/template"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/mod/modfile"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/plugins/proto/python"
)

func (a *app) pluginNewCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "new",
		Usage:     "create a plugin with a test and a README",
		ArgsUsage: "NAME",
		Description: "A Go plugin requires the SDK at the version of this pipe. A development build has no version to " +
			"require; it adds a replace line for a checkout of pipe, by default the one that it was built from.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "lang", Value: "go", Usage: "go or python"},
			&urfave.StringFlag{Name: "sdk", Usage: "take the SDK from the checkout of pipe in `DIR`, for a Go plugin"},
			&urfave.StringFlag{Name: "dir", Usage: "the folder to make (default: NAME in the working directory)"},
		},
		Action: a.pluginNew,
	}
}

//go:embed templates
var templates embed.FS

var pluginName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// project has the values for the templates.
type project struct {
	Name string
	// Program is the file that the pipeline file names.
	Program string
	// Version is the version of the SDK that a Go project requires.
	Version string
	// SDK is the checkout that replaces the SDK in a Go project, "" for none. Go and
	// Requires are its Go version and its requirements.
	SDK, Go  string
	Requires []string
}

func (a *app) pluginNew(c *urfave.Context) error {
	if c.Args().Len() != 1 {
		return usage{"pipe plugin new needs one name", "write pipe plugin new NAME --lang go"}
	}
	p := project{Name: c.Args().First()}
	if !pluginName.MatchString(p.Name) {
		return usage{fmt.Sprintf("%q is not a plugin name", p.Name),
			"a name has lower-case letters, digits and dashes, such as cmdb-owner; --dir sets the folder"}
	}
	dir := c.String("dir")
	if dir == "" {
		dir = p.Name
	}
	if entries, err := os.ReadDir(dir); len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usage{dir + " exists and is not an empty folder", "name another with --dir"}
	}
	files := map[string][]byte{}
	var err error
	switch lang := c.String("lang"); lang {
	case "go":
		err = p.inGo(files, c.String("sdk"))
	case "python":
		err = p.inPython(files)
	default:
		err = usage{fmt.Sprintf("there is no template in %q", lang),
			"write --lang go or --lang python; other languages need plugins/proto/transform.proto alone"}
	}
	if err == nil {
		err = p.write(dir, files)
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		made := map[string]any{"name": p.Name, "dir": dir, "program": filepath.Join(dir, p.Program)}
		if p.Version != "" {
			made["sdk"] = cmp.Or(p.SDK, p.Version)
		}
		return a.printJSON(made, nil)
	}
	display.Fprintf(a.Stdout, "%s is a working plugin. Its README.md says how to test, try and use it.\n", dir)
	switch {
	case p.SDK != "":
		display.Fprintf(a.Stdout, "Its go.mod takes the SDK from the checkout %s with a replace line, which builds on this "+
			"machine only.\nA released pipe writes a go.mod without one.\n", p.SDK)
	case p.Version != "":
		display.Fprintf(a.Stdout, "Run go mod tidy in it first: it requires %s %s.\n", modulePath, p.Version)
	}
	return nil
}

// inGo writes a separate module. A released pipe requires the SDK at its own version. A
// development build, or --sdk, replaces the SDK by a checkout and requires the versions of
// that checkout, which are already on this machine.
func (p *project) inGo(files map[string][]byte, sdk string) error {
	p.Program, p.Version = p.Name, "v0.0.0"
	if built := version.Current(); built.Released && sdk == "" {
		p.Version = built.Version
		return p.fill(files, "go")
	}
	root, err := checkout(sdk)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	if files["go.sum"], err = os.ReadFile(filepath.Join(root, "go.sum")); err != nil {
		return err
	}
	mod, err := modfile.ParseLax("go.mod", text, nil)
	if err != nil {
		return err
	}
	p.SDK = modfile.AutoQuote(root)
	if mod.Go != nil {
		p.Go = mod.Go.Version
	}
	for _, r := range mod.Require {
		p.Requires = append(p.Requires, r.Mod.Path+" "+r.Mod.Version)
	}
	return p.fill(files, "go")
}

func (p *project) inPython(files map[string][]byte) error {
	p.Program = p.Name + ".py"
	generated := python.Files()
	entries, err := generated.ReadDir(".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if files[e.Name()], err = generated.ReadFile(e.Name()); err != nil {
			return err
		}
	}
	return p.fill(files, "python")
}

// fill adds the files of a template; NAME in a file's name is the plugin's.
func (p *project) fill(files map[string][]byte, lang string) error {
	all, err := template.ParseFS(templates, "templates/"+lang+"/*.tmpl")
	if err != nil {
		return err
	}
	for _, t := range all.Templates() {
		var b bytes.Buffer
		if err := t.Execute(&b, p); err != nil {
			return err
		}
		name := strings.TrimSuffix(t.Name(), ".tmpl")
		files[strings.ReplaceAll(name, "NAME", p.Name)] = b.Bytes()
	}
	files["records.ndjson"], err = templates.ReadFile("templates/records.ndjson")
	return err
}

// write makes the folder; a script that starts with #! may be run.
func (p *project) write(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		mode := fs.FileMode(0o644)
		if bytes.HasPrefix(text, []byte("#!")) {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, mode); err != nil {
			return err
		}
	}
	return nil
}

const modulePath = "github.com/pipe-engine/pipe"

// checkout returns the folder of pipe's source: the given one, or the nearest above the
// build folder or the working directory.
func checkout(given string) (string, error) {
	if given != "" {
		root, err := filepath.Abs(given)
		if err != nil {
			return "", err
		}
		if !isCheckout(root) {
			return "", usage{given + " is not a checkout of pipe", "name the folder that holds pipe's go.mod"}
		}
		return root, nil
	}
	_, source, _, _ := runtime.Caller(0)
	work, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for _, dir := range []string{filepath.Dir(source), work} {
		for filepath.IsAbs(dir) {
			if isCheckout(dir) {
				return dir, nil
			}
			if above := filepath.Dir(dir); above != dir {
				dir = above
				continue
			}
			break
		}
	}
	return "",
		usage{"the SDK was not found: no checkout of pipe is where this pipe was built or above the working directory",
			"name one with --sdk DIR, or use a released pipe, which needs none"}
}

func isCheckout(dir string) bool {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && bytes.HasPrefix(mod, []byte("module "+modulePath+"\n"))
}
