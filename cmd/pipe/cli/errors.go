package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

func (a *app) wantsJSON() bool {
	for _, arg := range a.args {
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
	OK    bool       `json:"ok"`
	Data  any        `json:"data"`
	Error *errorBody `json:"error,omitempty"`
}

type errorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Table is what a guard refused, a line each.
	Table []string `json:"table,omitempty"`
	// Also is what another guard refuses at the same time.
	Also *errorBody `json:"also,omitempty"`
	// ID is what an approval of the refused run names, and Changes what it allows.
	ID      string         `json:"id,omitempty"`
	Approve string         `json:"approve,omitempty"` // the call that allows it
	Changes []fault.Change `json:"changes,omitempty"`
}

func bodyOf(err error) *errorBody {
	b := &errorBody{Code: errorCode(err), Message: err.Error(), Hint: hint(err), Table: tableOf(err)}
	var refused *fault.Refusal
	if errors.As(err, &refused) && refused.Also != nil {
		b.Also = bodyOf(refused.Also)
	}
	return b
}

// printJSON prints the one object that --json promises.
func (a *app) printJSON(data any, err error) error {
	e := envelope{OK: err == nil, Data: data}
	if err != nil {
		a.shown = true
		e.Error = bodyOf(err)
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
	display.Fprintln(a.stdout, display.Block(b))
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
		display.Fprintf(a.stderr, "\nAn approval of these changes was used before. If they are intended again, allow\nthem once more, and then run again:\n  %s\n", display.Block(a.call("approve")+" "+refused.ID))
	default:
		display.Fprintf(a.stderr, "\nIf this is intended, allow exactly these changes once:\n  %s\n", display.Block(a.rerun(refused.ID)))
	}
}

// tableWidth is where the details of an error are wrapped.
const tableWidth = 80

func (a *app) printOne(err error) {
	display.Fprintf(a.stderr, "pipe: %s\n", display.Indent(a.named(err.Error()), "  "))
	for _, line := range tableOf(err) {
		line = a.named(line)
		text := strings.TrimLeft(line, " ")
		indent := "  " + line[:len(line)-len(text)]
		if len(indent)+len(text) <= tableWidth {
			display.Fprintf(a.stderr, "%s%s\n", indent, text)
			continue
		}
		for _, part := range wrapped(text, tableWidth-len(indent)) {
			display.Fprintf(a.stderr, "%s%s\n", indent, part)
		}
	}
	if h := a.named(hint(err)); h != "" {
		display.Fprintf(a.stderr, "  → %s\n", display.Indent(h, "    "))
	}
}

func tableOf(err error) []string {
	var refused *fault.Refusal
	if errors.As(err, &refused) {
		return slices.Concat(refused.Table, refused.Approvals)
	}
	return nil
}

func hint(err error) string {
	var refused *fault.Refusal
	var unconfirmed *fault.Unconfirmed
	var held *fault.Held
	var u usage
	var failed testsFailed
	var folder *fault.StateError
	switch {
	case errors.As(err, new(*defect)):
		return "please report it with the lines below; a run that had begun to send is made whole by the next one"
	case errors.As(err, &folder):
		return folder.Remedy
	case errors.As(err, &failed):
		return failed.hint
	case errors.As(err, &held):
		return held.Remedy
	case errors.As(err, &u):
		if u.hint == "" {
			return "see pipe help, or pipe COMMAND --help"
		}
		return u.hint
	case errors.As(err, &refused):
		return refused.Remedy
	case errors.As(err, &unconfirmed):
		return unconfirmed.Remedy
	}
	if remedy := fault.RemedyOf(err); remedy != "" || errors.Is(err, fault.ErrStopped) {
		return remedy
	}
	switch fault.ClassOf(err) {
	case fault.Transient:
		return "this may pass: run again, and look into the other end's log of this time if it does not"
	case fault.Throttled:
		return "the other end asks for a pause: run again later, or at a time when it has less to do"
	}
	return ""
}

func errorCode(err error) string {
	var refused *fault.Refusal
	var unconfirmed *fault.Unconfirmed
	var problems config.Problems
	var u usage
	switch {
	case errors.As(err, &u):
		return "usage"
	case errors.As(err, new(testsFailed)):
		return "tests"
	case errors.As(err, &problems):
		return "pipeline"
	case errors.As(err, &refused):
		return "refused"
	case errors.As(err, &unconfirmed):
		return "unconfirmed"
	case errors.As(err, new(*fault.Held)):
		return "held"
	case errors.As(err, new(*fault.StateError)):
		return "state"
	case errors.Is(err, fault.ErrStopped):
		return "stopped"
	}
	if errors.As(err, new(*defect)) {
		return "defect"
	}
	return fault.ClassOf(err).String()
}
