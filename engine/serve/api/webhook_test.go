package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/serve/signin"
)

func signature(secret, body string) []string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(m.Sum(nil))}
}

// testWebhook: only a body that is signed with the secret asks for a run.
func testWebhook(t *testing.T, c *client) {
	const path, body = "/webhooks/handbook", `{"ref": "refs/heads/main"}`
	before := len(c.world.Runs())
	right := signature(hookSecret, body)
	c.call("", "webhook", path, body, 401)
	c.call("", "webhook", path, body, 401, "X-Hub-Signature-256", right[1][:40])
	c.call("", "webhook", path, body, 401, "X-Hub-Signature-256", strings.TrimPrefix(right[1], "sha256="))
	c.call("", "webhook", path, body, 401, "X-Hub-Signature-256", "sha256=")
	c.call("", "webhook", path, body, 401, signature("another secret of some length", body)...)
	c.call("", "webhook", path, body+" ", 401, right...)
	c.call("", "webhook", "/webhooks/x", body, 401)
	c.call("", "webhook", "/webhooks/x", body, 404, right...)
	c.call(c.token("hook", signin.View), "webhook", path, body, 401)
	c.call("", "webhook", path, strings.Repeat("x", 11<<20), 413, right...)
	c.call("", "webhook", path, body, 200, append([]string{"X-GitHub-Event", "ping"}, right...)...)
	if after := len(c.world.Runs()); after != before {
		t.Errorf("%d runs began", after-before)
	}
	asked := c.call("", "webhook", path, body, 202, right...)
	c.ended(asked)
	run, err := c.world.Server.History.Run(t.Context(), asked["run"].(string))
	if err != nil || run.Asked[0].How != "webhook" || run.Asked[0].Person {
		t.Errorf("who asked: %+v, %v", run, err)
	}
}
