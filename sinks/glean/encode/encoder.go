package encode

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// Encoder encodes the items of one run. It holds users and groups until Seal, and encodes
// documents immediately.
type Encoder struct {
	schema  *settings.Schema
	names   Naming
	limit   int                      // of a document, in bytes
	written func(stream string) bool // Opening.Written
	skipped *skipped

	mu     sync.Mutex // of users and groups
	users  []heldUser // until seal
	groups []heldGroup

	// Set by seal and only read afterwards.
	userNames  map[string]string // ref of a user → how Glean names it
	groupNames map[string]string // ref of a group → its name
	inactive   map[string]bool   // refs of users who are not active
	reach      map[string]bool   // names of groups that an active user is in
}

// New makes an encoder; limit is how large a document may be that is not
// cut, and written is Opening.Written.
func New(schema *settings.Schema, limit int, written func(stream string) bool) *Encoder {
	return &Encoder{schema: schema, names: Naming{schema.ByEmail}, limit: limit, written: written, skipped: newSkipped()}
}

// DocumentID is how the engine compares the id of a document, which has no case.
func DocumentID(id string) string { return strings.ToLower(id) }

// ID is the id that a document would have.
func (s *Encoder) ID(item *component.Item) string {
	for _, f := range item.Fields {
		if id, ok := f.Value.(string); ok && f.Name == "id" {
			return DocumentID(id)
		}
	}
	return ""
}

// Encode holds users and groups and makes documents.
func (s *Encoder) Encode(item *component.Item) (e component.Encoded, kept bool, err error) {
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
	return fault.Reject(fault.StageEncode, field, format, args...)
}

// Notes returns the sentences about the whole run.
func (s *Encoder) Notes() []string {
	notes := s.skipped.notes(len(s.userNames) - len(s.inactive))
	if s.schema.Lender != "" {
		notes = append(notes, fmt.Sprintf("the datasource %s provides users and groups: none are sent, and the "+
			"users and groups that documents name are not looked up there", s.schema.Lender))
	}
	return notes
}
