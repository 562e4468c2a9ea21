// Package operate implements operations outside a run: push a few records, hide documents,
// empty the sink's place, take a place over, move a state folder, and query the state of
// uploads. It uses package run to read and stage, and capabilities of the sink
// (component.Pusher, Hider, Purger) to send.
//
// A push is refused where a run would be refused (invariants 4 and 5). Hide waits for no run:
// it works while a run publishes, which reads the hidden list again.
package operate
