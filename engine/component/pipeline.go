package component

import (
	"time"

	"github.com/pipe-engine/pipe/engine/expression"
)

// Pipeline is everything that a run needs, as the loader made it of a file.
type Pipeline struct {
	Name       string
	Language   *expression.Language
	Model      Model
	Source     Source
	Transforms []Transform
	Mapper     Mapper
	Decider    Decider
	Streams    []Stream
	Sink       Sink
	// Unwritten tells why a stream is not written by this run; "" when it is.
	Unwritten func(stream string) string
	// Offline means that the sink cannot be asked for anything.
	Offline bool
	Publish Publish
	// OnRefusal is what a run does that a guard refuses.
	OnRefusal OnRefusal
	Limits    Limits
	// KeepAudit is how long the events of the audit ledger are kept; 0 is the default.
	KeepAudit time.Duration
	// Fingerprint tells configurations apart; "" when it is not known.
	Fingerprint string
}

// Publish is what a run sends of what it has made.
type Publish struct {
	Mode PublishMode
	// FullEvery is how long after everything was published it is published again, in
	// PublishAuto; 0 means never for that alone.
	FullEvery time.Duration
}

// PublishMode is whether a run sends everything or what changed.
type PublishMode string

// The modes. The zero value is PublishAuto.
const (
	PublishAuto    PublishMode = "auto"    // what changed, when that is known and faster
	PublishFull    PublishMode = "full"    // everything
	PublishChanges PublishMode = "changes" // what changed, or the run fails
)

// OnRefusal is what a run does that a guard refuses.
type OnRefusal string

// What a refused run does. The zero value is Stop.
const (
	Stop    OnRefusal = "stop"    // it sends nothing
	Tighten OnRefusal = "tighten" // it sends what narrowed by decision
)

// Limits are the bounds of a run and the thresholds of its guards.
type Limits struct {
	Workers    int           // goroutines that decode, map and encode
	BatchCount int           // records in one batch
	BatchBytes int           // bytes of raw records in one batch
	SpillBytes int           // raw records of a phase kept in memory; beyond that they wait on disk
	Timeout    time.Duration // of the whole run, 0 means none

	MaxRejected Bound
	MaxLoss     Bound
	MaxWiden    Bound
	// MaxGrowth bounds the newcomers of a group: a share of those who could find its
	// documents, or a number of people.
	MaxGrowth Bound
}

// DefaultLimits suits two cores and a hundred megabytes.
func DefaultLimits() Limits {
	return Limits{
		Workers: 2, BatchCount: 500, BatchBytes: 512 << 10, SpillBytes: 8 << 20,
		MaxRejected: Bound{Share: 0.01, Items: 100},
		MaxLoss:     Bound{Share: 0.20, Items: 20},
		MaxWiden:    Bound{Share: 0.01, Items: 20},
		MaxGrowth:   Bound{Share: 0.25, Items: 20},
	}
}

// Bound is the threshold of a guard: the larger of a share of the whole and a
// number of items. The zero Bound allows none.
type Bound struct {
	Share float64
	Items int
}

// Exceeded reports whether n of total is over the bound.
func (b Bound) Exceeded(n, total int) bool {
	return n > b.Items && float64(n) > b.Share*float64(total)
}

// Stream finds a stream of the sink by name; found is false for one that a session
// stages of its own.
func (p *Pipeline) Stream(name string) (_ Stream, found bool) {
	for _, s := range p.Streams {
		if s.Name == name {
			return s, true
		}
	}
	return Stream{}, false
}

// Off tells whether nothing of a kind is written.
func (p *Pipeline) Off(kind string) bool {
	for _, ph := range p.Model.Phases() {
		for _, k := range ph.Kinds {
			if k.Name == kind {
				return k.Off
			}
		}
	}
	return true
}

// OnlyIdentities tells whether no stream beyond identities is written, so that
// the later phases need not be read.
func (p *Pipeline) OnlyIdentities() bool {
	for _, s := range p.Streams {
		if !s.Identities && p.Unwritten(s.Name) == "" {
			return false
		}
	}
	return true
}
