package pipeline

import (
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/secret"
)

// buildSecrets lets the parts that follow use ${secret:NAME}.
func (d *Definition) buildSecrets() {
	var found config.Problems
	d.Secrets, found = secret.Use(d.File.Secrets, &d.o.Variables, secret.Settings{
		Folder: filepath.Dir(d.Document.File()), UserAgent: d.o.UserAgent, Redactor: d.o.Redactor, Log: d.o.Log})
	d.b.problems = append(d.b.problems, found...)
}

// Skipped reports whether the value of a node is a secret that was not read because of
// Variables.SkipSecrets.
func (d *Definition) Skipped(n *config.Node) bool { return n != nil && d.o.Variables.Skipped(n.Path()) }
