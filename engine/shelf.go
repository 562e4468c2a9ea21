package engine

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/pipe-engine/pipe/engine/stage"
)

// shelf is the stage of a run: a file per stream, and what review needs to
// know of it. It is written by one goroutine and read after close of writing.
type shelf struct {
	streams map[string]*shelved
}

type shelved struct {
	file     *stage.File
	weight   int
	ids      map[string]string // ID → ref, of the items whose ID is not the ref
	types    map[string]int
	audience map[Audience]int
	rules    map[string]int
}

func newShelf() *shelf { return &shelf{streams: map[string]*shelved{}} }

// put stages an item; when its ID is taken it returns the ref that took it and
// stages nothing. Refs are unique, so that an item whose ID is its own ref can
// only meet one whose ID is not, and known tells whether an ID is the ref of
// some other record: memory does not grow with the usual IDs.
func (s *shelf) put(stream string, e Encoded, known func(ref string) bool) (taken string, err error) {
	sh := s.streams[stream]
	if sh == nil {
		f, err := stage.Create("")
		if err != nil {
			return "", err
		}
		sh = &shelved{file: f, ids: map[string]string{}, types: map[string]int{}, audience: map[Audience]int{}, rules: map[string]int{}}
		s.streams[stream] = sh
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
	sh.weight += e.Weight
	sh.types[e.Type]++
	if e.Audience != Undecided {
		sh.audience[e.Audience]++
		sh.rules[e.Rule]++
	}
	return "", sh.file.Append([]byte(e.ID), []byte(e.Ref), []byte(e.Type), []byte{byte(e.Audience)}, []byte(e.Rule), e.Body)
}

// forget drops an item's trace from the counts, after the sink refused it.
func (s *shelf) forget(stream string, e Encoded) {
	sh := s.streams[stream]
	sh.types[e.Type]--
	if e.Audience != Undecided {
		sh.audience[e.Audience]--
		sh.rules[e.Rule]--
	}
}

func (s *shelf) flush() error {
	for _, name := range slices.Sorted(maps.Keys(s.streams)) {
		if err := s.streams[name].file.Flush(); err != nil {
			return fmt.Errorf("stream %s: %w", name, err)
		}
		s.streams[name].ids = nil
	}
	return nil
}

func (s *shelf) close() {
	for _, sh := range s.streams {
		sh.file.Close()
	}
}

// plan is one stream as review and publishing see it.
func (s *shelf) plan(stream string) StreamPlan {
	p := StreamPlan{Name: stream, Types: map[string]int{}, Audience: map[Audience]int{}, Items: func(func(Encoded, error) bool) {}}
	sh := s.streams[stream]
	if sh == nil {
		return p
	}
	p.Weight = sh.weight
	p.Count, p.Bytes, p.Types, p.Audience = sh.file.Frames(), sh.file.Bytes(), sh.types, sh.audience
	p.Items = sh.items()
	return p
}

func (sh *shelved) items() iter.Seq2[Encoded, error] {
	return func(yield func(Encoded, error) bool) {
		words := map[string]string{} // types and rules repeat
		word := func(b []byte) string {
			w, ok := words[string(b)]
			if !ok {
				w = string(b)
				words[w] = w
			}
			return w
		}
		for rd := sh.file.Reader(); ; {
			p, err := rd.Next()
			if err == io.EOF {
				return
			}
			if err == nil && (len(p) != 6 || len(p[3]) != 1) {
				err = fmt.Errorf("stage file is damaged")
			}
			if err != nil {
				yield(Encoded{}, err)
				return
			}
			e := Encoded{ID: string(p[0]), Ref: string(p[1]), Type: word(p[2]), Audience: Audience(p[3][0]), Rule: word(p[4]), Body: p[5]}
			if !yield(e, nil) {
				return
			}
		}
	}
}
