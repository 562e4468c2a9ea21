package component

import (
	"context"

	"github.com/pipe-engine/pipe/engine/config"
)

// Starter is the optional capability of a transform to get ready for a run, such
// as by starting a process. Run calls it once, before the source is read; what
// it started ends with Close, of io.Closer, which is called once after the run
// and also when nothing was started or Start gave an error.
type Starter interface {
	Start(ctx context.Context) error
}

// Prober is the optional capability of a transform to tell what is wrong with its
// configuration that only starting it shows. Nothing is left running.
type Prober interface {
	Probe(ctx context.Context) config.Problems
}

// Setter is the optional capability of a transform to tell which paths of the
// record it gives new values, from others that the record has.
type Setter interface{ Sets() []string }

// Capability finds an optional capability of a transform, its own or that of the one
// that it wraps and gives with Unwrap.
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

// Program is a program with its arguments, and the SHA-256 checksums of the files that
// the command names, in their order; nil when none were given.
type Program struct {
	Command   []string
	Checksums []string
}
