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
	vars.Secret = secret.OfProvider
	d.Secrets = &secret.Config{}
	before := vars.Lenient
	vars.Lenient = before && vars.SkipSecrets
	found := config.Decode(d.File.Secrets, d.Secrets, vars)
	vars.Lenient = before
	d.b.problems = append(d.b.problems, found...)
	if found.HasErrors() {
		vars.SkipSecrets = true // what is wrong has been said
		return
	}
	vars.Secret = secret.NewResolver(d.Secrets, secret.Settings{Folder: filepath.Dir(d.Document.File()),
		UserAgent: d.o.UserAgent, Redactor: d.o.Redactor, Log: d.o.Log}).Secret
}
