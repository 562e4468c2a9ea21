package operate

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// overlap is how long the old secret of a token works after a rotation.
const overlap = 10 * time.Minute

// TokenPlace returns where the token is read from: a file, or a secret of a provider.
func (k *Operator) TokenPlace() (component.TokenPlace, error) {
	place := component.TokenPlace{File: k.Config.Token.File(), Secret: k.Config.Token.Stored()}
	if place == (component.TokenPlace{}) {
		return place, &component.SettingError{Path: []string{"token"},
			Err: fault.Errorf(fault.Fatal, "write token: ${file:PATH} or ${secret:NAME}, and nothing else",
				"the token is not read from a file or the secret store, so a new secret could not be stored")}
	}
	return place, nil
}

// rotateRequests are the requests of Rotate.
func rotateRequests(string) []string { return []string{api.PathRotateToken} }

// Rotate requests a new secret, once, with the secret that the token's place has now.
func (k *Operator) Rotate(ctx context.Context) (*component.Rotated, error) {
	k = k.only(rotateRequests(k.Config.Datasource.Name))
	if err := k.Client.Ready(); err != nil {
		return nil, err
	}
	if err := k.Client.Conn.Renew(ctx); err != nil {
		return nil, err
	}
	resp, err := k.Client.Conn.Do(ctx, connection.Request{Method: http.MethodPost, Path: api.PathRotateToken,
		NoRetry: true, Secret: true})
	var r api.RotateTokenResponse
	if err == nil {
		if err = codec.Unmarshal(resp.Body, &r); err == nil && r.RawSecret == "" {
			err = errors.New("the response has no secret")
		}
		if err != nil { // which may quote it
			return nil, fault.Errorf(fault.Permanent, rotateAgain, "glean: POST %s: the response has no readable "+
				"secret; Glean may have rotated the token", k.Client.Conn.Path(api.PathRotateToken))
		}
	}
	switch s := api.StatusOf(err); {
	case err == nil:
	case s == http.StatusBadRequest:
		return nil, fault.Errorf(fault.Permanent, "create a token with a rotation period in Glean's admin "+
			"console; other tokens are replaced there", "Glean does not rotate this token: %w", err)
	case s == 0 || s >= http.StatusInternalServerError:
		return nil, fault.Errorf(fault.Permanent, rotateAgain, "whether Glean rotated the token is unknown: %w", err)
	default:
		return nil, err
	}
	k.Client.Redactor.Add(r.RawSecret)
	out := &component.Rotated{Secret: config.NewSecret(r.RawSecret), OldUntil: k.Clock.Now().Add(overlap)}
	if r.RotationPeriodMinutes > 0 && r.CreatedAt > 0 {
		out.Before = time.Unix(r.CreatedAt, 0).Add(time.Duration(r.RotationPeriodMinutes) * time.Minute)
	}
	return out, nil
}

const rotateAgain = "run it again within ten minutes; until then the old secret works even if it was rotated"
