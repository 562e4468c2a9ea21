package fault

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Change is one change that a guard counted: an item that would be deleted, or one that more
// people would find.
type Change struct {
	Stream string `json:"stream"`
	Type   string `json:"type,omitempty"`
	// ID is HexID of the item's ID. It is empty for items that are known only from the sink's
	// own count, and for a stream of unknown size that would be emptied.
	ID  string `json:"id,omitempty"`
	Ref string `json:"ref,omitempty"` // for people; not part of the digest
	// Before and After are audiences: a class, and a hash of the principals if there are any.
	// After is Gone when the item would be deleted.
	Before string `json:"before,omitempty"`
	After  string `json:"after"`
	// N is the number of items of the change, or the number of members of a group.
	N int `json:"n"`
}

// The audiences of items without one: Gone for an item that is deleted, Unknown for an unknown
// item, and Added for an item that was not there before.
const (
	Gone    = "gone"
	Unknown = "unknown"
	Added   = "new"
)

// HexID returns the name of an item in a Change, made from the Hash of its ID.
func HexID(id uint64) string { return fmt.Sprintf("%016x", id) }

// Key returns the part of a change that the digest and approvals compare. A change without an
// ID has the same key for every N.
func (c Change) Key() string {
	return strings.Join([]string{c.Stream, c.Type, c.ID, c.Before, c.After}, "\t")
}

// SortChanges sorts changes and drops duplicates.
func SortChanges(all []Change) []Change {
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After), cmp.Compare(a.N, b.N))
	})
	return slices.CompactFunc(all, func(a, b Change) bool { a.Ref, b.Ref = "", ""; return a == b })
}

// idLength gives 60 bits, enough that another list with the same digest cannot be found by
// trying.
const idLength = 12

var (
	idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)
	idPattern  = regexp.MustCompile(`^[a-z2-7]{12}$`)
)

// Digest returns the ID of a refusal. Equal changes have the same ID in any order and on any
// machine.
func Digest(changes []Change) string {
	sum := sha256.New()
	for _, c := range SortChanges(slices.Clone(changes)) {
		for _, field := range []string{c.Stream, c.Type, c.ID, c.Before, c.After, strconv.Itoa(c.N)} {
			fmt.Fprintf(sum, "%d:%s", len(field), field)
		}
	}
	return strings.ToLower(idEncoding.EncodeToString(sum.Sum(nil)))[:idLength]
}

// IsID reports whether a text has the form of a refusal's ID.
func IsID(text string) bool { return idPattern.MatchString(text) }

// Fingerprint returns a short hash of a Key.
func Fingerprint(key string) [2]uint64 {
	sum := sha256.Sum256([]byte(key))
	return [2]uint64{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}
