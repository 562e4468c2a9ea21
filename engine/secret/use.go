package secret

import "github.com/pipe-engine/pipe/engine/config"

// Use decodes the secrets block of a file and lets the parts of the file that are decoded after it
// use ${secret:NAME}. The settings of the providers are needed as soon as secrets are, also where
// other variables may be unset. When the block is wrong, no secret is read and no name is reported.
// It returns nil for a file without the block.
func Use(n *config.Node, vars *config.Variables, s Settings) (*Config, config.Problems) {
	if n == nil {
		return nil, nil
	}
	vars.Secret, vars.CheckSecret, vars.Keep = OfProvider, CheckOfProvider, KeepOfProvider
	cfg := &Config{}
	before := vars.Lenient
	vars.Lenient = before && vars.SkipSecrets
	problems := config.Decode(n, cfg, vars)
	vars.Lenient = before
	if problems.HasErrors() {
		// what is wrong has been said
		vars.SkipSecrets, vars.CheckSecret, vars.Keep = true, nil, KeepAny
		return cfg, problems
	}
	resolver := NewResolver(cfg, s)
	vars.Secret, vars.CheckSecret, vars.Keep = resolver.Secret, resolver.Check, cfg.Keep(s.Folder)
	vars.SecretKey = resolver.Key
	return cfg, problems
}
