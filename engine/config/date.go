package config

import "time"

// Date is a calendar day, written as 2027-01-31; "" is none.
type Date string

// Time is the beginning of the day in UTC, the zero time for no date.
func (d Date) Time() time.Time {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return time.Time{}
	}
	return t
}

// String is the notation of the file.
func (d Date) String() string { return string(d) }

// MarshalText is the notation of the file.
func (d Date) MarshalText() ([]byte, error) { return []byte(d), nil }

// UnmarshalText reads the notation of the file.
func (d *Date) UnmarshalText(text []byte) error {
	if _, err := time.Parse(time.DateOnly, string(text)); err != nil {
		return valueError{"not a date", "write year, month and day, as 2027-01-31"}
	}
	*d = Date(text)
	return nil
}
