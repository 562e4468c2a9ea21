package cli

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/read"
)

// TestTally: the line of a tally has the kinds with estimates, rate and time left while it
// reads, the streams while it sends, and the true numbers at the end.
func TestTally(t *testing.T) {
	now := time.Unix(0, 0)
	tally := newTally(func() time.Time { return now })
	check := func(want string) {
		t.Helper()
		if got := tally.plain(); got != want {
			t.Errorf("%s, want\n%s", got, want)
		}
	}
	check("read 0 records")
	now = now.Add(500 * time.Millisecond)
	tally.kindsRead([]read.KindRead{{Kind: "User", Read: 30, Estimate: 30}})
	check("read 30 records · User 30")
	now = now.Add(2 * time.Second)
	tally.kindsRead([]read.KindRead{{Kind: "User", Read: 30, Estimate: 30}, {Kind: "API", Read: 400, Estimate: 13_000},
		{Kind: "Domain", Read: 2}})
	check("read 432 records · User 30 · API 400 of about 13,000 (200/s, 1 min left) · Domain 2 (1/s)")
	if got := jsonText(tally.json()); got != `{"kinds":{"API":{"estimate":13000,"read":400},"Domain":{"read":2},`+
		`"User":{"estimate":30,"read":30}},"read":432}` {
		t.Error(got)
	}
	now = now.Add(time.Minute)
	tally.kindsRead([]read.KindRead{{Kind: "User", Read: 30, Estimate: 30}, {Kind: "API", Read: 13_100, Estimate: 13_000},
		{Kind: "Domain", Read: 3, Estimate: 4}})
	tally.reviewed([]component.StreamPlan{{Name: "users", Count: 20}, {Name: "documents", Count: 9_000}})
	check("read 13,133 records · users 0 of 20 · documents 0 of 9,000")
	if kinds, _, _ := tally.counts(); kinds[2].String() != "3" { // what was read, without the estimate
		t.Errorf("%s", kinds[2])
	}
	now = now.Add(2 * time.Second)
	tally.sent("users", 20)
	now = now.Add(4 * time.Second)
	tally.sent("documents", 1_000)
	check("read 13,133 records · users 20 of 20 · documents 1,000 of 9,000 (250/s, 32 s left)")
	tally.sent("documents", 8_000)
	check("read 13,133 records · users 20 of 20 · documents 9,000 of 9,000")
}

func TestTimeLeft(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "1 s", 59 * time.Second: "59 s", 89 * time.Second: "1 min",
		59*time.Minute + 40*time.Second: "60 min", 2*time.Hour + 5*time.Minute: "2 h 5 min"} {
		if got := timeLeft(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

// TestTicker: a ticker prints a line every five seconds in which something changed, one when
// reading is done, what is waited for once, and the true numbers at the end.
func TestTicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		tally := newTally(time.Now)
		tick := newTicker(false, tally, tally.plain, waitingFor, func(line string) { lines = append(lines, line) })
		tick.Read([]read.KindRead{{Kind: "User", Read: 10, Estimate: 30}})
		time.Sleep(6 * time.Second)
		tick.Read([]read.KindRead{{Kind: "User", Read: 30, Estimate: 30}})
		tick.Reviewed([]component.StreamPlan{{Name: "users", Count: 30}})
		time.Sleep(20 * time.Second)
		tick.Sent("users", 30)
		tick.Waiting([]string{"users (uploaded)"})
		tick.Waiting([]string{"users (uploaded)"})
		tick.end()
		want := `read 10 records · User 10 of about 30
read 30 records · users 0 of 30
read 30 records · users 30 of 30
waiting for Glean to process users (uploaded); stopping is safe`
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	})
}
