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

// Stage is what a run would send, by stream, with what review needs to know of each
// item. It is written by one goroutine and read after Flush.
type Stage struct {
	streams map[string]*staged
}

type staged struct {
	tags     *File // a tag for each item
	bodies   *File // in the order of the tags
	withheld *File // refs and IDs; nil when there are none
	weight   int
	grouped  int               // items that name groups
	ids      map[string]string // ID → ref, of the items whose ID is not the ref
	types    map[string]int
	audience map[access.Audience]int
	rules    map[string]int
	refused  map[string]bool // IDs that publishing took back
	late     map[string]bool // IDs that were hidden while they were published
}

// Tag is what review and the state know of an item.
type Tag struct {
	ID, Ref, Type, Rule string
	Content, Substance  uint64
	// Principal and Resolved are those of component.Encoded.
	Principal string
	Resolved  bool
	access.Grant
}

// New makes an empty stage.
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

// Names are the streams that have something staged or withheld, sorted.
func (s *Stage) Names() []string { return slices.Sorted(maps.Keys(s.streams)) }

// Summary counts what is staged of a stream. Types, Audience and Rules leave out what was
// taken back; Items, Grouped, Weight and Bytes count it.
type Summary struct {
	Items    int
	Grouped  int // those that name groups
	Weight   int
	Bytes    int64
	Types    map[string]int
	Audience map[access.Audience]int
	Rules    map[string]int
}

// Summary is that of a stream; found is false for one that has nothing.
func (s *Stage) Summary(stream string) (_ Summary, found bool) {
	sh := s.streams[stream]
	if sh == nil {
		return Summary{}, false
	}
	return Summary{Items: sh.tags.Frames(), Grouped: sh.grouped, Weight: sh.weight, Bytes: sh.bodies.Bytes(),
		Types:    sh.types,
		Audience: sh.audience, Rules: sh.rules}, true
}

// Put stages an item; when its ID is taken it returns the ref that took it and
// stages nothing. It keeps no text of the item but its ref. Refs are unique, so that an
// item whose ID is its own ref can only meet one whose ID is not, and known tells whether
// an ID is the ref of some other record: memory does not grow with the usual IDs.
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
		class[1] = 1
	}
	class = append(class, e.Principal...)
	sets := access.HashSets(e.AllOf)
	if err := sh.tags.Append([]byte(e.ID), []byte(e.Ref), []byte(e.Type), class, []byte(e.Rule),
		content, access.PackNames(e.Principals, sets), access.PackSets(sets)); err != nil {
		return "", err
	}
	return "", sh.bodies.Append(e.Body)
}

func namesGroups(e component.Encoded) bool {
	return len(e.AllOf) > 0 || slices.ContainsFunc(e.Principals, func(p string) bool {
		_, group := component.PrincipalName(p)
		return group
	})
}

// Withhold remembers that nobody may find what a record would have made. decided says
// that a rule says so, and not that nobody is known whom it names.
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

// Refuse drops an item's trace from the counts, after the sink refused it.
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

// WithholdLate drops an item's trace from the counts, as Refuse does, after a
// person hid it. It returns false for an item that was dropped before.
func (s *Stage) WithholdLate(stream string, e component.Encoded) bool {
	sh := s.streams[stream]
	if sh.late[e.ID] || sh.refused[e.ID] {
		return false
	}
	sh.late[e.ID] = true
	sh.uncount(e)
	return true
}

// WasHidden reports whether a person hid an item after it was staged.
func (s *Stage) WasHidden(stream, id string) bool {
	sh := s.streams[stream]
	return sh != nil && sh.late[id]
}

// HiddenCount is how many items of a stream WasHidden reports.
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

// Flush makes everything that was staged readable.
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

// Close gives the disk space back.
func (s *Stage) Close() {
	for _, sh := range s.streams {
		sh.tags.Close()
		sh.bodies.Close()
		if sh.withheld != nil {
			sh.withheld.Close()
		}
	}
}

// Plan is one stream as review and publishing see it.
func (s *Stage) Plan(stream string) component.StreamPlan {
	p := component.StreamPlan{Name: stream, Types: map[string]int{}, Audience: map[access.Audience]int{},
		Items:   func(func(component.Encoded, error) bool) {},
		Ordered: func(func([]byte, error) bool) {}, Withheld: s.withheldItems(stream)}
	sh := s.streams[stream]
	if sh == nil {
		return p
	}
	p.Weight = sh.weight
	p.Count, p.Bytes, p.Types, p.Audience = sh.tags.Frames(), sh.bodies.Bytes(), sh.types, sh.audience
	p.Items, p.Ordered = sh.items(), sh.ordered()
	return p
}

// Tags reads the tags of a stream back.
func (s *Stage) Tags(stream string) iter.Seq2[Tag, error] {
	sh := s.streams[stream]
	if sh == nil {
		return func(func(Tag, error) bool) {}
	}
	return sh.each()
}

// Withheld is an item that nobody may find; Decided means that a rule says so.
type Withheld struct {
	Ref, ID string
	Decided bool
}

// withheldItems are the refs and IDs of what nobody may find in a stream.
func (s *Stage) withheldItems(stream string) iter.Seq2[component.Encoded, error] {
	return func(yield func(component.Encoded, error) bool) {
		for u, err := range s.Withheld(stream) {
			if !yield(component.Encoded{Ref: u.Ref, ID: u.ID}, err) {
				return
			}
		}
	}
}

// Withheld are the items of a stream that nobody may find.
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
				Resolved: p[3][1] != 0, Principal: string(p[3][2:]),
				Grant: access.Grant{Audience: access.Audience(p[3][0]), Names: access.UnpackNames(p[6]), Sets: sets}}
			if !yield(t, nil) {
				return
			}
		}
	}
}

var errItem = fmt.Errorf("stage file is damaged")

// OrderKey is what StreamPlan.Ordered sorts items by.
func OrderKey(ref, id string) string {
	if id == ref {
		return ref
	}
	return ref + "\x00" + id
}

// ordered are the bodies in the order of refs and IDs.
func (sh *staged) ordered() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		keys := func(yield func(string, error) bool) {
			for t, err := range sh.each() {
				if !yield(OrderKey(t.Ref, t.ID), err) {
					return
				}
			}
		}
		for body, err := range sh.bodies.InOrder(keys) {
			if err == nil && len(body) != 1 {
				err = errItem
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(body[0], nil) {
				return
			}
		}
	}
}

func (sh *staged) items() iter.Seq2[component.Encoded, error] {
	return sh.chosen(func(Tag) bool { return true })
}

// Chosen reads the items of a stream back whose tags are wanted. The Body of an item is
// valid until the next one.
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
				Principal: t.Principal, Content: t.Content, Substance: t.Substance, Resolved: t.Resolved, Body: body[0]},
				nil) {
				return
			}
		}
	}
}
