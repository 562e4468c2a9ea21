package engine

import (
	"context"
	"time"
)

// SinkProber is the optional ability of a sink to find out, by trying, what its
// documents leave open. What it finds is for people: nothing that is promised
// rests on it.
type SinkProber interface {
	// ProbeSink writes to the place, which must be one for tests that holds
	// nothing else, and takes away what it wrote, however it ends; ctx alone ends
	// it without that. A *Refusal says why the place is not one to try things in.
	// The answers are those that it had when it ended.
	ProbeSink(ctx context.Context, o SinkProbeOptions) ([]ProbeAnswer, error)
}

// SinkProbeOptions bound a probe.
type SinkProbeOptions struct {
	RunID string // NewRunID()
	// Within is how long it may take, without taking away what it wrote.
	Within time.Duration
	// Stop is closed when it is to end and take away what it wrote.
	Stop <-chan struct{}
	// Asking tells what is being found out; it returns at once.
	Asking func(question string)
}

// ProbeAnswer is what was found about one question.
type ProbeAnswer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
	Seen     string `json:"seen"`  // how
	Known    bool   `json:"known"` // false: it could not be seen
}
