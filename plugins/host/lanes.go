package host

import "context"

// inFlight is how many calls a process is given at a time.
const inFlight = 2

// lanes lets two calls in at a time, or one that must be alone, so that a batch
// that is tried once more is the only one that can have ended the process.
type lanes struct {
	free  chan struct{}
	alone chan struct{}
}

func newLanes() *lanes {
	return &lanes{free: make(chan struct{}, inFlight), alone: make(chan struct{}, 1)}
}

// enter waits for a place and gives the function that leaves it.
func (l *lanes) enter(ctx context.Context, alone bool) (leave func(), err error) {
	need := 1
	if alone {
		need = inFlight
		select {
		case l.alone <- struct{}{}:
			defer func() { <-l.alone }() // the places that follow are held by then
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	held := 0
	leave = func() {
		for range held {
			<-l.free
		}
	}
	for held < need {
		select {
		case l.free <- struct{}{}:
			held++
		case <-ctx.Done():
			leave()
			return nil, context.Cause(ctx)
		}
	}
	return leave, nil
}
