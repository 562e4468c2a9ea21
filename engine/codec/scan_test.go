package codec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// libraryOnly returns the calls that Members, Elements and List make when the library parses
// all of data.
func libraryOnly(data []byte, open jsontext.Kind, list string) (calls []string, err error) {
	err = walk(data, open, "", func(d *jsontext.Decoder) error {
		name := ""
		if open == '{' {
			t, err := d.ReadToken()
			if err != nil {
				return err
			}
			name = t.String()
			if list != "" && name == list && d.PeekKind() == '[' {
				if _, err := d.ReadToken(); err != nil {
					return err
				}
				for d.PeekKind() != ']' {
					v, err := d.ReadValue()
					if err != nil {
						return err
					}
					calls = append(calls, fmt.Sprintf("element %s", v))
				}
				_, err = d.ReadToken()
				return err
			}
		}
		v, err := d.ReadValue()
		if err == nil {
			calls = append(calls, fmt.Sprintf("%q %s", name, v))
		}
		return err
	})
	return calls, err
}

func checkScan(t *testing.T, data []byte) {
	t.Helper()
	type result struct {
		calls []string
		err   error
	}
	var members, elements, listed result
	members.err = Members(data, func(name string, v []byte) error {
		members.calls = append(members.calls, fmt.Sprintf("%q %s", name, v))
		return nil
	})
	elements.err = Elements(data, func(v []byte) error {
		elements.calls = append(elements.calls, fmt.Sprintf("%q %s", "", v))
		return nil
	})
	_, listed.err = List(data, "a", func(v []byte) { listed.calls = append(listed.calls, fmt.Sprintf("element %s", v)) },
		func(name string, v []byte) error {
			listed.calls = append(listed.calls, fmt.Sprintf("%q %s", name, v))
			return nil
		})
	for _, c := range []struct {
		what string
		got  result
		open jsontext.Kind
		list string
	}{{"members", members, '{', ""}, {"elements", elements, '[', ""}, {"list", listed, '{', "a"}} {
		want, err := libraryOnly(data, c.open, c.list)
		if (err == nil) != (c.got.err == nil) || !slices.Equal(c.got.calls, want) {
			t.Errorf("%s of %.200q: %.300q, %v, want %.300q, %v", c.what, data, c.got.calls, c.got.err, want, err)
		}
	}
}

var scanCases = append([]string{
	`{"a":[{"b":1},[2],"x",null]}`, `{"a":[]}`, `{"a":{}}`, `{"b":1,"a":[1,2],"a":[3],"c":[4]}`, `[]`, `[1,"a",{"b":[]}]`,
	`[1,]`, `[1 2]`,
	`{"a":[1}`, `{"a":[1,2]`, ` [ 1 , 2 ] `,
	`{"a":["\u00e9\"\\","\ud800","\ud83d\ude00","\x","\u12"]}`, "{\"\xff\":1}", "{\"a\":[\"\xff\"]}",
	strings.Repeat(`{"a":[`, 10_000) + strings.Repeat(`]}`, 10_000),
	`{"a":-0.5e+7,"b":[1e5]}`, `{"a":01}`, `{"a":tru}`, `{"a":1,"\u0061":2}`,
}, sharedCases...)

// TestScan: scan finds the same members and elements as the library.
func TestScan(t *testing.T) {
	for _, text := range scanCases {
		checkScan(t, []byte(text))
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range scanCases {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkScan(t, data) })
}
