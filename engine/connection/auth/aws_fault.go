package auth

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

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
	default:
		switch {
		case AWSThrottles(code):
			class, remedy = fault.Throttled, ""
		case refused.ErrorFault() == smithy.FaultServer:
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

// AWSThrottles reports whether an error code of AWS means that there were too many requests.
func AWSThrottles(code string) bool {
	_, throttles := retry.DefaultThrottleErrorCodes[code]
	return throttles
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
