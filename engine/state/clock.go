package state

import "time"

// Passed reports whether a time has come by one of the two clocks of this machine: that of the wall can be
// set, and the other one, which time.Now reads as well, stops while the machine is suspended.
func Passed(until time.Time) bool {
	now := time.Now()
	return !now.Before(until) || !now.Round(0).Before(until.Round(0))
}
