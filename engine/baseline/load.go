package baseline

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/state"
)

// Snapshot is the baseline of the last good run. It stays readable when the file is replaced.
type Snapshot struct {
	Header
	f       *os.File
	entries int // number of entries
}

// Condition is the condition of a baseline.
type Condition uint8

// The conditions of a baseline. Missing is the zero value.
const (
	Missing Condition = iota
	Intact
	Damaged // truncated, changed, or of another place
	Newer   // written by a later version of this program
)

// String returns the word for the condition.
func (c Condition) String() string {
	return [...]string{"missing", "intact", "damaged", "newer"}[c]
}

// Baseline is the result of Load. Only an intact baseline has a Snapshot, which the caller
// closes; Problem describes a damaged or newer one, and Remedy is that of the store for one whose
// damage the store has found, or "".
type Baseline struct {
	Condition Condition
	*Snapshot
	Path    string
	Problem string
	Remedy  string
}

// Load reads the baseline of the place. It changes no file. A file that cannot be read is an
// error.
func (s *Store) Load() (Baseline, error) {
	b := Baseline{Path: s.path(suffixState)}
	f, err := s.files.Open(suffixState)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if damaged := new(state.DamagedError); errors.As(err, &damaged) {
		b.Condition, b.Problem, b.Remedy = Damaged, damaged.Problem, damaged.Remedy
		return b, nil
	}
	if err != nil {
		return b, fmt.Errorf("read the baseline: %w", err)
	}
	snap := &Snapshot{f: f}
	b.Condition, err = snap.verify(s.place)
	if b.Condition == Intact {
		b.Snapshot = snap
		return b, nil
	}
	f.Close()
	if b.Condition == Missing {
		return b, fmt.Errorf("read the baseline: %w", err)
	}
	b.Problem = err.Error()
	return b, nil
}

// Close closes the file.
func (s *Snapshot) Close() error { return s.f.Close() }

// maxLine is the maximum length of a line.
const maxLine = 1 << 30

func (s *Snapshot) lines() *bufio.Scanner {
	sc := bufio.NewScanner(io.NewSectionReader(s.f, 0, 1<<62))
	sc.Buffer(make([]byte, 64<<10), maxLine)
	return sc
}

// Close closes the file of an intact baseline.
func (b Baseline) Close() error {
	if b.Snapshot == nil {
		return nil
	}
	return b.Snapshot.Close()
}

// verify reads the whole file and every entry once. The first and the last line have the same
// form in every version, which distinguishes an intact newer file from a damaged one. It
// returns Missing when reading failed.
func (s *Snapshot) verify(place string) (Condition, error) {
	sum := sha256.New()
	p := parser{words: map[string]string{}}
	sc := s.lines()
	s.entries = 0
	newer := false
	for n := 0; sc.Scan(); n++ {
		line := sc.Bytes()
		kind, rest, _ := bytes.Cut(line, []byte("\t"))
		if n == 0 {
			if string(kind) != lineHeader {
				return Damaged, errors.New("it is not a state file")
			}
			if err := s.header(string(rest), place); err != nil {
				return Damaged, err
			}
			newer = s.Version > version
		}
		if string(kind) == lineEnd {
			count, end, _ := bytes.Cut(rest, []byte("\t"))
			if string(end) != hex.EncodeToString(sum.Sum(nil)) || !newer && string(count) != strconv.Itoa(s.entries) ||
				sc.Scan() {
				return Damaged, errors.New("its checksum is wrong")
			}
			if newer {
				return Newer, fmt.Errorf("its format is %d, but this version of pipe reads up to %d",
					s.Version, version)
			}
			return Intact, nil
		}
		if !newer {
			_, is, err := p.line(line)
			if err != nil {
				return Damaged, err
			}
			if is {
				s.entries++
			}
		}
		sum.Write(line)
		sum.Write([]byte("\n"))
	}
	if err := sc.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return Missing, err
	}
	return Damaged, errors.New("it is truncated")
}

func (s *Snapshot) header(field, place string) error {
	text, err := unescape(field)
	if err != nil {
		return err
	}
	var general struct {
		Version int    `json:"version"`
		Place   string `json:"place"`
	}
	if err := codec.Unmarshal([]byte(text), &general); err != nil {
		return errors.New("its header cannot be read")
	}
	s.Version, s.Place = general.Version, general.Place
	switch {
	case s.Version < oldest:
		return fmt.Errorf("its format is %d, which does not exist", s.Version)
	case s.Version <= version:
		if err := codec.Unmarshal([]byte(text), &s.Header); err != nil {
			return errors.New("its header cannot be read")
		}
	}
	if s.Place != place {
		return fmt.Errorf("it belongs to %s", s.Place)
	}
	return nil
}

// Entries yields all entries, in the order in which they were added.
func (s *Snapshot) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		p := parser{words: map[string]string{}}
		sc := s.lines()
		for sc.Scan() {
			e, is, err := p.line(sc.Bytes())
			if is || err != nil {
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
		if err := sc.Err(); err != nil {
			yield(Entry{}, err)
		}
	}
}

// Marks returns the marks of hosts.
func (s *Snapshot) Marks() (map[string]Mark, error) {
	out := map[string]Mark{}
	sc := s.lines()
	for sc.Scan() {
		kind, rest, _ := bytes.Cut(sc.Bytes(), []byte("\t"))
		if string(kind) != lineMark {
			continue
		}
		f := strings.Split(string(rest), "\t")
		if len(f) != 3 {
			return nil, errLine
		}
		host, hostErr := unescape(f[0])
		text, textErr := unescape(f[1])
		items, err := strconv.Atoi(f[2])
		if err := errors.Join(hostErr, textErr, err); err != nil {
			return nil, errLine
		}
		out[host] = Mark{Text: text, Items: items}
	}
	return out, sc.Err()
}
