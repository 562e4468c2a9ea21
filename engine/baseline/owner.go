package baseline

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Owner identifies a state folder among all that write to a place. Its ID is part of every
// upload id, by which a run recognizes uploads of other folders.
type Owner struct {
	ID      string    `json:"owner"`
	Created time.Time `json:"created"`
	// Begun means that a run that found no items at the place began to publish: without a
	// baseline, the uploads of this owner are those of that run.
	Begun bool `json:"begun"`
	// Kept means that a baseline was written: a missing one was lost.
	Kept bool `json:"kept"`
}

type ownerFile struct {
	Version int    `json:"version"`
	Place   string `json:"place"`
	Owner
}

const ownerVersion = 1

// ownerID is the form of an owner id: 16 lowercase hexadecimal digits.
var ownerID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// NewOwnerID returns a random owner id.
func NewOwnerID() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// Owner reads the owner of the place; found is false when the folder has none yet. A damaged
// file is an error, never a new owner.
func (s *Store) Owner() (o Owner, found bool, err error) {
	path := s.path(".owner")
	b, err := s.readSealed(".owner")
	if errors.Is(err, ErrNotStored) {
		return o, false, nil
	}
	if err != nil {
		return o, false, fmt.Errorf("read the owner id: %w", err)
	}
	var f ownerFile
	switch err := codec.Unmarshal(b, &f); {
	case err == nil && f.Version > ownerVersion:
		return o, false,
			fmt.Errorf("the owner id in %s has format %d, but this version of pipe reads up to %d",
				path, f.Version, ownerVersion)
	case err != nil || !ownerID.MatchString(f.ID):
		return o, false, fmt.Errorf("read the owner id: %s is damaged", path)
	case f.Place != s.place:
		return o, false, fmt.Errorf("the owner id in %s belongs to %s", path, f.Place)
	}
	return f.Owner, true, nil
}

// SetOwner writes the owner of the place.
func (s *Store) SetOwner(o Owner) error {
	var b bytes.Buffer
	err := writeLine(&b, ownerFile{Version: ownerVersion, Place: s.place, Owner: o})
	if err == nil {
		err = s.writeSealed(".owner", b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write the owner id: %w", err)
	}
	return nil
}

// OwnerOf reads the owner of a place. When the folder has none yet, it returns one with the
// owner id of the baseline, or a new one, and writes it if write is true.
func OwnerOf(store *Store, base Baseline, write bool) (Owner, error) {
	o, found, err := store.Owner()
	if err != nil {
		return o, state.Explain(err, &fault.StateError{Err: err,
			Remedy: "restore the file from a copy, or remove it: the next run then uses the owner id from the baseline, " +
				"or creates a new one and asks for pipe adopt FILE"})
	}
	if found {
		return o, nil
	}
	o = Owner{ID: NewOwnerID(), Kept: base.Condition != Missing}
	if base.Snapshot != nil && base.Owner != "" {
		o.ID = base.Owner
	}
	if write {
		o.Created = time.Now().UTC()
		if err := store.SetOwner(o); err != nil {
			return o, Unusable(err)
		}
	}
	return o, nil
}

// OwnerOfPlace is OwnerOf for commands other than a run: it loads the baseline itself.
func OwnerOfPlace(store *Store) (Owner, error) {
	if o, found, err := store.Owner(); found && err == nil {
		return o, nil
	}
	base, err := store.Load()
	if err != nil {
		return Owner{}, Unreadable(err)
	}
	defer base.Close()
	return OwnerOf(store, base, true)
}
