package agent

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Reload makes a running agent read its file at once.
func (a *Agent) Reload() {
	select {
	case a.again <- struct{}{}:
	default:
	}
}

// remind is how often a wrong file is logged again.
const remind = time.Minute

// keep reads the file again when it changes, until the context ends.
func (a *Agent) keep(ctx context.Context) {
	look := time.NewTicker(brokerfile.Look)
	defer look.Stop()
	var said, silent time.Time // silent is since when the file says nothing
	for {
		forced := false
		select {
		case <-ctx.Done():
			return
		case <-a.again:
			forced = true
		case <-look.C:
		}
		now := time.Now()
		all := a.state().files(a.path)
		switch changed := a.watch.Changed(now, all...); {
		case forced || changed:
			if forced {
				a.watch.Use(all...)
			}
			said, silent = now, a.reload(now, silent)
		case !silent.IsZero() && now.Sub(silent) >= a.grace && len(a.state().targets) > 0:
			a.narrow(a.state().rest(nil), "the file of the agent cannot be read: all requests are refused")
		case a.state().wrong && now.Sub(said) >= remind:
			said, silent = now, a.reload(now, silent)
		}
	}
}

// reload reads the file. It returns since when the file says nothing; zero when it says something.
func (a *Agent) reload(now, silent time.Time) time.Time {
	before := a.state()
	next, err := load(a.path, a.o)
	var wrong *brokerfile.Error
	switch {
	case err == nil:
		a.use(next)
		return time.Time{}
	case errors.As(err, &wrong) && wrong.Root != nil:
		a.narrow(before.rest(wrong.Root), "the file of the agent was changed and has problems: what it says as before "+
			"goes on, and the rest is out of use until it is correct", "error", a.o.Redactor.Clean(err.Error()))
		return time.Time{}
	}
	said := "the file of the agent was changed and cannot be read: all requests will be refused after " +
		a.grace.String()
	if silent.IsZero() {
		silent = now
	}
	rest := *before
	rest.wrong = true
	a.narrow(&rest, said, "error", a.o.Redactor.Clean(err.Error()), "remedy", fault.RemedyOf(err))
	return silent
}

// use goes on with a right file.
func (a *Agent) use(next *state) {
	before := a.state()
	if before.sameHub(next) {
		next.hub.Close()
		next.hub = before.hub
	}
	if !brokerfile.Same(a.started.doc.Root.Get("audit"), next.doc.Root.Get("audit")) {
		a.o.Log.Warn("audit was changed in the file: restart the agent, which goes on with the log before",
			"log", a.AuditFile())
	}
	a.current.Store(next)
	select {
	case a.wake <- struct{}{}:
	default:
	}
	for _, t := range before.targets {
		t.conn.Close()
	}
	cut := a.flights.recheck(next)
	_ = a.log.Note("the file was read again: " + next.describe())
	a.o.Log.Info("the file of the agent was read again", "now", next.describe(), "cut_requests", cut)
}

// narrow goes on with a part of the state.
func (a *Agent) narrow(rest *state, said string, more ...any) {
	a.current.Store(rest)
	cut := a.flights.recheck(rest)
	_ = a.log.Note("the file has problems: " + rest.describe() + ", are left")
	a.o.Log.Error(said, append(more, "left", rest.describe(), "cut_requests", cut)...)
}

// flights are the requests under way. The zero value has none.
type flights struct {
	mu  sync.Mutex
	all map[*http.Request]context.CancelFunc
}

// begin adds a request until landed is called. The context ends when the request is not allowed any
// more.
func (f *flights) begin(r *http.Request) (ctx context.Context, landed func()) {
	ctx, cancel := context.WithCancel(r.Context())
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = map[*http.Request]context.CancelFunc{}
	}
	f.all[r] = cancel
	return ctx, func() {
		cancel()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.all, r)
	}
}

// recheck cuts the requests that a state does not allow, and returns how many there are.
func (f *flights) recheck(s *state) (cut int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r, cancel := range f.all {
		if !s.permits(r) {
			cancel()
			cut++
		}
	}
	return cut
}
