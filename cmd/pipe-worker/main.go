// Command pipe-worker runs many pipelines on Temporal: it takes runs from task queues, and makes and
// shows the schedules of a fleet.
package main

import (
	"github.com/pipe-engine/pipe/cmd/internal/components"
	workercli "github.com/pipe-engine/pipe/cmd/pipe-worker/cli"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
)

func main() { cli.MainOf(workercli.Program(), components.Registry()) }
