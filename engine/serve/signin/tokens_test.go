package signin_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

var viewAll = signin.Grant{Roles: []signin.Role{signin.View}, Pipelines: []string{signin.AllPipelines}}

// TestTokenCheck: a token that could not do what its roles say is not added.
func TestTokenCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	grant := func(roles ...signin.Role) signin.Grant {
		return signin.Grant{Roles: roles, Pipelines: []string{signin.AllPipelines}}
	}
	kinds, people := signin.Records{Kinds: []string{"API"}}, signin.Records{Identities: true}
	both, place := signin.Records{Identities: true, Kinds: kinds.Kinds}, signin.Records{Namespaces: []string{"x"}}
	for want, bad := range map[string]signin.Token{
		"without a role":          {Name: "a"},
		"needs a name":            {Name: " ", Grant: viewAll},
		"for the audit log":       {Name: "a\nb", Grant: viewAll},
		"only a person":           {Name: "a", Grant: grant(signin.Approve)},
		"pushes nothing else":     {Name: "a", Grant: grant(signin.Push), Records: both},
		"names the kinds":         {Name: "a", Grant: grant(signin.Push)},
		"go with the role push":   {Name: "a", Grant: viewAll, Records: kinds},
		"--identities go with":    {Name: "a", Grant: viewAll, Records: people},
		"names the kinds that it": {Name: "a", Grant: grant(signin.Push), Records: place},
	} {
		_, _, err := signin.AddToken(path, bad)
		if !errors.As(err, new(*fault.Invalid)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", bad, err, want)
		}
	}
	for _, good := range []signin.Token{{Name: "a", Grant: grant(signin.Push), Records: kinds},
		{Name: "b", Grant: grant(signin.Push), Records: people}, {Name: "c", Person: true, Grant: grant(signin.Approve)}} {
		if _, _, err := signin.AddToken(path, good); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	if all, err := signin.ReadTokens(path); err != nil || len(all) != 3 {
		t.Errorf("%d tokens: %v", len(all), err)
	}
}

func TestTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serve", "tokens.json")
	now := time.Now()
	tokens, err := signin.OpenTokens(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	view := signin.Token{Name: "ci", Expires: now.Add(time.Hour),
		Grant: signin.Grant{Roles: []signin.Role{signin.View}, Pipelines: []string{"catalog"}}}
	token, added, err := signin.AddToken(path, view)
	if err != nil {
		t.Fatal(err)
	}
	who := tokens.Find(token)
	if who == nil || who.Name != "ci" || who.Person || !who.Proven || !who.May(signin.View, "catalog") ||
		who.May(signin.View, "other") || who.May(signin.Inspect, "catalog") {
		t.Errorf("the token's owner is %+v", who)
	}
	for _, bad := range []string{"", "pipe_", token + "x", strings.TrimPrefix(token, "pipe_"), added.Hash} {
		if tokens.Find(bad) != nil {
			t.Errorf("%q is a token", bad)
		}
	}
	if b, err := os.ReadFile(path); err != nil || strings.Contains(string(b), token) {
		t.Errorf("the file holds the token: %v", err)
	}
	now = now.Add(time.Hour)
	if tokens.Find(token) != nil {
		t.Error("the token does not expire")
	}
	now = now.Add(-time.Hour)
	person := signin.Token{Name: "ci", Person: true, Grant: view.Grant}
	if _, _, err := signin.AddToken(path, person); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("a person with the name of a program: %v", err)
	}
	if _, err := signin.RevokeToken(path, added.ID); err != nil {
		t.Fatal(err)
	}
	if tokens.Find(token) != nil {
		t.Error("the token is accepted after it was revoked")
	}
	if _, err := signin.RevokeToken(path, added.ID); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("revoking it again: %v", err)
	}
}

// TestTokensOfOthers: a file that others may use, or that is damaged, is refused whole.
func TestTokensOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	path := filepath.Join(t.TempDir(), "tokens.json")
	token, _, err := signin.AddToken(path, signin.Token{Name: "ci", Grant: viewAll})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := signin.OpenTokens(path, time.Now)
	if err != nil || tokens.Find(token) == nil {
		t.Fatalf("the token is not accepted: %v", err)
	}
	for _, spoil := range []func() error{
		func() error { return os.Chmod(path, 0o640) },
		func() error { return os.WriteFile(path, []byte(`{"version":1,"tokens":[{"name":`), 0o600) },
		func() error { return os.WriteFile(path, []byte(`{"version":9,"tokens":[]}`), 0o600) },
	} {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if tokens.Find(token) != nil || !errors.As(tokens.Err(), new(*fault.StateError)) {
			t.Errorf("accepted: %v", tokens.Err())
		}
		if _, err := signin.OpenTokens(path, time.Now); !errors.As(err, new(*fault.StateError)) {
			t.Errorf("opened: %v", err)
		}
		os.Remove(path)
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		if tokens.Find(token) == nil {
			t.Fatalf("the good file is not accepted again: %v", tokens.Err())
		}
	}
}

func TestAddAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, _, err := signin.AddToken(path, signin.Token{Name: fmt.Sprint("bot-", i), Grant: viewAll}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if all, err := signin.ReadTokens(path); err != nil || len(all) != 20 {
		t.Errorf("%d tokens: %v", len(all), err)
	}
}

func TestMay(t *testing.T) {
	all := func(person bool, roles ...signin.Role) *signin.Principal {
		return &signin.Principal{Person: person, Grants: []signin.Grant{{Roles: roles, Pipelines: []string{"*"}}}}
	}
	var none *signin.Principal
	for _, tt := range []struct {
		who  *signin.Principal
		role signin.Role
		want bool
	}{
		{none, signin.View, false},
		{all(true, signin.Approve), signin.Approve, true},
		{all(false, signin.Approve), signin.Approve, false}, // a program never approves
		{all(false, signin.Approve), signin.Inspect, true},
		{all(true, signin.Approve), signin.Trigger, false},
		{all(true, signin.Inspect), signin.View, true},
		{all(true, signin.Inspect), signin.Approve, false},
		{all(true, signin.Trigger), signin.View, true},
		{all(true, signin.Trigger), signin.Inspect, false},
		{all(true, signin.Push), signin.View, false},
		{all(true, signin.View), signin.Push, false},
	} {
		if got := tt.who.May(tt.role, "catalog"); got != tt.want {
			t.Errorf("%+v may %s: %v", tt.who, tt.role, got)
		}
	}
	if _, err := signin.ParseRoles([]string{"view", "admin"}); err == nil {
		t.Error("admin is a role")
	}
}
