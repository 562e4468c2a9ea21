package connection

import (
	"sync"

	"github.com/pipe-engine/pipe/engine/fault"
)

// minPatience is how many failed attempts in a row are borne at least, however
// few of them one request may make.
const minPatience = 10

// circuit stops the asking when the other end is down, over all requests of a
// connection. It bears as many failed attempts in a row as two requests may
// make, so that one request that gives up leaves the next one, which may find
// out what became of it, a full try. It bears that once for each request that
// was under way at a time since the last success: a restart that the retries
// are made to outlast fails all of them, again and again, and is no reason to
// stop.
//
// A failure is what may be retried and says nothing of the other end's health:
// no answer, half of one, 500. Whoever refuses or asks for a pause is alive.
type circuit struct {
	patience int

	mu       sync.Mutex
	underWay int
	most     int    // under way at a time since the last success
	failures int    // in a row
	last     string // the last failure's text: its request may still add to the error
}

func newCircuit(attempts int) *circuit { return &circuit{patience: max(minPatience, 2*attempts)} }

// begin notes that a request is under way, end that it is not any more.
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

// note takes in how an attempt ended; err is nil when it went well.
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

// broken is how many attempts in a row failed and what the last failure was, when
// these are too many to make another, else 0.
func (c *circuit) broken() (failures int, last string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures < c.patience*c.most {
		return 0, ""
	}
	return c.failures, c.last
}
