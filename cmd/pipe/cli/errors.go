package cli

import (
	"errors"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/report"
)

func (a *app) wantsJSON() bool {
	for _, arg := range a.Args {
		if arg == "--" {
			return false
		}
		if arg == "--json" || arg == "-json" || arg == "--json=true" {
			return true
		}
	}
	return false
}

type envelope struct {
	OK    bool          `json:"ok"`
	Data  any           `json:"data"`
	Error *report.Error `json:"error,omitempty"`
}

// printJSON prints the one object that --json promises.
func (a *app) printJSON(data any, err error) error {
	e := envelope{OK: err == nil, Data: data}
	if err != nil {
		a.shown = true
		e.Error = report.ErrorOf(err)
		a.approvalOf(err, e.Error)
		for b := e.Error; b != nil; b = b.Also {
			b.Message, b.Hint = a.named(b.Message), a.named(b.Hint)
			for i, line := range b.Table {
				b.Table[i] = a.named(line)
			}
		}
	}
	b, encErr := codec.MarshalIndent(e)
	if encErr != nil {
		return encErr
	}
	display.Fprintln(a.Stdout, display.Block(display.Whole(string(b))))
	return err
}

func (a *app) printError(err error) {
	if a.wantsJSON() {
		a.printJSON(nil, err)
		a.printStack(err)
		return
	}
	a.printOne(err)
	a.printStack(err)
	var refused *fault.Refusal
	if !errors.As(err, &refused) {
		return
	}
	if refused.Also != nil {
		a.printError(refused.Also)
		return
	}
	switch {
	case refused.ID == "" || !a.approvable:
	case refused.Used:
		display.Fprintf(a.Stderr,
			"\nAn approval of these changes was used before. If they are intended again, allow "+
				"them once more, and then run again:\n  %s\n", display.Block(a.call("approve")+" "+refused.ID))
	default:
		display.Fprintf(a.Stderr, "\nIf this is intended, allow exactly these changes once:\n  %s\n",
			display.Block(a.rerun(refused.ID)))
	}
}

func (a *app) printOne(err error) {
	display.Fprintf(a.Stderr, "%s: %s\n", a.program().Name, display.Indent(a.named(err.Error()), "  "))
	for _, line := range report.TableOf(err) {
		line = a.named(line)
		display.Fprintf(a.Stderr, "  %s\n", display.Block(display.Line(line)))
	}
	if h := a.named(report.HintOf(err)); h != "" {
		display.Fprintf(a.Stderr, "  → %s\n", display.Indent(h, "    "))
	}
}
