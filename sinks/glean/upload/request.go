package upload

import (
	"context"
	"net/http"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// request makes the request of a page. Each attempt at a first page has its own upload id,
// and nothing else is sent under it: an attempt that arrives late cannot restart the current
// upload or add to it. uncertain means that an attempt may have taken effect despite the
// error.
func (u *upload) request(ctx context.Context, p *page, first, last bool) (uncertain bool, err error) {
	attempts := 0
	var body []byte
	next := func() []byte {
		if attempts++; first {
			u.id = u.publisher.newID(u)
		}
		if first || body == nil {
			body = p.request(u.tail(first, last))
		}
		return body
	}
	err = u.publisher.client.Write(ctx, connection.Request{
		Path: u.path, Body: next(), Again: next, Part: p.describe(u.stream, &u.numbers),
		Idempotent: true, // pages are upserts by id; post recovers the first and the last
	})
	status := api.StatusOf(err)
	return err != nil && (attempts > 1 || status == 0 || status == http.StatusRequestTimeout || status >= 500), err
}

// tail returns the end of a page's envelope.
func (u *upload) tail(first, last bool) string {
	tail := `,"uploadId":` + string(codec.Quote(nil, u.id)) + u.place
	if first {
		tail += `,"isFirstPage":true`
		if u.force {
			tail += `,"forceRestartUpload":true`
		}
	}
	if last {
		tail += `,"isLastPage":true`
		if u.refused.Load() == 0 {
			tail += u.lift
		}
	}
	return tail
}
