package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// GoogleIAP is an ID token for an application behind Google's Identity-Aware Proxy, of a
// service account's key or of the metadata server of the machine.
type GoogleIAP struct {
	Audience        string        `yaml:"audience" required:"true" doc:"The client ID of the proxy, which ends with .apps.googleusercontent.com."`
	CredentialsFile string        `yaml:"credentials_file" path:"true" doc:"The JSON key of a service account. Without it the token is that of the machine: Compute Engine, GKE with workload identity, Cloud Run."`
	Credentials     config.Secret `yaml:"credentials" doc:"The same key as a secret, in place of a file."`
	Header          string        `yaml:"header" default:"auto" enum:"auto|Authorization|Proxy-Authorization" doc:"The header that carries the token. auto is Authorization, or Proxy-Authorization when another layer writes Authorization."`
}

var (
	_ scheme           = (*GoogleIAP)(nil)
	_ config.Validator = (*GoogleIAP)(nil)
)

// Validate reports two keys.
func (g *GoogleIAP) Validate(report func(field, code, message, hint string)) {
	if g.CredentialsFile != "" && g.Credentials.IsSet() {
		report("credentials credentials_file", codeConnection, "credentials and credentials_file are the same key twice",
			"keep one of the two")
	}
}

func (g *GoogleIAP) headers() []string {
	if g.Header == "auto" || g.Header == "" {
		return []string{authorization}
	}
	return []string{g.Header}
}

func (g *GoogleIAP) authorizer(field string, s Settings) (Authorizer, error) {
	key, err := newWatched(field+".credentials", g.Credentials, nil, s)
	if err != nil {
		return nil, err
	}
	i := &identity{GoogleIAP: g, key: key, s: s}
	return &bearerToken{newCached(s.Now, i.token), g.headers()[0]}, nil
}

// identity obtains ID tokens.
type identity struct {
	*GoogleIAP
	key *watched
	s   Settings
}

// serviceAccount is the part of a key that is used.
type serviceAccount struct {
	Type     string `json:"type"`
	Email    string `json:"client_email"`
	Key      string `json:"private_key"`
	KeyID    string `json:"private_key_id"`
	TokenURI string `json:"token_uri"`
}

const googleTokenURI = "https://oauth2.googleapis.com/token"

func (i *identity) token(ctx context.Context) (credential, error) {
	text, err := i.account(ctx)
	if err != nil {
		return credential{}, err
	}
	var token string
	if text == "" {
		token, err = i.ofMachine(ctx)
	} else {
		token, err = i.ofAccount(ctx, text)
	}
	if err != nil {
		return credential{}, err
	}
	i.s.Redactor.Add(token)
	now := i.s.Now()
	return credential{text: token, obtained: now, expires: expiryOf(token, now)}, valueFault(token)
}

// account is the text of the service account's key, "" for the metadata server.
func (i *identity) account(ctx context.Context) (string, error) {
	if i.CredentialsFile == "" {
		text, _ := i.key.value(ctx)
		return text, nil
	}
	b, err := os.ReadFile(i.CredentialsFile)
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("%s is empty", i.CredentialsFile)
	}
	if err != nil {
		return "", fault.Errorf(fault.Fatal, "check that the file is mounted here and readable", "credentials_file: %w", err)
	}
	return string(b), nil
}

// ofAccount exchanges an assertion of the service account for an ID token.
func (i *identity) ofAccount(ctx context.Context, text string) (string, error) {
	const remedy = "create a key of the type JSON for the service account, or leave the key out on a machine of Google's"
	var a serviceAccount
	if err := codec.Unmarshal([]byte(text), &a); err != nil || a.Type != "service_account" || a.Email == "" {
		return "", fault.Errorf(fault.Fatal, remedy, "google_iap: the credentials are not the JSON key of a service account")
	}
	i.s.Redactor.Add(a.Key)
	key, err := parseKey(a.Key, a.KeyID)
	if err != nil {
		return "", fault.Errorf(fault.Fatal, remedy, "google_iap: the private_key of the credentials: %w", err)
	}
	endpoint := cmp.Or(a.TokenURI, googleTokenURI)
	if message, hint := endpointProblem(endpoint); message != "" {
		return "", fault.Errorf(fault.Fatal, hint, "google_iap: the token_uri of the credentials: %s", message)
	}
	now := i.s.Now()
	assertion, err := key.token(claims{"iss": a.Email, "sub": a.Email, "aud": endpoint, "target_audience": i.Audience,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()})
	if err != nil {
		return "", err
	}
	i.s.Redactor.Add(assertion)
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, err := i.fetch(ctx, r, i.s.Fetch, now, "check that the service account exists, its key is not deleted, and "+
		"audience is the client ID of the proxy")
	if err != nil {
		return "", err
	}
	var answer struct {
		IDToken string `json:"id_token"`
	}
	if err := codec.Unmarshal(body, &answer); err != nil || answer.IDToken == "" {
		return "",
			fault.Errorf(fault.Fatal, "check the token_uri of the credentials", "google_iap: %s gives no id_token", r.Host)
	}
	return answer.IDToken, nil
}

// metadataHost is the metadata server; the variable is that of Google's own libraries.
func metadataHost() string { return cmp.Or(os.Getenv("GCE_METADATA_HOST"), "metadata.google.internal") }

// ofMachine asks the metadata server for the token of the machine's service account.
func (i *identity) ofMachine(ctx context.Context) (string, error) {
	address := "http://" + metadataHost() + "/computeMetadata/v1/instance/service-accounts/default/identity?" +
		url.Values{"audience": {i.Audience}, "format": {"full"}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Metadata-Flavor", "Google")
	const remedy = "outside of Google Cloud set credentials_file; inside, give the machine a service account"
	body, err := i.fetch(ctx, r, i.s.Cloud, i.s.Now(), remedy)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(body))
	if strings.Count(token, ".") != 2 {
		return "", fault.Errorf(fault.Fatal, remedy, "google_iap: %s gives no ID token", r.Host)
	}
	return token, nil
}

// fetch makes a request and returns the body of a 200.
func (i *identity) fetch(ctx context.Context, r *http.Request, by http.RoundTripper, now time.Time,
	remedy string) ([]byte,
	error) {
	resp, err := by.RoundTrip(r)
	if err != nil {
		err = ended(ctx, err)
		var known *fault.Error
		if errors.As(err, &known) {
			err = &fault.Error{Class: known.Class, Delay: known.Delay, Remedy: remedy,
				Err: fmt.Errorf("google_iap: %w", known.Err)}
		}
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMetadata))
	if err != nil {
		return nil, ended(ctx, fault.Errorf(fault.Transient, "", "google_iap: the answer of %s ended early", r.Host))
	}
	if resp.StatusCode == http.StatusOK {
		return body, nil
	}
	f := &fault.Error{Class: fault.Fatal, Remedy: remedy}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		f.Class = fault.Transient
		if f.Delay = retryAfter(resp.Header); f.Delay > 0 {
			f.Class = fault.Throttled
		}
	}
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = codec.Unmarshal(body, &answer)
	why := strings.TrimSpace(display.Short(answer.Error, 60) + " " + display.Short(answer.Description, 200))
	if skew := Skew(resp.Header, now); skew != "" {
		why = strings.TrimPrefix(why+"; "+skew, "; ")
	}
	f.Err = errors.New(strings.TrimSpace(fmt.Sprintf("google_iap: %s answered %d %s", r.Host, resp.StatusCode, why)))
	return nil, f
}

// expiryOf is the claim exp of a token; an hour, which is Google's, where it cannot be read.
func expiryOf(token string, now time.Time) time.Time {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if b, err := decode64(parts[1]); err == nil {
			var c struct {
				Exp float64 `json:"exp"`
			}
			if err := codec.Unmarshal(b, &c); err == nil && c.Exp > 0 && c.Exp < maxEpoch {
				return time.Unix(int64(c.Exp), 0)
			}
		}
	}
	return now.Add(time.Hour)
}

// maxEpoch is the year 10000.
const maxEpoch = 253402300800
