package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span written with its unit, as 30s, 5m, 1h30m or 7d. A day is 24
// hours. It is never negative.
type Duration time.Duration

// day is what the standard library has no unit for.
const day = 24 * time.Hour

var (
	bareNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	inDays     = regexp.MustCompile(`^([0-9]{1,6})d([0-9].*)?$`)
)

// D is the duration as the standard library has it.
func (v Duration) D() time.Duration { return time.Duration(v) }

// String is the notation of the file.
func (v Duration) String() string {
	if days := time.Duration(v) / day; days > 0 && time.Duration(v)%day == 0 {
		return strconv.Itoa(int(days)) + "d"
	}
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
		return valueError{"not a duration: the unit is missing",
			fmt.Sprintf("write %[1]ss for seconds, %[1]sm for minutes or %[1]sd for days", s)}
	}
	if m := inDays.FindStringSubmatch(s); m != nil {
		days, _ := strconv.Atoi(m[1]) // at most six digits
		s = strconv.Itoa(24*days) + "h" + m[2]
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return valueError{"not a duration", "write a number with its unit: 500ms, 30s, 5m, 1h, 7d"}
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
