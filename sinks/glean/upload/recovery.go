package upload

import (
	"context"
	"net/http"
	"slices"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Recovery of a first or last page that was not acknowledged. A first page may have
// opened the upload, and a last one closed it, although the answer was lost or was not
// Glean's; and a refusal may be about another upload instead of the page.

// opening determines why a first page was refused with err. If an earlier attempt may have
// opened the upload, the page is sent again as a later page: if it is accepted, the upload
// exists.
func (u *upload) opening(ctx context.Context, p *page, err error, probe bool, wait *patience) (again bool, _ error) {
	for _, id := range u.tried {
		if !probe {
			break
		}
		u.id = id
		if _, err := u.request(ctx, p, false, false); err == nil || fault.ClassOf(err) == fault.Fatal {
			return false, err
		}
	}
	again, why := u.inTheWay(ctx, err, wait)
	if len(p.items) == 0 && api.StatusOf(why) == http.StatusBadRequest && !wait.retried {
		wait.retried = true // it was about another upload, which may have ended since
		return true, nil
	}
	return again, why
}

// closedIn reports whether a status has one of the upload's attempts as completed, and makes
// that the upload's id.
func (u *upload) closedIn(s api.DatasourceStatus) bool {
	for _, b := range api.Histories(s)[u.stream] {
		if b.Status == api.UploadSuccessful && (b.UploadID == u.id || slices.Contains(u.tried, b.UploadID)) {
			u.id = b.UploadID
			return true
		}
	}
	return false
}

// closing determines whether a last page has closed the upload, which may appear late in the
// status. err is the result of the page's request.
func (u *upload) closing(ctx context.Context, err error, uncertain bool, wait *patience) error {
	refused, probed := isRefusal(err), !u.opened
	for {
		s, statusErr := u.publisher.client.Status(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if statusErr == nil && u.closedIn(s) {
			return nil
		}
		if !uncertain {
			return err
		}
		if refused && !probed {
			probed = true
			if u.probe(ctx) == nil { // it is still open, and the refusal is about the content of the page
				return err
			}
		}
		if statusErr != nil || fault.ClassOf(err) == fault.Fatal ||
			!wait.next(ctx) { // a proxy that requires a sign-in continues to do so
			break
		}
	}
	if !refused {
		return err
	}
	return fault.Errorf(fault.Transient, "run again: the next run sends everything again",
		"the response to the last page of the upload was lost, and Glean's status does not report whether it "+
			"took effect: %v", err)
}

// probe returns nil if Glean accepts another page of the upload, without items.
func (u *upload) probe(ctx context.Context) error {
	_, err := u.request(ctx, newPage(u.stream, Envelope), false, false)
	return err
}
