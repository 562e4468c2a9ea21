package auth

import (
	"context"
	"sync"
	"time"
)

// renewAhead is how long before it expires a credential is replaced; one that lives less
// than twice as long is replaced when half its life is over.
const renewAhead = time.Minute

// credential is something that was obtained and may expire.
type credential struct {
	text     string
	obtained time.Time
	expires  time.Time // zero when that is not known
}

// fresh reports whether a credential needs no renewal yet.
func (c credential) fresh(now time.Time) bool {
	if c.text == "" {
		return false
	}
	if c.expires.IsZero() {
		return true
	}
	return now.Before(c.expires.Add(-min(renewAhead, c.expires.Sub(c.obtained)/2)))
}

// cached keeps a credential and lets one request at a time obtain the next.
type cached struct {
	obtain func(context.Context) (credential, error)
	now    func() time.Time
	gate   chan struct{} // holds one token while a credential is obtained

	mu       sync.Mutex
	current  credential
	revision int
}

func newCached(now func() time.Time, obtain func(context.Context) (credential, error)) *cached {
	return &cached{obtain: obtain, now: now, gate: make(chan struct{}, 1)}
}

func (c *cached) held() (credential, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, c.revision
}

// get is the current credential and its revision. It obtains one when there is none or it
// is about to expire. When that fails, the old one is used as long as it is valid.
func (c *cached) get(ctx context.Context) (string, int, error) {
	held, revision := c.held()
	if held.fresh(c.now()) {
		return held.text, revision, nil
	}
	if err := c.enter(ctx); err != nil {
		return "", 0, err
	}
	defer c.leave()
	if held, revision = c.held(); held.fresh(c.now()) { // another request has obtained it
		return held.text, revision, nil
	}
	next, err := c.obtain(ctx)
	if err == nil {
		revision = c.keep(next)
		return next.text, revision, nil
	}
	if held.text != "" && c.now().Before(held.expires) {
		return held.text, revision, nil
	}
	return "", 0, err
}

// renew obtains another credential than that of a revision, unless there is one already. A
// negative revision is that of no request.
func (c *cached) renew(ctx context.Context, revision int) (bool, error) {
	if err := c.enter(ctx); err != nil {
		return false, err
	}
	defer c.leave()
	held, now := c.held()
	if revision >= 0 && now != revision && held.fresh(c.now()) {
		return true, nil
	}
	next, err := c.obtain(ctx)
	if err != nil {
		return false, err
	}
	c.keep(next)
	return next.text != held.text, nil
}

// keep makes a credential the current one and returns its revision.
func (c *cached) keep(next credential) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = next
	c.revision++
	return c.revision
}

// drop has the next request obtain another credential.
func (c *cached) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = credential{}
}

// Expires is when the current credential expires.
func (c *cached) Expires() time.Time {
	held, _ := c.held()
	return held.expires
}

func (c *cached) enter(ctx context.Context) error {
	select {
	case c.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *cached) leave() { <-c.gate }
