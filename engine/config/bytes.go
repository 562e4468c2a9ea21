package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Bytes is a size written with its unit, as 4MiB or 500KB; 0 needs none.
type Bytes int64

var sizePattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]*)$`)

// unit gives the bytes of a unit in lower case, 0 for an unknown one.
func unit(name string) float64 {
	switch name {
	case "b":
		return 1
	case "kb":
		return 1e3
	case "mb":
		return 1e6
	case "gb":
		return 1e9
	case "kib":
		return 1 << 10
	case "mib":
		return 1 << 20
	case "gib":
		return 1 << 30
	}
	return 0
}

// String is the size in the largest unit that needs no fraction.
func (v Bytes) String() string {
	if v == 0 {
		return "0"
	}
	for _, name := range []string{"GiB", "GB", "MiB", "MB", "KiB", "KB"} {
		if size := Bytes(unit(strings.ToLower(name))); v%size == 0 {
			return fmt.Sprintf("%d%s", v/size, name)
		}
	}
	return fmt.Sprintf("%dB", int64(v))
}

// MarshalText is String.
func (v Bytes) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the notation of the file.
func (v *Bytes) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*v = 0
		return nil
	}
	m := sizePattern.FindStringSubmatch(string(text))
	if m == nil {
		return valueError{"not a size", "write a number with its unit: 4MiB, 500KB, or 0"}
	}
	if m[2] == "" {
		return valueError{"not a size: the unit is missing",
			"write " + m[1] + "B for bytes, or use KB, KiB, MB, MiB, GB, GiB"}
	}
	size := unit(strings.ToLower(m[2]))
	number, err := strconv.ParseFloat(m[1], 64)
	if size == 0 || err != nil {
		return valueError{"not a size: the unit is unknown", "use B, KB, KiB, MB, MiB, GB or GiB"}
	}
	if number*size >= math.MaxInt64 {
		return valueError{"not a size: it is too large", "write a size below 8 EiB"}
	}
	*v = Bytes(number * size)
	return nil
}
