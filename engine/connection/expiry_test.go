package connection

import (
	"testing"
	"time"
)

func TestExpiry(t *testing.T) {
	now := time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)
	for _, tc := range []struct {
		at   string
		want string
	}{
		{"", ""},
		{"2027-02-15", ""},
		{"2027-01-31", ""},
		{"2027-01-30", "the token expires on 2027-01-30, in 30 days"},
		{"2027-01-02", "the token expires on 2027-01-02, in 2 days"},
		{"2027-01-01", "the token expires tomorrow, 2027-01-01"},
		{"2026-12-31", "the token expires today, 2026-12-31"},
		{"2026-12-30", "the token expired on 2026-12-30"},
		{"2025-01-01", "the token expired on 2025-01-01"},
	} {
		cfg := Default()
		if tc.at != "" {
			if err := cfg.TokenExpires.UnmarshalText([]byte(tc.at)); err != nil {
				t.Fatal(err)
			}
		}
		if got := expiry(cfg.Expires(), now); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.at, got, tc.want)
		}
	}
}
