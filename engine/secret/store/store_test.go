package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// newStore creates a store and its identity in a folder of its own.
func newStore(t *testing.T) (Place, *Store) {
	t.Helper()
	dir := t.TempDir()
	p := Place{Path: filepath.Join(dir, "secrets.age"), IdentityFile: filepath.Join(dir, "secrets.key")}
	created, err := p.Init(nil)
	noError(t, err)
	isTrue(t, created)
	s, err := p.Open()
	noError(t, err)
	return p, s
}

func set(t *testing.T, s *Store, name, value string, origins ...string) {
	t.Helper()
	_, err := s.Set(name, value, origins, false)
	noError(t, err)
}

func TestSetAndGet(t *testing.T) {
	p, s := newStore(t)
	set(t, s, "idp", "one two\nthree\r\n", "https://Login.example.com:443/", "https://b.example.com:8443")
	got, err := s.Get("idp")
	noError(t, err)
	equal(t, got, config.SecretText{Text: "one two\nthree",
		Origins: []string{"https://b.example.com:8443", "https://login.example.com"}})

	set(t, s, "idp", "other") // keeps its origins
	got, err = s.Get("idp")
	noError(t, err)
	equal(t, got.Text, "other")
	equal(t, len(got.Origins), 2)
	_, err = s.Set("idp", "other", nil, true)
	noError(t, err)
	got, err = s.Get("idp")
	noError(t, err)
	equal(t, len(got.Origins), 0)

	for _, path := range []string{p.Path, p.IdentityFile} {
		info, err := os.Stat(path)
		noError(t, err)
		equal(t, info.Mode().Perm(), os.FileMode(0o600))
	}
	text, err := os.ReadFile(p.Path)
	noError(t, err)
	isTrue(t, bytes.HasPrefix(text, []byte("-----BEGIN AGE ENCRYPTED FILE-----\n")))
	isTrue(t, !strings.Contains(string(text), "other"))

	noError(t, s.Remove("idp"))
	_, err = s.Get("idp")
	fails(t, err, `has no secret "idp"`)
}

func TestSetRefuses(t *testing.T) {
	_, s := newStore(t)
	for name, c := range map[string]struct {
		name, value, origin, want string
	}{
		"empty value":         {"a", "", "", "the value of a is empty"},
		"only a line break":   {"a", "\n", "", "the value of a is empty"},
		"two line breaks":     {"a", "x\n\n", "", "begins or ends with white space"},
		"leading space":       {"a", " x", "", "begins or ends with white space"},
		"too long":            {"a", strings.Repeat("x", maxValue+1), "", "more than 64 KiB"},
		"a name with a space": {"a b", "x", "", "not a name for a secret"},
		"no name":             {"", "x", "", "not a name for a secret"},
		"origin with a path":  {"a", "x", "https://a.example.com/api", "a scheme, a host and a port only"},
		"origin with a user":  {"a", "x", "https://u:p@a.example.com", "a scheme, a host and a port only"},
		"origin of a file":    {"a", "x", "file:///etc/passwd", "not a URL"},
		"origin without host": {"a", "x", "https://", "not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			var origins []string
			if c.origin != "" {
				origins = []string{c.origin}
			}
			_, err := s.Set(c.name, c.value, origins, false)
			fails(t, err, c.want)
			isTrue(t, len(fault.RemedyOf(err)) > 0)
			all, err := s.List()
			noError(t, err)
			equal(t, len(all), 0)
		})
	}
}

// TestUnreadable: each fault of a file has one sentence, which names neither the library
// nor its message authentication.
func TestUnreadable(t *testing.T) {
	p, s := newStore(t)
	set(t, s, "idp", "canary-value")
	good, err := os.ReadFile(p.Path)
	noError(t, err)
	other, err := NewIdentity()
	noError(t, err)
	recipient := s.identities[0].(*age.X25519Identity).Recipient()
	encrypted := func(text string) []byte {
		var b bytes.Buffer
		w, err := age.Encrypt(&b, recipient)
		noError(t, err)
		_, err = w.Write([]byte(text))
		noError(t, err)
		noError(t, w.Close())
		return b.Bytes()
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	own, err := os.ReadFile(p.IdentityFile)
	noError(t, err)
	for name, c := range map[string]struct {
		file     []byte
		identity string
		want     string
	}{
		"wrong identity":      {good, other, "the identity does not open the secret store"},
		"changed":             {flipped, string(own), "is damaged"},
		"cut":                 {good[:len(good)/2], string(own), "is damaged"},
		"empty":               {nil, string(own), "is damaged"},
		"not encrypted":       {[]byte(`{"version":1}`), string(own), "is damaged"},
		"binary is read":      {encrypted(`{"version":1,"secrets":{}}`), string(own), ""},
		"other content":       {encrypted(`token: x`), string(own), "does not contain the JSON of a secret store"},
		"later version":       {encrypted(`{"version":2}`), string(own), "has version 2"},
		"comment in identity": {good, "# made by hand\n" + string(own), ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secrets.age")
			noError(t, os.WriteFile(path, c.file, 0o600))
			s, err := New(path, c.identity)
			noError(t, err)
			_, err = s.List()
			if c.want == "" {
				noError(t, err)
				return
			}
			fails(t, err, c.want)
			isTrue(t, len(fault.RemedyOf(err)) > 0)
			isTrue(t, !regexp.MustCompile(`(?i)\bmac\b|header|canary`).MatchString(err.Error()))
			_, err = s.Set("a", "b", nil, false)
			isTrue(t, err != nil) // nothing is written over a file that cannot be read
			after, err := os.ReadFile(path)
			noError(t, err)
			equal(t, string(c.file), string(after))
		})
	}
	for _, identity := range []string{"", "secret words", "AGE-SECRET-KEY-1NOTONE"} {
		_, err := New(p.Path, identity)
		fails(t, err, "is not an age identity")
		isTrue(t, !strings.Contains(err.Error(), "words"))
	}
	noError(t, os.Remove(p.Path))
	_, err = s.List()
	fails(t, err, "does not exist")
}

// TestTwoWriters: of writers at once none loses what another wrote, in this process and in
// others.
func TestTwoWriters(t *testing.T) {
	p, _ := newStore(t)
	const writers, each = 8, 10
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			s, err := p.Open()
			if err != nil {
				t.Error(err)
				return
			}
			for i := range each {
				if _, err := s.Set(fmt.Sprintf("w%d-%d", w, i), "value", nil, false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	s, err := p.Open()
	noError(t, err)
	all, err := s.List()
	noError(t, err)
	equal(t, len(all), writers*each)
}

func TestInit(t *testing.T) {
	p, _ := newStore(t)
	_, err := p.Init(nil)
	fails(t, err, "exists already")
	noError(t, os.Remove(p.IdentityFile))
	_, err = p.Init(nil)
	fails(t, err, "but its identity")
	_, err = os.Stat(p.IdentityFile)
	isTrue(t, os.IsNotExist(err))
	_, err = p.Open()
	fails(t, err, "the identity of the secret store")
}

// TestRekey: only the new identity opens the store afterwards.
func TestRekey(t *testing.T) {
	p, old := newStore(t)
	set(t, old, "idp", "value")
	guest, err := NewIdentity()
	noError(t, err)
	guests, err := age.ParseIdentities(strings.NewReader(guest))
	noError(t, err)
	noError(t, p.Rekey("", []string{guests[0].(*age.X25519Identity).Recipient().String()}))
	_, err = old.List()
	fails(t, err, "does not open")
	s, err := p.Open()
	noError(t, err)
	got, err := s.Get("idp")
	noError(t, err)
	equal(t, got.Text, "value")
	text, err := os.ReadFile(p.IdentityFile)
	noError(t, err)
	equal(t, len(Keys(string(text))), 1)

	set(t, s, "more", "value") // keeps the other recipient
	other, err := New(p.Path, guest)
	noError(t, err)
	_, err = other.Get("more")
	noError(t, err)

	next := filepath.Join(t.TempDir(), "next.key")
	noError(t, p.Rekey(next, nil))
	_, err = other.Get("more")
	fails(t, err, "does not open")
	_, err = (Place{Path: p.Path, IdentityFile: next}).Open()
	noError(t, err)
	fails(t, (Place{Path: p.Path, IdentityFile: next}).Rekey(next, nil), "exists already")
	fails(t, (Place{Path: p.Path, identity: guest}).Rekey("", nil), "in a variable")
	fails(t, (Place{Path: p.Path, IdentityFile: next}).Rekey("", []string{"age1x"}), "not a recipient")
}

// TestRenewInterrupted: when the store cannot be written, the identity file still opens it.
func TestRenewInterrupted(t *testing.T) {
	p, s := newStore(t)
	fails(t, s.Renew(p.IdentityFile, []string{"age1x"}), "keeps both")
	s, err := p.Open()
	noError(t, err)
	_, err = s.List()
	noError(t, err)
}

// TestAgeCommand: age reads a store, and a store that age wrote is read.
func TestAgeCommand(t *testing.T) {
	if _, err := exec.LookPath("age"); err != nil {
		t.Skip("the age command is not there")
	}
	p, s := newStore(t)
	set(t, s, "idp", "value")
	plain, err := exec.Command("age", "-d", "-i", p.IdentityFile, p.Path).Output()
	noError(t, err)
	var c content
	noError(t, codec.Unmarshal(plain, &c))
	equal(t, c.Secrets["idp"].Value, "value")

	for _, flags := range [][]string{{"-a"}, nil} {
		cmd := exec.Command("age", append(flags, "-r", s.identities[0].(*age.X25519Identity).Recipient().String(),
			"-o", p.Path+".new")...)
		cmd.Stdin = strings.NewReader(`{"version":1,"secrets":{"by-hand":{"value":"v","changed":"2026-11-29T00:00:00Z"}}}`)
		noError(t, cmd.Run())
		noError(t, os.Rename(p.Path+".new", p.Path))
		got, err := s.Get("by-hand")
		noError(t, err)
		equal(t, got.Text, "v")
	}
}

// TestGetMisspelt: an error names the nearest secret.
func TestGetMisspelt(t *testing.T) {
	_, s := newStore(t)
	set(t, s, "backstage-token", "value")
	_, err := s.Get("backstage-tokn")
	isTrue(t, strings.Contains(fault.RemedyOf(err), "did you mean backstage-token?"))
}

// TestExchange: the store keeps what an exchange returns, with the origins of the old text, and
// another process that changes it waits, as long as its context lets it.
func TestExchange(t *testing.T) {
	_, s := newStore(t)
	set(t, s, "login", "first", "https://login.example.com")
	before, _ := os.ReadFile(s.Path())
	for _, same := range []string{"", "first"} {
		if err := s.Exchange(t.Context(), "login", func(config.SecretText) (string, error) { return same, nil }); err != nil {
			t.Fatal(err)
		}
	}
	failed := errors.New("failed")
	err := s.Exchange(t.Context(), "login", func(config.SecretText) (string, error) { return "lost", failed })
	if after, _ := os.ReadFile(s.Path()); !errors.Is(err, failed) || !bytes.Equal(before, after) {
		t.Errorf("%v, the store has changed: %v", err, !bytes.Equal(before, after))
	}
	err = s.Exchange(t.Context(), "login", func(old config.SecretText) (string, error) {
		if old.Text != "first" {
			t.Errorf("got %q", old.Text)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*lockPause)
		defer cancel()
		other := s.Exchange(ctx, "login", func(config.SecretText) (string, error) { return "other", nil })
		if !errors.Is(other, context.DeadlineExceeded) {
			t.Errorf("another process: %v", other)
		}
		return "second", nil
	})
	got, _ := s.Get("login")
	if err != nil || got.Text != "second" || len(got.Origins) != 1 {
		t.Error(err, got)
	}
	if err := s.Exchange(t.Context(), "none", func(config.SecretText) (string, error) { return "x", nil }); err == nil {
		t.Error("a secret that is not there was exchanged")
	}
	if has, err := s.Has("none"); has || err != nil {
		t.Error(has, err)
	}
}
