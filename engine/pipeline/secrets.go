package pipeline

import (
	"errors"
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
	vars.Secret = secret.NewResolver(d.Secrets, filepath.Dir(d.Document.File())).Secret
}

// checkOrigin reports the stored secrets of a component that its address does not have a
// right to.
func (d *Definition) checkOrigin(cfg any, address string) {
	origin, err := config.Origin(address)
	if err != nil {
		return // without an address nothing asks for the secrets, which Unsent reports
	}
	for _, s := range config.Secrets(cfg) {
		var problems config.Problems
		if _, err := s.SendTo(origin); errors.As(err, &problems) {
			d.b.problems = append(d.b.problems, problems...)
		}
	}
}
