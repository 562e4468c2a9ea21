package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// AWSSigV4 signs requests with AWS credentials, for an API Gateway, a load balancer or a
// function behind IAM. The credentials are those of AWS's default chain.
type AWSSigV4 struct {
	Region     string      `yaml:"region" doc:"The region of the server. Without it that of AWS_REGION or the profile."`
	Service    string      `yaml:"service" default:"execute-api" doc:"The service that the server belongs to, such as execute-api or lambda."`
	AssumeRole *AssumeRole `yaml:"assume_role" doc:"A role to assume with the credentials, and to sign with."`
}

// AssumeRole is a role of this account or another one.
type AssumeRole struct {
	ARN          string          `yaml:"arn" required:"true" doc:"The role, as arn:aws:iam::123456789012:role/backstage-reader."`
	ExternalID   string          `yaml:"external_id" doc:"The external ID that the role's trust policy asks for. Required for a role of another account."`
	SessionName  string          `yaml:"session_name" default:"pipe" doc:"What the session is called in CloudTrail."`
	Duration     config.Duration `yaml:"duration" default:"1h" min:"15m" max:"12h" doc:"How long the role is assumed for; it is assumed again before."`
	IdentityFile string          `yaml:"web_identity_token_file" doc:"A file with a token of an identity provider that the role trusts, in place of AWS credentials."`
}

var (
	_ scheme           = (*AWSSigV4)(nil)
	_ config.Validator = (*AssumeRole)(nil)
)

var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/[A-Za-z0-9+=,.@_/-]+$`)
	sessionName = regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]{2,64}$`)
	externalID  = regexp.MustCompile(`^[A-Za-z0-9+=,.@:/_-]{2,}$`)
)

// Validate reports what STS does not take.
func (r *AssumeRole) Validate(report func(field, code, message, hint string)) {
	if r.ARN != "" && !roleARN.MatchString(r.ARN) {
		report("arn", codeConnection, "not the ARN of a role", "write it as arn:aws:iam::123456789012:role/NAME")
	}
	if r.SessionName != "" && !sessionName.MatchString(r.SessionName) {
		report("session_name", codeConnection, "not the name of a session", "use 2 to 64 letters, digits and =,.@_-")
	}
	if r.ExternalID != "" && (len(r.ExternalID) > 1224 || !externalID.MatchString(r.ExternalID)) {
		report("external_id", codeConnection, "not an external ID", "use 2 to 1224 letters, digits and =,.@:/_-")
	}
	if r.ExternalID != "" && r.IdentityFile != "" {
		report("external_id", codeConnection, "a role that is assumed with a web identity has no external ID",
			"remove external_id or web_identity_token_file")
	}
}

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

// role is the provider that assumes the role.
func (a *sigV4) role(client *sts.Client, own aws.CredentialsProvider) aws.CredentialsProvider {
	r := a.AssumeRole
	if r.IdentityFile != "" {
		return stscreds.NewWebIdentityRoleProvider(client, r.ARN, stscreds.IdentityTokenFile(r.IdentityFile),
			func(o *stscreds.WebIdentityRoleOptions) {
				o.RoleSessionName, o.Duration = r.SessionName, time.Duration(r.Duration)
			})
	}
	assume := stscreds.NewAssumeRoleProvider(client, r.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Duration = r.SessionName, time.Duration(r.Duration)
		if r.ExternalID != "" {
			o.ExternalID = aws.String(r.ExternalID)
		}
	})
	if r.ExternalID != "" {
		return assume
	}
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		if err := sameAccount(ctx, client, own, r.ARN); err != nil {
			return aws.Credentials{}, err
		}
		return assume.Retrieve(ctx)
	})
}

// sameAccount refuses a role of another account without an external ID: whoever can name a
// role could have it assumed.
func sameAccount(ctx context.Context, client *sts.Client, own aws.CredentialsProvider, arn string) error {
	parts := roleARN.FindStringSubmatch(arn)
	if parts == nil {
		return fault.Errorf(fault.Fatal, "write it as arn:aws:iam::123456789012:role/NAME",
			"aws_sigv4: the ARN is not that of a role")
	}
	creds, err := own.Retrieve(ctx)
	if err != nil {
		return err
	}
	account := creds.AccountID
	if account == "" {
		who, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return err
		}
		account = aws.ToString(who.Account)
	}
	if account != parts[1] {
		return fault.Errorf(fault.Fatal, "set external_id, and require it in the trust policy of the role",
			"aws_sigv4: the role is of the account %s, the credentials are of %s, and external_id is not set", parts[1],
			display.Short(account, 20))
	}
	return nil
}

// fault says what an error of the library means. The texts of the library hold no secret;
// they are shortened.
func (a *sigV4) fault(ctx context.Context, err error) error {
	var known *fault.Error
	var refused smithy.APIError
	var network *net.OpError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &network):
		return fault.Errorf(fault.Transient, "check that this network, or its proxy, reaches AWS",
			"no connection to AWS for "+
				"credentials: %s", display.Short(network.Error(), 200))
	case errors.As(err, &refused):
		return a.refused(refused, err)
	case errors.As(err, &known):
		return &fault.Error{Class: known.Class, Delay: known.Delay, Remedy: known.Remedy,
			Err: fmt.Errorf("no AWS credentials: %w", known.Err)}
	}
	return fault.Errorf(fault.Fatal,
		"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or a web identity, or give "+
			"the machine a role", "no AWS credentials were found: %s", display.Short(innermost(err), 300))
}

func (a *sigV4) refused(refused smithy.APIError, err error) error {
	code, text := refused.ErrorCode(), display.Short(refused.ErrorMessage(), 300)
	class, remedy := fault.Fatal, "check the AWS credentials"
	switch code {
	case "AccessDenied", "AccessDeniedException":
		remedy = "check the trust policy of the role: the principal it names, and that external_id is the one of its " +
			"condition"
	case "ExpiredToken", "ExpiredTokenException":
		remedy = "renew the credentials that the role is assumed with"
	case "InvalidIdentityToken", "IDPRejectedClaim", "IDPCommunicationError":
		remedy = "check web_identity_token_file, and that the role trusts its issuer and audience"
	case "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException":
		remedy = "check the access key and its secret"
	case "RegionDisabledException":
		remedy = "check region"
	case "ValidationError":
		remedy = "check assume_role"
	case "Throttling", "ThrottlingException", "RequestLimitExceeded":
		class, remedy = fault.Throttled, ""
	default:
		if refused.ErrorFault() == smithy.FaultServer {
			class, remedy = fault.Transient, ""
		}
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		if skew := Skew(answer.Response.Header, a.s.Now()); skew != "" {
			text += "; " + skew
			remedy = "set this machine's clock"
		}
		if answer.Response.StatusCode >= 500 {
			class = fault.Transient
		}
	}
	return fault.Errorf(class, remedy, "AWS answered %s: %s", display.Short(code, 60), text)
}

// innermost is the text of the error that others wrap.
func innermost(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
