package component

import (
	"context"
	"iter"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
)

// Step is a step of publishing changes. A step begins when all requests of the step before it
// were acknowledged. At no time can a person find an item that neither its old nor its new
// permissions allow them to find.
type Step uint8

// The steps.
const (
	Narrow Step = iota // items with permissions are deleted, or narrowed to those who can find them before and after
	Cut                // groups are reduced to the members that stay; users that are removed or inactive are deactivated
	Grow               // users and groups are written, groups with all their members
	Write              // items with permissions that are new or changed are written
	Widen              // items with no other change get their final permissions
	Drop               // users and groups are deleted
	Steps              // the number of steps
)

// String returns the word for the step in the log.
func (s Step) String() string {
	return [...]string{"narrow", "cut", "grow", "write", "widen", "drop", "?"}[min(s, Steps)]
}

// Change is what one step does with one item.
type Change struct {
	Step   Step
	Stream string
	// Remove means that the item is deleted and Body is nil. In the step Cut it means that the
	// item is a user to deactivate (the step Drop deletes it) or a group.
	Remove bool
	// Revoke marks an item that is removed because no one may find it any more. The sink first
	// takes it from everyone, since deletion may take a while.
	Revoke bool
	// Encoded is the final state of the item. Body is valid until the next change.
	Encoded
	// Grant is the final audience of the item, or the final members of a group, as hashes of
	// principals. To is the audience or the members after this step.
	Grant, To access.Grant
	// Number identifies the change in Changes.Told. It is 0 when a later step changes the item
	// again.
	Number int
}

// StepCount is the number of changes of one step in one stream.
type StepCount struct {
	Step   Step
	Stream string
	Remove bool
	N      int
}

// Changes is the difference between a plan and what the sink was last sent.
type Changes struct {
	Counts []StepCount
	// Unknown is the number of items to delete whose IDs are not known because a baseline of an
	// earlier version does not hold them. Only a full publish deletes them.
	Unknown int
	// Each returns the changes of a step, in the order of the plan's streams. The sequence can
	// be ranged over more than once.
	Each func(Step) iter.Seq2[Change, error]
	// Told records that a change was acknowledged. It may be called from many goroutines.
	Told func(Change)
	// Differs reports whether an item of the plan has any change.
	Differs func(stream, id string) bool
}

// Count returns the number of changes of the given steps.
func (c *Changes) Count(steps ...Step) int {
	n := 0
	for _, one := range c.Counts {
		for _, s := range steps {
			if one.Step == s {
				n += one.N
			}
		}
	}
	return n
}

// Empty reports whether there are no changes.
func (c *Changes) Empty() bool { return len(c.Counts) == 0 }

// Estimate is the expected duration of publishing, by the rate limits of the sink.
type Estimate struct {
	Whole   time.Duration // everything
	Changes time.Duration // only what changed
	First   time.Duration // the steps Narrow and Cut ahead of a full publish
}

// Changer is the optional capability of a session to publish only what changed; see
// Plan.Changes.
type Changer interface {
	Estimate(plan *Plan) Estimate
}

// Encoding is the optional capability of a sink to identify how it encodes and declares items.
// When the returned string changes, everything is published anew.
type Encoding interface{ Encoding() string }

// ItemName identifies an item of a stream.
type ItemName struct{ ID, Type string }

// Location is the state of an item in the sink.
type Location uint8

// The states of an item.
const (
	Unsaid  Location = iota // not known: the item may be there
	Gone                    // not there
	Held                    // there, but not yet found as it was sent
	Indexed                 // there and found
)

// Locator is the optional capability of a session to report which items the sink holds.
type Locator interface {
	// Locate returns the state of each item, in the order of items.
	Locate(ctx context.Context, stream string, items []ItemName) ([]Location, error)
}
