//go:build backstage

package e2e

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
)

// personToken signs Ben in at a Backstage with a permission policy, and returns his token.
func personToken(t *testing.T, address string) string {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	resp, err := http.Get(address + "/api/auth/guest/refresh")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Identity struct {
			Token string `json:"token"`
		} `json:"backstageIdentity"`
	}
	if err := codec.Unmarshal(text, &answer); err != nil || answer.Identity.Token == "" {
		t.Fatalf("%s: %v %s", resp.Status, err, text)
	}
	return answer.Identity.Token
}

// TestVerifyRealBackstage compares what a permission policy lets Ben see with what he would find:
// with the shipped rules nothing is found that Backstage hides, and a rule that is too wide is
// caught. The Backstage has the catalog of testdata/verify.
func TestVerifyRealBackstage(t *testing.T) {
	address := os.Getenv("BACKSTAGE_PERSON_URL")
	if address == "" {
		t.Skip("BACKSTAGE_PERSON_URL is not set: there is no real Backstage with a permission policy")
	}
	token := personToken(t, address)
	file := write(t, "token", token+"\n")
	env := map[string]string{"BACKSTAGE_BASE_URL": address, "BACKSTAGE_API_TOKEN": os.Getenv("BACKSTAGE_TOKEN"),
		"CI": "true", "XDG_STATE_HOME": t.TempDir()}
	c := pipe(t, env, "verify", shipped, "--token-file", file)
	for _, want := range []string{"ben@example.com", "nothing is found that Backstage hides", "private to its owners"} {
		if !strings.Contains(c.stdout, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if c.code != int(job.Done) || strings.Contains(c.both(), token) {
		t.Errorf("the shipped rules: exit %d\n%s", c.code, c.both())
	}
	wide := edited(t, `in ["owner", "private"]`, `in ["owner"]`, `len(marks) > 0`, `len(marks) > 3`)
	c = pipe(t, env, "verify", wide, "--token-file", file)
	if c.code != int(job.Changes) {
		t.Errorf("a rule that is too wide: exit %d\n%s", c.code, c.both())
	}
	for _, ref := range []string{"component:default/private-service", "api:default/private-api"} {
		if !strings.Contains(c.stdout, "    "+ref+": found by datasource-users, rule default") {
			t.Errorf("%s is not listed\n%s", ref, c.both())
		}
	}
	if strings.Contains(c.stdout, "open-service") {
		t.Errorf("what Ben may see is listed\n%s", c.both())
	}
}
