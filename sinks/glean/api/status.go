package api

import (
	"context"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Status reads the datasource's status.
func (c *Client) Status(ctx context.Context) (DatasourceStatus, error) {
	var s DatasourceStatus
	path := PathDebugStatus(c.Datasource)
	body, err := c.answer(ctx, path, nil)
	if err != nil {
		return s, err
	}
	if err := Acknowledged(http.StatusOK, body); err != nil { // an error, or null, is no information about the contents
		return s, c.unreadable(path, err.Error())
	}
	if codec.Unmarshal(body, &s) != nil {
		err = c.unreadable(path, "its JSON is malformed or has another shape")
	}
	return s, err
}

// Moment parses an ISO 8601 time; the zero time means none.
func Moment(s string) time.Time {
	t, _ := time.Parse(time.RFC3339, s)
	return t
}
