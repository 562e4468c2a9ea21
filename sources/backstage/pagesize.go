package backstage

import (
	"context"
	"errors"
	"log/slog"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	// smallest is the part of the page size below which slowness is no longer
	// taken for a matter of size.
	smallest = 16
	// patience is the number of good pages before a larger one is requested again.
	patience = 4
	// aim is how large a page is to be: pages of large entities, such as API
	// definitions, have fewer of them.
	aim = 1 << 20
	// maxPage bounds a page of more than one entity, so memory does not grow with the size
	// of entities (invariant 7).
	maxPage = 16 << 20
)

// pageSize is how many entities to request: halved when a page is too large for the server
// or a proxy, doubled after some good ones.
type pageSize struct {
	now, most, good int
	limit           int64 // bytes of any answer, 0 when that is open
}

func newPageSize(most int, limit int64) *pageSize {
	most = max(1, most)
	return &pageSize{now: most, most: most, limit: limit}
}

// floor is the size at which a request is made with all retries. Above it the
// answer to trouble is a smaller page.
func (s *pageSize) floor() int { return max(1, s.most/smallest) }

// maxBytes bounds the next answer.
func (s *pageSize) maxBytes() int64 {
	if s.now > 1 && (s.limit <= 0 || s.limit > maxPage) {
		return maxPage
	}
	return s.limit
}

// ask makes a request of a size that the server can answer. A request that is too large is
// repeated immediately with a smaller size; the connection retries other failures, unless
// once is set. try returns the number of bytes of its answer.
func (s *pageSize) ask(ctx context.Context, log *slog.Logger, try func(once bool) (bytes int, err error)) error {
	once := s.now > s.floor()
	for {
		bytes, err := try(once)
		if err == nil {
			s.succeeded(bytes)
			return nil
		}
		switch {
		case ctx.Err() != nil:
			return err
		case s.shrink(err):
			once = s.now > s.floor()
			log.InfoContext(ctx, "too much for Backstage at once, requesting less", "limit", s.now)
		case once && retryable(err):
			once = false
		default:
			return err
		}
	}
}

func retryable(err error) bool {
	c := fault.ClassOf(err)
	return c == fault.Transient || c == fault.Throttled
}

// succeeded records a good page. The next pages shrink to the target size, and grow again
// while twice as much would still be within it.
func (s *pageSize) succeeded(bytes int) {
	switch s.good++; {
	case bytes > 2*aim:
		s.now, s.good = max(1, s.now*aim/bytes, min(s.floor(), s.now)), 0
	case s.good >= patience && bytes < aim:
		s.now, s.good = min(s.now*2, s.most), 0
	}
}

// shrink halves the size if err may be caused by it; it returns false if not, or if the size
// is 1.
func (s *pageSize) shrink(err error) bool {
	least := s.floor()
	switch {
	case errors.Is(err, connection.ErrTooLarge):
		least = 1
	case fault.ClassOf(err) == fault.Throttled:
		return false
	case !errors.Is(err, connection.ErrTimeout) && !hasStatus(err, 500, 502, 503, 504):
		return false
	}
	if s.now <= least {
		return false
	}
	s.now, s.good = max(least, s.now/2), 0
	return true
}
