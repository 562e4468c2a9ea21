// Package schedules makes Temporal Schedules from the schedule: blocks of a fleet's pipelines: it
// plans what to create, change and remove, and applies that.
//
// A schedule belongs to a fleet when its ID begins with the fleet's name and its memo says so. Other
// schedules are never changed or removed.
package schedules
