package turn

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestDo: a call that does not end keeps its turn and delays no answer beyond its limit; a panic is an
// error and gives the turn back.
func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		turns := New(slog.New(slog.NewTextHandler(&log, nil)))
		quick := func(context.Context) (int, error) { return 1, nil }
		if v, err := Do(t.Context(), turns, time.Second, quick); v != 1 || err != nil {
			t.Errorf("%d, %v", v, err)
		}
		defect := func(context.Context) (int, error) { panic("x") }
		if _, err := Do(t.Context(), turns, time.Second, defect); !errors.Is(err, ErrDefect) {
			t.Errorf("a panic: %v", err)
		}
		if line := log.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, "panic=x") ||
			!strings.Contains(line, "turn_test.go:") {
			t.Errorf("the log of a panic: %s", line)
		}
		end := make(chan struct{})
		began := time.Now()
		for _, call := range []func(context.Context) (int, error){
			func(context.Context) (int, error) { <-end; return 0, nil }, quick,
		} {
			if _, err := Do(t.Context(), turns, time.Second, call); !errors.Is(err, ErrLate) {
				t.Errorf("beyond the limit: %v", err)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Do(ctx, turns, time.Second, quick); !errors.Is(err, context.Canceled) {
			t.Errorf("without a caller: %v", err)
		}
		close(end)
		synctest.Wait()
		if v, err := Do(t.Context(), turns, time.Second, quick); v != 1 || err != nil {
			t.Errorf("afterwards: %d, %v", v, err)
		}
	})
}
