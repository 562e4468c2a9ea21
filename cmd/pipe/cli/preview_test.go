package cli

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestWaitUnused: a preview ends after the limit without use, counted from the last use.
func TestWaitUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		waitUnused(t.Context(), 30*time.Minute, func() time.Time { return time.Time{} })
		if took := time.Since(begun); took != 30*time.Minute {
			t.Errorf("without a use it ends after %s", took)
		}
		begun = time.Now()
		var used atomic.Pointer[time.Time]
		used.Store(&begun)
		go func() {
			for range 3 {
				time.Sleep(20 * time.Minute)
				now := time.Now()
				used.Store(&now)
			}
		}()
		waitUnused(t.Context(), 30*time.Minute, func() time.Time { return *used.Load() })
		if took := time.Since(begun); took != 90*time.Minute {
			t.Errorf("with a last use after an hour it ends after %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun = time.Now()
		waitUnused(ctx, 30*time.Minute, func() time.Time { return begun })
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("it ends %s after the command began to end", took)
		}
	})
}

// TestBrowserCommand: no shell reads the address.
func TestBrowserCommand(t *testing.T) {
	for system, want := range map[string][]string{
		"linux": {"xdg-open"}, "freebsd": {"xdg-open"}, "darwin": {"open"},
		"windows": {"rundll32", "url.dll,FileProtocolHandler"},
	} {
		if got := browserCommand(system); !slices.Equal(got, want) {
			t.Errorf("%s: %v", system, got)
		}
	}
}
