package sandbox

import (
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// processingPause is how long Glean makes wait between two calls of
// processalldocuments.
const processingPause = 3 * time.Hour

// datasourceOrAll reads a request that may name a datasource; no body is none.
func datasourceOrAll(body []byte) (string, error) {
	var r api.ProcessAllDocumentsRequest
	if len(body) == 0 {
		return "", nil
	}
	return r.Datasource, read(getDatasourceConfigShape, body, &r)
}

// each runs do on one datasource, or on all. The caller holds mu.
func (s *Server) each(datasource string, do func(*source)) error {
	if datasource == "" {
		for _, x := range s.sources {
			do(x)
		}
		return nil
	}
	x, err := s.source(datasource)
	if err == nil {
		do(x)
	}
	return err
}

// processAllDocuments makes waiting changes of documents take effect. A call for all
// datasources blocks each of them, one for a datasource blocks only that one.
func processAllDocuments(s *Server, _ string, body []byte) (any, error) {
	datasource, err := datasourceOrAll(body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	last := s.processedAll
	if datasource != "" {
		x, err := s.source(datasource)
		if err != nil {
			return nil, err
		}
		if x.asked.After(last) {
			last = x.asked
		}
		if now.Sub(last) >= processingPause {
			x.asked = now
		}
	}
	if now.Sub(last) < processingPause {
		return nil, refuse(http.StatusTooManyRequests, "Rate limit exceeded: documents were processed less than 3 hours ago")
	}
	if datasource == "" {
		s.processedAll = now
	}
	return nil, s.each(datasource, func(x *source) {
		x.processed = append(x.processed, now)
		x.settle(now)
		x.indexing.process(now)
		x.count(x.rules, now)
	})
}

// processAllMemberships makes waiting changes of users, groups and memberships take effect.
func processAllMemberships(s *Server, _ string, body []byte) (any, error) {
	datasource, err := datasourceOrAll(body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	return nil, s.each(datasource, func(x *source) {
		x.identities = append(x.identities, now)
		x.settle(now)
		x.resolving.process(now)
	})
}

// processing are processing runs, newest first.
func processing(at []time.Time) []api.ProcessingEvent {
	out := []api.ProcessingEvent{}
	for i := len(at) - 1; i >= 0; i-- {
		out = append(out, api.ProcessingEvent{StartTime: stamp(at[i]), EndTime: stamp(at[i])})
	}
	return out
}
