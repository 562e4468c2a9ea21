package config

import (
	"regexp"
	"strings"
	"time"
)

// Duration is a time span written with its unit, as 30s, 5m or 1h30m. It is
// never negative.
type Duration time.Duration

var bareNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// D is the duration as the standard library has it.
func (v Duration) D() time.Duration { return time.Duration(v) }

// String is the notation of the file.
func (v Duration) String() string {
	s := time.Duration(v).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText is String.
func (v Duration) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the notation of the file.
func (v *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if bareNumber.MatchString(s) && s != "0" {
		return valueError{"not a duration: the unit is missing", "write " + s + "s for seconds or " + s + "m for minutes"}
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return valueError{"not a duration", "write a number with its unit: 500ms, 30s, 5m, 1h"}
	}
	if parsed < 0 {
		return valueError{"not a duration: it is negative", "write a duration of 0s or more"}
	}
	*v = Duration(parsed)
	return nil
}

// valueError is why a text is not a value of a type, and what to write instead.
type valueError struct{ message, hint string }

func (e valueError) Error() string { return e.message }
