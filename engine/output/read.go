package output

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
	"github.com/pipe-engine/pipe/engine/fault"
)

// Written is the index of an output folder. It keeps the offset and a hash of each item, never
// the item (invariant 7).
type Written struct {
	Dir     string
	At      time.Time // modification time of the newest file
	Streams map[string]*Stream
	// withheld are hashes of withheld refs, by stream.
	withheld map[string]map[[16]byte]bool
	decoder  component.Decoder
}

// Stream is the index of one stream of a folder.
type Stream struct {
	Count int // items

	name    string
	f       *os.File
	items   map[[16]byte]Item // by the hash of the ID
	decoder component.Decoder
}

// Item is the position of an item in its file, with a hash of its content.
type Item struct {
	offset, length int64
	content        uint64
}

// Open indexes every stream of a folder. It returns a *fault.Invalid when the folder has no
// stream or other content.
func Open(dir string, d component.Decoder) (*Written, error) {
	files, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.ndjson"))
	if err != nil {
		return nil, err
	}
	return OpenFiles(dir, files, os.Open, d)
}

// OpenFiles is Open for the files of a folder that open opens.
func OpenFiles(dir string, files []string, open func(path string) (*os.File, error), d component.Decoder) (*Written,
	error) {
	p := &Written{Dir: dir, Streams: map[string]*Stream{}, withheld: map[string]map[[16]byte]bool{}, decoder: d}
	var err error
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".ndjson")
		switch name {
		case rejectedFile, widenedFile, goneFile:
		default:
			err = p.add(name, file, open)
		}
		if err != nil {
			p.Close()
			return nil, err
		}
	}
	if len(p.Streams) == 0 {
		return nil, &fault.Invalid{
			Reason: dir + " has no output of a run", Remedy: "name the folder of --output with --against DIR",
		}
	}
	return p, nil
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// add indexes one file.
func (p *Written) add(name, file string, open func(path string) (*os.File, error)) error {
	f, err := open(file)
	switch {
	case err != nil:
		return err
	case name == withheldFile:
		return p.openWithheld(file, f)
	}
	return p.open(name, file, f)
}

func (p *Written) open(name, file string, f *os.File) error {
	s := &Stream{name: name, f: f, items: map[[16]byte]Item{}, decoder: p.decoder}
	p.Streams[name] = s
	if info, err := f.Stat(); err == nil && info.ModTime().After(p.At) {
		p.At = info.ModTime()
	}
	offset := int64(0)
	return eachLine(f, func(line []byte) error {
		body := bytes.TrimRight(line, "\r\n")
		s.Count++
		stored, err := p.decoder.Decode(name, body)
		if err == nil && stored.ID == "" {
			err = errors.New("it has no id")
		}
		if err != nil {
			return unreadable(file, s.Count, "an item of "+name, err)
		}
		s.items[keyOf(stored.ID)] = Item{offset, int64(len(body)), contentOf(body)}
		offset += int64(len(line))
		return nil
	})
}

func (p *Written) openWithheld(file string, f *os.File) error {
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
	return &fault.Invalid{
		Reason: fmt.Sprintf("%s:%d is not %s: %v", file, line, what, err),
		Remedy: "write the folder again with run --output, or name another one with --against DIR",
	}
}

// eachLine calls visit with every line of a file, including the line break; the line is valid
// until the next one.
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

// Take returns an item and removes it from the index. Left returns the items that were not
// taken.
func (s *Stream) Take(id string) (item Item, there bool) {
	key := keyOf(id)
	item, there = s.items[key]
	delete(s.items, key)
	return item, there
}

// Left returns the items that were not taken, in the order of the file.
func (s *Stream) Left() []Item {
	out := make([]Item, 0, len(s.items))
	for _, item := range s.items {
		out = append(out, item)
	}
	slices.SortFunc(out, func(a, b Item) int { return int(a.offset - b.offset) })
	return out
}

// Read reads and decodes an item.
func (s *Stream) Read(item Item) (component.Stored, error) {
	body := make([]byte, item.length)
	if _, err := s.f.ReadAt(body, item.offset); err != nil {
		return component.Stored{}, fmt.Errorf("read %s: %w", s.f.Name(), err)
	}
	return s.decoder.Decode(s.name, body)
}

// Decode decodes an item of a plan as Read does an item of the folder.
func (s *Stream) Decode(body []byte) (component.Stored, error) { return s.decoder.Decode(s.name, body) }

// Same reports whether an item has this content.
func (i Item) Same(body []byte) bool { return i.content == contentOf(body) }

// WasWithheld reports whether a ref was withheld in a stream.
func (p *Written) WasWithheld(stream, ref string) bool { return p.withheld[stream][keyOf(ref)] }

// Close closes the files.
func (p *Written) Close() {
	for _, s := range p.Streams {
		s.f.Close()
	}
}
