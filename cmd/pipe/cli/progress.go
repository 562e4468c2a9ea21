package cli

import (
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/run"
)

// progress shows how a run goes on, on stderr.
type progress interface {
	run.Progress
	// shown reports whether a person sees it as it happens.
	shown() bool
	end()
}

func (a *app) progress(c *urfave.Context) (progress, error) {
	kind := c.String("progress")
	if kind == "auto" && c.Bool("quiet") {
		kind = "none"
	}
	if kind == "auto" {
		switch {
		case terminal(a.Stderr) && !c.Bool("json"):
			kind = "bar"
		case c.Bool("json"):
			kind = "none"
		default:
			kind = "plain"
		}
	}
	switch kind {
	case "bar":
		return a.newBars(), nil
	case "plain":
		t := newTally(time.Now)
		return newTicker(terminal(a.Stderr), t, t.plain, waitingFor, func(line string) { display.Fprintln(a.Stderr, line) }),
			nil
	case "json":
		t := newTally(time.Now)
		return newTicker(false, t, func() string { return jsonText(t.json()) },
			func(pending []string) string { return jsonText(map[string]any{"waiting": pending}) },
			func(line string) { display.Fprintln(a.Stderr, display.Block(display.Whole(line))) }), nil
	case "none":
		return silent{}, nil
	}
	return nil, usage{fmt.Sprintf("there is no progress %q", kind), "write --progress auto, bar, plain, json or none"}
}

type silent struct{}

func (silent) Read([]read.KindRead)            {}
func (silent) Reviewed([]component.StreamPlan) {}
func (silent) Sent(string, int)                {}
func (silent) Waiting([]string)                {}
func (silent) shown() bool                     { return false }
func (silent) end()                            {}

// jsonText is a value as one line of JSON.
func jsonText(v any) string {
	b, err := codec.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
