//go:build backstage

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRealOpenID: people sign in to the pages at npm's oidc-provider, which gives claims only at
// its user info endpoint.
func TestRealOpenID(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	origin := "http://" + l.Addr().String()
	_ = l.Close()
	id := startIdentity(t, real{}, "SERVE_REDIRECT="+origin+"/sign-in/callback")
	file := write(t, "openid.yaml", fmt.Sprintf("issuer: %s\nclient_id: pipe-serve\nclient_secret: ${SECRET}\n"+
		"scopes: [email, groups]\ngrants:\n  - {people: [ann@example.com], groups: [team-bob, team-eve], roles: [view]}\n",
		id.issuer))
	s := startServerWith(t, map[string]string{"SECRET": "secret of serve/+ %"}, filepath.Join(t.TempDir(), "state"),
		"--listen", strings.TrimPrefix(origin, "http://"), "--sandbox", "--openid", file, shipped)
	const path = "/pipelines/backstage"
	for _, person := range []string{"ann", "bob", "cid", "eve"} {
		v := newVisitor(t)
		at := providerLink.FindStringSubmatch(v.open(origin+path, http.StatusUnauthorized))[1]
		err := browseAs(v.http, origin+at, person, "confirm")
		switch person {
		case "cid":
			if err == nil || !strings.Contains(err.Error(), "cid@example.com has no role") {
				t.Errorf("a person without a grant: %v", err)
			}
		case "eve":
			if err == nil || !strings.Contains(err.Error(), "not verified your e-mail address") {
				t.Errorf("an address that is not verified: %v", err)
			}
		default:
			if err != nil {
				t.Fatalf("%v\n%s", err, s.text())
			}
			if page := v.open(origin+path, http.StatusOK); !strings.Contains(page, person+"@example.com") {
				t.Errorf("the page of %s:\n%s", person, page)
			}
		}
	}
	if err := browseAs(newVisitor(t).http, origin+"/sign-in/openid", "ann", "abort"); err != nil {
		t.Error(err)
	}
	for begun := time.Now(); !strings.Contains(s.text(), "access_denied"); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("the log does not say that ann has aborted:\n%s", s.text())
		}
	}
}
