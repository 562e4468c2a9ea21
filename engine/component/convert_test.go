package component

import (
	"reflect"
	"strings"
	"testing"
)

// lowerCase is a grammar of refs that contain a colon, in lower case.
type lowerCase struct{ Refs }

func (lowerCase) ParseRef(text string) (string, bool) {
	return strings.ToLower(text), strings.Contains(text, ":")
}

func TestConvert(t *testing.T) {
	object := map[string]any{"a": "b"}
	for _, c := range []struct {
		t    FieldType
		v    any
		want any
		err  string
	}{
		{Text, "a", "a", ""}, {Text, "", nil, ""}, {Text, nil, nil, ""},
		{Text, true, "true", ""}, {Text, 5, "5", ""}, {Text, 5.0, "5", ""}, {Text, 1.25, "1.25", ""},
		{Text, 1e15, "1000000000000000", ""},
		{Text, []any{"a"}, nil, "a list, but one text"}, {Text, object, nil, "an object, but one text"},
		{RefField, "User:Default/Ann", "user:default/ann", ""}, {RefField, "Ann", "Ann", ""}, {RefField, "", nil, ""},
		{RefField, nil, nil, ""}, {RefField, []any{}, nil, "a list, but one text"},
		{TextList, []any{"a", nil, "", 5.0, true}, []string{"a", "5", "true"}, ""}, {TextList, []any{}, []string{}, ""},
		{TextList, nil, nil, ""},
		{TextList, "a", []string{"a"}, ""}, {TextList, object, nil, "an object, but a list"},
		{TextList, []any{[]any{}}, nil, "contains a list"}, {TextList, []any{object}, nil, "contains an object"},
		{RefList, []any{"User:a/B"}, []string{"user:a/b"}, ""}, {RefList, "G:a/B", []string{"g:a/b"}, ""},
		{RefList, nil, nil, ""},
		{Seconds, 5, int64(5), ""}, {Seconds, 5.0, int64(5), ""}, {Seconds, nil, nil, ""},
		{Seconds, "2024-01-01", nil, "epoch(…)"}, {Seconds, 1.5, nil, "not whole"},
		{Number, 1e300, nil, "not whole"}, {Number, -3.0, int64(-3), ""},
		{Number, true, nil, "true or false, but a whole number"}, {Number, []any{}, nil, "a list, but a whole " +
			"number"},
		{Flag, true, true, ""}, {Flag, false, false, ""}, {Flag, nil, nil, ""},
		{Flag, "false", nil, "text, but true or false"}, {Flag, 0.0, nil, "a value, but true or false"},
		{Properties, "a", nil, "not take a single value"},
		{EmailField, "MAILTO:Ann@example.com?subject=Hi", "Ann@example.com", ""}, {EmailField, "", nil, ""},
		{EmailField, nil, nil, ""},
		{EmailField, "smtp:2024@example.com", nil, "not an e-mail address"}, {EmailField, " ", nil, "not an e-mail address"},
		{EmailField, []any{"a@b"}, nil, "a list, but one text"},
	} {
		got, err := c.t.Convert(c.v, lowerCase{})
		if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.err == "") ||
			err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("type %d of %#v: %#v, %v; want %#v, %q", c.t, c.v, got, err, c.want, c.err)
		}
		if err != nil && strings.Contains(err.Error(), "2024") {
			t.Errorf("%v says the value", err)
		}
	}
}

func TestConvertProperty(t *testing.T) {
	for _, c := range []struct{ v, want any }{
		{nil, nil}, {"", nil}, {"a", "a"}, {true, "true"}, {5, int64(5)}, {5.0, int64(5)}, {1.5, 1.5}, {1e300, 1e300},
		{[]any{}, nil}, {[]any{nil, ""}, nil}, {[]any{"a", 5.0}, []string{"a", "5"}},
	} {
		if got, err := ConvertProperty(c.v); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%#v: %#v, %v; want %#v", c.v, got, err, c.want)
		}
	}
	for _, v := range []any{map[string]any{}, []any{[]any{}}} {
		if got, err := ConvertProperty(v); err == nil || got != nil {
			t.Errorf("%#v: %#v, %v", v, got, err)
		}
	}
}

func TestList(t *testing.T) {
	if got, err := RefList.List([]string{"A:b/C"}, lowerCase{}); err != nil || !reflect.DeepEqual(got, []string{"a:b/c"}) {
		t.Error(got, err)
	}
	for _, ft := range []FieldType{Text, Seconds, Number, RefField, Properties} {
		if got, err := ft.List([]string{"a"}, nil); err == nil || got != nil {
			t.Errorf("type %d takes a list: %v", ft, got)
		}
	}
}
