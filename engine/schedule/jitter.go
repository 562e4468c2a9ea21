package schedule

import (
	"hash/fnv"
	"time"

	"github.com/robfig/cron/v3"
)

// start returns when the run of a pipeline for a due time of the entry begins: at that time or up to
// the entry's jitter later. The delay follows from the name and the time, so a restart does not
// change it.
func (e Entry) start(pipeline string, due time.Time) time.Time {
	if e.Jitter <= 0 {
		return due
	}
	h := fnv.New64a()
	h.Write([]byte(pipeline))
	h.Write([]byte(due.UTC().Format(time.RFC3339)))
	return due.Add(time.Duration(mix(h.Sum64()) % uint64(e.Jitter.D())))
}

// shorter returns an interval between two due times of a valid line that is not longer than a
// jitter: then runs would be left out. It returns 0 when there is none. It counts in UTC, without the
// hour that a change of the clocks adds or leaves out.
func shorter(line cron.Schedule, from time.Time, jitter time.Duration) time.Duration {
	const most = 2000 // more than the minutes of a day: the hours of one day are those of all
	at := line.Next(from)
	for range most {
		next := line.Next(at)
		if next.IsZero() {
			return 0
		}
		if d := next.Sub(at); d <= jitter {
			return d
		}
		at = next
	}
	return 0
}

// mix spreads the bits of a hash; FNV leaves the high bits of similar texts alike.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
