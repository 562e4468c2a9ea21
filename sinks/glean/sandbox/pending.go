package sandbox

import "time"

// pending is a queue of changes that were accepted and are not in effect yet. They take
// effect in the order of acceptance.
type pending struct {
	takes   time.Duration // from the request to its effect; 0: immediately
	changes []change
}

type change struct {
	due   time.Time
	apply func(at time.Time) // at is when the change took effect
}

// add queues a change that was accepted now; a change without delay takes effect
// immediately.
func (p *pending) add(now time.Time, apply func(at time.Time)) {
	if p.takes == 0 {
		apply(now)
		return
	}
	p.changes = append(p.changes, change{now.Add(p.takes), apply})
}

// next applies the changes that are due first. It returns when they took effect, and
// false when none is due until now.
func (p *pending) next(now time.Time) (at time.Time, ok bool) {
	if len(p.changes) == 0 || p.changes[0].due.After(now) {
		return time.Time{}, false
	}
	at = p.changes[0].due
	for len(p.changes) > 0 && p.changes[0].due.Equal(at) {
		apply := p.changes[0].apply
		p.changes = p.changes[1:]
		apply(at)
	}
	return at, true
}

// process applies every change now.
func (p *pending) process(now time.Time) {
	changes := p.changes
	p.changes = nil
	for _, c := range changes {
		c.apply(now)
	}
}

// settle applies the changes that are due in a datasource.
func (x *source) settle(now time.Time) {
	for at, ok := x.indexing.next(now); ok; at, ok = x.indexing.next(now) {
		x.count(x.rules, at)
	}
	for _, ok := x.resolving.next(now); ok; _, ok = x.resolving.next(now) {
	}
}
