package upload

import (
	"context"
	"net/http"
	"slices"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// This file finds out what became of a first or a last page that was not
// acknowledged. A first page may have opened the upload, and a last one closed
// it, though the answer was lost or was not Glean's; and a refusal may be about
// another upload that is in the way rather than about the page.

// request makes the request of a page. Each attempt at a first page has an
// upload id of its own: when an earlier one gets through late, nothing else is
// sent under its id, so that it neither begins the upload anew under way nor
// adds to it. uncertain means that some attempt may have taken effect although
// there is an error.
func (u *upload) request(ctx context.Context, p *page, first, last bool) (uncertain bool, err error) {
	attempts := 0
	var body []byte
	next := func() []byte {
		if attempts++; first {
			u.id = u.publisher.newID(u)
			u.tried = append(u.tried, u.id)
		}
		if first || body == nil {
			body = p.request(u.tail(first, last))
		}
		return body
	}
	err = u.publisher.client.Write(ctx, connection.Request{
		Path: u.path, Body: next(), Again: next,
		Idempotent: true, // pages are upserts by id; post sorts out the first and the last
	})
	status := api.StatusOf(err)
	return err != nil && (attempts > 1 || status == 0 || status == http.StatusRequestTimeout || status >= 500), err
}

// post makes the request of a page and, where the answer leaves it open, finds
// out what became of it. It returns nil when the page is in the upload, and for
// a last page, when the upload is closed.
func (u *upload) post(ctx context.Context, p *page, last bool) error {
	first := !u.opened
	wait := u.publisher.patience()
	for {
		uncertain, err := u.request(ctx, p, first, last)
		refused := isRefusal(err)
		again := false
		switch {
		case err == nil:
		case ctx.Err() != nil || fault.ClassOf(err) == fault.Fatal && api.StatusOf(err) != 0 || !refused &&
			!(uncertain && last):
			return err
		case last && !first:
			err = u.closing(ctx, err, uncertain, wait)
		case last && !refused:
			err = u.closing(ctx, err, uncertain, wait)
		case first:
			again, err = u.opening(ctx, p, err, !last && (uncertain || api.StatusOf(err) == http.StatusConflict), wait)
		}
		if again {
			continue
		}
		if first && err == nil {
			u.opened = true
		}
		return err
	}
}

// isRefusal tells whether Glean refused a page, be it for what is in it or for
// the upload.
func isRefusal(err error) bool {
	status := api.StatusOf(err)
	return status == http.StatusBadRequest || status == http.StatusConflict
}

// opening finds out what a first page was refused for, which is err. Where an
// earlier attempt may have opened the upload, the page is sent once more as one
// that is not the first: when it is taken, it is there.
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

// closedIn tells whether a status has one of the upload's attempts as completed,
// and makes that the upload's id.
func (u *upload) closedIn(s api.DatasourceStatus) bool {
	for _, b := range api.Histories(s)[u.stream] {
		if b.Status == api.UploadSuccessful && (b.UploadID == u.id || slices.Contains(u.tried, b.UploadID)) {
			u.id = b.UploadID
			return true
		}
	}
	return false
}

// closing finds out whether a last page has closed the upload, which the status
// may tell late. err is what the page's request came to.
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
			if u.probe(ctx) == nil { // it is still open, and the refusal is about what is in the page
				return err
			}
		}
		if statusErr != nil || fault.ClassOf(err) == fault.Fatal ||
			!wait.next(ctx) { // a proxy that asks for a sign-in goes on asking
			break
		}
	}
	if !refused {
		return err
	}
	return fault.Errorf(fault.Transient, "run again: the next run sends everything anew",
		"the answer to the last page of the upload was lost, and Glean's status does not say whether it took effect: %v", err)
}

// probe is nil when Glean takes another page of the upload, without items.
func (u *upload) probe(ctx context.Context) error {
	_, err := u.request(ctx, newPage(u.stream, Envelope), false, false)
	return err
}

// begin opens an upload without items, where a refused first page left it open
// whether the refusal was about its items.
func (u *upload) begin(ctx context.Context) error {
	err := u.post(ctx, newPage(u.stream, Envelope), false)
	if !isRefusal(err) {
		return err
	}
	return fault.Errorf(fault.Permanent, "look at what it says and at the datasource in Glean; when another upload is "+
		"under way, wait until it has ended",
		"Glean refuses to begin an upload of %s, be it without any: %v", u.stream, err)
}

// stillOpen is nil when a refusal can only be about what is in the page, since the
// upload is open.
func (u *upload) stillOpen(ctx context.Context) error {
	err := u.probe(ctx)
	if !isRefusal(err) {
		return err
	}
	s, statusErr := u.publisher.client.Status(ctx)
	if statusErr == nil && slices.ContainsFunc(api.UnderWay(s),
		func(o api.Unfinished) bool { return o.Stream == u.stream && o.ID == u.id }) {
		return nil // Glean takes no page without items
	}
	return fault.Errorf(fault.Transient, "see that no other run writes to the datasource, and run again",
		"the upload is no longer Glean's current one, another has taken its place: %v", err)
}
