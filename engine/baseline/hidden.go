package baseline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// HiddenName is the name of the file of the hidden list.
const HiddenName = ".hidden"

// Hidden is a ref whose items are hidden.
type Hidden struct {
	Ref string    `json:"ref"`
	At  time.Time `json:"at"`
	By  string    `json:"by,omitempty"`
	// IDs are the IDs of its hidden items. They stay hidden under any other ref.
	IDs []string `json:"ids,omitempty"`
	// Hashes are the hashes, in the form of HashText, of IDs that are known only from the last
	// good run.
	Hashes []string `json:"hashes,omitempty"`
	// Back is when the ref was let back; zero while it is hidden. The entry is kept until the
	// next good run, which must not count its items as wider.
	Back time.Time `json:"back,omitzero"`
}

// HashText returns the hash of an ID in the form of Hidden.Hashes.
func HashText(id uint64) string { return fmt.Sprintf("%016x", id) }

// IDHashes returns the hashes of all IDs that are hidden with the ref.
func (h Hidden) IDHashes() []uint64 {
	out := make([]uint64, 0, len(h.IDs)+len(h.Hashes))
	for _, id := range h.IDs {
		out = append(out, codec.Hash([]byte(id)))
	}
	for _, text := range h.Hashes {
		if n, err := strconv.ParseUint(text, 16, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// hiddenVersion is the version of the hidden list's format.
const hiddenVersion = 1

type hiddenFile struct {
	Version int      `json:"version"`
	Place   string   `json:"place"`
	Hidden  []Hidden `json:"hidden"`
}

// Hidden returns the place's hidden list, in the order in which refs were hidden. An unreadable
// list is an error, never an empty list: hidden items would reappear. Hidden may be called
// while UpdateHidden runs in another process.
func (s *Store) Hidden() ([]Hidden, error) {
	path := s.path(suffixHidden)
	b, err := s.readFile(suffixHidden)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the hidden list: %w", err)
	}
	var f hiddenFile
	if err := codec.Unmarshal(b, &f); err != nil || f.Version != hiddenVersion || f.Place != s.place {
		return nil,
			fmt.Errorf("%s is not the hidden list of %s: it is damaged, or of another datasource or format",
				path, s.place)
	}
	for _, h := range f.Hidden {
		if h.Ref == "" || len(h.IDHashes()) != len(h.IDs)+len(h.Hashes) {
			return nil, fmt.Errorf("%s is damaged: an entry has no ref, or a hash that is not a number", path)
		}
	}
	return f.Hidden, nil
}

// HiddenFile returns the path of the hidden list.
func (s *Store) HiddenFile() string { return s.path(suffixHidden) }

// hiddenWait is how long UpdateHidden waits for an update of another process, which takes
// milliseconds.
const hiddenWait = 10 * time.Second

// UpdateHidden reads the hidden list, calls change to get its new content, and replaces the
// file. A separate lock serializes updates; the place's Lock is not needed. When change returns
// an error, nothing is written.
func (s *Store) UpdateHidden(change func([]Hidden) ([]Hidden, error)) error {
	locked, unlock, err := s.files.Lock(".hidden-lock", hiddenWait)
	if err != nil {
		return fmt.Errorf("lock the hidden list %s: %w", s.path(suffixHidden), err)
	}
	defer unlock()
	s = &Store{files: locked, place: s.place}
	before, err := s.Hidden()
	if err != nil {
		return err
	}
	after, err := change(slices.Clone(before))
	if err != nil {
		return err
	}
	if after == nil {
		after = []Hidden{}
	}
	err = s.replaceFile(suffixHidden, func(w io.Writer) error {
		return writeLine(w, hiddenFile{Version: hiddenVersion, Place: s.place, Hidden: after})
	})
	if err != nil {
		return fmt.Errorf("write the hidden list: %w", err)
	}
	return nil
}
