// Package operate is what people do outside a run: push a few records, hide documents,
// empty the sink's place, take a place over, move a state folder, and ask what became
// of uploads. It uses package run to read and stage; what it sends goes through the
// capabilities of a sink (component.Pusher, Hider, Purger).
//
// A push is refused where a run would be (invariants 4 and 5). Hide waits for nothing:
// it works while a run publishes, which reads the hidden list again.
package operate
