package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
)

// CloudflareAccess is a service token of Cloudflare Access. It is sent in addition to the
// credentials of the server behind it.
type CloudflareAccess struct {
	ClientID     string        `yaml:"client_id" required:"true" doc:"The client ID of the service token, which ends with .access."`
	ClientSecret config.Secret `yaml:"client_secret" required:"true" doc:"The client secret of the service token. A ${file:PATH} is read again when it changes."`
}

const (
	cloudflareID     = "Cf-Access-Client-Id"
	cloudflareSecret = "Cf-Access-Client-Secret"
)

var (
	_ scheme           = (*CloudflareAccess)(nil)
	_ config.Validator = (*CloudflareAccess)(nil)
)

// Validate reports a secret with white space around it.
func (c *CloudflareAccess) Validate(report func(field, code, message, hint string)) {
	validateSecret("client_secret", c.ClientSecret, report)
}

func (c *CloudflareAccess) headers() []string { return []string{cloudflareID, cloudflareSecret} }

func (c *CloudflareAccess) authorizer(field string, s Settings) (Authorizer, error) {
	if err := valueFault(c.ClientID); err != nil {
		return nil, err
	}
	check := func(secret config.Secret) error { return valueFault(secret.Reveal()) }
	w, err := newWatched(field+".client_secret", c.ClientSecret, check, s)
	return &cloudflareAccess{w, c.ClientID}, err
}

type cloudflareAccess struct {
	*watched
	id string
}

// Authorize writes the two headers.
func (a *cloudflareAccess) Authorize(ctx context.Context, r *http.Request, _ []byte) (int, error) {
	secret, revision := a.value(ctx)
	r.Header[cloudflareID], r.Header[cloudflareSecret] = []string{a.id}, []string{secret}
	return revision, nil
}

// Renew reads the secret's file again.
func (a *cloudflareAccess) Renew(ctx context.Context, revision int) (bool, error) {
	return a.renew(ctx, revision)
}

// Expires is zero: Cloudflare does not say it in an answer.
func (a *cloudflareAccess) Expires() time.Time { return time.Time{} }
