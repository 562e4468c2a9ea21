package cli

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// pastOutput is a folder that --output wrote. Of each item it keeps where it
// stands and a hash, never the item (invariant 7).
type pastOutput struct {
	dir     string
	written time.Time // the youngest of its files
	streams map[string]*pastStream
	// withheld are hashes of the refs that nobody found, by stream.
	withheld map[string]map[[16]byte]bool
	decoder  component.Decoder
}

type pastStream struct {
	name  string
	f     *os.File
	items map[[16]byte]pastItem // by the hash of their IDs
	count int
}

type pastItem struct {
	offset, length int64
	content        uint64
}

// openPastOutput indexes every stream that the folder holds.
func openPastOutput(dir string, d component.Decoder) (*pastOutput, error) {
	p := &pastOutput{dir: dir, streams: map[string]*pastStream{}, withheld: map[string]map[[16]byte]bool{}, decoder: d}
	files, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.ndjson"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".ndjson")
		switch name {
		case rejectedFile, widenedFile, goneFile:
		case withheldFile:
			err = p.openWithheld(file)
		default:
			err = p.open(name, file)
		}
		if err != nil {
			p.close()
			return nil, err
		}
	}
	if len(p.streams) == 0 {
		return nil, usage{fmt.Sprintf("%s holds nothing that a run wrote", dir), "name the folder of --output with --against DIR"}
	}
	return p, nil
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (p *pastOutput) open(name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	s := &pastStream{name: name, f: f, items: map[[16]byte]pastItem{}}
	p.streams[name] = s
	if info, err := f.Stat(); err == nil && info.ModTime().After(p.written) {
		p.written = info.ModTime()
	}
	offset := int64(0)
	return eachLine(f, func(line []byte) error {
		body := bytes.TrimRight(line, "\r\n")
		s.count++
		stored, err := p.decoder.Decode(name, body)
		if err == nil && stored.ID == "" {
			err = errors.New("it has no id")
		}
		if err != nil {
			return unreadable(file, s.count, "an item of "+name, err)
		}
		s.items[keyOf(stored.ID)] = pastItem{offset, int64(len(body)), contentOf(body)}
		offset += int64(len(line))
		return nil
	})
}

func (p *pastOutput) openWithheld(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	n := 0
	return eachLine(f, func(line []byte) error {
		n++
		var w withheld
		if err := codec.Unmarshal(line, &w); err != nil {
			return unreadable(file, n, "a ref that is withheld", err)
		}
		if p.withheld[w.Stream] == nil {
			p.withheld[w.Stream] = map[[16]byte]bool{}
		}
		p.withheld[w.Stream][keyOf(w.Ref)] = true
		return nil
	})
}

func unreadable(file string, line int, what string, err error) error {
	return usage{fmt.Sprintf("%s:%d is not %s: %v", file, line, what, err), "write the folder anew with run --output, or name another with --against DIR"}
}

// eachLine gives every line of a file with its end; it is valid until the next.
func eachLine(f *os.File, visit func(line []byte) error) error {
	r := bufio.NewReaderSize(f, 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			if err := visit(line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func keyOf(id string) [16]byte {
	sum := sha256.Sum256([]byte(id))
	return [16]byte(sum[:16])
}

func contentOf(body []byte) uint64 {
	sum := sha256.Sum256(body)
	return binary.BigEndian.Uint64(sum[:8])
}

// take gives an item and forgets it, so that at the end those are left that
// the new run does not have.
func (s *pastStream) take(id string) (item pastItem, there bool) {
	key := keyOf(id)
	item, there = s.items[key]
	delete(s.items, key)
	return item, there
}

// left are the items that were not taken, in the order of the file.
func (s *pastStream) left() []pastItem {
	out := make([]pastItem, 0, len(s.items))
	for _, item := range s.items {
		out = append(out, item)
	}
	slices.SortFunc(out, func(a, b pastItem) int { return int(a.offset - b.offset) })
	return out
}

// read reads an item back.
func (p *pastOutput) read(s *pastStream, item pastItem) (component.Stored, error) {
	body := make([]byte, item.length)
	if _, err := s.f.ReadAt(body, item.offset); err != nil {
		return component.Stored{}, fmt.Errorf("read %s: %w", s.f.Name(), err)
	}
	return p.decoder.Decode(s.name, body)
}

func (p *pastOutput) close() {
	for _, s := range p.streams {
		s.f.Close()
	}
}
