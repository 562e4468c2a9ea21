package read

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sourcegraph/conc/stream"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/stage"
)

// maxGroup is the size of the records of one host that stay in memory until all of them were
// read; the rest is spilled to disk.
const maxGroup = 1 << 20

// attached reads a phase whose records belong to records of earlier phases. The records of a
// host enter the run together, when all of them were read, or not at all. It then carries over
// what stays in the sink.
func (a *reading) attached(ctx context.Context, ph component.Phase) error {
	source, can := a.p.Source.(component.Attacher)
	if !can { // such as a file of records
		return a.whole(ctx, ph)
	}
	if err := a.attachments.remember(a.last, a.chain.hidden, a.chain.hostOf); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	runner := a.newRunner(ctx, cancel, a.stepOthers(a.chain.others))
	err := a.groups(ctx, cancel, ph, source, runner)
	lineErr := runner.end()
	if cause := context.Cause(ctx); cause != nil { // the first of the errors
		return cause
	}
	if err := cmp.Or(lineErr, err); err != nil {
		return err
	}
	if err := a.carry(ctx); err != nil {
		return err
	}
	var kinds []string
	for _, k := range ph.Kinds {
		kinds = append(kinds, k.Name)
	}
	for _, note := range a.attachments.notes(strings.Join(kinds, ", ")) {
		a.note("%s", note)
	}
	return nil
}

// groups reads the records of all hosts, several hosts at a time, and processes them in the order
// of the hosts. A host without a delivered document is not read: none of its records could be
// delivered. The first error ends the reading.
func (a *reading) groups(ctx context.Context, cancel context.CancelCauseFunc, ph component.Phase,
	source component.Attacher, runner *batchRunner) error {
	hosts, atOnce := source.Hosts(ph)
	workers := stream.New().WithMaxGoroutines(max(1, atOnce))
	var failed error // written by callbacks, which run one at a time
	for _, host := range hosts {
		if ctx.Err() != nil {
			break
		}
		if a.chain.hosts.inherit(host).Audience == access.Undecided {
			a.attachments.end(host, component.Attached{})
			continue
		}
		workers.Go(func() stream.Callback {
			buffer := stage.NewSpillBuffer(maxGroup)
			got, err := a.readHost(ctx, ph, source, host, buffer)
			return func() {
				defer buffer.Close()
				if failed != nil {
					return
				}
				if err == nil {
					err = a.group(host, got, buffer, runner)
				}
				if err != nil {
					failed = fmt.Errorf("read what belongs to %s: %w", host, err)
					cancel(failed)
				}
			}
		})
	}
	workers.Wait()
	return failed
}

// group processes what was read of a host.
func (a *reading) group(host string, got component.Attached, records *stage.SpillBuffer, runner *batchRunner) error {
	a.attachments.end(host, got)
	if got.State != component.AttachedRead {
		return nil
	}
	defer func() { a.tick(a.progress()) }()
	return records.Drain(func(r *component.Record) error {
		if !a.ledger.Enter(r.Ref, r.Kind) {
			return nil
		}
		return runner.add(r)
	})
}

// readHost reads the records of a host into a buffer and checks that they are its own.
func (a *reading) readHost(ctx context.Context, ph component.Phase, source component.Attacher, host string,
	to *stage.SpillBuffer) (component.Attached, error) {
	mark := a.attachments.mark(host)
	got, err := source.ReadHost(ctx, ph, host, mark, func(_ context.Context, records []*component.Record) error {
		for _, r := range records {
			if of, attached := a.chain.hostOf(r.Ref); !attached || of != host {
				return fault.Errorf(fault.Permanent, "", "%s does not belong to it: this is a defect in the source", r.Ref)
			}
			if err := to.Add(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && got.State == component.AttachedSame && !mark.Valid {
		err = fault.Errorf(fault.Permanent, "", "it was to be read, and the source did not: this is a defect in the source")
	}
	return got, err
}

// follow carries over what is attached to the followed records.
func (a *reading) follow(ctx context.Context) error {
	if len(a.followed) == 0 || a.chain.hosts == nil {
		return nil
	}
	for _, host := range a.followed {
		a.attachments.end(host, component.Attached{})
	}
	if err := a.carry(ctx); err != nil || a.journal == nil {
		return err
	}
	for t := range a.journal.Items { // what an interrupted run sent
		host, attached := a.chain.hostOf(t.Ref)
		s, _ := a.p.Stream(t.Stream)
		if !attached || !s.Permissions || !t.There || !a.attachments.stays(host) || a.ledger.Knows(t.Ref) {
			continue
		}
		e := baseline.Entry{Stream: t.Stream, Ref: t.Ref, Kind: a.p.Model.KindOf(t.Ref), Type: t.Type,
			ID: codec.Hash([]byte(t.ID)), ClearID: t.ID, Audience: t.Most.Audience.String(), Names: t.Most.Names}
		if err := a.carryItem(e, a.chain.hosts.inherit(host), host); err != nil {
			return err
		}
	}
	return nil
}

// carry stages the items of the last good run that stay in the sink although they were not read,
// with the permissions that their hosts have now. Items of a host that is withheld are withheld,
// and those of a host that is not delivered go with it.
func (a *reading) carry(ctx context.Context) error {
	if a.last == nil {
		return nil
	}
	for e, err := range a.last.Entries() {
		if err != nil {
			return fmt.Errorf("read the state: %w", err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		host, attached := a.chain.hostOf(e.Ref)
		s, _ := a.p.Stream(e.Stream)
		if !attached || !s.Permissions || !e.Away.IsZero() || !a.attachments.stays(host) || a.ledger.Knows(e.Ref) ||
			a.p.Unwritten(e.Stream) != "" {
			continue
		}
		if err := a.carryItem(e, a.chain.hosts.inherit(host), host); err != nil {
			return err
		}
	}
	return nil
}

func (a *reading) carryItem(e baseline.Entry, from inherited, host string) error {
	id := cmp.Or(e.KnownID(), e.Ref)
	withhold := func(why string, decided bool) error {
		a.ledger.Enter(e.Ref, e.Kind)
		a.ledger.endItem(e.Stream, e.Ref, component.Withheld, why)
		return a.stage.Withhold(e.Stream, e.Ref, id, decided)
	}
	switch {
	case a.chain.hidden.Has(e.Ref, e.ID):
		return withhold(a.chain.hidden.Why(e.Ref, id), false)
	case from.ending == component.Withheld:
		return withhold(from.reason, from.decided)
	case from.Audience == access.Undecided, e.Audience == access.Nobody.String(): // gone, or never sent
		return nil
	}
	keeper, can := a.chain.session.(component.Keeper)
	if !can {
		return fault.Errorf(fault.Transient, "run again when it can be read",
			"what belongs to %s could not be read, and the sink accepts only complete uploads, which would delete it", host)
	}
	item := &component.Item{Stream: e.Stream, Ref: e.Ref, Kind: e.Kind, Permissions: from.Permissions}
	kept, err := keeper.Keep(item, id, e.Type)
	if err != nil {
		return err
	}
	if kept.Audience == access.Undecided || kept.Audience == access.Nobody { // invariant 2
		return withhold(ruleText(from.Rule)+": none of its users or groups is active in the index", false)
	}
	kept.Hash()
	names := access.UnpackNames(access.PackNames(kept.Principals, access.HashSets(kept.AllOf)))
	if kept.Audience.String() == e.Audience && slices.Equal(names, e.Names) {
		kept.Content = e.Content
	} else {
		kept.Content ^= codec.Hash([]byte(e.Ref))
	}
	kept.Kept, kept.Substance = true, cmp.Or(e.Substance, e.Content)
	a.ledger.Enter(e.Ref, e.Kind)
	a.attachments.add(host)
	_, err = a.keep(e.Stream, kept)
	return err
}

// Phase reads one phase of a source as a run would, and passes its records to emit. Before an
// attached phase it reads all earlier ones, which say what hosts there are. It returns why hosts
// could not be read.
func Phase(ctx context.Context, m component.Model, source component.Source, ph component.Phase, emit component.Emit) (
	unread map[string]string, err error) {
	attacher, can := source.(component.Attacher)
	if !ph.Attached || !can {
		return nil, source.Read(ctx, ph, emit)
	}
	for _, earlier := range m.Phases() {
		if !earlier.Attached {
			if err := source.Read(ctx, earlier, func(context.Context, []*component.Record) error { return nil }); err != nil {
				return nil, err
			}
		}
	}
	unread = map[string]string{}
	hosts, _ := attacher.Hosts(ph)
	for _, host := range hosts {
		got, err := attacher.ReadHost(ctx, ph, host, component.AttachedMark{}, emit)
		if err != nil {
			return nil, err
		}
		if got.State == component.AttachedUnread {
			unread[host] = got.Reason
		}
	}
	return unread, nil
}
