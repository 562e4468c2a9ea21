package serve

import (
	"context"
	"errors"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// unreadTime is how long AwaitIndex returns the error of a reading that failed, before it reads
// again: many calls do not become many readings of a source that does not answer.
const unreadTime = time.Minute

// UnreadError means that the documents could not be read.
type UnreadError struct{ Err error }

// Error returns the reason.
func (e *UnreadError) Error() string { return "the documents were not read: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnreadError) Unwrap() error { return e.Err }

// AwaitIndex returns the index as Index does. While there is none it has one read, and waits for
// it until ctx ends, whose error it then returns. begin is called before a reading begins, for an
// audit log; its error ends the call. AwaitIndex returns an *UnreadError when the reading failed,
// also one of the last minute, and fault.ErrStopped when the server is about to end. release must
// be called unless there is an error.
func (p *Pipeline) AwaitIndex(ctx context.Context, begin func() error) (x *preview.Index, release func(), err error) {
	for {
		if x, release := p.Index(); x != nil {
			return x, release, nil
		}
		read, err := p.reading()
		switch {
		case errors.Is(err, context.Canceled): // the server ends
			return nil, nil, fault.ErrStopped
		case err != nil:
			return nil, nil, &UnreadError{err}
		case read == nil:
			if err := begin(); err != nil {
				return nil, nil, err
			}
			if err := p.ReadIndex(); err != nil {
				return nil, nil, err
			}
			continue
		}
		select {
		case <-read:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// reading returns a channel that is closed when the reading that goes on has ended; nil when none
// does. It returns the error of one that failed a short time ago.
func (p *Pipeline) reading() (ended <-chan struct{}, err error) {
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	switch {
	case p.search.reading:
		return p.search.read, nil
	case p.search.err != nil && p.server.Now().Sub(p.search.failed) < unreadTime:
		return nil, p.search.err
	}
	return nil, nil
}

// The actions of the audit log that are about documents.
const (
	ActRead   = "read documents to search"
	ActSearch = "search"
	ActOpen   = "open a document"
	ActPeople = "look for people"
)
