package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pipe-engine/pipe/engine/fault"
)

// AWSSigV4 signs requests with AWS credentials, for an API Gateway, a load balancer or a
// function behind IAM. The credentials are those of AWS's default chain.
type AWSSigV4 struct {
	Region     string      `yaml:"region" doc:"The region of the server. Without it that of AWS_REGION or the profile."`
	Service    string      `yaml:"service" default:"execute-api" doc:"The service that the server belongs to, such as execute-api or lambda."`
	AssumeRole *AssumeRole `yaml:"assume_role" doc:"A role to assume with the credentials, and to sign with."`
}

var _ scheme = (*AWSSigV4)(nil)

const (
	amzDate  = "X-Amz-Date"
	amzToken = "X-Amz-Security-Token"
)

func (a *AWSSigV4) headers() []string { return []string{authorization, amzDate, amzToken} }

func (a *AWSSigV4) authorizer(_ string, s Settings) (Authorizer, error) {
	return &sigV4{AWSSigV4: a, s: s}, nil
}

// sigV4 signs requests. The credentials are looked for when the first one is signed.
type sigV4 struct {
	*AWSSigV4
	s Settings

	mu       sync.Mutex
	region   string
	chain    *aws.CredentialsCache
	current  aws.Credentials
	revision int
}

func (a *sigV4) signs() {}

// Authorize signs method, address, host, type, body and the X-Amz- headers of the request,
// which AWS requires. Headers that an edge may change are not part of the signature.
func (a *sigV4) Authorize(ctx context.Context, r *http.Request, body []byte) (int, error) {
	creds, region, revision, err := a.retrieve(ctx)
	if err != nil {
		return 0, err
	}
	signed := r.Clone(ctx)
	signed.Header = http.Header{}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		signed.Header.Set("Content-Type", kind)
	}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") {
			signed.Header[name] = values
		}
	}
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, creds, signed, hex.EncodeToString(sum[:]), a.Service, region, a.s.Now())
	if err != nil {
		return 0, fmt.Errorf("aws_sigv4: %w", err)
	}
	for _, name := range a.headers() {
		if value := signed.Header.Get(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	return revision, nil
}

// Renew looks for other credentials.
func (a *sigV4) Renew(ctx context.Context, revision int) (bool, error) {
	a.mu.Lock()
	chain, now := a.chain, a.revision
	a.mu.Unlock()
	if revision >= 0 && now != revision {
		return true, nil
	}
	if chain != nil {
		chain.Invalidate()
	}
	_, _, later, err := a.retrieve(ctx)
	return err == nil && later != now, err
}

// Expires is when the session of a role ends, zero for keys that do not expire.
func (a *sigV4) Expires() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.current.CanExpire {
		return time.Time{}
	}
	return a.current.Expires
}

// retrieve is the credentials, with the region and their revision.
func (a *sigV4) retrieve(ctx context.Context) (aws.Credentials, string, int, error) {
	chain, region, err := a.open(ctx)
	if err != nil {
		return aws.Credentials{}, "", 0, a.fault(ctx, err)
	}
	creds, err := chain.Retrieve(ctx)
	if err != nil {
		return creds, "", 0, a.fault(ctx, err)
	}
	a.s.Redactor.Add(creds.SecretAccessKey, creds.SessionToken)
	a.mu.Lock()
	defer a.mu.Unlock()
	if creds.AccessKeyID != a.current.AccessKeyID || creds.SessionToken != a.current.SessionToken {
		a.current = creds
		a.revision++
	}
	return creds, region, a.revision, nil
}

// open finds the chain of credentials and the region once.
func (a *sigV4) open(ctx context.Context) (*aws.CredentialsCache, string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.chain != nil {
		return a.chain, a.region, nil
	}
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithHTTPClient(a.client()),
		awsconfig.WithRetryMaxAttempts(1)} // the connection retries
	if a.Region != "" {
		options = append(options, awsconfig.WithRegion(a.Region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, "", err
	}
	if cfg.Region == "" {
		return nil, "", errNoRegion()
	}
	provider := cfg.Credentials
	if a.AssumeRole != nil {
		provider = a.role(sts.NewFromConfig(cfg), cfg.Credentials)
	}
	a.region = cfg.Region
	a.chain = aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewAhead })
	return a.chain, a.region, nil
}

func errNoRegion() error {
	return fault.Errorf(fault.Fatal, "set region, or AWS_REGION", "aws_sigv4: the region is not known")
}

// AWSRegion returns the region of AWS_REGION or the profile, for an address that depends on
// it. It makes no request.
func AWSRegion(ctx context.Context) (string, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err == nil && cfg.Region == "" {
		err = errNoRegion()
	}
	return cfg.Region, err
}

// client is an HTTP client of the library's own type, to which it adds AWS_CA_BUNDLE, with
// the proxy and the authorities of the connection.
func (a *sigV4) client() *awshttp.BuildableClient {
	client := awshttp.NewBuildableClient()
	own := a.s.CloudTransport
	if own == nil {
		return client
	}
	return client.WithTransportOptions(func(t *http.Transport) {
		t.DialContext, t.Proxy, t.OnProxyConnectResponse = own.DialContext, own.Proxy, own.OnProxyConnectResponse
		t.IdleConnTimeout = own.IdleConnTimeout
		if own.TLSClientConfig != nil {
			t.TLSClientConfig = own.TLSClientConfig.Clone()
			if roots := own.TLSClientConfig.RootCAs; roots != nil {
				t.TLSClientConfig.RootCAs = roots.Clone()
			}
		}
	})
}
