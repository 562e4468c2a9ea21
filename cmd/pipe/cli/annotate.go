package cli

import (
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
)

// annotate writes problems as annotations where GitHub runs the program. GitHub wants paths
// relative to the repository.
func (a *app) annotate(problems config.Problems) {
	out, is := a.Stdout.(*writer)
	if on, _ := a.Env("GITHUB_ACTIONS"); on != "true" || !is {
		return
	}
	for _, p := range problems {
		file := p.File
		if root, _ := a.Env("GITHUB_WORKSPACE"); root != "" {
			if path, err := filepath.Abs(file); err == nil {
				if in, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(in) {
					file = in
				}
			}
		}
		message := p.Message
		if p.Hint != "" {
			message += "\nhint: " + p.Hint
		}
		out.Annotate(display.Annotation{Warning: p.Warning, File: filepath.ToSlash(file), Line: p.Line, Col: p.Col,
			Title: "pipe check: " + p.Code, Message: message})
	}
}
