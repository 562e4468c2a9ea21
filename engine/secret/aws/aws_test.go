package aws

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary is in every secret; no error may contain it.
const canary = "canary-93ac41"

func open(t *testing.T, c Config) *Provider {
	t.Helper()
	c.TLS.Verify = true
	p, err := New(c, connection.Settings{Retry: fault.Retry{Base: time.Millisecond, Cap: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func decode(text string, c *Config) error {
	doc, problems := config.Parse("p.yaml", []byte(text))
	problems = append(problems, config.Decode(doc.Root(), c, &config.Variables{})...)
	if problems.HasErrors() {
		return problems
	}
	return nil
}

func TestRead(t *testing.T) {
	s := newServer(t)
	p := open(t, Config{Region: "eu-west-1"})
	for _, key := range []string{"ssm:/pipe/backstage", "ssm:line", "ssm:/pipe/json#token",
		"secretsmanager:pipe/backstage", "secretsmanager:pipe/json#token"} {
		if got, err := p.Get(t.Context(), key); err != nil || got != canary {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
	s.down = 2
	if got, err := p.Get(t.Context(), "ssm:line"); err != nil || got != canary || s.down != 0 {
		t.Errorf("a server that fails twice: %q, %v", got, err)
	}
	slices.Sort(s.targets)
	if got := slices.Compact(s.targets); !slices.Equal(got,
		[]string{"AmazonSSM.GetParameter", "secretsmanager.GetSecretValue"}) {
		t.Errorf("targets %v", got)
	}
}

// The region is that of the environment, or of the profile, when the file has none.
func TestRegion(t *testing.T) {
	newServer(t)
	t.Setenv("AWS_REGION", "eu-west-1")
	if _, err := open(t, Config{}).Get(t.Context(), "ssm:line"); err != nil {
		t.Error(err)
	}
	t.Setenv("AWS_REGION", "")
	profile := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(profile, []byte("[default]\nregion = eu-west-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", profile)
	if _, err := open(t, Config{}).Get(t.Context(), "ssm:line"); err != nil {
		t.Error(err)
	}
}

// No error quotes a secret, and each says what to do.
func TestFailures(t *testing.T) {
	for name, one := range map[string]struct {
		key, want, remedy string
		prepare           func(*testing.T, *server)
		class             fault.Class
	}{
		"no service":       {key: "/pipe/backstage", want: `"/pipe/backstage" is not the key`, remedy: "write ssm:"},
		"no name":          {key: "ssm:", want: "is not the key of a secret", remedy: "write ssm:"},
		"no member named":  {key: "ssm:line#", want: "is not the key of a secret", remedy: "write ssm:"},
		"absent parameter": {key: "ssm:none", want: `Parameter Store has no secret "none"`, remedy: "begins with /"},
		"absent secret": {key: "secretsmanager:none", want: `Secrets Manager has no secret "none"`,
			remedy: "check the name, the region and the account"},
		"empty":  {key: "ssm:empty", want: `the secret "empty" of Parameter Store is empty`, remedy: "store a value"},
		"blank":  {key: "ssm:blank", want: `the secret "blank" of Parameter Store is empty`, remedy: "store a value"},
		"binary": {key: "secretsmanager:pipe/binary", want: `of Secrets Manager is binary`, remedy: "store it as a text"},
		"an object": {key: "secretsmanager:pipe/json", want: `of Secrets Manager is a JSON object`,
			remedy: "secretsmanager:pipe/json#MEMBER"},
		"no object":    {key: "ssm:line#token", want: `is not a JSON object`, remedy: "leave out #token"},
		"no member":    {key: "ssm:/pipe/json#x", want: `has no member "x"`, remedy: "check the spelling"},
		"a number":     {key: "ssm:/pipe/json#n", want: `is not a text`, remedy: "store it as a text"},
		"empty member": {key: "ssm:/pipe/json#none", want: `is empty`, remedy: "store a value"},
		"denied": {key: "ssm:line", prepare: func(_ *testing.T, s *server) {
			s.fails, s.message = "AccessDeniedException", "a proxy answered with canary"
		}, want: "AccessDeniedException", remedy: "allow ssm:GetParameter"},
		"denied without a message": {key: "secretsmanager:x", prepare: func(_ *testing.T, s *server) {
			s.fails = "com.amazonaws.secretsmanager#AccessDeniedException"
		}, want: `refused to read the secret "x": AccessDeniedException`, remedy: "allow secretsmanager:GetSecretValue"},
		"throttled": {key: "ssm:line", prepare: func(_ *testing.T, s *server) { s.fails = "ThrottlingException" },
			want: "ThrottlingException", remedy: "run again", class: fault.Throttled},
		"expired": {key: "ssm:line", prepare: func(_ *testing.T, s *server) { s.fails = "ExpiredTokenException" },
			want: "ExpiredTokenException", remedy: "renew"},
		"scheduled for deletion": {key: "secretsmanager:x", prepare: func(_ *testing.T, s *server) {
			s.fails = "InvalidRequestException"
		}, want: "InvalidRequestException", remedy: "scheduled for deletion"},
		"no permission for the key": {key: "secretsmanager:x", prepare: func(_ *testing.T, s *server) {
			s.fails = "DecryptionFailure"
		}, want: "DecryptionFailure", remedy: "kms:Decrypt"},
		"unknown key": {key: "ssm:line", prepare: func(_ *testing.T, s *server) { s.fails = "UnrecognizedClientException" },
			want: "UnrecognizedClientException", remedy: "check the access key and its secret"},
		"malformed name": {key: "ssm:a b", prepare: func(_ *testing.T, s *server) { s.fails = "ValidationException" },
			want: `refused to read the secret "a b": ValidationException`, remedy: "check the name"},
		"wrong key": {key: "ssm:line", prepare: func(t *testing.T, _ *server) { t.Setenv("AWS_SECRET_ACCESS_KEY", "canary") },
			want: "InvalidSignatureException", remedy: "this machine's clock"},
		"no credentials": {key: "ssm:line", prepare: func(t *testing.T, _ *server) { t.Setenv("AWS_ACCESS_KEY_ID", "") },
			want: "no AWS credentials were found", remedy: "AWS_PROFILE"},
		"another API": {key: "ssm:line", prepare: func(_ *testing.T, s *server) { s.raw = `["` + canary + `"]` },
			want: "the response is not one of Parameter Store", remedy: "AWS_ENDPOINT_URL_SSM"},
		"an empty object": {key: "ssm:line", prepare: func(_ *testing.T, s *server) { s.raw = `{}` },
			want: `the secret "line" of Parameter Store is empty`, remedy: "store a value"},
		"a broken object": {key: "ssm:line", prepare: func(_ *testing.T, s *server) {
			s.raw = `{"Parameter":{"Value":"` + canary
		}, want: "the response is not one of Parameter Store", remedy: "check the proxy"},
		"down": {key: "ssm:line", prepare: func(_ *testing.T, s *server) { s.down = 99 }, want: "500 Internal Server Error",
			class: fault.Transient},
		"an endpoint without TLS": {key: "ssm:line", prepare: func(t *testing.T, _ *server) {
			t.Setenv("AWS_ENDPOINT_URL_SSM", "http://ssm.example.com")
		}, want: "AWS_ENDPOINT_URL_SSM is not an address", remedy: "write https://"},
		"an endpoint without a host": {key: "ssm:line", prepare: func(t *testing.T, _ *server) {
			t.Setenv("AWS_ENDPOINT_URL_SSM", "")
			t.Setenv("AWS_ENDPOINT_URL", "https:///x")
		}, want: "AWS_ENDPOINT_URL is not an address", remedy: "write https://"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			if one.prepare != nil {
				one.prepare(t, s)
			}
			if one.class == 0 {
				one.class = fault.Fatal
			}
			got, err := open(t, Config{Region: "eu-west-1"}).Get(t.Context(), one.key)
			if err == nil || got != "" || !strings.Contains(err.Error(), one.want) || fault.ClassOf(err) != one.class ||
				!strings.Contains(fault.RemedyOf(err), one.remedy) {
				t.Errorf("%q, %v (%v; %s)", got, err, fault.ClassOf(err), fault.RemedyOf(err))
			}
			if err != nil && strings.Contains(err.Error()+fault.RemedyOf(err), "canary") {
				t.Errorf("the error quotes a secret: %v", err)
			}
		})
	}
}

// A read that is throttled is made again, at most as often as the connection allows.
func TestThrottled(t *testing.T) {
	for _, key := range []string{"ssm:/pipe/backstage", "secretsmanager:pipe/backstage"} {
		for throttles, fine := range map[int]bool{1: true, 5: true, 6: false} {
			s := newServer(t)
			s.throttles = throttles
			got, err := open(t, Config{Region: "eu-west-1"}).Get(t.Context(), key)
			if fine != (err == nil && got == canary) || fine && len(s.targets) != throttles+1 || !fine && len(s.targets) != 6 {
				t.Errorf("%s, throttled %d times: %v, %d requests", key, throttles, err, len(s.targets))
			}
			if err != nil && fault.ClassOf(err) != fault.Throttled {
				t.Errorf("%v", fault.ClassOf(err))
			}
		}
	}
	for code, want := range map[string]bool{"ThrottlingException": true, "RequestLimitExceeded": true,
		"AccessDeniedException": false, "": false} {
		if auth.AWSThrottles(code) != want {
			t.Errorf("%q: %v", code, !want)
		}
	}
}

// A role is assumed for the requests.
func TestRole(t *testing.T) {
	s := newServer(t)
	var asked string
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r.PostForm.Get("RoleArn") + " " + r.PostForm.Get("ExternalId")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w,
			"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
	}))
	defer sts.Close()
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	p := open(t, Config{Region: "eu-west-1", AssumeRole: &auth.AssumeRole{ARN: "arn:aws:iam::222222222222:role/reader",
		ExternalID: "acme-42", SessionName: "pipe", Duration: config.Duration(time.Hour)}})
	_, err := p.Get(t.Context(), "ssm:line")
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") || len(s.targets) != 0 ||
		asked != "arn:aws:iam::222222222222:role/reader acme-42" {
		t.Errorf("%v, asked for %q, read %v", err, asked, s.targets)
	}
}

func TestAddress(t *testing.T) {
	newServer(t)
	t.Setenv("AWS_ENDPOINT_URL_SSM", "")
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "")
	for region, want := range map[string]string{
		"eu-west-1": "https://ssm.eu-west-1.amazonaws.com", "cn-north-1": "https://ssm.cn-north-1.amazonaws.com.cn",
		"us-gov-west-1": "https://ssm.us-gov-west-1.amazonaws.com", "us-iso-east-1": "https://ssm.us-iso-east-1.c2s.ic.gov",
		"us-isob-east-1": "https://ssm.us-isob-east-1.sc2s.sgov.gov",
		"eusc-de-east-1": "https://ssm.eusc-de-east-1.amazonaws.eu",
	} {
		if got, err := services[0].address(region); got != want || err != nil {
			t.Errorf("%s: %s, %v", region, got, err)
		}
	}
	if got, _ := services[1].address("eu-west-1"); got != "https://secretsmanager.eu-west-1.amazonaws.com" {
		t.Error(got)
	}
	for _, endpoint := range []string{"https://vpce-1.ssm.eu-west-1.vpce.amazonaws.com", "http://localhost:4566",
		"http://[::1]:4566"} {
		t.Setenv("AWS_ENDPOINT_URL", endpoint)
		if got, err := services[0].address("eu-west-1"); got != endpoint || err != nil {
			t.Errorf("%s: %s, %v", endpoint, got, err)
		}
	}
	for _, wrong := range []string{"http://ssm.example.com", "http://10.1.2.3", "ftp://127.0.0.1", "http://127.0.0.1:x"} {
		t.Setenv("AWS_ENDPOINT_URL", wrong)
		if got, err := services[0].address("eu-west-1"); err == nil {
			t.Errorf("%s: %s", wrong, got)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "")
	for _, wrong := range []string{"", "eu.evil.example/", "evil.example#-1", "eu-west-1.evil", "EU-WEST-1"} {
		if got, err := services[0].address(wrong); err == nil {
			t.Errorf("%q: %s", wrong, got)
		}
	}
}

// Nothing but POST / is sent (invariant 8).
func TestRequests(t *testing.T) {
	s := newServer(t)
	p := open(t, Config{Region: "eu-west-1"})
	c, err := p.connection(t.Context(), services[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []connection.Request{{Method: http.MethodGet, Path: "/"}, {Method: http.MethodPost, Path: "/x"}} {
		if _, err := c.Do(t.Context(), r); err == nil || len(s.targets) != 0 {
			t.Errorf("%s %s: %v", r.Method, r.Path, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for text, want := range map[string]string{
		"region: eu-west-1": "", "{}": "", "region: evil.example/": "not the name of a region",
		"assume_role: {arn: x}": "not the ARN of a role", "url: http://169.254.169.254": "unknown key",
		"headers: {X-A: b}": "unknown key",
	} {
		var c Config
		err := decode(text, &c)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if err == nil && !c.TLS.Verify {
			t.Errorf("%s: certificates are not verified", text)
		}
	}
	if _, err := New(Config{Region: "x y"}, connection.Settings{}); err == nil {
		t.Error("New accepts a region that is none")
	}
}
