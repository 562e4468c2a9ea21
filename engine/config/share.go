package config

import (
	"strconv"
	"strings"
)

// Share is a part of a whole between 0 and 1, written in per cent: 20%.
type Share float64

// Of is how many of n the share is, rounded down.
func (v Share) Of(n int) int { return int(float64(n)*float64(v) + 1e-9) }

// String is the notation of the file.
func (v Share) String() string {
	return strconv.FormatFloat(round(float64(v)*100), 'f', -1, 64) + "%"
}

// round takes the noise of the division by 100 away.
func round(f float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 12, 64), 64)
	return rounded
}

// MarshalText is String.
func (v Share) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the notation of the file.
func (v *Share) UnmarshalText(text []byte) error {
	s, percent := strings.CutSuffix(string(text), "%")
	number, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	switch {
	case err != nil || !bareNumber.MatchString(strings.TrimSpace(s)):
		return valueError{"not a share", "write a percentage from 0% to 100%"}
	case !percent && number <= 1:
		return valueError{"not a share: the % is missing", "write " + Share(number).String()}
	case !percent:
		return valueError{"not a share: the % is missing", "write " + s + "%"}
	case number > 100:
		return valueError{"not a share: it is more than 100%", "write a percentage from 0% to 100%"}
	}
	*v = Share(number / 100)
	return nil
}
