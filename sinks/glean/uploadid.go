package glean

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
)

// uploadID is a new name for an upload: PIPELINE-STREAM-RUN, and -2, -3 and so
// on behind it for the further ones of the stream in the run.
func (s *session) uploadID(u *upload) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named[u.stream]++
	id := fmt.Sprintf("%s-%s-%s", s.o.Pipeline, u.stream, s.o.RunID)
	if n := s.named[u.stream]; n > 1 {
		id += "-" + strconv.Itoa(n)
	}
	s.uploads[id] = u
	return id
}

// runOf is the run that the id of an upload names, when it is one of this
// pipeline's.
func runOf(pipeline, stream, id string) (run ulid.ULID, ours bool) {
	rest, ours := strings.CutPrefix(id, pipeline+"-"+stream+"-")
	text, number, numbered := strings.Cut(rest, "-")
	if _, err := strconv.ParseUint(number, 10, 32); numbered && err != nil {
		return run, false
	}
	run, err := ulid.ParseStrict(text)
	return run, ours && err == nil
}
