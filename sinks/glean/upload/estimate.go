package upload

import (
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Estimate returns how long publishing takes by Glean's limits: of documents outside of
// uploads a minute, and of other requests a second.
func (s *Publisher) Estimate(plan *component.Plan) component.Estimate {
	var out component.Estimate
	requests := 0
	for _, stream := range plan.Streams {
		if stream.Own {
			requests += stream.Count
			continue
		}
		byCount := (stream.Count + s.cfg.Batch.Documents - 1) / s.cfg.Batch.Documents
		bySize := int(stream.Bytes / max(1, int64(s.cfg.Batch.Bytes)))
		requests += max(1, byCount, bySize)
	}
	out.Whole = s.seconds(requests)
	if plan.Changes == nil {
		return out
	}
	for _, c := range plan.Changes.Counts {
		took := s.seconds(c.N)
		if c.Step == component.Write && c.Stream == api.StreamDocuments {
			took = time.Duration(float64(c.N) / 10 * float64(time.Second))
		}
		out.Changes += took
		if c.Step <= component.Cut {
			out.First += took
		}
	}
	return out
}

// usualRate is the assumed number of requests a second if the file sets no limit.
const usualRate = 25

// seconds returns how long a number of requests takes.
func (s *Publisher) seconds(requests int) time.Duration {
	rate := s.cfg.RequestsPerSecond
	if rate <= 0 {
		rate = usualRate
	}
	return time.Duration(float64(requests) / rate * float64(time.Second))
}
