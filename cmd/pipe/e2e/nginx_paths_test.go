package e2e

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/policy"
)

// TestNginxReadsAllowedPaths: nginx reads each path that an allow list accepts as the list has read it,
// as it was sent and as it is sent on.
func TestNginxReadsAllowedPaths(t *testing.T) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed: ", err)
	}
	rules, err := policy.New(policy.Rules{{Method: "GET", Path: "/**"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	address := startNginx(t, program, "keepalive_requests 1000000;\nlarge_client_header_buffers 4 32k;\n",
		`default_type application/octet-stream; return 200 "$uri";`, false)
	c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	answers := bufio.NewReader(c)
	asNginx := func(path string) string {
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%q: %s, %v", path, resp.Status, err)
		}
		return string(body)
	}
	parts := []string{
		"/", "/", "a", "b", ".", "..", ";", "\\", "%", "%2e", "%2E%2E", "%2f", "%5C", "%00", "%25", "%20",
		"+", "%c3%a9", "é", "%C0%AE", "%ff", "~", ":", "@", "&", "=", "$", "!", "(", ")", "*", ",", "'",
		"%3B", "%3a", "%61", "%E2%80%AE", "|", "\"", "<", "^", "[", "%7f", "...", "-", "_",
	}
	random, accepted, refused := rand.New(rand.NewPCG(*seed, 7)), 0, 0
	for range 20_000 {
		var b strings.Builder
		b.WriteByte('/')
		for range 1 + random.IntN(6) {
			b.WriteString(parts[random.IntN(len(parts))])
		}
		d := rules.Decide("GET", b.String(), 0)
		if !d.Allowed {
			refused++
			continue
		}
		accepted++
		for _, sent := range []string{b.String(), d.RawPath} {
			if got := asNginx(sent); got != d.Path {
				t.Fatalf("%q is accepted as %q and sent as %q, and nginx reads %q", b.String(), d.Path, sent, got)
			}
		}
	}
	t.Logf("%d paths are read alike; %d were denied", accepted, refused)
	if accepted < 500 || refused < 500 {
		t.Error("too few paths to prove anything")
	}
}
