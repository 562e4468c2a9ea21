package component

import (
	"context"
	"iter"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
)

// Step is a step of publishing changes. The steps are taken in their order, each when all
// requests of the one before were acknowledged: at no time does somebody find an item who
// did not find it before and does not find it after.
type Step uint8

// The steps.
const (
	Narrow Step = iota // items with permissions are deleted, or found by those alone who find them before and after
	Cut                // groups keep the members that stay; users that go or are not active are deactivated
	Grow               // users and groups are written, groups with all their members
	Write              // items with permissions that are new or changed are written
	Widen              // items of which nothing else changed are found by all who find them after
	Drop               // users and groups are deleted
	Steps              // how many there are
)

// String is the word for the step in the log.
func (s Step) String() string {
	return [...]string{"narrow", "cut", "grow", "write", "widen", "drop", "?"}[min(s, Steps)]
}

// Change is what one step does about an item.
type Change struct {
	Step   Step
	Stream string
	// Remove means that the item is deleted; Body is nil then. In the step Cut it is a
	// user that is deactivated, since it is deleted later, or a group.
	Remove bool
	// Revoke marks an item that is removed since nobody may find it: it is taken from
	// everyone at once, as deletion may take a while.
	Revoke bool
	// Encoded is the item as it will be at last. Body is valid until the next change.
	Encoded
	// Grant is who finds the item at last, or the members that its group has, as hashes of
	// principals, and To is that after this step.
	Grant, To access.Grant
	// Number is the change's own in Changes.Told, 0 when the item changes again in a
	// later step.
	Number int
}

// StepCount is how many changes a step has in a stream.
type StepCount struct {
	Step   Step
	Stream string
	Remove bool
	N      int
}

// Changes are what differs between a plan and what the sink was last told.
type Changes struct {
	Counts []StepCount
	// Unknown are items that go and whose IDs are not known, as a baseline of an earlier
	// version does not say them: only a whole publish deletes them.
	Unknown int
	// Each gives the changes of a step, of the streams in the order of the plan. It can
	// be ranged over more than once.
	Each func(Step) iter.Seq2[Change, error]
	// Told reports that a change was acknowledged. It may be called from many goroutines.
	Told func(Change)
	// Differs reports whether anything differs of an item of the plan.
	Differs func(stream, id string) bool
}

// Count is how many changes some steps have.
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

// Empty reports whether nothing differs.
func (c *Changes) Empty() bool { return len(c.Counts) == 0 }

// Estimate is how long publishing takes by what the sink allows.
type Estimate struct {
	Whole   time.Duration // everything
	Changes time.Duration // what changed alone
	First   time.Duration // the steps Narrow and Cut, before everything is published
}

// Changer is the optional capability of a session to publish what changed; see
// Plan.Changes.
type Changer interface {
	Estimate(plan *Plan) Estimate
}

// Encoding is the optional capability of a sink to tell apart how it makes items and what
// it declares of them. When it changes, everything is published anew.
type Encoding interface{ Encoding() string }

// ItemName names an item of a stream.
type ItemName struct{ ID, Type string }

// Location is what a sink says of an item.
type Location uint8

// What a sink may say.
const (
	Unsaid  Location = iota // nothing: the item may be there
	Gone                    // it is not there
	Held                    // it is there, and may not be found yet as it was sent
	Indexed                 // it is there, and is found
)

// Locator is the optional capability of a session to say which items the sink holds.
type Locator interface {
	// Locate returns what the sink says of each item.
	Locate(ctx context.Context, stream string, items []ItemName) ([]Location, error)
}
