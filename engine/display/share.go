package display

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Percent formats a share with at most two decimals.
func Percent(share float64) string {
	if share < 0.0995 {
		return strconv.FormatFloat(math.Round(share*1e4)/100, 'f', -1, 64) + " %"
	}
	return fmt.Sprintf("%.0f %%", share*100)
}

// Time formats a time in the local zone, to the minute.
func Time(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// Second formats a time to the second; the zero time as "at an unknown time".
func Second(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
