package baseline

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
)

// parser parses lines and keeps one copy of each repeated word.
type parser struct {
	words map[string]string
	last  [4]string // the words of the last entry, which the next one often has, too
	sets  [][]uint64
}

var errLine = errors.New("it has a line that cannot be read")

func (p *parser) line(line []byte) (e Entry, is bool, err error) {
	kind, rest, _ := bytes.Cut(line, []byte("\t"))
	switch string(kind) {
	case lineNames:
		var names []uint64
		for _, f := range strings.Fields(string(rest)) {
			n, err := strconv.ParseUint(f, 16, 64)
			if err != nil {
				return e, false, errLine
			}
			names = append(names, n)
		}
		p.sets = append(p.sets, names)
	case lineEntry:
		e, err = p.entry(rest)
		return e, err == nil, err
	}
	return e, false, nil
}

func (p *parser) entry(rest []byte) (e Entry, err error) {
	var f [9][]byte
	more := false
	for i := range f {
		if f[i], rest, more = bytes.Cut(rest, []byte("\t")); !more && i < len(f)-1 {
			return e, errLine
		}
	}
	for i, to := range [...]*string{&e.Stream, &e.Kind, &e.Type, &e.Audience} {
		if string(f[i]) != p.last[i] || strings.Contains(p.last[i], `\`) {
			if p.last[i], err = p.word(f[i]); err != nil {
				return e, err
			}
		}
		*to = p.last[i]
	}
	if len(f[4]) > 0 {
		if e.Away, err = timeOf(f[4]); err != nil {
			return e, err
		}
	}
	if e.Names, err = p.set(f[5]); err != nil {
		return e, err
	}
	var idErr, contentErr error
	e.ID, idErr = strconv.ParseUint(string(f[6]), 16, 64)
	e.Content, contentErr = strconv.ParseUint(string(f[7]), 16, 64)
	if idErr != nil || contentErr != nil {
		return e, errLine
	}
	if e.Ref, err = unescape(string(f[8])); err != nil || !more {
		return e, err
	}
	return e, p.more(&e, rest)
}

// more parses the fields after the ref.
func (p *parser) more(e *Entry, rest []byte) (err error) {
	for more := true; more; {
		var f []byte
		if f, rest, more = bytes.Cut(rest, []byte("\t")); len(f) == 0 {
			return errLine
		}
		switch value := f[1:]; f[0] {
		case fieldClearID:
			e.ClearID, err = unescape(string(value))
		case fieldRule:
			e.Rule, err = p.word(value)
		case fieldTold:
			e.Told, err = timeOf(value)
		case fieldDelivered:
			e.Delivered, err = timeOf(value)
		case fieldCovered:
			e.Covered = true
		case fieldSubstance:
			if e.Substance, err = strconv.ParseUint(string(value), 16, 64); err != nil {
				err = errLine
			}
		case fieldLeaving:
			e.Leaving = true
		case fieldResolved:
			e.Resolved = true
		case fieldFloor:
			class, set, _ := bytes.Cut(value, []byte(" "))
			word, wordErr := p.word(class)
			e.Floor.Audience = access.ParseAudience(word)
			e.Floor.Names, err = p.set(set)
			err = errors.Join(wordErr, err)
		case fieldFloorAt:
			e.Floor.At, err = timeOf(value)
		case fieldFurther:
			e.Floor.Further, err = timeOf(value)
		case fieldLeft:
			var l Left
			l, err = leftOf(value)
			e.Left = append(e.Left, l)
		default:
			err = errLine
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func leftOf(value []byte) (l Left, err error) {
	parts := strings.Split(string(value), " ")
	if len(parts) != 2 && (len(parts) != 3 || parts[2] != "covered") {
		return l, errLine
	}
	if l.Name, err = strconv.ParseUint(parts[0], 16, 64); err != nil {
		return l, errLine
	}
	l.At, err = timeOf([]byte(parts[1]))
	l.Covered = len(parts) == 3
	return l, err
}

// set returns the set of names with a number; nil for "".
func (p *parser) set(number []byte) ([]uint64, error) {
	if len(number) == 0 {
		return nil, nil
	}
	n, err := strconv.Atoi(string(number))
	if err != nil || n < 0 || n >= len(p.sets) {
		return nil, errLine
	}
	return p.sets[n], nil
}

func timeOf(field []byte) (time.Time, error) {
	n, err := strconv.ParseInt(string(field), 10, 64)
	if err != nil {
		return time.Time{}, errLine
	}
	return time.Unix(n, 0).UTC(), nil
}

func (p *parser) word(b []byte) (string, error) {
	if w, ok := p.words[string(b)]; ok {
		return w, nil
	}
	w, err := unescape(string(b))
	if err == nil {
		p.words[string(b)] = w
	}
	return w, err
}

func unescape(field string) (string, error) {
	if !strings.Contains(field, `\`) {
		return field, nil
	}
	var b strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' {
			b.WriteByte(field[i])
			continue
		}
		if i+2 >= len(field) {
			return "", errLine
		}
		c, err := hex.DecodeString(field[i+1 : i+3])
		if err != nil {
			return "", errLine
		}
		b.WriteByte(c[0])
		i += 2
	}
	return b.String(), nil
}
