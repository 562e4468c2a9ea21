package vault

import (
	"net/url"
	"path"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/connection/auth"
)

// Config is what a user writes below secrets.vault.
type Config struct {
	URL               string        `yaml:"url" required:"true" doc:"The address of the Vault server, such as https://vault.example.com:8200."`
	Namespace         string        `yaml:"namespace" doc:"The namespace of Vault Enterprise or HCP, such as admin/platform. Empty is the root namespace."`
	Mount             string        `yaml:"mount" default:"secret" doc:"Where the KV engine, version 2, is mounted."`
	Token             config.Secret `yaml:"token" doc:"A token of Vault. A ${file:PATH} is read again when it changes, and when Vault refuses the token."`
	Kubernetes        *Kubernetes   `yaml:"kubernetes" doc:"Log in as the Kubernetes service account that the pod runs as."`
	AppRole           *AppRole      `yaml:"app_role" doc:"Log in with an AppRole."`
	connection.Config `yaml:",inline"`
}

// Kubernetes is the login of a Kubernetes service account.
type Kubernetes struct {
	Role      string `yaml:"role" required:"true" doc:"The role of Vault that is bound to the service account."`
	Mount     string `yaml:"mount" default:"kubernetes" doc:"Where the auth method is mounted."`
	TokenFile string `yaml:"token_file" default:"/var/run/secrets/kubernetes.io/serviceaccount/token" path:"true" doc:"The token of the service account. It is read for each login."`
}

// AppRole is the login of a program with an ID and a secret.
type AppRole struct {
	RoleID   string        `yaml:"role_id" required:"true" doc:"The ID of the role."`
	SecretID config.Secret `yaml:"secret_id" doc:"The secret of the role. Empty for a role that is bound to addresses alone."`
	Mount    string        `yaml:"mount" default:"approle" doc:"Where the auth method is mounted."`
}

// codeSecret is the code of the problems below.
const codeSecret = "secret"

var (
	_ config.Validator = Config{}
	_ config.Cautioner = Config{}
	_ config.Validator = (*Kubernetes)(nil)
	_ config.Validator = (*AppRole)(nil)
)

// Validate reports an address that no credential may be sent to, and none or several ways
// to log in.
func (c Config) Validate(report func(field, code, message, hint string)) {
	c.Config.Validate(report)
	if message, hint := c.addressProblem(); message != "" && c.URL != "" {
		report("url", codeSecret, message, hint)
	}
	validatePath("mount", c.Mount, report)
	if c.Namespace != "" {
		validatePath("namespace", c.Namespace, report)
	}
	auth.ValidateToken("token", c.Token, report)
	if message, hint := c.Auth.Conflict(tokenHeader); message != "" {
		report("auth", codeSecret, message, hint)
	}
	for name := range c.Headers {
		if strings.EqualFold(name, tokenHeader) {
			report("headers", codeSecret, "token and headers both write the header "+tokenHeader, "use token")
		}
	}
	switch ways := c.ways(); {
	case ways == 0:
		report("token kubernetes app_role url", codeSecret, "nothing says how to log in to Vault",
			"add token, kubernetes or app_role")
	case ways > 1:
		report("token kubernetes app_role", codeSecret, "several ways to log in to Vault are given",
			"keep one of token, kubernetes and app_role")
	}
}

// ways is how many ways to log in there are.
func (c Config) ways() int {
	n := 0
	for _, given := range []bool{c.Token.IsSet(), c.Kubernetes != nil, c.AppRole != nil} {
		if given {
			n++
		}
	}
	return n
}

// Validate reports a mount that is no path.
func (k *Kubernetes) Validate(report func(field, code, message, hint string)) {
	validatePath("mount", k.Mount, report)
}

// Validate reports a mount that is no path.
func (a *AppRole) Validate(report func(field, code, message, hint string)) {
	validatePath("mount", a.Mount, report)
}

func validatePath(field, value string, report func(field, code, message, hint string)) {
	if !isPath(value) {
		report(field, codeSecret, "not a path of Vault", "write it without a / at its ends, such as team/secret")
	}
}

// isPath reports whether a text can be a part of the path of a request as it is.
func isPath(s string) bool {
	return s != "" && path.Clean("/"+s) == "/"+s
}

// addressProblem is what is wrong with an address that gets a credential.
func (c Config) addressProblem() (message, hint string) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return "not an address", "write https:// and a host, such as https://vault.example.com:8200"
	case auth.IsMetadata(u.Hostname()):
		return "the address is link-local, where cloud metadata servers are", "write the address of the Vault server"
	case isPlain(u) && !c.InsecureHTTP:
		return "the address starts with http: the token would be sent unencrypted",
			"write https://; on a network that you trust, set insecure_http: true"
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1"):
		return "the address ends with /v1", "write it without /v1, which pipe adds"
	}
	return "", ""
}

// isPlain reports whether requests to an address leave this machine unencrypted.
func isPlain(u *url.URL) bool { return u.Scheme == "http" && !auth.IsLoopback(u.Hostname()) }

// Caution warns of a token that is sent unencrypted.
func (c Config) Caution(report func(field, code, message, hint string)) {
	if u, err := url.Parse(c.URL); err == nil && isPlain(u) && c.InsecureHTTP {
		report("url", codeSecret, "insecure_http is true: the token and the secrets are sent unencrypted",
			"write https:// where the server has it")
	}
}
