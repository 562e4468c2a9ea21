package schedules

import (
	"context"
	"fmt"
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

// fake keeps schedules as Temporal does: arguments and memos are encoded, and ranges are changed to
// another form of the same values.
type fake struct {
	client.ScheduleClient
	c     converter.DataConverter
	all   map[string]*client.ScheduleDescription
	wrote []string

	refused  error           // what Create returns
	unlisted map[string]bool // IDs that the list does not have yet
}

type handle struct {
	client.ScheduleHandle
	f  *fake
	id string
}

func (f *fake) encode(v any) *commonpb.Payload {
	p, err := f.c.ToPayload(v)
	if err != nil {
		panic(err)
	}
	return p
}

func (f *fake) store(s *client.Schedule) *client.Schedule {
	action := *s.Action.(*client.ScheduleWorkflowAction)
	if name, is := action.Workflow.(string); is {
		action.Workflow = name
	}
	for i, arg := range action.Args {
		action.Args = slices.Clone(action.Args)
		action.Args[i] = f.encode(arg)
	}
	spec := *s.Spec
	spec.Calendars = slices.Clone(spec.Calendars)
	for i := range spec.Calendars {
		spec.Calendars[i].Minute = slices.Clone(spec.Calendars[i].Minute)
		for j, r := range spec.Calendars[i].Minute {
			if r.Start == r.End {
				spec.Calendars[i].Minute[j] = client.ScheduleRange{Start: r.Start}
			}
		}
	}
	state := client.ScheduleState{}
	if s.State != nil {
		state = *s.State
	}
	return &client.Schedule{Action: &action, Spec: &spec, Policy: s.Policy, State: &state}
}

func (f *fake) Create(_ context.Context, o client.ScheduleOptions) (client.ScheduleHandle, error) {
	memo := &commonpb.Memo{Fields: map[string]*commonpb.Payload{}}
	for k, v := range o.Memo {
		memo.Fields[k] = f.encode(v)
	}
	if f.refused != nil {
		return nil, f.refused
	}
	f.all[o.ID] = &client.ScheduleDescription{Memo: memo, Schedule: *f.store(&client.Schedule{Action: o.Action,
		Spec:   &o.Spec,
		Policy: &client.SchedulePolicies{Overlap: o.Overlap, CatchupWindow: o.CatchupWindow},
		State:  &client.ScheduleState{Paused: o.Paused, Note: o.Note}})}
	f.wrote = append(f.wrote, "create "+o.ID)
	return handle{f: f, id: o.ID}, nil
}

func (f *fake) GetHandle(_ context.Context, id string) client.ScheduleHandle {
	return handle{f: f, id: id}
}

func (h handle) Describe(context.Context) (*client.ScheduleDescription, error) {
	d := h.f.all[h.id]
	if d == nil {
		return nil, serviceerror.NewNotFound("no schedule")
	}
	return d, nil
}

func (h handle) Update(_ context.Context, o client.ScheduleUpdateOptions) error {
	u, err := o.DoUpdate(client.ScheduleUpdateInput{Description: *h.f.all[h.id]})
	if err != nil {
		return err
	}
	h.f.all[h.id].Schedule = *h.f.store(u.Schedule)
	h.f.wrote = append(h.f.wrote, "change "+h.id)
	return nil
}

func (h handle) Pause(_ context.Context, o client.SchedulePauseOptions) error {
	return h.set(true, o.Note)
}

func (h handle) Unpause(_ context.Context, o client.ScheduleUnpauseOptions) error {
	return h.set(false, o.Note)
}

func (h handle) set(paused bool, note string) error {
	h.f.all[h.id].Schedule.State = &client.ScheduleState{Paused: paused, Note: note}
	h.f.wrote = append(h.f.wrote, fmt.Sprintf("paused %t %s", paused, h.id))
	return nil
}

func (h handle) Delete(context.Context) error {
	delete(h.f.all, h.id)
	h.f.wrote = append(h.f.wrote, "remove "+h.id)
	return nil
}

type list struct{ all []*client.ScheduleListEntry }

func (l *list) HasNext() bool { return len(l.all) > 0 }

func (l *list) Next() (*client.ScheduleListEntry, error) {
	one := l.all[0]
	l.all = l.all[1:]
	return one, nil
}

func (f *fake) List(context.Context, client.ScheduleListOptions) (client.ScheduleListIterator, error) {
	out := &list{}
	for id, d := range f.all {
		if f.unlisted[id] {
			continue
		}
		out.all = append(out.all, &client.ScheduleListEntry{ID: id, Memo: d.Memo})
	}
	return out, nil
}
