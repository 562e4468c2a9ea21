package e2e

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// tokenOf returns a token that names a person as its subject.
func tokenOf(ref string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"sub":%q}`, ref)) + "." + part("signature-canary-xyz")
}

// TestVerify: where Backstage shows a person everything, nothing is found that it hides; what the
// rules keep from the person is listed. The token is in no output.
func TestVerify(t *testing.T) {
	t.Parallel()
	const person = "user:default/amara.okafor"
	token := tokenOf(person)
	w := newWorld(t, backstagesandbox.Options{Token: token, Entities: backstagesandbox.Company()}, gleansandbox.Options{})
	w.env["BACKSTAGE_API_TOKEN"] = token
	file := write(t, "token", token+"\n")
	c := w.pipe(t, "verify", shipped, "--token-file", file)
	if c.code != int(job.Done) || !strings.Contains(c.stdout, "nothing is found that Backstage hides") ||
		!strings.Contains(c.stdout, "amara.okafor@") || strings.Contains(c.both(), "signature-canary") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	for _, tt := range []struct {
		token string
		args  []string
		want  string
	}{
		{token, nil, "needs a token of a person"},
		{"no-jwt-but-long-enough-for-a-token", []string{"--token-file", "FILE"}, "names no person"},
		{tokenOf("user:default/nobody.known"), []string{"--token-file", "FILE"}, "401"},
	} {
		file := write(t, "token", tt.token+"\n")
		args := []string{"verify", shipped}
		for _, arg := range tt.args {
			args = append(args, strings.ReplaceAll(arg, "FILE", file))
		}
		c := w.pipe(t, args...)
		if c.code == int(job.Done) || !strings.Contains(c.stderr, tt.want) || strings.Contains(c.both(), "signature-canary") {
			t.Errorf("%v: exit %d, want %q\n%s", tt.args, c.code, tt.want, c.both())
		}
	}
}
