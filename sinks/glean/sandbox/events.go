package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// event is one thing that happened to a document.
type event struct {
	what string
	at   time.Time
}

// happened records an event of a document by its key; only the latest are kept.
func (x *source) happened(key, what string, at time.Time) {
	events := append(x.events[key], event{what, at})
	x.events[key] = events[max(0, len(events)-mostEvents):]
}

const (
	eventsPause   = time.Minute
	defaultEvents = 20
	mostEvents    = 100
	defaultDays   = 7
	mostDays      = 30
)

var debugEventsShape = shape{"objectType": text, "docId": text, "startDate": text, "maxEvents": integer}

// debugEvents lists what happened to a document, newest first.
func debugEvents(s *Server, datasource string, body []byte) (any, error) {
	var r api.DebugDocumentLifecycleRequest
	if err := read(debugEventsShape, body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(datasource)
	if err != nil {
		return nil, err
	}
	now := s.options.Now()
	since := now.AddDate(0, 0, -defaultDays)
	if r.StartDate != "" {
		if since, err = time.Parse(time.DateOnly, r.StartDate); err != nil || since.Before(now.AddDate(0, 0, -mostDays-1)) {
			return nil, bad("startDate: must be a day of the last %d, as 2006-01-02", mostDays)
		}
	}
	most := r.MaxEvents
	switch {
	case most == 0:
		most = defaultEvents
	case most < 0 || most > mostEvents:
		return nil, bad("maxEvents: must be 1 to %d", mostEvents)
	}
	if now.Sub(x.eventsAsked) < eventsPause {
		return nil, refuse(http.StatusTooManyRequests, "Rate limit exceeded: 1 request per minute for datasource %s",
			datasource)
	}
	x.eventsAsked = now
	out := api.DebugDocumentLifecycleResponse{LifeCycleEvents: []api.LifeCycleEvent{}}
	for _, e := range slices.Backward(x.events[strings.ToLower(r.DocID)]) {
		if len(out.LifeCycleEvents) < most && !e.at.Before(since) {
			out.LifeCycleEvents = append(out.LifeCycleEvents, api.LifeCycleEvent{Event: e.what, Timestamp: stamp(e.at)})
		}
	}
	return out, nil
}
