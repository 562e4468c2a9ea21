package upload

import (
	"context"
	"net/http"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// post makes the request of a page and, if the response was lost, determines whether the
// page took effect. It returns nil when the page is in the upload and, for a last page, the
// upload is closed.
func (u *upload) post(ctx context.Context, p *page, last bool) error {
	if !u.opened {
		return u.postFirst(ctx, p, last)
	}
	uncertain, err := u.request(ctx, p, false, last)
	if !last || settled(ctx, err) || !isRefusal(err) && !uncertain {
		return err
	}
	return u.closing(ctx, err, uncertain, u.publisher.patience())
}

// postFirst posts a first page, which opens the upload.
func (u *upload) postFirst(ctx context.Context, p *page, last bool) error {
	wait := u.publisher.patience()
	for {
		uncertain, err := u.request(ctx, p, true, last)
		again := false
		switch {
		case settled(ctx, err):
		case isRefusal(err):
			again, err = u.opening(ctx, p, err, !last && (uncertain || api.StatusOf(err) == http.StatusConflict), wait)
		case uncertain && last:
			err = u.closing(ctx, err, uncertain, wait)
		}
		if again {
			continue
		}
		u.opened = err == nil
		return err
	}
}

// settled reports whether the result of a request needs no recovery: it succeeded, or
// the run has to end.
func settled(ctx context.Context, err error) bool {
	return err == nil || ctx.Err() != nil || fault.ClassOf(err) == fault.Fatal && api.StatusOf(err) != 0
}

// isRefusal reports whether Glean refused a page, because of its content or because of the
// upload.
func isRefusal(err error) bool {
	status := api.StatusOf(err)
	return status == http.StatusBadRequest || status == http.StatusConflict
}
