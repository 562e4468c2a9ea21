package glean

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// thirdDocument is a page that brings the third document.
func (p *probe) thirdDocument() []api.Document {
	return []api.Document{p.doc(1, probeID(1), p.people()), p.doc(3, probeID(3), groups(probeGroups[0]))}
}

// sendPage posts a page of documents.
func (p *probe) sendPage(ctx context.Context, page api.Page, docs ...api.Document) (status int, reason string, err error) {
	return p.post(ctx, api.PathBulkIndexDocuments, documentsPage(page, docs...))
}

// mustPage posts a page that has to be taken.
func (p *probe) mustPage(ctx context.Context, page api.Page, docs ...api.Document) error {
	return p.must(ctx, api.PathBulkIndexDocuments, documentsPage(page, docs...))
}

// askUnfinished leaves an upload unfinished and asks what that means for others
// and for what is found; then another takes its place by force.
func (p *probe) askUnfinished(ctx context.Context) error {
	p.asking("unfinished uploads")
	open := p.newUpload()
	if err := p.mustPage(ctx, p.page(open, true, false, true), p.thirdDocument()...); err != nil {
		return err
	}
	status, reason, err := p.sendPage(ctx, p.page(open, true, false, false), p.thirdDocument()...)
	if err != nil {
		return err
	}
	p.refusedWith(askSameFirst, "it begins anew", status, reason)
	if err := p.askFound(ctx); err != nil {
		return err
	}
	if status, reason, err = p.sendPage(ctx, p.page(p.newUpload(), true, false, false), p.doc(1, probeID(1), p.people())); err != nil {
		return err
	}
	p.refusedWith(askConflict, "it is taken", status, reason)

	forced := p.newUpload()
	if err := p.mustPage(ctx, p.page(forced, true, false, true), p.doc(1, probeID(1), p.people())); err != nil {
		return err
	}
	if status, reason, err = p.sendPage(ctx, p.page(open, false, false, false), p.doc(2, probeID(2), groups(probeGroups[0]))); err != nil {
		return err
	}
	if status == http.StatusOK {
		p.answer(askForce, "no", "a page of the upload before was taken after it")
	} else {
		p.answer(askForce, "yes", fmt.Sprintf("a page of the upload before was refused after it with %d: %s", status, reason))
	}
	return nil
}

func (p *probe) refusedWith(question, taken string, status int, reason string) {
	if status == http.StatusOK {
		p.answer(question, taken, "the page was taken")
	} else {
		p.answer(question, fmt.Sprintf("it is refused with %d", status), reason)
	}
}

// askFound looks for the document of an unfinished upload, for longer than a
// finished one took to be indexed.
func (p *probe) askFound(ctx context.Context) error {
	if !p.indexes.known {
		p.unseen(askVisible, "")
		return nil
	}
	found, err := p.until(ctx, p.patience(), p.indexed(ctx, probeID(3)))
	switch {
	case err != nil:
		return err
	case found.known:
		p.answer(askVisible, "yes", "a document that came with an unfinished upload was indexed after "+strings.TrimPrefix(about(found.Duration), "about "))
	case p.now().Before(p.ends):
		p.answer(askVisible, "no", fmt.Sprintf("a document that came with an unfinished upload was not indexed within %s; with a finished one it takes %s", p.patience(), about(p.indexes.Duration)))
	default:
		p.unseen(askVisible, "")
	}
	return nil
}

// patience is how long is waited for what may not come: twice what indexing took.
func (p *probe) patience() time.Duration {
	return max(2*p.indexes.Duration, leastWait).Round(time.Second)
}

// askPages sends pages that Glean may refuse, and finishes their upload.
func (p *probe) askPages(ctx context.Context) error {
	p.asking("what pages may hold")
	id := p.newUpload()
	if err := p.mustPage(ctx, p.page(id, true, false, true), p.doc(1, probeID(1), p.people())); err != nil {
		return err
	}
	status := map[string]int{}
	for _, try := range []struct {
		question, how string
		docs          []api.Document
	}{
		{askPrincipals, "a document whose permissions name somebody who was never uploaded", []api.Document{p.doc(2, probeID(2), p.strangers())}},
		{askTwice, "a page with an id twice", []api.Document{p.doc(3, probeID(3), groups(probeGroups[0])), p.doc(3, probeID(3), groups(probeGroups[0]))}},
		{askCase, "an id that differs from an earlier page's in case", []api.Document{p.doc(1, strings.ToUpper(probeID(1)), p.people())}},
		{askEmpty, "a document whose permissions are empty", []api.Document{p.doc(2, probeID(2), api.Permissions{})}},
		{askGroupCase, "a document for a group in other case", []api.Document{p.doc(3, probeID(3), groups(strings.ToUpper(probeGroups[0])))}},
	} {
		s, reason, err := p.sendPage(ctx, p.page(id, false, false, false), try.docs...)
		if err != nil {
			return err
		}
		status[try.question] = s
		switch try.question {
		case askEmpty:
			if s != http.StatusOK {
				p.answer(askEmpty, "refused", fmt.Sprintf("%s was refused with %d: %s", try.how, s, reason))
			}
		case askGroupCase:
			if status[askPrincipals] != http.StatusOK {
				answer := map[bool]string{true: "yes", false: "no"}[s == http.StatusOK]
				p.answer(askGroupCase, answer, fmt.Sprintf("%s got %d, where unknown ones are refused", try.how, s))
			}
		default:
			p.taken(try.question, try.how, s, reason)
		}
	}
	last := []api.Document{p.doc(1, probeID(1), p.people())}
	if status[askEmpty] != http.StatusOK {
		last = append(last, p.doc(2, probeID(2), groups(probeGroups[0])))
	}
	if status[askGroupCase] != http.StatusOK {
		last = append(last, p.doc(3, probeID(3), groups(probeGroups[0])))
	}
	if err := p.mustPage(ctx, p.page(id, false, true, false), last...); err != nil {
		return err
	}
	reused, reason, err := p.sendPage(ctx, p.page(id, true, false, false), last...)
	if err != nil {
		return err
	}
	p.taken(askReused, "the first page of another upload with it", reused, reason)
	return p.askLookedUp(ctx, status)
}

// strangers are permissions for who was never uploaded.
func (p *probe) strangers() api.Permissions {
	out := groups(probeNobody)
	out.AllowedUsers = []api.UserReference{p.reference(probeNobody + "@example.com")}
	return out
}

// askLookedUp asks what Glean made of pages that it took, when they are indexed.
func (p *probe) askLookedUp(ctx context.Context, status map[string]int) error {
	there, err := p.until(ctx, p.ends.Sub(p.now())/2, p.indexed(ctx, probeID(3)))
	if err != nil {
		return err
	}
	if status[askEmpty] == http.StatusOK {
		if err := p.askNobody(ctx, there.known); err != nil {
			return err
		}
	}
	if status[askPrincipals] != http.StatusOK {
		return nil
	}
	d, err := p.document(ctx, probeID(3))
	switch {
	case err != nil:
		return err
	case !there.known:
		p.unseen(askGroupCase, "")
	case d.Status.PermissionIdentityStatus == api.Uploaded:
		p.answer(askGroupCase, "yes", "the status of a document for a group in other case says that its group was uploaded")
	case d.Status.PermissionIdentityStatus == api.NotUploaded:
		p.answer(askGroupCase, "no", "the status of a document for a group in other case says that its group was not uploaded")
	default:
		p.unseen(askGroupCase, "the status of the document does not say whether its group was uploaded")
	}
	return nil
}

// askNobody asks who finds a document whose permissions are empty.
func (p *probe) askNobody(ctx context.Context, indexed bool) error {
	if !indexed {
		p.unseen(askEmpty, "")
		return nil
	}
	finds, err := p.finds(ctx, p.users[0], 2)
	if err != nil {
		return err
	}
	if finds {
		p.answer(askEmpty, "everybody", "checkdocumentaccess: a user finds a document that names nobody")
		return nil
	}
	control, why, err := p.control(ctx)
	if err != nil {
		return err
	}
	if control {
		p.answer(askEmpty, "nobody", "checkdocumentaccess: a user finds what names them, and not what names nobody")
	} else {
		p.unseen(askEmpty, why)
	}
	return nil
}

// askDeletion finishes an upload that lacks two documents.
func (p *probe) askDeletion(ctx context.Context) error {
	p.asking("how long deletion takes")
	r := documentsPage(p.page(p.newUpload(), true, true, true), p.doc(1, probeID(1), p.people()))
	r.DisableStaleDocumentDeletionCheck = true
	if err := p.must(ctx, api.PathBulkIndexDocuments, r); err != nil {
		return err
	}
	gone, err := p.until(ctx, p.ends.Sub(p.now()), func() (bool, error) {
		d, err := p.document(ctx, probeID(3))
		return d.Status.UploadStatus == api.NotUploaded && d.Status.IndexingStatus == api.NotIndexed, err
	})
	if err != nil {
		return err
	}
	p.measured(askDeletion, gone, "the document's status said neither uploaded nor indexed any more")
	return nil
}
