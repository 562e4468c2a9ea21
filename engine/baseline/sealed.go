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

	"github.com/pipe-engine/pipe/engine/codec"
)

// writeLine writes a value as one line of JSON.
func writeLine(w io.Writer, v any) error {
	line, err := codec.Marshal(v)
	if err == nil {
		_, err = w.Write(append(line, '\n'))
	}
	return err
}

// writeSealed replaces a file with a text of complete lines and its checksum.
func (s *Store) writeSealed(suffix string, text []byte) error {
	return s.replaceFile(suffix, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s%s\t%s\n", text, lineEnd, checksum(text))
		return err
	})
}

// readSealed reads the output of writeSealed. It returns an error for anything else.
func (s *Store) readSealed(suffix string) ([]byte, error) {
	b, err := s.readFile(suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotStored
	}
	if err != nil {
		return nil, err
	}
	at := bytes.LastIndex(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) + 1
	if string(b[at:]) != lineEnd+"\t"+checksum(b[:at])+"\n" {
		return nil, fmt.Errorf("%s is damaged: its checksum is wrong", s.path(suffix))
	}
	return b[:at], nil
}

// readSealedLines calls each with the lines of the output of writeSealed, without their ends, while
// it reads them; what each has seen counts only when there is no error. It returns an error for
// anything else. path is the file's name for messages.
func readSealedLines(f io.Reader, path string, each func(line []byte) error) error {
	damaged := fmt.Errorf("%s is damaged: its checksum is wrong", path)
	lines, sum := bufio.NewReaderSize(f, 64<<10), sha256.New()
	var before []byte // the last line has the checksum
	for {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			if string(before) != lineEnd+"\t"+hex.EncodeToString(sum.Sum(nil))+"\n" {
				return damaged
			}
			return nil
		case errors.Is(err, io.EOF):
			return damaged
		case err != nil:
			return err
		}
		if before != nil {
			sum.Write(before)
			if err := each(bytes.TrimSuffix(before, []byte("\n"))); err != nil {
				return err
			}
		}
		before = line
	}
}

func checksum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
