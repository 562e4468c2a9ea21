package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Explained is the explanation of a record, and when the server read it.
type Explained struct {
	Read time.Time `json:"read"`
	explain.Explanation
}

// Explain returns how a record becomes a document and, unless person is "", whether that person
// finds it. When the server must read the documents first, Explain calls waiting, which may be
// nil, and waits. It returns a Transient fault after most.
func (c *Client) Explain(ctx context.Context, pipeline, ref, person string, most time.Duration, waiting func()) (
	*Explained, error,
) {
	query := url.Values{}
	if person != "" {
		query.Set("person", person)
	}
	for begun := time.Now(); ; {
		e := &Explained{}
		answer, err := c.get(ctx, path(pipeline, "/documents/"+ref), query, e)
		if err != nil || answer.Status != http.StatusAccepted {
			return e, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		if time.Since(begun) > most {
			return nil, fault.Errorf(fault.Transient, "the server goes on; ask again later",
				"the server has not read the documents of %s after %s", pipeline, most)
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}
