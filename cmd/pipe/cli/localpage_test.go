package cli

import (
	"slices"
	"testing"
)

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
