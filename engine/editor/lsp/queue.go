package lsp

import (
	"context"
	"errors"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
)

// call is a message that is to be answered.
type call struct {
	message
	ctx context.Context
	end func()
}

// queue has the messages that were read, in their order. The editor may cancel a request while it
// waits or is answered.
type queue struct {
	ctx      context.Context
	messages chan received

	mu      sync.Mutex
	pending map[string]context.CancelFunc // by the JSON of the id
}

type received struct {
	call *call
	err  error
}

// mostWaiting bounds the messages that are read ahead.
const mostWaiting = 8

func newQueue(ctx context.Context) *queue {
	return &queue{ctx: ctx, messages: make(chan received, mostWaiting), pending: map[string]context.CancelFunc{}}
}

// fill reads messages until one cannot be read, which is the last of the queue.
func (q *queue) fill(s *stream) {
	for {
		m, err := s.read()
		if m.Method == "$/cancelRequest" && err == nil {
			q.cancel(m)
			continue
		}
		select {
		case q.messages <- received{q.add(m), err}:
		case <-q.ctx.Done():
			return
		}
		if err != nil && !errors.Is(err, errTooLarge) && !errors.Is(err, errNotJSON) {
			return
		}
	}
}

// next returns the next message.
func (q *queue) next(ctx context.Context) (*call, error) {
	select {
	case r := <-q.messages:
		return r.call, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (q *queue) add(m message) *call {
	c := &call{message: m, ctx: q.ctx, end: func() {}}
	if len(m.ID) == 0 {
		return c
	}
	var cancel context.CancelFunc
	c.ctx, cancel = context.WithCancel(q.ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending[string(m.ID)] = cancel
	c.end = func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.pending, string(m.ID))
		cancel()
	}
	return c
}

func (q *queue) cancel(m message) {
	var p struct {
		ID raw `json:"id"`
	}
	if codec.Unmarshal(m.Params, &p) != nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if cancel := q.pending[string(p.ID)]; cancel != nil {
		cancel()
	}
}
