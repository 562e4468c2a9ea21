package serve

import (
	"runtime/debug"

	"github.com/pipe-engine/pipe/engine/fault"
)

// recovered is deferred by what must not end the server: it turns a panic into an error, and logs
// it with its stack. ended says in a few words what the panic ended.
func (p *Pipeline) recovered(ended string, err *error, about ...any) {
	defect := recover()
	if defect == nil {
		return
	}
	about = append([]any{"pipeline", p.Name, "panic", defect, "stack", string(debug.Stack())}, about...)
	p.server.o.Log.Error("a defect in pipe ended "+ended, about...)
	*err = fault.Errorf(fault.Permanent, "report it, with the log of the server", "a defect in pipe ended %s", ended)
}
