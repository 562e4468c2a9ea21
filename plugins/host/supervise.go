package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/plugins/proto"
)

const (
	// maxStarts is how often a plugin is started in a run.
	maxStarts = 6
	// The pause before a process is replaced; it doubles with each failure in
	// a row.
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// broken is a failure after which the process is of no more use.
type broken struct{ error }

func (b broken) Unwrap() error { return b.error }

// call makes a call, and repeats it once, alone, if the process broke.
func (t *Transform) call(
	ctx context.Context,
	request *proto.TransformRequest,
) (answer *proto.TransformResponse, err error) {
	for _, again := range []bool{false, true} {
		answer, err = t.try(ctx, request, again)
		var b broken
		if !errors.As(err, &b) || ctx.Err() != nil {
			return answer, err
		}
	}
	return nil, err
}

func (t *Transform) try(
	ctx context.Context,
	request *proto.TransformRequest,
	alone bool,
) (*proto.TransformResponse, error) {
	weight := int64(1)
	if alone { // only this call can have ended the process
		weight = inFlight
	}
	if err := t.calls.Acquire(ctx, weight); err != nil {
		return nil, context.Cause(ctx)
	}
	defer t.calls.Release(weight)
	p, err := t.running(ctx)
	if err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	answer, err := p.wire.Transform(limit, request)
	switch {
	case err == nil:
		t.mu.Lock()
		t.failures = 0
		t.mu.Unlock()
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	default:
		if err = t.judge(p, err, t.o.Timeout); errors.As(err, new(broken)) {
			t.discard(p)
		}
	}
	return answer, err
}

// judge explains a failed call.
func (t *Transform) judge(p *process, err error, timeout time.Duration) error {
	s := status.Convert(err)
	switch s.Code() {
	case codes.DeadlineExceeded:
		return broken{
			fault.Errorf(fault.Permanent, "raise timeout if it needs longer, or lower batch",
				"it did not answer within %s and was ended%s", timeout, p.lastWords()),
		}
	case codes.Unavailable, codes.Canceled:
		how := "its connection broke"
		if p.program != nil {
			if state := p.program.ended(wordsLimit); state != "" {
				how = "it ended during a call (" + state + ")"
			}
		}
		return broken{fmt.Errorf("%s%s", how, p.lastWords())}
	case codes.ResourceExhausted:
		if strings.Contains(s.Message(), fmt.Sprintf("vs. %d)", longestAnswer)) {
			return fmt.Errorf("it returned more than %d MiB", longestAnswer>>20)
		}
		return fault.Errorf(fault.Permanent, "its server accepts messages of up to 4 MB: raise that limit",
			"it refuses the request: %s", t.words(s.Message(), longestReason))
	case codes.Unimplemented:
		return fmt.Errorf("it is not a transform plugin: %s", t.words(s.Message(), longestReason))
	}
	return fmt.Errorf("%s", t.words(s.Message(), longestError))
}

// running is the process, a new one when the last was discarded.
func (t *Transform) running(ctx context.Context) (*process, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case t.current != nil:
		return t.current, nil
	case t.closed || t.config == nil:
		return nil, errors.New("it is not running")
	case t.starts >= maxStarts:
		return nil, fmt.Errorf("it was started %d times in this run and ended each time; it is not started again",
			t.starts)
	}
	pause := min(firstPause<<max(0, t.failures-1), lastPause)
	select {
	case <-time.After(pause):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	t.starts++
	t.o.Log.Warn("a plugin is restarted", "plugin", t.label, "transform", t.o.Name, "start", t.starts)
	p, err := t.open(ctx)
	if err == nil {
		if err = t.configure(ctx, p); err != nil {
			p.kill()
		}
	}
	if err != nil {
		t.failures++
		return nil, broken{err}
	}
	t.current = p
	return p, nil
}

// discard ends a process that broke, unless that was done.
func (t *Transform) discard(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != p {
		return
	}
	t.current = nil
	t.failures++
	p.kill()
}

func (t *Transform) open(ctx context.Context) (*process, error) {
	if a, ok := t.reattach(); ok {
		return attach(ctx, a, t.out)
	}
	return startProcess(ctx, &t.o, t.out)
}

// isStatus reports whether an error is a gRPC status.
func isStatus(err error) bool {
	_, ok := err.(interface{ GRPCStatus() *status.Status })
	return ok
}
