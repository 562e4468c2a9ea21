package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

type walker struct {
	buf bytes.Buffer
	dec *jsontext.Decoder
}

var walkers = sync.Pool{New: func() any { return &walker{dec: jsontext.NewDecoder(nilReader{})} }}

type nilReader struct{}

func (nilReader) Read([]byte) (int, error) { return 0, fmt.Errorf("no input") }

func walk(data []byte, open jsontext.Kind, what string, each func(*jsontext.Decoder) error) error {
	w := walkers.Get().(*walker)
	defer func() {
		w.buf = bytes.Buffer{}
		walkers.Put(w)
	}()
	w.buf = *bytes.NewBuffer(data)
	w.dec.Reset(&w.buf, lenient)
	t, err := w.dec.ReadToken()
	if err != nil {
		return err
	}
	if t.Kind() != open {
		return fmt.Errorf("%s where a JSON %s is expected", kindName(t.Kind()), what)
	}
	for k := w.dec.PeekKind(); k != ']' && k != '}'; k = w.dec.PeekKind() {
		if err := each(w.dec); err != nil {
			return err
		}
	}
	if _, err = w.dec.ReadToken(); err != nil {
		return err
	}
	switch _, err = w.dec.ReadToken(); {
	case err == io.EOF:
		return nil
	case err == nil:
		return fmt.Errorf("data after the %s", what)
	}
	return err
}

// Members calls visit for each member of the JSON object in data, in order. value is the raw
// JSON of the member, checked to be well-formed but not decoded, and valid only during the
// call. The whole object is checked before the first call, unless it is written in an unusual
// form.
func Members(data []byte, visit func(name string, value []byte) error) error {
	ok, err := scan(data, '{', "", func(s *span) error { return visit(s.name, data[s.from:s.to:s.to]) })
	if ok {
		return err
	}
	return walk(data, '{', "object", func(d *jsontext.Decoder) error {
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		name := t.String()
		v, err := d.ReadValue()
		if err != nil {
			return err
		}
		return visit(name, v)
	})
}

// Elements calls visit for each element of the JSON array in data, in order. value is valid
// only during the call.
func Elements(data []byte, visit func(value []byte) error) error {
	ok, err := scan(data, '[', "", func(s *span) error { return visit(data[s.from:s.to:s.to]) })
	if ok {
		return err
	}
	return walk(data, '[', "array", func(d *jsontext.Decoder) error {
		v, err := d.ReadValue()
		if err != nil {
			return err
		}
		return visit(v)
	})
}

// List reads an object with a list in one pass: it calls element for each element of the member
// called list, and member for every other member. Elements are parts of data and stay valid as
// long as data. listed reports whether the list was present.
func List(data []byte, list string, element func(value []byte),
	member func(name string, value []byte) error) (listed bool, err error) {
	ok, err := scan(data, '{', list, func(s *span) error {
		switch {
		case s.element:
			element(data[s.from:s.to:s.to])
		case s.from < 0:
			listed = true
		default:
			return member(s.name, data[s.from:s.to:s.to])
		}
		return nil
	})
	if ok {
		return listed, err
	}
	err = walk(data, '{', "object", func(d *jsontext.Decoder) error {
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		name := t.String()
		if name != list || d.PeekKind() != '[' {
			v, err := d.ReadValue()
			if err != nil {
				return err
			}
			return member(name, v)
		}
		listed = true
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		for d.PeekKind() != ']' {
			v, err := d.ReadValue()
			if err != nil {
				return err
			}
			element(v)
		}
		_, err = d.ReadToken()
		return err
	})
	return listed, err
}

// Text returns the string in a raw JSON value; ok is false when the value is not a string.
func Text(value []byte) (s string, ok bool) {
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	b, err := jsontext.AppendUnquote(nil, value)
	if err != nil && b == nil {
		return "", false
	}
	return string(b), true
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '[':
		return "an array"
	default:
		return "an object"
	}
}

// Stream reads one JSON object as it arrives and visits the elements of the array in its member
// list, and the other members. It keeps one value at a time; a value is valid until the next one.
// found is false when the object has no such array. An error of r is returned unchanged.
func Stream(r io.Reader, list string, element func(value []byte) error,
	member func(name string, value []byte) error) (found bool, err error) {
	source := &failing{Reader: r}
	d := jsontext.NewDecoder(source, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	found, err = stream(d, list, element, member)
	if err == nil {
		if _, last := d.ReadToken(); last != io.EOF {
			err = errors.New("there is more after the JSON object")
		}
	}
	if source.err != nil {
		return false, source.err
	}
	return found, err
}

func stream(d *jsontext.Decoder, list string, element func(value []byte) error,
	member func(name string, value []byte) error) (found bool, err error) {
	if d.PeekKind() != '{' {
		return false, errors.New("not a JSON object")
	}
	if _, err := d.ReadToken(); err != nil {
		return false, err
	}
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return false, err
		}
		name := token.String()
		if name != list || d.PeekKind() != '[' {
			value, err := d.ReadValue()
			if err == nil {
				err = member(name, value)
			}
			if err != nil {
				return false, err
			}
			continue
		}
		found = true
		if _, err := d.ReadToken(); err != nil {
			return false, err
		}
		for d.PeekKind() != ']' {
			value, err := d.ReadValue()
			if err == nil {
				err = element(value)
			}
			if err != nil {
				return false, err
			}
		}
		if _, err := d.ReadToken(); err != nil {
			return false, err
		}
	}
	_, err = d.ReadToken()
	return found, err
}

// failing keeps the error of a reader, other than io.EOF.
type failing struct {
	io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}
