package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/suite"
)

// fileVariable names the pipeline file of calls that leave it out.
const fileVariable = "PIPE_FILE"

// needFile are the commands that require the file, because they cannot be undone.
var needFile = []string{"adopt", "approve", "purge", "datasource apply", "state import"}

// findFile adds the pipeline file to a call without one, and prints which.
func (a *app) findFile(p *parsed) error {
	cmd := p.command()
	if cmd == nil || !strings.HasPrefix(cmd.ArgsUsage, "FILE") || slices.Contains(needFile, p.name()) || a.hasFile(*p) {
		return nil
	}
	if len(p.words) > 1 && slices.ContainsFunc(p.options, func(o string) bool {
		name, _, _ := strings.Cut(o, "=")
		return name == "--server" || name == "--token-file"
	}) {
		return nil // the first word is the name of a pipeline
	}
	if p.name() == "check" && slices.ContainsFunc(p.options, func(o string) bool {
		return strings.HasPrefix(o, "--explain")
	}) {
		return nil
	}
	file, named := a.Env(fileVariable)
	if !named || file == "" {
		switch found := pipelineFiles(".", "pipelines"); len(found) {
		case 0:
			if unknownFlag(cmd, p.options) || slices.Contains(p.options, "--wait") && slices.ContainsFunc(p.words, isDuration) {
				return nil // the command refuses it
			}
			return usage{"pipe " + p.name() + " needs a pipeline file, and neither this folder nor pipelines/ has one",
				"pipe init catalog creates one in catalog/pipelines; or name it: pipe " + p.name() + " FILE"}
		case 1:
			file = found[0]
		default:
			return usage{"pipe " + p.name() + " needs a pipeline file, and there are several: " + strings.Join(found, ", "),
				"name one of them, or set " + fileVariable}
		}
	}
	p.words = append([]string{file}, p.words...)
	display.Fprintf(a.Stderr, "pipe: using %s\n", file)
	return nil
}

// unknownFlag reports whether a call has a flag that the command does not have.
func unknownFlag(cmd *urfave.Command, options []string) bool {
	return slices.ContainsFunc(options, func(o string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(o, "-"), "=")
		return strings.HasPrefix(o, "-") && !slices.ContainsFunc(cmd.Flags, func(f urfave.Flag) bool {
			return slices.Contains(f.Names(), name)
		})
	})
}

// hasFile reports whether the first word of a call is a file.
func (a *app) hasFile(p parsed) bool {
	if len(p.words) == 0 {
		return false
	}
	first := p.words[0]
	if strings.HasPrefix(p.command().ArgsUsage, "FILE ") {
		_, err := os.Stat(first)
		return err == nil || filepath.Ext(first) == ".yaml" || filepath.Ext(first) == ".yml"
	}
	return true
}

// pipelineFiles are the pipeline files of some folders.
func pipelineFiles(folders ...string) []string {
	var out []string
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue
		}
		for _, e := range entries {
			path := filepath.Join(folder, e.Name())
			if ext := filepath.Ext(e.Name()); e.Type().IsRegular() && (ext == ".yaml" || ext == ".yml") && isPipeline(path) {
				out = append(out, path)
			}
		}
	}
	return out
}

// maxGuessed is how large a file may be that is looked at, to see whether it is a
// pipeline.
const maxGuessed = 4 << 20

// isPipeline reports whether a file has the parts of a pipeline at its top.
func isPipeline(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxGuessed || suite.IsTestFile(path) {
		return false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	doc, _ := config.Parse(path, text)
	return doc.Root().Get("source") != nil && doc.Root().Get("sink") != nil
}
