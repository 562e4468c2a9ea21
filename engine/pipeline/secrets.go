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
	vars.Secret, vars.CheckSecret, vars.Keep = secret.OfProvider, secret.CheckOfProvider, secret.KeepOfProvider
	d.Secrets = &secret.Config{}
	before := vars.Lenient
	vars.Lenient = before && vars.SkipSecrets
	found := config.Decode(d.File.Secrets, d.Secrets, vars)
	vars.Lenient = before
	d.b.problems = append(d.b.problems, found...)
	if found.HasErrors() {
		// what is wrong has been said
		vars.SkipSecrets, vars.CheckSecret, vars.Keep = true, nil, secret.KeepAny
		return
	}
	folder := filepath.Dir(d.Document.File())
	resolver := secret.NewResolver(d.Secrets, secret.Settings{Folder: folder, UserAgent: d.o.UserAgent,
		Redactor: d.o.Redactor, Log: d.o.Log})
	vars.Secret, vars.CheckSecret, vars.Keep = resolver.Secret, resolver.Check, d.Secrets.Keep(folder)
	vars.SecretKey = resolver.Key
}

// Skipped reports whether the value of a node is a secret that was not read because of
// Variables.SkipSecrets.
func (d *Definition) Skipped(n *config.Node) bool { return n != nil && d.o.Variables.Skipped(n.Path()) }
