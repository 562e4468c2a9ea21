package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Live reads the datasource's config from Glean. A missing datasource is an error of its
// own.
func (c *Client) Live(ctx context.Context) (DatasourceConfig, error) {
	var live DatasourceConfig
	err := c.Ask(ctx, PathGetDatasourceConfig, GetDatasourceConfigRequest{Datasource: c.Datasource}, &live)
	if IsAbsent(err) {
		return live, &component.SettingError{Path: []string{"datasource", "name"},
			Err: fault.Errorf(fault.Fatal, "create it with `pipe datasource apply FILE`, or correct datasource.name",
				"Glean has no datasource %q: %w", c.Datasource, err)}
	}
	if err == nil && live.Name == "" { // any JSON object decodes; a config has its name
		return live, fault.Errorf(fault.Permanent, "", "glean: POST %s: %w", c.Conn.Path(PathGetDatasourceConfig), ErrShape)
	}
	return live, err
}

// Raw is a datasource's config as Glean has it, with the members that this
// program does not know; nil when there is none.
func (c *Client) Raw(ctx context.Context, name string) (live map[string]any, err error) {
	err = c.Ask(ctx, PathGetDatasourceConfig, GetDatasourceConfigRequest{Datasource: name}, &live)
	if IsAbsent(err) {
		return nil, nil
	}
	return live, err
}

// invalidDatasource and its code are Glean's documented answer for a datasource that
// is not there: https://developers.glean.com/errors/invalid-datasource.
const invalidDatasource = "Invalid datasource"

var invalidDatasourceCode = regexp.MustCompile(`"code"\s*:\s*"invalid_datasource"`)

// IsAbsent reports whether an answer is the documented one for a missing datasource. A
// status alone is not enough: a gateway may return it temporarily.
func IsAbsent(err error) bool {
	var s *connection.StatusError
	if !errors.As(err, &s) || s.Status != http.StatusBadRequest && s.Status != http.StatusNotFound {
		return false
	}
	return strings.EqualFold(s.Reason, invalidDatasource) || invalidDatasourceCode.MatchString(s.Body)
}

// NoDatasource wraps an answer of 400 or 404 in an error about the datasource's name. Other
// errors are returned unchanged.
func (c *Client) NoDatasource(err error) error {
	if s := StatusOf(err); s == http.StatusBadRequest || s == http.StatusNotFound {
		return &component.SettingError{Path: []string{"datasource", "name"},
			Err: fault.Errorf(fault.Fatal, "create it with `pipe datasource apply FILE`, or correct datasource.name",
				"Glean has no datasource %q or does not report on it: %w", c.Datasource, err)}
	}
	return err
}
