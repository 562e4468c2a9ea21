package upload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sourcegraph/conc/pool"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
)

// changes sends single requests for what changed, step by step. Its methods are called
// from many goroutines within a step.
type changes struct {
	*publishing
	all   *component.Changes
	names encode.Naming

	mu       sync.Mutex
	withheld map[string]bool // IDs of documents that were not sent, since they are hidden
	failed   []string        // documents that a tightening could not narrow, and why
	pace     pace            // of documents
	numbers  atomic.Int64    // the pages that were sent
}

func (p *publishing) changes() *changes {
	return &changes{
		publishing: p, all: p.plan.Changes, withheld: map[string]bool{}, pace: pace{clock: p.publisher.clock},
		names: p.publisher.naming(),
	}
}

// before returns the changes that are sent before an upload of everything. What Glean refuses of
// them is not rejected: the upload sends it again, and decides.
func (p *publishing) before() *changes {
	own := *p
	own.again, own.refusals = true, newRefusals(nil, p.publisher.naming())
	return own.changes()
}

// steps sends the steps from one up to, and without, another. A step begins when every
// request of the one before was acknowledged.
func (c *changes) steps(ctx context.Context, from, to component.Step) error {
	for step := from; step < to; step++ {
		if err := c.mayGoOn(); err != nil {
			return err
		}
		if err := c.step(ctx, step); err != nil {
			return fmt.Errorf("publish what changed, step %s: %w", step, err)
		}
	}
	return nil
}

// streamOrder is the order in which the streams of a step are sent: an item is sent before
// the items that name it.
var streamOrder = []string{api.StreamUsers, api.StreamGroups, api.StreamMemberships, api.StreamDocuments}

func (c *changes) step(ctx context.Context, step component.Step) error {
	if c.all.Count(step) == 0 {
		return nil
	}
	for _, stream := range streamOrder {
		var err error
		switch {
		case step == component.Write && stream == api.StreamDocuments:
			err = c.write(ctx, step)
		default:
			err = c.each(ctx, step, stream)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// each makes the requests of a step about the items of a stream, several at a time.
func (c *changes) each(ctx context.Context, step component.Step, stream string) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	workers := pool.New().WithMaxGoroutines(c.publisher.cfg.Concurrency)
	hidden := c.hiddenOf(step)
	err := c.eachChange(step, stream, func(ch component.Change) error {
		if err := c.mayGoOn(); err != nil {
			return err
		}
		is, err := hidden(ch)
		if err != nil || is || ctx.Err() != nil {
			return err
		}
		ch.Body = append([]byte(nil), ch.Body...)
		workers.Go(func() {
			if err := c.send(ctx, ch); err != nil {
				fail(err)
			}
		})
		return nil
	})
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (c *changes) eachChange(step component.Step, stream string, do func(component.Change) error) error {
	for ch, err := range c.all.Each(step) {
		if err != nil {
			return err
		}
		if ch.Stream == stream {
			if err := do(ch); err != nil {
				return err
			}
		}
	}
	return nil
}

// hiddenEvery is after how many documents the hidden list is read again.
const hiddenEvery = 50

// hiddenOf reports, for the changes of a step in order, whether the document was hidden
// since the plan was made. It asks only about changes that give someone access.
func (c *changes) hiddenOf(step component.Step) func(component.Change) (bool, error) {
	if step != component.Widen || c.plan.Hidden == nil {
		return func(component.Change) (bool, error) { return false, nil }
	}
	n := 0
	var hidden func(component.Encoded) bool
	return func(ch component.Change) (bool, error) {
		if n%hiddenEvery == 0 {
			var err error
			if hidden, err = c.plan.Hidden(); err != nil {
				return false, err
			}
		}
		n++
		if hidden == nil || !hidden(ch.Encoded) {
			return false, nil
		}
		c.withhold(ch.Encoded)
		return true, nil
	}
}

func (c *changes) withhold(e component.Encoded) {
	c.mu.Lock()
	c.withheld[e.ID] = true
	c.mu.Unlock()
	c.plan.Withhold(api.StreamDocuments, e, false)
}

// send makes the requests of one change.
func (c *changes) send(ctx context.Context, ch component.Change) (err error) {
	switch ch.Stream {
	case api.StreamUsers:
		err = c.user(ctx, ch)
	case api.StreamGroups:
		err = c.group(ctx, ch)
	case api.StreamMemberships:
		err = c.members(ctx, ch)
	case api.StreamDocuments:
		err = c.document(ctx, ch)
	}
	switch {
	case errors.Is(err, errRejected):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", ch.Ref, err)
	}
	c.acknowledged(ch)
	return nil
}

// acknowledged reports that a change has reached Glean.
func (c *changes) acknowledged(ch component.Change) {
	c.all.Told(ch)
	if ch.Number != 0 && !ch.Remove {
		c.plan.Sent(ch.Stream, 1)
	}
}

// errRejected means that Glean refused an item or a part of it because of its content, and
// that the run has recorded it.
var errRejected = errors.New("rejected")

// refuseName rejects a user or group that Glean refused because of its content, and deletes
// Glean's version: a full publish would not keep it either. It returns any other err.
func (c *changes) refuseName(ctx context.Context, ch component.Change, err error) error {
	if err == nil || api.StatusOf(err) != http.StatusBadRequest {
		return err
	}
	if err := c.refusals.add(ch.Stream, c.planned(ch.Stream), ch.Encoded, refusal{reason: api.ReasonOf(err)},
		c.rejects(ch.Stream)); err != nil {
		return err
	}
	drop := c.deleteUser
	if ch.Stream == api.StreamGroups {
		drop = c.deleteGroup
	}
	if err := drop(ctx, ch.ID); err != nil {
		return err
	}
	return errRejected
}

func (c *changes) planned(stream string) int { return c.plan.Stream(stream).Count }

func (c *changes) deleteUser(ctx context.Context, email string) error {
	client := c.publisher.client
	return client.Send(ctx, api.PathDeleteUser, api.DeleteUserRequest{Datasource: client.Datasource, Email: email})
}

func (c *changes) deleteGroup(ctx context.Context, name string) error {
	client := c.publisher.client
	return client.Send(ctx, api.PathDeleteGroup, api.DeleteGroupRequest{Datasource: client.Datasource, GroupName: name})
}

func (c *changes) user(ctx context.Context, ch component.Change) error {
	client := c.publisher.client
	switch {
	case ch.Remove && (ch.Step == component.Drop || !c.names.ByEmail): // without its id it cannot be written
		return c.deleteUser(ctx, ch.ID)
	case ch.Remove:
		err := client.Send(ctx, api.PathIndexUser, api.IndexUserRequest{Datasource: client.Datasource,
			User: api.User{Email: ch.ID, Name: ch.ID, IsActive: new(false)}})
		if api.StatusOf(err) == http.StatusBadRequest { // it is deleted in any case
			err = c.deleteUser(ctx, ch.ID)
		}
		return err
	}
	var u api.User
	if err := codec.Unmarshal(ch.Body, &u); err != nil {
		return err
	}
	return c.refuseName(ctx, ch,
		client.Send(ctx, api.PathIndexUser, api.IndexUserRequest{Datasource: client.Datasource, User: u}))
}

func (c *changes) group(ctx context.Context, ch component.Change) error {
	client := c.publisher.client
	if ch.Remove {
		return c.deleteGroup(ctx, ch.ID)
	}
	var g api.Group
	if err := codec.Unmarshal(ch.Body, &g); err != nil {
		return err
	}
	return c.refuseName(ctx, ch,
		client.Send(ctx, api.PathIndexGroup, api.IndexGroupRequest{Datasource: client.Datasource, Group: g}))
}

// members uploads the members that a group has after the step.
func (c *changes) members(ctx context.Context, ch component.Change) error {
	var m rawMembers
	if err := m.read(ch.Body); err != nil {
		return err
	}
	planned := len(m.rows)
	if !c.takes(&m) {
		return errRejected
	}
	partly := len(m.rows) < planned
	rows := m.rows[:0]
	for _, row := range m.rows {
		var one api.Membership
		if err := codec.Unmarshal(row, &one); err != nil {
			return err
		}
		if ch.Step != component.Cut || ch.To.Has(c.names.Principal(one)) {
			rows = append(rows, row)
		}
	}
	m.rows = rows
	if err := c.membersOf(ctx, m, ch.Ref); err != nil || !partly {
		return err
	}
	return errRejected // it has not all of its members, and is sent again
}

// document deletes a document or replaces who finds it.
func (c *changes) document(ctx context.Context, ch component.Change) error {
	client := c.publisher.client
	if ch.Remove {
		return c.remove(ctx, ch)
	}
	d, err := namedDocument(ch.Body)
	if err != nil {
		return err
	}
	permissions := c.names.Within(d.Permissions, ch.To)
	err = client.Send(ctx, api.PathUpdatePermissions, api.UpdatePermissionsRequest{Datasource: client.Datasource,
		ObjectType: d.ObjectType, ID: d.ID, Permissions: permissions})
	if s := api.StatusOf(err); s != http.StatusBadRequest && s != http.StatusNotFound {
		return err
	}
	if c.plan.Tighten {
		c.untightened(ch, err)
		return errRejected
	}
	// Glean does not have it, perhaps because it was hidden a moment ago, or refuses its
	// permissions: it is written with them, or deleted if that fails.
	if c.plan.Hidden != nil {
		hidden, err := c.plan.Hidden()
		if err != nil {
			return err
		}
		if hidden != nil && hidden(ch.Encoded) {
			c.withhold(ch.Encoded)
			return errRejected
		}
	}
	if ch.Kept { // its content is not known: it is deleted, and the next run reads and writes it
		return c.lost(ctx, ch, err)
	}
	var whole api.Document
	if err := codec.Unmarshal(ch.Body, &whole); err != nil {
		return err
	}
	whole.Permissions = &permissions
	body, err := codec.Marshal(whole)
	if err != nil {
		return err
	}
	ch.Body = body
	return c.writeOne(ctx, ch)
}

// lost rejects and deletes a document whose content this run does not have and whose
// permissions Glean did not take.
func (c *changes) lost(ctx context.Context, ch component.Change, err error) error {
	why := refusal{reason: api.ReasonOf(err)}
	if err := c.refusals.add(ch.Stream, c.planned(ch.Stream), ch.Encoded, why,
		c.rejects(ch.Stream)); err != nil {
		return err
	}
	if err := c.remove(ctx, component.Change{Step: ch.Step, Stream: ch.Stream, Remove: true,
		Encoded: component.Encoded{ID: ch.ID, Ref: ch.Ref, Type: ch.Type}}); err != nil {
		return err
	}
	return errRejected
}

// untightened records a document that a tightening could not narrow.
func (c *changes) untightened(ch component.Change, err error) {
	c.mu.Lock()
	c.failed = append(c.failed, ch.Ref+": "+api.ReasonOf(err))
	c.mu.Unlock()
}

// notTightened is an error when there are documents that could not be narrowed.
func (c *changes) notTightened() error {
	if len(c.failed) == 0 {
		return nil
	}
	slices.Sort(c.failed)
	return fmt.Errorf("narrower permissions of %s were refused by Glean, and people find them as before: %s",
		display.Plural(len(c.failed), "document"), display.List(c.failed, display.Shown, "; "))
}

// remove deletes a document by its id, which succeeds if there is none.
func (c *changes) remove(ctx context.Context, ch component.Change) error {
	client := c.publisher.client
	if ch.Revoke {
		note, err := client.TakeAway(ctx, ch.ID, ch.Type)
		if note != "" {
			c.plan.Note("%s: %s", ch.Ref, note)
		}
		return err
	}
	return client.Send(ctx, api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: client.Datasource,
		ObjectType: ch.Type, ID: ch.ID})
}

// namedDocument is what names a document, and who finds it.
func namedDocument(body []byte) (d struct {
	ID          string          `json:"id"`
	ObjectType  string          `json:"objectType"`
	Permissions api.Permissions `json:"permissions"`
}, err error) {
	err = codec.Unmarshal(body, &d)
	return d, err
}
