package connection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Do makes a request and returns its complete answer. The error is ctx's own
// when ctx ended; else its class is known (fault.ClassOf), it wraps a
// *StatusError, ErrTimeout or ErrTooLarge where one of these is the cause, and
// it was retried as far as that helps. Refused credentials are renewed once; when
// they are refused again, it ends at once. When too many attempts in a row have failed, of whichever requests,
// no further one is made, and the error, which is Transient, wraps ErrDown. WithCertain may end it before
// any attempt.
func (c *Connection) Do(ctx context.Context, r Request) (*Response, error) {
	k, err := c.prepare(r)
	if err != nil {
		return nil, err
	}
	c.circuit.begin()
	defer c.circuit.end()
	begin, renewed := time.Now(), false
	for attempt := 1; ; attempt++ {
		if err := c.turn(ctx); err != nil {
			return nil, err
		}
		if err := c.down(k); err != nil {
			return nil, err
		}
		if attempt > 1 && k.Again != nil {
			k.carry(k.Again(), c.s.Compress)
		}
		resp, used, err := c.attempt(ctx, k, attempt)
		if err == nil {
			c.circuit.note(nil)
			return resp, nil
		}
		if lost := uncertain(err); lost != nil {
			return nil, lost
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed := asFault(err).error(c, k)
		c.circuit.note(failed)
		log := c.s.Log.With("method", k.Method, "path", c.Path(k.Path), "attempt", attempt)
		log.DebugContext(ctx, "attempt failed", "error", failed.Error(), "class", failed.Class.String())

		if unauthorized(err) && !renewed {
			renewed = true
			if c.renew(ctx, failed, used) {
				continue
			}
		}
		elapsed := time.Since(begin)
		delay, again := c.retry.Next(attempt, elapsed, failed)
		if !again || !k.repeatable() && !asFault(err).unsent {
			if attempt > 1 {
				failed.Err = fmt.Errorf("%w (%d attempts in %v)", failed.Err, attempt, rounded(elapsed))
			}
			return nil, failed
		}
		if err := c.down(k); err != nil {
			return nil, err
		}
		log.WarnContext(
			ctx,
			fmt.Sprintf("%s, trying again in %v (attempt %d of %d)", c.outcome(err, failed), rounded(delay),
				attempt+1, c.retry.Attempts),
			"error",
			failed.Error(),
		)
		if err := c.wait(ctx, delay); err != nil {
			return nil, err
		}
	}
}

// outcome is what became of an attempt, in a few words.
func (c *Connection) outcome(err error, failed *fault.Error) string {
	var s *StatusError
	if errors.As(err, &s) {
		return fmt.Sprintf("%s answered %d", c.s.Name, s.Status)
	}
	return failed.Error()
}

// logRequest logs a request and the beginning of its answer, which is nil when none came.
func (c *Connection) logRequest(ctx context.Context, req *http.Request, resp *http.Response, attempt int,
	took time.Duration) {
	if !c.s.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	status, received := 0, int64(0)
	if resp != nil {
		status, received = resp.StatusCode, resp.ContentLength
	}
	c.s.Log.DebugContext(ctx, "request", "method", req.Method, "url", c.redactor.Clean(req.URL.Redacted()), "status",
		status,
		"ms", took.Milliseconds(), "sent", max(req.ContentLength, 0), "received", received, "attempt", attempt)
}

// turn waits for the limiter.
func (c *Connection) turn(ctx context.Context) error {
	if c.limiter == nil {
		return ctx.Err()
	}
	slot := c.limiter.Reserve()
	err := c.wait(ctx, slot.Delay())
	if err != nil {
		slot.Cancel()
	}
	return err
}

// renew replaces the credentials of a request after a 401 and reports whether they are
// others than those that were refused.
func (c *Connection) renew(ctx context.Context, failed *fault.Error, used auth.Used) bool {
	changed, err := c.auth.Renew(ctx, used)
	if err != nil {
		failed.Err = fmt.Errorf("%w; %s", failed.Err, c.redactor.Clean(err.Error()))
	}
	return changed
}

// attempt sends the call once, follows the redirects that may be followed, and
// reads and checks the answer, all within the call's time.
func (c *Connection) attempt(parent context.Context, k *call, number int) (out *Response, used auth.Used, err error) {
	ctx, cancel := context.WithTimeout(parent, k.timeout)
	defer cancel()
	status, started := 0, time.Now()
	defer func() {
		if err != nil && ctx.Err() != nil && uncertain(err) == nil && !asFault(err).unsent {
			// Whatever it looks like, the time was up.
			err = timedOut(fmt.Sprintf("no complete response within %v", k.timeout))
		}
		if c.s.Observe != nil {
			a := component.Attempt{Method: k.Method, Number: number, Status: status, Began: started, Sent: len(k.Body),
				Part: k.Part}
			if out != nil {
				a.Received = len(out.Body)
			}
			c.s.Observe(a)
		}
	}()
	target := k.target
	for hop := 0; ; hop++ {
		req, err := c.http(ctx, k, target)
		if err != nil {
			return nil, nil, err
		}
		if used, err = c.authorize(ctx, k, req); err != nil {
			return nil, nil, err
		}
		ended, err := c.begin(k, req)
		if err != nil {
			return nil, used, err
		}
		asker, err := certain(ctx, req)
		if err != nil {
			ended(0, 0)
			return nil, used, err
		}
		began := time.Now()
		resp, err := c.transport.origin.RoundTrip(req)
		c.logRequest(ctx, req, resp, number, time.Since(began))
		if err != nil {
			ended(0, 0)
			if err := asker.cause(err); uncertain(err) != nil {
				return nil, used, err
			}
			return nil, used, c.networkFault(err, target, c.s.Name)
		}
		status = resp.StatusCode
		resp.Body = &watched{ReadCloser: resp.Body, status: status, ended: ended}
		if err := c.wayFailure(resp); err != nil {
			_ = resp.Body.Close()
			return nil, used, err
		}
		if k.Secret {
			hideHeaders(resp.Header)
		}
		c.heed(k, resp.Header)
		if !isRedirect(status) {
			answer, err := c.read(k, resp)
			_ = resp.Body.Close()
			return answer, used, err
		}
		_ = resp.Body.Close()
		if target, err = c.follow(k, target, resp, hop); err != nil {
			return nil, used, err
		}
	}
}

// down is the error of an attempt that is not made any more, nil when it is to
// be made.
func (c *Connection) down(k *call) error {
	failures, last := c.circuit.broken()
	if failures == 0 {
		return nil
	}
	return fault.Errorf(fault.Transient, fmt.Sprintf("check that %s is up and reachable, and run again", c.s.Name),
		"%s: %s %s: %w, %d attempts in a row failed; the last failure: %s",
		c.s.Name, k.Method, c.Path(k.Path), ErrDown,
		failures, last)
}

func unauthorized(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && s.Status == http.StatusUnauthorized
}

func isStatus(err error) bool {
	var s *StatusError
	return errors.As(err, &s)
}

func rounded(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
