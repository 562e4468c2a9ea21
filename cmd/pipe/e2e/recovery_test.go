package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// remembered are the files of the state folder.
func (s *schedule) remembered() map[string][]byte {
	dir := filepath.Join(s.world.env["XDG_STATE_HOME"], "pipe")
	files, err := os.ReadDir(dir)
	if err != nil {
		s.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			s.Fatal(err)
		}
		out[filepath.Join(dir, f.Name())] = b
	}
	return out
}

// forget sometimes moves the last run to another machine: the state is that of before the
// run under faults, or there is none. It returns true if there is none.
func (s *schedule) forget(before map[string][]byte) (lost, restored bool) {
	n := s.rand.IntN(10)
	if n > 3 {
		return false, false
	}
	dir := filepath.Join(s.world.env["XDG_STATE_HOME"], "pipe")
	if err := os.RemoveAll(dir); err != nil {
		s.Fatal(err)
	}
	if n > 1 {
		s.tell("the state is lost")
		return true, false
	}
	s.tell("the state is that of before")
	if err := os.Mkdir(dir, 0o700); err != nil {
		s.Fatal(err)
	}
	for path, b := range before {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			s.Fatal(err)
		}
	}
	return false, true
}

// offered are the flags that a refused run names.
var offered = regexp.MustCompile(`--(approve|discard-upload) ([^\s;)]+)`)

// recover runs the next nights without faults; a person approves what the guards require.
// Then the index equals the catalog.
func (s *schedule) recover(now *firm, lost, restored, paused bool) {
	s.Helper()
	var flags []string
	if restored { // it does not know what single requests have sent since
		flags = append(flags, "--full")
	}
	for round := 1; ; round++ {
		paused = paused ||
			slices.ContainsFunc(s.world.index().Uploads, func(u gleansandbox.Upload) bool { return u.Paused > 0 })
		o := s.do(s.Context(), flags...)
		s.books(o)
		switch {
		case o.code == int(job.Done) || o.code == int(job.Rejected):
			s.outcomes.add(fmt.Sprintf("well again in %d", round))
			s.equal("in the end", now.index(), o)
			if left := s.world.index().Unfinished(); len(left) > 0 {
				s.wrong("%d uploads are not finished: %+v", len(left), left)
			}
			return
		case round == 8:
			s.wrong("it does not recover")
			return
		case o.code == int(job.Refused), o.code == int(job.Held):
			given := offered.FindAllStringSubmatch(o.stderr, -1)
			if len(given) == 0 {
				s.wrong("exit %d, and nothing is offered", o.code)
				return
			}
			for _, g := range given {
				s.outcomes.add("needed --" + g[1])
				flags = append(flags, "--"+g[1], g[2])
			}
		// Glean may rightly have paused
		case o.code == int(job.Unconfirmed) && (lost || paused || s.rules.VisibleBeforeLastPage):
			s.outcomes.add("paused")
		default:
			s.wrong("the run after: exit %d", o.code)
			return
		}
	}
}
