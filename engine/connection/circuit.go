package connection

import (
	"sync"

	"github.com/pipe-engine/pipe/engine/fault"
)

// minPatience is the least number of failed attempts in a row that is tolerated, even if
// one request makes fewer.
const minPatience = 10

// circuit stops all requests of a connection when the server is down. It tolerates as many
// failed attempts in a row as two requests may make: after one request gave up, the next
// one, which may recover its result, has all of its attempts. This number is multiplied by
// the most requests that were under way at once since the last success, because a restart
// that the retries should outlast fails all of them repeatedly.
//
// A failure is an outcome that may be retried and does not show that the server is up: no
// answer, a part of one, 500. A refusal and a request to wait show that it is up.
type circuit struct {
	patience int

	mu       sync.Mutex
	underWay int
	most     int    // under way at a time since the last success
	failures int    // in a row
	last     string // the last failure's text: its request may still add to the error
}

func newCircuit(attempts int) *circuit { return &circuit{patience: max(minPatience, 2*attempts)} }

// begin counts a request that starts; end counts one that ended.
func (c *circuit) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.underWay++
	c.most = max(c.most, c.underWay)
}

func (c *circuit) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.underWay--
}

// note records how an attempt ended; err is nil when it succeeded.
func (c *circuit) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch class := fault.ClassOf(err); {
	case err == nil, class == fault.Throttled, class != fault.Transient && isStatus(err):
		c.failures, c.most, c.last = 0, c.underWay, ""
	case class == fault.Transient:
		c.failures++
		c.last = err.Error()
	}
}

// broken returns how many attempts in a row failed, and the last failure, if these are too
// many for another attempt; otherwise 0.
func (c *circuit) broken() (failures int, last string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures < c.patience*c.most {
		return 0, ""
	}
	return c.failures, c.last
}
