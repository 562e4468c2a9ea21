package connection

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

func TestNewRefuses(t *testing.T) {
	headers := func(kv ...string) func(*Config, *Settings) {
		return func(c *Config, _ *Settings) {
			c.Headers = map[string]config.Secret{}
			for i := 0; i < len(kv); i += 2 {
				c.Headers[kv[i]] = config.NewSecret(kv[i+1])
			}
		}
	}
	address := func(u string) func(*Config, *Settings) {
		return func(_ *Config, s *Settings) { s.URL = u }
	}
	for name, tc := range map[string]struct {
		adjust func(*Config, *Settings)
		says   string
	}{
		"no address":     {address(""), "the address is empty"},
		"no scheme":      {address("backstage.corp/api"), "does not start with http:// or https://"},
		"another scheme": {address("ftp://h"), "does not start with http:// or https://"},
		"no host":        {address("https:///api"), "does not start with http:// or https:// and a host"},
		"not a URL":      {address("https://u:s3cret-s3cret#@h"), "the address is not a URL"},
		"a password":     {address("https://u:s3cret-s3cret@h"), "contains a user name or password"},
		"a query":        {address("https://h/?token=s3cret-s3cret"), "has a query or fragment"},
		"dots":           {address("https://h/a/../b"), "dot segments"},
		"not verified, remote": {func(c *Config, _ *Settings) { c.TLS.Verify = false },
			"tls.verify: false is only possible for an address of this machine, which h.example is not"},
		"token, broken line": {func(_ *Config, s *Settings) {
			s.Token = config.NewSecret("s3cret-s3cret\nx")
		}, "token: it cannot be sent in a header"},
		"header, broken line": {headers("X-A", "s3cret-s3cret\nx"), "headers.X-A: it cannot be sent"},
		"header name":         {headers("X A", "v"), `headers: "X A" is not a header name`},
		"a header of ours":    {headers("host", "v"), "headers: Host cannot be set here"},
		"two spellings":       {headers("x-a", "v", "X-A", "w"), "are the same header"},
		"two authorizations":  {headers("authorization", "v"), "token sets Authorization"},
		"no Allow":            {func(_ *Config, s *Settings) { s.Allow = nil }, "Settings.Allow is required"},
	} {
		cfg, s := Default(), Settings{Name: "glean", URL: "https://h.example", Token: config.NewSecret(canary),
			Allow: func(string, string) bool { return true }}
		tc.adjust(&cfg, &s)
		_, err := New(cfg, s)
		if err == nil || !strings.HasPrefix(err.Error(), "glean: ") || !strings.Contains(err.Error(), tc.says) ||
			fault.ClassOf(err) != fault.Fatal {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(everythingOf(err), "s3cret") {
			t.Errorf("%s: the error shows a secret: %v", name, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	for name, tc := range map[string]struct {
		url      string
		verify   bool
		insecure bool
		token    string
		want     string
	}{
		"https":                      {"https://h.example", true, true, canary, ""},
		"not verified":               {"https://h.example", false, true, canary, "tls.verify is false"},
		"not verified, loopback":     {"https://localhost", false, false, canary, "tls.verify is false"},
		"http, nothing to verify":    {"http://127.0.0.1", false, false, canary, ""},
		"http, remote":               {"http://h.example", true, true, canary, "sent to h.example unencrypted"},
		"http, remote, nothing sent": {"http://h.example", true, true, "", ""},
	} {
		f := &fixture{}
		f.connect(t, tc.url, func(c *Config, s *Settings) {
			c.TLS.Verify, s.InsecureRemote, s.Token = tc.verify, tc.insecure, config.NewSecret(tc.token)
		})
		warned := strings.Join(f.Warnings(), "\n")
		if (tc.want == "") != (warned == "") || !strings.Contains(warned, tc.want) ||
			strings.Count(f.log.String(), "level=WARN") != len(f.Warnings()) {
			t.Errorf("%s: %q, log %s", name, warned, f.log)
		}
	}
}

// TestPlainHTTPNeedsOptIn: no credential is sent to another machine without encryption.
func TestPlainHTTPNeedsOptIn(t *testing.T) {
	token := func(_ *Config, s *Settings) { s.Token = config.NewSecret(canary) }
	header := func(c *Config, _ *Settings) { c.Headers = map[string]config.Secret{"X-Key": config.NewSecret(canary)} }
	nothing := func(*Config, *Settings) {}
	for name, tc := range map[string]struct {
		url     string
		adjust  func(*Config, *Settings)
		allowed bool
		refused bool
	}{
		"token":           {"http://h.example", token, false, true},
		"header":          {"http://10.0.0.1", header, false, true},
		"token, https":    {"https://h.example", token, false, false},
		"token, loopback": {"http://[::1]:1", token, false, false},
		"nothing":         {"http://h.example", nothing, false, false},
		"token, allowed":  {"http://h.example", token, true, false},
	} {
		cfg, s := Default(), Settings{Name: "backstage", URL: tc.url, Allow: func(string, string) bool { return true }}
		cfg.InsecureHTTP = tc.allowed
		tc.adjust(&cfg, &s)
		_, err := New(cfg, s)
		if (err != nil) != tc.refused {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (fault.ClassOf(err) != fault.Fatal || !strings.Contains(fault.RemedyOf(err), "insecure_http")) {
			t.Errorf("%s: class %v, remedy %q", name, fault.ClassOf(err), fault.RemedyOf(err))
		}
	}
}

// TestDefaults: the tags, from which documentation comes, say what Default says.
func TestDefaults(t *testing.T) {
	if err := config.CheckSpec(&Config{}); err != nil {
		t.Error(err)
	}
	d := Default()
	for _, tc := range []struct {
		in    any
		field string
		want  string
	}{
		{d, "Timeout", d.Timeout.D().String()},
		{d, "MaxResponse", d.MaxResponse.String()},
		{d.Retries, "Attempts", "6"},
		{d.Retries, "Within", time.Duration(d.Retries.Within).String()},
		{d.TLS, "Verify", "true"},
	} {
		f, _ := reflect.TypeOf(tc.in).FieldByName(tc.field)
		tag := f.Tag.Get("default")
		if parsed, err := time.ParseDuration(tag); err == nil {
			tag = parsed.String()
		}
		if tag != tc.want {
			t.Errorf("%s: the tag says %s, Default %s", tc.field, tag, tc.want)
		}
	}
	if d.Retries.Attempts != 6 {
		t.Errorf("Default has %d attempts", d.Retries.Attempts)
	}
}
