package hub

import (
	"net/netip"
	"sync"
	"time"
)

// usage is what a pipeline has under way, and what it has used of its limits.
type usage struct {
	hash string

	mu         sync.Mutex
	concurrent int
	second     int64
	opened     int // in that second
	hour       int64
	bytes      int64 // in that hour
	cuts       map[int]stream
	next       int
}

// stream is one under way.
type stream struct {
	from netip.Addr
	cut  func()
}

func (h *Hub) usage(agent string, c *Caller) *usage {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := agent + "\x00" + c.Name
	u := h.callers[key]
	if u == nil || u.hash != c.TokenSHA256 {
		u = &usage{hash: c.TokenSHA256, cuts: map[int]stream{}}
		h.callers[key] = u
	}
	return u
}

// begin reports whether another stream is within the limits; then end is called.
func (u *usage) begin(now time.Time, c *Caller) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.turn(now)
	if u.concurrent >= c.Concurrent || u.opened >= c.PerSecond || u.bytes >= int64(c.BytesPerHour) {
		return false
	}
	u.concurrent++
	u.opened++
	return true
}

func (u *usage) turn(now time.Time) {
	if s := now.Unix(); s != u.second {
		u.second, u.opened = s, 0
	}
	if hour := now.Unix() / 3600; hour != u.hour {
		u.hour, u.bytes = hour, 0
	}
}

func (u *usage) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.concurrent--
}

// relayed counts bytes, and reports whether they are within the limit.
func (u *usage) relayed(now time.Time, n int64, c *Caller) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.turn(now)
	u.bytes += n
	return u.bytes <= int64(c.BytesPerHour)
}

// watch calls cut when the pipeline is cut, until forget is called.
func (u *usage) watch(from netip.Addr, cut func()) (forget func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.next++
	n := u.next
	u.cuts[n] = stream{from, cut}
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.cuts, n)
	}
}

// cut ends the streams that a pipeline may not have; nil ends all of them.
func (u *usage) cut(c *Caller) (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, s := range u.cuts {
		if c == nil || !c.may(s.from) {
			go s.cut() // it may wait for the connection
			n++
		}
	}
	return n
}
