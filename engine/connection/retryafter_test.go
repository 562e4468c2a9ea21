package connection

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, tc := range map[string]struct {
		status int
		header []string
		want   time.Duration
	}{
		"nothing":  {429, nil, 0},
		"seconds":  {503, []string{"Retry-After", "17"}, 17 * time.Second},
		"fraction": {429, []string{"Retry-After", "0.5"}, 500 * time.Millisecond},
		"date":     {503, []string{"Retry-After", in(time.Minute)}, time.Minute},
		"date, their clock": {503, []string{"Retry-After", in(time.Hour), "Date", in(time.Hour - time.Minute)},
			time.Minute},
		"date gone by":                {503, []string{"Retry-After", in(-time.Minute)}, 0},
		"negative":                    {503, []string{"Retry-After", "-5"}, 0},
		"no number":                   {503, []string{"Retry-After", "soon"}, 0},
		"NaN":                         {503, []string{"Retry-After", "NaN"}, 0},
		"far too many":                {503, []string{"Retry-After", "1e300"}, 0},
		"reset":                       {429, []string{"RateLimit-Reset", "60"}, time.Minute},
		"reset, with another status":  {503, []string{"RateLimit-Reset", "60"}, 0},
		"reset as seconds":            {429, []string{"X-RateLimit-Reset", "60"}, time.Minute},
		"reset as a moment":           {429, []string{"X-RateLimit-Reset", "1767268830"}, 30 * time.Second},
		"Retry-After before the rest": {429, []string{"Retry-After", "5", "RateLimit-Reset", "60"}, 5 * time.Second},
	} {
		h := http.Header{}
		for i := 0; i < len(tc.header); i += 2 {
			h.Set(tc.header[i], tc.header[i+1])
		}
		if got := retryAfter(tc.status, h, now); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
