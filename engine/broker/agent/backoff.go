package agent

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

// The pauses between attempts to reach the hub: a random part of a limit that doubles. After a refusal
// the limit begins higher; for a hub that is stopping it stays low, since another one follows.
const (
	firstPause   = 250 * time.Millisecond
	lastPause    = 30 * time.Second
	stopPause    = time.Second
	refusedPause = 30 * time.Second
	lastRefused  = 5 * time.Minute
	lasting      = 5 * time.Second // of a session that was no accident
)

// backoff is the limit of the next pause.
type backoff struct{ limit time.Duration }

// next returns the limit of the pause after an attempt that took a time, and the code of a refusal
// because of another session.
func (b *backoff) next(err error, took time.Duration) (limit time.Duration, alarm string) {
	most := lastPause
	var refused *tunnel.RefusedError
	switch {
	case b.limit == 0, err == nil && took > lasting:
		b.limit = firstPause
	}
	if errors.As(err, &refused) {
		switch {
		case refused.Code == tunnel.Stopping:
			most = stopPause
		case refused.Status >= 400 && refused.Status < 500:
			b.limit, most = max(b.limit, refusedPause), lastRefused
		}
		if refused.Code == tunnel.OtherIdentity || refused.Code == tunnel.AlreadyRunning {
			alarm = refused.Code
		}
	}
	limit = min(b.limit, most)
	b.limit = min(2*limit, most)
	return limit, alarm
}

// jitter returns a random pause up to a limit.
func jitter(limit time.Duration) time.Duration { return rand.N(limit + 1) }
