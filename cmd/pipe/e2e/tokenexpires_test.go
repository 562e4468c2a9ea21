package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"

	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestTokenExpires: check, doctor and run warn of a token that expires soon, and the metrics
// file has the day. A later day gives no warning.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	soon, later := time.Now().UTC().AddDate(0, 0, 12).Truncate(24*time.Hour), time.Now().UTC().AddDate(1, 0, 0)
	file := edited(t, "# token_expires: 2027-01-31 ", "token_expires: "+later.Format(time.DateOnly)+" ",
		"    token: ${GLEAN_INDEXING_API_KEY}\n",
		"    token: ${GLEAN_INDEXING_API_KEY}\n    token_expires: "+soon.Format(time.DateOnly)+"\n")
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	metrics := filepath.Join(t.TempDir(), "pipe.prom")
	warning := "token-expires: the token expires on " + soon.Format(time.DateOnly) + ", in 12 days"
	for _, call := range [][]string{
		{"check", file}, {"doctor", file}, {"run", "--progress", "none", "--metrics-file", metrics, file},
	} {
		c := w.pipe(t, call...)
		if c.code != 0 || strings.Count(c.both(), warning) != 1 || strings.Count(c.both(), "token-expires") != 1 {
			t.Errorf("%s: exit %d, want one warning %q\n%s", call[0], c.code, warning, c.both())
		}
	}
	text := readFile(t, metrics)
	for credential, at := range map[string]time.Time{
		"source.backstage.token": later.Truncate(24 * time.Hour), "sink.glean.token": soon,
	} {
		want := fmt.Sprintf("pipe_credential_expiry_timestamp_seconds{credential=%q,pipeline=\"backstage\"} %v\n", credential,
			float64(at.Unix()))
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}
