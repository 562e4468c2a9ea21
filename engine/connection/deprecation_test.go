package connection

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// removed has a connection read the header X-Removed.
func removed(_ *Config, s *Settings) {
	s.Deprecation = DeprecationHeader{Name: "X-Removed", Sentence: func(value string) string { return value + " goes" }}
}

func TestDeprecations(t *testing.T) {
	for name, tc := range map[string]struct {
		header []string
		want   string // joined by |
	}{
		"none":     {nil, ""},
		"own":      {[]string{"X-Removed", "location"}, "backstage: location goes"},
		"two":      {[]string{"X-Removed", "b", "X-Removed", "a"}, "backstage: a goes|backstage: b goes"},
		"twice":    {[]string{"X-Removed", "b", "X-Removed", "b"}, "backstage: b goes"},
		"one line": {[]string{"X-Removed", "use	something  else"}, "backstage: use something else goes"},
		"standard": {[]string{"Deprecation", "@1688169599", "Sunset", "Sat, 31 Oct 2026 23:59:59 GMT"},
			"backstage: GET /x is deprecated since 2023-06-30 and may be removed on 2026-10-31 on"},
		"of a draft": {[]string{"Deprecation", "true"}, "backstage: GET /x is deprecated"},
		"sunset": {[]string{"Sunset", "Sat, 31 Oct 2026 23:59:59 GMT"},
			"backstage: GET /x is deprecated and may be removed on 2026-10-31 on"},
		"no date":  {[]string{"Deprecation", "@99999999999999999", "Sunset", "soon"}, "backstage: GET /x is deprecated"},
		"a secret": {[]string{"X-Removed", canary}, "backstage: [redacted] goes"},
	} {
		f := start(t, func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i+1 < len(tc.header); i += 2 {
				w.Header().Add(tc.header[i], tc.header[i+1])
			}
			answer(200, appJSON, "{}")(w, r)
		}, removed)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := f.get(t); err != nil {
					t.Error(name, err)
				}
			})
		}
		all.Wait()
		got := f.Deprecations()
		if strings.Join(got, "|") != tc.want {
			t.Errorf("%s: %q", name, got)
		}
		if n := strings.Count(f.log.String(), "level=WARN"); n != len(got) {
			t.Errorf("%s: %d warnings for %d deprecations", name, n, len(got))
		}
		noSecret(t, name, strings.Join(got, " ")+f.log.String())
	}
}

// They come with refusals too, and are bounded.
func TestDeprecationsBounded(t *testing.T) {
	n := 0
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("X-Removed", strings.Repeat("x", n))
		answer(410, appJSON, "{}")(w, r)
	}, removed)
	for range 2 * maxDeprecations {
		_, _ = f.get(t)
	}
	if got := f.Deprecations(); len(got) != maxDeprecations {
		t.Errorf("%d are kept", len(got))
	}
}
