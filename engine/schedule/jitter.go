package schedule

import (
	"hash/fnv"
	"time"
)

// Start returns when the run of a pipeline begins: the due time and a delay of at most the
// entry's jitter. The delay follows from the name and the time, so a restart does not change it.
func (d Due) Start(pipeline string) time.Time {
	if d.jitter <= 0 {
		return d.At
	}
	h := fnv.New64a()
	h.Write([]byte(pipeline))
	h.Write([]byte(d.At.UTC().Format(time.RFC3339)))
	return d.At.Add(time.Duration(mix(h.Sum64()) % uint64(d.jitter)))
}

// mix spreads the bits of a hash; FNV leaves the high bits of similar texts alike.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
