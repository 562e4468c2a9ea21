package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestTokenRotateQuotesNothing: whatever a rotation is answered, the secret that
// the answer may hold is not printed.
func TestTokenRotateQuotesNothing(t *testing.T) {
	t.Parallel()
	const secret = "new-secret-abcdef0123456789"
	for name, f := range map[string]gleanfaults.Fault{
		"400":      {Status: 400, Body: `{"rawSecret":"` + secret + `"}`},
		"500":      {Status: 500, Body: `{"rawSecret":"` + secret + `"}`},
		"429":      {Status: 429, Body: `{"message":"rotated to ` + secret + `"}`},
		"401":      {Status: 401, Body: secret},
		"a page":   {Status: 502, Body: "<html><title>" + secret + "</title>"},
		"200 page": {Status: 200, Body: "<html><title>" + secret + "</title>"},
		"a list":   {Status: 200, Body: `{"rawSecret":["` + secret + `"]}`, Header: http.Header{"Content-Type": {"application/json"}}},
		"redirect": {Status: 307, Header: http.Header{"Location": {"/" + secret}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// its answers are none of Glean's
			k := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{TokenPeriod: 24 * time.Hour})
			path := write(t, "token", sinkToken)
			file := edited(t, "token: ${GLEAN_INDEXING_API_KEY}", "token: ${file:"+path+"}")
			f.Path = "rotatetoken"
			k.glean.Fail(f)
			c := k.pipe(t, "token", "rotate", file, "--log-level", "debug")
			if c.code == int(job.Done) || strings.Contains(c.both(), secret) || fileText(t, path) != sinkToken {
				t.Errorf("exit %d: %s", c.code, c.both())
			}
		})
	}
}
