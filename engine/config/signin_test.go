package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// keptText is a Kept in memory.
type keptText struct{ SecretText }

func (k *keptText) Exchange(_ context.Context, use func(SecretText) (string, error)) error {
	next, err := use(k.SecretText)
	if err == nil && next != "" {
		k.Text = next
	}
	return err
}

// TestSignIn: a sign-in is read only for a person, only from the store, and never shown.
func TestSignIn(t *testing.T) {
	opened := false
	store := func(fails *SecretError) func(string, bool) (Kept, *SecretError) {
		return func(name string, read bool) (Kept, *SecretError) {
			opened = opened || read
			if name != "portal-login" {
				return nil, &SecretError{Message: "no name of the store", Hint: "write another"}
			}
			if !read {
				return nil, nil
			}
			return &keptText{SecretText{Text: "canary"}}, fails
		}
	}
	const elsewhere = "has its place in the secret store"
	for name, tc := range map[string]struct {
		text string
		vars Variables
		says string // "" is no problem
		use  bool   // it can be used
	}{
		"a person": {"${secret:portal-login}", Variables{Keep: store(nil), SignIns: UseSignIns}, "", true},
		"nobody":   {"${secret:portal-login}", Variables{Keep: store(nil)}, "in a terminal only", false},
		"a check":  {"${secret:portal-login}", Variables{Keep: store(nil), SkipSecrets: true}, "", false},
		"a check by a person": {"${secret:portal-login}", Variables{Keep: store(nil), SkipSecrets: true, SignIns: UseSignIns},
			"", false},
		"a lenient check": {"${secret:portal-login}", Variables{Keep: store(nil), SkipSecrets: true, Lenient: true}, "",
			false},
		"a login":          {"${secret:portal-login}", Variables{Keep: store(nil), SignIns: RenewSignIns}, "", false},
		"a name of no one": {"${secret:x}", Variables{Keep: store(nil), SkipSecrets: true}, "no name of the store", false},
		"no store":         {"${secret:portal-login}", Variables{SkipSecrets: true}, "needs the secret store", false},
		"not signed in": {"${secret:portal-login}", Variables{SignIns: UseSignIns,
			Keep: store(&SecretError{Message: "not signed in yet"})}, "not signed in yet", false},
		"a literal":     {"canary", Variables{Keep: store(nil), SignIns: UseSignIns}, elsewhere, false},
		"a variable":    {"${TOKEN}", Variables{Keep: store(nil), SignIns: UseSignIns}, elsewhere, false},
		"a file":        {"${file:x}", Variables{Keep: store(nil), SignIns: UseSignIns}, elsewhere, false},
		"more than one": {"x${secret:portal-login}", Variables{Keep: store(nil)}, elsewhere, false},
		"a list":        {"[canary]", Variables{Keep: store(nil)}, elsewhere, false},
	} {
		t.Run(name, func(t *testing.T) {
			var v struct {
				Token SignIn `yaml:"token"`
			}
			doc, _ := Parse("p.yaml", []byte("# a pipeline\ntoken: "+tc.text+"\n"))
			opened = false
			problems := Decode(doc.Root(), &v, &tc.vars)
			if opened && (tc.vars.SkipSecrets || tc.vars.SignIns != UseSignIns) {
				t.Error("the store was opened")
			}
			if (tc.says == "") != (len(problems) == 0) || !strings.Contains(problems.Error(), tc.says) {
				t.Fatal(problems)
			}
			if len(problems) > 0 && (problems[0].Pos.Line != 2 || problems[0].Pos.Col != 8 || problems[0].Warning) {
				t.Error(problems[0].Pos)
			}
			if strings.Contains(fmt.Sprint(problems, v, Values(&v), string(doc.Source())), "canary") {
				t.Error("the token shows")
			}
			used := ""
			err := v.Token.Use(t.Context(), "https://login.example.com", func(token string) (string, error) {
				used = token
				return "next", nil
			})
			if (used == "canary") != tc.use || (err == nil) != tc.use {
				t.Errorf("used %q, %v", used, err)
			}
		})
	}
}

// TestSignInOrigin: a sign-in goes to the origins that it is stored for.
func TestSignInOrigin(t *testing.T) {
	k := &keptText{SecretText{Text: "canary", Origins: []string{"https://login.example.com"}}}
	s := SignIn{name: "portal-login", kept: k}
	called := false
	err := s.Use(t.Context(), "https://evil.example.com", func(string) (string, error) { called = true; return "x", nil })
	var problems Problems
	if !errors.As(err, &problems) || problems[0].Code != codeSecretOrigin || called || k.Text != "canary" {
		t.Error(err, called)
	}
	err = s.Use(t.Context(), "https://login.example.com", func(string) (string, error) { return "next", nil })
	if err != nil || k.Text != "next" {
		t.Error(err)
	}
}
