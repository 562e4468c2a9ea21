package glean

import (
	"context"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// status reads the datasource's status.
func (c *client) status(ctx context.Context) (api.DatasourceStatus, error) {
	var s api.DatasourceStatus
	path := api.PathDebugStatus(c.datasource)
	body, err := c.answer(ctx, path, nil)
	if err != nil {
		return s, err
	}
	if err := acknowledged(http.StatusOK, body); err != nil { // an error, or null, says nothing of what is there
		return s, c.unreadable(path, err.Error())
	}
	if codec.Unmarshal(body, &s) != nil {
		err = c.unreadable(path, "its JSON is malformed or has another shape")
	}
	return s, err
}

// moment is an ISO 8601 time, zero where there is none.
func moment(s string) time.Time {
	t, _ := time.Parse(time.RFC3339, s)
	return t
}
