package requestlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Verified is what Verify found.
type Verified struct {
	Files   int
	First   uint64 // the number of the first line that is there; more than 1 after older files were removed
	Last    Mark
	Began   string // time of the first line
	Ended   string // time of the last line
	Allowed int
	Denied  int // with those that have no line of their own
	// Unfinished are the allowed requests without an answer: they are under way, or the program ended.
	Unfinished int
	// Incomplete means that a line is being written, or that the program ended while it wrote it.
	Incomplete bool
}

// DamagedError is a log that was changed by other means than Log.
type DamagedError struct {
	File string
	Line int
	Why  string
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Why) }

// Verify reads a log with its rotated files and checks that each line follows the one before. With
// a mark other than the zero value it also checks that the log has this line.
func Verify(file string, want Mark) (Verified, error) {
	all, err := rotated(file)
	if err != nil {
		return Verified{}, err
	}
	if _, err := os.Stat(file); err == nil {
		all = append(all, file)
	} else if !errors.Is(err, fs.ErrNotExist) || len(all) == 0 {
		return Verified{}, err
	}
	v := &verifier{want: want, open: map[string]bool{}}
	for i, name := range all {
		if err := v.file(name, i == len(all)-1); err != nil {
			return v.Verified, err
		}
	}
	v.Unfinished = len(v.open)
	switch {
	case want == Mark{} || v.found:
	case want.Number < v.First:
		return v.Verified,
			fmt.Errorf("line %d is older than the log, which begins with line %d: older files were removed",
				want.Number, v.First)
	default:
		return v.Verified, &DamagedError{file, v.line,
			fmt.Sprintf("line %d, which the log had, is gone: the end was cut off",
				want.Number)}
	}
	return v.Verified, nil
}

type verifier struct {
	Verified
	want  Mark
	found bool
	open  map[string]bool // requests without an answer
	line  int
}

func (v *verifier) file(name string, last bool) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	v.Files++
	in := bufio.NewReaderSize(f, 1<<16)
	for v.line = 1; ; v.line++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			if v.Incomplete = len(line) > 0; v.Incomplete && !last {
				return &DamagedError{name, v.line, "the last line of a rotated file is incomplete"}
			}
			return nil
		}
		if err == nil {
			err = v.next(name, bytes.TrimSuffix(line, []byte("\n")))
		}
		if err != nil {
			return err
		}
	}
}

func (v *verifier) next(name string, line []byte) error {
	var e Entry
	damaged := func(format string, args ...any) error {
		return &DamagedError{name, v.line, fmt.Sprintf(format, args...)}
	}
	if err := codec.Unmarshal(line, &e); err != nil {
		return damaged("not a line of an audit log")
	}
	switch {
	case v.Last.Number == 0 && e.Number == 1 && e.Before != "":
		return damaged("the first line follows another one")
	case v.Last.Number == 0 && e.Number == 0:
		return damaged("not a line of an audit log")
	case v.Last.Number > 0 && e.Number != v.Last.Number+1:
		return damaged("line %d follows line %d: lines were removed or added", e.Number, v.Last.Number)
	case v.Last.Number > 0 && e.Before != v.Last.Sum:
		return damaged("line %d was changed after it was written", v.Last.Number)
	}
	if v.Last.Number == 0 {
		v.First, v.Began = e.Number, e.Time
	}
	v.Last, v.Ended = Mark{e.Number, sumOf(line)}, e.Time
	if v.want.Number == e.Number {
		if v.want != v.Last {
			return damaged("line %d is another one than before: the log was written anew", e.Number)
		}
		v.found = true
	}
	v.count(e)
	return nil
}

func (v *verifier) count(e Entry) {
	switch {
	case e.Event == EventMoreDenied:
		v.Denied += e.Count
	case e.Event == EventAnswer:
		delete(v.open, e.Request)
	case e.Event == EventRequest && e.Decision == Denied:
		v.Denied++
	case e.Event == EventRequest:
		v.Allowed++
		v.open[e.Request] = true
	}
}

// end returns the size of the complete lines of a file and the mark of the last one. It reads only
// the end of the file.
func end(f *os.File, size int64) (int64, Mark, error) {
	const most = 1 << 20
	begin := max(0, size-most)
	text := make([]byte, size-begin)
	if _, err := f.ReadAt(text, begin); err != nil && err != io.EOF {
		return 0, Mark{}, err
	}
	cut := bytes.LastIndexByte(text, '\n')
	if cut < 0 {
		if begin > 0 || len(text) > 0 && !bytes.HasPrefix([]byte(`{"seq":`), text[:min(len(text), 7)]) {
			return 0, Mark{}, errors.New("it is not an audit log")
		}
		return 0, Mark{}, nil
	}
	line := text[:cut]
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	var e Entry
	if err := codec.Unmarshal(line, &e); err != nil || e.Number == 0 {
		return 0, Mark{}, errors.New("its last line is not one of an audit log")
	}
	return begin + int64(cut) + 1, Mark{e.Number, sumOf(line)}, nil
}
