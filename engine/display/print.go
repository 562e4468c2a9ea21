package display

import (
	"fmt"
	"io"
	"reflect"
)

// Block is text with a layout: its values are already escaped, and its line breaks are
// intended.
type Block string

// Fprintf is fmt.Fprintf that escapes each argument with Short.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	return fmt.Fprintf(w, format, escaped(args)...)
}

// Fprintln is fmt.Fprintln that escapes each argument with Short.
func Fprintln(w io.Writer, args ...any) (int, error) {
	return fmt.Fprintln(w, escaped(args)...)
}

// Fprint is fmt.Fprint that escapes each argument with Short.
func Fprint(w io.Writer, args ...any) (int, error) {
	return fmt.Fprint(w, escaped(args)...)
}

// Sprintf is fmt.Sprintf that escapes each argument with Short.
func Sprintf(format string, args ...any) string {
	return fmt.Sprintf(format, escaped(args)...)
}

func escaped(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		out[i] = value(arg)
	}
	return out
}

// value returns an argument with its text escaped; numbers are unchanged.
func value(arg any) any {
	switch v := arg.(type) {
	case nil, bool, int, int64, float64:
		return arg
	case Block:
		return string(v)
	case string:
		return Short(v, MaxValue)
	case []string:
		out := make([]string, len(v))
		for i, s := range v {
			out[i] = Short(s, MaxValue)
		}
		return out
	case []byte:
		return Short(string(v), MaxValue)
	case error, fmt.Stringer:
		return Short(fmt.Sprint(v), MaxValue)
	}
	switch v := reflect.ValueOf(arg); v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32:
		return arg
	}
	return Short(fmt.Sprint(arg), MaxValue)
}
