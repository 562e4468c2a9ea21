package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

// maxAnswer is more than the largest secret, which has 64 KiB before it is escaped.
const maxAnswer = 1 << 20

// service is one of the two that hold secrets.
type service struct {
	key      string // the beginning of a key, and of the host name
	title    string
	variable string // the address of an endpoint of one's own, as of the SDKs
	target   string
	action   string // what a policy allows
	request  func(name string) any
	missing  []string
	missed   string // the remedy of a secret that is missing
}

var services = []*service{
	{
		key: "ssm", title: "Parameter Store", variable: "AWS_ENDPOINT_URL_SSM",
		target: "AmazonSSM.GetParameter", action: "ssm:GetParameter",
		request: func(name string) any { return map[string]any{"Name": name, "WithDecryption": true} },
		missing: []string{"ParameterNotFound", "ParameterVersionNotFound"},
		missed:  "check the name, which begins with / when it has a path, the region and the account",
	},
	{
		key: "secretsmanager", title: "Secrets Manager", variable: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
		target: "secretsmanager.GetSecretValue", action: "secretsmanager:GetSecretValue",
		request: func(name string) any { return map[string]any{"SecretId": name} },
		missing: []string{"ResourceNotFoundException"},
		missed:  "check the name, the region and the account",
	},
}

// Provider reads secrets of one account and region. It is safe for concurrent use.
type Provider struct {
	cfg Config
	s   connection.Settings

	mu   sync.Mutex
	open map[*service]*connection.Connection
}

// New returns the provider of a config. Of s it uses UserAgent, Redactor, Retry and Log. It
// makes no request.
func New(c Config, s connection.Settings) (*Provider, error) {
	var problem error
	c.Validate(func(field, _, message, hint string) {
		problem = fault.Errorf(fault.Fatal, hint, "%s: %s", field, message)
	})
	return &Provider{cfg: c, s: s, open: map[*service]*connection.Connection{}}, problem
}

// Close closes idle connections.
func (p *Provider) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		c.Close()
	}
}

// Get returns the secret of a key: ssm:NAME or secretsmanager:NAME, with #FIELD behind it for
// a member of a JSON object. One line break at the end is removed. Its errors carry nothing
// of a secret.
func (p *Provider) Get(ctx context.Context, key string) (string, error) {
	s, name, field, err := parse(key)
	if err != nil {
		return "", err
	}
	c, err := p.connection(ctx, s)
	if err != nil {
		return "", err
	}
	body, err := codec.Marshal(s.request(name))
	if err != nil {
		return "", err
	}
	var answer struct {
		Parameter struct{ Value string }
		// SecretString is absent when the secret has bytes.
		SecretString string
		SecretBinary *string
	}
	_, err = c.Do(ctx, connection.Request{Method: http.MethodPost, Path: "/", Body: body, Idempotent: true,
		Want: connection.Any, Secret: true, Reason: errorCode,
		Throttled: func(e *connection.StatusError) bool { return auth.AWSThrottles(e.Body) },
		MaxBytes:  maxAnswer, Parse: func(body []byte) error {
			if codec.Unmarshal(body, &answer) != nil { // its error may quote the secret
				return fault.Errorf(fault.Fatal, "check the proxy, and "+s.variable+" if it is set",
					"the response is not one of %s", s.title)
			}
			return nil
		}})
	if err != nil {
		return "", s.fault(err, name)
	}
	if answer.SecretBinary != nil {
		return "", fault.Errorf(fault.Fatal, "store it as a text", "aws: the secret %q of %s is binary", name, s.title)
	}
	return s.choose(answer.Parameter.Value+answer.SecretString, name, field)
}

// parse splits a key.
func parse(key string) (s *service, name, field string, err error) {
	for _, one := range services {
		if rest, ok := strings.CutPrefix(key, one.key+":"); ok {
			s, name = one, rest
		}
	}
	name, field, named := strings.Cut(name, "#")
	if name == "" || named && field == "" {
		return nil, "", "", fault.Errorf(fault.Fatal,
			"write ssm:/pipe/backstage-token, or secretsmanager:pipe/backstage#token for a member of a JSON object",
			"aws: %q is not the key of a secret", key)
	}
	return s, name, field, nil
}

// connection is that to a service, made when it is first needed.
func (p *Provider) connection(ctx context.Context, s *service) (*connection.Connection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.open[s]; c != nil {
		return c, nil
	}
	where := p.cfg.Region
	if where == "" {
		var err error
		if where, err = auth.AWSRegion(ctx); err != nil {
			return nil, fmt.Errorf("aws: %w", err)
		}
	}
	settings := p.s
	settings.Name, settings.Token, settings.ContentType = "aws", config.Secret{}, "application/x-amz-json-1.1"
	settings.Allow = func(method, path string) bool { return method == http.MethodPost && path == "/" }
	var err error
	if settings.URL, err = s.address(where); err != nil {
		return nil, err
	}
	cfg := connection.Default()
	cfg.Proxy, cfg.TLS = p.cfg.Proxy, p.cfg.TLS
	cfg.Headers = map[string]config.Secret{"X-Amz-Target": config.NewSecret(s.target)}
	cfg.Auth = auth.Layers{{AWSSigV4: &auth.AWSSigV4{Region: where, Service: s.key, AssumeRole: p.cfg.AssumeRole}}}
	c, err := connection.New(cfg, settings)
	if err != nil {
		return nil, err
	}
	p.open[s] = c
	return c, nil
}

// domains are those of the partitions, by the beginning of their regions.
var domains = []struct{ regions, domain string }{
	{"cn-", "amazonaws.com.cn"},
	{"eusc-", "amazonaws.eu"},
	{"us-iso-", "c2s.ic.gov"},
	{"us-isob-", "sc2s.sgov.gov"},
}

// address is that of the service in a region, or the endpoint that the environment names.
func (s *service) address(where string) (string, error) {
	for _, variable := range []string{s.variable, "AWS_ENDPOINT_URL"} {
		address := os.Getenv(variable)
		if address == "" {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !auth.IsLoopback(u.Hostname())) {
			return "", fault.Errorf(fault.Fatal, "write https:// and a host, or unset it",
				"aws: %s is not an address that a secret may be read from", variable)
		}
		return address, nil
	}
	if !region.MatchString(where) {
		return "", fault.Errorf(fault.Fatal, "check AWS_REGION and the profile",
			"aws: the configured region is not the name of a region")
	}
	domain := "amazonaws.com"
	for _, d := range domains {
		if strings.HasPrefix(where, d.regions) {
			domain = d.domain
		}
	}
	return "https://" + s.key + "." + where + "." + domain, nil
}

// choose returns a text, or a member of the JSON object in it.
func (s *service) choose(text, name, field string) (string, error) {
	object, _ := codec.DecodeStrict([]byte(text))
	isObject := object != nil
	switch {
	case field == "" && isObject:
		return "", fault.Errorf(fault.Fatal, "name its member: "+s.key+":"+name+"#MEMBER",
			"aws: the secret %q of %s is a JSON object", name, s.title)
	case field != "" && !isObject:
		return "", fault.Errorf(fault.Fatal, "leave out #"+field, "aws: the secret %q of %s is not a JSON object", name,
			s.title)
	case field != "":
		value, ok := object[field]
		if !ok {
			return "", fault.Errorf(fault.Fatal, "check the spelling of the member", "aws: the secret %q of %s has no member %q",
				name, s.title, field)
		}
		if text, ok = value.(string); !ok {
			return "", fault.Errorf(fault.Fatal, "store it as a text", "aws: the member %q of the secret %q of %s is not a text",
				field, name, s.title)
		}
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if strings.TrimSpace(text) == "" {
		return "", fault.Errorf(fault.Fatal, "store a value in it", "aws: the secret %q of %s is empty", name, s.title)
	}
	return text, nil
}

// errorType is the kind of an error in an answer, such as ParameterNotFound.
var errorType = regexp.MustCompile(`"__type" ?: ?"(?:[^"]*#)?([A-Za-z]{1,60})"`)

// errorCode returns the kind of an error, all that is quoted of an answer: whatever is between
// pipe and AWS may answer, too.
func errorCode(body []byte) string {
	if found := errorType.FindSubmatch(body); found != nil {
		return string(found[1])
	}
	return ""
}

// fault is what it means that a secret was not read.
func (s *service) fault(err error, name string) error {
	var status *connection.StatusError
	if !errors.As(err, &status) || status.Status >= http.StatusInternalServerError {
		return err
	}
	kind := status.Body
	if kind == "" {
		return err
	}
	class, remedy := fault.Fatal, "check the name"
	switch {
	case slices.Contains(s.missing, kind):
		return fault.Errorf(fault.Fatal, s.missed, "aws: %s has no secret %q", s.title, name)
	case kind == "AccessDeniedException":
		remedy = "allow " + s.action + ", and kms:Decrypt of its key, to the identity that pipe runs as"
	case auth.AWSThrottles(kind):
		class, remedy = fault.Throttled, "run again later, or read fewer secrets"
	case strings.HasPrefix(kind, "ExpiredToken"):
		remedy = "renew the AWS credentials"
	case kind == "UnrecognizedClientException", kind == "InvalidClientTokenId", kind == "IncompleteSignature":
		remedy = "check the access key and its secret"
	case kind == "InvalidSignatureException":
		remedy = "check the access key and its secret, and this machine's clock"
	case kind == "DecryptionFailure", kind == "InvalidKeyId":
		remedy = "allow kms:Decrypt of its key to the identity that pipe runs as"
	case kind == "InvalidRequestException": // of a secret that is scheduled for deletion
		remedy = "check that the secret is not scheduled for deletion"
	}
	return fault.Errorf(class, remedy, "aws: %s refused to read the secret %q: %s", s.title, name, kind)
}
