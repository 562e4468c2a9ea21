package output

import "time"

// maxLines is how many lines of one plugin are logged in a second.
const maxLines = 100

// limiter counts the lines of a plugin. It needs a clock and is ready then.
type limiter struct {
	now     func() time.Time
	began   time.Time // the second that is counted
	lines   int
	dropped int
}

// take reports whether a line may be logged now. After a second with dropped lines, it also
// returns their number, once.
func (l *limiter) take() (ok bool, dropped int) {
	if now := l.now(); now.Sub(l.began) >= time.Second || now.Before(l.began) {
		dropped = l.settle()
		l.began, l.lines = now, 0
	}
	if l.lines++; l.lines > maxLines {
		l.dropped++
		return false, dropped
	}
	return true, dropped
}

// settle returns how many lines were dropped and not reported yet.
func (l *limiter) settle() int {
	n := l.dropped
	l.dropped = 0
	return n
}
