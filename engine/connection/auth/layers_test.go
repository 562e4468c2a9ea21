package auth

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
)

type block struct {
	Auth Layers `yaml:"auth" doc:"The layers."`
}

// decode reads an auth block of YAML and returns it with what is wrong with it.
func decode(t *testing.T, text string) (Layers, []string) {
	t.Helper()
	doc, problems := config.Parse("p.yaml", []byte(text))
	var b block
	problems = append(problems, config.Decode(doc.Root(), &b, &config.Variables{
		Lookup: func(name string) (string, bool) { return "canary-" + name, name != "UNSET" },
		Keep:   func(string, bool) (config.Kept, *config.SecretError) { return nil, nil }, SignIns: config.RenewSignIns})...)
	var out []string
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%d:%d: %s (%s)", p.Pos.Line, p.Pos.Col, p.Message, p.Hint))
	}
	return b.Auth, out
}

// TestLayersProblems: each mistake is one problem with its position and a remedy, and none
// quotes a secret.
func TestLayersProblems(t *testing.T) {
	const client = "auth:\n- oauth2:\n    client_id: pipe\n"
	const person = client + "    refresh_token: ${secret:login}\n"
	for name, tc := range map[string]struct{ text, at, says, hint string }{
		"not a list":     {"auth:\n  bearer:\n    token: ${T}\n", "2:3", "auth is a list of schemes", "- bearer: …"},
		"unknown scheme": {"auth:\n- oauth: {}\n", "2:3", `unknown key "oauth"`, "oauth2"},
		"two schemes": {"auth:\n- bearer: {token: '${T}'}\n  basic: {username: u, password: '${T}'}\n", "2:3",
			"exactly one scheme", "item of its own"},
		"nothing below": {"auth:\n- bearer:\n", "2:3", "bearer has no settings", "below it"},
		"missing field": {"auth:\n- basic: {username: u}\n", "2:3", `"password" is required and missing`, "add password"},
		"two owners": {"auth:\n- bearer: {token: '${T}'}\n- basic: {username: u, password: '${T}'}\n", "3:3",
			"bearer and basic both write the header Authorization (bearer is at p.yaml:2:3)", "remove one"},
		"two owners of another header": {"auth:\n- header: {name: x-key, value: '${T}'}\n" +
			"- header: {name: X-Key, value: '${T}'}\n", "3:3", "both write the header X-Key", "remove one"},
		"a reserved header": {"auth:\n- header: {name: host, value: '${T}'}\n", "2:18", "Host cannot be set here", "remove"},
		"no header":         {"auth:\n- header: {name: 'a b', value: '${T}'}\n", "2:18", "is not a header name", "hyphens"},
		"Bearer":            {"auth:\n- bearer: {token: 'Bearer ${T}'}\n", "2:19", "begins with Bearer", "only the token"},
		"a colon":           {"auth:\n- basic: {username: 'a:b', password: '${T}'}\n", "2:21", "contains a colon", "colon"},
		"no provider": {client + "    client_secret: ${T}\n", "2:3", "the identity provider is missing",
			"set issuer"},
		"two providers": {client +
			"    client_secret: ${T}\n    issuer: https://a.example.com\n    token_url: https://a.example.com/t\n",
			"6:16", "both give the token endpoint", "keep one"},
		"no encryption": {client + "    client_secret: ${T}\n    issuer: http://login.example.com\n", "5:13",
			"would be sent unencrypted", "https://"},
		"link-local": {client + "    client_secret: ${T}\n    token_url: http://169.254.169.254/token\n", "5:16",
			"link-local", "identity provider"},
		"metadata by name": {client + "    client_secret: ${T}\n    token_url: https://metadata.google.internal/token\n",
			"5:16",
			"link-local", "identity provider"},
		"user in the address": {client + "    client_secret: ${T}\n    token_url: https://u:canary@a.example.com/t\n", "5:16",
			"contains a user name or password", "without"},
		"no proof": {client + "    issuer: https://a.example.com\n", "2:3", "nothing proves the client", "client_secret"},
		"two proofs": {client + "    issuer: https://a.example.com\n    client_secret: ${T}\n    client_assertion_file: x\n",
			"5:20", "more than one way", "keep one"},
		"no key": {client + "    issuer: https://a.example.com\n    private_key: ${T}\n", "5:18",
			"not the PEM of a private key", "${file:key.pem}"},
		"a way to send it": {client + "    issuer: https://a.example.com\n    client_secret: ${T}\n    client_auth: jwt\n",
			"6:18",
			"not one of the allowed values", "basic, post"},
		"a person and a file": {person + "    issuer: https://a.example.com\n    client_assertion_file: x\n", "4:20",
			"for a person (refresh_token) and for the client alone", "keep one of the two"},
		"a person without an address": {person + "    token_url: https://a.example.com/t\n", "5:16",
			"the address where pipe login asks for a code is missing", "set device_authorization_url"},
		"two addresses for a person": {person + "    issuer: https://a.example.com\n" +
			"    device_authorization_url: https://a.example.com/d\n", "6:31", "issuer gives the device", "remove this line"},
		"an address for no person": {client + "    client_secret: ${T}\n    token_url: https://a.example.com/t\n" +
			"    device_authorization_url: https://a.example.com/d\n", "6:31", "for the sign-in of a person",
			"set refresh_token"},
		"a plain address for a person": {person + "    token_url: https://a.example.com/t\n" +
			"    device_authorization_url: http://a.example.com/d\n", "6:31", "would be sent unencrypted", "https://"},
		"a person in the file": {client + "    issuer: https://a.example.com\n    refresh_token: canary\n", "5:20",
			"has its place in the secret store", "pipe login FILE"},
		"no base64": {"auth:\n- signed_jwt: {subject: s, secret: '${T}!'}\n", "2:36", "not base64", "the server's"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := decode(t, tc.text)
			problems = slices.DeleteFunc(
				problems,
				func(p string) bool { return strings.Contains(p, "written in the file") },
			)
			if len(problems) != 1 || !strings.HasPrefix(problems[0], tc.at+": ") ||
				!strings.Contains(problems[0], tc.says) ||
				!strings.Contains(problems[0], tc.hint) {
				t.Errorf("got %q, want %s: %s (%s)", problems, tc.at, tc.says, tc.hint)
			}
			if strings.Contains(strings.Join(problems, ""), "canary") {
				t.Errorf("a secret shows: %s", problems)
			}
		})
	}
}

// TestLayersPerson: the client of a person may have a secret, and needs none.
func TestLayersPerson(t *testing.T) {
	for _, more := range []string{"", ", client_secret: '${T}'", ", client_secret: '${T}', client_auth: post"} {
		text := "auth:\n- oauth2: {issuer: https://a.example.com, client_id: pipe, refresh_token: '${secret:login}'" + more +
			"}\n"
		if layers, problems := decode(t, text); len(problems) > 0 || len(layers.SignIns()) != 1 {
			t.Errorf("%s: %q", text, problems)
		}
	}
}

// TestLayers: layers with headers of their own are good together.
func TestLayers(t *testing.T) {
	layers, problems := decode(t, `auth:
- cloudflare_access: {client_id: x.access, client_secret: "${T}"}
- oauth2: {issuer: http://127.0.0.1:9, client_id: a, client_secret: "${T}", header: proxy-authorization}
- bearer: {token: "${T}"}
- header: {name: X-Key, value: "${T}"}
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	l, err := New(Settings{Layers: layers})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range l.Layers() {
		names = append(names, n.Name+" "+strings.Join(n.Headers, " "))
	}
	want := []string{"auth.0.cloudflare_access Cf-Access-Client-Id Cf-Access-Client-Secret",
		"auth.1.oauth2 Proxy-Authorization", "auth.2.bearer Authorization", "auth.3.header X-Key"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	for key, s := range map[string]Settings{
		"token: this and auth.2, bearer": {Layers: layers, Token: config.NewSecret("token")},
		"headers.x-key: this and auth.3": {Layers: layers,
			Headers: map[string]config.Secret{"x-key": config.NewSecret("v")}},
		"headers: token sets Authorization": {Token: config.NewSecret("token"),
			Headers: map[string]config.Secret{"authorization": {}}},
		"headers.X-Y: it cannot be sent":       {Headers: map[string]config.Secret{"X-Y": config.NewSecret("a\nb")}},
		"token: it cannot be sent in a header": {Token: config.NewSecret("a\nb")},
	} {
		if _, err := New(s); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v, want %q", err, key)
		}
	}
}

func TestSpec(t *testing.T) {
	if err := config.CheckSpec(&Layer{}); err != nil {
		t.Error(err)
	}
	f := config.Describe(&block{})[0]
	if f.Type != "list of mapping" || len(f.Choice) != len(f.Fields) || f.Fields[0].Path != "auth[].bearer" ||
		f.Fields[0].Fields[0].Path != "auth[].bearer.token" {
		t.Errorf("%+v", f)
	}
}
