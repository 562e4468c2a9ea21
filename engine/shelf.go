package engine

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// shelf is the stage of a run: for each stream what will be sent, and beside it
// what review needs to know of each item. It is written by one goroutine and
// read after flush.
type shelf struct {
	streams map[string]*shelved
}

type shelved struct {
	tags     *stage.File // a tag for each item
	bodies   *stage.File // in the order of the tags
	withheld *stage.File // refs and IDs; nil when there are none
	weight   int
	ids      map[string]string // ID → ref, of the items whose ID is not the ref
	types    map[string]int
	audience map[access.Audience]int
	rules    map[string]int
	refused  map[string]bool // IDs that publishing took back
	late     map[string]bool // IDs that were hidden while they were published
}

// tag is what review and the state know of an item.
type tag struct {
	ID, Ref, Type, Rule string
	Content             uint64
	access.Grant
}

func newShelf() *shelf { return &shelf{streams: map[string]*shelved{}} }

func (s *shelf) stream(name string) (*shelved, error) {
	if sh := s.streams[name]; sh != nil {
		return sh, nil
	}
	tags, err := stage.Create("")
	if err != nil {
		return nil, err
	}
	bodies, err := stage.Create("")
	if err != nil {
		tags.Close()
		return nil, err
	}
	sh := &shelved{tags: tags, bodies: bodies, ids: map[string]string{}, types: map[string]int{}, audience: map[access.Audience]int{}, rules: map[string]int{}, refused: map[string]bool{}, late: map[string]bool{}}
	s.streams[name] = sh
	return sh, nil
}

// put stages an item; when its ID is taken it returns the ref that took it and
// stages nothing. Refs are unique, so that an item whose ID is its own ref can
// only meet one whose ID is not, and known tells whether an ID is the ref of
// some other record: memory does not grow with the usual IDs.
func (s *shelf) put(stream string, e component.Encoded, weight int, known func(ref string) bool) (taken string, err error) {
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
		sh.ids[e.ID] = e.Ref
	}
	sh.weight += weight
	sh.types[e.Type]++
	if e.Audience != access.Undecided {
		sh.audience[e.Audience]++
		sh.rules[e.Rule]++
	}
	content := binary.BigEndian.AppendUint64(nil, e.Content)
	sets := access.HashSets(e.AllOf)
	if err := sh.tags.Append([]byte(e.ID), []byte(e.Ref), []byte(e.Type), []byte{byte(e.Audience)}, []byte(e.Rule), content, access.PackNames(e.Principals, sets), access.PackSets(sets)); err != nil {
		return "", err
	}
	return "", sh.bodies.Append(e.Body)
}

// withhold remembers that nobody may find what a record would have made.
func (s *shelf) withhold(stream, ref, id string) error {
	sh, err := s.stream(stream)
	if err != nil {
		return err
	}
	if sh.withheld == nil {
		if sh.withheld, err = stage.Create(""); err != nil {
			return err
		}
	}
	return sh.withheld.Append([]byte(ref), []byte(id))
}

// forget drops an item's trace from the counts, after the sink refused it.
func (s *shelf) forget(stream string, e component.Encoded) {
	sh := s.streams[stream]
	sh.refused[e.ID] = true
	sh.uncount(e)
}

// withholdLate drops an item's trace from the counts, as forget does, after a
// person hid it. It returns false for an item that was dropped before.
func (s *shelf) withholdLate(stream string, e component.Encoded) bool {
	sh := s.streams[stream]
	if sh.late[e.ID] || sh.refused[e.ID] {
		return false
	}
	sh.late[e.ID] = true
	sh.uncount(e)
	return true
}

func (sh *shelved) uncount(e component.Encoded) {
	sh.types[e.Type]--
	if e.Audience != access.Undecided {
		sh.audience[e.Audience]--
		sh.rules[e.Rule]--
	}
}

func (s *shelf) flush() error {
	for _, name := range slices.Sorted(maps.Keys(s.streams)) {
		sh := s.streams[name]
		for _, f := range []*stage.File{sh.tags, sh.bodies, sh.withheld} {
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

func (s *shelf) close() {
	for _, sh := range s.streams {
		sh.tags.Close()
		sh.bodies.Close()
		if sh.withheld != nil {
			sh.withheld.Close()
		}
	}
}

// plan is one stream as review and publishing see it.
func (s *shelf) plan(stream string) component.StreamPlan {
	p := component.StreamPlan{Name: stream, Types: map[string]int{}, Audience: map[access.Audience]int{}, Items: func(func(component.Encoded, error) bool) {}, Withheld: s.withheldRefs(stream)}
	sh := s.streams[stream]
	if sh == nil {
		return p
	}
	p.Weight = sh.weight
	p.Count, p.Bytes, p.Types, p.Audience = sh.tags.Frames(), sh.bodies.Bytes(), sh.types, sh.audience
	p.Items = sh.items()
	return p
}

// each reads the tags of a stream back.
func (s *shelf) each(stream string) iter.Seq2[tag, error] {
	sh := s.streams[stream]
	if sh == nil {
		return func(func(tag, error) bool) {}
	}
	return sh.each()
}

// unseen is an item that nobody may find.
type unseen struct{ ref, id string }

// withheldRefs are the refs of what nobody may find in a stream.
func (s *shelf) withheldRefs(stream string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for u, err := range s.unseen(stream) {
			if !yield(u.ref, err) {
				return
			}
		}
	}
}

// unseen are the items of a stream that nobody may find.
func (s *shelf) unseen(stream string) iter.Seq2[unseen, error] {
	return func(yield func(unseen, error) bool) {
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
				yield(unseen{}, err)
				return
			}
			if !yield(unseen{string(p[0]), string(p[1])}, nil) {
				return
			}
		}
	}
}

func (sh *shelved) each() iter.Seq2[tag, error] {
	return func(yield func(tag, error) bool) {
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
			if err != nil || len(p) != 8 || len(p[3]) != 1 || len(p[5]) != 8 || len(p[6])%8 != 0 || len(p[7])%8 != 0 {
				yield(tag{}, errStage)
				return
			}
			sets, ok := access.UnpackSets(p[7])
			if !ok {
				yield(tag{}, errStage)
				return
			}
			t := tag{ID: string(p[0]), Ref: string(p[1]), Type: word(p[2]), Rule: word(p[4]), Content: binary.BigEndian.Uint64(p[5]),
				Grant: access.Grant{Audience: access.Audience(p[3][0]), Names: access.UnpackNames(p[6]), Sets: sets}}
			if !yield(t, nil) {
				return
			}
		}
	}
}

var errStage = fmt.Errorf("stage file is damaged")

func (sh *shelved) items() iter.Seq2[component.Encoded, error] {
	return func(yield func(component.Encoded, error) bool) {
		rd := sh.bodies.Reader()
		for t, err := range sh.each() {
			var body [][]byte
			if err == nil {
				body, err = rd.Next()
			}
			if err != nil || len(body) != 1 {
				yield(component.Encoded{}, errStage)
				return
			}
			if !yield(component.Encoded{ID: t.ID, Ref: t.Ref, Type: t.Type, Audience: t.Audience, Rule: t.Rule, Body: body[0]}, nil) {
				return
			}
		}
	}
}
