package sandbox

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
)

// check validates one raw JSON value. Its errors begin with the fault and get the path as a
// prefix.
type check func(value []byte) error

// shape lists the members that a JSON object may have. Other members, and null anywhere, are
// refused.
type shape map[string]check

func (s shape) check(value []byte) error {
	return s.visit(value, func(string, []byte) error { return nil })
}

// visit checks a value and calls each with every member that was found good.
func (s shape) visit(value []byte, each func(name string, v []byte) error) error {
	if err := kind(value, '{', "an object"); err != nil {
		return err
	}
	return codec.Members(value, func(name string, v []byte) error {
		c, known := s[name]
		if !known {
			return under(name, fmt.Errorf("unknown field"))
		}
		if err := c(v); err != nil {
			return under(name, err)
		}
		return each(name, v)
	})
}

// nested is an error with the path of the value at fault.
type nested struct {
	path string
	err  error
}

func (n *nested) Error() string { return n.path + ": " + n.err.Error() }

func (n *nested) Unwrap() error { return n.err }

func under(name string, err error) error {
	if n, ok := err.(*nested); ok {
		return &nested{name + "." + n.path, n.err}
	}
	return &nested{name, err}
}

func listOf(c check) check {
	return func(value []byte) error {
		if err := kind(value, '[', "a list"); err != nil {
			return err
		}
		return codec.Elements(value, c)
	}
}

func text(value []byte) error { return kind(value, '"', "a string") }

func boolean(value []byte) error {
	if len(value) > 0 && value[0] == 'f' {
		return nil
	}
	return kind(value, 't', "a boolean")
}

func integer(value []byte) error {
	if len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') &&
		!strings.ContainsAny(string(value), ".eE") {
		return nil
	}
	return fmt.Errorf("must be an integer")
}

// anything accepts every value except null.
func anything(value []byte) error {
	if len(value) > 0 && value[0] == 'n' {
		return fmt.Errorf("must not be null")
	}
	return nil
}

func oneOf(words ...string) check {
	return func(value []byte) error {
		got, ok := codec.Text(value)
		for _, w := range words {
			if ok && got == w {
				return nil
			}
		}
		return fmt.Errorf("must be one of %s", strings.Join(words, ", "))
	}
}

func kind(value []byte, first byte, name string) error {
	if len(value) == 0 || value[0] != first {
		return fmt.Errorf("must be %s", name)
	}
	return nil
}
