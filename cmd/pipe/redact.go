package main

import (
	"io"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// redacting is the program's output. Secrets have types that do not print; what
// this takes out is what comes back from outside, such as an answer that
// repeats the token it was asked with (invariant 6).
type redacting struct {
	w io.Writer
	r *connection.Redactor
}

// Write writes p without secrets and tells the length of p.
func (x redacting) Write(p []byte) (int, error) {
	if _, err := io.WriteString(x.w, x.r.Clean(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// keepSecret makes the secrets of a pipeline's components known to the output.
func (a *app) keepSecret(d *pipeline.Definition) {
	for _, cfg := range []any{d.SourceCfg, d.SinkCfg} {
		if cfg == nil {
			continue
		}
		for _, s := range config.Secrets(cfg) {
			a.redactor.Add(s.Reveal(), strings.ToLower(s.Reveal()))
		}
	}
}
