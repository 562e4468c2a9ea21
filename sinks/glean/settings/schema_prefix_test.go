package settings

import (
	"regexp"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// TestTakesURL: an address matches where the regular expression says so, also where only
// its beginning is compared.
func TestTakesURL(t *testing.T) {
	for pattern, fast := range map[string]bool{
		"":                                      false,
		`https://backstage\.example\.com/.*`:    true,
		`https://a/.*`:                          true,
		`https://backstage.example.com/.*`:      false,
		`https://a/(x|y).*`:                     false,
		`https://a/x`:                           false,
		`.*`:                                    false,
		`https://a\\.*`:                         false,
		`https://a/\d.*`:                        false,
		regexp.QuoteMeta("https://a+b/") + ".*": true,
	} {
		if got := prefixOf(pattern) != ""; got != fast {
			t.Errorf("%s: %v", pattern, got)
		}
		s, err := NewSchema(api.DatasourceConfig{URLRegex: pattern})
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range []string{"https://backstage.example.com/", "https://backstage.example.com/x\n",
			"https://backstage-example.com/x", "https://a/",
			"https://a/x", "https://a/y\xff", "https://a/5", "https://a+b/x", "x https://a/", ""} {
			want := s.URLs == nil || s.URLs.MatchString(address)
			if got := s.TakesURL(address); got != want {
				t.Errorf("%s of %q: %v", pattern, address, got)
			}
		}
	}
}
