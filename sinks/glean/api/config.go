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

// Live reads the datasource's config as Glean has it. That there is none is an
// error of its own.
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

// noSuch are the words by which Glean says that it has no such datasource.
var noSuch = regexp.MustCompile(`(?i)^[^<]*(invalid|unknown|no such) data ?source` +
	`|^[^<]*data ?source.*(not found|not exist|unknown)`)

// IsAbsent reports whether an answer is Glean's own word that there is no such
// datasource. A status alone is not: a gateway has it, too, of a moment.
func IsAbsent(err error) bool {
	var s *connection.StatusError
	return errors.As(err, &s) && (s.Status == http.StatusBadRequest || s.Status == http.StatusNotFound) &&
		!strings.HasPrefix(s.Body, "<") && noSuch.MatchString(s.Reason)
}

// NoDatasource says of an error that there is no datasource, where it says so.
func (c *Client) NoDatasource(err error) error {
	if s := StatusOf(err); s == http.StatusBadRequest || s == http.StatusNotFound {
		return &component.SettingError{Path: []string{"datasource", "name"},
			Err: fault.Errorf(fault.Fatal, "make it with `pipe datasource apply FILE`, or mend datasource.name",
				"Glean has no datasource %q, or does not tell about it: %w", c.Datasource, err)}
	}
	return err
}
