package stage

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

// Stage is what a run would send, by stream, with what the review needs to know about each
// item. One goroutine writes it; it may be read after Flush.
type Stage struct {
	streams map[string]*staged
}

type staged struct {
	tags     *File // one tag per item
	bodies   *File // in the order of the tags
	withheld *File // refs and IDs; nil when there are none
	weight   int
	kept     int               // items whose content the stage does not have
	grouped  int               // number of items that name groups
	ids      map[string]string // ID → ref, of items whose ID differs from the ref
	types    map[string]int
	audience map[access.Audience]int
	rules    map[string]int
	refused  map[string]bool // IDs that the sink refused during publishing
	late     map[string]bool // IDs that were hidden during publishing
}

// Tag is the part of an item that the review and the baseline use.
type Tag struct {
	ID, Ref, Type, Rule string
	Content, Substance  uint64
	// Principal and Resolved are those of component.Encoded.
	Principal string
	Resolved  bool
	// Kept is that of component.Encoded.
	Kept bool
	access.Grant
}

// New returns an empty stage.
func New() *Stage { return &Stage{streams: map[string]*staged{}} }

func (s *Stage) stream(name string) (*staged, error) {
	if sh := s.streams[name]; sh != nil {
		return sh, nil
	}
	tags, err := Create("")
	if err != nil {
		return nil, err
	}
	bodies, err := Create("")
	if err != nil {
		tags.Close()
		return nil, err
	}
	sh := &staged{tags: tags, bodies: bodies, ids: map[string]string{}, types: map[string]int{},
		audience: map[access.Audience]int{}, rules: map[string]int{}, refused: map[string]bool{}, late: map[string]bool{}}
	s.streams[name] = sh
	return sh, nil
}

// Names returns the streams with staged or withheld items, sorted.
func (s *Stage) Names() []string { return slices.Sorted(maps.Keys(s.streams)) }

// Summary counts the staged items of a stream. Types, Audience and Rules exclude items that
// were taken back; Items, Grouped, Weight and Bytes include them.
type Summary struct {
	Items    int
	Grouped  int // items that name groups
	Weight   int
	Bytes    int64
	Types    map[string]int
	Audience map[access.Audience]int
	Rules    map[string]int
}

// Summary returns the counts of a stream; found is false for a stream that has nothing.
func (s *Stage) Summary(stream string) (_ Summary, found bool) {
	sh := s.streams[stream]
	if sh == nil {
		return Summary{}, false
	}
	return Summary{Items: sh.tags.Frames(), Grouped: sh.grouped, Weight: sh.weight, Bytes: sh.bodies.Bytes(),
		Types:    sh.types,
		Audience: sh.audience, Rules: sh.rules}, true
}

// Put stages an item. When its ID is already used, Put stages nothing and returns the ref of
// the item that has the ID. Of the item's texts it keeps only the ref. Refs are unique: an item
// whose ID equals its ref can only collide with one whose ID does not. known reports whether an
// ID is the ref of another record. Memory therefore does not grow with items whose ID is their
// ref.
func (s *Stage) Put(stream string, e component.Encoded, weight int, known func(ref string) bool) (taken string,
	err error) {
	sh, err := s.stream(stream)
	if err != nil {
		return "", err
	}
	if ref, ok := sh.ids[e.ID]; ok {
		return ref, nil
	}
	if e.ID != e.Ref {
		if known(e.ID) {
			return e.ID, nil
		}
		sh.ids[strings.Clone(e.ID)] = e.Ref
	}
	sh.weight += weight
	if namesGroups(e) {
		sh.grouped++
	}
	if _, known := sh.types[e.Type]; !known {
		e.Type = strings.Clone(e.Type)
	}
	sh.types[e.Type]++
	if e.Audience != access.Undecided {
		sh.audience[e.Audience]++
		sh.rules[e.Rule]++
	}
	content := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, e.Content), e.Substance)
	class := []byte{byte(e.Audience), 0}
	if e.Resolved {
		class[1] |= isResolved
	}
	if e.Kept {
		class[1] |= isKept
		sh.kept++
	}
	class = append(class, e.Principal...)
	sets := access.HashSets(e.AllOf)
	if err := sh.tags.Append([]byte(e.ID), []byte(e.Ref), []byte(e.Type), class, []byte(e.Rule),
		content, access.PackNames(e.Principals, sets), access.PackSets(sets)); err != nil {
		return "", err
	}
	return "", sh.bodies.Append(e.Body)
}

// The bits of a tag.
const (
	isResolved = 1 << iota
	isKept
)

func namesGroups(e component.Encoded) bool {
	return len(e.AllOf) > 0 || slices.ContainsFunc(e.Principals, func(p string) bool {
		_, group := component.PrincipalName(p)
		return group
	})
}

// Withhold records that no one may find the item of a record. decided means that a rule grants
// no access, and not that its principals are unknown.
func (s *Stage) Withhold(stream, ref, id string, decided bool) error {
	sh, err := s.stream(stream)
	if err != nil {
		return err
	}
	if sh.withheld == nil {
		if sh.withheld, err = Create(""); err != nil {
			return err
		}
	}
	flag := []byte{0}
	if decided {
		flag[0] = 1
	}
	return sh.withheld.Append([]byte(ref), []byte(id), flag)
}

// Refuse removes an item from the counts after the sink refused it.
func (s *Stage) Refuse(stream string, e component.Encoded) {
	sh := s.streams[stream]
	sh.refused[e.ID] = true
	sh.uncount(e)
}

// WasRefused reports whether the sink refused an item.
func (s *Stage) WasRefused(stream, id string) bool {
	sh := s.streams[stream]
	return sh != nil && sh.refused[id]
}

// WithholdLate removes an item from the counts after it was hidden. It returns false for an
// item that was already removed.
func (s *Stage) WithholdLate(stream string, e component.Encoded) bool {
	sh := s.streams[stream]
	if sh.late[e.ID] || sh.refused[e.ID] {
		return false
	}
	sh.late[e.ID] = true
	sh.uncount(e)
	return true
}

// WasHidden reports whether an item was hidden after it was staged.
func (s *Stage) WasHidden(stream, id string) bool {
	sh := s.streams[stream]
	return sh != nil && sh.late[id]
}

// HiddenCount returns the number of items of a stream for which WasHidden returns true.
func (s *Stage) HiddenCount(stream string) int {
	if sh := s.streams[stream]; sh != nil {
		return len(sh.late)
	}
	return 0
}

func (sh *staged) uncount(e component.Encoded) {
	sh.types[e.Type]--
	if e.Audience != access.Undecided {
		sh.audience[e.Audience]--
		sh.rules[e.Rule]--
	}
}

// Flush makes all staged items readable.
func (s *Stage) Flush() error {
	for _, name := range s.Names() {
		sh := s.streams[name]
		for _, f := range []*File{sh.tags, sh.bodies, sh.withheld} {
			if f == nil {
				continue
			}
			if err := f.Flush(); err != nil {
				return fmt.Errorf("stream %s: %w", name, err)
			}
		}
		sh.ids = nil
	}
	return nil
}

// Close frees the disk space.
func (s *Stage) Close() {
	for _, sh := range s.streams {
		sh.tags.Close()
		sh.bodies.Close()
		if sh.withheld != nil {
			sh.withheld.Close()
		}
	}
}

// Plan returns a stream in the form for review and publishing.
func (s *Stage) Plan(stream string) component.StreamPlan {
	p := component.StreamPlan{Name: stream, Types: map[string]int{}, Audience: map[access.Audience]int{},
		Items:   func(func(component.Encoded, error) bool) {},
		Content: func(func(component.Encoded, error) bool) {},
		Ordered: func(func([]byte, error) bool) {}, Withheld: s.withheldItems(stream)}
	sh := s.streams[stream]
	if sh == nil {
		return p
	}
	p.Weight = sh.weight
	p.Count, p.Bytes, p.Types, p.Audience = sh.tags.Frames(), sh.bodies.Bytes(), sh.types, sh.audience
	p.Kept = sh.kept
	p.Items, p.Content, p.Ordered = sh.items(), sh.content(), sh.ordered()
	return p
}

// Tags yields the tags of a stream.
func (s *Stage) Tags(stream string) iter.Seq2[Tag, error] {
	sh := s.streams[stream]
	if sh == nil {
		return func(func(Tag, error) bool) {}
	}
	return sh.each()
}

// Withheld is an item that no one may find; Decided means that a rule grants no access.
type Withheld struct {
	Ref, ID string
	Decided bool
}

// withheldItems yields the refs and IDs of a stream's withheld items.
func (s *Stage) withheldItems(stream string) iter.Seq2[component.Encoded, error] {
	return func(yield func(component.Encoded, error) bool) {
		for u, err := range s.Withheld(stream) {
			if !yield(component.Encoded{Ref: u.Ref, ID: u.ID}, err) {
				return
			}
		}
	}
}

// Withheld yields the withheld items of a stream.
func (s *Stage) Withheld(stream string) iter.Seq2[Withheld, error] {
	return func(yield func(Withheld, error) bool) {
		sh := s.streams[stream]
		if sh == nil || sh.withheld == nil {
			return
		}
		for rd := sh.withheld.Reader(); ; {
			p, err := rd.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Withheld{}, err)
				return
			}
			if len(p) != 3 || len(p[2]) != 1 {
				yield(Withheld{}, errItem)
				return
			}
			if !yield(Withheld{string(p[0]), string(p[1]), p[2][0] != 0}, nil) {
				return
			}
		}
	}
}

func (sh *staged) each() iter.Seq2[Tag, error] {
	return func(yield func(Tag, error) bool) {
		words := map[string]string{} // types and rules repeat
		word := func(b []byte) string {
			w, ok := words[string(b)]
			if !ok {
				w = string(b)
				words[w] = w
			}
			return w
		}
		for rd := sh.tags.Reader(); ; {
			p, err := rd.Next()
			if err == io.EOF {
				return
			}
			if err != nil || len(p) != 8 || len(p[3]) < 2 || len(p[5]) != 16 || len(p[6])%8 != 0 || len(p[7])%8 != 0 {
				yield(Tag{}, errItem)
				return
			}
			sets, ok := access.UnpackSets(p[7])
			if !ok {
				yield(Tag{}, errItem)
				return
			}
			t := Tag{ID: string(p[0]), Ref: string(p[1]), Type: word(p[2]), Rule: word(p[4]),
				Content: binary.BigEndian.Uint64(p[5]), Substance: binary.BigEndian.Uint64(p[5][8:]),
				Resolved: p[3][1]&isResolved != 0, Kept: p[3][1]&isKept != 0, Principal: string(p[3][2:]),
				Grant: access.Grant{Audience: access.Audience(p[3][0]), Names: access.UnpackNames(p[6]), Sets: sets}}
			if !yield(t, nil) {
				return
			}
		}
	}
}

var errItem = fmt.Errorf("stage file is damaged")

// OrderKey returns the key by which StreamPlan.Ordered sorts items.
func OrderKey(ref, id string) string {
	if id == ref {
		return ref
	}
	return ref + "\x00" + id
}

// ordered yields the bodies of the items that are not kept, ordered by ref and ID.
func (sh *staged) ordered() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		keys := func(yield func(string, error) bool) {
			for t, err := range sh.each() {
				key := OrderKey(t.Ref, t.ID)
				if t.Kept {
					key = "" // before all others
				}
				if !yield(key, err) {
					return
				}
			}
		}
		n := 0
		for body, err := range sh.bodies.InOrder(keys) {
			if err == nil && len(body) != 1 {
				err = errItem
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if n++; n <= sh.kept {
				continue
			}
			if !yield(body[0], nil) {
				return
			}
		}
	}
}

// content yields the items that are not kept.
func (sh *staged) content() iter.Seq2[component.Encoded, error] {
	return sh.chosen(func(t Tag) bool { return !t.Kept })
}

// items yields all items, and an error when some of them are kept: their content is not here, and
// an upload of the others would delete them (invariant 4).
func (sh *staged) items() iter.Seq2[component.Encoded, error] {
	if sh.kept == 0 {
		return sh.content()
	}
	return func(yield func(component.Encoded, error) bool) {
		for e, err := range sh.content() {
			if !yield(e, err) || err != nil {
				return
			}
		}
		yield(component.Encoded{}, fmt.Errorf("%d items were not read and cannot be sent: a whole upload would delete them",
			sh.kept))
	}
}

// Chosen yields the items of a stream whose tags want accepts. The Body of an item is valid
// until the next one.
func (s *Stage) Chosen(stream string, want func(Tag) bool) iter.Seq2[component.Encoded, error] {
	sh := s.streams[stream]
	if sh == nil {
		return func(func(component.Encoded, error) bool) {}
	}
	return sh.chosen(want)
}

func (sh *staged) chosen(want func(Tag) bool) iter.Seq2[component.Encoded, error] {
	return func(yield func(component.Encoded, error) bool) {
		rd := sh.bodies.Reader()
		for t, err := range sh.each() {
			var body [][]byte
			if err == nil {
				body, err = rd.Next()
			}
			if err != nil || len(body) != 1 {
				yield(component.Encoded{}, errItem)
				return
			}
			if want(t) && !yield(component.Encoded{ID: t.ID, Ref: t.Ref, Type: t.Type, Audience: t.Audience, Rule: t.Rule,
				Principal: t.Principal, Content: t.Content, Substance: t.Substance, Resolved: t.Resolved, Kept: t.Kept,
				Body: body[0]},
				nil) {
				return
			}
		}
	}
}
