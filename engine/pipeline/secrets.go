package pipeline

import (
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/secret"
)

// buildSecrets lets the parts that follow use ${secret:NAME}. The settings of the providers
// are needed as soon as secrets are, also where other variables may be unset.
func (d *Definition) buildSecrets() {
	if d.File.Secrets == nil {
		return
	}
	vars := &d.o.Variables
	vars.Secret, vars.CheckSecret = secret.OfProvider, secret.CheckOfProvider
	d.Secrets = &secret.Config{}
	before := vars.Lenient
	vars.Lenient = before && vars.SkipSecrets
	found := config.Decode(d.File.Secrets, d.Secrets, vars)
	vars.Lenient = before
	d.b.problems = append(d.b.problems, found...)
	if found.HasErrors() {
		vars.SkipSecrets, vars.CheckSecret = true, nil // what is wrong has been said
		return
	}
	resolver := secret.NewResolver(d.Secrets, secret.Settings{Folder: filepath.Dir(d.Document.File()),
		UserAgent: d.o.UserAgent, Redactor: d.o.Redactor, Log: d.o.Log})
	vars.Secret, vars.CheckSecret = resolver.Secret, resolver.Check
}

// Skipped reports whether the value of a node is a secret that was not read because of
// Variables.SkipSecrets.
func (d *Definition) Skipped(n *config.Node) bool { return n != nil && d.o.Variables.Skipped(n.Path()) }
