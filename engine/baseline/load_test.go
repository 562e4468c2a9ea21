package baseline

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// sealed returns the text of a state file with its end line.
func sealed(lines string) string {
	return lines + fmt.Sprintf("end\t%d\t%x\n", strings.Count(lines, "\ne\t"), sha256.Sum256([]byte(lines)))
}

// loads fails the test unless Load reports a condition and leaves the file unchanged.
func loads(t *testing.T, s *Store, name, text string, want Condition, problem string) {
	t.Helper()
	if err := os.WriteFile(s.path(".state"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := s.Load()
	if err != nil || b.Condition != want || !strings.Contains(b.Problem, problem) ||
		(b.Snapshot != nil) != (want == Intact) {
		t.Errorf("%s: %+v, %v", name, b, err)
	}
	if b.Snapshot != nil {
		b.Close()
	}
	if left, err := os.ReadFile(s.path(".state")); err != nil || string(left) != text {
		t.Errorf("%s: Load changed the file: %v", name, err)
	}
}

func TestLoadDamaged(t *testing.T) {
	s := open(t, t.TempDir())
	save(t, s, entries...)
	b, err := os.ReadFile(s.path(".state"))
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	lines := strings.SplitAfter(good, "\n")
	for name, text := range map[string]string{
		"empty":              "",
		"another kind":       "hello\n",
		"cut in half":        good[:len(good)/2],
		"without its end":    strings.Join(lines[:len(lines)-2], ""),
		"without an entry":   strings.Join(append(append([]string{}, lines[:2]...), lines[3:]...), ""),
		"with an appendix":   good + "e\n",
		"version changed":    strings.Replace(good, fmt.Sprintf(`"version":%d`, version), `"version":4`, 1),
		"another place":      strings.Replace(good, "backstage", "elsewhere", 1),
		"audience changed":   strings.Replace(good, "listed", "all-users", 1),
		"version zero":       sealed(fmt.Sprintf("pipe-state\t{\"version\":0,\"place\":%q}\n", place)),
		"header not JSON":    sealed("pipe-state\t{\n"),
		"entry unreadable":   sealed(fmt.Sprintf("pipe-state\t{\"version\":2,\"place\":%q}\ne\tdocuments\n", place)),
		"of another place":   sealed(fmt.Sprintf("pipe-state\t{\"version\":2,\"place\":%q}\n", place+"-2")),
		"newer of elsewhere": sealed(fmt.Sprintf("pipe-state\t{\"version\":4,\"place\":%q}\n", place+"-2")),
	} {
		loads(t, s, name, text, Damaged, "it")
	}
	for i := range good {
		if i%7 == 0 {
			flipped := []byte(good)
			flipped[i] ^= 1
			loads(t, s, fmt.Sprint("a bit at ", i), string(flipped), Damaged, "it")
		}
	}
}

func TestLoadNewer(t *testing.T) {
	s := open(t, t.TempDir())
	text := sealed(fmt.Sprintf("pipe-state\t{\"version\":7,\"place\":%q,\"run\":[1]}\nx\tof a later format\n", place))
	loads(t, s, "newer", text, Newer, "its format is 7, but this version of pipe reads up to 3")
	loads(t, s, "newer with entries",
		sealed(fmt.Sprintf("pipe-state\t{\"version\":7,\"place\":%q}\ne\tof a later format\n", place)), Newer,
		"its format is 7")
	loads(t, s, "newer and cut", text[:len(text)-9], Damaged, "checksum")
}

// TestLoadVersion1: version 1 has no owner id, and is otherwise the same.
func TestLoadVersion1(t *testing.T) {
	s := open(t, t.TempDir())
	text := sealed(fmt.Sprintf("pipe-state\t{\"version\":1,\"place\":%q,\"pipeline\":\"backstage\",\"run\":\"01R\","+
		"\"finished\":\"1970-01-01T00:00:01Z\",\"fingerprint\":\"\",\"streams\":{\"documents\":2}}\n"+
		"n\t5 6\ne\tdocuments\tComponent\tcomponent\tlisted\t\t0\t3\t4\tcomponent:default/a\n", place))
	loads(t, s, "version 1", text, Intact, "")
	if got := load(t, s); !reflect.DeepEqual(got, entries[1:2]) {
		t.Errorf("got %+v", got)
	}
}

// TestLoadIrregular: anything but a regular file is an error at once.
func TestLoadIrregular(t *testing.T) {
	for suffix, records := range map[string]func(*Store) error{
		".state":  func(s *Store) error { _, err := s.Load(); return err },
		".owner":  func(s *Store) error { _, _, err := s.Owner(); return err },
		".hidden": func(s *Store) error { _, err := s.Hidden(); return err },
		".lock": func(s *Store) error {
			l, err := s.Lock("01A")
			if l != nil {
				l.Release()
			}
			return err
		},
	} {
		for kind, put := range map[string]func(path string) error{
			"a FIFO":      makeFIFO,
			"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
			"a symlink":   func(path string) error { return os.Symlink(path+".gone", path) },
			"a device":    func(path string) error { return os.Symlink("/dev/zero", path) },
		} {
			if suffix == ".lock" && kind == "a symlink" { // the lock file is created at its target
				continue
			}
			s := open(t, t.TempDir())
			if err := put(s.path(suffix)); err != nil {
				t.Skipf("the temporary folder cannot hold %s: %v", kind, err)
			}
			done := make(chan error, 1)
			go func() { done <- records(s) }()
			select {
			case err := <-done:
				if err == nil || !strings.Contains(err.Error(), kind) {
					t.Errorf("%s is %s: %v", suffix, kind, err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s is %s: it hangs", suffix, kind)
			}
		}
	}
}

// TestLoadSymlink: a symlink to a regular file is read.
func TestLoadSymlink(t *testing.T) {
	s := open(t, t.TempDir())
	save(t, s, entries...)
	elsewhere := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(s.path(".state"), elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, s.path(".state")); err != nil {
		t.Skipf("the temporary folder cannot hold a symlink: %v", err)
	}
	if got := load(t, s); !reflect.DeepEqual(got, entries) {
		t.Errorf("got %+v", got)
	}
}

// TestLoadUnreadable: a file with a correct checksum and invalid lines is damaged.
func TestLoadUnreadable(t *testing.T) {
	s := open(t, t.TempDir())
	header := fmt.Sprintf("pipe-state\t{\"version\":2,\"place\":%q}\nn\t5 6\n", place)
	for _, tc := range []struct {
		name, entry string
		want        Condition
	}{
		{"whole", "e\tdocuments\tComponent\tcomponent\tlisted\t1\t0\t3\t4\tcomponent:default/a\n", Intact},
		{"no names, not away", "e\tdocuments\tComponent\tcomponent\tlisted\t\t\t3\t4\tcomponent:default/a\n", Intact},
		{"names", "n\t5 x\n", Damaged},
		{"an escaped word", "e\tdoc\\zzuments\tComponent\tcomponent\tlisted\t1\t0\t3\t4\tcomponent:default/a\n", Damaged},
		{"away", "e\tdocuments\tComponent\tcomponent\tlisted\tx\t0\t3\t4\tcomponent:default/a\n", Damaged},
		{"no number of names", "e\tdocuments\tComponent\tcomponent\tlisted\t1\tx\t3\t4\tcomponent:default/a\n", Damaged},
		{"too low a number of names", "e\tdocuments\tComponent\tcomponent\tlisted\t1\t-1\t3\t4\tcomponent:default/a\n",
			Damaged},
		{"too high a number of names", "e\tdocuments\tComponent\tcomponent\tlisted\t1\t1\t3\t4\tcomponent:default/a\n",
			Damaged},
		{"id", "e\tdocuments\tComponent\tcomponent\tlisted\t1\t0\tx\t4\tcomponent:default/a\n", Damaged},
		{"content", "e\tdocuments\tComponent\tcomponent\tlisted\t1\t0\t3\tx\tcomponent:default/a\n", Damaged},
		{"an escaped ref", "e\tdocuments\tComponent\tcomponent\tlisted\t1\t0\t3\t4\ta\\0\n", Damaged},
	} {
		loads(t, s, tc.name, sealed(header+tc.entry), tc.want, "")
	}
	lines := header + "e\tdocuments\tComponent\tcomponent\tlisted\t1\t0\t3\t4\tcomponent:default/a\n"
	loads(t, s, "another number of entries", lines+"end\t2\t"+checksum([]byte(lines))+"\n", Damaged, "checksum")
}

// TestEntriesChanged: a file that is changed after it was loaded gives an error when its
// entries are read.
func TestEntriesChanged(t *testing.T) {
	s := open(t, t.TempDir())
	save(t, s, entries...)
	base, err := s.Load()
	if err != nil || base.Condition != Intact {
		t.Fatalf("%+v, %v", base, err)
	}
	defer base.Close()
	if err := os.WriteFile(s.path(".state"), []byte("pipe-state\t{}\ne\tcut\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range base.Entries() {
		if n++; err == nil {
			t.Error("an entry that cannot be read was passed over")
		}
	}
	if n != 1 {
		t.Errorf("%d entries or errors", n)
	}
}

// TestWrongCount: a baseline with a correct checksum and a wrong number of entries is damaged;
// a newer format may count differently.
func TestWrongCount(t *testing.T) {
	for v, want := range map[int]Condition{version: Damaged, version + 1: Newer} {
		s := open(t, t.TempDir())
		head := fmt.Sprintf("%s\t{\"version\":%d,\"place\":%q}\n", lineHeader, v, place)
		if err := os.WriteFile(s.path(".state"),
			fmt.Appendf(nil, "%s%s\t7\t%x\n", head, lineEnd, sha256.Sum256([]byte(head))), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := s.Load(); b.Condition != want || err != nil {
			t.Errorf("version %d: %v, %v", v, b.Condition, err)
		}
	}
}
