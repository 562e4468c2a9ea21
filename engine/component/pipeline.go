package component

import (
	"time"

	"github.com/pipe-engine/pipe/engine/expression"
)

// Pipeline is everything that a run needs. The loader builds it from a pipeline file.
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
	// Unwritten returns why this run does not write a stream; "" when it does.
	Unwritten func(stream string) string
	// Offline means that no request may be made to the sink.
	Offline bool
	Publish Publish
	// OnRefusal is what a run does when a guard refuses it.
	OnRefusal OnRefusal
	Limits    Limits
	// KeepAudit is how long the audit ledger keeps events; 0 means the default.
	KeepAudit time.Duration
	// Fingerprint identifies the configuration; "" when it is not known.
	Fingerprint string
}

// Publish is which items a run sends.
type Publish struct {
	Mode PublishMode
	// FullEvery is the time after which PublishAuto publishes everything again; 0 means that
	// the time alone never causes it.
	FullEvery time.Duration
}

// PublishMode is whether a run sends everything or only what changed.
type PublishMode string

// The modes. The zero value is PublishAuto.
const (
	PublishAuto    PublishMode = "auto"    // what changed, when that is known and faster; else everything
	PublishFull    PublishMode = "full"    // everything
	PublishChanges PublishMode = "changes" // what changed, or the run fails
)

// OnRefusal is what a run does when a guard refuses it.
type OnRefusal string

// The actions of a refused run. The zero value means Stop.
const (
	Stop    OnRefusal = "stop"    // send nothing
	Tighten OnRefusal = "tighten" // send only access that was narrowed by a permission decision
)

// Limits are the bounds of a run and the thresholds of its guards.
type Limits struct {
	Workers    int           // goroutines that decode, map and encode
	BatchCount int           // records in one batch
	BatchBytes int           // bytes of raw records in one batch
	SpillBytes int           // raw records of a phase kept in memory; the rest is spilled to disk
	Timeout    time.Duration // of the whole run, 0 means none

	MaxRejected Bound
	MaxLoss     Bound
	MaxWiden    Bound
	// MaxGrowth bounds the new members of a group: by a share of the people who could find its
	// documents, or by a number of people.
	MaxGrowth Bound
	// Approvers is how many people must approve a refusal that opens documents to everybody or
	// has very many changes; see guard.Approvers.
	Approvers int
}

// DefaultLimits returns limits for a machine with two cores and 100 MB of memory.
func DefaultLimits() Limits {
	return Limits{
		Workers: 2, BatchCount: 500, BatchBytes: 512 << 10, SpillBytes: 8 << 20,
		MaxRejected: Bound{Share: 0.01, Items: 100},
		MaxLoss:     Bound{Share: 0.20, Items: 20},
		MaxWiden:    Bound{Share: 0.01, Items: 20},
		MaxGrowth:   Bound{Share: 0.25, Items: 20},
		Approvers:   1,
	}
}

// Bound is the threshold of a guard: the larger of a share of the total and a number of items.
// The zero Bound allows none.
type Bound struct {
	Share float64
	Items int
}

// Exceeded reports whether n of total exceeds the bound.
func (b Bound) Exceeded(n, total int) bool {
	return n > b.Items && float64(n) > b.Share*float64(total)
}

// Stream returns a stream of the sink by name. found is false for a stream of the session's
// own.
func (p *Pipeline) Stream(name string) (_ Stream, found bool) {
	for _, s := range p.Streams {
		if s.Name == name {
			return s, true
		}
	}
	return Stream{}, false
}

// Off reports whether no record of a kind is written.
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

// OnlyIdentities reports whether this run writes only streams of identities, in which case
// later phases need not be read.
func (p *Pipeline) OnlyIdentities() bool {
	for _, s := range p.Streams {
		if !s.Identities && p.Unwritten(s.Name) == "" {
			return false
		}
	}
	return true
}
