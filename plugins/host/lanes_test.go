package host

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestLanes: two calls at a time, and a lone one with no other beside it.
func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes()
		entered := func(alone bool) (chan func(), context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			in := make(chan func(), 1)
			go func() {
				if leave, err := l.enter(ctx, alone); err == nil {
					in <- leave
				}
			}()
			synctest.Wait()
			return in, cancel
		}
		first, _ := entered(false)
		second, _ := entered(false)
		third, giveUp := entered(false)
		lone, _ := entered(true)
		if len(first) != 1 || len(second) != 1 || len(third) != 0 || len(lone) != 0 {
			t.Fatalf("%d %d %d %d", len(first), len(second), len(third), len(lone))
		}
		giveUp()
		synctest.Wait()
		(<-first)()
		synctest.Wait()
		if len(lone) != 0 {
			t.Error("the lone call is not alone")
		}
		(<-second)()
		synctest.Wait()
		beside, cancel := entered(false)
		another, cancelAnother := entered(true)
		if len(lone) != 1 || len(beside) != 0 || len(another) != 0 {
			t.Errorf("%d %d %d", len(lone), len(beside), len(another))
		}
		cancel()
		cancelAnother()
		synctest.Wait()
		(<-lone)()
		for range inFlight {
			if in, _ := entered(false); len(in) != 1 {
				t.Error("a place was lost")
			}
		}

	})
}
