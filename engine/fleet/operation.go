package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"

	"go.temporal.io/sdk/client"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/folder"
	"github.com/pipe-engine/pipe/engine/fleet/schedules"
	"github.com/pipe-engine/pipe/engine/job"
)

// Operation is what a person does with a fleet: it has the connection and the folder.
type Operation struct {
	Fleet *folder.Fleet

	w   *Worker
	c   client.Client
	svc schedules.Service
	job job.Options
	log *slog.Logger
}

// Open reads the folder and connects to Temporal. dir replaces the folder of the worker's file; "" is
// that folder, whose checkout is then verified. The caller closes the Operation.
func (w *Worker) Open(ctx context.Context, dir string, o RunOptions) (*Operation, error) {
	if dir == "" {
		if dir = w.FleetFolder(); dir == "" {
			return nil, &fault.Invalid{Reason: "there is no folder of a fleet",
				Remedy: "write pipelines: DIR or git: in the worker's file"}
		}
		if checkout := w.Checkout(); checkout != nil {
			if err := checkout.Verify(ctx); err != nil {
				return nil, err
			}
		}
	}
	fleet, err := folder.Read(ctx, dir, o.Job.Lookup)
	if err != nil {
		return nil, err
	}
	c, err := w.connect(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	out := &Operation{Fleet: fleet, w: w, c: c, job: o.Job, log: o.Log}
	out.svc = schedules.Service{Client: c.ScheduleClient(), Keys: w.Keys}
	return out, nil
}

// Close ends the connection.
func (o *Operation) Close() { o.c.Close() }

// digest returns a short digest of a person's name: Temporal gets no names.
func digest(who string) string {
	if who == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("pipe fleet person\x00" + strings.ToLower(who)))
	return hex.EncodeToString(sum[:6])
}
