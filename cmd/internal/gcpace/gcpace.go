// Package gcpace paces the garbage collector of a program that runs for seconds or minutes
// in a small container: every program below cmd calls Pace once when it starts.
//
// Go starts the next collection when the heap has grown by a share of the live heap. With a
// small live heap that is often: a run over 20,000 records with GOGC=50 spends a fifth of
// its CPU on a hundred collections of a few MiB. Pace first lets the heap grow to a floor,
// and beyond that by a half of the live heap, or by a quarter if the live heap is large. The
// container has to have this memory.
package gcpace

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// growth is by how many percent of the live heap the heap grows before a collection.
	growth = 50
	// slow limits the growth of a large heap, in bytes: it grows by slow, or by half of
	// growth if that is more.
	slow = 16 << 20
	// most bounds the percentage for a small heap, which is collected often.
	most = 1000
)

// Pace starts the next collection when the heap has grown to the larger of floor, in bytes,
// and one and a half times the live heap, or one and a quarter beyond 64 MiB.
func Pace(floor uint64) {
	p := &pacer{floor: floor, samples: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
	}}
	p.adjust()
	p.afterCollection()
}

type pacer struct {
	floor   uint64
	samples []metrics.Sample
	percent int
}

// marker is unreachable, so its finalizer runs after each collection.
type marker struct{ p *pacer }

// afterCollection calls adjust after every collection.
func (p *pacer) afterCollection() {
	runtime.SetFinalizer(&marker{p}, func(m *marker) {
		m.p.adjust()
		m.p.afterCollection()
	})
}

func (p *pacer) adjust() {
	metrics.Read(p.samples)
	percent := percentOf(p.floor, p.samples[0].Value.Uint64(), p.samples[1].Value.Uint64()+p.samples[2].Value.Uint64())
	if math.Abs(float64(percent-p.percent)) > float64(p.percent)/20 { // setting it stops the world
		debug.SetGCPercent(percent)
		p.percent = percent
	}
}

// percentOf returns the GOGC with which the heap grows to the floor or beyond live as
// growth and slow say, whichever is larger. The collector adds that share of roots
// (stacks and globals) as well.
func percentOf(floor, live, roots uint64) int {
	room := live * growth / 100
	if room > slow {
		room = max(slow, room/2)
	}
	if floor > live+room {
		room = floor - live
	}
	if live+roots == 0 {
		return most
	}
	return int(min(most, max(room*100/(live+roots), growth/2)))
}
