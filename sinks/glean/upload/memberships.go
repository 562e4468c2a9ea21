package upload

import (
	"context"
	"fmt"
	"slices"

	"github.com/sourcegraph/conc/pool"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// memberships uploads the members of the wanted groups, several at a time. A group whose
// members need more than a page is uploaded alone, since it is not known whether Glean
// allows unfinished uploads of other groups at the same time. A group that Glean refused has
// no members.
func (p *publishing) memberships(ctx context.Context, wanted func(group string) bool) error {
	items := p.plan.Stream(api.StreamMemberships)
	if items == nil {
		return nil
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	workers := p.workers()
	err := p.eachGroup(ctx, items, wanted, func(m rawMembers, ref string) {
		send := func() {
			if err := p.membersOf(ctx, m, ref); err != nil {
				fail(err)
				return
			}
			p.plan.Sent(api.StreamMemberships, 1)
		}
		if !m.exceeds(p.publisher.cfg.Batch) {
			workers.Go(send)
			return
		}
		workers.Wait()
		send()
		workers = p.workers()
	})
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// workers returns a pool for the allowed number of concurrent requests.
func (p *publishing) workers() *pool.Pool {
	return pool.New().WithMaxGoroutines(p.publisher.cfg.Concurrency)
}

// eachGroup calls send with the members of each wanted group that Glean has not refused,
// until the run is stopped or ctx ends.
func (p *publishing) eachGroup(ctx context.Context, items *component.StreamPlan,
	wanted func(group string) bool, send func(m rawMembers, ref string)) error {
	for e, err := range items.Items {
		if err == nil {
			err = p.stopped()
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
		if !wanted(e.ID) {
			continue
		}
		if err := p.plan.StillHeld(); err != nil {
			return err
		}
		var m rawMembers
		if err := m.read(e.Body); err != nil {
			return err
		}
		if p.takes(&m) {
			send(m, e.Ref)
		}
	}
	return nil
}

// takes reports whether Glean accepts the members of a group: it did not refuse the group.
// It drops the members that Glean refused.
func (p *publishing) takes(m *rawMembers) bool {
	m.rows = slices.DeleteFunc(m.rows, p.refusedMember)
	return !p.refusals.has(api.StreamGroups, m.group)
}

// refusedMember reports whether a row names a user or group that Glean refused in this run.
func (p *publishing) refusedMember(row []byte) bool {
	var m api.Membership
	return codec.Unmarshal(row, &m) == nil && (p.refusals.has(api.StreamUsers, m.MemberUserID) ||
		p.refusals.has(api.StreamGroups, m.MemberGroupName))
}

// membersOf uploads the members of a group. A member that Glean refuses leaves the upload
// unfinished: Glean has no guard on the number of members that ending it would remove. Where the
// members are sent again after the users, it is left out: Glean may have lost the user.
func (p *publishing) membersOf(ctx context.Context, m rawMembers, ref string) error {
	u := p.upload(api.StreamMemberships, api.PathBulkIndexMemberships, len(m.rows))
	u.sent = func(int) {}
	u.place += `,"group":` + string(codec.Quote(nil, m.group))
	u.reject = func(_ component.Encoded, reason string) error {
		return fault.Errorf(fault.Permanent, "check in Glean's status of the datasource whether its users and "+
			"groups exist, and run again; the group keeps its old members",
			"Glean refuses a member: %s", reason)
	}
	if u.spare = p.again; u.spare {
		u.reject = p.rejects(api.StreamMemberships)
	}
	err := u.run(ctx, func(yield func(component.Encoded, error) bool) {
		for _, row := range m.rows {
			if !yield(component.Encoded{ID: string(row), Ref: ref, Body: row}, nil) {
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("upload the members of %s: %w", m.group, err)
	}
	return nil
}

// rawMembers is a staged membersOf, its rows as they are sent.
type rawMembers struct {
	group string
	rows  [][]byte
}

// exceeds reports whether the members need more than a page.
func (m *rawMembers) exceeds(b settings.Batch) bool {
	size := Envelope
	for _, row := range m.rows {
		size += len(row) + 1
	}
	return len(m.rows) > b.Documents || size > int(b.Bytes)
}

func (m *rawMembers) read(body []byte) error {
	return codec.Members(body, func(name string, value []byte) error {
		if name == "group" {
			m.group, _ = codec.Text(value)
			return nil
		}
		return codec.Elements(value, func(row []byte) error {
			m.rows = append(m.rows, append([]byte(nil), row...))
			return nil
		})
	})
}
