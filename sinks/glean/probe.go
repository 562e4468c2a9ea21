package glean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

var _ engine.SinkProber = (*Sink)(nil)

// probeName begins the names of all that a probe makes.
const probeName = "pipe-probe-"

// probe finds out what Glean's documents leave open, with three documents, two
// users and two groups of its own.
type probe struct {
	*Sink
	conn    *connection.Connection // that may make the requests of a probe, too
	o       engine.SinkProbeOptions
	ends    time.Time // when it has to be through
	live    api.DatasourceConfig
	typ     string    // of its documents
	users   [2]string // e-mails; the second is uploaded as one who is not active
	testers bool      // the users see the datasource
	named   int       // uploads that have an id
	indexes seconds   // until what a finished upload brought was indexed
	answers []engine.ProbeAnswer
	made    bool // something may be there to be taken away
}

// seconds is a time that was measured.
type seconds struct {
	time.Duration
	known bool
}

// ProbeSink tries out the datasource.
func (k *Sink) ProbeSink(ctx context.Context, o engine.SinkProbeOptions) ([]engine.ProbeAnswer, error) {
	if k.dial == nil {
		return nil, errNoConnection
	}
	ds := k.schema.name
	paths := []string{
		api.PathBulkIndexMemberships, api.PathBulkIndexDocuments, api.PathGetDatasourceConfig, api.PathDebugStatus(ds),
		api.PathIndexUser, api.PathDeleteUser, api.PathIndexGroup, api.PathDeleteGroup,
		api.PathDebugDocument(ds), api.PathDebugUser(ds), api.PathCheckDocumentAccess,
	}
	conn, err := k.dial(func() []string { return paths })
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	p := &probe{Sink: k, conn: conn, o: o, ends: k.now().Add(o.Within)}
	stoppable, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-o.Stop:
			cancel(engine.ErrStopped)
		case <-stoppable.Done():
		}
	}()
	bounded, done := context.WithTimeoutCause(stoppable, o.Within+slack, engine.Errorf(engine.Transient, "see whether Glean answers, or raise --timeout", "the probe took longer than its %s", o.Within))
	defer done()
	err = p.run(bounded)
	if bounded.Err() != nil {
		err = context.Cause(bounded)
	}
	if p.made {
		if left := p.clean(ctx); left != nil {
			err = errors.Join(err, left)
		}
	}
	return p.answers, err
}

// slack is how much longer the requests may take that are made when the time is
// up, to tell what is there then.
const slack = time.Minute

func (p *probe) run(ctx context.Context) error {
	if err := p.permitted(ctx); err != nil {
		return err
	}
	p.made = true
	if err := p.clean(ctx); err != nil { // what a probe left that was killed
		return err
	}
	for _, step := range []func(context.Context) error{p.askConfig, p.askIdentities, p.askFinished, p.askUnfinished, p.askPages, p.askDeletion} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// permitted refuses a datasource that is not for tests, or that holds or may
// hold what is not the probe's own.
func (p *probe) permitted(ctx context.Context) error {
	refuse := func(remedy, format string, args ...any) error {
		return &engine.Refusal{Guard: "probe", Reason: fmt.Sprintf(format, args...), Remedy: remedy}
	}
	var err error
	if p.live, err = p.Sink.live(ctx); err != nil {
		return err
	}
	ds := p.schema.name
	switch {
	case !isTrue(p.live.IsTestDatasource) || !isTrue(p.cfg.Datasource.IsTestDatasource):
		return refuse("name a datasource for tests, with isTestDatasource: true, in datasource.name; `pipe datasource apply FILE` makes it", "%s is not a test datasource, and a probe fills and empties the one that it tries", ds)
	case lenderOf(p.live) != "":
		return refuse("leave identityDatasourceName out of the test datasource", "the users and groups of %s are those of %s", ds, lenderOf(p.live))
	}
	if p.typ = p.objectType(); p.typ == "" {
		return refuse("declare an object type under datasource.objectDefinitions and apply it", "%s has no object type", ds)
	}
	if url := p.url(1); p.schema.urls != nil && !p.schema.urls.MatchString(url) {
		return refuse("set datasource.homeUrl to an address below which urlRegex matches", "the address %s does not match the urlRegex of %s", url, ds)
	}
	p.chooseUsers()
	s, err := p.status(ctx)
	if err != nil {
		return fmt.Errorf("what the datasource holds must be known before something is tried in it: %w", err)
	}
	h := holdings(s)
	if len(h.Streams) < 4 {
		return refuse("look at the datasource's status in Glean", "Glean does not say what %s holds", ds)
	}
	if upload, ok := p.foreignUpload(s); ok {
		return refuse("wait until three hours after it has ended, since Glean's counts may be that old, or name another test datasource", "the upload %s to %s is under way, or not long ago", p.foreign(upload), ds)
	}
	documents, users, err := p.own(ctx)
	if err != nil {
		return err
	}
	if h.Streams[streamDocuments] > documents || h.Streams[streamUsers] > users || h.Streams[streamGroups] > len(probeGroups) {
		return refuse("name a test datasource of the probe's own in datasource.name, or empty this one", "%s holds %d documents, %d users and %d groups, of which %d documents and %d users are the probe's",
			ds, h.Streams[streamDocuments], h.Streams[streamUsers], h.Streams[streamGroups], documents, users)
	}
	return nil
}

// objectType is the first type that the file and Glean both have.
func (p *probe) objectType() string {
	for _, o := range p.cfg.Datasource.ObjectDefinitions {
		if o.Name != "" && slices.ContainsFunc(p.live.ObjectDefinitions, func(l api.ObjectDefinition) bool { return l.Name == o.Name }) {
			return o.Name
		}
	}
	return ""
}

// chooseUsers takes the first two testers, who see the datasource, or invents
// two.
func (p *probe) chooseUsers() {
	p.users = [2]string{probeName + "1@example.com", probeName + "2@example.com"}
	if t := p.cfg.Datasource.Testers; len(t) >= len(p.users) {
		p.testers = true
		copy(p.users[:], t)
	}
}

// countsAge is how old Glean's counts may be.
const countsAge = 3 * time.Hour

// foreignUpload is an upload that is not a probe's and that the counts may not
// show yet.
func (p *probe) foreignUpload(s api.DatasourceStatus) (id string, found bool) {
	for _, uploads := range histories(s) {
		for _, u := range uploads {
			if strings.HasPrefix(u.UploadID, probeName) {
				continue
			}
			ended, err := time.Parse(time.RFC3339, u.EndTime)
			if u.Status == api.UploadActive || err != nil || p.now().Sub(ended) < countsAge {
				return u.UploadID, true
			}
		}
	}
	return "", false
}

// own counts the documents and users of a probe that are there.
func (p *probe) own(ctx context.Context) (documents, users int, err error) {
	for n := 1; n <= probeDocuments; n++ {
		d, err := p.document(ctx, probeID(n))
		if err != nil {
			return 0, 0, err
		}
		if d.Status.UploadStatus == api.Uploaded {
			documents++
		}
	}
	for _, email := range p.users {
		var u api.DebugUserResponse
		if err := p.get(ctx, api.PathDebugUser(p.schema.name), api.DebugUserRequest{Email: email}, &u); err != nil {
			return 0, 0, err
		}
		if u.Status.UploadStatus == api.Uploaded {
			users++
		}
	}
	return documents, users, nil
}

// post makes a request once and tells with which status Glean took or refused
// it. What says nothing about the question is an error.
func (p *probe) post(ctx context.Context, path string, in any) (status int, reason string, err error) {
	body, err := codec.Marshal(in)
	if err != nil {
		return 0, "", err
	}
	err = write(ctx, p.conn, connection.Request{Path: path, Body: body})
	switch s := statusOf(err); {
	case err == nil:
		return http.StatusOK, "", nil
	case s == http.StatusBadRequest || s == http.StatusConflict || s == http.StatusNotFound || s == http.StatusUnprocessableEntity:
		return s, p.foreign(reasonOf(err)), nil
	}
	return 0, "", err
}

// must is post where a refusal ends the probe.
func (p *probe) must(ctx context.Context, path string, in any) error {
	status, reason, err := p.post(ctx, path, in)
	if err == nil && status != http.StatusOK {
		err = engine.Errorf(engine.Permanent, "see Glean's answer; the remaining questions were not asked", "Glean refuses a request that the probe needs: POST %s: %d: %s", p.conn.Path(path), status, reason)
	}
	return err
}

// get asks for something.
func (p *probe) get(ctx context.Context, path string, in, out any) error {
	body, err := codec.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := p.conn.Do(ctx, connection.Request{Method: http.MethodPost, Path: path, Body: body, Idempotent: true})
	if err == nil && codec.Unmarshal(answer.Body, out) != nil {
		err = engine.Errorf(engine.Permanent, "", "glean: POST %s: %w", p.conn.Path(path), errShape)
	}
	return err
}

// asking tells what comes next.
func (p *probe) asking(what string) {
	if p.o.Asking != nil {
		p.o.Asking(what)
	}
}

func (p *probe) answer(question, answer, seen string) {
	p.answers = append(p.answers, engine.ProbeAnswer{Question: question, Answer: answer, Seen: seen, Known: true})
}

// unseen is the answer to a question that has none; why is "" when the time was
// too short.
func (p *probe) unseen(question, why string) {
	a := engine.ProbeAnswer{Question: question, Answer: "could not be seen", Seen: why}
	if why == "" {
		a.Answer += fmt.Sprintf(" within %s", p.o.Within)
		a.Seen = "Glean had not got so far by then"
	}
	p.answers = append(p.answers, a)
}
