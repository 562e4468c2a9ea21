package component

import (
	"context"

	"github.com/pipe-engine/pipe/engine/config"
)

// Starter is the optional capability of a transform to prepare for a run, such as by starting a
// process. Start is called once, before the source is read. A transform that also implements
// io.Closer is closed once after the run, even when Start was not called or failed.
type Starter interface {
	Start(ctx context.Context) error
}

// Prober is the optional capability of a transform to report problems of its configuration that
// appear only when it is started. Probe leaves nothing running.
type Prober interface {
	Probe(ctx context.Context) config.Problems
}

// Setter is the optional capability of a transform to list the paths of the record that it sets
// from other values of the record.
type Setter interface{ Sets() []string }

// Capability returns an optional capability of a transform. A transform that wraps another one
// and has the method Unwrap() Transform is searched first, then the wrapped one.
func Capability[T any](t Transform) (ability T, ok bool) {
	for t != nil {
		if ability, ok = t.(T); ok {
			return ability, true
		}
		wrapper, wraps := t.(interface{ Unwrap() Transform })
		if !wraps {
			break
		}
		t = wrapper.Unwrap()
	}
	return ability, false
}

// Programmed is the optional capability of a transform that runs a program.
type Programmed interface{ Program() Program }

// Program is a program with its arguments, and the SHA-256 checksums of the files that the
// command names, in the order of the command. Checksums is nil when the pipeline file gives
// none.
type Program struct {
	Command   []string
	Checksums []string
}
