package gcpace

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

func TestPercent(t *testing.T) {
	const mb = 1 << 20
	for name, tc := range map[string]struct {
		floor, live, roots uint64
		want               int
	}{
		"nothing is live":                 {48 * mb, 0, 0, most},
		"a little is live":                {48 * mb, 1 * mb, 0, most},
		"half of the floor":               {48 * mb, 24 * mb, 0, 100},
		"half of the floor, with roots":   {48 * mb, 24 * mb, 24 * mb, 50},
		"two thirds of the floor":         {48 * mb, 32 * mb, 0, growth},
		"all of a floor that is lower":    {16 * mb, 32 * mb, 0, growth},
		"more than the floor":             {48 * mb, 50 * mb, 0, 32},
		"much more than the floor":        {48 * mb, 480 * mb, 0, growth / 2},
		"roots that are as large as that": {48 * mb, 480 * mb, 4800 * mb, growth / 2},
	} {
		if got := percentOf(tc.floor, tc.live, tc.roots); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

// TestPace: a process that makes 200 MB of garbage has few collections with a floor, and
// many with only GOGC=50.
func TestPace(t *testing.T) {
	const variable = "PIPE_TEST_PACE"
	if mode := os.Getenv(variable); mode != "" {
		if mode == "paced" {
			Pace(64 << 20)
		}
		for range 200 {
			keep = make([]byte, 1<<20)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		print(m.NumGC)
		return
	}
	collections := func(mode string) int {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestPace$")
		cmd.Env = append(os.Environ(), variable+"="+mode, "GOGC=50")
		var errors strings.Builder
		cmd.Stderr = &errors
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, c := range errors.String() {
			if c < '0' || c > '9' {
				t.Fatalf("%q", errors.String())
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	if paced, free := collections("paced"), collections("free"); paced*4 > free {
		t.Errorf("%d collections with a floor, %d without", paced, free)
	}
}

var keep []byte
