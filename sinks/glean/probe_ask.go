package glean

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// The questions, as the table and the tests name them.
const (
	askPrefix     = "does Glean put CUSTOM_ before the name of a datasource"
	askDefaults   = "does it spell defaults of the config out"
	askMissing    = "what answers for a datasource that is not there"
	askTwoGroups  = "may the members of two groups be uploaded at the same time"
	askBeside     = "may documents be uploaded while members are"
	askStranger   = "may a group's members name a user that was not uploaded"
	askIndexing   = "how long until a finished upload is indexed"
	askStatus     = "how long until the status shows a finished upload"
	askInactive   = "does a user find anything who is not active"
	askConflict   = "what does the first page get while another upload is unfinished"
	askSameFirst  = "what does the same first page again do"
	askVisible    = "are pages found before the last one"
	askPrincipals = "may permissions name users and groups that were not uploaded"
	askTwice      = "may an id be twice in a page"
	askCase       = "may an id come again in other case"
	askEmpty      = "what are permissions that name nobody"
	askForce      = "does forceRestartUpload discard what is unfinished"
	askGroupCase  = "are names of groups the same in other case"
	askReused     = "may the id of a finished upload be used again"
	askDeletion   = "how long until what an upload lacks is gone"
)

// taken answers a question by whether Glean took a request.
func (p *probe) taken(question, how string, status int, reason string) bool {
	if status == http.StatusOK {
		p.answer(question, "yes", how+" was taken")
		return true
	}
	p.answer(question, "no", fmt.Sprintf("%s was refused with %d: %s", how, status, reason))
	return false
}

// askConfig asks about the datasource's config.
func (p *probe) askConfig(ctx context.Context) error {
	p.asking("the config")
	if strings.EqualFold(p.live.Name, p.schema.name) {
		p.answer(askPrefix, "no", "getdatasourceconfig says "+p.foreign(p.live.Name))
	} else {
		p.answer(askPrefix, "yes", "getdatasourceconfig says "+p.foreign(p.live.Name))
	}
	live, err := p.raw(ctx, p.schema.name)
	if err != nil {
		return err
	}
	if _, spelt := live["isOnPrem"]; p.cfg.Datasource.IsOnPrem != nil {
		p.unseen(askDefaults, "the file sets isOnPrem, by which it is told")
	} else if spelt {
		p.answer(askDefaults, "yes", "getdatasourceconfig has isOnPrem, which the file does not")
	} else {
		p.answer(askDefaults, "no", "getdatasourceconfig has no isOnPrem")
	}
	switch status, reason, err := p.post(ctx, api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: probeNobody}); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil: // a token may not be allowed to ask
		p.unseen(askMissing, p.foreign(err.Error()))
	case status == http.StatusOK:
		p.unseen(askMissing, "there is a datasource "+probeNobody)
	default:
		p.answer(askMissing, fmt.Sprint(status), "getdatasourceconfig of "+probeNobody+" says "+reason)
	}
	return nil
}

// askIdentities uploads users, groups and members, and asks about members.
func (p *probe) askIdentities(ctx context.Context) error {
	p.asking("users and groups")
	for i, email := range p.users {
		u := api.User{Email: email, Name: "A user of pipe doctor --probe"}
		if !p.schema.byEmail {
			u.UserID = email
		}
		if i > 0 {
			u.IsActive = new(false)
		}
		if err := p.must(ctx, api.PathIndexUser, api.IndexUserRequest{Datasource: p.schema.name, User: u}); err != nil {
			return err
		}
	}
	for _, g := range probeGroups {
		if err := p.must(ctx, api.PathIndexGroup, api.IndexGroupRequest{Datasource: p.schema.name, Group: api.Group{Name: g}}); err != nil {
			return err
		}
	}
	members := func(id, group string, first, last, force bool, who string) (int, string, error) {
		return p.post(ctx, api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: p.page(id, first, last, force), Group: group, Memberships: p.member(who)})
	}
	one := p.newUpload()
	if status, reason, err := members(one, probeGroups[0], true, false, true, p.users[0]); err != nil || status != http.StatusOK {
		return orRefused(err, "the members of a group", status, reason)
	}
	status, reason, err := members(p.newUpload(), probeGroups[1], true, false, false, p.users[0])
	if err != nil {
		return err
	}
	p.taken(askTwoGroups, "the first page of one group, while another's upload was unfinished,", status, reason)
	status, reason, err = p.post(ctx, api.PathBulkIndexDocuments, documentsPage(p.page(p.newUpload(), true, false, false), []api.Document{}...))
	if err != nil {
		return err
	}
	p.taken(askBeside, "the first page of documents, while a group's upload was unfinished,", status, reason)
	if status, reason, err := members(one, probeGroups[0], false, true, false, p.users[0]); err != nil || status != http.StatusOK {
		return orRefused(err, "the last page of a group's members", status, reason)
	}
	status, reason, err = members(p.newUpload(), probeGroups[1], true, true, true, probeNobody+"@example.com")
	if err != nil {
		return err
	}
	p.taken(askStranger, "a page with a member that was never uploaded", status, reason)
	return nil
}

// orRefused is the error of a request that had to be taken.
func orRefused(err error, what string, status int, reason string) error {
	if err != nil {
		return err
	}
	return engine.Errorf(engine.Permanent, "see Glean's answer; the remaining questions were not asked", "Glean refuses %s: %d: %s", what, status, reason)
}

// askFinished finishes an upload of two documents and waits until it is indexed.
func (p *probe) askFinished(ctx context.Context) error {
	p.asking("how long indexing takes")
	id := p.newUpload()
	if err := p.must(ctx, api.PathBulkIndexDocuments, documentsPage(p.page(id, true, true, true), p.doc(1, probeID(1), p.people()), p.doc(2, probeID(2), groups(probeGroups[0])))); err != nil {
		return err
	}
	var err error
	var shown seconds
	began := p.now()
	if p.indexes, err = p.until(ctx, p.ends.Sub(began)*2/5, func() (bool, error) {
		if s, err := p.status(ctx); err == nil && !shown.known {
			for _, u := range s.Documents.BulkUploadHistory {
				if u.UploadID == id && u.Status == api.UploadSuccessful {
					shown = seconds{p.now().Sub(began), true}
				}
			}
		}
		return p.indexed(ctx, probeID(1))()
	}); err != nil {
		return err
	}
	p.measured(askStatus, shown, "the upload was in the status as finished")
	p.measured(askIndexing, p.indexes, "the document's status said that it is indexed")
	return p.askAccess(ctx)
}

func (p *probe) measured(question string, took seconds, how string) {
	if took.known {
		p.answer(question, about(took.Duration), how)
	} else {
		p.unseen(question, "")
	}
}

// about is a time as people say it.
func about(d time.Duration) string {
	if d < time.Second {
		return "less than a second"
	}
	return "about " + d.Round(time.Second).String()
}

// askAccess asks whether the user finds a document who is not active.
func (p *probe) askAccess(ctx context.Context) error {
	if !p.indexes.known {
		p.unseen(askInactive, "")
		return nil
	}
	active, why, err := p.control(ctx)
	if err != nil {
		return err
	}
	if !active {
		p.unseen(askInactive, why)
		return nil
	}
	finds, err := p.finds(ctx, p.users[1], 1)
	if err != nil {
		return err
	}
	if finds {
		p.answer(askInactive, "yes", "checkdocumentaccess says so of a document that names both users")
	} else {
		p.answer(askInactive, "no", "checkdocumentaccess: of two users that a document names, the active one alone finds it")
	}
	return nil
}

// control tells whether the active user finds what names them: only then does it
// mean something that somebody finds nothing.
func (p *probe) control(ctx context.Context) (finds bool, why string, err error) {
	finds, err = p.finds(ctx, p.users[0], 1)
	switch {
	case err != nil || finds:
		return finds, "", err
	case !p.testers:
		return false, "the users that were invented do not see the datasource: name two people under datasource.testers", nil
	}
	return false, "the active user does not find what names them: is the datasource enabled for its testers?", nil
}
