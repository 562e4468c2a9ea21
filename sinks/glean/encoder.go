package glean

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// encoder makes of one run's items what is sent. It holds users and groups until
// seal, and makes a document at once.
type encoder struct {
	schema  *settings.Schema
	names   naming
	limit   int                      // of a document, in bytes
	written func(stream string) bool // Opening.Written
	skipped *skipped

	mu     sync.Mutex // of users and groups
	users  []heldUser // until seal
	groups []heldGroup

	// Set by seal and only read afterwards.
	people map[string]string // ref of a user → how Glean names it
	teams  map[string]string // ref of a group → its name
	gone   map[string]bool   // refs of users who are not active
	reach  map[string]bool   // names of groups that an active user is in
}

// newEncoder makes an encoder; limit is how large a document may be that is not
// cut, and written is Opening.Written.
func newEncoder(schema *settings.Schema, limit int, written func(stream string) bool) *encoder {
	return &encoder{schema: schema, names: naming{schema.ByEmail}, limit: limit, written: written, skipped: newSkipped()}
}

// id is the id that a document would have.
func (s *encoder) id(item *component.Item) string {
	for _, f := range item.Fields {
		if id, ok := f.Value.(string); ok && f.Name == "id" {
			return strings.ToLower(id)
		}
	}
	return ""
}

// encode holds users and groups and makes documents.
func (s *encoder) encode(item *component.Item) (e component.Encoded, kept bool, err error) {
	switch item.Stream {
	case api.StreamUsers:
		return e, false, s.holdUser(item)
	case api.StreamGroups:
		return e, false, s.holdGroup(item)
	case api.StreamDocuments:
		e, err = s.document(item)
		return e, err == nil, err
	}
	return e, false, reject(item.Stream, "Glean has no such stream")
}

func reject(field, format string, args ...any) error {
	return fault.Reject("encode", field, format, args...)
}

// notes are the sentences about the whole run.
func (s *encoder) notes() []string {
	notes := s.skipped.notes(len(s.people) - len(s.gone))
	if s.schema.Lender != "" {
		notes = append(notes, fmt.Sprintf("users and groups are those of the datasource %s: none are sent, and whom documents name is not looked up there", s.schema.Lender))
	}
	return notes
}
