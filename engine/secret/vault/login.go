package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

// login returns a new token, and how long it is valid; 0 means without end.
func (p *Provider) login(ctx context.Context) (config.Secret, time.Duration, error) {
	mount, body, err := p.credentials(ctx)
	if err != nil {
		return config.Secret{}, 0, err
	}
	path := p.below("auth", mount, "login")
	conn, err := p.connect(config.Secret{}, func(method, asked string) bool {
		return method == http.MethodPost && asked == path
	})
	if err != nil {
		return config.Secret{}, 0, err
	}
	defer conn.Close()
	var answer struct {
		Auth struct {
			Token string `json:"client_token"`
			Lease int64  `json:"lease_duration"`
		} `json:"auth"`
	}
	_, err = conn.Do(ctx, connection.Request{Method: http.MethodPost, Path: path, Body: body, Secret: true,
		Idempotent: true, MaxBytes: maxAnswer, Parse: func(body []byte) error {
			if err := codec.Unmarshal(body, &answer); err != nil || answer.Auth.Token == "" {
				return fault.Errorf(fault.Fatal, "check url and mount", "the response to the login has no client_token")
			}
			return nil
		}})
	if err != nil {
		return config.Secret{}, 0, p.loginFault(err, mount)
	}
	p.s.Redactor.Add(answer.Auth.Token)
	return config.NewSecret(answer.Auth.Token), time.Duration(max(0, min(answer.Auth.Lease, 1<<30))) * time.Second, nil
}

// credentials are the mount and the body of a login.
func (p *Provider) credentials(ctx context.Context) (mount string, body []byte, err error) {
	fields := map[string]string{}
	switch k, a := p.cfg.Kubernetes, p.cfg.AppRole; {
	case k != nil:
		token, err := serviceAccountToken(k.TokenFile)
		if err != nil {
			return "", nil, err
		}
		mount, fields["role"], fields["jwt"] = k.Mount, k.Role, token
		p.s.Redactor.Add(token)
	case a != nil:
		mount, fields["role_id"] = a.Mount, a.RoleID
		secret, err := a.SecretID.Reload(ctx) // a file of it may have another one by now
		if err != nil {
			return "", nil, fmt.Errorf("vault: app_role: %w", err)
		}
		if secret.IsSet() {
			fields["secret_id"] = secret.Reveal()
			p.s.Redactor.Add(secret.Reveal())
		}
	default:
		return "", nil, errors.New("vault: nothing says how to log in")
	}
	body, err = codec.Marshal(fields)
	return mount, body, err
}

func serviceAccountToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	var where *fs.PathError
	switch {
	case errors.As(err, &where):
		return "", fault.Errorf(fault.Fatal, "run pipe in a pod with a service account, or set kubernetes.token_file",
			"vault: the token of the service account, %s: %w", path, where.Err)
	case err != nil:
		return "", err
	case strings.TrimSpace(string(b)) == "":
		return "", fault.Errorf(fault.Fatal, "check how the token is mounted",
			"vault: the token of the service account, %s, is empty", path)
	}
	return strings.TrimSpace(string(b)), nil
}

// loginFault is what it means that a login failed.
func (p *Provider) loginFault(err error, mount string) error {
	switch {
	case isStatus(err, http.StatusNotFound):
		return fault.Errorf(fault.Fatal, "check the mount of the auth method, and namespace",
			"vault: no auth method is mounted at %s", mount)
	case !isStatus(err, http.StatusBadRequest) && !isStatus(err, http.StatusForbidden):
		return err
	case p.cfg.Kubernetes != nil:
		return fault.Errorf(fault.Fatal, "check that the role exists and is bound to the service account and namespace of "+
			"the pod, and the audience of its token",
			"vault: the login as a Kubernetes service account with the role %q was refused", p.cfg.Kubernetes.Role)
	}
	return fault.Errorf(fault.Fatal, "check role_id and secret_id: a secret_id may have expired or been used up",
		"vault: the login with the AppRole was refused")
}
