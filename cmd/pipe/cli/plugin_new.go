package cli

import (
	"bufio"
	"bytes"
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

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/plugins/examples"
)

func (a *app) pluginNewCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "new",
		Usage:       "make a working plugin with a test and a README, to be changed into your own",
		ArgsUsage:   "NAME",
		Description: "A Go plugin finds the SDK in a checkout of pipe, by default the one that this pipe was built from.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "lang", Value: "go", Usage: "go or python"},
			&urfave.StringFlag{Name: "sdk", Usage: "the checkout of pipe in `DIR`, for a Go plugin"},
			&urfave.StringFlag{Name: "dir", Usage: "the folder to make (default: NAME in the working directory)"},
		},
		Action: a.pluginNew,
	}
}

//go:embed templates
var templates embed.FS

var pluginName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// project is what the templates are filled with.
type project struct {
	Name string
	// Program is the file that the pipeline file names.
	Program string
	// SDK, Go and Requires are of a Go project: the checkout, its Go version and
	// its requirements.
	SDK, Go  string
	Requires []string
	// Wire is of a Python project: what it has in common with every other.
	Wire string
}

func (a *app) pluginNew(c *urfave.Context) error {
	if c.Args().Len() != 1 {
		return usage{"pipe plugin new needs one name", "write pipe plugin new NAME --lang go"}
	}
	p := project{Name: c.Args().First()}
	if !pluginName.MatchString(p.Name) {
		return usage{fmt.Sprintf("%q is no name for a plugin", p.Name),
			"a name has lower-case letters, digits and dashes, such as cmdb-owner; --dir says where it is made"}
	}
	dir := c.String("dir")
	if dir == "" {
		dir = p.Name
	}
	if entries, err := os.ReadDir(dir); len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usage{dir + " is there already, and is not an empty folder", "name another with --dir"}
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
		return a.printJSON(map[string]any{"name": p.Name, "dir": dir, "program": filepath.Join(dir, p.Program)}, nil)
	}
	display.Fprintf(a.Stdout, "%s is a working plugin; its README.md says how it is tested, tried and used\n", dir)
	return nil
}

// inGo makes a module of its own that finds the SDK in a checkout, with the
// versions of that checkout, so that nothing has to be downloaded.
func (p *project) inGo(files map[string][]byte, sdk string) error {
	root, err := checkout(sdk)
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	if files["go.sum"], err = os.ReadFile(filepath.Join(root, "go.sum")); err != nil {
		return err
	}
	p.Program, p.SDK = p.Name, root
	if strings.ContainsAny(root, " \t\"'`") {
		p.SDK = fmt.Sprintf("%q", root)
	}
	p.Go, p.Requires = requirements(mod)
	return p.fill(files, "go")
}

func (p *project) inPython(files map[string][]byte) error {
	p.Program = p.Name + ".py"
	const mark = "# ---- The wire"
	_, wire, found := strings.Cut(examples.Redact(), mark)
	if !found {
		return fmt.Errorf("the example redact.py has no line %q", mark)
	}
	p.Wire = mark + strings.NewReplacer("self.redact", "self.plugin", "Redact(", "Plugin(").Replace(wire)
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

// checkout is the folder of pipe's own source: the one that is given, or the
// nearest above where this pipe was built or the working directory.
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
			"name one with --sdk DIR"}
}

func isCheckout(dir string) bool {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && bytes.HasPrefix(mod, []byte("module "+modulePath+"\n"))
}

// requirements are the Go version of a go.mod and the modules it requires.
func requirements(mod []byte) (version string, requires []string) {
	inside := false
	for lines := bufio.NewScanner(bytes.NewReader(mod)); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "go":
			version = words[1]
		case words[0] == "require" && words[1] == "(":
			inside = true
		case words[0] == "require":
			requires = append(requires, words[1]+" "+words[2])
		case words[0] == ")":
			inside = false
		case inside:
			requires = append(requires, words[0]+" "+words[1])
		}
	}
	return version, requires
}
