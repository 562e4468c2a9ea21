package main

import (
	"context"
	"encoding/json"
	"io"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// execution is a workflow execution with what Temporal recorded of it.
type execution struct {
	ID         string            `json:"id"`
	Run        string            `json:"run"`
	Type       string            `json:"type"`
	Status     string            `json:"status"`
	Queue      string            `json:"queue"`
	Started    time.Time         `json:"started"`
	Closed     time.Time         `json:"closed,omitzero"`
	Attributes map[string]string `json:"attributes"` // the search attributes, as JSON
	Bytes      int               `json:"bytes"`      // of the events, as the server sends them
	Events     []json.RawMessage `json:"events"`
}

// executions writes every execution of the namespace.
func executions(ctx context.Context, c client.Client, w io.Writer, events bool) error {
	var next []byte
	out := json.NewEncoder(w)
	for {
		list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: next})
		if err != nil {
			return err
		}
		for _, one := range list.Executions {
			e := execution{ID: one.Execution.WorkflowId, Run: one.Execution.RunId, Type: one.Type.Name,
				Status: one.Status.String(), Queue: one.TaskQueue, Started: one.StartTime.AsTime(),
				Attributes: map[string]string{}, Events: []json.RawMessage{}}
			if one.CloseTime != nil {
				e.Closed = one.CloseTime.AsTime()
			}
			for name, value := range one.SearchAttributes.GetIndexedFields() {
				e.Attributes[name] = string(value.Data)
			}
			if events {
				if err := e.read(ctx, c); err != nil {
					return err
				}
			}
			if err := out.Encode(e); err != nil {
				return err
			}
		}
		if next = list.NextPageToken; len(next) == 0 {
			return nil
		}
	}
}

func (e *execution) read(ctx context.Context, c client.Client) error {
	events := c.GetWorkflowHistory(ctx, e.ID, e.Run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		b, err := protojson.Marshal(event)
		if err != nil {
			return err
		}
		e.Events = append(e.Events, b)
		e.Bytes += proto.Size(event)
	}
	return nil
}

// planned is a schedule.
type planned struct {
	ID      string   `json:"id"`
	Paused  bool     `json:"paused"`
	Note    string   `json:"note"`
	Overlap string   `json:"overlap"`
	CatchUp string   `json:"catchUp"`
	Cron    []string `json:"cron"`
	Jitter  string   `json:"jitter"`
	Zone    string   `json:"zone"`
	Ran     int      `json:"ran"`     // runs that it began
	Missed  int      `json:"missed"`  // runs whose time passed outside the catch-up window
	Skipped int      `json:"skipped"` // runs that were left out because one was running
}

// schedules writes every schedule of the namespace.
func schedules(ctx context.Context, c client.Client, w io.Writer) error {
	list, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{PageSize: 100})
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	for list.HasNext() {
		one, err := list.Next()
		if err != nil {
			return err
		}
		d, err := c.ScheduleClient().GetHandle(ctx, one.ID).Describe(ctx)
		if err != nil {
			return err
		}
		p := planned{ID: one.ID, Paused: d.Schedule.State.Paused, Note: d.Schedule.State.Note,
			Overlap: d.Schedule.Policy.Overlap.String(), CatchUp: d.Schedule.Policy.CatchupWindow.String(),
			Cron: d.Schedule.Spec.CronExpressions, Jitter: d.Schedule.Spec.Jitter.String(), Zone: d.Schedule.Spec.TimeZoneName,
			Ran: d.Info.NumActions, Missed: d.Info.NumActionsMissedCatchupWindow, Skipped: d.Info.NumActionsSkippedOverlap}
		if err := out.Encode(p); err != nil {
			return err
		}
	}
	return nil
}
