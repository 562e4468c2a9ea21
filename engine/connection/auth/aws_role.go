package auth

import (
	"context"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// AssumeRole is a role of this account or another one.
type AssumeRole struct {
	ARN          string          `yaml:"arn" required:"true" doc:"The role, as arn:aws:iam::123456789012:role/backstage-reader."`
	ExternalID   string          `yaml:"external_id" doc:"The external ID that the role's trust policy asks for. Required for a role of another account."`
	SessionName  string          `yaml:"session_name" default:"pipe" doc:"What the session is called in CloudTrail."`
	Duration     config.Duration `yaml:"duration" default:"1h" min:"15m" max:"12h" doc:"How long the role is assumed for; it is assumed again before."`
	IdentityFile string          `yaml:"web_identity_token_file" path:"true" doc:"A file with a token of an identity provider that the role trusts, in place of AWS credentials."`
}

var _ config.Validator = (*AssumeRole)(nil)

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
